package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/shard"
	"github.com/spineflex/spineflex/pkg/store"
	_ "github.com/spineflex/spineflex/pkg/store/drivers" // object stores by URL
	"github.com/spineflex/spineflex/pkg/summary"
	"github.com/spineflex/spineflex/pkg/video"
	"github.com/spineflex/spineflex/pkg/worker"
)

type batchOptions struct {
	out         string
	inputs      inventory.Options
	manifest    string
	workers     int
	shard       string
	retryFailed bool
	groupBy     string
	scratch     scratchFlags
	settings    settingsFlags
	seeing      seeingFlags
	noVideo     bool
	limits      limitFlags
	filing      filingFlags
	talk        talkFlags
}

func newBatchCommand(con console) *cobra.Command {
	var opts batchOptions
	cmd := &cobra.Command{
		Use:   "batch DIR|FILE|URL...",
		Short: "Measure every clip in folders, on this machine or as one shard of many",
		Long: `Measure every clip in folders and write a folder of results for each, and a
summary of all (summary.html, summary.csv, summary.parquet, failures.jsonl).

What is done is not done again: a second run skips clips whose content, networks,
settings and program are the same, measures again without watching where only
settings have changed, and finishes what was interrupted. A clip that fails never
stops the others and is not tried again until --retry-failed.

Inputs and output may be folders or object stores: s3://bucket/prefix,
gs://bucket/prefix, azblob://container/prefix, file:///folder.

As one of many (--shard I/N, or by itself as task of a Kubernetes Indexed Job, a
Slurm or AWS Batch array or a Cloud Run job) it takes its share of the clips;
"spineflex summarize" sums up when all are done. See docs/scale.md.`,
		Example: `  spineflex batch -o results videos
  spineflex batch --recursive --exclude '*_slow.*' --group-by '^([^/]+)/' -o results archive
  spineflex batch --shard 3/64 --manifest s3://lab/clips.csv -o s3://lab/results`,
		RunE: func(cmd *cobra.Command, places []string) error {
			if len(places) == 0 && opts.manifest == "" {
				return usagef("name at least one folder or clip, or a --manifest")
			}
			return runBatch(cmd.Context(), con, opts, places)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&opts.out, "out", "o", defaultOut, "put one folder of results per clip into `DIR`, a path or URL")
	f.BoolVarP(&opts.inputs.Recursive, "recursive", "r", false, "also clips in subfolders")
	f.StringArrayVar(&opts.inputs.Include, "include", nil, "only files that fit `GLOB`, such as '*.mp4' or 'monday/**' (may be repeated)")
	f.StringArrayVar(&opts.inputs.Exclude, "exclude", nil, "no files or folders that fit `GLOB` (may be repeated)")
	f.StringVar(&opts.manifest, "manifest", "", "clips named in `FILE`: .csv, .parquet or .jsonl with a column \"clip\", or a path or URL a line")
	f.IntVar(&opts.workers, "workers", 0, "work on `N` clips at a time (0: as many as this machine has room for)")
	f.StringVar(&opts.shard, "shard", "", "take share `I/N` of the clips, I from 0 to N-1; /N takes I from the engine (default: as the engine says, else all)")
	f.BoolVar(&opts.retryFailed, "retry-failed", false, "try clips that failed before again")
	f.StringVar(&opts.groupBy, "group-by", "", "group clips in the summary by what `REGEX` (its first parentheses) finds in their path (default: by folder)")
	opts.settings.register(f)
	opts.seeing.register(f)
	f.BoolVar(&opts.noVideo, "no-video", false, "do not draw annotated.mp4")
	opts.limits.register(f)
	opts.scratch.register(f)
	opts.filing.register(f)
	opts.talk.register(f)
	return cmd
}

// scratchFlags are the flags of local disk for what lies in object stores.
type scratchFlags struct{ dir, max string }

func (s *scratchFlags) register(f *pflag.FlagSet) {
	f.StringVar(&s.dir, "scratch", "", "keep clips from object stores in `DIR` meanwhile (default: the system's temporary folder)")
	f.StringVar(&s.max, "scratch-max", "20GiB", "at most this `SIZE` of them at once (0: any)")
}

func (s *scratchFlags) stores() (*store.Stores, error) {
	size, err := humanize.ParseBytes(s.max)
	if err != nil || size > 1<<60 {
		return nil, usagef("--scratch-max is a size such as 500MB or 20GiB, got %q", s.max)
	}
	return &store.Stores{Scratch: &store.Scratch{Dir: s.dir, MaxBytes: int64(size)}}, nil
}

func parseGroupBy(text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	by, err := regexp.Compile(text)
	if err != nil {
		return nil, usagef("--group-by: %w", err)
	}
	return by, nil
}

// ownShard is the share that the flag or the engine gives this process, and
// what to say of it.
func ownShard(flag string) (s shard.Shard, note string, err error) {
	if flag != "" {
		s, err = shard.Parse(flag, os.LookupEnv)
	} else {
		var engine string
		if s, engine, err = shard.Detect(os.LookupEnv); engine != "" {
			note = fmt.Sprintf("shard %s, as %s says; --shard 0/1 takes all", s, engine)
		}
	}
	if err != nil {
		return s, "", usagef("%w", err)
	}
	return s, note, nil
}

func runBatch(ctx context.Context, con console, opts batchOptions, places []string) error {
	in := batch.Inputs{Places: places, Manifest: opts.manifest, Filter: opts.inputs}
	if err := in.Filter.Validate(); err != nil {
		return usagef("%w", err)
	}
	var err error
	if in.GroupBy, err = parseGroupBy(opts.groupBy); err != nil {
		return err
	}
	var note string
	if in.Shard, note, err = ownShard(opts.shard); err != nil {
		return err
	}
	jobs, err := opts.job()
	if err != nil {
		return err
	}
	limits, err := opts.limits.validate()
	if err != nil {
		return err
	}
	stores, err := opts.scratch.stores()
	if err != nil {
		return err
	}
	defer stores.Close()
	out, err := stores.Open(ctx, opts.out)
	if err != nil {
		return err
	}
	p, err := opts.talk.batchPrinter(con)
	if err != nil {
		return err
	}
	if note != "" {
		p.Print(noted{Message: note})
	}

	begun := time.Now()
	list, err := batch.Collect(ctx, stores, out, in)
	if err != nil {
		return err
	}
	for _, trouble := range list.Problems {
		p.Print(failed{Clip: trouble.Place, Code: exitError, Error: oneLine(fmt.Errorf("%s: %w", trouble.Place, trouble.Err))})
	}
	if list.Total == 0 {
		if len(list.Problems) > 0 {
			return statusError(exitError)
		}
		return errors.New("no clips there; --recursive looks into subfolders, --include takes other files than videos")
	}

	for _, program := range []string{"ffmpeg", "ffprobe"} {
		if _, err := video.FindProgram(ctx, program); err != nil {
			return err // of no clip's fault
		}
	}
	workers, threads := crew(opts.workers, opts.seeing.threads, runtime.GOMAXPROCS(0), len(list.Items))
	jobs.Perception.Threads = threads
	runner := &worker.Runner{Limits: limits}
	jobs.Watch = runner.Watch
	filer, err := opts.filing.open(ctx, nil)
	if err != nil {
		return err
	}
	defer filer.close()
	if err := filer.calibrate(ctx, p, &opts.settings, nil, &jobs); err != nil {
		return err
	}
	keys, err := keysOf(jobs)
	if err != nil {
		return withHint(err)
	}
	show := &show{printer: p}
	totals, err := batch.Run(ctx, stores, out, list, batch.Options{
		Keys: keys, Mark: report.AnalysisFile,
		Reuse:   []string{recording.FileName, job.NeutralFile, job.FullFlexionFile},
		Workers: workers, RetryFailed: opts.retryFailed,
		Work:    (&clerk{runner, jobs, show, filer}).work,
		Planned: show.planned,
		Ended:   show.ended,
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	if list.Shard.Whole() {
		if err := summary.Write(ctx, out, totals.Digest, summary.Options{GroupBy: in.GroupBy}); err != nil {
			return err
		}
	}
	p.Print(concluded{
		summarized: summarized{
			Clips: totals.Clips, Measured: totals.Measured, Unmeasured: totals.Unmeasured, Failed: totals.Failed,
			Seconds: time.Since(begun).Seconds(),
		},
		Skipped: totals.Skipped, Shard: list.Shard.String(), Total: list.Total, Out: out.String(),
	})
	return batchStatus(totals)
}

// batchStatus is the exit status of a batch: that of analyze, and a shard that no
// clip fell to has nothing to complain of.
func batchStatus(t batch.Totals) error {
	switch {
	case t.Unmeasured+t.Failed == 0:
		return nil
	case t.Measured > 0:
		return statusError(exitSomeFailed)
	case t.Failed > 0:
		return statusError(exitError)
	}
	return statusError(exitNothing)
}

// job is what is asked for each clip.
func (o *batchOptions) job() (job.Options, error) {
	settings, err := o.settings.validate()
	if err != nil {
		return job.Options{}, err
	}
	seeing, err := o.seeing.validate()
	if err != nil {
		return job.Options{}, err
	}
	if o.workers < 0 {
		return job.Options{}, usagef("--workers must not be negative, got %d", o.workers)
	}
	return job.Options{Perception: seeing, Settings: settings, NoVideo: o.noVideo}, nil
}

// crew says how many clips are worked on at a time, and with how many threads
// each; what is asked for is 0 where it is for us to say.
//
// A clip to a core: threads that share a clip wait for each other, and a clip
// leaves all but one core idle while it starts and while it is measured. With
// fewer clips than cores, or memory for fewer, each gets more of them.
func crew(workers, threads, cores, clips int) (w, t int) {
	if workers == 0 {
		workers = max(1, cores/max(threads, 1))
		if room := roomFor(); room > 0 {
			workers = min(workers, room)
		}
	}
	workers = max(1, min(workers, clips))
	if threads == 0 {
		threads = max(1, cores/workers)
	}
	return workers, threads
}
