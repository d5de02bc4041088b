package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	_ "gocloud.dev/blob/fileblob"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/shard"
	"github.com/spineflex/spineflex/pkg/store"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimVariable) != "" {
		os.Exit(victim())
	}
	goleak.VerifyTestMain(m)
}

// mark is what the copyist writes last.
const mark = "analysis.json"

// copyist is a Work that makes small results: a "recording" of the clip and
// its mark. Clips that begin with "bad" fail, those with "empty" hold
// nothing, those with "flaky" fail in a way that may pass.
type copyist struct {
	keys    batch.Keys
	mu      sync.Mutex
	watched []string // clips of which a recording was made
	worked  []string
	inside  atomic.Int32
	most    atomic.Int32 // at a time
	hold    func(*batch.Task)
}

func (c *copyist) work(ctx context.Context, t *batch.Task) (batch.Outcome, error) {
	if n := c.inside.Add(1); n > c.most.Load() {
		c.most.Store(n)
	}
	defer c.inside.Add(-1)
	c.mu.Lock()
	c.worked = append(c.worked, t.Name)
	c.mu.Unlock()
	if c.hold != nil {
		c.hold(t)
	}
	if ctx.Err() != nil {
		return batch.Outcome{}, ctx.Err()
	}
	content, err := os.ReadFile(t.File)
	switch kind := string(content); {
	case err != nil:
		return batch.Outcome{}, err
	case strings.HasPrefix(kind, "bad"):
		return batch.Outcome{}, fmt.Errorf("%s: not a\nvideo file", t.File)
	case strings.HasPrefix(kind, "empty"):
		return batch.Outcome{}, fmt.Errorf("no person: %w", batch.ErrNothing)
	case strings.HasPrefix(kind, "flaky"):
		return batch.Outcome{}, fmt.Errorf("no connection: %w", batch.ErrPassing)
	case strings.HasPrefix(kind, "full"):
		return batch.Outcome{}, &os.PathError{Op: "write", Path: "annotated.mp4", Err: syscall.ENOSPC}
	}
	if err := os.MkdirAll(t.Folder, 0o755); err != nil {
		return batch.Outcome{}, err
	}
	recording := filepath.Join(t.Folder, "recording.sfr")
	want := c.keys.Perception + string(content)
	if seen, err := os.ReadFile(recording); err != nil || string(seen) != want {
		c.mu.Lock()
		c.watched = append(c.watched, t.Name)
		c.mu.Unlock()
		if err := replace(recording, want); err != nil {
			return batch.Outcome{}, err
		}
	}
	if err := replace(filepath.Join(t.Folder, mark), c.keys.Measurement+want); err != nil {
		return batch.Outcome{}, err
	}
	return batch.Outcome{Status: batch.Measured, SHA256: shaOf(content)}, nil
}

