package pose

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// The filter MediaPipe puts on the two points that give the next region
// (pose_landmark_filtering graph, auxiliary landmarks), also when it smooths
// nothing else: nearly still while the person is still, and quick to follow.
const (
	euroMinCutoff        = 0.01 // Hz
	euroBeta             = 10.0
	euroDerivativeCutoff = 1.0 // Hz
)

// oneEuro is the 1€ filter of one coordinate (Casiez, Roussel & Vogel, CHI
// 2012), in MediaPipe's form: the speed is measured in sizes of the object per
// second.
type oneEuro struct {
	started    bool
	raw        float64
	value      float64
	derivative float64
}

// next filters a value seen dt seconds after the one before.
func (f *oneEuro) next(value, scale, dt float64) float64 {
	if !f.started || !(dt > 0) {
		*f = oneEuro{started: true, raw: value, value: value}
		return value
	}
	speed := (value - f.raw) / scale / dt
	a := euroAlpha(euroDerivativeCutoff, dt)
	f.derivative += a * (speed - f.derivative)
	f.raw = value
	a = euroAlpha(euroMinCutoff+euroBeta*math.Abs(f.derivative), dt)
	f.value += a * (value - f.value)
	return f.value
}

// euroAlpha is the weight of a new value in a first-order low-pass.
func euroAlpha(cutoff, dt float64) float64 {
	tau := 1 / (2 * math.Pi * cutoff)
	return 1 / (1 + tau/dt)
}

// What a lifter's region can do. The network guesses the region from head and
// shoulders; when plates hide them it takes the hands or the hips for them, and
// the region shrinks and turns over within a few frames. The camera stands
// still and a body keeps its size, so the region may not.
const (
	// minSideShare bounds the side from below, as a share of the lifter's
	// size: crouching in the deepest squat or deadlift it is 0.78 to 0.82.
	minSideShare = 0.75
	// minDetected is the same for the detector, which sees those who crouch
	// smaller.
	minDetected = 0.55
	// maxTurn bounds the region's turning, radians per second. Fast kettlebell
	// deadlifts stay below 170 degrees per second.
	maxTurn = 200 * math.Pi / 180
	// maxStep bounds the speed of its centre, sides per second. A barbell
	// squat's hips move below 0.8 of them.
	maxStep = 2.0
	// sizeRise and sizeFall are the time constants, seconds, with which the
	// lifter's size follows a larger and a smaller region.
	sizeRise = 0.3
	sizeFall = 20.0
)

// steady moves a region with the lifter.
type steady struct {
	region Region
	size   float64 // the region's side when the lifter stands, pixels; 0 before the first
	filter [4]oneEuro
}

// start puts the region on a lifter; size is what is known of them, or 0.
func (s *steady) start(r Region, size float64) {
	*s = steady{region: r, size: size}
}

// follow moves the region to where the network says the lifter is, as far as
// a lifter can have got in dt seconds.
func (s *steady) follow(seen sight, dt float64) {
	dt = math.Abs(dt)
	scale := 2 * distance(seen.hip, seen.top)
	hip, top := seen.hip, seen.top
	for k := range 2 {
		hip[k] = s.filter[k].next(hip[k], scale, dt)
		top[k] = s.filter[2+k].next(top[k], scale, dt)
	}
	want := alignedRegion(hip, top)
	if !want.valid() {
		return
	}
	if s.size == 0 {
		// The first region is the detector's, whose size is another guess.
		s.size = want.Side
		s.region = want
		return
	}
	tau := sizeFall
	if want.Side > s.size {
		tau = sizeRise
	}
	s.size += (want.Side - s.size) * (1 - math.Exp(-dt/tau))
	want = s.bounded(want, dt)
	dx, dy := want.X-s.region.X, want.Y-s.region.Y
	if step, most := math.Hypot(dx, dy), maxStep*s.size*dt; step > most {
		want.X = s.region.X + dx*most/step
		want.Y = s.region.Y + dy*most/step
	}
	s.region = want
}

// bounded returns a region with the size and the turn that the lifter can have
// dt seconds after the last one.
func (s *steady) bounded(r Region, dt float64) Region {
	r = s.sized(r)
	turn := math.Remainder(r.Angle-s.region.Angle, 2*math.Pi)
	r.Angle = math.Remainder(s.region.Angle+max(-maxTurn*dt, min(turn, maxTurn*dt)), 2*math.Pi)
	return r
}

// sized returns a region with a size that the lifter can have.
func (s *steady) sized(r Region) Region {
	r.Side = max(r.Side, minSideShare*s.size)
	return r
}

// turned is the angle between two regions, 0 to π.
func turned(a, b Region) float64 { return math.Abs(math.Remainder(a.Angle-b.Angle, 2*math.Pi)) }

// recentred is a second guess when the region shows nobody: about the hips if
// they are near, of the standing lifter's size, and half turned back to
// upright.
func (s *steady) recentred(hip [2]float64) Region {
	r := s.region
	if s.size > 0 {
		r.Side = s.size
	}
	r.Angle /= 2
	dx, dy := hip[0]-r.X, hip[1]-r.Y
	if d, most := math.Hypot(dx, dy), 0.15*r.Side; d <= most {
		r.X, r.Y = hip[0], hip[1]
	}
	return r
}

// fits reports whether a person found by the detector can be the lifter, who
// was last seen in this region some time ago.
func (s *steady) fits(p Person, ago float64) bool {
	r := p.Region()
	reach := s.size * (0.35 + 0.5*min(ago, 2))
	return math.Hypot(r.X-s.region.X, r.Y-s.region.Y) < reach &&
		r.Side > minDetected*s.size && r.Side < 1.5*s.size
}

func distance(a, b [2]float64) float64 { return math.Hypot(a[0]-b[0], a[1]-b[1]) }

// missing returns landmarks that were not seen.
func missing() (k [recording.NumLandmarks]recording.Keypoint) {
	nan := math.NaN()
	for i := range k {
		k[i] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: nan}
	}
	return k
}
