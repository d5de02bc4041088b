package lift

import (
	"math"
	"sort"
	"sync"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// poses is the sagittal posture per frame, as if the lifter faced right.
type poses struct {
	shoulder, hip, kneeAt, ankle, wrist track     // picture positions
	hanging                             []float64 // shoulder–wrist distance and direction: 1 arm straight down, 0 not; NaN unknown
	trunk, hipFlexion, knee, thigh      []float64 // degrees
	hipHeight, shoulderHeight           []float64 // above the ankle, pixels at the clip's typical size
	handHeight                          []float64 // the same
	size                                []float64 // of the body in the picture over its typical size
	plate                               *track    // of the near plate's centre; nil if none is found
	lost                                []float64 // 0..1: the hip follows from the other joints
	arm                                 float64   // shoulder–wrist distance of the straight arm, pixels
}

func (b *body) poses(facing Facing) *poses {
	n := len(b.t)
	ahead := 1.0
	if facing == FacingLeft {
		ahead = -1
	}
	p := &poses{
		shoulder: newTrack(n), hip: newTrack(n), kneeAt: newTrack(n), wrist: newTrack(n),
		hanging: make([]float64, n), trunk: make([]float64, n), hipFlexion: make([]float64, n), knee: make([]float64, n), thigh: make([]float64, n),
		lost: make([]float64, n), hipHeight: make([]float64, n), shoulderHeight: make([]float64, n), handHeight: make([]float64, n),
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.ankle = b.planted() })
	for i := range n {
		p.shoulder.set(i, b.weighted(recording.LeftShoulder, i))
		p.wrist.set(i, b.weighted(recording.LeftWrist, i))
	}
	p.size, p.plate = b.size(), b.plate()
	wg.Wait()
	b.joints(p, ahead)
	for i := range n {
		s, h, k, a := p.shoulder.at(i), p.hip.at(i), p.kneeAt.at(i), p.ankle.at(i)
		trunk := degrees(math.Atan2(ahead*(s.X-h.X), h.Y-s.Y))
		thigh := degrees(math.Atan2(ahead*(k.X-h.X), k.Y-h.Y)) // from vertical, knee in front +
		shank := degrees(math.Atan2(ahead*(k.X-a.X), a.Y-k.Y)) // from vertical, knee in front +
		p.trunk[i] = trunk
		p.thigh[i] = 90 - thigh
		p.hipFlexion[i] = trunk + thigh
		p.knee[i] = thigh + shank
		scale := b.shot(i).scale
		p.hipHeight[i] = (a.Y - h.Y) / scale
		p.shoulderHeight[i] = (a.Y - s.Y) / scale
		p.handHeight[i] = (a.Y - p.wrist.y[i]) / scale
	}
	var arms []float64
	for i := range n {
		arms = append(arms, distance(p.shoulder.at(i), p.wrist.at(i))/b.shot(i).scale)
	}
	// A straight arm is 1.15 trunk lengths (Drillis & Contini: .186 + .146 of
	// stature against .288); the lifter's own is known only if it is ever straight.
	p.arm = min(max(signal.Quantile(arms, 0.8), 0.95*b.trunk), 1.3*b.trunk)
	for i := range n {
		p.hanging[i] = (p.wrist.y[i] - p.shoulder.y[i]) / (p.arm * b.shot(i).scale)
	}
	return p
}

func degrees(rad float64) float64 { return rad * 180 / math.Pi }

// The foot's place is taken from the nearSamples·rate sightings nearest in time in
// which an ankle was well seen, however long ago: a plate hides the ankles for as
// long as the lifter rests at the floor. Without surelySeen seconds of such
// sightings within farthest seconds, from all in plantedWindow seconds about.
const (
	nearSamples    = 3.0
	farthest       = 15.0
	plantedWindow  = 2.5
	surelySeen     = 0.7
	goodVisibility = 0.85
)

// planted is where the ankle of the planted foot is. The feet stand still in a
// lift while plates, bars and other shins hide the ankles for long stretches,
// and what the network then guesses lies higher, on the plate: so the low end of
// both ankles' heights in a window is the ankle, and frames near it give its x.
func (b *body) planted() track {
	out := newTrack(len(b.t))
	step := max(1, int(b.rate/6))
	for _, h := range b.shots {
		good := b.ankles(h.from, h.to, goodVisibility)
		last := h.from
		out.set(last, b.plantedAt(last, good))
		for last < h.to-1 {
			i := min(last+step, h.to-1)
			p, q := out.at(last), b.plantedAt(i, good)
			out.set(i, q)
			for k := last + 1; k < i; k++ {
				w := (b.t[k] - b.t[last]) / (b.t[i] - b.t[last])
				out.set(k, recording.Point{X: p.X + w*(q.X-p.X), Y: p.Y + w*(q.Y-p.Y)})
			}
			last = i
		}
	}
	return out
}

