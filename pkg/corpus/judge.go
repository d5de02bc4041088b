package corpus

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/rom"
)

// sampleHz is enough for the repetition of the easy clip, which takes 4 s, and
// a third of the work of the usual rate.
const sampleHz = 10

// Measure takes a clip as the program does, but for the rate.
func Measure(ctx context.Context, path string, captureFPS float64) (*analysis.Analysis, error) {
	rec, err := perception.Run(ctx, path, perception.Options{SampleHz: sampleHz, CaptureFPS: captureFPS})
	if err != nil {
		return nil, err
	}
	return analysis.Analyze(rec, analysis.Settings{})
}

// How far from the truth a correct program is, at ten pictures a second and of a
// lifter of 350 pixels. The flexion of the easy clip itself is 2° off, and coding it
// anew moves that by up to 5°: it is that of two or three pictures. Where those at
// the bottom are damaged or dark, hips are seen too high beside the plate.
const (
	usualWithin = 7.0 // degrees of flexion
	timeWithin  = 0.4 // seconds that a repetition takes: two samples at either end
	hipBelow    = 4.0 // per cent of the hip's standing height, at the bottom
	hipAbove    = 10.0
	// honest is how many of its stated standard deviations a peak may be from the
	// truth, however far that is.
	honest = 2
)

// Judge says what is wrong with what became of c, which gave got or err, where
// the easy clip, of which the truth is known, gave plain; nil: nothing. The clip's own clock may start at
// another time, so of repetitions the duration is compared; where the lifter
// stays down for a moment, the deepest instant is any of it.
func (c *Clip) Judge(easy *Easy, plain, got *analysis.Analysis, err error) error {
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
	if c.Hides && got.SafeRange.Verdict == rom.Inconclusive {
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
		low, high := easy.HipHeightPct()-hipBelow, easy.HipHeightPct()+hipAbove
		if h := g.Bottom.HipHeightPct; !(h >= low && h <= high) {
			return fmt.Errorf("rep %d lowers the hip to %.1f %%, want %.1f to %.1f %%", i+1, h, low, high)
		}
		off := math.Abs(g.PeakFlexionDeg - easy.PeakFlexion())
		if allowed := min(within, honest*g.PeakFlexionSDDeg); !(off <= allowed) {
			return fmt.Errorf("rep %d reaches %.1f ± %.1f° of flexion, want %.1f° within %.1f°", i+1, g.PeakFlexionDeg, g.PeakFlexionSDDeg, easy.PeakFlexion(), allowed)
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
