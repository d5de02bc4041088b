package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes. They are listed in the long help and decided in exitCode alone.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitSomeFailed  = 3
	exitNothing     = 4
	exitInterrupted = 130
)

const rootHelp = `spineflex measures lumbar flexion in squats and deadlifts filmed from the side
with one phone, and finds the depth at which the lower back leaves its neutral
range.

Exit status:
  0    everything was measured
  1    error
  2    wrong usage
  3    some clips failed
  4    nothing could be measured (no person, not a side view, no rep)
  130  interrupted`

// console is where a command reads and writes: data goes to out, everything
// said to people to err.
type console struct {
	out, err io.Writer
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	con := console{stdout, stderr}
	parsed := false
	root := newRootCommand(con)
	root.SetArgs(args)
	root.PersistentPreRun = func(*cobra.Command, []string) { parsed = true }
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !parsed {
		// Cobra refused the flags or the arguments; nothing has been started.
		err = usagef("%w; see %s --help", err, cmd.CommandPath())
	}
	code := exitCode(ctx, err)
	if message := oneLine(err); message != "" {
		fmt.Fprintln(stderr, "spineflex: "+message)
	}
	return code
}

func newRootCommand(con console) *cobra.Command {
	cmd := &cobra.Command{
		Use:           "spineflex",
		Short:         "How deep can you go before your lower back rounds?",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.SetOut(con.out)
	cmd.SetErr(con.err)
	cmd.AddCommand(
		newAnalyzeCommand(con),
		newReanalyzeCommand(con),
		newRenderCommand(con),
		newBatchCommand(con),
		newSummarizeCommand(con),
		newLogCommand(con),
		newProgressCommand(con),
		newPlanCommand(con),
		newCompareCommand(con),
		newDoctorCommand(con),
		newVersionCommand(con),
		newWorkerCommand(),
	)
	return cmd
}

// usageError is a command line that cannot be meant.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// statusError ends the program with a code whose reasons have been printed
// already.
type statusError int

func (s statusError) Error() string { return "" }

func exitCode(ctx context.Context, err error) int {
	var status statusError
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitError
}

// oneLine is the error as a single line; what comes from ffprobe or the
// system may carry more.
func oneLine(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return shown(strings.Join(strings.Fields(err.Error()), " "))
}
