package lift

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// cut keeps the frames from..to.
func cut(rec *recording.Recording, from, to int) *recording.Recording {
	out := *rec
	out.Frames = rec.Frames[from:to]
	return &out
}

func TestClipsThatStartOrEndMidRep(t *testing.T) {
	all := rendered(t)
	squat, dead := all["squat_neutral_deep"], all["deadlift_neutral"]
	s, d := squat.Recording(synth.Noise{}), dead.Recording(synth.Noise{})
	top := func(r synth.Rep) int { // middle of the lockout
		for i := r.Start; ; i++ {
			if dead.Frames[i].DepthFrac <= 0.001 {
				return i + 10
			}
		}
	}
	halfway := func(from, to int) int { return (from + to) / 2 }
	r0, r1, r2 := squat.Reps[0], squat.Reps[1], squat.Reps[2]
	q0, q1, q2 := dead.Reps[0], dead.Reps[1], dead.Reps[2]
	pulling := func(r synth.Rep, left float64) int { // first frame of the pull with that share of the range above it
		for i := top(r); ; i-- {
			if dead.Frames[i].DepthFrac >= left {
				return i
			}
		}
	}
	whole, noDescent, noAscent := Rep{CoversDescent: true, CoversAscent: true}, Rep{CoversAscent: true}, Rep{CoversDescent: true}
	tests := map[string]struct {
		rec         *recording.Recording
		reps        int
		first, last Rep // what they cover
		exercise    Exercise
	}{
		"squat from half-way down":           {cut(s, halfway(r0.Start, r0.Bottom)+8, len(s.Frames)), 3, noDescent, whole, Squat},
		"squat from the bottom":              {cut(s, r0.Bottom, len(s.Frames)), 3, noDescent, whole, Squat},
		"squat from half-way up":             {cut(s, r0.Bottom+25, len(s.Frames)), 2, whole, whole, Squat},
		"squat ends at the bottom":           {cut(s, 0, r2.Bottom), 2, whole, whole, Squat},
		"squat ends half-way up":             {cut(s, 0, r2.Bottom+20), 3, whole, noAscent, Squat},
		"one squat":                          {cut(s, r1.Start, r1.End), 1, whole, whole, Squat},
		"one squat, half-way up":             {cut(s, 0, r0.Bottom+15), 1, noAscent, noAscent, Squat},
		"half-way down to half-way up":       {cut(s, halfway(r1.Start, r1.Bottom)+3, r1.Bottom+25), 1, whole, whole, Squat},
		"deadlift from the floor":            {d, 3, whole, whole, Deadlift},
		"deadlift ends in lockout":           {cut(d, 0, top(q2)), 3, whole, noDescent, Deadlift},
		"deadlift ends on the way down":      {cut(d, 0, halfway(top(q2), q2.Bottom)), 3, whole, noDescent, Deadlift},
		"deadlift ends in the pull":          {cut(d, 0, pulling(q2, 0.4)), 3, whole, Rep{}, Deadlift},
		"deadlift starts in the pull":        {cut(d, pulling(q0, 0.6), len(d.Frames)), 2, whole, whole, Deadlift},
		"deadlift, the pull alone":           {cut(d, q0.Start, top(q0)), 1, noDescent, noDescent, Deadlift},
		"deadlift from lockout":              {cut(d, top(q0), top(q2)), 2, whole, whole, Deadlift},
		"deadlift from lockout, set down":    {cut(d, top(q0), len(d.Frames)), 2, whole, whole, Deadlift},
		"deadlift from lockout, in the pull": {cut(d, top(q0), pulling(q1, 0.4)), 1, noAscent, noAscent, Deadlift},
		"deadlift, the way down alone":       {cut(d, top(q0), q0.Bottom), 0, Rep{}, Rep{}, Deadlift},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Analyze(tt.rec, Options{Exercise: tt.exercise})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Reps) != tt.reps {
				t.Fatalf("%d reps, want %d", len(m.Reps), tt.reps)
			}
			if tt.reps == 0 {
				return
			}
			first, last := m.Reps[0], m.Reps[len(m.Reps)-1]
			for _, r := range []struct{ got, want Rep }{{first, tt.first}, {last, tt.last}} {
				if r.got.CoversDescent != r.want.CoversDescent || r.got.CoversAscent != r.want.CoversAscent {
					t.Errorf("rep %d covers descent %v, ascent %v; want %v, %v", r.got.Index,
						r.got.CoversDescent, r.got.CoversAscent, r.want.CoversDescent, r.want.CoversAscent)
				}
			}
			if tt.exercise == Deadlift && !last.CoversDescent && last.Bottom != last.Start {
				t.Errorf("the clip ends before the return and the bottom is frame %d, not the start %d", last.Bottom, last.Start)
			}
			for i, f := range m.Frames {
				if !(f.DepthPct >= 0 && f.DepthPct <= 100) {
					t.Fatalf("frame %d is %.0f %% deep", i, f.DepthPct)
				}
			}
		})
	}
}

