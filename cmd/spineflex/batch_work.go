package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/summary"
	"github.com/spineflex/spineflex/pkg/video"
	"github.com/spineflex/spineflex/pkg/worker"
)

// clerk takes the clips of a batch to their results.
type clerk struct {
	runner *worker.Runner
	jobs   job.Options
	show   *show
	filer  *filer
}

func (c *clerk) work(ctx context.Context, t *batch.Task) (batch.Outcome, error) {
	o := c.jobs
	o.Progress, o.Note = c.show.begin(t)
	result, err := c.runner.Run(ctx, t.File, t.Folder, o)
	switch {
	case ctx.Err() != nil:
		return batch.Outcome{}, ctx.Err()
	case err != nil && nothingToMeasure(err):
		return batch.Outcome{}, fmt.Errorf("%w: %w", withHint(err), batch.ErrNothing)
	case errors.Is(err, job.ErrNotWritable), errors.Is(err, worker.ErrCrashed), errors.Is(err, worker.ErrStalled):
		// Perhaps another's fault: a machine without memory kills anything.
		return batch.Outcome{}, fmt.Errorf("%w: %w", withHint(err), batch.ErrPassing)
	case err != nil:
		return batch.Outcome{}, withHint(err)
	}
	d, err := report.Read(filepath.Join(t.Folder, report.AnalysisFile))
	if err != nil {
		return batch.Outcome{}, err
	}
	if err := picture(ctx, t, d); err != nil {
		// Results without a thumbnail are as good.
		o.Note(oneLine(fmt.Errorf("no thumbnail: %w", err)))
	}
	if err := c.filer.add(ctx, t.File, t.Folder, o.Note); err != nil {
		o.Note(oneLine(err)) // the results are as good
	}
	outcome := batch.Outcome{Status: batch.Measured, Reason: result.Reason, SHA256: d.Clip.SHA256, Detail: result}
	if !result.Measured {
		outcome.Status = batch.Unmeasured
	}
	return outcome, nil
}

// thumbnailHeight is twice what the summary shows, for dense screens.
const thumbnailHeight = 144

// picture leaves a small picture of the rep that flexed most, drawn on where there is a
// drawing.
func picture(ctx context.Context, t *batch.Task, d *report.Document) error {
	at, most := float64(d.Clip.DurationS)/2, math.Inf(-1)
	for _, r := range d.Reps {
		if v := float64(r.PeakFlexionDeg); v > most {
			at, most = float64(r.PeakS), v
		}
	}
	file := t.File
	if drawn := filepath.Join(t.Folder, job.VideoFile); exists(drawn) {
		file = drawn
	}
	jpeg, err := video.Still(ctx, file, at, thumbnailHeight)
	if err != nil {
		return err
	}
	path := filepath.Join(t.Folder, summary.ThumbnailFile)
	if err := os.WriteFile(path+".tmp", jpeg, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// keysOf says what results are made with, so that a later run can tell whether
// it would make the same.
func keysOf(o job.Options) (batch.Keys, error) {
	if err := o.Perception.Validate(); err != nil {
		return batch.Keys{}, err
	}
	model, err := o.Perception.Model()
	if err != nil {
		return batch.Keys{}, err
	}
	settings := o.Settings
	shown := []string{contentOf(settings.NeutralClip), contentOf(settings.FullFlexionClip)}
	settings.NeutralClip, settings.FullFlexionClip = nil, nil
	return batch.Keys{
		Perception:  digest(model, o.Perception.CaptureFPS),
		Measurement: digest(settings, shown),
		Video:       !o.NoVideo,
	}, nil
}

func contentOf(rec *recording.Recording) string {
	if rec == nil {
		return ""
	}
	return rec.Clip.SHA256
}

func digest(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		// Structs of strings and finite numbers only.
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// clipMemory is room for one clip: twice what it holds at 1080p, for there are
// larger ones (docs/scale.md).
const clipMemory = 1000 << 20

// roomFor is how many clips the memory has room for that is free, and that this
// container may use; 0: unknown.
func roomFor() int {
	free := int64(math.MaxInt64)
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "MemAvailable:" {
				if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					free = kb << 10
				}
			}
		}
	}
	// cgroup v2 and v1; without a limit the number is enormous or a word.
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(file); err == nil {
			if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
				free = min(free, limit)
			}
		}
	}
	if free == math.MaxInt64 {
		return 0
	}
	return max(1, int(free/clipMemory))
}
