// Package progression says what to do in the coming session: go deeper, stay, or put
// height back. The load stays while the depth changes.
//
// [Sessions] makes training days of a lifter's sets, and [Next] applies the rule to
// them. The rule is a coach's, made explicit (docs/progression.md): no trial has
// tested a progression of block heights, so its numbers are [Settings].
//
// Depth has one of two rulers. Where blocks or a box are used, it is their height;
// a deadlift without blocks is one from the floor, height 0. Else it is how far
// down the lifter went, in per cent of the deepest that is known of this lifter.
package progression

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

// Session is a day's work at one height, in the sets that count: those with about
// the day's heaviest load. Missing numbers are NaN.
type Session struct {
	At       time.Time // of the last of its sets
	Exercise lift.Exercise
	LoadKG   float64
	HeightM  float64 // of blocks or box; 0 is the floor
	DepthPct float64 // how deep it went, of the deepest known
	Reps     int     // that could be judged
	Broken   int
	Rounded  int    // of them clearly
	Verdict  bool   // there was one
	Reason   string // why not
	// What was measured to hold: a height of blocks or box, margin included, and a
	// depth.
	HeldM, HeldPct float64
	ThighDeg       float64 // there, from horizontal, negative below parallel
	FullM          float64 // what a depth of 100 % is
}

// Sessions are the days of sets of one lifter and one exercise, in order. The
// order of sets does not matter.
func Sessions(sets []traininglog.Set) []Session {
	sorted := slices.Clone(sets)
	slices.SortStableFunc(sorted, func(a, b traininglog.Set) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ClipSHA256, b.ClipSHA256))
	})
	full, fullM := FullDepth(sorted)
	var sessions []Session
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sameSession(&sorted[0], &sorted[n]) {
			n++
		}
		sessions = append(sessions, newSession(sorted[:n], full, fullM))
		sorted = sorted[n:]
	}
	return sessions
}

// Height is that of the blocks or the box of a set, metres; NaN for a movement
// that nothing stops.
func Height(s *traininglog.Set) float64 {
	switch {
	case s.Exercise != lift.Deadlift:
		return s.BoxM
	case math.IsNaN(s.BlockM):
		return 0
	}
	return s.BlockM
}

// FullDepth is the deepest that any set went, in per cent of stature and in metres.
// Blocks shorten what a deadlift could be.
func FullDepth(sets []traininglog.Set) (pct, m float64) {
	pct, m = math.NaN(), math.NaN()
	for i := range sets {
		s := &sets[i]
		travel, travelM := s.TravelPct, s.TravelM
		if s.Exercise == lift.Deadlift && s.BlockM > 0 {
			travel += 100 * s.BlockM / s.StatureM
			travelM += s.BlockM
		}
		pct, m = larger(pct, travel), larger(m, travelM)
		pct = larger(pct, s.TravelPct)
	}
	return pct, m
}

func larger(a, b float64) float64 {
	if b > a || math.IsNaN(a) {
		return b
	}
	return a
}

// sameHeight is within what a ruler at the blocks can tell.
const sameHeight = 0.005

func sameSession(a, b *traininglog.Set) bool {
	ya, ma, da := a.At.Date()
	yb, mb, db := b.At.Date()
	ha, hb := Height(a), Height(b)
	return ya == yb && ma == mb && da == db && (math.IsNaN(ha) && math.IsNaN(hb) || math.Abs(ha-hb) < sameHeight)
}

// workingLoad is the share of the day's heaviest load from which a set is no warm-up.
const workingLoad = 0.9

func newSession(sets []traininglog.Set, full, fullM float64) Session {
	nan := math.NaN()
	last := &sets[len(sets)-1]
	s := Session{At: last.At, Exercise: last.Exercise, LoadKG: nan, HeightM: Height(last), DepthPct: nan, HeldM: nan, HeldPct: nan, ThighDeg: nan, FullM: fullM}
	for i := range sets {
		s.LoadKG = larger(s.LoadKG, sets[i].LoadKG)
	}
	for i := range sets {
		set := &sets[i]
		if set.LoadKG < workingLoad*s.LoadKG {
			continue
		}
		s.DepthPct = larger(s.DepthPct, 100*set.TravelPct/full)
		if set.Verdict == rom.Inconclusive {
			s.Reason = set.Reason
			continue
		}
		s.Verdict = true
		s.Reps += set.JudgedReps
		s.Broken += set.BrokenReps
		s.Rounded += set.RoundedReps
		// The least that held decides.
		if held := heldHeight(set); !(held <= s.HeldM) && !math.IsNaN(held) {
			s.HeldM = held
		}
		if held := set.SafeDepthPct * set.TravelPct / full; !(held >= s.HeldPct) && !math.IsNaN(held) {
			s.HeldPct, s.ThighDeg = held, set.ThighDeg
		}
	}
	return s
}

// heldHeight is the height of blocks or box at which the set is measured to hold,
// with the analysis' margin.
func heldHeight(s *traininglog.Set) float64 {
	height := Height(s)
	switch {
	case s.BrokenReps == 0:
		return height
	case s.Exercise == lift.Deadlift:
		return height + s.SafeBlockM // above where the bar lay
	}
	return s.SafeBoxM
}

// share of the judged reps that broke.
func (s *Session) broken() float64 { return float64(s.Broken) / float64(max(1, s.Reps)) }

func (s *Session) good(set Settings) bool {
	const rounding = 1e-9 // shares are given in per cent
	return s.Verdict && s.Reps >= minReps && s.Rounded == 0 && 100*(1-s.broken()) >= set.GoodPct-rounding
}

func (s *Session) bad(set Settings) bool {
	const rounding = 1e-9
	return s.Verdict && s.Reps > 0 && (s.Rounded > 0 || 100*s.broken() >= set.BadPct-rounding)
}

// minReps is the least number of judged repetitions that says something of a day.
const minReps = 3
