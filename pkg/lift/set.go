package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/signal"
)

// What counts as standing still for the neutral posture.
const (
	stillShare    = 0.05 // of the peak speed of the hip or shoulder
	standingShare = 0.04 // of the leg, about the set's top
	aroundSet     = 3.0  // s before the first and after the last rep in which the bar is still on the back
	maxLean       = 8.0  // degrees of the trunk from the median of these frames: no lean-back at lockout
)

// scale sets what is relative to the whole set: standing, depth in per cent,
// phases.
func (s *set) scale(e Exercise, f *finder) {
	n := len(f.b.t)
	s.phase = make([]Phase, n)
	s.depth, s.barDrop = make([]float64, n), make([]float64, n)
	tops := f.tops(e, s.reps)
	top, deepest := signal.Median(pick(f.d, tops)), math.Inf(-1)
	for _, r := range s.reps {
		for i := r.Start; i <= r.End; i++ {
			deepest = max(deepest, f.d[i])
		}
	}
	if len(s.reps) == 0 {
		top, deepest = signal.Quantile(f.d, 0.05), math.NaN()
	}
	s.standingHip = signal.Median(pick(f.p.hipHeight, tops))
	if math.IsNaN(s.standingHip) {
		s.standingHip = signal.Quantile(f.p.hipHeight, 0.95)
	}
	for i := range n {
		s.depth[i] = min(max(100*(f.d[i]-top)/(deepest-top), 0), 100)
		s.barDrop[i] = math.NaN()
		if e == Deadlift {
			s.barDrop[i] = s.depth[i]
		}
	}
	s.barTravel = math.NaN()
	if e == Deadlift {
		s.barTravel = (deepest - top) * f.b.leg
	}
	s.standing = f.standing(e, s.reps, top)
	s.trunk = medianWhere(f.p.trunkLength(), func(i int) bool { return s.standing[i] })
	if math.IsNaN(s.trunk) {
		s.trunk = f.b.trunk
	}
	for _, r := range s.reps {
		f.phases(s.phase, e, r)
	}
	for i, up := range s.standing {
		if up {
			s.phase[i] = Top
		}
	}
}

func pick(x []float64, at []int) []float64 {
	var out []float64
	for _, i := range at {
		out = append(out, x[i])
	}
	return out
}

// tops are the frames of the set's upper turning points that the clip shows, or
// the highest it comes to where it shows none.
func (f *finder) tops(e Exercise, reps []Rep) []int {
	var shown, highs []int
	for _, r := range reps {
		high := highest(f.d, r.Start, r.End)
		highs = append(highs, high)
		switch {
		case e == Deadlift && r.CoversAscent:
			shown = append(shown, high)
		case e == Deadlift:
		default:
			if r.CoversDescent {
				shown = append(shown, r.Start)
			}
			if r.CoversAscent {
				shown = append(shown, r.End)
			}
		}
	}
	if len(shown) == 0 {
		return highs
	}
	return shown
}

func (p *poses) trunkLength() []float64 {
	out := make([]float64, len(p.trunk))
	for i := range out {
		out[i] = distance(p.shoulder.at(i), p.hip.at(i))
	}
	return out
}

// onFloor reports whether the bar is nearer to the rep's bottom than to its top.
func (f *finder) onFloor(i int, r Rep) bool {
	return f.d[i] > (f.d[highest(f.d, r.Start, r.End)]+f.d[deepest(f.d, r.Start, r.End)])/2
}

// phases labels the frames of one rep by depth relative to the rep's own ends.
func (f *finder) phases(phase []Phase, e Exercise, r Rep) {
	lo, hi := f.d[highest(f.d, r.Start, r.End)], f.d[deepest(f.d, r.Start, r.End)]
	top, bottom := lo+fullTurn*(hi-lo), hi-fullTurn*(hi-lo)
	turn := r.Bottom
	pull := e == Deadlift && f.onFloor(r.Start, r)
	if pull {
		turn = highest(f.d, r.Start, r.End)
	}
	for i := r.Start; i <= r.End; i++ {
		switch {
		case f.d[i] <= top:
			phase[i] = Top
		case f.d[i] >= bottom:
			phase[i] = Bottom
		case (i < turn) == pull:
			phase[i] = Up
		default:
			phase[i] = Down
		}
	}
}

// standing marks the still and upright frames of the set from which neutral is
// taken.
func (f *finder) standing(e Exercise, reps []Rep, top float64) []bool {
	out := make([]bool, len(f.d))
	if len(reps) == 0 {
		return out
	}
	speed := make([]float64, len(f.speed))
	for i, v := range f.speed {
		speed[i] = math.Abs(v)
	}
	peak := 0.0
	for _, r := range reps {
		peak = max(peak, signal.Quantile(speed[r.Start:r.End+1], 0.95))
	}
	first, last := reps[0], reps[len(reps)-1]
	from, to := f.b.t[first.Start]-aroundSet, f.b.t[last.End]+aroundSet
	if e == Deadlift { // before a pull from the floor and after the return to it the hands are empty
		if f.onFloor(first.Start, first) {
			from = f.b.t[first.Start]
		}
		if f.onFloor(last.End, last) {
			to = f.b.t[last.End]
		}
	}
	inRange := func(i int) bool {
		return f.b.t[i] >= from && f.b.t[i] <= to && f.d[i] <= top+standingShare &&
			f.d[i] >= top-2*standingShare && speed[i] <= max(stillShare*peak, 0.02)
	}
	lean := medianWhere(f.p.trunk, inRange)
	for i := range out {
		out[i] = inRange(i) && f.p.trunk[i] > lean-maxLean && f.p.trunk[i] < lean+maxLean
	}
	return out
}
