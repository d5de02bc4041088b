package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording"
)

// errParentGone ends the work of a child whose parent has ended.
var errParentGone = errors.New("the program that started this worker has ended")

// lastWords is how long a child whose parent has ended may tidy up.
const lastWords = 5 * time.Second

// Serve is a child's whole life: it reads one request from standard input,
// does what it says, and answers on standard output. The error is of the talk
// with the parent; what went wrong with the clip has been said to it.
func Serve(ctx context.Context) error {
	out, err := takeStdout()
	if err != nil {
		return err
	}
	sacrifice()
	return serve(ctx, os.Stdin, out, func() { time.AfterFunc(lastWords, func() { os.Exit(1) }) })
}

// serve calls orphaned when in ends before the work.
func serve(ctx context.Context, in io.Reader, out io.Writer, orphaned func()) error {
	q, err := readRequest(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		if ctx.Err() == nil {
			cancel(errParentGone)
			orphaned()
		}
	}()
	// Untouched, this takes no memory, but the collector counts it and so does not
	// begin at 4 MB, while some 100 MB of networks and pictures are being made:
	// that took a third of the time to the first frame.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	// What is seen of a clip is kept, so that the heap grows with it. Little is thrown
	// away beside: to collect it four times as often costs nothing that could be
	// measured, and 10 minutes need 450 MB, not 670.
	debug.SetGCPercent(25)
	if q.MaxMemory > 0 {
		// Half is for what Go does not count: networks, and the ffmpeg processes.
		debug.SetMemoryLimit(q.MaxMemory / 2)
	}

	w := &answerWriter{out: out}
	o := q.Options
	o.Progress = func(stage job.Stage, done, total int) {
		w.tell(&answer{Progress: &progress{stage, done, total}})
	}
	o.Note = func(message string) { w.tell(&answer{Note: message}) }
	a, err := do(ctx, q, o)
	if err != nil {
		a = &answer{Failure: newFailure(err)}
	}
	return w.write(a)
}

func do(ctx context.Context, q *request, o job.Options) (*answer, error) {
	var result *job.Result
	var err error
	switch q.Task {
	case taskRun:
		result, err = job.Run(ctx, q.Clip, q.Folder, o)
	case taskRender:
		result, err = job.Render(ctx, q.Folder, q.Clip, o)
	case taskWatch:
		return watch(ctx, q.Clip, o)
	default:
		return nil, fmt.Errorf("worker: no task %q", q.Task)
	}
	if err != nil {
		return nil, err
	}
	return &answer{Summary: result.Summary()}, nil
}

func watch(ctx context.Context, clip string, o job.Options) (*answer, error) {
	p := o.Perception
	p.Progress = func(done, total int) { o.Progress(job.Perceiving, done, total) }
	p.Note = o.Note
	rec, err := perception.Run(ctx, clip, p)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	if err := recording.Encode(&file, rec); err != nil {
		return nil, err
	}
	return &answer{Recording: file.Bytes()}, nil
}

// answerWriter writes answers one by one from any goroutine.
type answerWriter struct {
	mu  sync.Mutex
	out io.Writer
}

// tell writes an answer that is no loss: a parent that is gone ends the work by
// other ways.
func (w *answerWriter) tell(a *answer) { _ = w.write(a) }

func (w *answerWriter) write(a *answer) error {
	line, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("answer the parent: %w", err)
	}
	return nil
}
