package job_test

import (
	"context"
	"fmt"
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
	t.Chdir(filepath.Join("..", "..", "testdata"))
	if err := measure(t.Context()); err != nil {
		t.Fatal(err)
	}
}
