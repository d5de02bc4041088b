package rom

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
)

// typical is a squat set with 2.5° of noise; cases change what they are about.
func typical() lifter {
	return lifter{
		exercise: lift.Squat, reps: 4, fps: 30, drift: 9, shape: shapeSmooth, d0: 1, repSD: 0.04,
		down: 1.6, up: 1.4, pause: 0.2, noiseSD: 2.5, noiseTau: 0.12, depthError: 1, repError: 0.5, standing: -30,
	}
}

func broken(d0, flex float64) lifter {
	l := typical()
	l.d0, l.flex = d0, []float64{flex}
	return l
}

func assess(t *testing.T, in Input, o Options) Assessment {
	t.Helper()
	a, err := Assess(in, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func simulate(l lifter, seed uint64) (Input, []repTruth) {
	return l.simulate(rand.New(rand.NewPCG(seed, 11)))
}

func TestVerdicts(t *testing.T) {
	oneOfFive := broken(0.65, 0)
	oneOfFive.reps, oneOfFive.flex = 5, []float64{0, 0, 25, 0, 0}
	deadlift := broken(0.6, 24)
	deadlift.exercise, deadlift.drift = lift.Deadlift, 14
	single := broken(0.6, 24)
	single.reps = 1
	rounded := typical()
	rounded.standing, rounded.drift = 2, 22 // flat when standing: the limit decides, there is no knee
	flat := typical()
	flat.standing, flat.drift = -2, 14 // just past it: no more than bodies and shirts differ
	for _, tc := range []struct {
		name   string
		lifter lifter
		want   Verdict
		broken int
		cause  Cause
	}{
		{"neutral squat", typical(), Holds, 0, ""},
		{"wink", broken(0.65, 22), Breaks, 4, CauseKnee},
		{"one of five", oneOfFive, Holds, 1, CauseKnee},
		{"rounded deadlift", deadlift, Breaks, 4, CauseKnee},
		{"single rep", single, Breaks, 1, CauseKnee},
		{"past the limit without a knee", rounded, Breaks, 4, CauseLimit},
		{"hardly past the limit", flat, Holds, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in, _ := simulate(tc.lifter, 1)
			a := assess(t, in, Options{})
			s := a.SafeRange
			if s.Verdict != tc.want || s.BrokenReps != tc.broken {
				t.Fatalf("verdict %s with %d broken reps; want %s with %d (%s)", s.Verdict, s.BrokenReps, tc.want, tc.broken, s.Advice)
			}
			for _, r := range a.Reps {
				if r.Breakdown != nil && r.Breakdown.Cause != tc.cause {
					t.Errorf("rep %d broke by %s; want %s", r.Index, r.Breakdown.Cause, tc.cause)
				}
			}
			if !(s.DepthPctCI90[0] <= s.DepthPct && s.DepthPct <= s.DepthPctCI90[1]) {
				t.Errorf("safe depth %.1f outside its interval %v", s.DepthPct, s.DepthPctCI90)
			}
		})
	}
}

// A rep that never leaves neutral says only that it holds to its deepest point.
func TestCensoring(t *testing.T) {
	in, truth := simulate(typical(), 3)
	a := assess(t, in, Options{})
	if !a.SafeRange.Censored || a.SafeRange.BrokenReps != 0 {
		t.Fatalf("neutral set: %+v", a.SafeRange)
	}
	deepest, least := 0.0, 1.0
	for _, r := range truth {
		deepest, least = math.Max(deepest, r.deepest), math.Min(least, r.deepest)
	}
	if d := a.SafeRange.DepthPct / 100; d < least-0.01 || d > deepest+0.01 {
		t.Errorf("holds at least to %.3f; the reps went to %.3f…%.3f", d, least, deepest)
	}
	in, _ = simulate(broken(0.6, 25), 3)
	if s := assess(t, in, Options{}).SafeRange; s.Censored || s.DepthPct > 75 {
		t.Errorf("broken set: censored %t at %.0f", s.Censored, s.DepthPct)
	}
}

func TestInconclusive(t *testing.T) {
	nan := math.NaN()
	blank := func(keep func(f Frame) bool) func(*Input) {
		return func(in *Input) {
			for i, f := range in.Frames {
				if !keep(f) {
					in.Frames[i].LumbarFlexion, in.Frames[i].LumbarAngle, in.Frames[i].LumbarFlexionSD = nan, nan, nan
				}
			}
		}
	}
	inTwelve := 0 // counts frames
	for _, tc := range []struct {
		name   string
		change func(*Input)
		reason string
		advice string
	}{
		{"a third of either way", blank(func(f Frame) bool { inTwelve++; return inTwelve%12 < 4 }), "hidden in most frames", "fitted shirt"},
		{"nothing measured", blank(func(Frame) bool { return false }), "not measured", "other side"},
		{"bottom hidden", blank(func(f Frame) bool { return f.DepthPct < 60 }), "hidden at the bottom", "plates"},
		{"lost at the bottom", func(in *Input) {
			for i, f := range in.Frames {
				in.Frames[i].Lost = f.DepthPct > 90
			}
		}, "lost near the bottom", "plates"},
		{"no back", func(in *Input) {
			for i, f := range in.Frames {
				in.Frames[i].Astray = f.DepthPct > 80
			}
		}, "passed for the lower back", "plates"},
		{"one rep in four", blank(func(f Frame) bool { return f.Rep == 1 }), "1 of 4 reps", "plates"},
		{"camera", func(in *Input) { in.Camera = lift.CameraUnusable }, "does not look from the side", "square from the side"},
		{"no reps", func(in *Input) { in.Reps = nil }, "no repetition", "whole set"},
		{"no frames", func(in *Input) { in.Frames = nil }, "not measured", "other side"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in, _ := simulate(broken(0.65, 20), 5)
			tc.change(&in)
			a := assess(t, in, Options{})
			s := a.SafeRange
			if s.Verdict != Inconclusive || !strings.Contains(s.Reason, tc.reason) || !strings.Contains(s.Advice, tc.advice) {
				t.Errorf("%s: %q, %q; want inconclusive, %q, %q", s.Verdict, s.Reason, s.Advice, tc.reason, tc.advice)
			}
			if finite(s.DepthPct) || finite(s.DepthPctCI90[0]) || finite(s.ThighDeg) {
				t.Errorf("inconclusive with a depth: %+v", s)
			}
		})
	}
	t.Run("one rep of which is no back", func(t *testing.T) {
		in, _ := simulate(broken(0.65, 20), 5)
		for i, f := range in.Frames {
			in.Frames[i].Astray = f.Rep == 2 && f.DepthPct > 80
		}
		a := assess(t, in, Options{})
		if a.SafeRange.Verdict != Breaks || a.Reps[1].Judged || !a.Reps[0].Judged {
			t.Errorf("%s (%s), rep 2 judged %t; want breaks, told by the other reps", a.SafeRange.Verdict, a.SafeRange.Reason, a.Reps[1].Judged)
		}
	})
	t.Run("lost for a moment or higher up", func(t *testing.T) {
		in, _ := simulate(broken(0.65, 20), 5)
		for i, f := range in.Frames {
			in.Frames[i].Lost = f.DepthPct < 55 || i%9 == 0
		}
		if s := assess(t, in, Options{}).SafeRange; s.Verdict != Breaks {
			t.Errorf("%s (%s), want breaks", s.Verdict, s.Reason)
		}
	})
	t.Run("noise", func(t *testing.T) {
		l := typical()
		l.reps, l.noiseSD, l.noiseTau, l.standing = 1, 14, 0.3, -10
		unsteady := 0
		for seed := range uint64(20) {
			in, _ := simulate(l, seed)
			if s := assess(t, in, Options{}).SafeRange; s.Verdict == Inconclusive && strings.Contains(s.Reason, "unsteady") {
				unsteady++
			}
		}
		if unsteady < 12 {
			t.Errorf("inconclusive for noise in %d of 20 sets; want most", unsteady)
		}
		// The same noise about a back that stays far from flat hides nothing.
		l.standing, l.drift = -60, 0
		in, _ := simulate(l, 5)
		if s := assess(t, in, Options{}).SafeRange; s.Verdict != Holds {
			t.Errorf("%s: %q; want holds for a back that is hollow throughout", s.Verdict, s.Reason)
		}
	})
}

