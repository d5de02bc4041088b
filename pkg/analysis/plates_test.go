package analysis

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Plates of 45 cm hide a rendered lifter's hips and sacrum at every lockout, where the
// neutral posture is: what is measured below must not hang on where the landmarks
// of the hidden hips are guessed to be.
func TestHipsBehindPlates(t *testing.T) {
	folder := filepath.Join("..", "..", "testdata", "recordings")
	rec, err := recording.Read(filepath.Join(folder, "deadlift_45cm.sfr"))
	if err != nil {
		t.Fatal(err)
	}
	truth := flexions(t, filepath.Join(folder, "deadlift_45cm.truth.csv"))
	if len(truth) != len(rec.Frames) {
		t.Fatalf("truth of %d frames for %d", len(truth), len(rec.Frames))
	}
	a, err := Analyze(rec, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	var n, inBand, inReps int
	for i, want := range truth {
		f := &a.Frames[i]
		if f.Rep == 0 {
			continue
		}
		inReps++
		if e := math.Abs(f.LumbarFlexion - want); !math.IsNaN(e) {
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

// flexions reads the column of lumbar flexion, degrees, one line a frame.
func flexions(t *testing.T, path string) []float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, 0, len(lines))
	for _, line := range lines[1:] {
		v, err := strconv.ParseFloat(line[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}
