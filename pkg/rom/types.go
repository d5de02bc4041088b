// Package rom finds where the neutral spine breaks down in each repetition and
// what that makes the set's safe range of motion.
package rom

import "github.com/spineflex/spineflex/pkg/lift"

// Cause of a breakdown.
type Cause string

// Causes: the surface angle passed its limit, or flexion left the lifter's own
// gradual flattening.
const (
	CauseLimit Cause = "limit"
	CauseKnee  Cause = "knee"
)

// Breakdown is where a rep left the neutral range.
type Breakdown struct {
	lift.Posture
	Direction      lift.Phase // Down, or Up for a rep that is seen only on the way up
	Cause          Cause
	FlexionDeg     float64
	LumbarAngleDeg float64
	ExcessDeg      float64
	ClearlyRounded bool
}

// Verdict on a set.
type Verdict string

// Verdicts.
const (
	Holds        Verdict = "holds"
	Breaks       Verdict = "breaks"
	Inconclusive Verdict = "inconclusive"
)

// SafeRange is the depth to which the set keeps its neutral spine.
type SafeRange struct {
	Verdict        Verdict
	DepthPct       float64
	DepthPctCI90   [2]float64
	KneeFlexionDeg float64
	ThighDeg       float64
	HipHeightPct   float64
	BoxHeightCM    float64 // NaN: not a squat or no scale
	BlockHeightCM  float64 // NaN: not a deadlift or no scale
	BrokenReps     int
	Reason         string // why inconclusive, empty otherwise
	Advice         string // a sentence or two a lifter understands
}
