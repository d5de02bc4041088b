package rom

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/signal"
)

// assessment gathers what the verdict on a set needs.
type assessment struct {
	in       Input
	opts     Options
	reps     []*judgement // judged reps
	evidence float64      // of the set for a knee
}

func (a *assessment) safeRange(reps []RepResult) SafeRange {
	nan := math.NaN()
	s := SafeRange{
		DepthPct: nan, DepthPctCI90: [2]float64{nan, nan}, KneeFlexionDeg: nan, ThighDeg: nan, HipHeightPct: nan,
		BoxHeightCM: nan, BlockHeightCM: nan, HeightSDCM: nan, HeightMarginCM: nan, JudgedReps: len(a.reps),
	}
	for _, j := range a.reps {
		if j.broken() {
			s.BrokenReps++
		}
	}
	a.decide(&s, reps)
	if s.Verdict != Inconclusive {
		a.bootstrap(&s, reps)
		a.posture(&s)
	}
	s.Advice = a.advice(&s, reps)
	return s
}

func (a *assessment) decide(s *SafeRange, reps []RepResult) {
	n := len(reps)
	s.Verdict = Inconclusive
	switch {
	case n == 0:
		s.Reason = "no repetition was found"
	case a.in.Camera == lift.CameraUnusable:
		s.Reason = "the camera does not look from the side"
	case len(a.reps) == 0:
		s.Reason = reps[0].Reason
	case s.BrokenReps >= 2:
		s.Verdict = Breaks
	case 2*len(a.reps) < n:
		s.Reason = fmt.Sprintf("the lower back could be judged in %d of %d reps only", len(a.reps), n)
	case s.BrokenReps > 0 && 2*s.BrokenReps >= len(a.reps):
		s.Verdict = Breaks
	case a.tooNoisy():
		s.Reason = "the measurement is too unsteady to tell a rounding from noise"
	default:
		s.Verdict = Holds
	}
}

// mostHidden is the probability of a clear rounding with which a set that shows
// none may still be said to hold. Where nothing is known, the priors make it 0.27.
const mostHidden = 0.1

// tooNoisy reports whether a clear rounding may hide in a set that shows none:
// the measurement might not show an excess of that size at three sd, and what
// was measured leaves room for one, or for a surface angle of one. The angles of
// the reps err together by what the body does to the angle's zero, and each by
// its noise.
func (a *assessment) tooNoisy() bool {
	var power, excess, angles, sd []float64
	for _, j := range a.reps {
		power, excess = append(power, j.powerSD), append(excess, j.mayBeClear(a.opts))
		angles, sd = append(angles, j.roundest()), append(sd, j.sd)
	}
	if signal.Median(power) <= a.opts.ClearlyRoundedExcess/3 {
		return false
	}
	angleSD := math.Hypot(signal.Median(sd)/math.Sqrt(float64(len(sd))), a.opts.LimitSDDeg)
	angle := above(a.opts.ClearlyRoundedDeg, signal.Median(angles), angleSD)
	return 1-(1-signal.Median(excess))*(1-angle) > mostHidden
}

// bootstrap gives the safe depth: the 10th percentile over reps of the
// breakdown depths, its median and 90 % interval under resampling of the reps.
// A rep that never broke counts with its deepest point, which it holds at
// least, so the percentile is on the safe side. Each draw takes a rep's depth
// from its own uncertainty and shifts all of them by the error they share
// (neutral and systematic), turned into depth by the slope of flexion there.
func (a *assessment) bootstrap(s *SafeRange, reps []RepResult) {
	o := a.opts
	rng := rand.New(rand.NewPCG(0x5350494e45, o.Seed))
	neutral := a.in.NeutralSDDeg
	if !finite(neutral) {
		neutral = 0
	}
	shared := math.Hypot(neutral, o.SystematicDeg)
	var deepest []float64
	for _, r := range reps {
		if r.Judged {
			deepest = append(deepest, r.DeepestPct)
		}
	}
	n := len(a.reps)
	stat := make([]float64, 0, o.Resamples)
	draw := make([]float64, n)
	for range o.Resamples {
		shift := shared * rng.NormFloat64()
		for i := range draw {
			k := rng.IntN(n)
			j := a.reps[k]
			z := rng.NormFloat64()
			draw[i] = deepest[k]
			if j.broken() {
				draw[i] = math.Max(0, math.Min(deepest[k], 100*(j.depth+z*j.depSD+shift/j.slope)))
			}
		}
		stat = append(stat, signal.Quantile(draw, 0.1))
	}
	s.DepthPct = signal.Quantile(stat, 0.5)
	s.DepthPctCI90 = [2]float64{signal.Quantile(stat, 0.05), signal.Quantile(stat, 0.95)}
	s.Censored = s.BrokenReps == 0
}

// posture reads the lifter's angles and the box's or block's height at the safe
// depth from the frames of the set.
func (a *assessment) posture(s *SafeRange) {
	// Of the frames within 3 % of the depth, or the five nearest.
	type near struct {
		dist float64
		f    *Frame
	}
	var all []near
	scale := false
	for i := range a.in.Frames {
		f := &a.in.Frames[i]
		if f.Rep == 0 || !finite(f.DepthPct) {
			continue
		}
		scale = scale || f.HeightCM > 0
		all = append(all, near{math.Abs(f.DepthPct - s.DepthPct), f})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].dist < all[j].dist })
	fit := func(get func(*Frame) float64) (value, slope float64) {
		// Local line in depth, so that the value belongs to the depth itself.
		var n, sx, sy, sxx, sxy float64
		for _, p := range all {
			v := get(p.f)
			if !finite(v) {
				continue
			}
			if p.dist > 6 && n >= 5 {
				break
			}
			x := p.f.DepthPct - s.DepthPct
			n, sx, sy, sxx, sxy = n+1, sx+x, sy+v, sxx+x*x, sxy+x*v
		}
		if n == 0 {
			return math.NaN(), math.NaN()
		}
		det := n*sxx - sx*sx
		if det < 1e-6*n*n {
			return sy / n, 0
		}
		return (sy*sxx - sx*sxy) / det, (n*sxy - sx*sy) / det
	}
	s.KneeFlexionDeg, _ = fit(func(f *Frame) float64 { return f.KneeFlexion })
	s.ThighDeg, _ = fit(func(f *Frame) float64 { return f.ThighDeg })
	s.HipHeightPct, _ = fit(func(f *Frame) float64 { return f.HipHeightPct })
	if !scale || a.in.Exercise == lift.UnknownExercise || s.BrokenReps == 0 {
		return
	}
	h, perPct := fit(func(f *Frame) float64 { return f.HeightCM })
	se := math.Abs(perPct) * (s.DepthPctCI90[1] - s.DepthPctCI90[0]) / (2 * 1.645)
	if finite(a.in.ScaleSDPct) {
		se = math.Hypot(se, h*a.in.ScaleSDPct/100)
	}
	s.HeightSDCM, s.HeightMarginCM = se, math.Max(2.5, 1.64*se)
	h = roundUp(h + s.HeightMarginCM)
	switch a.in.Exercise {
	case lift.Squat:
		s.BoxHeightCM = h
	case lift.Deadlift:
		s.BlockHeightCM = h
	}
}

// roundUp to the 2.5 cm in which boxes and plates come.
func roundUp(cm float64) float64 { return 2.5 * math.Ceil(cm/2.5-1e-9) }
