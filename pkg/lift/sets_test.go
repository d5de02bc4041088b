package lift

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// played shows the frames of rec in another order, at rec's rate times speed.
func played(rec *recording.Recording, speed float64, order ...[]int) *recording.Recording {
	step := rec.Frames[1].Time - rec.Frames[0].Time
	out := *rec
	out.Frames = nil
	for _, part := range order {
		for _, i := range part {
			f := rec.Frames[i]
			f.Index = len(out.Frames)
			f.Time = float64(f.Index) * step / speed
			out.Frames = append(out.Frames, f)
		}
	}
	return &out
}

// run is from, from+1 .. to, or backwards.
func run(from, to int) []int {
	var out []int
	for i := from; i != to; {
		out = append(out, i)
		if from < to {
			i++
		} else {
			i--
		}
	}
	return append(out, to)
}

// hold is n times the frame i.
func hold(i, n int) []int {
	out := make([]int, n)
	for k := range out {
		out[k] = i
	}
	return out
}

func TestWhatCountsAsARep(t *testing.T) {
	all := rendered(t)
	squat, dead := all["squat_neutral_deep"], all["deadlift_neutral"]
	noise := synth.Noise{LandmarkPx: 2, Seed: 4}
	s, d := squat.Recording(noise), dead.Recording(noise)
	// at is the frame of the rep's way down (squat) or up (deadlift) at that depth.
	at := func(tr *synth.Truth, r synth.Rep, depth float64) int {
		for i := r.Start; ; i++ {
			if tr.Exercise == "squat" && tr.Frames[i].DepthFrac >= depth || tr.Exercise != "squat" && i > r.Start+5 && tr.Frames[i].DepthFrac <= depth {
				return i
			}
		}
	}
	ls, ld := len(s.Frames)-1, len(d.Frames)-1
	s0, s1, q0, q1 := squat.Reps[0], squat.Reps[1], dead.Reps[0], dead.Reps[1]
	half, dip, pull := at(squat, s1, 0.6), at(squat, s1, 0.25), at(dead, q0, 0.9)
	top := at(dead, q0, 0.001) + 5
	touch := func(r synth.Rep) int { return r.Bottom } // the bar comes down
	tests := map[string]struct {
		rec  *recording.Recording
		reps int
		e    Exercise
	}{
		"as filmed":                  {played(s, 1, run(0, ls)), 3, Squat},
		"slow motion":                {played(s, 0.25, run(0, ls)), 3, Squat},
		"twice as fast":              {played(s, 2, run(0, ls)), 3, Squat},
		"five seconds at the bottom": {played(s, 1, run(0, s1.Bottom), hold(s1.Bottom, 150), run(s1.Bottom, ls)), 3, Squat},
		"a half rep among whole":     {played(s, 1, run(0, half), run(half, s1.Start), run(s1.Start, ls)), 4, Squat},
		"only half reps":             {played(s, 1, run(s1.Start, half), run(half, s1.Start), run(s1.Start, half), run(half, s1.Start)), 2, Squat},
		"a dip among whole reps":     {played(s, 1, run(0, dip), run(dip, s1.Start), run(s1.Start, ls)), 3, Squat},
		"stopped on the way up":      {played(s, 1, run(0, s1.Bottom+20), hold(s1.Bottom+20, 40), run(s1.Bottom+20, ls)), 3, Squat},
		"two sets with a rest":       {played(s, 1, run(0, ls), hold(ls, 400), run(0, ls)), 6, Squat},
		"one rep and a long stand":   {played(s, 1, run(0, s0.End), hold(s0.End, 600)), 1, Squat},
		"pulls as filmed":            {played(d, 1, run(0, ld)), 3, Deadlift},
		"pulls in slow motion":       {played(d, 0.25, run(0, ld)), 3, Deadlift},
		"pulls twice as fast":        {played(d, 2, run(0, ld)), 3, Deadlift},
		"touch and go":               {played(d, 1, run(top, touch(q0)), run(at(dead, q1, 0.97), touch(q1)), run(at(dead, dead.Reps[2], 0.97), top+(dead.Reps[2].Start-q0.Start))), 2, Deadlift},
		"wiggles before the pull":    {played(d, 1, run(0, pull), run(pull, 0), run(0, pull), run(pull, 0), run(0, ld)), 3, Deadlift},
		"ten seconds on the floor":   {played(d, 1, run(0, q1.Start), hold(q1.Start, 300), run(q1.Start, ld)), 3, Deadlift},
		"five seconds in lockout":    {played(d, 1, run(0, top), hold(top, 150), run(top, ld)), 3, Deadlift},
		"a jump to the bottom":       {played(s, 1, run(0, s0.Start), hold(s0.Bottom, 6), hold(s0.Start, 30), run(s0.Start, ls)), 3, Squat},
		"two sets of pulls":          {played(d, 1, run(0, ld), hold(ld, 400), run(0, ld)), 6, Deadlift},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := analyze(t, tt.rec)
			if len(m.Reps) != tt.reps || m.Exercise != tt.e {
				t.Errorf("%d reps of %s, want %d of %s: %+v", len(m.Reps), m.Exercise, tt.reps, tt.e, m.Reps)
			}
		})
	}
}