func replace(path, content string) error {
	if err := os.WriteFile(path+".tmp", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// bench is a batch over a folder of small files.
type bench struct {
	t       testing.TB
	in, out string
	remote  bool
	inputs  batch.Inputs
	options batch.Options
}

func newBench(t testing.TB, clips ...string) *bench {
	b := &bench{t: t, in: t.TempDir(), out: filepath.Join(t.TempDir(), "out")}
	for _, c := range clips {
		name, content, ok := strings.Cut(c, "=")
		if !ok {
			content = name
		}
		b.write(name, content)
	}
	b.options.Keys = batch.Keys{Perception: "p1", Measurement: "m1"}
	return b
}

func (b *bench) write(name, content string) {
	b.t.Helper()
	path := filepath.Join(b.in, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		b.t.Fatal(err)
	}
}

// run runs the batch and returns the totals and what was worked on.
func (b *bench) run(ctx context.Context, c *copyist) (batch.Totals, error) {
	b.t.Helper()
	stores := &store.Stores{Scratch: &store.Scratch{Dir: b.t.TempDir()}}
	defer stores.Close()
	place, in := b.out, b.in
	if b.remote {
		place, in = "file://"+b.out, "file://"+b.in
	}
	out, err := stores.Open(ctx, place)
	if err != nil {
		b.t.Fatal(err)
	}
	inputs := b.inputs
	if inputs.Places == nil {
		inputs.Places = []string{in}
	}
	inputs.Filter.Recursive = true
	list, err := batch.Collect(ctx, stores, out, inputs)
	if err != nil {
		return batch.Totals{}, err
	}
	o := b.options
	c.keys = o.Keys
	o.Mark, o.Reuse, o.Work = mark, []string{"recording.sfr"}, c.work
	return batch.Run(ctx, stores, out, list, o)
}

func (b *bench) mustRun() (batch.Totals, *copyist) {
	b.t.Helper()
	c := &copyist{}
	totals, err := b.run(b.t.Context(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	slices.Sort(c.worked)
	slices.Sort(c.watched)
	return totals, c
}

// results are the contents of the marks by name.
func (b *bench) results() map[string]string {
	b.t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(b.out, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Name() == mark {
			content, err := os.ReadFile(path)
			name, _ := filepath.Rel(b.out, filepath.Dir(path))
			found[name] = string(content)
			return err
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.t.Fatal(err)
	}
	return found
}

func (b *bench) states() map[string]*batch.State {
	b.t.Helper()
	stores := &store.Stores{}
	defer stores.Close()
	out, err := stores.Open(b.t.Context(), b.out)
	if err != nil {
		b.t.Fatal(err)
	}
	all := map[string]*batch.State{}
	for s, err := range batch.States(b.t.Context(), out) {
		if err != nil {
			b.t.Fatal(err)
		}
		all[s.Name] = s
	}
	return all
}

func both(t *testing.T, f func(t *testing.T, remote bool)) {
	t.Run("disk", func(t *testing.T) { f(t, false) })
	t.Run("object store", func(t *testing.T) { f(t, true) })
}

func TestRunAndResume(t *testing.T) {
	both(t, func(t *testing.T, remote bool) {
		b := newBench(t, "a.mp4", "mon/a.mp4=monday", "bad.mp4", "empty.mp4")
		b.remote = remote
		totals, _ := b.mustRun()
		if totals.Clips != 4 || totals.Measured != 2 || totals.Unmeasured != 1 || totals.Failed != 1 || totals.Skipped != 0 {
			t.Errorf("first run: %+v", totals)
		}
		want := map[string]string{"a": "m1p1a.mp4", "mon/a": "m1p1monday"}
		if d := cmp.Diff(want, b.results()); d != "" {
			t.Error("results (-want +got):\n" + d)
		}
		if s := b.states()["bad"]; s == nil || s.Status != batch.Failed || s.Reason != "not a video file" || s.Again {
			t.Errorf("state of the broken clip: %+v", s)
		}
		if s := b.states()["mon/a"]; s == nil || s.Group != "mon" {
			t.Errorf("state of the clip in a folder: %+v", s)
		}
		digest := totals.Digest
		totals, c := b.mustRun()
		if len(c.worked) != 0 || totals.Skipped != 4 || totals.Failed != 1 || totals.Digest != digest {
			t.Errorf("second run worked on %q: %+v", c.worked, totals)
		}
	})
}

func TestWhatIsDoneAgain(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(b *bench)
		worked  []string
		watched []string
	}{
		{"nothing changed", func(*bench) {}, nil, nil},
		{"thresholds: measured again, not watched", func(b *bench) { b.options.Keys.Measurement = "m2" }, []string{"a", "bad", "c"}, nil},
		{"networks: watched again", func(b *bench) { b.options.Keys.Perception = "p2" }, []string{"a", "bad", "c"}, []string{"a", "c"}},
		{"video wanted now", func(b *bench) { b.options.Keys.Video = true }, []string{"a", "bad", "c"}, nil},
		{"clip replaced", func(b *bench) { b.write("a.mp4", "new") }, []string{"a"}, []string{"a"}},
		{"clip touched", func(b *bench) { touch(b, "a.mp4", time.Now().Add(time.Hour)) }, nil, nil},
		{"clip from the future, clock set back", func(b *bench) { touch(b, "a.mp4", time.Date(2150, 1, 1, 0, 0, 0, 0, time.UTC)) }, nil, nil},
		{"clip from before the epoch", func(b *bench) { touch(b, "a.mp4", time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)) }, nil, nil},
		{"replaced with equal size and time", func(b *bench) {
			info, _ := os.Stat(filepath.Join(b.in, "a.mp4"))
			b.write("a.mp4", "other")
			touch(b, "a.mp4", info.ModTime())
		}, []string{"a"}, []string{"a"}},
		{"result deleted", func(b *bench) { _ = os.RemoveAll(filepath.Join(b.out, "a")) }, []string{"a"}, []string{"a"}},
		{"result not finished", func(b *bench) { _ = os.Remove(filepath.Join(b.out, "a", mark)) }, []string{"a"}, nil},
		{"state lost", func(b *bench) { _ = os.RemoveAll(filepath.Join(b.out, ".spineflex")) }, []string{"a", "bad", "c"}, nil},
		{"state damaged", func(b *bench) {
			files, _ := filepath.Glob(filepath.Join(b.out, ".spineflex/state/*/*.json"))
			for _, f := range files {
				_ = os.WriteFile(f, []byte("{"), 0o600)
			}
		}, []string{"a", "bad", "c"}, nil},
		{"failed ones asked for", func(b *bench) { b.options.RetryFailed = true }, []string{"bad"}, nil},
		{"input moved", func(b *bench) {
			moved := b.in + "2"
			_ = os.Rename(b.in, moved)
			b.in = moved
		}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, "a.mp4=first", "bad.mp4", "c.mp4")
			b.mustRun()
			tc.change(b)
			_, c := b.mustRun()
			if !slices.Equal(c.worked, tc.worked) || !slices.Equal(c.watched, tc.watched) {
				t.Errorf("worked on %q, watched %q; want %q and %q", c.worked, c.watched, tc.worked, tc.watched)
			}
			if _, c := b.mustRun(); !b.options.RetryFailed && len(c.worked) != 0 {
				t.Errorf("and a run later on %q", c.worked)
			}
		})
	}
}

func touch(b *bench, name string, at time.Time) {
	if err := os.Chtimes(filepath.Join(b.in, name), at, at); err != nil {
		b.t.Fatal(err)
	}
}

func TestVideoThatIsNotWantedIsNoReasonToStart(t *testing.T) {
	b := newBench(t, "a.mp4")
	b.options.Keys.Video = true
	b.mustRun()
	b.options.Keys.Video = false
	if _, c := b.mustRun(); len(c.worked) != 0 {
		t.Errorf("worked on %q", c.worked)
	}
}

func TestRemoteResultsAreMeasuredAgainFromTheirRecording(t *testing.T) {
	b := newBench(t, "a.mp4")
	b.remote = true
	b.mustRun()
	if err := os.WriteFile(filepath.Join(b.out, "a", "stale.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.options.Keys.Measurement = "m2"
	_, c := b.mustRun()
	if len(c.worked) != 1 || len(c.watched) != 0 || b.results()["a"] != "m2p1a.mp4" {
		t.Errorf("worked on %q, watched %q, results %q", c.worked, c.watched, b.results())
	}
	if _, err := os.Stat(filepath.Join(b.out, "a", "stale.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the old result had and the new has not is still there: %v", err)
	}
}

func TestFailureThatMayPassIsTriedAFewTimes(t *testing.T) {
	b := newBench(t, "flaky.mp4")
	for run := 1; run <= batch.MaxAttempts+1; run++ {
		totals, c := b.mustRun()
		if tried := len(c.worked) == 1; tried != (run <= batch.MaxAttempts) || totals.Failed != 1 {
			t.Errorf("run %d: tried %t, %+v", run, tried, totals)
		}
	}
	if s := b.states()["flaky"]; s.Reason != "no connection" {
		t.Errorf("reason %q", s.Reason)
	}
	b.write("flaky.mp4", "fine")
	if totals, _ := b.mustRun(); totals.Measured != 1 {
		t.Errorf("when it has passed: %+v", totals)
	}
}

func TestAResultThatBecomesAFailureIsNoResult(t *testing.T) {
	both(t, func(t *testing.T, remote bool) {
		b := newBench(t, "a.mp4")
		b.remote = remote
		b.mustRun()
		b.write("a.mp4", "bad now")
		if totals, _ := b.mustRun(); totals.Failed != 1 || len(b.results()) != 0 {
			t.Errorf("%+v, results %q", totals, b.results())
		}
	})
}

func TestFullDiskStopsTheBatchAndMarksNoClip(t *testing.T) {
	b := newBench(t, "a.mp4", "full.mp4", "z.mp4")
	_, err := b.run(t.Context(), &copyist{})
	if err == nil || !strings.Contains(err.Error(), "no space left on device") || !strings.Contains(err.Error(), "make room") {
		t.Errorf("got %v", err)
	}
	if s := b.states(); s["full"] != nil || s["a"] == nil {
		t.Errorf("states %v", slices.Collect(maps.Keys(s)))
	}
	b.write("full.mp4", "room again")
	if totals, _ := b.mustRun(); totals.Measured != 3 {
		t.Errorf("after making room: %+v", totals)
	}
}

func TestOutputThatCannotBeWrittenTo(t *testing.T) {
	b := newBench(t, "a.mp4")
	if err := os.WriteFile(b.out, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &copyist{}
	_, err := b.run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "cannot be written to") || len(c.worked) != 0 {
		t.Errorf("got %v, worked on %q", err, c.worked)
	}
}

func TestResultOfAnotherClipIsNotReplaced(t *testing.T) {
	b := newBench(t, "a.mp4")
	folder := filepath.Join(b.out, "a")
	theirs := `{"clip":{"sha256":"0123"}}`
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, mark), []byte(theirs), 0o600)); err != nil {
		t.Fatal(err)
	}
	totals, _ := b.mustRun()
	if s := b.states()["a"]; totals.Failed != 1 || !strings.Contains(s.Reason, "holds the result of another clip") {
		t.Errorf("%+v: %+v", totals, s)
	}
	if b.results()["a"] != theirs {
		t.Error("it was replaced")
	}
}

