package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/export"
	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/worker"
)

// defaultOut is the folder that results go to.
const defaultOut = "spineflex-out"

type analyzeOptions struct {
	out       string
	settings  settingsFlags
	seeing    seeingFlags
	noVideo   bool
	look      lookFlags
	extras    extraFlags
	overwrite bool
	limits    limitFlags
	filing    filingFlags
	talk      talkFlags
}

func newAnalyzeCommand(con console) *cobra.Command {
	var opts analyzeOptions
	cmd := &cobra.Command{
		Use:   "analyze CLIP...",
		Short: "Measure clips and write their results",
		Long: `Measure lumbar flexion in each clip and write a folder of results for it: the
numbers (analysis.json, frames.csv, reps.csv), a report to look at (report.html),
the clip with the spine drawn on it (annotated.mp4), and what was seen in the
clip (recording.sfr), from which "spineflex reanalyze" measures again in no time.

A clip that cannot be analysed never stops the others.`,
		Example: "  spineflex analyze squat.mp4\n  spineflex analyze --stature 178 -o results monday/*.mp4",
		Args:    atLeastOne("clip"),
		RunE: func(cmd *cobra.Command, clips []string) error {
			return runAnalyze(cmd.Context(), con, opts, clips)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&opts.out, "out", "o", defaultOut, "put one folder of results per clip into `DIR`")
	opts.settings.register(f)
	opts.seeing.register(f)
	f.BoolVar(&opts.noVideo, "no-video", false, "do not draw annotated.mp4")
	opts.look.register(f)
	opts.extras.register(f)
	f.BoolVar(&opts.overwrite, "overwrite", false, "replace results that are there already")
	opts.limits.register(f)
	opts.filing.register(f)
	opts.talk.register(f)
	return cmd
}

func runAnalyze(ctx context.Context, con console, opts analyzeOptions, clips []string) error {
	settings, err := opts.settings.validate()
	if err != nil {
		return err
	}
	seeing, err := opts.seeing.validate()
	if err != nil {
		return err
	}
	limits, err := opts.limits.validate()
	if err != nil {
		return err
	}
	look, err := opts.look.validate()
	if err != nil {
		return err
	}
	p, err := opts.talk.printer(con)
	if err != nil {
		return err
	}
	taken := map[string]string{}
	var folders []string
	for _, clip := range clips {
		folder := job.Folder(opts.out, clip)
		if other, ok := taken[folder]; ok {
			return usagef("%s and %s would both be written to %s: analyze them one by one with different -o", other, clip, folder)
		}
		taken[folder] = clip
		folders = append(folders, folder)
	}
	o := job.Options{
		Perception: seeing,
		Settings:   settings,
		NoVideo:    opts.noVideo,
		Look:       look,
		Overwrite:  opts.overwrite,
	}
	if err := opts.extras.into(&o); err != nil {
		return err
	}
	runner := worker.Runner{Limits: limits}
	o.Watch = runner.Watch
	filer, err := opts.filing.open(ctx, clips)
	if err != nil {
		return err
	}
	defer filer.close()
	if err := filer.calibrate(ctx, p, &opts.settings, folders, &o); err != nil {
		return err
	}
	return overClips(ctx, p, clips, func(clip string, note func(string)) (*job.Summary, error) {
		o := o
		o.Progress, o.Note = tellProgress(p, clip), note
		result, err := runner.Run(ctx, clip, job.Folder(opts.out, clip), o)
		if err == nil {
			err = filer.add(ctx, clip, result.Folder, note)
		}
		return result, err
	})
}

// overClips does the work on each clip (or folder), tells how each went, and
// ends with the exit status of them all.
func overClips(ctx context.Context, p printer, clips []string, work func(clip string, note func(string)) (*job.Summary, error)) error {
	begun := time.Now()
	sum := summarized{Clips: len(clips)}
	for i, clip := range clips {
		p.Print(started{Clip: clip, Index: i + 1, Of: len(clips)})
		result, err := work(clip, func(message string) {
			p.Print(noted{Clip: clip, Message: message})
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && nothingToMeasure(err):
			sum.Unmeasured++
			p.Print(failed{Clip: clip, Code: exitNothing, Error: oneLine(withHint(err))})
		case err != nil:
			sum.Failed++
			p.Print(failed{Clip: clip, Code: exitError, Error: oneLine(withHint(err))})
		default:
			if result.Measured {
				sum.Measured++
			} else {
				sum.Unmeasured++
			}
			p.Print(measured{clip, *result})
		}
	}
	sum.Seconds = time.Since(begun).Seconds()
	p.Print(sum)
	switch {
	case sum.Measured == sum.Clips:
		return nil
	case sum.Measured > 0:
		return statusError(exitSomeFailed)
	case sum.Failed > 0:
		return statusError(exitError)
	}
	return statusError(exitNothing)
}

func tellProgress(p printer, clip string) func(stage job.Stage, done, total int) {
	return func(stage job.Stage, done, total int) {
		p.Print(progressed{Clip: clip, Stage: stage, Done: done, Total: total})
	}
}

// nothingToMeasure tells a clip that shows nothing to measure from one that
// could not be read.
func nothingToMeasure(err error) bool {
	if errors.Is(err, analysis.ErrCalibration) {
		return false // not the clip's fault
	}
	return errors.Is(err, perception.ErrNoPerson) || errors.Is(err, perception.ErrTooShort) ||
		errors.Is(err, lift.ErrNoPerson) || errors.Is(err, lift.ErrTooShort)
}

// withHint adds what to do about an error, where that is a flag of this program.
func withHint(err error) error {
	switch {
	case errors.Is(err, job.ErrExists):
		return hinted{err, "--overwrite replaces it"}
	case errors.Is(err, infer.ErrNoONNXRuntime):
		return hinted{err, "get it with scripts/fetch-onnxruntime.sh, or take --engine opencv"}
	case errors.Is(err, worker.ErrTimeout):
		return hinted{err, "--timeout allows more"}
	case errors.Is(err, worker.ErrMemory):
		return hinted{err, "--max-memory allows more"}
	case errors.Is(err, export.ErrNoScale):
		return hinted{err, "--stature gives it"}
	case errors.Is(err, job.ErrNotWritable):
		return hinted{err, "-o names another place"}
	case errors.Is(err, analysis.ErrCalibration):
		return hinted{err, "show the posture for a second or two, the whole of you filmed from the side as in the set"}
	}
	return err
}

type hinted struct {
	error
	hint string
}

func (h hinted) Error() string { return h.error.Error() + "; " + h.hint }
func (h hinted) Unwrap() error { return h.error }
