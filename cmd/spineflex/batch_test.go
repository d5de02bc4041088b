//go:build unix

package main

import (
	"bufio"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/store"
)

var kills = flag.Int("kills", 2, "how often a batch is killed in TestKilledBatch")

// twoClips is a folder with two clips that take a second or two each.
func twoClips(t *testing.T) string {
	t.Helper()
	in := t.TempDir()
	clip, err := os.ReadFile(oneRep(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.mp4", "b.mp4"} {
		if err := os.WriteFile(filepath.Join(in, name), clip, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return in
}

func startBatch(t *testing.T, in, out string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command("spineflex", "batch", "--json", "--quality", "fast", "--no-video", "-o", out, in)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(stdout)
}

// A preempted machine gives its tasks half a minute.
func TestBatchEndsSoonWhenAsked(t *testing.T) {
	in, out := twoClips(t), filepath.Join(t.TempDir(), "out")
	cmd, lines := startBatch(t, in, out)
	var asked time.Time
	for lines.Scan() {
		if asked.IsZero() && strings.Contains(lines.Text(), `"event":"progress"`) {
			asked = time.Now()
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("got %v, want exit status %d", err, exitInterrupted)
	}
	if took := time.Since(asked); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := os.Stat(filepath.Join(out, "a", report.AnalysisFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the clip that was dropped looks finished: %v", err)
	}
}

// Package batch kills its batches hundreds of times over clips that are quick
// to do; here the whole program is killed over real ones.
func TestKilledBatch(t *testing.T) {
	in, out := twoClips(t), filepath.Join(t.TempDir(), "out")
	for range *kills {
		cmd, lines := startBatch(t, in, out)
		lines.Scan() // it has begun
		time.Sleep(rand.N(4 * time.Second))
		_ = cmd.Process.Kill() // it may be done
		for lines.Scan() {
		}
		_ = cmd.Wait()
		wholeOrNot(t, out)
	}
	cmd, lines := startBatch(t, in, out)
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := wholeOrNot(t, out); n != 2 {
		t.Errorf("%d results in the end, want 2", n)
	}
	a, err := os.ReadFile(filepath.Join(out, "a", report.FramesFile))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(out, "b", report.FramesFile))
	if err != nil || string(a) != string(b) {
		t.Errorf("two copies of a clip are measured differently: %v", err)
	}
}

// wholeOrNot checks that whatever looks whole can be read, and returns how many
// clips the batch knows to be done.
func wholeOrNot(t *testing.T, out string) (done int) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(out, "*", report.AnalysisFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if _, err := report.Read(path); err != nil {
			t.Error(err)
		}
		for _, name := range []string{report.FramesFile, report.RepsFile, report.HTMLFile} {
			if !exists(filepath.Join(filepath.Dir(path), name)) {
				t.Errorf("%s is there and %s is not", path, name)
			}
		}
	}
	var stores store.Stores
	folder, err := stores.Open(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range batch.States(t.Context(), folder) {
		if err != nil {
			t.Fatal(err)
		}
		done++
		if !exists(filepath.Join(out, s.Name, report.AnalysisFile)) {
			t.Errorf("%s is %s and has no results", s.Name, s.Status)
		}
	}
	return done
}
