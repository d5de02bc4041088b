// Package batch takes many clips to their results: a folder on a laptop, or one
// shard of an archive on a cluster.
//
// [Collect] lists the clips and [Run] works on those that need it. How a clip
// is analysed is the caller's business ([Options].Work); what a batch adds is
// that nothing is done twice and nothing is lost.
//
// # Resume
//
// For each clip that has been worked on the output keeps a state: a hash of
// the clip's content, the keys of what the result was made with, and how it
// went. A clip whose content and keys are the same is skipped. Its content is not
// read for that as long as the file looks untouched ([store.Mark]). A result
// that is there but was made with other keys is made again, by a Work that finds the
// recording in the folder and may start from it. The state is written after
// the results, so a batch that is killed at any moment does again what it was
// at and nothing else.
//
// Failures have a state too. One that is the clip's own fault is not tried
// again until it is asked for; one that may pass is tried again in later runs,
// up to [MaxAttempts] times.
//
// # Side by side
//
// Each clip is locked while it is worked on. Batches that share an output (and a
// file system that knows flock) divide the work between them; what another has
// begun is waited for at the end.
package batch

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/pkg/store"
)

// MaxAttempts is how many runs try a clip whose failure may pass.
const MaxAttempts = 3

// Task is one clip to be taken to its results.
type Task struct {
	Item
	Worker int    // 0..Workers-1, who does it
	File   string // the clip on this machine
	Folder string // where its results go, on this machine; recordings in it may be used
}

// Outcome is what came of a task.
type Outcome struct {
	Status Status // Measured or Unmeasured
	Reason string // why it is not measured
	SHA256 string // of the clip's content as it was analysed
	Detail any    // for [Ending]
}

// Work takes a clip to a whole folder of results, the file [Options].Mark
// written last. An error leaves no results that look whole; it may wrap
// [ErrNothing] or [ErrPassing], and is otherwise the clip's fault.
type Work func(ctx context.Context, t *Task) (Outcome, error)

var (
	// ErrNothing says that the clip has nothing in it to measure.
	ErrNothing = errors.New("nothing to measure")
	// ErrPassing says that a failure was not the clip's fault and may pass.
	ErrPassing = errors.New("may pass")
)

// Options say how a batch is worked on.
type Options struct {
	Keys        Keys
	Mark        string   // file in a folder of results that says that it is whole
	Reuse       []string // files in a folder of results that Work may start from
	Workers     int      // clips at a time; 0: 1
	RetryFailed bool     // also clips that failed by their own fault
	Work        Work

	Planned func(Totals) // told how much of the batch is done already; may be nil
	Ended   func(Ending) // told how it went with a clip, from several goroutines; may be nil
}

// Ending is how it went with one clip.
type Ending struct {
	Item
	State   *State
	Skipped bool // it was so before this run
	Detail  any  // of the [Outcome]
}

// Totals count the clips of a batch.
type Totals struct {
	Clips      int // of this shard
	Measured   int
	Unmeasured int
	Failed     int    // places that could not be looked into among them
	Skipped    int    // of these, as they were before this run
	Digest     string // of all states: equal ones have the same summary
}

func (t *Totals) count(e Ending) {
	switch e.State.Status {
	case Measured:
		t.Measured++
	case Unmeasured:
		t.Unmeasured++
	default:
		t.Failed++
	}
	if e.Skipped {
		t.Skipped++
	}
}

