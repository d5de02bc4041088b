package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
)

// Headline is the answer in one line: how deep this lifter's lower back stays
// in its neutral range, and in how many reps.
func Headline(a *analysis.Analysis) string {
	n, s := len(a.Reps), &a.SafeRange
	if n == 0 {
		return "No repetition was found in this clip."
	}
	switch s.Verdict {
	case rom.Breaks:
		return fmt.Sprintf("Neutral to %s%s; %s left neutral deeper than that.",
			depthPhrase(a.Exercise, s.DepthPct), parenthesis(thighPhrase(a.Exercise, s.ThighDeg)), repsOf(s.BrokenReps, n))
	case rom.Holds:
		bottom := parenthesis(thighPhrase(a.Exercise, s.ThighDeg))
		if s.BrokenReps > 0 {
			return fmt.Sprintf("Neutral to the bottom%s in %s; %s.", bottom, repsOf(n-s.BrokenReps, n), brokenPhrase(a))
		}
		if n == 1 {
			return fmt.Sprintf("Neutral all the way down%s: the one rep in this clip held.", bottom)
		}
		return fmt.Sprintf("Neutral all the way down%s: %s held.", bottom, repsOf(n, n))
	}
	if s.Reason == "" {
		return "No verdict on the lower back from this clip."
	}
	return "No verdict on the lower back: " + sentence(s.Reason)
}

// depthPhrase names a depth, 0 standing or lockout, 100 the set's deepest.
func depthPhrase(e lift.Exercise, pct float64) string {
	switch {
	case math.IsNaN(pct):
		return "an unknown depth"
	case e == lift.Deadlift:
		return percent(pct) + " of the way down from lockout"
	}
	return percent(pct) + " of your depth"
}

// thighPhrase says where the thigh is; empty where that is not how depth is
// judged. Within 2° nobody can tell it from parallel.
func thighPhrase(e lift.Exercise, deg float64) string {
	switch {
	case math.IsNaN(deg) || e != lift.Squat:
		return ""
	case deg > 2:
		return fmt.Sprintf("thigh %.0f° above parallel", deg)
	case deg < -2:
		return fmt.Sprintf("thigh %.0f° below parallel", -deg)
	}
	return "thigh parallel"
}

// brokenPhrase names the reps that left neutral and where.
func brokenPhrase(a *analysis.Analysis) string {
	var parts []string
	for i := range a.Reps {
		if b := a.Reps[i].Breakdown; b != nil {
			parts = append(parts, fmt.Sprintf("rep %d left it at %s", a.Reps[i].Index, depthPhrase(a.Exercise, b.DepthPct)))
		}
	}
	return strings.Join(parts, ", ")
}

// certainty says how sure the answer is and what it rests on.
func certainty(a *analysis.Analysis) string {
	var parts []string
	if lo, hi := a.SafeRange.DepthPctCI90[0], a.SafeRange.DepthPctCI90[1]; a.SafeRange.Verdict == rom.Breaks && !math.IsNaN(lo+hi) {
		parts = append(parts, fmt.Sprintf("Nine times in ten the true depth lies between %s and %s", percent(lo), percent(hi)))
	}
	if c := a.Quality.RepCoverage; !math.IsNaN(c) && len(a.Reps) > 0 {
		s := fmt.Sprintf("the lower back was measured in %s of the frames of %s", percent(100*c), plural(len(a.Reps), "rep"))
		if sd := a.Quality.MedianSDDeg; !math.IsNaN(sd) {
			s += fmt.Sprintf(", to about ±%.0f° each", math.Ceil(sd))
		}
		parts = append(parts, s)
	}
	if y := a.Camera.YawDeg; !math.IsNaN(y) {
		s := fmt.Sprintf("the camera stood about %.0f° off a pure side view", y)
		switch a.Camera.Verdict {
		case lift.CameraOK:
			s += ", which is fine"
		case lift.CameraOblique:
			s += ", which makes the angles less sure"
		case lift.CameraUnusable:
			s += ", too far for a verdict"
		}
		parts = append(parts, s)
	}
	if s := &a.SafeRange; s.HeightSDCM > 0 {
		parts = append(parts, fmt.Sprintf("The height is known to ± %.0f cm, and %.0f cm of margin are in it", math.Ceil(s.HeightSDCM), s.HeightMarginCM))
		if a.Quality.ScaleSource == analysis.ScaleFromPlate {
			parts = append(parts, "The plate on the bar was taken for a full one of 45 cm; with smaller ones, give your own height instead (--stature)")
		}
	}
	for i, p := range parts {
		parts[i] = sentence(p)
	}
	return strings.Join(parts, " ")
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", v) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// repsOf is "3 of 5 reps", "all 3 reps", "the one rep".
func repsOf(k, n int) string {
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

func parenthesis(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// sentence gives s a capital and a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	if c := s[0]; c >= 'a' && c <= 'z' {
		s = string(c-'a'+'A') + s[1:]
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// degrees writes an angle to whole degrees, with its sign where that matters;
// a dash where it was not measured.
func degrees(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	if v = math.Round(v); v < 0 {
		return fmt.Sprintf("−%.0f°", -v)
	}
	return fmt.Sprintf("%.0f°", v+0)
}

// degreesSD is an angle with its standard deviation.
func degreesSD(v, sd float64) string {
	if math.IsNaN(v) || math.IsNaN(sd) {
		return degrees(v)
	}
	return fmt.Sprintf("%s ± %.0f°", degrees(v), math.Ceil(sd))
}
