package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/video"
)

// children are ways for a worker to live. The test binary is the program.
var children = map[string]func(){
	"serve": func() {
		if err := Serve(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	},
	"panic":     func() { panic("index out of range") },
	"segfault":  func() { die(syscall.SIGSEGV) },
	"abort":     func() { fmt.Fprintln(os.Stderr, "OpenCV(4.6.0) Error: Assertion failed\nmore"); die(syscall.SIGABRT) },
	"killed":    func() { die(syscall.SIGKILL) },
	"exit":      func() {},
	"hang":      func() { signal.Ignore(syscall.SIGTERM); select {} },
	"hog":       hog,
	"family":    func() { family("hog") },
	"orphans":   func() { family("hang") },
	"truncated": func() { fmt.Print(`{"summary":{"folder":"x"`) },
	"wrong":     func() { fmt.Println(`{"recording":"AAAA"}`) },
	"babble": func() {
		out, err := takeStdout()
		if err != nil {
			panic(err)
		}
		fmt.Println("a native library says hello") // to what is standard error now
		fmt.Fprintln(out, "and so does one that kept the descriptor")
		fmt.Fprintln(out, `{"note":"careful"}`)
		fmt.Fprintln(out, `{"progress":{"stage":"analysing","done":3,"total":4}}`)
		fmt.Fprintln(out, `{"summary":{"folder":"elsewhere","reps":5,"video":"elsewhere/annotated.mp4"}}`)
		select {} // it never ends by itself
	},
	// parent is a program that has a worker.
	"parent": func() {
		_, err := runner("orphans", Limits{}).Run(context.Background(), "clip.mp4", os.Args[2], job.Options{
			Note: func(pids string) { fmt.Println(pids) },
		})
		fmt.Println(err)
	},
}

func die(sig syscall.Signal) { _ = syscall.Kill(os.Getpid(), sig); time.Sleep(time.Minute) }

// hog takes memory, 30 MB every 10 ms, and touches it.
func hog() {
	var held [][]byte
	for range 100 {
		b := make([]byte, 30<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println(len(held))
	select {}
}

// family is a worker whose own child, as ffmpeg is, lives in the given way.
func family(way string) {
	signal.Ignore(syscall.SIGTERM)
	cmd := exec.Command(os.Args[0], way)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Printf(`{"note":"%d %d"}`+"\n", os.Getpid(), cmd.Process.Pid)
	select {}
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if child, ok := children[os.Args[1]]; ok {
			child()
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

func runner(way string, l Limits) *Runner {
	return &Runner{Limits: l, Command: []string{os.Args[0], way}}
}

func TestWhatBecomesOfAWorkerIsOneClipsError(t *testing.T) {
	for _, tc := range []struct {
		way    string
		limits Limits
		want   error
		says   string
	}{
		{"panic", Limits{}, ErrCrashed, "set 1.mp4: crashed: exit status 2: panic: index out of range"},
		{"segfault", Limits{}, ErrCrashed, "SIGSEGV"},
		{"abort", Limits{}, ErrCrashed, "OpenCV(4.6.0) Error: Assertion failed"},
		{"killed", Limits{}, ErrCrashed, "perhaps because the system ran out of memory"},
		{"exit", Limits{}, ErrCrashed, "set 1.mp4: crashed: ended without an answer"},
		{"truncated", Limits{}, ErrCrashed, "set 1.mp4: crashed: ended without an answer"},
		{"wrong", Limits{}, ErrCrashed, "set 1.mp4: crashed: ended without an answer"},
		{"hang", Limits{Timeout: 300 * time.Millisecond}, ErrTimeout, "set 1.mp4: took too long: not done after 300ms"},
		{"hang", Limits{Stall: 300 * time.Millisecond}, ErrStalled, "set 1.mp4: came to a standstill: nothing happened for 300ms"},
		{"hog", Limits{MaxMemory: 300_000_000}, ErrMemory, "set 1.mp4: needed too much memory: more than 300 MB"},
		{"family", Limits{MaxMemory: 300_000_000}, ErrMemory, "set 1.mp4: needed too much memory: more than 300 MB"},
	} {
		t.Run(tc.way, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "a", "b")
			_, err := runner(tc.way, tc.limits).Run(t.Context(), "set 1.mp4", dir, job.Options{})
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in one line", err, tc.says)
			}
			if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the folder that was made for it is still there: %v", err)
			}
		})
	}
}

func TestNoProgramToRun(t *testing.T) {
	r := &Runner{Command: []string{filepath.Join(t.TempDir(), "none")}}
	if _, err := r.Watch(t.Context(), "a.mp4", perception.Options{}); err == nil || !strings.Contains(err.Error(), "start a worker") {
		t.Errorf("got %v", err)
	}
}

// What native code prints is no answer, what comes after the last answer is not waited for.
func TestAnswersOfAWorkerThatBabbles(t *testing.T) {
	t.Parallel()
	var notes []string
	done := 0
	dir := filepath.Join(t.TempDir(), "b\xfftes")
	s, err := runner("babble", Limits{}).Run(t.Context(), "a.mp4", dir, job.Options{
		Note:     func(m string) { notes = append(notes, m) },
		Progress: func(_ job.Stage, d, _ int) { done = d },
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Reps != 5 || s.Folder != dir || s.Video != filepath.Join(dir, job.VideoFile) {
		t.Errorf("got %+v", s)
	}
	if len(notes) != 1 || notes[0] != "careful" || done != 3 {
		t.Errorf("notes %q, progress %d", notes, done)
	}
}

func TestCancelEndsAWorkerThatDoesNotListen(t *testing.T) {
	t.Parallel()
	why := errors.New("the gym closes")
	ctx, cancel := context.WithCancelCause(t.Context())
	pids := make(chan string, 1)
	go func() { <-pids; cancel(why) }()
	_, err := runner("orphans", Limits{}).Run(ctx, "a.mp4", t.TempDir(), job.Options{Note: func(p string) { pids <- p }})
	if !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
}

// A worker, and its own children, die with the program that started it.
func TestNobodyOutlivesAKilledParent(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "parent", t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, field := range strings.Fields(line) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatalf("%q is no process", field)
		}
		deadline := time.Now().Add(20 * time.Second)
		for running(pid) {
			if time.Now().After(deadline) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Fatalf("process %d outlived its parent", pid)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// running reports whether a process is there and no zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

// oneRep is the first repetition of the bundled clip, small enough to be quick.
func oneRep(t *testing.T) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "squat.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join("..", "..", "testdata", "squat.mp4"),
		"-t", "5", "-vf", "scale=180:320", clip).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return clip
}

func TestAWorkerWatchesAClip(t *testing.T) {
	t.Parallel()
	var done, total int
	rec, err := runner("serve", Limits{}).Watch(t.Context(), oneRep(t), perception.Options{
		Program: "test", Quality: "fast", SampleHz: 10, Progress: func(d, n int) { done, total = d, n },
	})
	if err != nil {
		t.Fatal(err)
	}
	if rec.Model.Program != "test" || rec.Model.SampleHz != 10 || len(rec.Frames) != 50 {
		t.Errorf("%d frames by %+v, want 50 at 10 Hz", len(rec.Frames), rec.Model)
	}
	if done != 50 || total != 50 {
		t.Errorf("progress %d of %d, want 50 of 50", done, total)
	}
}

func TestErrorsKeepTheirKindOnTheWay(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.mp4")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := runner("serve", Limits{}).Watch(t.Context(), empty, perception.Options{})
	if !errors.Is(err, video.ErrEmpty) || errors.Is(err, video.ErrNotVideo) || !strings.HasPrefix(err.Error(), empty+": file is empty") {
		t.Errorf("got %v", err)
	}
	for name, kind := range kinds {
		got := newFailure(fmt.Errorf("a.mp4: %w: more", kind)).err()
		if !errors.Is(got, kind) || got.Error() != fmt.Sprintf("a.mp4: %v: more", kind) {
			t.Errorf("%s arrives as %v", name, got)
		}
	}
}

func TestServeRefusesWhatIsNoRequest(t *testing.T) {
	if err := serve(t.Context(), strings.NewReader("hello"), io.Discard, func() {}); err == nil {
		t.Error("no error")
	}
}