// Run takes every clip of the list to its results, as far as that has not
// been done. A clip that fails does not stop the others, an output that cannot
// be written to does. When ctx ends, work under way is dropped and the next run
// does it.
func Run(ctx context.Context, stores *store.Stores, out store.Folder, list *List, o Options) (Totals, error) {
	r := &run{stores: stores, out: out, options: o, idle: make(chan int, max(1, o.Workers)), totals: Totals{Clips: len(list.Items), Failed: len(list.Problems)}}
	if err := r.probe(ctx); err != nil {
		return r.totals, err
	}
	for w := range max(1, o.Workers) {
		r.idle <- w
	}
	for _, p := range list.Problems {
		r.addDigest("%q %q", p.Place, p.Err)
	}
	if list.Shard.Index == 0 {
		if err := writeTroubles(ctx, out, list.Problems); err != nil {
			return r.totals, err
		}
	}
	todo, err := r.plan(ctx, list.Items)
	if err != nil {
		return r.totals, err
	}
	if o.Planned != nil {
		o.Planned(r.totals)
	}
	later, err := r.work(ctx, todo, false)
	if err != nil {
		return r.totals, err
	}
	// What others had begun is done by now, or is left to us.
	if _, err = r.work(ctx, later, true); err != nil {
		return r.totals, err
	}
	r.totals.Digest = fmt.Sprintf("%016x", r.digest)
	return r.totals, nil
}

// run is a batch under way.
type run struct {
	stores  *store.Stores
	out     store.Folder
	options Options
	idle    chan int // workers that have nothing to do

	mu     sync.Mutex
	totals Totals
	digest uint64
}

// end counts a clip and tells of it.
func (r *run) end(e Ending) {
	r.mu.Lock()
	r.totals.count(e)
	s := e.State
	r.addDigest("%q %q %q %q %q %v", s.Name, s.Group, s.SHA256, s.Status, s.Reason, s.Keys)
	r.mu.Unlock()
	if r.options.Ended != nil {
		r.options.Ended(e)
	}
}

// addDigest adds a fact to the digest, whatever the order of facts.
func (r *run) addDigest(format string, args ...any) {
	h := fnv.New64a()
	fmt.Fprintf(h, format, args...)
	r.digest += h.Sum64()
}

// probe tries to write to the output.
func (r *run) probe(ctx context.Context) error {
	const name = folder + "/probe"
	// Room for a state or two is not yet room for results.
	if err := r.out.Write(ctx, name, make([]byte, 1<<20)); err != nil {
		return fmt.Errorf("output %s cannot be written to: %w; make room or name another with -o, the same command goes on from here", r.out, err)
	}
	return r.out.Remove(ctx, name)
}

