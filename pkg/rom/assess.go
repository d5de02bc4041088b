package rom

import (
	"math"
	"sort"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/signal"
)

// Assess decides where each rep of a set left the neutral range and to which
// depth the set is safe. It always answers: what forbids a verdict is the
// SafeRange's Reason. The error is that of Options.Validate.
func Assess(in Input, opts Options) (Assessment, error) {
	if err := opts.Validate(); err != nil {
		return Assessment{}, err
	}
	o := opts.withDefaults()
	in = withFlexion(in)
	series := collect(in, o)
	a := Assessment{
		Reps:       make([]RepResult, len(series)),
		Frames:     make([]FrameResult, len(in.Frames)),
		NoiseSDDeg: math.NaN(), NoiseTimeS: math.NaN(),
	}
	for i := range a.Frames {
		a.Frames[i] = FrameResult{FittedFlexionDeg: math.NaN(), ExpectedDeg: math.NaN()}
	}
	var judged []*repSeries
	var at []int
	for i := range series {
		a.Reps[i] = newRepResult(&series[i], in.Frames)
		if a.Reps[i].Judged {
			judged = append(judged, &series[i])
			at = append(at, i)
		}
	}
	set := &assessment{in: in, opts: o}
	if len(judged) > 0 {
		fit := fitSet(judged, in.Exercise, o.MinEvidence, o.SystematicDeg)
		set.evidence = fit.evidence
		a.NoiseSDDeg, a.NoiseTimeS = fit.noiseSD(), fit.noise.tau
		for r, s := range judged {
			set.reps = append(set.reps, judge(in.Frames, s, fit, r))
		}
		for r, s := range judged {
			b := set.reps[r]
			b.decide(in.Frames, s, o, set.leastPeak(judged, r))
			b.report(in.Frames, s, &a.Reps[at[r]], a.Frames, o)
		}
	}
	a.SafeRange = set.safeRange(a.Reps)
	a.Warnings = set.warnings(&a)
	return a, nil
}

// withFlexion lets the surface angle stand in where no neutral is known: its
// shallowest frames are then the zero.
func withFlexion(in Input) Input {
	var shallow []float64
	for _, f := range in.Frames {
		if finite(f.LumbarFlexion) {
			return in
		}
		if f.Rep != 0 && f.DepthPct < 15 && finite(f.LumbarAngle) {
			shallow = append(shallow, f.LumbarAngle)
		}
	}
	if len(shallow) == 0 {
		for _, f := range in.Frames {
			if f.Rep != 0 && finite(f.LumbarAngle) {
				shallow = append(shallow, f.LumbarAngle)
			}
		}
		sort.Float64s(shallow)
		shallow = shallow[:len(shallow)/5]
	}
	zero := signal.Median(shallow)
	in.Frames = append([]Frame(nil), in.Frames...)
	for i := range in.Frames {
		in.Frames[i].LumbarFlexion = in.Frames[i].LumbarAngle - zero
	}
	return in
}

func newRepResult(s *repSeries, frames []Frame) RepResult {
	r := RepResult{
		Index: s.rep.Index, Judged: s.reason == "", Reason: s.reason,
		MeasuredShare: s.share, DeepestPct: 100 * s.deepest,
		PeakFlexionDeg: math.NaN(), PeakFlexionSDDeg: math.NaN(), PeakS: math.NaN(), PeakLumbarAngleDeg: math.NaN(),
		ExcessAtBottomDeg: math.NaN(), ExcessSDDeg: math.NaN(), Evidence: math.NaN(),
	}
	for _, i := range s.frames {
		r.CoversDescent = r.CoversDescent || frames[i].Phase == lift.Down
	}
	return r
}

func (f *setFit) noiseSD() float64 {
	var sd []float64
	for i := range f.reps {
		for _, s := range f.reps[i].series.samples {
			sd = append(sd, s.sd)
		}
	}
	return signal.Median(sd) * f.noise.scale
}

// judgement is the decision on one rep.
type judgement struct {
	hinge    hingePosterior
	curve    curve // the chosen hypothesis
	trend    curve // without a hinge
	knee     bool
	limit    bool
	unclear  bool      // bends so early that only the angle could tell a rounding, and it may be one
	angle    []float64 // smoothed surface angle per frame of the series
	flex     []float64 // smoothed flexion per frame
	peak     float64   // see peakFlexion
	sd       float64   // of the smoothed curves
	depth    float64   // 0..1, of the breakdown
	depSD    float64
	way      way
	cause    Cause
	slope    float64 // degrees per unit depth beyond the breakdown
	expect   float64 // excess over both hypotheses
	evidence float64 // the less of the rep's own and the set's
	powerSD  float64 // sd with which a typical excess would be known
	bent     curve   // the hypothesis with the likeliest hinge
	excess   float64 // over the trend if that is true, degrees
}

