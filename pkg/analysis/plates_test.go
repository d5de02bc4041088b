package analysis

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// Plates of 45 cm hide a rendered lifter's hips and sacrum at every lockout, where the
// neutral posture is: what is measured below must not hang on where the landmarks
// of the hidden hips are guessed to be.
func TestHipsBehindPlates(t *testing.T) {
	rec := readRecording(t, "deadlift_45cm.sfr")
	truth, err := synth.Load(filepath.Join("..", "..", "testdata", "recordings", "deadlift_45cm.truth.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(truth.Frames) != len(rec.Frames) {
		t.Fatalf("truth of %d frames for %d", len(truth.Frames), len(rec.Frames))
	}
	a, err := Analyze(rec, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var n, inBand, inReps int
	for i := range truth.Frames {
		f := &a.Frames[i]
		if f.Rep == 0 {
			continue
		}
		inReps++
		if e := math.Abs(f.LumbarFlexion - truth.Frames[i].LumbarFlexion); !math.IsNaN(e) {
			sum += e
			n++
			if e <= 1.645*f.LumbarFlexionSD {
				inBand++
			}
		}
	}
	if len(a.Reps) != 2 || float64(n) < 0.95*float64(inReps) {
		t.Fatalf("%d reps, flexion in %d of %d frames", len(a.Reps), n, inReps)
	}
	if mae := sum / float64(n); mae > 3.5 {
		t.Errorf("mean error %.1f°", mae)
	}
	if float64(inBand) < 0.8*float64(n) {
		t.Errorf("%d of %d frames within their 90 %% band", inBand, n)
	}
}
