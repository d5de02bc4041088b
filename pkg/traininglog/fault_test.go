package traininglog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary stands in for another program that files sets: it files those
// numbered from..to and says so, one number a line, when each is filed.
const filerEnv = "TRAININGLOG_FILER"

func TestMain(m *testing.M) {
	if job := os.Getenv(filerEnv); job != "" {
		if err := fileSome(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func fileSome(job string) error {
	parts := strings.SplitN(job, " ", 3)
	from, err1 := strconv.Atoi(parts[0])
	to, err2 := strconv.Atoi(parts[1])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		l, err := Open(context.Background(), parts[2])
		if err != nil {
			return err
		}
		_, _, err = l.File(context.Background(), aSet("Anna", i))
		if err := errors.Join(err, l.Close()); err != nil {
			return err
		}
		fmt.Println(i)
	}
	return nil
}

func filer(path string, from, to int) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", filerEnv, from, to, path))
	return cmd
}

func TestSeveralProgramsFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "log.db") // none of them finds it there
	const programs, each = 6, 8
	var all sync.WaitGroup
	for p := range programs {
		all.Go(func() {
			// Neighbours file half of each other's sets too.
			if out, err := filer(path, p*each/2, p*each/2+each).CombinedOutput(); err != nil {
				t.Errorf("program %d: %v: %s", p, err, out)
			}
		})
	}
	all.Wait()
	l, err := OpenToRead(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n, want := len(sets(t, l, "")), (programs-1)*each/2+each; n != want {
		t.Errorf("%d sets, want %d", n, want)
	}
}

func TestKilledWhileFilingNothingIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	rng := rand.New(rand.NewPCG(8, 8))
	filed := 0
	for range 100 {
		cmd := filer(path, filed, filed+1000)
		var said bytes.Buffer
		cmd.Stdout = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+rng.IntN(30)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		// What was said to be filed must be there, and perhaps one more.
		said.Truncate(bytes.LastIndexByte(said.Bytes(), '\n') + 1)
		filed += len(strings.Fields(said.String()))
	}
	l, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all := sets(t, l, "")
	if n := len(all); n < filed || n > filed+1 {
		t.Errorf("%d sets were filed, %d are there", filed, n)
	}
	if filed == 0 {
		t.Error("every filer was killed before its first set: nothing was tested")
	}
	for i, s := range all {
		if want := fmt.Sprintf("set%d.mp4", i); s.Clip != want {
			t.Fatalf("set %d is %s", i, s.Clip)
		}
	}
}

