package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/traininglog"
	"github.com/spineflex/spineflex/pkg/unit"
)

func newLogCommand(con console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Look at, mend and carry the training log",
		Long: `The training log holds the sets that were analysed with --log, of one lifter or
several. It is one file in your data folder; --log-file names another.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newLogListCommand(con), newLogShowCommand(con), newLogLiftersCommand(con), newLogAddCommand(con), newLogEditCommand(con), newLogRemoveCommand(con),
		newLogExportCommand(con), newLogImportCommand(con), newLogBackupCommand(con),
	)
	return cmd
}

// readLog opens the log to be read, for as long as f takes.
func readLog(ctx context.Context, file string, f func(*traininglog.Log) error) error {
	return withLog(ctx, file, traininglog.OpenToRead, f)
}

// writeLog opens the log to be written to, which must be there.
func writeLog(ctx context.Context, file string, f func(*traininglog.Log) error) error {
	return withLog(ctx, file, func(ctx context.Context, path string) (*traininglog.Log, error) {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w at %s", traininglog.ErrNone, path)
		}
		return traininglog.Open(ctx, path)
	}, f)
}

func withLog(ctx context.Context, file string, open func(context.Context, string) (*traininglog.Log, error), f func(*traininglog.Log) error) error {
	path, err := logPath(file)
	if err != nil {
		return err
	}
	l, err := open(ctx, path)
	if err != nil {
		return logHint(err)
	}
	return logHint(errors.Join(f(l), l.Close()))
}

// which sets a command is about.
type which struct {
	file, lifter, exercise, since string
}

func (w *which) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.lifter, "lifter", "", "only sets of this `NAME`")
	f.StringVar(&w.exercise, "exercise", "", "only this `EXERCISE`: squat, deadlift …")
	f.StringVar(&w.since, "since", "", "only sets from this `DAY` on, such as 2026-05-03")
	registerLogFile(f, &w.file)
}

// sets are those asked for, of all lifters where none is named.
func (w *which) sets(ctx context.Context, l *traininglog.Log) ([]traininglog.Set, error) {
	since, err := w.from()
	if err != nil {
		return nil, err
	}
	sets, err := l.Sets(ctx, w.lifter)
	if err != nil {
		return nil, err
	}
	if w.lifter != "" && len(sets) == 0 {
		return nil, w.nobody(ctx, l)
	}
	there := map[lift.Exercise]bool{}
	for i := range sets {
		there[sets[i].Exercise] = true
	}
	if w.exercise != "" && len(sets) > 0 && !there[lift.Exercise(w.exercise)] {
		var names []string
		for e := range there {
			names = append(names, string(e))
		}
		slices.Sort(names)
		return nil, usagef("no set of a %q is in the training log, there is %s", w.exercise, strings.Join(names, ", "))
	}
	return slices.DeleteFunc(sets, func(s traininglog.Set) bool {
		return w.exercise != "" && string(s.Exercise) != w.exercise || s.At.Before(since)
	}), nil
}

// from is the first instant of the day to begin with.
func (w *which) from() (time.Time, error) {
	if w.since == "" {
		return time.Time{}, nil
	}
	at, err := parseDate("since", w.since, time.Now())
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, at.Location()), err
}

// nobody says that there is no such lifter, and who there is.
func (w *which) nobody(ctx context.Context, l *traininglog.Log) error {
	known, err := l.Lifters(ctx)
	if err != nil {
		return err
	}
	names := []string{}
	for _, k := range known {
		names = append(names, k.Name)
	}
	return usagef("the training log has no sets of %s, it has %s", w.lifter, strings.Join(names, ", "))
}

func newLogListCommand(con console) *cobra.Command {
	var w which
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the sets, one a line",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return readLog(cmd.Context(), w.file, func(l *traininglog.Log) error {
				sets, err := w.sets(cmd.Context(), l)
				if err != nil {
					return err
				}
				if asJSON {
					return traininglog.WriteJSONLines(con.out, sets)
				}
				return listSets(con.out, sets)
			})
		},
	}
	w.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON lines, as export does")
	return cmd
}

func listSets(out io.Writer, sets []traininglog.Set) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NO.\tDATE\tLIFTER\tEXERCISE\tLOAD\tBLOCKS\tBOX\tNEUTRAL REPS\tVERDICT\tTO DEPTH\tPEAK\tNOTE")
	for i := range sets {
		s := &sets[i]
		depth := ""
		if s.SafeDepthPct == s.SafeDepthPct {
			depth = fmt.Sprintf("%.0f %%", s.SafeDepthPct)
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d of %d\t%s\t%s\t%s\t%s\n", s.ID, s.At.Format(time.DateOnly), s.Lifter, s.Exercise,
			known(s.LoadKG, unit.Mass), known(s.BlockM, unit.Length), known(s.BoxM, unit.Length), s.JudgedReps-s.BrokenReps, s.JudgedReps, s.Verdict, depth,
			known(s.PeakFlexionDeg, func(v float64) string { return fmt.Sprintf("%.0f°", v) }), firstLine(s.Note))
	}
	return t.Flush()
}

// known writes a number, or nothing where it is missing.
func known(v float64, write func(float64) string) string {
	if v != v {
		return ""
	}
	return write(v)
}

func firstLine(text string) string {
	line, _, more := strings.Cut(text, "\n")
	const most = 40
	if r := []rune(line); len(r) > most {
		line, more = string(r[:most]), true
	}
	if more {
		line += "…"
	}
	return line
}

func newLogShowCommand(con console) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "show NUMBER",
		Short: "Show all there is of one set",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := setNumber(args[0])
			if err != nil {
				return err
			}
			return readLog(cmd.Context(), file, func(l *traininglog.Log) error {
				s, err := l.Set(cmd.Context(), id)
				if err != nil {
					return err
				}
				return showSet(con.out, s)
			})
		},
	}
	registerLogFile(cmd.Flags(), &file)
	return cmd
}

func showSet(out io.Writer, s traininglog.Set) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range s.Fields() {
		if f.Value != "" {
			fmt.Fprintf(t, "%s\t%s\n", f.Name, strings.ReplaceAll(f.Value, "\n", "\n\t"))
		}
	}
	if s.Folder != "" {
		page := filepath.Join(s.Folder, report.HTMLFile)
		if _, err := os.Stat(page); err != nil {
			page += " (no longer there)"
		}
		fmt.Fprintf(t, "report\t%s\n", page)
	}
	return t.Flush()
}

func newLogLiftersCommand(con console) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "lifters",
		Short: "List who is in the log, and what each has shown to be used from then on",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return readLog(cmd.Context(), file, func(l *traininglog.Log) error {
				return listLifters(cmd.Context(), con.out, l)
			})
		},
	}
	registerLogFile(cmd.Flags(), &file)
	return cmd
}

func listLifters(ctx context.Context, out io.Writer, l *traininglog.Log) error {
	lifters, err := l.Lifters(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "LIFTER\tSTATURE\tSETS\tNEUTRAL CLIP\tFULL-FLEXION CLIP")
	for _, x := range lifters {
		fmt.Fprintf(t, "%s\t%s\t%d", x.Name, known(x.StatureM, unit.Length), x.Sets)
		for _, kind := range []traininglog.Kind{traininglog.NeutralPosture, traininglog.FullFlexion} {
			c, err := l.Calibration(ctx, x.Name, kind)
			if err != nil {
				return err
			}
			shown := ""
			if c != nil {
				shown = fmt.Sprintf("%s (%s)", c.At.Format(time.DateOnly), filepath.Base(c.Recording.Clip.File))
			}
			fmt.Fprintf(t, "\t%s", shown)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func setNumber(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, usagef("%q is no number of a set; spineflex log list shows them", text)
	}
	return id, nil
}

func newLogAddCommand(con console) *cobra.Command {
	opts := filingFlags{log: true}
	var quiet bool
	cmd := &cobra.Command{
		Use:   "add DIR...",
		Short: "File folders of results that are there already",
		Long: `File the sets of folders of results, as analyze --log does when it makes them. A set
that is filed already stays, and takes over what is said or measured anew.`,
		Args: atLeastOne("folder of results"),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			x, err := opts.open(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer x.close()
			var failures []error
			for _, dir := range dirs {
				if err := addFolder(cmd.Context(), x, dir, func(message string) {
					if !quiet {
						fmt.Fprintf(con.err, "%s: %s\n", dir, message)
					}
				}); err != nil {
					failures = append(failures, fmt.Errorf("%s: %w", dir, err))
				}
			}
			for _, err := range failures[:max(0, len(failures)-1)] {
				fmt.Fprintln(con.err, "spineflex: "+oneLine(err))
			}
			if len(failures) > 0 && len(failures) < len(dirs) {
				fmt.Fprintln(con.err, "spineflex: "+oneLine(failures[len(failures)-1]))
				return statusError(exitSomeFailed)
			}
			if len(failures) > 0 {
				return failures[len(failures)-1]
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	opts.said.register(f)
	registerLogFile(f, &opts.file)
	f.BoolVar(&quiet, "quiet", false, "say only what went wrong")
	return cmd
}

// addFolder files a folder under the date of the clip it was made from.
func addFolder(ctx context.Context, x *filer, dir string, note func(string)) error {
	doc, err := report.Read(filepath.Join(dir, report.AnalysisFile))
	if err != nil {
		return err
	}
	return x.add(ctx, doc.Clip.File, dir, note)
}

func newLogEditCommand(con console) *cobra.Command {
	var file, exercise string
	var said saidFlags
	cmd := &cobra.Command{
		Use:   "edit NUMBER",
		Short: "Change what is said of a set",
		Long: `Change what is said of a set. Only what is given changes; an empty text ("") takes
out what was there.`,
		Example: "  spineflex log edit 12 --load 82.5kg --block 4in --note \"new shoes\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := setNumber(args[0])
			if err != nil {
				return err
			}
			given := cmd.Flags().Changed
			if !slices.ContainsFunc(append(saidNames, "exercise"), given) {
				return usagef("say what to change, such as --load 80kg")
			}
			to, err := said.parse(time.Now())
			if err != nil {
				return err
			}
			if err := (lift.Options{Exercise: lift.Exercise(exercise)}).Validate(); err != nil {
				return usagef("%w", err)
			}
			return writeLog(cmd.Context(), file, func(l *traininglog.Log) error {
				s, err := l.Edit(cmd.Context(), id, func(s *traininglog.Set) {
					if given("lifter") {
						s.Lifter = to.Lifter
					}
					if !to.At.IsZero() {
						s.At, s.DateFrom = to.At, to.DateFrom
					}
					if given("exercise") {
						s.Exercise = lift.Exercise(exercise)
					}
					for _, q := range []struct {
						flag string
						to   *float64
						v    float64
					}{{"load", &s.LoadKG, to.LoadKG}, {"block", &s.BlockM, to.BlockM}, {"box", &s.BoxM, to.BoxM}} {
						if given(q.flag) {
							*q.to = q.v
						}
					}
					if given("stance") {
						s.Stance = to.Stance
					}
					if given("note") {
						s.Note = to.Note
					}
				})
				if err != nil {
					return err
				}
				return listSets(con.out, []traininglog.Set{s})
			})
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	said.register(f)
	f.StringVar(&exercise, "exercise", "", "the `EXERCISE` it was")
	registerLogFile(f, &file)
	return cmd
}

func newLogRemoveCommand(con console) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "remove NUMBER...",
		Short: "Take sets out of the log",
		Long:  "Take sets out of the log. Their folders of results stay.",
		Args:  atLeastOne("number of a set"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ids []int64
			for _, a := range args {
				id, err := setNumber(a)
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return writeLog(cmd.Context(), file, func(l *traininglog.Log) error {
				if err := l.Remove(cmd.Context(), ids...); err != nil {
					return err
				}
				fmt.Fprintf(con.err, "%s removed\n", count(len(ids), "set"))
				return nil
			})
		},
	}
	registerLogFile(cmd.Flags(), &file)
	return cmd
}
