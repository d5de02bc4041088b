package progression

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

// simulated is a lifter who deadlifts for half a year. What is assumed of lifters
// is said in docs/progression.md; nobody has measured most of it.
type simulated struct {
	onset  float64 // height of the bar above the floor at which the lower back starts to round, cm
	least  float64 // what training can bring that to
	slope  float64 // rounding below it, degrees per cm
	gain   float64 // won in a session near the onset that holds, cm
	daily  float64 // sd of the onset from day to day, cm
	system float64 // sd of the measured angle from day to day, degrees
}

const (
	travelCM  = 55.0 // floor to lockout (half a metre and a bit for most lifters)
	breakDeg  = 8.0  // excess from which a rep counts as broken, see pkg/rom
	roundDeg  = 15.0 // as clearly rounded
	repSD     = 1.0  // of the onset from rep to rep, cm
	angleSD   = 2.0  // of the measured excess from rep to rep, degrees
	depthSD   = 2.75 // of the measured depth of a breakdown, cm: 5 % of the depth
	perSet    = 5    // reps
	halfYear  = 182  // days
	unusable  = 0.05 // share of sessions whose clip allows no verdict
	nearOnset = 6.0  // cm above the onset within which training wins depth
)

func newLifter(rng *rand.Rand) *simulated {
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	// A knee at 70 % of the depth and 24° at the bottom are 1.5° per cm.
	l := &simulated{slope: between(1, 2), gain: between(0.15, 0.5), daily: between(0.5, 1.5), system: between(1, 3)}
	// From the floor everybody rounds clearly: who does not needs no blocks.
	l.onset = (roundDeg + between(0, 20)) / l.slope
	l.least = l.onset - between(6, 20)
	return l
}

// shown is what a session was and what was seen of it.
type shown struct {
	set     traininglog.Set
	rounded bool // in truth: a rep rounded clearly
}

// train is a session at a height, cm.
func (l *simulated) train(rng *rand.Rand, at time.Time, n int, height float64) shown {
	nan := math.NaN()
	out := shown{set: traininglog.Set{
		Lifter: "Sim", At: at, Exercise: lift.Deadlift, LoadKG: 80, BlockM: height / 100, BoxM: nan,
		ClipSHA256: fmt.Sprintf("%064x", n), Measured: traininglog.Measured{
			StatureM: 1.75, Verdict: rom.Holds, Reps: perSet, JudgedReps: perSet, TravelM: (travelCM - height) / 100, TravelPct: (travelCM - height) / 1.75,
			SafeDepthPct: 100, SafeBlockM: nan, SafeBoxM: nan, ThighDeg: nan,
		},
	}}
	s := &out.set
	today := l.onset + l.daily*rng.NormFloat64()
	bias := l.system * rng.NormFloat64()
	held, safe := 0, height
	for rep := range perSet {
		const tiring = 0.2 // cm a rep
		onset := today + tiring*float64(rep) + repSD*rng.NormFloat64()
		excess := l.slope * math.Max(0, onset-height)
		out.rounded = out.rounded || excess > roundDeg
		switch seen := excess + bias + angleSD*rng.NormFloat64(); {
		case seen > roundDeg:
			s.RoundedReps++
			fallthrough
		case seen > breakDeg:
			s.BrokenReps++
			safe = math.Max(safe, onset+depthSD*rng.NormFloat64())
		}
		if excess < breakDeg {
			held++
		}
	}
	if s.BrokenReps >= 2 {
		s.Verdict = rom.Breaks
	}
	if s.BrokenReps > 0 {
		s.SafeDepthPct = 100 * (travelCM - safe) / (travelCM - height)
		const margin, grid = 2.5, 2.5 // cm, as pkg/rom advises heights
		s.SafeBlockM = grid * math.Ceil((safe-height+margin)/grid) / 100
	}
	if rng.Float64() < unusable {
		s.Verdict, s.Reason = rom.Inconclusive, "the camera does not look from the side"
	}
	// What is trained near the limit and holds grows; what is trained clearly
	// rounded does not, and costs a little.
	switch {
	case out.rounded:
		l.onset += 0.3
	case height < today+nearOnset:
		l.onset = math.Max(l.least, l.onset-l.gain*float64(held)/perSet)
	}
	return out
}

// A strategy decides on the height of the next session, cm, from what is in the log.
type strategy func(sets []traininglog.Set, now time.Time) float64

func byTheRule(s Settings) strategy {
	return func(sets []traininglog.Set, now time.Time) float64 {
		return 100 * Next(Sessions(sets), s, now).HeightM
	}
}

// lowerEachWeek starts where the first film says that it holds, and goes so much
// lower in every week, cm.
func lowerEachWeek(cm float64) strategy {
	return func(sets []traininglog.Set, now time.Time) float64 {
		first := films(sets)
		if first == len(sets) {
			return byTheRule(DefaultSettings())(sets, now)
		}
		weeks := float64(wholeDays(sets[first].At, now) / 7)
		return math.Max(0, 100*sets[first].BlockM-cm*weeks)
	}
}

// films is how many of the first sets were there to be filmed: those from the floor up
// to the first with a verdict.
func films(sets []traininglog.Set) int {
	for i := range sets {
		if sets[i].Verdict != rom.Inconclusive {
			return i + 1
		}
	}
	return len(sets)
}

// course is half a year of one lifter.
type course struct {
	days    []int
	heights []float64 // trained, cm
	onset   []float64 // in truth
	first   int       // session of training; those before were films
	rounded int       // sessions of training that were clearly rounded
}

// deeper is how much lower the last session was than the first one of training, cm.
func (c *course) deeper() float64 { return c.heights[c.first] - c.heights[len(c.heights)-1] }

// won is how much lower the lower back holds in truth.
func (c *course) won() float64 { return c.onset[0] - c.onset[len(c.onset)-1] }

// simulate runs half a year; change may make the lifter another one.
func simulate(seed uint64, next strategy, change func(*simulated)) course {
	rng := rand.New(rand.NewPCG(seed, 8))
	l := newLifter(rng)
	if change != nil {
		change(l)
	}
	start := time.Date(2026, 5, 3, 18, 0, 0, 0, time.UTC)
	var sets []traininglog.Set
	var c course
	height := 0.0 // the first film is from the floor
	for day := 0; day <= halfYear; day += 3 + rng.IntN(5) {
		now := start.AddDate(0, 0, day)
		if len(sets) > 0 {
			height = next(sets, now)
		}
		c.days, c.heights, c.onset = append(c.days, day), append(c.heights, height), append(c.onset, l.onset)
		s := l.train(rng, now, day, height)
		if training := slices.ContainsFunc(sets, func(s traininglog.Set) bool { return s.Verdict != rom.Inconclusive }); training && s.rounded {
			c.rounded++
		}
		sets = append(sets, s.set)
	}
	c.first = films(sets)
	return c
}
