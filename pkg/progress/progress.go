// Package progress says how a lifter's neutral depth has changed over the sets in the
// training log, in a sentence, a table and a page, and no more than one phone can
// tell between days.
package progress

import (
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/progression"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

// What one phone can resolve between days: the median smallest detectable change of
// lumbar angles in tasks like lifting (Christe et al. 2022, Gait & Posture, 9.6°), and
// the depth that goes with it.
const (
	ResolutionDeg = 10.0
	ResolutionPct = 5.0 // of the depth
)

// Series is one exercise of one lifter over time.
type Series struct {
	Lifter   string
	Exercise lift.Exercise
	InCM     bool    // depths are in centimetres; else in per cent of the deepest set
	Full     float64 // what the whole depth is, in the unit of the depths
	Points   []Point // in the order they were lifted
}

// Point is one set. Depths grow downwards: in centimetres, a deadlift's are minus the
// height of the bar above its place on the floor, those of others how far the hip
// (squat) or the shoulder went below standing. Missing numbers are NaN.
type Point struct {
	traininglog.Set
	Depth   float64    // that held
	Range   [2]float64 // its 90 % interval
	AtLeast bool       // nothing broke: it holds at least to Depth
	Trained float64    // how deep the set went
}

// NewSeries makes a series of sets of one lifter and one exercise, at least one, in the
// order they were lifted.
func NewSeries(sets []traininglog.Set) *Series {
	s := &Series{Lifter: sets[0].Lifter, Exercise: sets[0].Exercise, InCM: true}
	fullPct, fullM := progression.FullDepth(sets)
	for i := range sets {
		if known(&sets[i]) && math.IsNaN(centimetres(&sets[i], sets[i].SafeDepthPct)) {
			s.InCM = false
		}
	}
	depth, full := centimetres, 100*fullM
	if !s.InCM {
		depth = func(set *traininglog.Set, pct float64) float64 { return pct * set.TravelPct / fullPct }
		full = 100
	}
	s.Full = full
	for i := range sets {
		set := &sets[i]
		s.Points = append(s.Points, Point{
			Set: *set, AtLeast: set.Verdict == rom.Holds && set.BrokenReps == 0,
			Depth: depth(set, set.SafeDepthPct), Trained: depth(set, 100),
			Range: [2]float64{depth(set, set.SafeDepthLoPct), depth(set, set.SafeDepthHiPct)},
		})
	}
	return s
}

// known reports whether a set says how deep its neutral goes.
func known(s *traininglog.Set) bool {
	return s.Verdict != rom.Inconclusive && !math.IsNaN(s.SafeDepthPct)
}

// centimetres is a depth of a set as [Point] has it; a deadlift down to where the bar
// lay needs no scale.
func centimetres(s *traininglog.Set, pct float64) float64 {
	if s.Exercise != lift.Deadlift {
		return pct * s.TravelM
	}
	if pct >= 100 {
		return -100 * progression.Height(s)
	}
	return -100*progression.Height(s) - (100-pct)*s.TravelM
}

// resolution is the least change of depth that one phone can tell between days.
func (s *Series) resolution() float64 { return ResolutionPct / 100 * s.Full }

// judged are the points that say how deep neutral goes.
func (s *Series) judged() []Point {
	var out []Point
	for _, p := range s.Points {
		if known(&p.Set) && !math.IsNaN(p.Depth) {
			out = append(out, p)
		}
	}
	return out
}

// days gives of each day the judged set that held least, as the plan does.
func (s *Series) days() []Point {
	var out []Point
	for _, p := range s.judged() {
		if n := len(out); n > 0 && sameDay(out[n-1], p) {
			if p.Depth < out[n-1].Depth {
				out[n-1] = p
			}
			continue
		}
		out = append(out, p)
	}
	return out
}

func sameDay(a, b Point) bool {
	ya, ma, da := a.At.Date()
	yb, mb, db := b.At.Date()
	return ya == yb && ma == mb && da == db
}

// Change is what became of the neutral depth from the first day to the last.
type Change struct {
	First, Last Point
	Deeper      float64 // in the unit of the depths; negative: less deep
	Clear       bool    // beyond what can be told between days
	Flexion     float64 // change of the peak flexion, degrees
	FlexedClear bool
}

// Change compares the last judged day with the first; false if there are not two.
func (s *Series) Change() (Change, bool) {
	days := s.days()
	if len(days) < 2 {
		return Change{}, false
	}
	c := Change{First: days[0], Last: days[len(days)-1]}
	c.Deeper = c.Last.Depth - c.First.Depth
	// A depth that held all the way is a bound: a set that did not go as deep again
	// says nothing of less depth.
	bound := c.Last.AtLeast && c.Deeper < 0
	c.Clear = !bound && math.Abs(c.Deeper) >= math.Max(s.resolution(), math.Hypot(halfRange(c.First), halfRange(c.Last)))
	c.Flexion = c.Last.PeakFlexionDeg - c.First.PeakFlexionDeg
	const normal90 = 1.645
	sd := math.Hypot(zeroIfMissing(c.First.PeakFlexionSD), zeroIfMissing(c.Last.PeakFlexionSD))
	c.FlexedClear = math.Abs(c.Flexion) >= math.Max(ResolutionDeg, normal90*sd)
	return c, true
}

// halfRange is half of the 90 % interval of a depth.
func halfRange(p Point) float64 { return zeroIfMissing(math.Abs(p.Range[1]-p.Range[0]) / 2) }

func zeroIfMissing(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}