// A plate may hide the back on one way only: the other, with the pause between
// them, is then enough, though it is less than half of the rep.
func TestOneWayIsEnough(t *testing.T) {
	for name, hidden := range map[string]lift.Phase{"descent": lift.Down, "ascent": lift.Up} {
		for _, flex := range []float64{0, 22} {
			in, _ := simulate(broken(0.65, flex), 5)
			for i := range in.Frames {
				if f := &in.Frames[i]; f.Phase == hidden || f.DepthPct < 20 {
					f.LumbarFlexion, f.LumbarAngle, f.LumbarFlexionSD = math.NaN(), math.NaN(), math.NaN()
				}
			}
			want := map[float64]Verdict{0: Holds, 22: Breaks}[flex]
			a := assess(t, in, Options{})
			for _, r := range a.Reps {
				if !r.Judged || r.MeasuredShare >= 0.5 {
					t.Errorf("%s hidden, %g°: rep %d: judged %t with %.2f measured, %s", name, flex, r.Index, r.Judged, r.MeasuredShare, r.Reason)
				}
			}
			if a.SafeRange.Verdict != want {
				t.Errorf("%s hidden, %g°: %s (%s), want %s", name, flex, a.SafeRange.Verdict, a.SafeRange.Reason, want)
			}
		}
	}
}

