package progression

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

var update = flag.Bool("update", false, "rewrite docs/progression.md's table and figure")

var monday = time.Date(2026, 5, 4, 18, 0, 0, 0, time.UTC)

// did is a session in a table of tests: a day, a height, and how many of five reps
// broke (b) or were clearly rounded (r, which broke too).
func did(day int, heightCM float64, broken, rounded int) Session {
	return Session{
		At: monday.AddDate(0, 0, day), Exercise: lift.Deadlift, LoadKG: 80, HeightM: heightCM / 100, DepthPct: 100 - heightCM,
		Reps: 5, Broken: broken, Rounded: rounded, Verdict: true, HeldM: heightCM / 100, HeldPct: 100 - heightCM, ThighDeg: math.NaN(), FullM: 0.55,
	}
}

func held(s Session, cm float64) Session { s.HeldM = cm / 100; return s }

func TestNext(t *testing.T) {
	film := held(did(0, 0, 4, 2), 12.5)
	for _, c := range []struct {
		name     string
		sessions []Session
		today    int
		want     Action
		height   float64 // cm
		why      string
	}{
		{"the first film breaks", []Session{film}, 1, Start, 12.5, "4 of 5 reps left your neutral range, 2 of them clearly rounded"},
		{"the first film breaks and there is no scale", []Session{held(did(0, 0, 4, 0), math.NaN())}, 1, Start, math.NaN(), "4 of 5"},
		{"the first film holds", []Session{did(0, 0, 0, 0)}, 1, Stay, 0, "It held on 4 May"},
		{"held once", []Session{film, did(3, 12.5, 0, 0)}, 7, Stay, 12.5, "Two sessions must"},
		{"held twice within days", []Session{film, did(3, 12.5, 0, 0), did(6, 12.5, 0, 0)}, 8, Stay, 12.5, "within three days"},
		{"held twice a week apart", []Session{film, did(3, 12.5, 0, 0), did(10, 12.5, 0, 0)}, 12, Advance, 10, "held in 2 sessions from 7 May to 14 May"},
		{"one bad day", []Session{film, did(3, 12.5, 0, 0), did(10, 12.5, 0, 0), did(17, 10, 2, 0)}, 20, Repeat, 10, "One bad day"},
		{"between good and bad", []Session{film, did(3, 12.5, 0, 0), did(10, 12.5, 1, 0)}, 12, Repeat, 12.5, "too many to go deeper"},
		{"two bad days", []Session{film, did(3, 12.5, 0, 0), did(17, 10, 2, 0), did(20, 10, 2, 0)}, 22, Back, 12.5, "Two sessions here did not hold"},
		{"two bad days, measured to hold higher", []Session{film, did(3, 12.5, 0, 0), did(17, 10, 2, 0), held(did(20, 10, 2, 0), 17.5)}, 22, Back, 17.5, "Two sessions here did not hold"},
		{"two bad days, clearly", []Session{film, did(3, 12.5, 0, 0), did(17, 10, 2, 0), did(20, 10, 2, 1)}, 22, Back, 15, "clearly rounded"},
		{"a bad day between good ones", []Session{film, did(3, 12.5, 0, 0), did(7, 12.5, 3, 0), did(10, 12.5, 0, 0)}, 12, Stay, 12.5, "Two sessions must"},
		{"put back, too early", []Session{film, did(3, 12.5, 0, 0), did(17, 10, 2, 0), did(20, 10, 2, 0), did(24, 12.5, 0, 0), did(34, 12.5, 0, 0)}, 40, Stay, 12.5, "put back on 28 May"},
		{"put back, three weeks later", []Session{film, did(3, 12.5, 0, 0), did(17, 10, 2, 0), did(20, 10, 2, 0), did(24, 12.5, 0, 0), did(34, 12.5, 0, 0)}, 45, Advance, 10, "held in 2 sessions"},
		{"a leap to the floor", []Session{film, did(3, 12.5, 0, 0), did(10, 0, 5, 3)}, 12, Back, 12.5, "more than a step deeper"},
		{"a leap that measures higher", []Session{film, did(3, 12.5, 0, 0), held(did(10, 0, 5, 3), 17.5)}, 12, Back, 17.5, "this is where it was measured"},
		{"held from the floor", []Session{did(0, 0, 0, 0), did(8, 0, 0, 0)}, 10, AddLoad, 0, "whole depth"},
		{"heavier than what held", []Session{film, did(3, 12.5, 0, 0), loaded(did(10, 12.5, 0, 0), 100)}, 12, Stay, 12.5, "Two sessions must"},
		{"lighter than what held", []Session{film, did(3, 12.5, 0, 0), loaded(did(10, 12.5, 0, 0), 70)}, 12, Advance, 10, "held in 2"},
		{"long ago", []Session{film, did(3, 12.5, 0, 0), did(10, 12.5, 0, 0)}, 80, Film, 12.5, "10 weeks ago"},
		{"no verdict", []Session{film, did(3, 12.5, 0, 0), silentSession(10, 12.5)}, 12, Film, 12.5, "no verdict: too dark"},
		{"no verdict between", []Session{film, did(3, 12.5, 0, 0), silentSession(7, 12.5), did(10, 12.5, 0, 0)}, 12, Advance, 10, "held in 2"},
		{"two reps", []Session{film, did(3, 12.5, 0, 0), reps(did(10, 12.5, 0, 0), 2)}, 12, Film, 12.5, "Only two repetitions"},
		{"nothing", nil, 0, Film, math.NaN(), "no session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Next(c.sessions, DefaultSettings(), monday.AddDate(0, 0, c.today))
			if a.Action != c.want || math.Abs(100*a.HeightM-c.height) > 1e-9 || math.IsNaN(a.HeightM) != math.IsNaN(c.height) || !strings.Contains(a.Why, c.why) {
				t.Errorf("%+v", a)
			}
			if (a.Action == Film) != (a.Film != "") && a.Action != Start {
				t.Errorf("%s: what to film is %q", a.Action, a.Film)
			}
			if a.What == "" || strings.Contains(a.What+a.Why+a.Film, "NaN") || strings.Contains(a.What, "..") {
				t.Errorf("%q %q %q", a.What, a.Why, a.Film)
			}
			t.Log(a.Action, "|", a.What, "|", a.Why, "|", a.Film)
		})
	}
}