func (j *judgement) broken() bool { return j.knee || j.limit }

// judge gathers what there is to decide on.
func judge(frames []Frame, s *repSeries, fit *setFit, r int) *judgement {
	j := &judgement{hinge: fit.posterior(r), trend: fit.curve(r, 0), powerSD: fit.excessSDAt(r, typicalKnot)}
	p := 1 / (1 + math.Exp(-j.hinge.logOdds))
	j.bent = fit.curve(r, j.hinge.best)
	j.curve = j.trend
	if p > 0.5 {
		j.curve = j.bent
	}
	j.smooth(frames, s, fit)
	j.peak = j.peakFlexion(frames, s)
	j.excess = j.hinge.excess
	if p > 0.5 && j.bent.cand.knotAt >= len(knots)-turningKnots {
		j.excess = math.Max(j.excess, j.peakExcess(frames, s))
	}
	j.expect = math.Max(0, p*j.excess)
	j.evidence = math.Min(2*j.hinge.logOdds, fit.evidence)
	return j
}

// decide says whether the rep breaks, and where. Least is the least peak of flexion of
// the set's reps that go as deep, degrees.
func (j *judgement) decide(frames []Frame, s *repSeries, o Options, least float64) {
	bends := j.evidence >= o.MinEvidence &&
		j.peak >= o.KneeExcessDeg &&
		j.excess >= math.Max(o.KneeExcessDeg, kneeZ*j.hinge.excessSD) &&
		j.bent.slopeRatio() >= minSlopeRatio &&
		j.persists(frames, s, &j.bent)
	own := j.hinge.knot < earlyKnot && j.peak-least < o.KneeExcessDeg && j.roundest() < flatBack+j.angleSD(o)
	j.knee = bends && !own
	j.unclear = bends && !j.knee && above(flatBack, j.roundest(), j.angleSD(o)) > mostHidden
	limitAt, limitWay, limit := j.limitCrossing(frames, s, o)
	j.limit = limit
	kneeWay := wayDown
	if !j.bent.cand.on[wayDown] || !sees(s, wayDown) {
		kneeWay = wayUp
	}
	if j.knee {
		j.depth, j.depSD, j.way, j.cause = j.hinge.knot, j.hinge.knotSD, kneeWay, CauseKnee
	}
	if limit && (!j.knee || limitAt < j.depth) {
		j.depth, j.way, j.cause = limitAt, limitWay, CauseLimit
		j.depSD = 0.03
	}
	if j.broken() {
		e := math.Min(s.deepest, j.depth+0.1)
		hi, _, _ := j.curve.at(e, j.way)
		lo, _, _ := j.curve.at(e-0.1, j.way)
		j.slope = math.Max((hi-lo)/0.1, 20)
		if j.cause == CauseLimit {
			j.depSD = math.Min(0.15, math.Max(0.02, j.sd/j.slope))
		}
	}
}

// leastPeak is the least peak of flexion among the reps that go as deep as rep r.
func (a *assessment) leastPeak(series []*repSeries, r int) float64 {
	least := a.reps[r].peak
	for i, s := range series {
		if s.deepest >= series[r].deepest-asDeep {
			least = math.Min(least, a.reps[i].peak)
		}
	}
	return least
}

const (
	kneeZ         = 2.0 // sd of the excess that it must exceed
	typicalKnot   = 0.7
	minSlopeRatio = 2.0
	limitZ        = 1.0
	// A knee above this depth leaves too little before it to tell it from a
	// flattening that goes all the way down (docs/breakdown.md), as competent
	// squatters show. It counts only if the back surely ends up rounder than flat, or if
	// the lifter has gone as deep with so much less flexion in another rep that
	// it is no flattening of their own: most lifters round more as they tire.
	earlyKnot = 0.3
	flatBack  = 0.0  // surface angle, degrees
	asDeep    = 0.05 // of the set's range
)

