package main

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording/synth"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/signal"
)

// The bundled clips through the real networks. All bounds are the targets that
// the project has set itself for the mean over many clips.
func TestBundledClips(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the networks on two clips")
	}
	clips, err := filepath.Glob(filepath.Join("..", "..", "testdata", "clips", "*.mp4"))
	if err != nil || len(clips) == 0 {
		t.Fatalf("no clips in testdata: %v", err)
	}
	for _, path := range clips {
		name := strings.TrimSuffix(filepath.Base(path), ".mp4")
		t.Run(name, func(t *testing.T) {
			truth, err := truthOf(filepath.Dir(path), name)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := perception.Run(context.Background(), path, perception.Options{})
			if err != nil {
				t.Fatal(err)
			}
			a, err := analysis.Analyze(rec, analysis.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			if string(a.Exercise) != truth.Exercise || string(a.Facing) != truth.FacingSide {
				t.Errorf("%s facing %s, is a %s facing %s", a.Exercise, a.Facing, truth.Exercise, truth.FacingSide)
			}
			checkFrames(t, a, truth)
			checkReps(t, a, truth)
			if a.SafeRange.Verdict != rom.Breaks {
				t.Errorf("verdict %s: every rep of this clip rounds by 25° and more", a.SafeRange.Verdict)
			}
		})
	}
}

func checkFrames(t *testing.T, a *analysis.Analysis, truth *synth.Truth) {
	t.Helper()
	var flexion, angle, sd []float64
	within, reps := 0, 0
	for i := range a.Frames {
		f, want := &a.Frames[i], &truth.Frames[a.Frames[i].Index]
		if want.Rep < 0 {
			continue
		}
		reps++
		if math.IsNaN(f.LumbarFlexion) {
			continue
		}
		e := math.Abs(f.LumbarFlexion - want.LumbarFlexion)
		flexion, angle, sd = append(flexion, e), append(angle, math.Abs(f.LumbarAngle-want.SurfaceAngle)), append(sd, f.LumbarFlexionSD)
		if e < 1.645*f.LumbarFlexionSD {
			within++
		}
	}
	n := float64(len(flexion))
	for _, row := range []struct {
		what        string
		got, atMost float64
	}{
		{"mean error of flexion, degrees", stat.Mean(flexion, nil), 3},
		// The target is 4° for the mean of many; its zero differs by 7° from lifter to lifter.
		{"mean error of the surface angle, degrees", stat.Mean(angle, nil), 6},
		{"median stated sd, degrees", signal.Median(sd), 4},
		{"share of rep frames without a value", 1 - n/float64(reps), 0.05},
		{"share of frames further off than 1.645 sd", 1 - float64(within)/n, 0.15},
	} {
		t.Logf("%s: %.2f", row.what, row.got)
		if !(row.got <= row.atMost) {
			t.Errorf("%s is %.2f, want at most %.2f", row.what, row.got, row.atMost)
		}
	}
}

func checkReps(t *testing.T, a *analysis.Analysis, truth *synth.Truth) {
	t.Helper()
	if len(a.Reps) != len(truth.Reps) {
		t.Fatalf("%d reps, are %d", len(a.Reps), len(truth.Reps))
	}
	for i, rep := range a.Reps {
		want := &truth.Reps[i]
		if e := math.Abs(rep.BottomS - truth.Frames[want.Bottom].Time); e > 0.3 {
			t.Errorf("rep %d: bottom %.2f s off", rep.Index, e)
		}
		if e := math.Abs(rep.PeakFlexionDeg - want.MaxLumbarFlexion); e > 3.5 {
			t.Errorf("rep %d: peak flexion %.1f°, is %.1f°", rep.Index, rep.PeakFlexionDeg, want.MaxLumbarFlexion)
		}
		if rep.Breakdown == nil {
			t.Errorf("rep %d is not broken", rep.Index)
			continue
		}
		// Right anywhere from the onset to 10° beyond it (measurement.md 3d).
		if d := offset(rep.Breakdown.DepthPct, truth, want); d > 5 {
			t.Errorf("rep %d breaks at %.0f %% of the depth, %.0f %% off", rep.Index, rep.Breakdown.DepthPct, d)
		}
	}
}

// offset is how far a depth, per cent, lies from the stretch of the rep between
// the onset of the rounding and 10° of it.
func offset(depthPct float64, truth *synth.Truth, rep *synth.Rep) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := rep.Start; i <= rep.End; i++ {
		if f := &truth.Frames[i]; f.ExcessFlexion > 0 && f.ExcessFlexion <= 10 {
			lo, hi = math.Min(lo, 100*f.DepthFrac), math.Max(hi, 100*f.DepthFrac)
		}
	}
	return math.Max(0, math.Max(lo-depthPct, depthPct-hi))
}
