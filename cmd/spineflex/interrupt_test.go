//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
)

// oneRep is the first repetition of the bundled clip, small enough to be quick.
func oneRep(t *testing.T) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "squat.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join(clipFolder(t), "squat.mp4"),
		"-t", "5", "-vf", "scale=360:640", clip).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return clip
}

// stopDuring analyses a clip into dir, sends the signal when the
// stage has begun, and returns the exit status (-1: killed).
func stopDuring(t *testing.T, clip, dir string, stage job.Stage, sig syscall.Signal) int {
	t.Helper()
	cmd := exec.Command("spineflex", "analyze", "--json", "--quality", "fast", "-o", dir, clip)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e struct{ Event, Stage string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		if !stopped && e.Event == "progress" && e.Stage == string(stage) {
			stopped = true
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !stopped || !errors.As(err, &exit) {
		t.Fatalf("the run was not stopped while %s: %v", stage, err)
	}
	return exit.ExitCode()
}

func TestInterruptLeavesNothingBehind(t *testing.T) {
	clip, dir := oneRep(t), filepath.Join(t.TempDir(), "out")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		if code := stopDuring(t, clip, dir, job.Perceiving, sig); code != exitInterrupted {
			t.Errorf("%v: exit status %d, want %d", sig, code, exitInterrupted)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v: %s is there", sig, dir)
		}
	}
}

func TestKilledRunIsFinishedByTheNext(t *testing.T) {
	clip, dir := oneRep(t), t.TempDir()
	stopDuring(t, clip, dir, job.Drawing, syscall.SIGKILL)
	folder := filepath.Join(dir, "squat")
	if _, err := recording.Read(filepath.Join(folder, recording.FileName)); err != nil {
		t.Errorf("the recording of a run killed while drawing: %v", err)
	}
	for _, name := range []string{report.AnalysisFile, job.VideoFile} {
		if _, err := os.Stat(filepath.Join(folder, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a killed run left %s", name)
		}
	}

	out, err := exec.Command("spineflex", "analyze", "--json", "--quality", "fast", "-o", dir, clip).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "from the recording of an interrupted run") || strings.Contains(string(out), `"stage":"analysing"`) {
		t.Errorf("the clip was watched again:\n%s", out)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "analysis.json annotated.mp4 frames.csv recording.sfr report.html reps.csv"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
}
