package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	_ "gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob"

	"github.com/spineflex/spineflex/pkg/store"
)

const holderVariable = "SPINEFLEX_TEST_LOCK_HOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holderVariable); dir != "" {
		holdLock(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// everyStore runs a test on a folder on disk and in two kinds of buckets.
func everyStore(t *testing.T, test func(t *testing.T, f store.Folder)) {
	for name, place := range map[string]func(t *testing.T) string{
		"disk": func(t *testing.T) string { return t.TempDir() },
		"file": func(t *testing.T) string { return "file://" + t.TempDir() + "/out/" },
		"mem":  func(*testing.T) string { return "mem://bucket/some/prefix" },
	} {
		t.Run(name, func(t *testing.T) {
			stores := &store.Stores{Scratch: &store.Scratch{Dir: t.TempDir()}}
			defer stores.Close()
			f, err := stores.Open(t.Context(), place(t))
			if err != nil {
				t.Fatal(err)
			}
			test(t, f)
		})
	}
}

func files(t *testing.T, f store.Folder, under string) []string {
	t.Helper()
	var found []string
	for name, err := range f.Files(t.Context(), under) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, name)
	}
	slices.Sort(found)
	return found
}

func TestFolder(t *testing.T) {
	everyStore(t, func(t *testing.T, f store.Folder) {
		ctx := t.Context()
		if _, err := f.Read(ctx, "a/b.txt"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("reading what is not there: %v", err)
		}
		if there, err := f.Exists(ctx, "a/b.txt"); there || err != nil {
			t.Errorf("exists: %t, %v", there, err)
		}
		if err := f.Remove(ctx, "a/b.txt"); err != nil {
			t.Errorf("removing what is not there: %v", err)
		}
		if got := files(t, f, ""); got != nil {
			t.Errorf("an empty folder holds %q", got)
		}
		for _, name := range []string{"a/b.txt", "a/c d/é?.txt", "ab.txt"} {
			if err := errors.Join(f.Write(ctx, name, []byte("old")), f.Write(ctx, name, []byte(name))); err != nil {
				t.Fatal(err)
			}
			if content, err := f.Read(ctx, name); err != nil || string(content) != name {
				t.Errorf("%s holds %q, %v", name, content, err)
			}
		}
		if got, want := files(t, f, ""), []string{"a/b.txt", "a/c d/é?.txt", "ab.txt"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := files(t, f, "a"), []string{"a/b.txt", "a/c d/é?.txt"}; !slices.Equal(got, want) {
			t.Errorf("under a: got %q, want %q", got, want)
		}
		if err := f.Remove(ctx, "ab.txt"); err != nil {
			t.Fatal(err)
		}
		if there, err := f.Exists(ctx, "ab.txt"); there || err != nil {
			t.Errorf("removed and exists: %t, %v", there, err)
		}
	})
}

func TestStage(t *testing.T) {
	everyStore(t, func(t *testing.T, f store.Folder) {
		ctx := t.Context()
		produce := func(content string, names ...string) {
			t.Helper()
			s, err := f.Stage(ctx, "x/clip")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Discard()
			if err := s.Fetch(ctx, "kept.sfr", "none.sfr"); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(s.Dir(), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				if err := os.WriteFile(filepath.Join(s.Dir(), name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Publish(ctx, "last.json"); err != nil {
				t.Fatal(err)
			}
		}
		produce("1", "kept.sfr", "a.csv", "last.json")
		if err := f.Write(ctx, "x/clip/below/other.csv", nil); err != nil {
			t.Fatal(err)
		}
		produce("2", "b.csv", "last.json")
		got := files(t, f, "x/clip")
		if !slices.Contains(got, "x/clip/kept.sfr") || !slices.Contains(got, "x/clip/b.csv") || !slices.Contains(got, "x/clip/below/other.csv") {
			t.Errorf("%q is there", got)
		}
		if content, err := f.Read(ctx, "x/clip/kept.sfr"); string(content) != "1" {
			t.Errorf("what was fetched is %q, %v", content, err)
		}
		if content, err := f.Read(ctx, "x/clip/last.json"); string(content) != "2" {
			t.Errorf("the mark is %q, %v", content, err)
		}
	})
}

func TestFetchWithinBounds(t *testing.T) {
	dir, scratch := t.TempDir(), t.TempDir()
	for i := range 6 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("c %d.mp4", i)), make([]byte, 400), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "big.mp4"), make([]byte, 1001), 0o600); err != nil {
		t.Fatal(err)
	}
	stores := &store.Stores{Scratch: &store.Scratch{Dir: scratch, MaxBytes: 1000}}
	if _, _, err := stores.Fetch(t.Context(), "file://"+dir+"/big.mp4"); err == nil || !strings.Contains(err.Error(), "more than the scratch folder may hold") {
		t.Errorf("a clip that has no room: %v", err)
	}
	if _, _, err := stores.Fetch(t.Context(), "file://"+dir+"/gone.mp4"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a clip that is gone: %v", err)
	}
	var g sync.WaitGroup
	for i := range 6 {
		g.Go(func() {
			file, release, err := stores.Fetch(t.Context(), fmt.Sprintf("file://%s/c%%20%d.mp4", dir, i))
			if err != nil {
				t.Error(err)
				return
			}
			if info, err := os.Stat(file); err != nil || info.Size() != 400 || filepath.Base(file) != fmt.Sprintf("c %d.mp4", i) {
				t.Errorf("%s: %v", file, err)
			}
			if held, _ := filepath.Glob(filepath.Join(scratch, "*", "*", "*.mp4")); len(held) > 3 { // two, and one being made or taken away
				t.Errorf("%d clips are held", len(held))
			}
			time.Sleep(5 * time.Millisecond)
			release()
		})
	}
	g.Wait()
	if err := stores.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(scratch); len(left) != 0 {
		t.Errorf("%d entries are left in the scratch folder", len(left))
	}
}

func TestScratchOfAKilledRunIsTakenAway(t *testing.T) {
	scratch := t.TempDir()
	old := filepath.Join(scratch, "spineflex-scratch-1")
	if err := errors.Join(os.Mkdir(old, 0o755), os.WriteFile(filepath.Join(old, ".lock"), nil, 0o600), os.WriteFile(filepath.Join(old, "c.mp4"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	stores := [2]*store.Stores{}
	for i := range stores {
		stores[i] = &store.Stores{Scratch: &store.Scratch{Dir: scratch}}
		defer stores[i].Close()
		f, err := stores[i].Open(t.Context(), "mem://")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Stage(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(scratch, "*")); len(left) != 2 || slices.Contains(left, old) {
		t.Errorf("%q are there, want those of the two that live", left)
	}
}

func TestMarks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.mp4")
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stores := &store.Stores{}
	defer stores.Close()
	mark := func(clip string) store.Mark {
		t.Helper()
		m, err := stores.Mark(t.Context(), clip)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	write("one")
	first, remote := mark(path), mark("file://"+path)
	if again := mark(path); again != first {
		t.Errorf("%s and %s for an untouched file", first, again)
	}
	for o, err := range stores.Objects(t.Context(), "file://"+dir) {
		if err != nil || o.Mark != remote {
			t.Errorf("listed as %s, looked at as %s, %v", o.Mark, remote, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // the clock of the file system ticks
	write("two")
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if mark(path) == first {
		t.Error("another content of equal size and time has the same mark")
	}
}

func TestLocks(t *testing.T) {
	stores := &store.Stores{}
	defer stores.Close()
	dir := t.TempDir()
	f, err := stores.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := f.Lock(t.Context(), "locks/a", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lock(t.Context(), "locks/a", false); !errors.Is(err, store.ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.Lock(ctx, "locks/a", true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited: %v", err)
	}
	unlock()
	if left, _ := os.ReadDir(filepath.Join(dir, "locks")); len(left) != 0 {
		t.Errorf("%d lock files are left", len(left))
	}

	// Never two at a time, though each holder removes the file.
	var g sync.WaitGroup
	inside, most := 0, 0
	var mu sync.Mutex
	for range 8 {
		g.Go(func() {
			for range 20 {
				unlock, err := f.Lock(t.Context(), "locks/b", false)
				if errors.Is(err, store.ErrLocked) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(100 * time.Microsecond)
				mu.Lock()
				inside--
				mu.Unlock()
				unlock()
			}
		})
	}
	g.Wait()
	if most != 1 {
		t.Errorf("%d held the lock at a time", most)
	}
}

// holdLock locks and waits to be killed.
func holdLock(dir string) {
	stores := &store.Stores{}
	f, err := stores.Open(context.Background(), dir)
	if err == nil {
		_, err = f.Lock(context.Background(), "a", false)
	}
	fmt.Println(err)
	select {}
}

func TestALockDiesWithItsHolder(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 5)
	if _, err := out.Read(answer); err != nil || string(answer) != "<nil>" {
		t.Fatalf("%q, %v", answer, err)
	}
	stores := &store.Stores{}
	defer stores.Close()
	f, err := stores.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lock(t.Context(), "a", false); !errors.Is(err, store.ErrLocked) {
		t.Errorf("while the holder lives: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	unlock, err := f.Lock(t.Context(), "a", false)
	if err != nil {
		t.Fatalf("after its death: %v", err)
	}
	unlock()
}

func TestPlacesThatCannotBeOpened(t *testing.T) {
	stores := &store.Stores{}
	defer stores.Close()
	for place, want := range map[string]string{
		"nosuch://bucket": "nosuch",
		"file://host/x":   "three slashes",
		"s3://%zz":        "is no URL",
	} {
		if _, err := stores.Open(t.Context(), place); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", place, err)
		}
	}
	for place, want := range map[string]bool{"s3://b": true, "a/b": false, "/a://b": false, "C:\\x": false, "://x": false} {
		if store.IsURL(place) != want {
			t.Errorf("%s is a URL: %t", place, !want)
		}
	}
}