// mayBeClear is the probability of an excess that is a clear rounding. One that
// is more than the flexion there is is none; nor is one that begins so early that
// it may be the lifter's own flattening: of that the surface angle has to tell.
func (j *judgement) mayBeClear(o Options) float64 {
	p := above(o.ClearlyRoundedExcess, j.hinge.excess, j.hinge.excessSD) / (1 + math.Exp(-j.hinge.logOdds))
	return math.Min(p*j.hinge.beyond(earlyKnot), above(o.ClearlyRoundedExcess, j.peak, j.sd))
}

// angleSD is the standard deviation of the smoothed surface angle against limits
// that are the same for all bodies.
func (j *judgement) angleSD(o Options) float64 { return math.Hypot(j.sd, o.LimitSDDeg) }

// above is the probability that a normal variable exceeds x.
func above(x, mean, sd float64) float64 { return math.Erfc((x-mean)/(sd*math.Sqrt2)) / 2 }

// roundest is the largest smoothed surface angle of the rep; -Inf if there is
// none.
func (j *judgement) roundest() float64 {
	out := math.Inf(-1)
	for _, a := range j.angle {
		if a > out {
			out = a
		}
	}
	return out
}

// lasting tells a movement from a wobble. At the turning point depth stands
// still, so that a short wink there has no range of depth to show.
func lasting(seconds, depth float64, atBottom bool) bool {
	return seconds >= minDurationS && (depth >= minDepth || atBottom && seconds >= 1.5*minDurationS)
}

func sees(s *repSeries, w way) bool {
	for _, x := range s.samples {
		if x.way == w && x.depth > 0.15 {
			return true
		}
	}
	return false
}

const justBefore = 0.15 // of the set's range

// slopeRatio compares the mean slope after the knot with the one before: all the
// way from the top or just before the knot, whichever is less (flattening that
// was done, or had hardly begun).
func (c *curve) slopeRatio() float64 {
	w := wayDown
	if !c.cand.on[wayDown] {
		w = wayUp
	}
	k := c.cand.knot
	if c.deepest <= k {
		return 0
	}
	top, _, _ := c.at(0, w)
	knot, _, _ := c.at(k, w)
	near, _, _ := c.at(k-justBefore, w)
	end, _, _ := c.at(c.deepest, w)
	after := (end - knot) / (c.deepest - k)
	before := math.Min((knot-top)/k, (knot-near)/justBefore)

	if after <= 0 {
		return 0
	}
	return after / math.Max(before, 1e-9)
}

// smoothS is the width (sd) of the kernel that brings back what the fitted
// curve leaves in the residuals; a wink of 0.3 s passes it.
const smoothS = 0.08

// peakExcess is the greatest excess of the smoothed flexion. Round the turning
// point depth stands still while a wink comes and goes, so that its hinge
// fits the mean over that time and not what is reached.
func (j *judgement) peakExcess(frames []Frame, s *repSeries) float64 {
	peak := math.Inf(-1)
	for k, i := range s.frames {
		_, _, trend := j.curve.at(frames[i].DepthPct/100, s.ways[k])
		peak = math.Max(peak, j.flex[k]-trend)
	}
	return peak
}

// peakFlexion is the greatest smoothed flexion deeper than the hinge. A lifter who
// arches on the way down and comes back to the standing curve at the bottom bends a
// knee into the course without ever leaving neutral.
func (j *judgement) peakFlexion(frames []Frame, s *repSeries) float64 {
	peak := math.Inf(-1)
	for k, i := range s.frames {
		if frames[i].DepthPct >= 100*j.hinge.knot {
			peak = math.Max(peak, j.flex[k])
		}
	}
	return peak
}

// misfitSD is how far a real course strays from the fitted curve, degrees.
const misfitSD = 2.0

// smooth fills the smoothed series: the fitted curve plus its smoothed
// residuals, as far as they exceed the noise, and for the surface angle also
// what sets it off from flexion.
func (j *judgement) smooth(frames []Frame, s *repSeries, fit *setFit) {
	n := len(s.frames)
	j.flex, j.angle = make([]float64, n), make([]float64, n)
	base := make([]float64, n)
	res := make([]float64, n)
	off := make([]float64, n)
	var diff []float64
	for k, i := range s.frames {
		d := frames[i].DepthPct / 100
		base[k], _, _ = j.curve.at(d, s.ways[k])
		res[k] = s.clean[k] - base[k]
		off[k] = frames[i].LumbarAngle - s.clean[k]
		if finite(off[k]) {
			diff = append(diff, off[k])
		}
	}
	mid := signal.Median(diff)
	for k := range off {
		off[k] -= mid
	}
	// A kernel of this width averages over √(4π)·smoothS; errors are alike over 2·tau.
	share := math.Min(1, 2*fit.noise.tau/(math.Sqrt(4*math.Pi)*smoothS))
	j.sd = fit.noiseSD() * math.Sqrt(share)
	keep := misfitSD * misfitSD / (misfitSD*misfitSD + j.sd*j.sd)
	for k, i := range s.frames {
		t := frames[i].TimeS
		j.flex[k] = base[k] + keep*kernelMean(frames, s.frames, res, t)
		j.angle[k] = j.flex[k] + mid + kernelMean(frames, s.frames, off, t)
	}
}

