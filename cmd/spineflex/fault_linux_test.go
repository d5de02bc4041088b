package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
)

// glimpse is a second and a half of the bundled clip, tiny: enough to be
// written down, though it shows no repetition.
func glimpse(t *testing.T) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "squat.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join(clipFolder(t), "squat.mp4"),
		"-t", "1.5", "-vf", "scale=180:320,fps=10", "-movflags", "+faststart", clip).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return clip
}

// analyzing is the command that analyses a glimpse, whose exit status is
// exitNothing.
func analyzing(dir string, clips ...string) *exec.Cmd {
	args := append([]string{"analyze", "--json", "--quality", "fast", "--sample-hz", "10", "-o", dir, "--"}, clips...)
	return exec.Command("spineflex", args...)
}

// status runs cmd and returns its exit status, -1 if it was killed, and what it said.
func status(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// mustBeSound checks that nothing in a results folder looks whole and is not.
func mustBeSound(t *testing.T, folder string) {
	t.Helper()
	_, err := report.Read(filepath.Join(folder, report.AnalysisFile))
	finished := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if _, err := recording.Read(filepath.Join(folder, recording.FileName)); err != nil && (finished || !errors.Is(err, fs.ErrNotExist)) {
		t.Errorf("%v", err)
	}
	video := filepath.Join(folder, job.VideoFile)
	if _, err := os.Stat(video); err == nil {
		if out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", video, "-f", "null", "-").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", video, err, out)
		}
	} else if finished {
		t.Error(err)
	}
	if !finished {
		return
	}
	for _, name := range []string{report.FramesFile, report.RepsFile, report.HTMLFile} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
}

// mustBeTidy checks that a run that ended by itself left nothing under
// temporary names.
func mustBeTidy(t *testing.T, folder string) {
	t.Helper()
	hidden, err := filepath.Glob(filepath.Join(folder, ".*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(hidden) > 0 {
		t.Errorf("left behind: %v", hidden)
	}
}

// Killed with -9 at any moment, a run leaves nothing that looks whole and is
// not, and the next one finishes with what it would have had. SPINEFLEX_KILLS
// says how many moments; make kills takes 100.
func TestKilledAtAnyMoment(t *testing.T) {
	kills := 2
	if n, err := strconv.Atoi(os.Getenv("SPINEFLEX_KILLS")); err == nil {
		kills = n
	}
	clip, dir := glimpse(t), t.TempDir()
	begun := time.Now()
	if code, _, errs := status(t, analyzing(filepath.Join(dir, "calm"), clip)); code != exitNothing {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	lasts := time.Since(begun)
	want, err := os.ReadFile(filepath.Join(dir, "calm", "squat", report.FramesFile))
	if err != nil {
		t.Fatal(err)
	}

	out := filepath.Join(dir, "killed")
	folder := filepath.Join(out, "squat")
	rng := rand.New(rand.NewPCG(1, uint64(kills)))
	killed, finished := 0, 0
	for killed < kills {
		cmd := analyzing(out, clip)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.Float64() * float64(lasts)))
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
			finished++ // it was quicker
			if cmd.ProcessState.ExitCode() != exitNothing {
				t.Fatal(err)
			}
		} else {
			killed++
		}
		mustBeSound(t, folder)
		if cmd.ProcessState.ExitCode() != -1 || killed%10 == 0 || killed == kills {
			// The next run finishes, unless this one has.
			code, _, errs := status(t, analyzing(out, clip))
			if code != exitNothing && !strings.Contains(errs, "holds a finished result already") {
				t.Fatalf("after %d kills: exit status %d: %s", killed, code, errs)
			}
			mustBeSound(t, folder)
			mustBeTidy(t, folder)
			got, err := os.ReadFile(filepath.Join(folder, report.FramesFile))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("after %d kills the next run does not give what an undisturbed one gives (%v)", killed, err)
			}
			if err := os.RemoveAll(out); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d killed, %d were quicker", killed, finished)
}

