package analysis

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// A phone in the hand sways, and with it everything that hangs on where the
// lifter is in the picture and which way is up: depth by the hips' height, the
// bar's path, standing still, thigh and trunk from the vertical. So a moving
// camera's recording is put as one would have seen it that stood still, by the
// room behind the lifter.
//
// The room is further away than the lifter. A camera that turns moves both
// alike in the picture; one that is carried moves the lifter more than the room,
// and that part stays.

const (
	// unsureShare is the standard deviation of where the camera puts the lifter
	// from which it is not believed, trunk lengths: joints are no better.
	unsureShare = 0.02
	// seenShare is the share of the frames in which the room has to be seen.
	seenShare = 0.5
	// A camera counts as moving when the lifter was put elsewhere by more than
	// sureSDs standard deviations, and by stillShare trunk lengths: less changes
	// nothing beside what joints are uncertain by. Over clips from tripods it is
	// 0.023 at most. Most is the quantile of frames that says so.
	stillShare = 0.03
	sureSDs    = 3
	most       = 0.98
)

// steadied is a recording as a camera saw it that stood still.
type steadied struct {
	*recording.Recording
	// views are how the real camera stood, frame by frame; nil where it stood
	// still, and the recording is the real one's own.
	views []recording.View
	moved float64 // how far the lifter was put elsewhere by it, pixels
}

// steady takes the camera's movement out of rec.
func steady(rec *recording.Recording) steadied {
	still := steadied{Recording: rec}
	trunk := typicalTrunk(rec)
	views, sd := surelySeen(rec, unsureShare*trunk)
	if views == nil {
		return still
	}
	usual := middle(views)
	for i := range views {
		views[i] = views[i].From(usual)
	}
	var shifts []float64
	for i := range rec.Frames {
		if f := &rec.Frames[i]; f.Seen() {
			shifts = append(shifts, max(shift(f, views[i], recording.LeftHip), shift(f, views[i], recording.LeftAnkle)))
		}
	}
	moved := signal.Quantile(shifts, most)
	if !(moved > max(stillShare*trunk, sureSDs*sd)) {
		return still
	}
	out := *rec
	out.Frames = make([]recording.Frame, len(rec.Frames))
	for i := range out.Frames {
		out.Frames[i] = through(rec.Frames[i], views[i])
	}
	return steadied{Recording: &out, views: views, moved: moved}
}

// inPicture is where a place of the steadied frame i is in the picture.
func (s steadied) inPicture(i int, p recording.Point) recording.Point {
	if s.views == nil {
		return p
	}
	return s.views[i].Undo(p)
}

// drawn is a curve of the steadied frame i in the picture.
func (s steadied) drawn(i int, curve []recording.Point) []recording.Point {
	for k, p := range curve {
		curve[k] = s.inPicture(i, p)
	}
	return curve
}

func typicalTrunk(rec *recording.Recording) float64 {
	var lengths []float64
	for i := range rec.Frames {
		if _, l := rec.Frames[i].Trunk.Normal(recording.Left); l > 0 {
			lengths = append(lengths, l)
		}
	}
	return signal.Median(lengths)
}

// surelySeen are the frames' views, interpolated over those in which the room
// is not seen as surely as least, with their usual standard deviation; nil where
// too few frames show the room.
func surelySeen(rec *recording.Recording, least float64) (views []recording.View, sd float64) {
	n := len(rec.Frames)
	times, sds := make([]float64, n), make([]float64, 0, n)
	columns := [4][]float64{}
	for c := range columns {
		columns[c] = make([]float64, n)
	}
	lifter := 0
	for i := range rec.Frames {
		f := &rec.Frames[i]
		times[i] = f.Time
		v := f.View
		if f.Seen() {
			lifter++
		}
		if v.Known() && v.SD <= least {
			sds = append(sds, v.SD)
		} else {
			v = recording.NoView()
		}
		columns[0][i], columns[1][i], columns[2][i], columns[3][i] = v.X, v.Y, v.Turn, v.Zoom
	}
	if len(sds) == 0 || float64(len(sds)) < seenShare*float64(lifter) {
		return nil, math.NaN()
	}
	for _, c := range columns {
		signal.Extend(c, times)
	}
	views = make([]recording.View, n)
	for i := range views {
		views[i] = recording.View{X: columns[0][i], Y: columns[1][i], Turn: columns[2][i], Zoom: columns[3][i]}
	}
	return views, signal.Median(sds)
}

// middle is where the camera stood most of the time.
func middle(views []recording.View) recording.View {
	of := func(value func(v *recording.View) float64) float64 {
		all := make([]float64, len(views))
		for i := range views {
			all[i] = value(&views[i])
		}
		return signal.Median(all)
	}
	return recording.View{
		X:    of(func(v *recording.View) float64 { return v.X }),
		Y:    of(func(v *recording.View) float64 { return v.Y }),
		Turn: of(func(v *recording.View) float64 { return v.Turn }),
		Zoom: of(func(v *recording.View) float64 { return v.Zoom }),
	}
}

// shift is how far the view puts the middle of a left landmark and its right one.
func shift(f *recording.Frame, v recording.View, left recording.Landmark) float64 {
	l, r := f.Landmarks[left], f.Landmarks[left+1]
	p := recording.Point{X: (l.X + r.X) / 2, Y: (l.Y + r.Y) / 2}
	q := v.Apply(p)
	return math.Hypot(q.X-p.X, q.Y-p.Y)
}

// through is the frame as seen through a view.
func through(f recording.Frame, v recording.View) recording.Frame {
	for i := range f.Landmarks {
		k := &f.Landmarks[i]
		p := v.Apply(recording.Point{X: k.X, Y: k.Y})
		k.X, k.Y, k.Z = p.X, p.Y, v.Zoom*k.Z
	}
	t := &f.Trunk
	t.SeatY = v.Apply(recording.Point{X: t.Hip.X, Y: t.SeatY}).Y
	t.Hip, t.Shoulder = v.Apply(t.Hip), v.Apply(t.Shoulder)
	t.Left, t.Right = scaled(t.Left, v.Zoom), scaled(t.Right, v.Zoom)
	d := &f.Plate
	c := v.Apply(recording.Point{X: d.X, Y: d.Y})
	d.X, d.Y, d.RX, d.RY = c.X, c.Y, v.Zoom*d.RX, v.Zoom*d.RY
	return f
}

// scaled is an edge in a picture of another scale.
func scaled(e recording.Edge, by float64) recording.Edge {
	if e == nil {
		return nil
	}
	out := make(recording.Edge, len(e))
	for i, s := range e {
		out[i] = recording.Sample{Offset: by * s.Offset, SD: by * s.SD, Occluder: s.Occluder}
	}
	return out
}
