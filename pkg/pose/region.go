package pose

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// The filter MediaPipe puts on the two points that give the next region
// (pose_landmark_filtering graph, auxiliary landmarks): nearly still while the
// person is still, and quick to follow.
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

func distance(a, b [2]float64) float64 { return math.Hypot(a[0]-b[0], a[1]-b[1]) }

// missing returns landmarks that were not seen.
func missing() (k [recording.NumLandmarks]recording.Keypoint) {
	nan := math.NaN()
	for i := range k {
		k[i] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: nan}
	}
	return k
}