// kernelMean is the Gaussian-weighted mean of v near t; frames that lack a
// value pull towards 0.
func kernelMean(frames []Frame, idx []int, v []float64, t float64) float64 {
	var sum, wsum float64
	lo := sort.Search(len(idx), func(k int) bool { return frames[idx[k]].TimeS >= t-3*smoothS })
	for k := lo; k < len(idx) && frames[idx[k]].TimeS <= t+3*smoothS; k++ {
		z := (frames[idx[k]].TimeS - t) / smoothS
		w := math.Exp(-z * z / 2)
		wsum += w
		if finite(v[k]) {
			sum += w * v[k]
		}
	}
	if wsum == 0 {
		return 0
	}
	return sum / wsum
}

// persists checks on the measured frames that the flexion beyond the trend is
// there for long enough and over enough depth, whatever the fit says.
func (j *judgement) persists(frames []Frame, s *repSeries, bent *curve) bool {
	var first, last, shallow, deep float64
	n := 0
	for k, i := range s.frames {
		d := frames[i].DepthPct / 100
		_, _, trend := bent.at(d, s.ways[k])
		if !finite(s.clean[k]) || s.clean[k]-trend < hysteresisDeg || bent.cand.hinge(d, s.deepest, s.ways[k]) == 0 {
			continue
		}
		if n == 0 {
			first, shallow, deep = frames[i].TimeS, d, d
		}
		last = frames[i].TimeS
		shallow, deep = math.Min(shallow, d), math.Max(deep, d)
		n++
	}
	return n >= 2 && lasting(last-first, deep-shallow, deep >= s.deepest-minDepth)
}

// limitCrossing finds the shallowest depth on the way down (else up) beyond
// which the surface angle is past its limit.
func (j *judgement) limitCrossing(frames []Frame, s *repSeries, o Options) (depth float64, w way, ok bool) {
	for _, w = range []way{wayDown, wayUp} {
		depth, ok = math.Inf(1), false
		run := -1
		peak := math.Inf(-1)
		shallow, deep := math.Inf(1), math.Inf(-1)
		begin := 0.0
		closeRun := func(end int) {
			if run >= 0 && peak-o.LimitDeg >= limitZ*j.angleSD(o) && finite(shallow) &&
				lasting(frames[s.frames[end]].TimeS-begin, deep-shallow, deep >= s.deepest-minDepth) {
				depth, ok = math.Min(depth, shallow), true
			}
			run, peak, shallow, deep = -1, math.Inf(-1), math.Inf(1), math.Inf(-1)
		}
		for k, i := range s.frames {
			if !finite(j.angle[k]) {
				continue
			}
			d := frames[i].DepthPct / 100
			switch {
			case run < 0 && j.angle[k] > o.LimitDeg:
				run, begin = k, frames[i].TimeS
			case run >= 0 && j.angle[k] < o.LimitDeg-hysteresisDeg:
				closeRun(k)
			}
			if run >= 0 {
				peak = math.Max(peak, j.angle[k])
				deep = math.Max(deep, d)
				if j.angle[k] > o.LimitDeg && s.ways[k] == w {
					shallow = math.Min(shallow, d)
				}
			}
		}
		if len(s.frames) > 0 {
			closeRun(len(s.frames) - 1)
		}
		if ok {
			return depth, w, true
		}
	}
	return 0, wayDown, false
}