func TestWorkersWorkSideBySide(t *testing.T) {
	both(t, func(t *testing.T, remote bool) {
		var clips []string
		for i := range 12 {
			clips = append(clips, fmt.Sprintf("c%02d.mp4", i))
		}
		b := newBench(t, clips...)
		b.remote, b.options.Workers = remote, 3
		var together sync.WaitGroup
		together.Add(3)
		var first atomic.Int32
		workers := map[int]bool{}
		var mu sync.Mutex
		c := &copyist{hold: func(task *batch.Task) {
			mu.Lock()
			workers[task.Worker] = true
			mu.Unlock()
			if first.Add(1) <= 3 { // ends only if three are at it at once
				together.Done()
				together.Wait()
			}
		}}
		totals, err := b.run(t.Context(), c)
		if err != nil || totals.Measured != 12 || c.most.Load() != 3 || len(workers) != 3 {
			t.Errorf("%+v, %v, %d at a time, workers %v", totals, err, c.most.Load(), workers)
		}
	})
}

func TestTwoBatchesDivideTheWork(t *testing.T) {
	var clips []string
	for i := range 30 {
		clips = append(clips, fmt.Sprintf("c%02d.mp4", i))
	}
	b := newBench(t, clips...)
	b.options.Workers = 2
	var g sync.WaitGroup
	runs := []*copyist{{}, {}, {}}
	for _, c := range runs {
		c.hold = func(*batch.Task) { time.Sleep(2 * time.Millisecond) }
		g.Go(func() {
			totals, err := b.run(t.Context(), c)
			if err != nil || totals.Measured != len(clips) {
				t.Errorf("%+v, %v", totals, err)
			}
		})
	}
	g.Wait()
	var worked []string
	for _, c := range runs {
		worked = append(worked, c.worked...)
	}
	slices.Sort(worked)
	if len(worked) != len(clips) || len(slices.Compact(worked)) != len(clips) {
		t.Errorf("%d clips were worked on %d times", len(clips), len(worked))
	}
	if left, _ := filepath.Glob(filepath.Join(b.out, ".spineflex/locks/*")); len(left) != 0 {
		t.Errorf("locks left: %q", left)
	}
}

