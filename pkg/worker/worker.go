// Package worker takes clips to their results in child processes, so that
// nothing a file can do to a decoder or a network hurts the caller: a crash in
// native code, a hang, or hunger for memory becomes one clip's error.
//
//	var r worker.Runner
//	summary, err := r.Run(ctx, "squat.mp4", "out/squat", job.Options{})
//
// A Runner may be used by any number of goroutines at once; each call is one
// child. The child is the same program under a hidden command, which does
// nothing but call [Serve]; it decodes (in ffmpeg processes of its own), runs
// the networks, measures, draws and writes, and tells its parent how it goes.
//
// # Limits
//
// The parent watches how long the child takes, how long it has not said
// anything, and how much memory it and its ffmpeg processes hold. Beyond a
// limit it ends them all. RLIMIT_AS is no help with memory: Go and ONNX Runtime
// reserve address space by the gigabyte that they never touch.
//
// # Death
//
// A child never outlives its parent, however that ends: on Linux the kernel
// kills it (and its ffmpeg processes), elsewhere it sees its standard input
// end. When ctx ends the child is asked to stop and has a few seconds to tidy
// up. What a killed child leaves under temporary names the parent removes.
package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording"
)

// Command is the argument that [Runner] gives the program to have it call
// [Serve].
const Command = "worker"

// What may become of a child. Errors of a Runner that concern one of these
// wrap it and start with the clip's name.
var (
	// ErrTimeout: the clip took longer than Limits.Timeout.
	ErrTimeout = errors.New("took too long")
	// ErrStalled: the child said nothing for Limits.Stall.
	ErrStalled = errors.New("came to a standstill")
	// ErrMemory: the child held more than Limits.MaxMemory.
	ErrMemory = errors.New("needed too much memory")
	// ErrCrashed: the child ended without an answer.
	ErrCrashed = errors.New("crashed")
)

// Defaults of [Limits].
const (
	DefaultTimeout = time.Hour
	// DefaultStall is more than the longest step that is silent takes: hashing a
	// clip of 10 GB on a slow disk, or measuring a recording of an hour.
	DefaultStall = 2 * time.Minute
	// DefaultMaxMemory holds an 8K clip, which takes 2.5 GB on two cores and more
	// on more.
	DefaultMaxMemory = 4 << 30
)

// Limits bound what one clip may take. The zero value is the defaults;
// negative is no limit.
type Limits struct {
	Timeout   time.Duration // for the whole clip
	Stall     time.Duration // between two signs of life
	MaxMemory int64         // bytes resident in the child and its ffmpeg processes; watched on Linux only
}

func (l Limits) withDefaults() Limits {
	if l.Timeout == 0 {
		l.Timeout = DefaultTimeout
	}
	if l.Stall == 0 {
		l.Stall = DefaultStall
	}
	if l.MaxMemory == 0 {
		l.MaxMemory = DefaultMaxMemory
	}
	return l
}

// Runner starts children. The zero value runs this very program with
// [Command].
type Runner struct {
	Limits Limits
	// Program and its arguments, that calls Serve; nil: this program with Command.
	Command []string
}

// Run does what [job.Run] does, in a child. Errors are those of job.Run, of
// which [errors.Is] still tells the sentinels that a caller may branch on, and
// those of this package. o.Watch is not used.
func (r *Runner) Run(ctx context.Context, clip, folder string, o job.Options) (*job.Summary, error) {
	release, err := job.Claim(folder, o.Overwrite)
	if err != nil {
		return nil, err
	}
	defer release()
	a, err := r.call(ctx, clip, newRequest(taskRun, clip, folder, o), &o)
	if err != nil {
		return nil, err
	}
	return a.summary(folder), nil
}

// Render does what [job.Render] does, in a child.
func (r *Runner) Render(ctx context.Context, folder, clip string, o job.Options) (*job.Summary, error) {
	release, err := job.Claim(folder, true)
	if err != nil {
		return nil, err
	}
	defer release()
	a, err := r.call(ctx, folder, newRequest(taskRender, clip, folder, o), &o)
	if err != nil {
		return nil, err
	}
	return a.summary(folder), nil
}

// Watch does what [perception.Run] does, in a child. It fits
// [job.Options].Watch.
func (r *Runner) Watch(ctx context.Context, clip string, o perception.Options) (*recording.Recording, error) {
	both := job.Options{Perception: o, Note: o.Note}
	if o.Progress != nil {
		both.Progress = func(_ job.Stage, done, total int) { o.Progress(done, total) }
	}
	a, err := r.call(ctx, clip, newRequest(taskWatch, clip, "", both), &both)
	if err != nil {
		return nil, err
	}
	rec, err := a.recording()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: its recording cannot be read: %w", clip, ErrCrashed, err)
	}
	return rec, nil
}
