package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/progress"
	"github.com/spineflex/spineflex/pkg/progression"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

func newProgressCommand(con console) *cobra.Command {
	var w which
	var settings, out string
	cmd := &cobra.Command{
		Use:   "progress",
		Short: "Show how your neutral depth has changed",
		Long: `Show what the training log says of one lifter: whether neutral holds deeper than it
did, in a sentence, a table and a page (progress.html) that opens offline. A change
that one phone cannot tell between days (10° of flexion, 5 % of the depth) is called
no clear change.`,
		Example: "  spineflex progress\n  spineflex progress --lifter Anna --exercise deadlift --since 2026-05-01 -o anna.html",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runProgress(cmd.Context(), con, w, settings, out)
		},
	}
	w.register(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", progress.FileName, "write the page to `FILE`")
	registerSettings(cmd, &settings)
	return cmd
}

func runProgress(ctx context.Context, con console, w which, settings, out string) error {
	parts, err := readParts(ctx, w, settings)
	if err != nil {
		return err
	}
	page, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := report.WriteFile(out, func(f io.Writer) error { return progress.WriteHTML(f, filepath.Dir(page), parts) }); err != nil {
		return err
	}
	for _, p := range parts {
		fmt.Fprintln(con.out, p.Series.Sentence())
		if s := p.Series.FlexionSentence(); s != "" {
			fmt.Fprintln(con.out, s)
		}
		fmt.Fprintln(con.out)
		if err := printSeries(con.out, p.Series); err != nil {
			return err
		}
		fmt.Fprintln(con.out)
		printAdvice(con.out, p)
		fmt.Fprintln(con.out)
	}
	fmt.Fprintln(con.out, out)
	return nil
}

// mostLines bounds the table on a terminal.
const mostLines = 40

func printSeries(out io.Writer, s *progress.Series) error {
	points := s.Points
	if len(points) > mostLines {
		fmt.Fprintf(out, "the last %d of %d sets\n", mostLines, len(points))
		points = points[len(points)-mostLines:]
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(r progress.Row) {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Number, r.Date, r.Load, r.Support, r.Reps, r.Verdict, r.Held, r.Interval, r.Peak)
	}
	line(s.Head())
	for _, p := range points {
		line(s.Row(p))
	}
	return t.Flush()
}

func printAdvice(out io.Writer, p progress.Part) {
	fmt.Fprintf(out, "Next %s: %s\n  %s\n", p.Series.Exercise, p.Advice.What, p.Advice.Why)
	if p.Advice.Film != "" {
		fmt.Fprintf(out, "  %s\n", p.Advice.Film)
	}
}

func registerSettings(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "settings", "", "the rule's numbers, a TOML `FILE` (default: "+settingsPlace()+", where there is one)")
}

// settingsFile is the settings' name in the user's configuration folder.
const settingsFile = "plan.toml"

// settingsPlace says where that is, in words that are the same for everybody.
func settingsPlace() string {
	return filepath.Join("spineflex", settingsFile) + " in your configuration folder"
}

// readSettings reads the file given, or the user's own where there is one.
func readSettings(file string) (progression.Settings, error) {
	if file != "" {
		return progression.ReadSettings(file)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return progression.DefaultSettings(), nil //nolint:nilerr // nowhere to have settings
	}
	s, err := progression.ReadSettings(filepath.Join(dir, "spineflex", settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return progression.DefaultSettings(), nil
	}
	return s, err
}

// readParts reads a lifter's exercises, the one lifted last first, and says what to do
// next in each. The advice rests on all there is, whatever is shown.
func readParts(ctx context.Context, w which, settings string) ([]progress.Part, error) {
	rule, err := readSettings(settings)
	if err != nil {
		return nil, err
	}
	var parts []progress.Part
	err = readLog(ctx, w.file, func(l *traininglog.Log) error {
		since, err := w.from()
		if err != nil {
			return err
		}
		if w.lifter == "" {
			known, err := l.Lifters(ctx)
			if err != nil {
				return err
			}
			if len(known) > 1 {
				return severalLifters(known)
			}
		}
		all := w
		all.since = ""
		sets, err := all.sets(ctx, l)
		if err != nil {
			return err
		}
		for _, group := range byExercise(sets) {
			shown := slices.DeleteFunc(slices.Clone(group), func(s traininglog.Set) bool { return s.At.Before(since) })
			if len(shown) == 0 {
				continue
			}
			parts = append(parts, progress.Part{Series: progress.NewSeries(shown), Advice: progression.Next(progression.Sessions(group), rule, time.Now())})
		}
		if len(parts) == 0 {
			return fmt.Errorf("no set in the training log %s is asked for; spineflex log list shows what there is", l.Path())
		}
		return nil
	})
	return parts, err
}

// byExercise groups sets, the exercise lifted last first.
func byExercise(sets []traininglog.Set) [][]traininglog.Set {
	var groups [][]traininglog.Set
	for i := range sets {
		k := slices.IndexFunc(groups, func(g []traininglog.Set) bool { return g[0].Exercise == sets[i].Exercise })
		if k < 0 {
			groups = append(groups, nil)
			k = len(groups) - 1
		}
		groups[k] = append(groups[k], sets[i])
	}
	slices.SortStableFunc(groups, func(a, b []traininglog.Set) int { return b[len(b)-1].At.Compare(a[len(a)-1].At) })
	return groups
}