func TestShardsDoEverythingOnce(t *testing.T) {
	var clips, lines []string
	for i := range 40 {
		clips = append(clips, fmt.Sprintf("l%d/c%02d.mp4", i%4, i))
		lines = append(lines, clips[i])
	}
	for _, manifest := range []bool{false, true} {
		b := newBench(t, clips...)
		if manifest {
			b.write("m.txt", strings.Join(lines, "\n"))
			b.inputs = batch.Inputs{Places: []string{}, Manifest: filepath.Join(b.in, "m.txt")}
		}
		var worked []string
		for i := range 3 {
			b.inputs.Shard = shard.Shard{Index: i, Count: 3}
			totals, c := b.mustRun()
			worked = append(worked, c.worked...)
			if totals.Clips != len(c.worked) || manifest && totals.Clips < 13 {
				t.Errorf("shard %d: %+v, worked on %d", i, totals, len(c.worked))
			}
		}
		slices.Sort(worked)
		if len(worked) != 40 || len(slices.Compact(worked)) != 40 {
			t.Errorf("manifest %t: worked on %q", manifest, worked)
		}
	}
}

func TestCancelledRunIsFinishedByTheNext(t *testing.T) {
	b := newBench(t, "a.mp4", "b.mp4", "c.mp4")
	ctx, cancel := context.WithCancel(t.Context())
	c := &copyist{hold: func(task *batch.Task) {
		if task.Name == "b" {
			cancel()
		}
	}}
	if _, err := b.run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if s := b.states(); s["a"] == nil || s["b"] != nil {
		t.Errorf("states of %v", slices.Collect(maps.Keys(s)))
	}
	if _, c := b.mustRun(); !slices.Equal(c.worked, []string{"b", "c"}) {
		t.Errorf("the next run worked on %q", c.worked)
	}
}

