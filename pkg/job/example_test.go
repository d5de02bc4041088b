package job_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/perception"
)

// measure is the README's example of the packages as a library.
func measure(ctx context.Context) error {
	rec, err := perception.Run(ctx, "squat.mp4", perception.Options{})
	if err != nil {
		return err
	}
	a, err := analysis.Analyze(rec, analysis.Settings{Exercise: lift.Squat})
	if err != nil {
		return err
	}
	for _, rep := range a.Reps {
		fmt.Printf("rep %d: %.0f° of lumbar flexion\n", rep.Index, rep.PeakFlexionDeg)
	}
	fmt.Println(a.SafeRange.Verdict, a.SafeRange.DepthPct)
	return nil
}

func TestREADMEExampleRuns(t *testing.T) {
	clip, dir := filepath.Join("..", "..", "testdata", "squat.mp4"), t.TempDir()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", clip, "-t", "5", "-vf", "scale=360:640", filepath.Join(dir, "squat.mp4")).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	t.Chdir(dir)
	if err := measure(t.Context()); err != nil {
		t.Fatal(err)
	}
}