// shown tells whether the frames from..to of a clip show a rep's decisive part: in
// a squat the bottom with a little of the way up, in a deadlift the bar leaving
// the floor and rising. Cuts near the limit are not sure: both answers are right.
func shown(tr *synth.Truth, r synth.Rep, from, to int) (yes, sure bool) {
	depth := func(i int) float64 { return tr.Frames[i].DepthFrac }
	turn, enough := r.Bottom, 0.08
	if tr.Exercise == "deadlift" {
		turn, enough = r.Start, 0.6
		for depth(turn+1) > 0.98 {
			turn++
		}
	}
	if to <= turn {
		return false, true
	}
	if float64(from) > float64(turn)-0.1*tr.FPS {
		return false, from > r.End || depth(from) < 0.7*depth(turn)
	}
	high := depth(turn)
	for i := turn; i < min(to, r.End+1); i++ {
		high = min(high, depth(i))
	}
	rise := 1 - high/depth(turn)
	return rise > enough, rise > enough || rise < 0.005
}

// Wherever a clip is cut, the reps that it shows are found, no other, and they
// are the same as in the whole clip.
func TestCutAnywhere(t *testing.T) {
	for name, tr := range rendered(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := tr.Recording(synth.Noise{LandmarkPx: 2, Seed: 8})
			opts := Options{Exercise: Exercise(tr.Exercise), Facing: Facing(tr.FacingSide)}
			all, err := Analyze(rec, opts)
			if err != nil {
				t.Fatal(err)
			}
			n, least := len(rec.Frames), int(1.5*tr.FPS)
			rng := rand.New(rand.NewPCG(7, uint64(n)))
			var cuts [][2]int
			for range 14 {
				k := least + rng.IntN(n-least)
				cuts = append(cuts, [2]int{0, k}, [2]int{n - k, n})
				from := rng.IntN(n - least)
				cuts = append(cuts, [2]int{from, from + least + rng.IntN(n-least-from+1)})
			}
			for _, c := range cuts {
				checkCut(t, tr, rec, all, opts, c[0], c[1])
			}
		})
	}
}

func checkCut(t *testing.T, tr *synth.Truth, rec *recording.Recording, all *Movement, opts Options, from, to int) {
	t.Helper()
	m, err := Analyze(cut(rec, from, to), opts)
	if err != nil {
		t.Fatalf("frames %d to %d: %v", from, to, err)
	}
	// The decisive instant of a rep: a squat's bottom, the bar leaving the floor.
	instant := func(r Rep, frames []Kinematics) int {
		if opts.Exercise != Deadlift {
			return r.Bottom
		}
		from := r.Start
		if frames[r.Start].DepthPct < 50 {
			from = r.Bottom
		}
		i := from
		for k := from; k <= r.End; k++ {
			if frames[k].DepthPct < frames[i].DepthPct {
				i = k
			}
		}
		for i > from && frames[i].DepthPct < 0.9*frames[from].DepthPct {
			i--
		}
		return i
	}
	apart := func(a, b int) float64 { return math.Abs(rec.Frames[a].Time - rec.Frames[b].Time) }
	used := 0
	for i, r := range tr.Reps {
		yes, sure := shown(tr, r, from, to)
		want := all.Reps[i]
		at := instant(want, all.Frames)
		found := false
		for _, g := range m.Reps {
			d := apart(from+instant(g, m.Frames), at)
			if d > 0.6 {
				continue
			}
			found = true
			if whole := from <= want.Start && to > want.End; whole && d > 0.2 {
				t.Errorf("frames %d to %d: rep %d at frame %d, in the whole clip at %d", from, to, i+1, from+instant(g, m.Frames), at)
			}
		}
		if found {
			used++
		}
		if sure && found != yes {
			t.Errorf("frames %d to %d: rep %d (frames %d %d %d) found %v, want %v", from, to, i+1, r.Start, r.Bottom, r.End, found, yes)
		}
	}
	if len(m.Reps) != used {
		t.Errorf("frames %d to %d: %d reps, of which %d are in the truth", from, to, len(m.Reps), used)
	}
}

// Pictures that are missing for a minute are no minute of a rep.
func TestHoleInTime(t *testing.T) {
	truth := rendered(t)["squat_neutral_deep"]
	for _, tc := range []struct {
		name string
		hole func(i int) float64 // seconds missing before frame i
		reps int
	}{
		{"in a rep", func(i int) float64 {
			if i > truth.Reps[1].Bottom+12 {
				return 60
			}
			return 0
		}, 2},
		{"between two", func(i int) float64 {
			if i > (truth.Reps[0].End+truth.Reps[1].Start)/2 {
				return 60
			}
			return 0
		}, 3},
		{"after every picture", func(i int) float64 { return 2 * float64(i) }, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec := truth.Recording(synth.Noise{})
			for i := range rec.Frames {
				rec.Frames[i].Time += tc.hole(i)
			}
			m, err := Analyze(rec, Options{Exercise: Squat})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Reps) != tc.reps {
				t.Errorf("%d reps, want %d", len(m.Reps), tc.reps)
			}
			for _, r := range m.Reps {
				if d := rec.Frames[r.End].Time - rec.Frames[r.Start].Time; d > 10 {
					t.Errorf("rep %d takes %.0f s", r.Index, d)
				}
			}
		})
	}
}