// Twice the frame rate, a shifted clock and a dropped frame here and there are
// the same set.
func TestResampling(t *testing.T) {
	for seed := range uint64(4) {
		l := broken(0.62, 22)
		l.fps, l.noiseSD = 60, 2
		in, _ := simulate(l, seed)
		want := assess(t, in, Options{})
		for name, change := range map[string]func(Input) Input{
			"half the frame rate": func(in Input) Input { return keepFrames(in, func(i int) bool { return i%2 == 0 }) },
			"a frame in seven dropped": func(in Input) Input {
				return keepFrames(in, func(i int) bool { return i%7 != 3 })
			},
			"clock shifted": func(in Input) Input {
				in = keepFrames(in, func(int) bool { return true })
				in.Reps = append([]Rep(nil), in.Reps...)
				for i := range in.Frames {
					in.Frames[i].TimeS += 100
				}
				for i := range in.Reps {
					in.Reps[i].StartS, in.Reps[i].BottomS, in.Reps[i].EndS = in.Reps[i].StartS+100, in.Reps[i].BottomS+100, in.Reps[i].EndS+100
				}
				return in
			},
		} {
			got := assess(t, change(in), Options{})
			if got.SafeRange.Verdict != want.SafeRange.Verdict {
				t.Errorf("seed %d, %s: %s; want %s", seed, name, got.SafeRange.Verdict, want.SafeRange.Verdict)
			}
			if d, ci := got.SafeRange.DepthPct, want.SafeRange.DepthPctCI90; d < ci[0] || d > ci[1] {
				t.Errorf("seed %d, %s: safe depth %.1f outside %.1f", seed, name, d, ci)
			}
			if name == "clock shifted" && math.Abs(got.SafeRange.DepthPct-want.SafeRange.DepthPct) > 1e-6 {
				t.Errorf("seed %d: a shifted clock moves the depth from %v to %v", seed, want.SafeRange.DepthPct, got.SafeRange.DepthPct)
			}
		}
	}
}

func keepFrames(in Input, keep func(int) bool) Input {
	frames := in.Frames
	in.Frames = nil
	for i, f := range frames {
		if keep(i) {
			in.Frames = append(in.Frames, f)
		}
	}
	return in
}

// More excess flexion on the same noise never turns breaks into holds.
func TestMonotone(t *testing.T) {
	for seed := range uint64(6) {
		for _, d0 := range []float64{0.4, 0.6, 0.75} {
			was := Holds
			for f := 0.0; f <= 40; f += 5 {
				l := broken(d0, f)
				l.repSD = 0 // else the draws differ
				in, _ := simulate(l, seed)
				got := assess(t, in, Options{Resamples: 10}).SafeRange.Verdict
				if was == Breaks && got != Breaks {
					t.Errorf("seed %d, knee at %.2f: %s at %.0f° though it broke with less", seed, d0, got, f)
				}
				was = got
			}
			if was != Breaks {
				t.Errorf("seed %d, knee at %.2f: %s at 40°", seed, d0, was)
			}
		}
	}
}