// aCopy of a file that a test may spoil.
func aCopy(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log.db")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStoredVersion1IsBroughtUpToDate(t *testing.T) {
	check := func(t *testing.T, l *Log) {
		t.Helper()
		all := sets(t, l, "")
		if len(all) != 3 {
			t.Fatalf("%d sets, want 3", len(all))
		}
		anna := all[2]
		if anna.Lifter != "Anna" || anna.BlockM != 0.1016 || anna.SafeDepthPct != 100 || anna.At.Format(timeLayout) != "2026-05-10T18:05:12.5+02:00" || !math.IsNaN(anna.LumbarShare) {
			t.Errorf("%+v", anna)
		}
		if all[1].Note != "zwei \"Zeilen\",\nmit Komma" || !math.IsNaN(all[1].LoadKG) {
			t.Errorf("%+v", all[1])
		}
	}
	t.Run("read", func(t *testing.T) {
		path := aCopy(t, filepath.Join("testdata", "v1.db"))
		l, err := OpenToRead(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		check(t, l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		before, _ := os.ReadFile(filepath.Join("testdata", "v1.db"))
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Error("reading changed the file", err)
		}
	})
	t.Run("write", func(t *testing.T) {
		path := aCopy(t, filepath.Join("testdata", "v1.db"))
		for range 2 { // the second time there is nothing to do
			l, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			check(t, l)
			keep(t, l, "Anna", NeutralPosture, "stand.mp4", 1)
			if v, err := l.version(t.Context(), l.db); v != len(migrations) || err != nil {
				t.Error(v, err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// filled is the path of a closed log with n sets.
func filled(t *testing.T, n int) string {
	t.Helper()
	l := newLog(t)
	for i := range n {
		s := aSet("Anna", i)
		s.Note = strings.Repeat("x", 300)
		file(t, l, s)
	}
	path := filepath.Join(t.TempDir(), "log.db")
	if err := l.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// change runs a statement on a file behind the log's back.
func change(t *testing.T, path, statement string) {
	t.Helper()
	l, err := open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// openBoth tries to open a file that must be refused, and checks that it stays as
// it was.
func openBoth(t *testing.T, path string, want error) {
	t.Helper()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(context.Context, string) (*Log, error){"write": Open, "read": OpenToRead} {
		l, err := open(t.Context(), path)
		if err == nil && name == "read" { // its head may be sound
			_, err = l.Sets(t.Context(), "")
		}
		if l != nil {
			l.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("open to %s: %v, want %v", name, err, want)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("open to %s does not name the file: %v", name, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the file was changed", err)
	}
}

func TestNewerLogIsRefused(t *testing.T) {
	path := filled(t, 2)
	change(t, path, "PRAGMA user_version = 99")
	openBoth(t, path, ErrNewer)
	if _, err := Open(t.Context(), path); err == nil || !strings.HasSuffix(err.Error(), "(version 99, this one knows 2): update spineflex") {
		t.Error(err)
	}
}

func TestAnotherProgramsDatabaseIsRefused(t *testing.T) {
	path := filled(t, 2)
	change(t, path, "PRAGMA application_id = 7")
	openBoth(t, path, ErrForeign)
	path = filled(t, 2)
	change(t, path, "PRAGMA user_version = 0; PRAGMA application_id = 0")
	openBoth(t, path, ErrForeign)
}

func TestDamagedLogIsReportedAndNeverOverwritten(t *testing.T) {
	const n = 200
	for _, c := range []struct {
		name  string
		spoil func(b []byte) []byte
		least int // sets that must be saved
	}{
		{"a page in the middle", func(b []byte) []byte { copy(b[len(b)/2&^4095:], bytes.Repeat([]byte{0xa5}, 4096)); return b }, n - 20},
		{"two pages", func(b []byte) []byte {
			copy(b[len(b)/3&^4095:], bytes.Repeat([]byte{0xff}, 4096))
			copy(b[len(b)*2/3&^4095:], make([]byte, 4096))
			return b
		}, n - 40},
		{"cut off", func(b []byte) []byte { return b[:len(b)*2/3] }, n / 4},
		{"text", func([]byte) []byte { return []byte("this is no database, whatever its name says") }, 0},
		{"the head", func(b []byte) []byte { copy(b, make([]byte, 200)); return b }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filled(t, n)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.spoil(b), 0o644); err != nil {
				t.Fatal(err)
			}
			openBoth(t, path, ErrDamaged)
			saved, err := Salvage(t.Context(), path)
			if len(saved) < c.least {
				t.Errorf("%d of %d sets were saved, want %d at least (%v)", len(saved), n, c.least, err)
			}
			if c.least == 0 && !errors.Is(err, ErrDamaged) {
				t.Errorf("nothing was there to be saved: %v", err)
			}
			for _, s := range saved {
				if err := s.Validate(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestSalvageOfAnOldLog(t *testing.T) {
	saved, err := Salvage(t.Context(), aCopy(t, filepath.Join("testdata", "v1.db")))
	if err != nil || len(saved) != 3 || saved[2].Lifter != "Anna" {
		t.Error(saved, err)
	}
}

func TestSalvageWithoutTheLifters(t *testing.T) {
	path := filled(t, 5)
	change(t, path, "PRAGMA foreign_keys = 0; DROP TABLE lifter")
	saved, err := Salvage(t.Context(), path)
	if err != nil || len(saved) != 5 || saved[0].Lifter != "lifter 1" {
		t.Error(saved, err)
	}
}

func TestSalvageOfASoundLogIsAllOfIt(t *testing.T) {
	path := filled(t, 30)
	saved, err := Salvage(t.Context(), path)
	if err != nil || len(saved) != 30 {
		t.Error(len(saved), err)
	}
}

// TestReadOnlyDisk runs itself as a user who may not write to the folder; root may
// write anywhere.
func TestReadOnlyDisk(t *testing.T) {
	if dir := os.Getenv("TRAININGLOG_READ_ONLY"); dir != "" {
		readOnlyDisk(t, dir)
		return
	}
	path := filled(t, 3)
	dir := filepath.Dir(path)
	leaveUnmerged(t, filepath.Join(dir, "killed.db"), 2)
	cmd := exec.Command(os.Args[0], "-test.run", "^TestReadOnlyDisk$", "-test.v")
	cmd.Env = append(os.Environ(), "TRAININGLOG_READ_ONLY="+dir)
	if os.Getuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) { // let it in
			if st, err := os.Stat(d); err == nil && st.Mode().Perm()&0o001 == 0 {
				if err := os.Chmod(d, st.Mode().Perm()|0o055); err != nil {
					t.Skip("cannot let another user in:", err)
				}
			}
		}
		if st, err := os.Stat(os.Args[0]); err != nil || st.Mode().Perm()&0o005 == 0 {
			t.Skip("another user cannot run this test binary")
		}
		cmd.Dir = "/"
		for d := filepath.Dir(os.Args[0]); d != filepath.Dir(d); d = filepath.Dir(d) {
			if st, err := os.Stat(d); err == nil && st.Mode().Perm()&0o001 == 0 {
				if err := os.Chmod(d, st.Mode().Perm()|0o055); err != nil {
					t.Skip("cannot let another user in:", err)
				}
			}
		}
	}
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestReadOnlyDisk")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// leaveUnmerged makes a log as a killed writer leaves it: the sets are in the file
// beside it.
func leaveUnmerged(t *testing.T, path string, n int) {
	t.Helper()
	l := newLog(t)
	for i := range n {
		file(t, l, aSet("Anna", i))
	}
	for _, part := range []string{"", walSuffix} {
		b, err := os.ReadFile(l.Path() + part)
		if err == nil {
			err = os.WriteFile(path+part, b, 0o644)
		}
		if err != nil || part != "" && len(b) == 0 {
			t.Fatalf("%d bytes beside the log: %v", len(b), err)
		}
	}
}

func readOnlyDisk(t *testing.T, dir string) {
	path := filepath.Join(dir, "log.db")
	// What a killed writer left beside the log is read too.
	k, err := OpenToRead(t.Context(), filepath.Join(dir, "killed.db"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sets(t, k, "")); n != 2 {
		t.Errorf("%d sets of the killed writer can be read, want 2", n)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	l, err := OpenToRead(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sets(t, l, "")); n != 3 {
		t.Errorf("%d sets can be read, want 3", n)
	}
	if _, _, err := l.File(t.Context(), aSet("Anna", 9)); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), path); !errors.Is(err, ErrReadOnly) {
		t.Error("log on a read-only disk:", err)
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "new", "log.db")); !errors.Is(err, ErrReadOnly) {
		t.Error("new log on a read-only disk:", err)
	}
}

func TestThereIsNoLogYet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	if _, err := OpenToRead(t.Context(), path); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("looking for a log made one")
	}
}

func TestStrangeFileNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a?b#c%20d&mode=memory 'é\".db")
	l, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	file(t, l, aSet("Anna", 1))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	r, err := OpenToRead(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := len(sets(t, r, "")); n != 1 {
		t.Errorf("%d sets", n)
	}
}

// openAnything opens whatever there is in a file, and checks that it ends and changes
// nothing.
func openAnything(t *testing.T, content []byte) (saved int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.db")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	if l, err := OpenToRead(t.Context(), path); err == nil {
		l.Sets(t.Context(), "")
		l.Calibration(t.Context(), "Anna", NeutralPosture)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	sets, err := Salvage(t.Context(), path)
	if err == nil && len(sets) == 0 {
		t.Error("nothing saved and no error")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(content, after) {
		t.Error("the file was changed", err)
	}
	return len(sets)
}

func TestMutatedLogs(t *testing.T) {
	v1, err := os.ReadFile(filepath.Join("testdata", "v1.db"))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(8, 1))
	saved := 0
	for i := range 60 {
		b := bytes.Clone(v1)
		for range 1 + rng.IntN(20) {
			b[rng.IntN(len(b))] = byte(rng.IntN(256))
		}
		if i%6 == 0 {
			b = b[:rng.IntN(len(b))]
		}
		saved += openAnything(t, b)
	}
	if saved == 0 {
		t.Error("nothing was saved of any")
	}
}

func FuzzOpen(f *testing.F) {
	v1, err := os.ReadFile(filepath.Join("testdata", "v1.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v1)
	f.Add(v1[:5000])
	f.Add([]byte("SQLite format 3\x00"))
	f.Fuzz(func(t *testing.T, content []byte) { openAnything(t, content) })
}
