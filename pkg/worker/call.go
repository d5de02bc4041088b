package worker

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spineflex/spineflex/pkg/job"
)

const (
	// watchEvery is how often a child is looked at. A decoder can fill about
	// 300 MB of memory between two looks.
	watchEvery = 100 * time.Millisecond
	// rollCall is how many of these looks there are for each one at who the
	// child's descendants are, which takes a millisecond. Decoders bound what
	// they themselves may take from their start.
	rollCall = 5
	// patience is how long a child that is asked to stop may take.
	patience = 5 * time.Second
)

// call has a child do q and returns its last answer. Name is put before errors
// of this package.
func (r *Runner) call(ctx context.Context, name string, q request, o *job.Options) (*answer, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	limits := r.Limits.withDefaults()
	q.MaxMemory = limits.MaxMemory
	cmd, err := r.command()
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	log := &lastLines{}
	cmd.Stderr = log
	cmd.WaitDelay = patience // for a grandchild that holds the pipes
	isolate(cmd)

	// The kernel tells a child of its parent's death by the death of the
	// thread that started it (prctl(2), PR_SET_PDEATHSIG).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	c := &child{process: cmd.Process, limits: limits}
	c.alive()
	over := make(chan struct{})
	watched := make(chan error, 1)
	go func() { watched <- c.watch(ctx, over) }()

	last := talk(in, out, &q, func(a *answer) {
		c.alive()
		switch {
		case a.Progress != nil && o.Progress != nil:
			o.Progress(a.Progress.Stage, a.Progress.Done, a.Progress.Total)
		case a.Note != "" && o.Note != nil:
			o.Note(a.Note)
		}
	})
	in.Close()
	c.endAfter(time.Second) // it has nothing left to do
	_ = cmd.Wait()          // its answer counts, and where there is none, its state
	close(over)
	stopped := <-watched

	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", name, context.Cause(ctx))
	case last != nil && last.Failure != nil:
		return nil, last.Failure.err()
	case last != nil && last.fits(q.Task):
		return last, nil
	case stopped != nil:
		return nil, fmt.Errorf("%s: %w", name, stopped)
	}
	return nil, fmt.Errorf("%s: %w", name, c.crash(cmd.ProcessState, log))
}

// talk asks for q and hands answers to take up to the last, which it returns.
func talk(in io.Writer, out io.Reader, q *request, take func(*answer)) *answer {
	if err := writeRequest(in, q); err != nil {
		return nil // the child is dead; how it died says more
	}
	return readAnswers(out, take)
}

// command is a child that has not been started.
func (r *Runner) command() (*exec.Cmd, error) {
	if len(r.Command) > 0 {
		return exec.Command(r.Command[0], r.Command[1:]...), nil
	}
	program, err := self()
	if err != nil {
		return nil, fmt.Errorf("find this program to start a worker: %w", err)
	}
	cmd := exec.Command(program, Command)
	cmd.Args[0] = filepath.Base(os.Args[0])
	// OpenBLAS, which OpenCV brings along, starts a thread for every core as it is
	// loaded, which spin for a while. Nobody here needs them. Nor is there anything to
	// collect before [Serve] sets the collector's pace.
	cmd.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1", "GOGC=off")
	return cmd, nil
}

// child is a running worker.
type child struct {
	process *os.Process
	limits  Limits
	sign    atomic.Int64 // when it last said something, nanoseconds after epoch
	ended   atomic.Bool  // killed after its last word
}

func (c *child) alive() { c.sign.Store(int64(time.Since(epoch))) }

// epoch is when monotonic time begins: a clock that is set back stalls nobody.
var epoch = time.Now()

// watch ends the child when a limit is passed or ctx ends, and returns why;
// nil when over is closed first.
func (c *child) watch(ctx context.Context, over <-chan struct{}) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	begun := time.Now()
	var family []int
	for n := 0; ; n++ {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			c.stop(over)
			return context.Cause(ctx)
		case <-tick.C:
		}
		if c.limits.MaxMemory > 0 && n%rollCall == 0 {
			family = append(descendants(c.process.Pid), c.process.Pid)
		}
		if err := c.excess(begun, family); err != nil {
			c.kill()
			return err
		}
	}
}

// excess says which limit is passed by the child and its family.
func (c *child) excess(begun time.Time, family []int) error {
	l := c.limits
	if l.Timeout > 0 && time.Since(begun) > l.Timeout {
		return fmt.Errorf("%w: not done after %s", ErrTimeout, l.Timeout)
	}
	if quiet := time.Since(epoch) - time.Duration(c.sign.Load()); l.Stall > 0 && quiet > l.Stall {
		return fmt.Errorf("%w: nothing happened for %s", ErrStalled, l.Stall)
	}
	if l.MaxMemory > 0 && residentBytes(family) > l.MaxMemory {
		return fmt.Errorf("%w: more than %s", ErrMemory, megabytes(l.MaxMemory))
	}
	return nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", bytes/1_000_000) }

// stop asks the child to end and makes it.
func (c *child) stop(over <-chan struct{}) {
	if c.process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-over:
			return
		case <-time.After(patience):
		}
	}
	c.kill()
}

// kill ends the child and its ffmpeg processes at once.
func (c *child) kill() {
	family := descendants(c.process.Pid)
	_ = c.process.Kill() // it may be gone
	for _, pid := range family {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	}
}

// endAfter kills the child if it is still there after d.
func (c *child) endAfter(d time.Duration) {
	time.AfterFunc(d, func() {
		c.ended.Store(true)
		_ = c.process.Kill() // it is gone as a rule
	})
}

// crash says how the child ended, which gave no answer.
func (c *child) crash(state *os.ProcessState, log *lastLines) error {
	how := state.String()
	switch {
	case state.Success(), killed(state) && c.ended.Load():
		how = "ended without an answer"
	case killed(state):
		return fmt.Errorf("%w: killed from outside, perhaps because the system ran out of memory", ErrCrashed)
	}
	if line := log.telling(); line != "" {
		how += ": " + line
	}
	return fmt.Errorf("%w: %s", ErrCrashed, how)
}