// report writes the decision into the results.
func (j *judgement) report(frames []Frame, s *repSeries, r *RepResult, out []FrameResult, o Options) {
	r.ExcessAtBottomDeg, r.ExcessSDDeg, r.Evidence = j.expect, j.hinge.excessSD, j.evidence
	peak, peakAngle := -1, math.Inf(-1)
	for k, i := range s.frames {
		_, _, trend := j.curve.at(frames[i].DepthPct/100, s.ways[k])
		out[i].FittedFlexionDeg, out[i].ExpectedDeg = j.flex[k], trend
		if peak < 0 || j.flex[k] > j.flex[peak] {
			peak = k
		}
		if finite(j.angle[k]) {
			peakAngle = math.Max(peakAngle, j.angle[k])
		}
	}
	if peak >= 0 {
		i := s.frames[peak]
		_, sd, _ := j.curve.at(frames[i].DepthPct/100, s.ways[peak])
		r.PeakFlexionDeg, r.PeakS = j.flex[peak], frames[i].TimeS
		r.PeakFlexionSDDeg = math.Max(sd, j.sd)
	}
	if !math.IsInf(peakAngle, 0) {
		r.PeakLumbarAngleDeg = peakAngle
	}
	if !j.broken() {
		return
	}
	b := &Breakdown{
		Cause: j.cause, Direction: lift.Down, ExcessDeg: j.expect, DepthSDPct: 100 * j.depSD,
		ClearlyRounded: j.expect > o.ClearlyRoundedExcess || peakAngle > o.ClearlyRoundedDeg,
	}
	if j.way == wayUp {
		b.Direction = lift.Up
	}
	b.Posture, b.FlexionDeg, b.LumbarAngleDeg = j.crossing(frames, s)
	r.Breakdown = b
	r.Beyond = j.beyond(frames, s)
	for _, sp := range r.Beyond {
		for _, i := range s.frames {
			if t := frames[i].TimeS; t >= sp.FromS && t <= sp.ToS {
				out[i].BeyondNeutral = true
			}
		}
	}
}

// crossing is the lifter's posture where the rep passes the breakdown's depth.
func (j *judgement) crossing(frames []Frame, s *repSeries) (p lift.Posture, flexion, angle float64) {
	prev := -1
	for k, i := range s.frames {
		if s.ways[k] != j.way {
			prev = -1
			continue
		}
		if prev >= 0 {
			a, b := frames[s.frames[prev]], frames[i]
			lo, hi := a.DepthPct/100, b.DepthPct/100
			if j.way == wayUp {
				lo, hi = hi, lo
			}
			if lo <= j.depth && j.depth < hi {
				w := (100*j.depth - a.DepthPct) / (b.DepthPct - a.DepthPct)
				p = mix(a.Posture, b.Posture, w)
				return p, lerp(j.flex[prev], j.flex[k], w), lerp(j.angle[prev], j.angle[k], w)
			}
		}
		prev = k
	}
	// Not passed between two frames: the nearest one.
	best := 0
	for k, i := range s.frames {
		if math.Abs(frames[i].DepthPct-100*j.depth) < math.Abs(frames[s.frames[best]].DepthPct-100*j.depth) {
			best = k
		}
	}
	p = frames[s.frames[best]].Posture
	p.DepthPct = 100 * j.depth
	return p, j.flex[best], j.angle[best]
}

func lerp(a, b, w float64) float64 { return a*(1-w) + b*w }

func mix(a, b lift.Posture, w float64) lift.Posture {
	return lift.Posture{
		TimeS:        lerp(a.TimeS, b.TimeS, w),
		KneeFlexion:  lerp(a.KneeFlexion, b.KneeFlexion, w),
		HipFlexion:   lerp(a.HipFlexion, b.HipFlexion, w),
		ThighDeg:     lerp(a.ThighDeg, b.ThighDeg, w),
		HipHeightPct: lerp(a.HipHeightPct, b.HipHeightPct, w),
		BarDropPct:   lerp(a.BarDropPct, b.BarDropPct, w),
		TrunkDeg:     lerp(a.TrunkDeg, b.TrunkDeg, w),
		DepthPct:     lerp(a.DepthPct, b.DepthPct, w),
	}
}

// beyond lists when the rep is deeper than its breakdown, with the shallower
// knot of the way up where there is one.
func (j *judgement) beyond(frames []Frame, s *repSeries) []Span {
	var out []Span
	open := false
	for k, i := range s.frames {
		limit := j.depth
		c := j.curve.cand
		if j.cause == CauseKnee && c.knot != 0 {
			if !c.on[s.ways[k]] {
				limit = math.Inf(1)
			} else if s.ways[k] == wayUp && j.way == wayDown {
				limit -= c.ascent
			}
		}
		t := frames[i].TimeS
		switch in := frames[i].DepthPct/100 >= limit; {
		case in && open:
			out[len(out)-1].ToS = t
		case in:
			out = append(out, Span{t, t})
			open = true
		default:
			open = false
		}
	}
	return out
}