func loaded(s Session, kg float64) Session { s.LoadKG = kg; return s }
func reps(s Session, n int) Session        { s.Reps = n; return s }
func silentSession(day int, heightCM float64) Session {
	s := did(day, heightCM, 0, 0)
	s.Verdict, s.Reps, s.Reason = false, 0, "too dark"
	return s
}

// freeSquat is a session that nothing stops.
func freeSquat(day int, depth float64, broken int, heldPct, thigh float64) Session {
	s := did(day, 0, broken, 0)
	s.Exercise, s.HeightM, s.HeldM, s.DepthPct, s.HeldPct, s.ThighDeg = lift.Squat, math.NaN(), math.NaN(), depth, heldPct, thigh
	return s
}

func TestNextByDepth(t *testing.T) {
	for _, c := range []struct {
		name     string
		sessions []Session
		want     Action
		depth    float64
	}{
		{"first film", []Session{freeSquat(0, 100, 4, 72, 15)}, Start, 72},
		{"held twice", []Session{freeSquat(0, 100, 4, 72, 15), freeSquat(3, 72, 0, 72, 15), freeSquat(10, 74, 0, 74, 13)}, Advance, 77},
		{"below parallel", []Session{freeSquat(0, 98, 0, 98, -8), freeSquat(10, 100, 0, 100, -9)}, AddLoad, 100},
		{"two bad days", []Session{freeSquat(0, 80, 0, 80, 5), freeSquat(7, 85, 2, 83, 5), freeSquat(10, 85, 2, 74, 5)}, Back, 74},
	} {
		a := Next(c.sessions, DefaultSettings(), monday.AddDate(0, 0, 12))
		if a.Action != c.want || math.Abs(a.DepthPct-c.depth) > 1e-9 || !math.IsNaN(a.HeightM) {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
	a := Next([]Session{held(freeSquat(0, 100, 4, 72, 15), 52.5)}, DefaultSettings(), monday)
	if a.Action != Start || a.HeightM != 0.525 || a.What != "Start at a box of 52.5 cm, load unchanged at 80 kg." {
		t.Errorf("the box is known: %+v", a)
	}
}

// randomSessions are half a year that nobody would plan.
func randomSessions(rng *rand.Rand) []Session {
	var all []Session
	free := rng.IntN(3) == 0
	for day := 0; len(all) < 1+rng.IntN(12); day += 1 + rng.IntN(9) {
		broken := max(0, rng.IntN(8)-3)
		rounded := 0
		if broken > 0 && rng.IntN(3) == 0 {
			rounded = 1 + rng.IntN(broken)
		}
		height := 2.5 * float64(rng.IntN(6))
		s := did(day, height, broken, rounded)
		s.LoadKG = []float64{80, 80, 85, math.NaN()}[rng.IntN(4)]
		if broken > 0 {
			s.HeldM = (height + 2.5*float64(rng.IntN(5))) / 100
			s.HeldPct = s.DepthPct - 20*rng.Float64()
		}
		if free {
			s.Exercise, s.HeightM, s.HeldM = lift.Squat, math.NaN(), math.NaN()
		}
		if rng.IntN(10) == 0 {
			s.Verdict, s.Reason = false, "too dark"
		}
		all = append(all, s)
	}
	return all
}

func TestNeverDeeperAfterABrokenSessionNorBelowWhatHeld(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	seen := map[Action]int{}
	for range 20_000 {
		all := randomSessions(rng)
		last := &all[len(all)-1]
		s := DefaultSettings()
		a := Next(all, s, last.At.AddDate(0, 0, 1+rng.IntN(20)))
		seen[a.Action]++
		const mm = 1e-3
		deeper := a.HeightM < last.HeightM-mm || math.IsNaN(last.HeightM) && a.DepthPct > last.DepthPct+mm
		if deeper && !last.good(s) {
			t.Fatalf("deeper after %+v: %+v", last, a)
		}
		if deeper && a.Action != Advance {
			t.Fatalf("%s goes deeper: %+v", a.Action, a)
		}
		// The deepest that held bounds what is advised, but for one step.
		bound, depth := last.HeightM, last.DepthPct
		for i := range all {
			if all[i].good(s) {
				bound, depth = math.Min(bound, all[i].HeightM), math.Max(depth, all[i].DepthPct)
			}
		}
		if a.HeightM < bound-float64(s.Step)-mm || math.IsNaN(last.HeightM) && a.DepthPct > depth+s.DepthPct+mm {
			t.Fatalf("more than a step below what held: %+v after %+v", a, all)
		}
		// Who is sent back is not sent below what was measured.
		if a.Action == Back && !math.IsNaN(a.HeightM) && a.HeightM < last.HeightM-mm {
			t.Fatalf("back is down: %+v", a)
		}
		if (a.Action == Start || a.Action == Back) && last.bad(s) && a.HeightM < last.HeldM-mm {
			t.Fatalf("below what was measured: %+v after %+v", a, last)
		}
		if a.LoadKG > last.LoadKG && a.Action != AddLoad {
			t.Fatalf("%s changes the load: %+v", a.Action, a)
		}
		if a.Action == AddLoad && (deeper || a.LoadKG > last.LoadKG*(1+s.LoadPct/100)+1e-9) {
			t.Fatalf("%+v", a)
		}
	}
	for _, a := range []Action{Film, Start, Repeat, Stay, Advance, Back, AddLoad} {
		if seen[a] < 10 {
			t.Errorf("%s came %d times in the random sessions: too few to test it", a, seen[a])
		}
	}
}

func TestOrderOfFilingIsIrrelevant(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	l := newLifter(rng)
	var sets []traininglog.Set
	for i := range 30 {
		// Two sets on some days.
		sets = append(sets, l.train(rng, monday.AddDate(0, 0, i/2*3).Add(time.Duration(i)*time.Minute), i, 10).set)
	}
	want := Sessions(sets)
	for range 20 {
		rng.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
		if d := cmp.Diff(want, Sessions(sets), cmpopts.EquateNaNs()); d != "" {
			t.Fatal(d)
		}
	}
}

func TestSessionsPoolTheWorkingSetsOfADay(t *testing.T) {
	set := func(hour int, load, block float64, broken int) traininglog.Set {
		return traininglog.Set{At: monday.Add(time.Duration(hour) * time.Hour), Exercise: lift.Deadlift, LoadKG: load, BlockM: block, ClipSHA256: fmt.Sprint(hour), Measured: traininglog.Measured{
			Verdict: rom.Breaks, Reps: 5, JudgedReps: 5, BrokenReps: broken, TravelPct: 30, TravelM: 0.5, StatureM: 1.7, SafeDepthPct: 80, SafeBlockM: 0.125,
		}}
	}
	got := Sessions([]traininglog.Set{set(0, 40, 0.1, 5), set(1, 80, 0.1, 0), set(2, 80, 0.1, 3), set(3, 80, 0, 4), set(30, 80, 0, 0)})
	if len(got) != 3 {
		t.Fatalf("%d sessions, want 3", len(got))
	}
	if s := got[0]; s.Reps != 10 || s.Broken != 3 || s.HeightM != 0.1 || math.Abs(s.HeldM-0.225) > 1e-12 || math.Abs(s.FullM-0.6) > 1e-12 {
		t.Errorf("%+v", s)
	}
	if s := got[2]; s.HeightM != 0 || s.HeldM != 0 || s.Broken != 0 {
		t.Errorf("%+v", s)
	}
}

// mirrored is the recording of the same set filmed from the other side.
func mirrored(rec *recording.Recording) *recording.Recording {
	out := *rec
	out.Frames = slices.Clone(rec.Frames)
	w := float64(rec.Clip.Width)
	for i := range out.Frames {
		f := &out.Frames[i]
		for j := range f.Landmarks {
			f.Landmarks[j].X = w - f.Landmarks[j].X
		}
		for l := recording.LeftShoulder; l < recording.NumLandmarks; l += 2 {
			f.Landmarks[l], f.Landmarks[l+1] = f.Landmarks[l+1], f.Landmarks[l]
		}
		f.Trunk.Hip.X, f.Trunk.Shoulder.X, f.Plate.X = w-f.Trunk.Hip.X, w-f.Trunk.Shoulder.X, w-f.Plate.X
		f.Trunk.Left, f.Trunk.Right = f.Trunk.Right, f.Trunk.Left
	}
	return &out
}

func TestMirroredClipsGetTheSameAdvice(t *testing.T) {
	rec, err := recording.Read(filepath.Join("..", "..", "testdata", "recordings", "deadlift.sfr"))
	if err != nil {
		t.Fatal(err)
	}
	advise := func(rec *recording.Recording) Advice {
		a, err := analysis.Analyze(rec, analysis.Settings{StatureCM: 175})
		if err != nil {
			t.Fatal(err)
		}
		f := traininglog.NothingSaid()
		f.Lifter, f.At, f.DateFrom, f.LoadKG = "Anna", monday, traininglog.DateGiven, 80
		s, err := traininglog.NewSet(report.NewDocument(a), "", f)
		if err != nil {
			t.Fatal(err)
		}
		return Next(Sessions([]traininglog.Set{s}), DefaultSettings(), monday)
	}
	want := advise(rec)
	got := advise(mirrored(rec))
	if want.Action != Start || !(want.HeightM > 0) {
		t.Errorf("the rounded deadlift gets %+v", want)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-6)); d != "" {
		t.Error(d)
	}
}

func TestSettings(t *testing.T) {
	s, err := DecodeSettings(strings.NewReader("step = '1in'\nstay_weeks = 4\n"))
	if err != nil || s.Step != 0.0254 || s.Weeks != 4 || s.Sessions != 2 {
		t.Error(s, err)
	}
	if s, err := DecodeSettings(strings.NewReader("")); err != nil || s != DefaultSettings() {
		t.Error(s, err)
	}
	for _, c := range []struct{ in, want string }{
		{"\nstay_week = 4", `line 2: no setting "stay_week"; did you mean "stay_weeks"?`},
		{"Step = '2cm'\ngood_rep_pct = 80", `did you mean "good_reps_pct"?`},
		{"[plan]\nstep = '2cm'", "no setting"},
		{"step = 'two'", "want a length like"},
		{"step = '2kg'", "want a length like"},
		{"sessions = 'two'", "line 1"},
		{"sessions = 0", "sessions = 0 is not between 1 and 20"},
		{"step = '1m'", "step (in cm) = 100"},
		{"good_reps_pct = 60", "both good and bad"},
		{"good_reps_pct = nan", "good_reps_pct = NaN"},
		{"step = ", "line 1"},
	} {
		if _, err := DecodeSettings(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.in, err, c.want)
		}
	}
}