// Raising the surface angle alone must not undo a verdict either.
func TestMonotoneAngle(t *testing.T) {
	in, _ := simulate(typical(), 9)
	was := Holds
	for add := 0.0; add <= 60; add += 5 {
		x := keepFrames(in, func(int) bool { return true })
		for i := range x.Frames {
			x.Frames[i].LumbarAngle += add
		}
		got := assess(t, x, Options{Resamples: 10}).SafeRange.Verdict
		if was == Breaks && got != Breaks {
			t.Errorf("+%.0f°: %s though it broke with less", add, got)
		}
		was = got
	}
	if was != Breaks {
		t.Errorf("surface angle of +30° and more is %s", was)
	}
}

func TestSpikesIgnored(t *testing.T) {
	in, _ := simulate(typical(), 13)
	for i := range in.Frames {
		if f := &in.Frames[i]; i%17 == 5 && f.DepthPct > 50 {
			f.LumbarFlexion += 45
			f.LumbarAngle += 45
		}
	}
	a := assess(t, in, Options{})
	if a.SafeRange.Verdict != Holds || a.SafeRange.BrokenReps != 0 {
		t.Errorf("one-frame spikes: %s, %d broken reps", a.SafeRange.Verdict, a.SafeRange.BrokenReps)
	}
}

// A wink of 0.3 s at the bottom survives cleaning and fitting.
func TestShortWink(t *testing.T) {
	for _, fps := range []float64{24, 30, 60} {
		l := typical()
		l.fps, l.winkS, l.flex, l.pause, l.noiseSD, l.drift = fps, 0.3, []float64{22}, 0.05, 2, 8
		in, _ := simulate(l, 17)
		if s := assess(t, in, Options{}).SafeRange; s.Verdict != Breaks {
			t.Errorf("%g frames a second: %s with %d broken reps; want breaks", fps, s.Verdict, s.BrokenReps)
		}
	}
}

// The bar's pull from the floor is seen on the way up only.
func TestOnlyTheWayUp(t *testing.T) {
	l := broken(0.6, 28)
	l.exercise, l.drift = lift.Deadlift, 14
	in, truth := simulate(l, 19)
	in = keepFrames(in, func(i int) bool { return in.Frames[i].Phase == lift.Up })
	a := assess(t, in, Options{})
	if a.SafeRange.Verdict != Breaks {
		t.Fatalf("%s; want breaks", a.SafeRange.Verdict)
	}
	for i, r := range a.Reps {
		if r.CoversDescent || r.Breakdown == nil || r.Breakdown.Direction != lift.Up {
			t.Errorf("rep %d: covers descent %t, breakdown %+v; want one on the way up", r.Index, r.CoversDescent, r.Breakdown)
			continue
		}
		if e := truth[i].depthError(r.Breakdown.DepthPct / 100); math.Abs(e) > 0.12 {
			t.Errorf("rep %d broke at %.0f %%, %.2f off", r.Index, r.Breakdown.DepthPct, e)
		}
	}
}

// A lifter who arches on the way down and is back at the standing curve at the
// bottom has a knee in the course but never leaves neutral.
func TestArchGivenBack(t *testing.T) {
	l := broken(0.7, 14)
	l.drift, l.shape = -14, shapeEarly
	in, _ := simulate(l, 41)
	a := assess(t, in, Options{})
	if a.SafeRange.Verdict != Holds {
		t.Errorf("%s; want holds", a.SafeRange.Verdict)
	}
	for i := range in.Frames { // flexed at the top: that is not where the back bends
		in.Frames[i].LumbarFlexion += 15 * math.Max(0, 1-in.Frames[i].DepthPct/30)
	}
	if v := assess(t, in, Options{}).SafeRange.Verdict; v != Holds {
		t.Errorf("from a flexed start: %s; want holds", v)
	}
	l.drift = 0
	in, _ = simulate(l, 41)
	if v := assess(t, in, Options{}).SafeRange.Verdict; v != Breaks {
		t.Errorf("the same knee from a standing curve: %s; want breaks", v)
	}
}

