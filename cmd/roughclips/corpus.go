package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/corpus"
)

func corpusRun(ctx context.Context, source, out, only, doc string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	easy, err := corpus.NewEasy(ctx, source, filepath.Join(out, "plain.mp4"))
	if err != nil {
		return err
	}
	want, err := corpus.Measure(ctx, easy.Path, 0)
	if err != nil {
		return err
	}
	table := "| | clip | what became of it |\n|---|---|---|\n"
	wrong := 0
	for _, c := range corpus.Clips() {
		if !strings.Contains(string(c.Group)+": "+c.Name, only) {
			continue
		}
		path, err := c.Make(ctx, easy, out)
		if err != nil {
			return err
		}
		got, err := corpus.Measure(ctx, path, c.CaptureFPS)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		said := outcome(easy, got, err, path)
		if err := c.Judge(easy, want, got, err); err != nil {
			wrong++
			said = "**" + err.Error() + "** (" + said + ")"
		}
		fmt.Printf("%-12s %-45s %s\n", c.Group, c.Name, said)
		table += fmt.Sprintf("| %s | %s | %s |\n", c.Group, c.Name, said)
	}
	if doc != "" {
		if err := replaceTable(doc, "corpus", table); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d clips did not become what they should", wrong)
	}
	return nil
}

// outcome says in a few words what a clip gave.
func outcome(easy *corpus.Easy, got *analysis.Analysis, err error, path string) string {
	if err != nil {
		return "refused: " + strings.TrimPrefix(err.Error(), path+": ")
	}
	if len(got.Reps) == 0 {
		return "no repetition"
	}
	var reps []string
	for i := range got.Reps {
		if r := &got.Reps[i]; math.IsNaN(r.PeakFlexionDeg) {
			reps = append(reps, "not measured")
		} else {
			reps = append(reps, fmt.Sprintf("%+.1f ± %.1f°", r.PeakFlexionDeg-easy.PeakFlexion(), r.PeakFlexionSDDeg))
		}
	}
	return fmt.Sprintf("%s; flexion %s; hip %+.0f %%", got.SafeRange.Verdict, strings.Join(reps, ", "), got.Reps[0].Bottom.HipHeightPct-easy.HipHeightPct())
}
