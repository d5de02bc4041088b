package main

import (
	"context"
	"fmt"
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
	plain := filepath.Join(out, "plain.mp4")
	if err := corpus.Plain(ctx, source, plain); err != nil {
		return err
	}
	want, err := corpus.Measure(ctx, plain, 0)
	if err != nil {
		return err
	}
	table := "| | clip | what became of it |\n|---|---|---|\n"
	wrong := 0
	for _, c := range corpus.Clips() {
		if !strings.Contains(string(c.Group)+": "+c.Name, only) {
			continue
		}
		path, err := c.Make(ctx, plain, out)
		if err != nil {
			return err
		}
		got, err := corpus.Measure(ctx, path, c.CaptureFPS)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		said := outcome(want, got, err, path)
		if err := c.Judge(want, got, err); err != nil {
			wrong++
			said = "**" + err.Error() + "**"
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
func outcome(plain, got *analysis.Analysis, err error, path string) string {
	if err != nil {
		return "refused: " + strings.TrimPrefix(err.Error(), path+": ")
	}
	var reps []string
	for i := range got.Reps {
		g, w := &got.Reps[i], &plain.Reps[min(i, len(plain.Reps)-1)]
		reps = append(reps, fmt.Sprintf("%+.1f° (± %.1f°), hip %+.1f %%, knee %+.1f°", g.PeakFlexionDeg-w.PeakFlexionDeg, g.PeakFlexionSDDeg,
			g.Bottom.HipHeightPct-w.Bottom.HipHeightPct, g.Bottom.KneeFlexion-w.Bottom.KneeFlexion))
	}
	if len(reps) == 0 {
		return "measured: no repetition"
	}
	return "measured: flexion " + strings.Join(reps, ", ") + " off"
}
