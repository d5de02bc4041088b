package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

// formats of an export.
type logFormat string

const (
	formatCSV       logFormat = "csv"
	formatJSONLines logFormat = "jsonl"
)

func newLogExportCommand(con console) *cobra.Command {
	var w which
	var out string
	var format logFormat
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the sets as CSV or JSON lines",
		Long: `Write the sets as CSV or JSON lines, to be read by other programs or by "spineflex
log import", which brings them back exactly. Of a damaged log it writes what can be
read, and ends with 3.`,
		Example: "  spineflex log export -o sets.csv\n  spineflex log export --format jsonl --lifter Anna",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("format") && filepath.Ext(out) == ".jsonl" {
				format = formatJSONLines
			}
			var sets []traininglog.Set
			read := func(l *traininglog.Log) error {
				var err error
				sets, err = w.sets(cmd.Context(), l)
				return err
			}
			damage := readLog(cmd.Context(), w.file, read)
			if damage != nil && !errors.Is(damage, traininglog.ErrDamaged) {
				return damage
			}
			if damage != nil {
				path, err := logPath(w.file)
				if err != nil {
					return err
				}
				if sets, err = traininglog.Salvage(cmd.Context(), path); err != nil {
					return err
				}
				fmt.Fprintf(con.err, "spineflex: training log %s is damaged: %s could be read\n", path, count(len(sets), "set"))
			}
			write := traininglog.WriteCSV
			if format == formatJSONLines {
				write = traininglog.WriteJSONLines
			}
			if err := writeOut(con, out, func(w io.Writer) error { return write(w, sets) }); err != nil {
				return err
			}
			if damage != nil {
				return statusError(exitSomeFailed)
			}
			return nil
		},
	}
	w.register(cmd)
	cmd.Flags().VarP(newChoice(&format, formatCSV, formatCSV, formatJSONLines), "format", "f", "what to write")
	cmd.Flags().StringVarP(&out, "out", "o", "", "write to `FILE` (default: standard output)")
	return cmd
}

// writeOut writes to a file, whole or not at all, or to standard output.
func writeOut(con console, path string, write func(io.Writer) error) error {
	if path == "" {
		return write(con.out)
	}
	return report.WriteFile(path, write)
}

func newLogImportCommand(con console) *cobra.Command {
	var file string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Bring exported sets back",
		Long: `Bring back what "spineflex log export" wrote, all of it or nothing. Sets that are in
the log already stay.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("import: %w", err)
			}
			defer f.Close()
			sets, err := traininglog.Read(f)
			if err != nil {
				return fmt.Errorf("import %s: %w", args[0], err)
			}
			for i := range sets {
				if traininglog.InFuture(sets[i].At, time.Now()) {
					return fmt.Errorf("import %s: set %d is dated in the future (%s)", args[0], i+1, sets[i].At.Format(time.DateOnly))
				}
			}
			return withLog(cmd.Context(), file, traininglog.Open, func(l *traininglog.Log) error {
				n, err := l.Import(cmd.Context(), sets, overwrite)
				if errors.Is(err, traininglog.ErrDiffers) {
					err = hinted{err, "--overwrite takes the imported one"}
				}
				if err != nil {
					return fmt.Errorf("import %s: %w", args[0], err)
				}
				fmt.Fprintf(con.err, "%s imported, %d in the log already\n", count(n, "set"), len(sets)-n)
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&overwrite, "overwrite", false, "replace sets that are in the log with other values")
	registerLogFile(cmd.Flags(), &file)
	return cmd
}

func newLogBackupCommand(con console) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the whole log, calibrations and all",
		Long: `Copy the whole log to a new file, also while others write to it. The copy is a log
itself: --log-file reads it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return readLog(cmd.Context(), file, func(l *traininglog.Log) error {
				if err := l.Backup(cmd.Context(), args[0]); err != nil {
					return err
				}
				fmt.Fprintf(con.err, "%s is a copy of %s\n", args[0], l.Path())
				return nil
			})
		},
	}
	registerLogFile(cmd.Flags(), &file)
	return cmd
}
