package rom

import (
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
)

func BenchmarkAssess(b *testing.B) {
	l := lifter{
		exercise: lift.Squat, reps: 5, fps: 30, drift: 9, shape: shapeSmooth, d0: 0.65, flex: []float64{20}, repSD: 0.05,
		down: 1.6, up: 1.4, pause: 0.2, noiseSD: 2.5, noiseTau: 0.12, depthError: 2, repError: 1, standing: -25,
	}
	in, _ := l.simulate(rand.New(rand.NewPCG(1, 1)))
	for b.Loop() {
		if _, err := Assess(in, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