func FuzzDecodeSettings(f *testing.F) {
	f.Add("step = '2.5cm'\nstay_weeks = 3")
	f.Add("stay_week = 1")
	f.Fuzz(func(t *testing.T, in string) {
		if s, err := DecodeSettings(strings.NewReader(in)); err == nil && s.Validate() != nil {
			t.Errorf("%q gives %+v", in, s)
		}
	})
}

// documented replaces what stands between the marks of docs/progression.md, or compares
// it.
func documented(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "progression.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- simulated -->\n", "<!-- end -->"
	head, rest, ok1 := bytes.Cut(b, []byte(from))
	old, tail, ok2 := bytes.Cut(rest, []byte(to))
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	if *update {
		if err := os.WriteFile(path, slices.Concat(head, []byte(from), []byte(text), []byte(to), tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(old), text); d != "" {
		t.Errorf("%s says otherwise (-says +is), run with -update if that is meant:\n%s", path, d)
	}
}

// The settings that the documentation shows are all there are, at their defaults.
func TestDocumentedSettings(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "progression.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(b), "```toml\n")
	block, _, _ = strings.Cut(block, "```")
	s, err := DecodeSettings(strings.NewReader(block))
	if !ok || err != nil || s != DefaultSettings() {
		t.Errorf("%+v, %v; the program has %+v", s, err, DefaultSettings())
	}
	for _, key := range Keys() {
		if !strings.Contains("\n"+block, "\n"+key+" = ") {
			t.Errorf("%s is not documented", key)
		}
	}
}