func (b *body) plantedAt(i int, good []sighting) recording.Point {
	seen := nearest(good, b.t[i], int(nearSamples*b.rate))
	if float64(len(seen)) < surelySeen*b.rate {
		from, to := b.near(i, plantedWindow)
		seen = b.ankles(from, to, minSeenJoint)
	}
	var xs, ys []float64
	for _, a := range seen {
		ys = append(ys, a.Y)
	}
	y := signal.Quantile(ys, 0.85)
	for _, a := range seen {
		if math.Abs(a.Y-y) < 0.08*b.leg {
			xs = append(xs, a.X)
		}
	}
	return recording.Point{X: signal.Median(xs), Y: y}
}

// sighting is a place and when it was seen.
type sighting struct {
	recording.Point
	time float64
}

// ankles are both ankles' landmarks in the frames from..to where at least that
// visible, in order of time.
func (b *body) ankles(from, to int, visibility float64) []sighting {
	var out []sighting
	for k := from; k < to; k++ {
		for _, l := range []recording.Landmark{recording.LeftAnkle, recording.RightAnkle} {
			if p := b.mark[l].at(k); b.vis[l][k] >= visibility && !math.IsNaN(p.X) {
				out = append(out, sighting{p, b.t[k]})
			}
		}
	}
	return out
}

// nearest are the at most n sightings nearest in time.
func nearest(all []sighting, when float64, n int) []sighting {
	to := sort.Search(len(all), func(i int) bool { return all[i].time > when })
	from := to
	for to-from < n {
		before, after := from > 0 && when-all[from-1].time <= farthest, to < len(all) && all[to].time-when <= farthest
		if !before && !after {
			break
		}
		// Both ankles of a frame count together.
		if before && (!after || when-all[from-1].time <= all[to].time-when) {
			for t := all[from-1].time; from > 0 && all[from-1].time == t; from-- {
			}
		} else {
			for t := all[to].time; to < len(all) && all[to].time == t; to++ {
			}
		}
	}
	return all[from:to]
}

// minSeenJoint is the visibility below which a joint is a mere guess.
const minSeenJoint = 0.2

// sizeWindow is over how many seconds to both sides the size is taken, and
// sizeQuantile of the lengths there: hidden ankles shorten the legs for the whole
// of a pull.
const (
	sizeWindow   = 2.5
	sizeQuantile = 0.8
)

// lengths are the body's from shoulder to ankle in each frame, along its bones.
func (b *body) lengths() []float64 {
	out := make([]float64, len(b.t))
	for i := range out {
		s, h, k, a := b.mid(recording.LeftShoulder, i), b.mid(recording.LeftHip, i), b.mid(recording.LeftKnee, i), b.mid(recording.LeftAnkle, i)
		out[i] = distance(s, h) + distance(h, k) + distance(k, a)
	}
	return out
}

// size is the body's size in the picture over its typical one in the shot, slowly
// varying: it rises when the lifter walks towards the camera or the camera zooms.
func (b *body) size() []float64 {
	n := len(b.t)
	length := b.lengths()
	typical := signal.Quantile(length, sizeQuantile)
	out := make([]float64, n)
	step := max(1, int(b.rate/4))
	for _, h := range b.shots {
		for i := h.from; i < h.to; i += step {
			from, to := b.near(i, sizeWindow)
			v := signal.Quantile(length[from:to], sizeQuantile) / (typical * h.scale)
			for k := i; k < min(h.to, i+step); k++ {
				out[k] = v
			}
		}
	}
	return out
}

// scaleShots sets how large the body is in each shot. A clip without cuts has one.
func (b *body) scaleShots() {
	if len(b.shots) == 1 {
		return
	}
	length := b.lengths()
	typical := signal.Quantile(length, sizeQuantile)
	for i := range b.shots {
		s := &b.shots[i]
		if v := signal.Quantile(length[s.from:s.to], sizeQuantile) / typical; v > 0 {
			s.scale = v
		}
	}
}
