package rom

import (
	"fmt"
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/signal"
)

// advice is a sentence or two for the lifter: what was seen, and how deep to go
// or what to film differently.
func (a *assessment) advice(s *SafeRange, reps []RepResult) string {
	switch {
	case s.Verdict == Inconclusive:
		return "No verdict: " + s.Reason + ". " + a.filmNextTime(reps)
	case s.Verdict == Holds && s.BrokenReps == 0:
		return fmt.Sprintf("Your lower back stayed in your neutral range in %s, down to the deepest point you reached%s. This depth is yours to use.",
			ofReps(len(a.reps), len(a.reps)), a.where(s))
	case s.Verdict == Holds:
		return fmt.Sprintf("Your lower back stayed in your neutral range in %s and left it in %s. Treat %.0f %% of the depth%s as your range until it holds in every rep.",
			ofReps(len(a.reps)-s.BrokenReps, len(a.reps)), repList(brokenReps(reps)), s.DepthPct, a.where(s))
	}
	out := fmt.Sprintf("Your lower back left your neutral range in %s. ", ofReps(s.BrokenReps, len(a.reps)))
	if s.DepthPct < 15 {
		return out + "It left it near the top already: use less load, practise the hinge without weight, and film again."
	}
	out += fmt.Sprintf("It holds to about %.0f %% of the depth of this set%s. ", s.DepthPct, a.where(s))
	switch {
	case finite(s.BoxHeightCM):
		out += fmt.Sprintf("Squat to a box %s high, with the same load, and film again.", centimetres(s.BoxHeightCM))
	case finite(s.BlockHeightCM):
		out += fmt.Sprintf("Pull from blocks %s high, with the same load, and film again.", centimetres(s.BlockHeightCM))
	case a.in.Exercise == lift.Deadlift:
		out += fmt.Sprintf("Start with the bar raised on blocks, %.0f %% of the way from the floor to lockout (a full plate on the bar in the picture, or your stature, gives the height in cm).", math.Ceil(100-s.DepthPct))
	case a.in.Exercise == lift.Squat:
		out += "Stop there, or squat to a box of that height (your stature gives it in cm)."
	default:
		out += "Stop there."
	}
	return out
}

// where says the safe depth in terms of the body.
func (a *assessment) where(s *SafeRange) string {
	if a.in.Exercise != lift.Squat || !finite(s.ThighDeg, s.KneeFlexionDeg) {
		return ""
	}
	thigh := "thighs parallel to the floor"
	switch d := math.Round(s.ThighDeg); {
	case d >= 3:
		thigh = fmt.Sprintf("thighs %.0f° above parallel", d)
	case d <= -3:
		thigh = fmt.Sprintf("thighs %.0f° below parallel", -d)
	}
	return fmt.Sprintf(" (%s, knees bent %.0f°)", thigh, s.KneeFlexionDeg)
}

// filmNextTime answers a reason with what would have avoided it
// (measurement.md 3g).
func (a *assessment) filmNextTime(reps []RepResult) string {
	switch {
	case len(reps) == 0:
		return "Film the whole set from the side, from standing to standing, with your whole body in the picture."
	case a.in.Camera == lift.CameraUnusable:
		return "Put the phone on something solid at hip height, 3.5 to 4 m away, looking at you square from the side."
	case 2*len(a.reps) < len(reps):
		return "Keep arm, plates and rack out of the line between the phone and your lower back: film from the other side, tuck in a fitted shirt, or use smaller plates."
	}
	return "Film closer or in higher resolution in bright light, with a fitted shirt tucked in and the phone on something solid, and do three to five reps."
}

// Warning codes.
const (
	WarnOneRep    = "one-rep-broke"
	WarnNotJudged = "reps-not-judged"
	WarnFatigue   = "fatigue"
	WarnCloseCall = "close-call"
	WarnFewReps   = "few-reps"
	WarnEarlyKnee = "early-breakdown"
)

// unclear reports whether half of the reps or more bend in a way that may be a
// rounding from early on.
func (a *assessment) unclear() bool {
	n := 0
	for _, j := range a.reps {
		if j.unclear && !j.limit {
			n++
		}
	}
	return n > 0 && 2*n >= len(a.reps)
}

