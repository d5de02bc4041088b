package export

import (
	"math"
	"sort"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// maxGap is the longest time without a value that is bridged, seconds.
const maxGap = 0.1

// grid is an analysis at a constant rate.
type grid struct {
	a     *analysis.Analysis
	rate  float64   // Hz
	times []float64 // of the grid, seconds of the clip

	frames  []float64 // times of the analysed frames
	nearest []int     // the analysed frame nearest to each time
}

// Rate is the constant rate of what is exported, Hz: that of the analysed
// frames, whole where it is within half a per cent of a whole number.
func Rate(a *analysis.Analysis) float64 {
	t := make([]float64, len(a.Frames))
	for i := range t {
		t[i] = a.Frames[i].Time
	}
	r := signal.Rate(t)
	if whole := math.Round(r); whole > 0 && math.Abs(r-whole) < 0.005*whole {
		return whole
	}
	return math.Round(100*r) / 100
}

func newGrid(a *analysis.Analysis) (*grid, error) {
	n := len(a.Frames)
	if n < 2 || !(a.Frames[n-1].Time > a.Frames[0].Time) {
		return nil, ErrNoFrames
	}
	g := &grid{a: a, rate: Rate(a), frames: make([]float64, n)}
	for i := range g.frames {
		g.frames[i] = a.Frames[i].Time
	}
	// A hair beyond the last frame still counts as on it.
	length := a.Frames[n-1].Time - a.Frames[0].Time
	g.times = make([]float64, 1+int(length*g.rate+1e-6))
	g.nearest = make([]int, len(g.times))
	for i := range g.times {
		t := a.Frames[0].Time + float64(i)/g.rate
		g.times[i] = t
		k := min(sort.SearchFloat64s(g.frames, t), n-1)
		if k > 0 && t-g.frames[k-1] < g.frames[k]-t {
			k--
		}
		g.nearest[i] = k
	}
	return g, nil
}

// series is a value of the frames on the grid.
func (g *grid) series(value func(*analysis.Frame) float64) []float64 {
	x := make([]float64, len(g.frames))
	for i := range x {
		x[i] = value(&g.a.Frames[i])
	}
	out := signal.Resample(nil, g.frames, x, g.times)
	for i, t := range g.times {
		// Resample bridges what lies between two frames, however far apart.
		if k := sort.SearchFloat64s(g.frames, t); k > 0 && k < len(g.frames) && g.frames[k] > t && g.frames[k]-g.frames[k-1] > max(maxGap, 1.5/g.rate) {
			out[i] = math.NaN()
		}
	}
	return out
}

// track is a position on the grid.
type track struct {
	name string
	x, y []float64
}

func (g *grid) track(name string, at func(*analysis.Frame) recording.Point) track {
	return track{
		name: name,
		x:    g.series(func(f *analysis.Frame) float64 { return at(f).X }),
		y:    g.series(func(f *analysis.Frame) float64 { return at(f).Y }),
	}
}

// body are the landmarks that are exported as markers; the face and the fingers
// say nothing about a lift.
var body = []recording.Landmark{
	recording.Nose, recording.LeftEar, recording.RightEar,
	recording.LeftShoulder, recording.RightShoulder, recording.LeftElbow, recording.RightElbow, recording.LeftWrist, recording.RightWrist,
	recording.LeftHip, recording.RightHip, recording.LeftKnee, recording.RightKnee, recording.LeftAnkle, recording.RightAnkle,
	recording.LeftHeel, recording.RightHeel, recording.LeftFootIndex, recording.RightFootIndex,
}

// markers are the landmarks and the ends of the lumbar curve in millimetres, y
// up from the floor.
func (g *grid) markers() []track {
	var tracks []track
	for _, l := range body {
		tracks = append(tracks, g.track(l.String(), func(f *analysis.Frame) recording.Point {
			return recording.Point{X: f.Landmarks[l].X, Y: f.Landmarks[l].Y}
		}))
	}
	end := func(last bool) func(*analysis.Frame) recording.Point {
		return func(f *analysis.Frame) recording.Point {
			switch n := len(f.Lumbar); {
			case n == 0:
				return recording.Point{X: math.NaN(), Y: math.NaN()}
			case last:
				return f.Lumbar[n-1]
			}
			return f.Lumbar[0]
		}
	}
	tracks = append(tracks, g.track("back_s2", end(false)), g.track("back_t10", end(true)))
	mm := 10 * g.a.Settings.StatureCM / g.a.Quality.PersonHeightPx
	forward := mm
	if g.a.Facing == lift.FacingLeft {
		forward = -mm
	}
	origin, floor := g.ground()
	for _, t := range tracks {
		for i := range t.x {
			t.x[i], t.y[i] = forward*(t.x[i]-origin), mm*(floor-t.y[i])
		}
	}
	return tracks
}

// standingPct is the hip height from which the lifter stands, per cent.
const standingPct = 95

// ground is where the ankles stand in the first frame that shows them, and the
// // floor: the median of the lowest point of the feet over the frames in which the
// lifter stands, since plates hide the feet at the bottom of a deadlift. Pixels.
func (g *grid) ground() (x, y float64) {
	x = math.NaN()
	var soles, standing []float64
	for i := range g.a.Frames {
		l := &g.a.Frames[i].Landmarks
		if math.IsNaN(x) {
			x = (l[recording.LeftAnkle].X + l[recording.RightAnkle].X) / 2
		}
		sole := max(l[recording.LeftHeel].Y, l[recording.RightHeel].Y, l[recording.LeftFootIndex].Y, l[recording.RightFootIndex].Y)
		soles = append(soles, sole)
		if g.a.Frames[i].HipHeightPct > standingPct {
			standing = append(standing, sole)
		}
	}
	if len(standing) > 0 {
		soles = standing
	}
	return x, signal.Median(soles)
}

// angle is a column of angles.
type angle struct {
	name   string
	values []float64
}

// angles are those of frames.csv under its names, without their unit.
func (g *grid) angles() []angle {
	type F = analysis.Frame
	return []angle{
		{"lumbar_flexion", g.series(func(f *F) float64 { return f.LumbarFlexion })},
		{"lumbar_flexion_sd", g.series(func(f *F) float64 { return f.LumbarFlexionSD })},
		{"lumbar_surface_angle", g.series(func(f *F) float64 { return f.LumbarAngle })},
		{"trunk_inclination", g.series(func(f *F) float64 { return f.TrunkDeg })},
		{"hip_flexion", g.series(func(f *F) float64 { return f.HipFlexion })},
		{"knee_flexion", g.series(func(f *F) float64 { return f.KneeFlexion })},
		{"thigh_inclination", g.series(func(f *F) float64 { return f.ThighDeg })},
	}
}