// plan ends what is done and returns what is to do, in order.
func (r *run) plan(ctx context.Context, items []Item) ([]Item, error) {
	needed := make([]bool, len(items))
	g, gctx := errgroup.WithContext(ctx)
	// Looking takes waiting for a disk or a store, not computing.
	g.SetLimit(max(16, 4*runtime.GOMAXPROCS(0)))
	const chunk = 64
	for from := 0; from < len(items); from += chunk {
		g.Go(func() error {
			for i := from; i < min(from+chunk, len(items)); i++ {
				s, done, err := r.look(gctx, items[i])
				if err != nil {
					return err
				}
				if done {
					r.end(Ending{Item: items[i], State: s, Skipped: true})
				} else {
					needed[i] = true
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var todo []Item
	for i, n := range needed {
		if n {
			todo = append(todo, items[i])
		}
	}
	return todo, nil
}

// look reads a clip's state, and says whether there is nothing left to do.
func (r *run) look(ctx context.Context, it Item) (s *State, done bool, err error) {
	if s, err = readState(ctx, r.out, it.Name); s == nil || err != nil {
		return nil, false, err
	}
	if !s.Keys.cover(r.options.Keys) || !r.settled(s) {
		return s, false, nil
	}
	if mark, err := r.mark(ctx, it); err != nil || mark != s.Mark {
		return s, false, ctx.Err() // whoever works on it will see
	}
	if s.Results {
		there, err := r.out.Exists(ctx, it.Name+"/"+r.options.Mark)
		if err != nil || !there {
			return s, false, err
		}
	}
	if s.Group != it.Group { // asked for by another --group-by
		s.Group = it.Group
		if err := writeState(ctx, r.out, s); err != nil {
			return s, false, err
		}
	}
	return s, true, nil
}

// settled reports whether a state is one that stays.
func (r *run) settled(s *State) bool {
	switch {
	case s.Status != Failed:
		return true
	case r.options.RetryFailed:
		return false
	}
	return !s.Again || s.Attempts >= MaxAttempts
}

func (r *run) mark(ctx context.Context, it Item) (store.Mark, error) {
	if it.Mark != "" {
		return it.Mark, nil
	}
	return r.stores.Mark(ctx, it.Source)
}

// work takes the items to their results, and returns those that others are at.
// With wait it waits for them instead.
func (r *run) work(ctx context.Context, items []Item, wait bool) (later []Item, err error) {
	g, gctx := errgroup.WithContext(ctx)
	queue := make(chan Item)
	g.Go(func() error {
		defer close(queue)
		for _, it := range items {
			select {
			case queue <- it:
			case <-gctx.Done():
				return context.Cause(gctx)
			}
		}
		return nil
	})
	for range cap(r.idle) + ahead(items) {
		g.Go(func() error {
			for it := range queue {
				err := r.one(gctx, it, wait)
				switch {
				case errors.Is(err, store.ErrLocked):
					r.mu.Lock()
					later = append(later, it)
					r.mu.Unlock()
				case err != nil:
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return later, err
}

// ahead is how many clips are brought here, or taken away, while all workers are
// busy.
func ahead(items []Item) int {
	for _, it := range items {
		if store.IsURL(it.Source) {
			return 1
		}
	}
	return 0
}

// one takes one clip to its results. Its error is one that stops the batch.
func (r *run) one(ctx context.Context, it Item, wait bool) error {
	unlock, err := r.out.Lock(ctx, lockName(it.Name), wait)
	if err != nil {
		return err
	}
	defer unlock()
	// Another run may have been here since the plan was made.
	s, done, err := r.look(ctx, it)
	switch {
	case err != nil:
		return err
	case done:
		r.end(Ending{Item: it, State: s, Skipped: true})
		return nil
	}
	begun := time.Now()
	next := &State{Name: it.Name, Clip: whereabouts(it.Source), Group: it.Group, Keys: r.options.Keys, Attempts: 1}
	if s != nil && s.Status == Failed && s.Again && !r.options.RetryFailed {
		next.Attempts = s.Attempts + 1
	}
	outcome, skipped, err := r.make(ctx, it, s, next)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errOutput):
		return err
	case err != nil:
		next.Results = false
		next.Status, next.Reason, next.Again = Failed, oneLine(err), errors.Is(err, ErrPassing)
		if errors.Is(err, ErrNothing) {
			next.Status, next.Again = Unmeasured, false
		}
		if outOfSpace(err) {
			return fmt.Errorf("%s: %w: make room, and the same command goes on from here", it.Source, err)
		}
		if err := r.probe(ctx); err != nil {
			return err // that is why
		}
	default:
		next.Status, next.Reason, next.SHA256, next.Results = outcome.Status, outcome.Reason, outcome.SHA256, true
	}
	next.Seconds = time.Since(begun).Seconds()
	if skipped {
		next.Seconds, next.Results, next.Attempts = s.Seconds, s.Results, s.Attempts
		next.Again = s.Again
	}
	// What is done is done, also where the run is ending.
	if err := writeState(context.WithoutCancel(ctx), r.out, next); err != nil {
		return err
	}
	r.end(Ending{Item: it, State: next, Skipped: skipped, Detail: outcome.Detail})
	return nil
}

// oneLine is an error as a reason, without what it is classed by.
func oneLine(err error) string {
	text := err.Error()
	for _, class := range []error{ErrPassing, ErrNothing} {
		text = strings.TrimSuffix(text, ": "+class.Error())
	}
	return strings.Join(strings.Fields(text), " ")
}

// outOfSpace also knows what ffmpeg and other programs say.
func outOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS) ||
		strings.Contains(err.Error(), syscall.ENOSPC.Error())
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