// A full disk is said in one line, nothing half written keeps lying about, and
// once there is room the next run finishes.
func TestDiskFull(t *testing.T) {
	clip := glimpse(t)
	for _, room := range []string{"8k", "64k"} {
		t.Run(room, func(t *testing.T) {
			disk := t.TempDir()
			if err := syscall.Mount("none", disk, "tmpfs", 0, "size="+room); err != nil {
				t.Skipf("NOT TESTED, a small disk cannot be mounted (root may): %v", err)
			}
			defer func() {
				if err := syscall.Unmount(disk, 0); err != nil {
					t.Error(err)
				}
			}()
			code, _, errs := status(t, analyzing(disk, clip))
			if code != exitError || !strings.Contains(strings.ToLower(errs), "no space left on device") || strings.Count(errs, "\n") > 2 {
				t.Errorf("exit status %d: %s", code, errs)
			}
			folder := filepath.Join(disk, "squat")
			mustBeSound(t, folder)
			mustBeTidy(t, folder)
			if err := syscall.Mount("none", disk, "tmpfs", syscall.MS_REMOUNT, "size=32m"); err != nil {
				t.Fatal(err)
			}
			if code, _, errs := status(t, analyzing(disk, clip)); code != exitNothing {
				t.Errorf("with room again: exit status %d: %s", code, errs)
			}
			mustBeSound(t, folder)
		})
	}
}

// duringStage does something as soon as the run is seen to be in a stage.
func duringStage(t *testing.T, cmd *exec.Cmd, stage job.Stage, do func()) (code int, stderr string) {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e struct{ Event, Stage string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		if !done && e.Event == "progress" && e.Stage == string(stage) {
			done = true
			do()
		}
	}
	_ = cmd.Wait()
	if !done {
		t.Fatalf("never %s: %s", stage, errs.String())
	}
	return cmd.ProcessState.ExitCode(), errs.String()
}

func TestFolderDeletedDuringTheRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	code, errs := duringStage(t, analyzing(dir, glimpse(t)), job.Drawing, func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	// Should the last files have been under way already, they are there.
	if code != exitNothing && (code != exitError || !strings.Contains(strings.ToLower(errs), "no such file or directory")) {
		t.Errorf("exit status %d: %s", code, errs)
	}
	mustBeSound(t, filepath.Join(dir, "squat"))
}

func TestClipShrinksWhileItIsRead(t *testing.T) {
	clip, dir := glimpse(t), t.TempDir()
	code, errs := duringStage(t, analyzing(dir, clip), job.Perceiving, func() {
		if err := os.Truncate(clip, 3000); err != nil {
			t.Error(err)
		}
	})
	if code != exitNothing && code != exitError {
		t.Errorf("exit status %d: %s", code, errs)
	}
	mustBeSound(t, filepath.Join(dir, "squat"))
	mustBeTidy(t, filepath.Join(dir, "squat"))
}

// Nowhere to put temporary files, no home, no terminal, nothing on standard
// input, and names that would be options, protocols, patterns or lines.
func TestBareSurroundingsAndOddNames(t *testing.T) {
	clip, dir := glimpse(t), t.TempDir()
	names := []string{"-y.mp4", "new\nline 'and\" quotes.mp4", "not\xffUTF-8.mp4", "concat:a|%03d.mp4", "<script>alert(1)<!--.mp4"}
	for _, name := range names {
		if err := os.Link(clip, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := analyzing("out", names...)
	cmd.Dir = dir
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "HOME=") && !strings.HasPrefix(kv, "TMPDIR=") && !strings.HasPrefix(kv, "TERM=") && !strings.HasPrefix(kv, "XDG_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "HOME=/proc/none", "TMPDIR=/proc/none")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	code, _, errs := status(t, cmd)
	if code != exitNothing {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	for _, name := range names {
		folder := job.Folder(filepath.Join(dir, "out"), name)
		mustBeSound(t, folder)
		page, err := os.ReadFile(filepath.Join(folder, report.HTMLFile))
		if err != nil {
			t.Error(err)
		}
		if bytes.Contains(page, []byte("<script>alert")) {
			t.Errorf("%q stands in the report as it is", name)
		}
	}
	// Nothing else has been made.
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(names)+1 {
		t.Errorf("the folder holds %v (%v)", entries, err)
	}
}
