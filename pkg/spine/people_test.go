package spine

import (
	"math"
	"testing"
)

// What plates and arms hide of a back follows from what they leave of it.
func TestBodyOfHiddenThorax(t *testing.T) {
	for _, want := range []physique{{}, {1.5}, {-1.5, 1}, {0.5, -1, 1}, {-1, 0.5, 0, 1}} {
		p := want.contour()
		seen := p
		for i := range seen {
			if gridHeight(i) > elbows {
				seen[i] = math.NaN()
			}
		}
		got := bodyOf(&seen)
		found := got.contour()
		for _, level := range []float64{levelS2, levelL2, levelT9} {
			if d := sampleGrid(&found, level) - sampleGrid(&p, level); math.Abs(d) > 0.025 {
				t.Errorf("body %.1f: off by %.3f at height %.2f", want, d, level)
			}
		}
	}
	nothing := meanBody
	for i := range nothing {
		nothing[i] = math.NaN()
	}
	if got := bodyOf(&nothing); got != (physique{}) {
		t.Errorf("body of nothing seen is %v, want the mean", got)
	}
}
