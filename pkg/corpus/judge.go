package corpus

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/pose"
)

// sampleHz is enough for the repetition of the easy clip, which takes 4 s, and
// a third of the work of the usual rate.
const sampleHz = 10

// Measure takes a clip as the program does, with its quickest network.
func Measure(ctx context.Context, path string, captureFPS float64) (*analysis.Analysis, error) {
	rec, err := perception.Run(ctx, path, perception.Options{Quality: pose.Fast, SampleHz: sampleHz, CaptureFPS: captureFPS})
	if err != nil {
		return nil, err
	}
	return analysis.Analyze(rec, analysis.Settings{})
}

const (
	// At ten pictures a second and of a lifter of 350 pixels, coding a clip anew
	// moves its greatest flexion by up to 5°: it is that of two or three pictures.
	usualWithin = 8   // degrees of flexion
	timeWithin  = 0.4 // seconds that a repetition takes: two samples at either end
)

// Judge says what is wrong with what became of c, which gave got or err, where
// the easy clip gave plain; nil: nothing. The clip's own clock may start at
// another time, so of repetitions the duration is compared; where the lifter
// stays down for a moment, the deepest instant is any of it.
func (c *Clip) Judge(plain, got *analysis.Analysis, err error) error {
	if c.Refused != "" {
		if err == nil || !strings.HasSuffix(err.Error(), c.Refused) || strings.Contains(err.Error(), "\n") {
			return fmt.Errorf("got %v, want it refused with %q", err, c.Refused)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if c.Loses && len(got.Reps) == 0 {
		return nil
	}
	want := *plain
	if c.Name == twoSets {
		want.Reps = append(append([]analysis.Rep{}, plain.Reps...), plain.Reps...)
	}
	if got.Exercise != want.Exercise {
		return fmt.Errorf("exercise %s, want %s", got.Exercise, want.Exercise)
	}
	if facing := turned(want.Facing, c.Flipped); got.Facing != facing {
		return fmt.Errorf("facing %s, want %s", got.Facing, facing)
	}
	if len(got.Reps) != len(want.Reps) {
		return fmt.Errorf("%d reps, want %d", len(got.Reps), len(want.Reps))
	}
	within := c.Within
	if within == 0 {
		within = usualWithin
	}
	for i := range want.Reps {
		g, w := &got.Reps[i], &want.Reps[i]
		if d := math.Abs((g.EndS - g.StartS) - (w.EndS - w.StartS)); !(d <= timeWithin) {
			return fmt.Errorf("rep %d takes %.2f s, want %.2f s", i+1, g.EndS-g.StartS, w.EndS-w.StartS)
		}
		if d := math.Abs(g.PeakFlexionDeg - w.PeakFlexionDeg); !(d <= within) {
			return fmt.Errorf("rep %d reaches %.1f° of flexion, want %.1f° within %g°", i+1, g.PeakFlexionDeg, w.PeakFlexionDeg, within)
		}
	}
	return nil
}

func turned(f lift.Facing, flipped bool) lift.Facing {
	switch {
	case !flipped:
		return f
	case f == lift.FacingLeft:
		return lift.FacingRight
	}
	return lift.FacingLeft
}