// seenFrom moves and scales the frames from..to in the picture, as another camera
// shows them.
func seenFrom(rec *recording.Recording, from, to int, scale, x, y float64) *recording.Recording {
	out := *rec
	out.Frames = append([]recording.Frame(nil), rec.Frames...)
	for i := from; i < to; i++ {
		k := &out.Frames[i].Landmarks
		for l := range k {
			k[l].X, k[l].Y, k[l].Z = scale*k[l].X+x, scale*k[l].Y+y, scale*k[l].Z
		}
	}
	return &out
}

// A cut makes no rep, whatever posture it leads from and to, and the views before
// and after it are each measured with their own scale.
func TestCameraCuts(t *testing.T) {
	tr := rendered(t)["squat_neutral_deep"]
	rec := tr.Recording(synth.Noise{LandmarkPx: 1, Seed: 3})
	n, r0, r1, r2 := len(rec.Frames), tr.Reps[0], tr.Reps[1], tr.Reps[2]
	stand, down := r0.End+3, (r1.Start+r1.Bottom)/2+3
	tests := map[string]struct {
		rec  *recording.Recording
		reps int
	}{
		"closer while standing":          {seenFrom(rec, stand, n, 1.6, 150, -500), 3},
		"elsewhere while standing":       {seenFrom(rec, stand, n, 1, 500, 300), 3},
		"elsewhere on the way down":      {seenFrom(rec, down, n, 1, 500, 300), 3}, // the bottom is in the second view
		"elsewhere at the bottom's end":  {seenFrom(rec, r1.Bottom+25, n, 1, 500, 300), 2},
		"from standing to another squat": {seenFrom(played(rec, 1, run(0, r0.End), run(r1.Bottom+25, r1.End), run(r2.Start, n-1)), r0.End+1, r0.End+1+n-r1.Bottom-26, 1, 500, 300), 2},
		"to the bottom and away":         {played(seenFrom(rec, r1.Bottom-5, r1.Bottom+5, 1.3, 400, 100), 1, run(0, stand), run(r1.Bottom-5, r1.Bottom+4), run(r2.Start-10, n-1)), 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Analyze(tt.rec, Options{Exercise: Squat, Facing: Facing(tr.FacingSide)})
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Reps) != tt.reps {
				t.Errorf("%d reps, want %d: %+v", len(m.Reps), tt.reps, m.Reps)
			}
			for _, r := range m.Reps {
				if f := m.Frames[r.Bottom]; !(f.DepthPct > 85) || !(math.Abs(f.HipHeightPct-36) < 8) {
					t.Errorf("rep %d: the bottom is %.0f %% deep, the hips at %.0f %%", r.Index, f.DepthPct, f.HipHeightPct)
				}
			}
		})
	}
}