// Frames that state a large error shared by all of them permit no verdict on a
// course that would otherwise show a knee.
func TestStatedErrorCounts(t *testing.T) {
	l := broken(0.7, 14)
	l.reps, l.noiseSD = 1, 2
	in, _ := simulate(l, 43)
	if v := assess(t, in, Options{}).SafeRange.Verdict; v != Breaks {
		t.Fatalf("small stated error: %s; want breaks", v)
	}
	for i := range in.Frames {
		in.Frames[i].LumbarFlexionSD = 14
	}
	if v := assess(t, in, Options{}).SafeRange.Verdict; v != Inconclusive {
		t.Errorf("stated error of 14°: %s; want inconclusive", v)
	}
}

// Without any standing frame there is no flexion, but the surface angle decides.
func TestAngleAlone(t *testing.T) {
	l := broken(0.6, 25)
	in, _ := simulate(l, 23)
	for i := range in.Frames {
		in.Frames[i].LumbarFlexion = math.NaN()
	}
	if s := assess(t, in, Options{}).SafeRange; s.Verdict != Breaks {
		t.Errorf("%s; want breaks", s.Verdict)
	}
}

func TestHeights(t *testing.T) {
	for _, tc := range []struct {
		exercise lift.Exercise
		height   func(depth float64) float64
	}{
		{lift.Squat, func(d float64) float64 { return 80 - 50*d }},
		{lift.Deadlift, func(d float64) float64 { return 55 * (1 - d) }},
	} {
		t.Run(string(tc.exercise), func(t *testing.T) {
			l := broken(0.6, 25)
			l.exercise = tc.exercise
			in, _ := simulate(l, 29)
			for i := range in.Frames {
				in.Frames[i].HeightCM = tc.height(in.Frames[i].DepthPct / 100)
			}
			s := assess(t, in, Options{}).SafeRange
			got, other := s.BoxHeightCM, s.BlockHeightCM
			if tc.exercise == lift.Deadlift {
				got, other = other, got
			}
			at := tc.height(s.DepthPct / 100)
			if !(got >= at+2.5 && got <= at+12) || math.Mod(got, 2.5) != 0 || finite(other) {
				t.Errorf("%.2f cm for a depth at %.2f cm (other height %v)", got, at, other)
			}
			if !strings.Contains(s.Advice, fmt.Sprintf("%.4g cm", got)) {
				t.Errorf("advice does not name %.4g cm: %s", got, s.Advice)
			}
		})
	}
}

func TestFatigue(t *testing.T) {
	l := broken(0.5, 0)
	l.reps, l.flex = 6, []float64{0, 5, 10, 15, 20, 25}
	in, _ := simulate(l, 31)
	if !hasWarning(assess(t, in, Options{}), WarnFatigue) {
		t.Error("flexion grows by 25° over the set; want a fatigue warning")
	}
	in, _ = simulate(broken(0.6, 20), 31)
	if hasWarning(assess(t, in, Options{}), WarnFatigue) {
		t.Error("a steady set warns of fatigue")
	}
}

// A bend from early on may be a lifter's own flattening, but not where the lifter went
// as deep without it before.
func TestTiresEarly(t *testing.T) {
	const sets = 20
	lastBreaks := func(flex ...float64) (n int) {
		for seed := range uint64(sets) {
			l := broken(0.25, 0)
			l.reps, l.flex, l.standing = len(flex), flex, -60 // nothing ends up rounder than flat
			in, _ := simulate(l, seed)
			if reps := assess(t, in, Options{}).Reps; reps[len(reps)-1].Breakdown != nil {
				n++
			}
		}
		return n
	}
	tired, alike := lastBreaks(0, 6, 14, 22), lastBreaks(22, 22, 22, 22)
	if tired < sets*3/4 {
		t.Errorf("of sets that round by 22° more in the end, the last rep breaks in %d of %d", tired, sets)
	}
	if !(alike <= tired/2) {
		t.Errorf("the last rep breaks in %d of %d sets whose reps are alike, in %d of those that tire", alike, sets, tired)
	}
}

func hasWarning(a Assessment, code string) bool {
	for _, w := range a.Warnings {
		if w.Code == code {
			return true
		}
	}
	return false
}

