package batch_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spineflex/spineflex/pkg/batch"
)

var kills = flag.Int("kills", 25, "how often the batch is killed")

// victimVariable has the test binary be a batch over the folder it names.
const victimVariable = "SPINEFLEX_TEST_VICTIM"

func shaOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func pattern(text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	return regexp.MustCompile(text)
}

// victim runs a batch whose every clip takes a few milliseconds.
func victim() int {
	var t victimTB
	b := &bench{t: &t, in: os.Getenv(victimVariable), out: filepath.Join(os.Getenv(victimVariable), "..", "out")}
	b.remote = os.Getenv(victimVariable+"_REMOTE") != ""
	b.options = batch.Options{Keys: batch.Keys{Perception: "p1", Measurement: "m1"}, Workers: 2}
	fmt.Println("begun")
	_, err := b.run(context.Background(), &copyist{hold: func(*batch.Task) { time.Sleep(3 * time.Millisecond) }})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// victimTB is what the bench needs of a test, in a process that is none.
type victimTB struct{ testing.TB }

func (*victimTB) Helper() {}

func (*victimTB) TempDir() string {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	return dir
}

func (*victimTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// A batch that is killed again and again, at random moments, leaves nothing that
// looks whole and is not, keeps what it had finished, and the run that is let be
// ends with the results of one that was never killed.
func TestKilledAgainAndAgain(t *testing.T) {
	both(t, func(t *testing.T, remote bool) {
		n := *kills
		if remote {
			n /= 3 // each takes longer
		}
		var clips []string
		for i := range 12 * n { // more than are done before the last kill
			clips = append(clips, fmt.Sprintf("f%d/c%03d.mp4=clip %d", i%7, i, i))
		}
		b := newBench(t, clips...)
		b.write("bad.mp4", "bad")
		in := filepath.Join(t.TempDir(), "in")
		if err := os.Rename(b.in, in); err != nil {
			t.Fatal(err)
		}
		b.in, b.out = in, filepath.Join(in, "..", "out")
		t.Setenv("TMPDIR", t.TempDir())
		finished := 0
		for kill := range n {
			killOne(t, in, remote)
			whole := b.results()
			for name, content := range whole {
				_, number, _ := strings.Cut(filepath.Base(name), "c")
				number = strings.TrimLeft(number, "0")
				if number == "" {
					number = "0"
				}
				if content != "m1p1clip "+number {
					t.Fatalf("after kill %d %s is %q", kill+1, name, content)
				}
			}
			known := b.states()
			for name, s := range known {
				if s.Status == batch.Measured && whole[name] == "" {
					t.Fatalf("after kill %d %s is said to be measured and is not there", kill+1, name)
				}
			}
			if len(known) < finished {
				t.Fatalf("after kill %d %d clips are known, before there were %d", kill+1, len(known), finished)
			}
			finished = len(known)
		}
		t.Logf("%d kills, %d of %d clips were done after the last", n, finished, len(clips)+1)

		b.remote = remote
		totals, c := b.mustRun()
		if totals.Measured != len(clips) || totals.Failed != 1 || len(c.worked) > len(clips)+1-finished {
			t.Errorf("the run that was let be: %+v, worked on %d", totals, len(c.worked))
		}
		undisturbed := newBench(t, clips...)
		undisturbed.write("bad.mp4", "bad")
		undisturbed.mustRun()
		want := undisturbed.results()
		for name, content := range b.results() {
			if want[name] != content {
				t.Errorf("%s is %q, never killed %q", name, content, want[name])
			}
		}
	})
}

// killOne starts a batch and kills it at a random moment.
func killOne(t *testing.T, in string, remote bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+in)
	if remote {
		cmd.Env = append(cmd.Env, victimVariable+"_REMOTE=1")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
	_ = cmd.Process.Kill() // it may be done
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Exited()) {
		t.Fatalf("the batch failed by itself: %v: %s", err, complaint.String())
	}
}