func TestGoneClipsAndFoldersAreFailures(t *testing.T) {
	b := newBench(t, "a.mp4")
	b.write("m.txt", "a.mp4\ngone.mp4")
	b.inputs = batch.Inputs{Places: []string{filepath.Join(b.in, "nowhere")}, Manifest: filepath.Join(b.in, "m.txt")}
	totals, _ := b.mustRun()
	if totals.Clips != 2 || totals.Measured != 1 || totals.Failed != 2 {
		t.Errorf("%+v", totals)
	}
	stores := &store.Stores{}
	defer stores.Close()
	out, _ := stores.Open(t.Context(), b.out)
	troubles, err := batch.Troubles(t.Context(), out)
	if err != nil || len(troubles) != 1 || troubles[0].Reason != "stat: no such file or directory" {
		t.Errorf("troubles %+v, %v", troubles, err)
	}
}

func TestGroups(t *testing.T) {
	for _, tc := range []struct{ path, manifest, by, want string }{
		{"squat.mp4", "", "", "gym"},
		{"anna/squat.mp4", "", "", "anna"},
		{"gym/anna/squat.mp4", "", "", "gym/anna"},
		{"gym/squat.mp4", "anna", "", "anna"},
		{"gym/anna_1.mp4", "", `([a-z]+)_\d`, "anna"},
		{"gym/anna_1.mp4", "x", `[a-z]+_`, "anna_"},
		{"gym/1.mp4", "x", `[a-z]+_`, ""},
	} {
		if got := batch.Group(inventory.Clip{Path: tc.path, Root: "gym", Group: tc.manifest}, pattern(tc.by)); got != tc.want {
			t.Errorf("%+v: got %q", tc, got)
		}
	}
}

// The state's keys are read by other programs.
func TestStateFile(t *testing.T) {
	b := newBench(t, "a.mp4")
	b.mustRun()
	files, _ := filepath.Glob(filepath.Join(b.out, ".spineflex/state/*/*.json"))
	if len(files) != 1 {
		t.Fatalf("%q", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(content, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "seconds")
	delete(fields, "mark")
	want := map[string]any{
		"schema": "spineflex.batch/1", "name": "a", "clip": filepath.Join(b.in, "a.mp4"), "group": filepath.Base(b.in), "sha256": shaOf([]byte("a.mp4")),
		"keys":   map[string]any{"perception": "p1", "measurement": "m1", "video": false},
		"status": "measured", "results": true, "attempts": 1.0,
	}
	if d := cmp.Diff(want, fields); d != "" {
		t.Error("(-want +got):\n" + d)
	}
}

// BenchmarkSkip10000 is a run over 10 000 clips that are all done, from
// listing to the end.
func BenchmarkSkip10000(b *testing.B) {
	var clips []string
	for i := range 10_000 {
		clips = append(clips, fmt.Sprintf("l%02d/IMG_%05d.MOV", i%50, i))
	}
	bench := newBench(b, clips...)
	bench.mustRun()
	for b.Loop() {
		if totals, _ := bench.mustRun(); totals.Skipped != len(clips) {
			b.Fatalf("%+v", totals)
		}
	}
}

// BenchmarkCollectManifest is a shard of a manifest of a million clips, of which
// it takes a thousandth.
func BenchmarkCollectManifest(b *testing.B) {
	const clips = 1_000_000
	bench := newBench(b)
	var lines strings.Builder
	lines.WriteString("clip\n")
	for i := range clips {
		fmt.Fprintf(&lines, "s3://lab/clips/lifter%03d/IMG_%07d.MOV\n", i%997, i)
	}
	bench.write("m.csv", lines.String())
	stores := &store.Stores{}
	defer stores.Close()
	out, err := stores.Open(b.Context(), bench.out)
	if err != nil {
		b.Fatal(err)
	}
	in := batch.Inputs{Manifest: filepath.Join(bench.in, "m.csv"), Shard: shard.Shard{Index: 1, Count: 1000}}
	b.ReportAllocs()
	for b.Loop() {
		list, err := batch.Collect(b.Context(), stores, out, in)
		if err != nil || len(list.Items) != clips/1000 {
			b.Fatal(err)
		}
	}
}
