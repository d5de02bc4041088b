package traininglog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/rom"
)

// sameSet tells sets apart but for their number in the log.
var sameSet = cmp.Options{
	cmpopts.EquateNaNs(), cmpopts.IgnoreFields(Set{}, "ID"),
	cmp.Comparer(func(a, b time.Time) bool { return a.Format(timeLayout) == b.Format(timeLayout) }),
}

// newLog is an empty log in a folder of its own.
func newLog(t testing.TB) *Log {
	t.Helper()
	l, err := Open(t.Context(), filepath.Join(t.TempDir(), "log.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// aSet is set number n of a lifter, each with its own clip and week.
func aSet(lifter string, n int) Set {
	s := blank()
	s.Lifter, s.Exercise, s.DateFrom = lifter, lift.Deadlift, DateClip
	s.At = time.Date(2026, 5, 3, 18, 30, 0, 123456000, time.FixedZone("", 2*3600)).AddDate(0, 0, 7*n)
	s.Clip, s.ClipSHA256, s.Folder = fmt.Sprintf("set%d.mp4", n), fmt.Sprintf("%064x", n+1), fmt.Sprintf("/results/set%d", n)
	s.LoadKG, s.BlockM, s.StatureM = 80, 0.1, 1.68
	s.Verdict, s.Reps, s.JudgedReps, s.BrokenReps = rom.Breaks, 5, 5, 3
	s.TravelPct, s.SafeDepthPct, s.SafeDepthLoPct, s.SafeDepthHiPct = 31.4, 78.123456789, 71, 84
	s.PeakFlexionDeg, s.PeakFlexionSD, s.LumbarShare = 36.6, 2.2, 1.0/3
	s.Program = "v1"
	return s
}

func file(t testing.TB, l *Log, s Set) (int64, Outcome) {
	t.Helper()
	id, done, err := l.File(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return id, done
}

func sets(t testing.TB, l *Log, lifter string) []Set {
	t.Helper()
	all, err := l.Sets(t.Context(), lifter)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilingTwiceChangesNothing(t *testing.T) {
	l := newLog(t)
	first, done := file(t, l, aSet("Anna", 1))
	if done != New {
		t.Errorf("first filing: %s", done)
	}
	before := sets(t, l, "")
	again, done := file(t, l, aSet("anna ", 1)) // the same name to people
	if done != Unchanged || again != first {
		t.Errorf("second filing: %s as %d, first as %d", done, again, first)
	}
	if d := cmp.Diff(before, sets(t, l, ""), sameSet); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Set{aSet("Anna", 1)}, before, sameSet); d != "" {
		t.Error("what was filed is not what is read:", d)
	}
}

func TestFilingAgainTakesWhatIsNew(t *testing.T) {
	l := newLog(t)
	s := aSet("Anna", 1)
	s.Note = "felt easy"
	id, _ := file(t, l, s)

	measured := s // by a later version, and nothing said this time
	measured.LoadKG, measured.BlockM, measured.StatureM, measured.Note = math.NaN(), math.NaN(), math.NaN(), ""
	measured.SafeDepthPct, measured.Program = 80, "v2"
	measured.At, measured.DateFrom = s.At.AddDate(0, 1, 0), DateFile
	if _, done := file(t, l, measured); done != Updated {
		t.Errorf("new measurement: %s", done)
	}
	want := s
	want.SafeDepthPct, want.Program = 80, "v2"
	if d := cmp.Diff([]Set{want}, sets(t, l, ""), sameSet); d != "" {
		t.Error(d)
	}

	said := measured
	said.LoadKG, said.At, said.DateFrom = 82.5, s.At.AddDate(0, 0, -1), DateGiven
	if got, done := file(t, l, said); done != Updated || got != id {
		t.Errorf("new load: %s as %d", done, got)
	}
	want.LoadKG, want.At, want.DateFrom = 82.5, said.At, DateGiven
	if d := cmp.Diff([]Set{want}, sets(t, l, ""), sameSet); d != "" {
		t.Error(d)
	}

	// Measured again as what it is: still the same set.
	squat := said
	squat.Exercise = lift.Squat
	if got, done := file(t, l, squat); done != Updated || got != id {
		t.Errorf("another exercise: %s as %d", done, got)
	}
	// The same clip analysed into another folder as another exercise holds another set.
	squat.Folder, squat.Exercise = "/elsewhere", lift.Deadlift
	if got, done := file(t, l, squat); done != New || got == id {
		t.Errorf("second exercise of a clip: %s as %d", done, got)
	}
}

func TestOneLiftersClipIsNotAnothers(t *testing.T) {
	l := newLog(t)
	file(t, l, aSet("Anna", 1))
	_, _, err := l.File(t.Context(), aSet("Ben", 1))
	if !errors.Is(err, ErrOtherLifter) || !strings.Contains(err.Error(), "Anna") {
		t.Error(err)
	}
	file(t, l, aSet("Ben", 2))
	if n := len(sets(t, l, "ANNA")); n != 1 {
		t.Errorf("Anna has %d sets", n)
	}
	lifters, err := l.Lifters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Lifter{{"Anna", 1.68, 1, []lift.Exercise{lift.Deadlift}}, {"Ben", 1.68, 1, []lift.Exercise{lift.Deadlift}}}
	if d := cmp.Diff(want, lifters); d != "" {
		t.Error(d)
	}
}

func TestWhatCannotBeIsRefused(t *testing.T) {
	l := newLog(t)
	for name, spoil := range map[string]func(*Set){
		"no lifter":             func(s *Set) { s.Lifter = " " },
		"a lifter's name":       func(s *Set) { s.Lifter = "An\nna" },
		"no date":               func(s *Set) { s.At = time.Time{} },
		"no hash":               func(s *Set) { s.ClipSHA256 = "abc" },
		"verdict":               func(s *Set) { s.Verdict = "perhaps" },
		"no reps":               func(s *Set) { s.Reps = 0 },
		"more broken than reps": func(s *Set) { s.BrokenReps = 6 },
		"load":                  func(s *Set) { s.LoadKG = -1 },
		"infinite load":         func(s *Set) { s.LoadKG = math.Inf(1) },
		"blocks like a tower":   func(s *Set) { s.BlockM = 10 },
		"a novel for a note":    func(s *Set) { s.Note = strings.Repeat("x", 3000) },
		"a carriage return":     func(s *Set) { s.Note = "a\r\nb" },
	} {
		s := aSet("Anna", 1)
		spoil(&s)
		if _, _, err := l.File(t.Context(), s); err == nil {
			t.Errorf("%s: filed", name)
		}
	}
	if n := len(sets(t, l, "")); n != 0 {
		t.Errorf("%d sets were filed", n)
	}
}

func TestEditAndRemove(t *testing.T) {
	l := newLog(t)
	id, _ := file(t, l, aSet("Anna", 1))
	other, _ := file(t, l, aSet("Anna", 2))
	got, err := l.Edit(t.Context(), id, func(s *Set) { s.Lifter, s.LoadKG, s.Note = "Ben", 90, "moved" })
	if err != nil || got.Lifter != "Ben" {
		t.Fatal(got, err)
	}
	if s, err := l.Set(t.Context(), id); err != nil || s.Lifter != "Ben" || s.LoadKG != 90 || s.Note != "moved" {
		t.Error(s, err)
	}
	if _, err := l.Edit(t.Context(), id, func(s *Set) { s.LoadKG = -4 }); err == nil {
		t.Error("a negative load was taken")
	}
	if err := l.Remove(t.Context(), other, 99); !errors.Is(err, ErrNoSet) {
		t.Error(err)
	}
	if n := len(sets(t, l, "")); n != 2 {
		t.Errorf("a removal that failed took something away: %d sets are left", n)
	}
	if err := l.Remove(t.Context(), id, other); err != nil {
		t.Error(err)
	}
	if id, done := file(t, l, aSet("Anna", 1)); done != New || id <= other {
		t.Errorf("filed after its removal: %s as %d", done, id)
	}
}

// randomSets have every field filled in, or not, with what is hard to carry.
func randomSets(n int, seed uint64) []Set {
	rng := rand.New(rand.NewPCG(seed, 8))
	texts := []string{"", "plain", `"quoted", and, commas`, "two\nlines", "ünï → 重", " spaces ", "tab\t", "=1+1", "\\N", "null", "{", "\x00"}
	some := func(v float64) float64 {
		if rng.IntN(4) == 0 {
			return math.NaN()
		}
		return v
	}
	all := make([]Set, n)
	for i := range all {
		s := aSet([]string{"Anna", "Ben", "Zoë, the 3rd"}[rng.IntN(3)], i)
		s.At = time.Unix(rng.Int64N(2e9), rng.Int64N(1e6)*1000).In(time.FixedZone("", 900*(rng.IntN(100)-50)))
		s.Note, s.Stance, s.Folder = texts[rng.IntN(len(texts))], texts[rng.IntN(len(texts))], texts[rng.IntN(len(texts))]
		for _, v := range []*float64{&s.LoadKG, &s.BlockM, &s.BoxM, &s.StatureM, &s.TravelPct, &s.TravelM, &s.SafeDepthPct, &s.ThighDeg, &s.LumbarShare, &s.PeakFlexionSD} {
			*v = some(rng.Float64() * math.Pow10(-rng.IntN(8)))
		}
		all[i] = s
	}
	return all
}

func TestExportRoundTripIsExact(t *testing.T) {
	l := newLog(t)
	for _, s := range randomSets(200, 1) {
		file(t, l, s)
	}
	want := sets(t, l, "")
	for _, format := range []struct {
		name  string
		write func(*bytes.Buffer, []Set) error
	}{
		{"csv", func(b *bytes.Buffer, s []Set) error { return WriteCSV(b, s) }},
		{"json lines", func(b *bytes.Buffer, s []Set) error { return WriteJSONLines(b, s) }},
	} {
		t.Run(format.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := format.write(&out, want); err != nil {
				t.Fatal(err)
			}
			read, err := Read(bytes.NewReader(out.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, read, sameSet); d != "" {
				t.Fatal(d)
			}
			other := newLog(t)
			if n, err := other.Import(t.Context(), read, false); n != len(want) || err != nil {
				t.Fatal(n, err)
			}
			var again bytes.Buffer
			if err := format.write(&again, sets(t, other, "")); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), again.Bytes()) {
				t.Error("exported, imported and exported again it is another file")
			}
			if n, err := other.Import(t.Context(), read, false); n != 0 || err != nil {
				t.Errorf("imported twice: %d changed, %v", n, err)
			}
		})
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	l := newLog(t)
	file(t, l, aSet("Anna", 1))
	changed := aSet("Anna", 1)
	changed.LoadKG = 100
	if _, err := l.Import(t.Context(), []Set{aSet("Anna", 2), changed}, false); !errors.Is(err, ErrDiffers) {
		t.Error(err)
	}
	if n := len(sets(t, l, "")); n != 1 {
		t.Errorf("%d sets after an import that failed", n)
	}
	if n, err := l.Import(t.Context(), []Set{aSet("Anna", 2), changed}, true); n != 2 || err != nil {
		t.Error(n, err)
	}
	if all := sets(t, l, ""); len(all) != 2 || all[0].LoadKG != 100 {
		t.Error(all)
	}
}

func TestBadImportsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "empty"},
		{"lifter,load\n", `column "load" is not known`},
		{"lifter,lifter\n", "twice"},
		{"lifter,load_kg\nAnna,heavy\n", `set 1: load_kg: cannot read "heavy"`},
		{"lifter,load_kg\nAnna,+Inf\n", "cannot read"},
		{"lifter\nAnna\n", "set 1: a set needs the date"},
		{"lifter,at\nAnna\n", "wrong number of fields"},
		{`{"lifter":"Anna","weight":1}`, `key "weight" is not known`},
		{`{"lifter":7}`, "lifter: cannot read 7"},
		{`{"lifter":"Anna"} nonsense`, "set 1: a set needs"},
	} {
		if _, err := Read(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
}

func TestBackupIsWholeAndOverwritesNothing(t *testing.T) {
	l := newLog(t)
	file(t, l, aSet("Anna", 1))
	keep(t, l, "Anna", NeutralPosture, "stand.mp4", 1)
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := l.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := l.Backup(t.Context(), path); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	b, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if d := cmp.Diff(sets(t, l, ""), sets(t, b, ""), sameSet); d != "" {
		t.Error(d)
	}
	if c, err := b.Calibration(t.Context(), "Anna", NeutralPosture); err != nil || c == nil {
		t.Error(c, err)
	}
}

func keep(t *testing.T, l *Log, lifter string, kind Kind, clip string, n int) {
	t.Helper()
	rec := &recording.Recording{Clip: recording.Clip{File: clip, SHA256: fmt.Sprintf("%064x", n)}, Frames: []recording.Frame{{}}}
	at := time.Date(2026, 5, n, 9, 0, 0, 0, time.UTC)
	if err := l.Keep(t.Context(), lifter, 1.7, Calibration{Kind: kind, At: at, Recording: rec}); err != nil {
		t.Fatal(err)
	}
}

func TestTheLatestCalibrationIsUsed(t *testing.T) {
	l := newLog(t)
	if c, err := l.Calibration(t.Context(), "Anna", NeutralPosture); c != nil || err != nil {
		t.Error(c, err)
	}
	keep(t, l, "Anna", NeutralPosture, "may.mp4", 1)
	keep(t, l, "Anna", NeutralPosture, "june.mp4", 2)
	keep(t, l, "Anna", FullFlexion, "toes.mp4", 3)
	keep(t, l, "Ben", NeutralPosture, "ben.mp4", 4)
	got := func(lifter string, kind Kind) string {
		c, err := l.Calibration(t.Context(), lifter, kind)
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		return c.Recording.Clip.File + " " + c.At.Format(time.DateOnly)
	}
	if g := got("anna", NeutralPosture); g != "june.mp4 2026-05-02" {
		t.Error(g)
	}
	if g := got("Anna", FullFlexion); g != "toes.mp4 2026-05-03" {
		t.Error(g)
	}
	keep(t, l, "Anna", NeutralPosture, "may.mp4", 1) // shown again
	if g := got("Anna", NeutralPosture); g != "may.mp4 2026-05-01" {
		t.Error(g)
	}
	if lifters, err := l.Lifters(t.Context()); err != nil || len(lifters) != 2 || lifters[1].StatureM != 1.7 {
		t.Error(lifters, err)
	}
}

func TestSeveralGoroutinesFileAtOnce(t *testing.T) {
	l := newLog(t)
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := range 10 {
				if _, _, err := l.File(context.Background(), aSet("Anna", 10*w+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(sets(t, l, "")); n != 40 {
		t.Errorf("%d sets, want 40", n)
	}
}

func TestOrderDoesNotDependOnFiling(t *testing.T) {
	there, back := newLog(t), newLog(t)
	all := randomSets(20, 3)
	for i := range all {
		file(t, there, all[i])
		file(t, back, all[len(all)-1-i])
	}
	if d := cmp.Diff(sets(t, there, ""), sets(t, back, ""), sameSet); d != "" {
		t.Error(d)
	}
}

func TestNewSetTakesWhatWasMeasured(t *testing.T) {
	d, err := report.Read(filepath.Join("..", "report", "testdata", "analysis.json"))
	if err != nil {
		t.Fatal(err)
	}
	f := NothingSaid()
	f.Lifter, f.At, f.DateFrom, f.LoadKG = "Anna", time.Date(2026, 5, 3, 1, 2, 3, 456789, time.UTC), DateClip, 80
	s, err := NewSet(d, "/results/x", f)
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for _, r := range d.Reps {
		if r.Breakdown != nil {
			broken++
		}
	}
	if s.Reps != len(d.Reps) || s.BrokenReps != broken || s.Exercise != lift.Squat || s.LoadKG != 80 || !math.IsNaN(s.BlockM) ||
		s.TravelPct != float64(d.TravelPct) || s.SafeDepthPct != float64(d.SafeRange.DepthPct) || s.ClipSHA256 != d.Clip.SHA256 || !(s.LumbarShare > 0 && s.LumbarShare < 1) {
		t.Errorf("%+v", s)
	}
	d.Reps = nil
	if _, err := NewSet(d, "", f); !errors.Is(err, ErrNothingMeasured) {
		t.Error(err)
	}
}

func TestInFuture(t *testing.T) {
	now := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	east := time.FixedZone("", 10*3600)
	for _, c := range []struct {
		t    time.Time
		want bool
	}{
		{now, false},
		{now.Add(20 * time.Minute), false},
		{now.Add(40 * time.Minute), true},
		{now.AddDate(1, 0, 0), true},
		{time.Date(2026, 11, 23, 12, 0, 0, 0, east), false}, // today, there
	} {
		if got := InFuture(c.t, now); got != c.want {
			t.Errorf("InFuture(%s) = %v", c.t, got)
		}
	}
}

// Whatever is read can be written and is then read as the same.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := WriteCSV(&b, randomSets(3, 5)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	b.Reset()
	if err := WriteJSONLines(&b, randomSets(3, 6)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add("lifter\n\"")
	f.Fuzz(func(t *testing.T, in string) {
		sets, err := Read(strings.NewReader(in))
		if err != nil || len(sets) == 0 {
			return
		}
		for _, write := range []func(*bytes.Buffer) error{
			func(b *bytes.Buffer) error { return WriteCSV(b, sets) },
			func(b *bytes.Buffer) error { return WriteJSONLines(b, sets) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			again, err := Read(&b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(sets, again, sameSet); d != "" {
				t.Fatal(d)
			}
		}
	})
}

func BenchmarkSets10000(b *testing.B) {
	l := newLog(b)
	many := make([]Set, 10_000)
	for i := range many {
		many[i] = aSet("Anna", i%500)
		many[i].ClipSHA256 = fmt.Sprintf("%064x", i+1)
	}
	if _, err := l.Import(b.Context(), many, false); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := OpenToRead(b.Context(), l.Path())
		if err != nil {
			b.Fatal(err)
		}
		if n := len(sets(b, r, "Anna")); n != len(many) {
			b.Fatal(n)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