func TestRoundUp(t *testing.T) {
	for cm, want := range map[float64]float64{40: 40, 40.1: 42.5, 42.5: 42.5, 0.3: 2.5} {
		if got := roundUp(cm); got != want {
			t.Errorf("roundUp(%g) = %g; want %g", cm, got, want)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{}, ""},
		{Options{LimitDeg: -5}, ""},
		{Options{LimitDeg: 25}, ""},
		{Options{KneeExcessDeg: -1}, "KneeExcessDeg"},
		{Options{Resamples: -1}, "Resamples"},
		{Options{LimitDeg: math.NaN()}, "LimitDeg"},
		{Options{LimitDeg: 25, ClearlyRoundedDeg: 20}, "ClearlyRoundedDeg"},
	} {
		err := tc.o.Validate()
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%+v: %v; want %q", tc.o, err, tc.want)
		}
	}
}

// The input is the caller's: it must come back as it was.
func TestInputUntouched(t *testing.T) {
	in, _ := simulate(broken(0.6, 20), 37)
	for i := range in.Frames {
		in.Frames[i].LumbarFlexion = math.NaN()
	}
	before := fmt.Sprintf("%v", in)
	assess(t, in, Options{})
	if after := fmt.Sprintf("%v", in); after != before {
		t.Error("Assess changed its input")
	}
}

// A stretch of a rep's way up that was measured far too high is no rep that comes
// down from a rounding, which would make a steep trend of that of the others.
func TestRunawayStretch(t *testing.T) {
	for seed := range uint64(12) {
		l := broken(0.5, 24)
		l.reps, l.drift, l.noiseSD, l.noiseTau, l.statedSD = 3, 5, 0.8, 0.3, 5.2
		in, _ := simulate(l, seed)
		for i, f := range in.Frames {
			switch {
			case f.Rep != 3 || f.Phase != lift.Up || f.DepthPct < 50:
			case f.DepthPct < 77:
				in.Frames[i].LumbarFlexion = math.NaN()
			case f.DepthPct < 88:
				in.Frames[i].LumbarFlexion += 3 * (88 - f.DepthPct)
			}
		}
		o := Options{}.withDefaults()
		all := collect(in, o)
		var series []*repSeries
		for i := range all {
			series = append(series, &all[i])
		}
		fit := fitSet(series, in.Exercise, o.MinEvidence, o.SystematicDeg)
		for r := range series {
			if h := fit.posterior(r); fit.choice[r] != 0 && h.excess <= 0 {
				t.Errorf("seed %d, rep %d: a hinge with an excess of %.1f°", seed, r+1, h.excess)
			}
		}
	}
}

// A back that bends by much from early on and ends up about flat may have
// rounded: the set holds, but not without a word.
func TestEarlyBendIsACloseCall(t *testing.T) {
	for _, tc := range []struct {
		name     string
		standing float64 // surface angle; flexion adds 33° to it
		verdict  Verdict
		warns    bool
	}{
		{"far from flat", -60, Holds, false},
		{"about flat", -36, Holds, true},
		{"surely rounder", -20, Breaks, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := broken(0.2, 24)
			l.standing = tc.standing
			in, _ := simulate(l, 2)
			a := assess(t, in, Options{})
			if v, w := a.SafeRange.Verdict, hasWarning(a, WarnCloseCall); v != tc.verdict || w != tc.warns {
				t.Errorf("%s, warned %t; want %s, %t (peak angle %.1f°)", v, w, tc.verdict, tc.warns, a.Reps[0].PeakLumbarAngleDeg)
			}
		})
	}
}

// In a view too unsteady to show every rounding the surface angle tells of a
// bend that began early: far from round it holds, about as round as a clear
// rounding it must not.
func TestEarlyBendInNoise(t *testing.T) {
	for _, tc := range []struct {
		name     string
		standing float64 // surface angle; flexion adds 33° to it
		verdict  Verdict // that is rare
		most     int     // of 20 sets
	}{
		{"hollow", -45, Inconclusive, 4},
		{"rounded", -15, Holds, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := broken(0.2, 24)
			l.reps, l.noiseSD, l.noiseTau, l.standing = 1, 8, 0.3, tc.standing
			n := 0
			for seed := range uint64(20) {
				in, _ := simulate(l, seed)
				if assess(t, in, Options{}).SafeRange.Verdict == tc.verdict {
					n++
				}
			}
			if n > tc.most {
				t.Errorf("%s in %d of 20 sets, want at most %d", tc.verdict, n, tc.most)
			}
		})
	}
}