func (a *assessment) warnings(r *Assessment) []Warning {
	var out []Warning
	add := func(code, format string, args ...any) {
		out = append(out, Warning{code, fmt.Sprintf(format, args...)})
	}
	s := &r.SafeRange
	if b := brokenReps(r.Reps); s.Verdict == Holds && len(b) > 0 {
		add(WarnOneRep, "your lower back left your neutral range in %s, at %.0f %% of the depth; the other %d held", repList(b), r.Reps[index(r.Reps, b[0])].Breakdown.DepthPct, len(a.reps)-len(b))
	}
	var missing []int
	for _, x := range r.Reps {
		if !x.Judged {
			missing = append(missing, x.Index)
		}
	}
	if len(missing) > 0 && len(a.reps) > 0 {
		add(WarnNotJudged, "%s could not be judged: %s", repList(missing), r.Reps[index(r.Reps, missing[0])].Reason)
	}
	if n := len(a.reps); s.Verdict != Inconclusive && n < 3 {
		add(WarnFewReps, "%s: film three to five reps for a depth to rely on", ofReps(n, n))
	}
	if s.Verdict == Holds && a.evidence > 0 && a.evidence < a.opts.MinEvidence {
		add(WarnCloseCall, "a close call: the lower back may leave your neutral range near the bottom; film again, closer and with more reps")
	} else if s.Verdict == Holds && a.unclear() {
		add(WarnCloseCall, "a close call: the lower back bends by much from early on, which may be more than it flattens; film again with the whole back in view")
	}
	if grow := a.fatigue(r.Reps); grow > 0 {
		add(WarnFatigue, "flexion at the bottom grew by about %.0f° from the first to the last rep: end the set earlier", grow)
	}
	for _, x := range r.Reps {
		if x.Breakdown != nil && x.Breakdown.Cause == CauseKnee && x.Breakdown.DepthPct < 35 {
			add(WarnEarlyKnee, "the breakdown in rep %d comes so early that it is hard to tell from a gradual flattening; the limit of the surface angle is the surer sign there", x.Index)
			break
		}
	}
	return out
}

// fatigue is how much the peak flexion grew over the set by its Theil–Sen
// trend, degrees; 0 when that is within the errors.
func (a *assessment) fatigue(reps []RepResult) float64 {
	const least = 6.0 // twice the rep-to-rep sd of a peak (measurement.md 5.7)
	var number, peaks, sds []float64
	for _, r := range reps {
		if r.Judged {
			number = append(number, float64(r.Index))
			peaks = append(peaks, r.PeakFlexionDeg)
			sds = append(sds, r.PeakFlexionSDDeg)
		}
	}
	if len(peaks) < 3 {
		return 0
	}
	slope, _ := signal.TheilSen(number, peaks)
	grow := slope * (number[len(number)-1] - number[0])
	if grow < math.Max(least, 2*signal.Median(sds)) {
		return 0
	}
	return grow
}

func brokenReps(reps []RepResult) []int {
	var out []int
	for _, r := range reps {
		if r.Breakdown != nil {
			out = append(out, r.Index)
		}
	}
	return out
}

func index(reps []RepResult, rep int) int {
	for i, r := range reps {
		if r.Index == rep {
			return i
		}
	}
	return 0
}

func ofReps(k, n int) string {
	switch {
	case n == 1:
		return "the one rep"
	case k == n && n == 2:
		return "both reps"
	case k == n:
		return fmt.Sprintf("all %d reps", n)
	}
	return fmt.Sprintf("%d of %d reps", k, n)
}

func centimetres(cm float64) string { return fmt.Sprintf("%.4g cm (%.1f in)", cm, cm/2.54) }

func repList(n []int) string {
	switch len(n) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("rep %d", n[0])
	}
	s := "reps "
	for i, x := range n {
		switch i {
		case 0:
		case len(n) - 1:
			s += " and "
		default:
			s += ", "
		}
		s += fmt.Sprint(x)
	}
	return s
}
