// Package rom finds where the neutral spine breaks down in each repetition and
// what that makes the set's safe range of motion.
//
// [Assess] takes the per-frame series of a set and decides, for every rep,
// whether flexion left the neutral range and at which depth. Two things count
// (measurement.md 3d): the surface angle of the lower back passing a limit, and
// flexion leaving the lifter's own gradual flattening at a knee. The second is
// decided on all reps together, because the gradual flattening is the lifter's
// and shared, while the knee may come in some reps only; the model is described
// at the top of model.go, its operating characteristics in docs/breakdown.md.
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

// Breakdown is where a rep left the neutral range. The embedded posture and the
// angles are those of that instant; ExcessDeg and ClearlyRounded speak of the
// whole rep.
type Breakdown struct {
	lift.Posture
	Direction      lift.Phase // Down, or Up where only the way up rounds or is seen
	Cause          Cause
	FlexionDeg     float64
	LumbarAngleDeg float64
	ExcessDeg      float64 // flexion beyond the gradual flattening at the rep's bottom
	ClearlyRounded bool
	DepthSDPct     float64 // how sure the depth is
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
	DepthPct       float64 // NaN when inconclusive
	DepthPctCI90   [2]float64
	Censored       bool // never left: holds at least to DepthPct
	KneeFlexionDeg float64
	ThighDeg       float64
	HipHeightPct   float64
	BoxHeightCM    float64 // NaN: not a squat or no scale
	BlockHeightCM  float64 // NaN: not a deadlift or no scale
	HeightSDCM     float64 // standard deviation of that height
	HeightMarginCM float64 // added to it before it was rounded up to the next 2.5 cm
	BrokenReps     int
	JudgedReps     int
	Reason         string // why inconclusive, empty otherwise
	Advice         string // a sentence or two a lifter understands
}

// Assessment is everything concluded about a set.
type Assessment struct {
	SafeRange SafeRange
	Reps      []RepResult   // as Input.Reps
	Frames    []FrameResult // as Input.Frames
	Warnings  []Warning
	// NoiseSDDeg and NoiseTimeS are the random error that the residuals show
	// and the time over which it is alike; NaN when no rep could be judged.
	NoiseSDDeg, NoiseTimeS float64
}

// RepResult is what one rep showed.
type RepResult struct {
	Index              int
	Judged             bool
	Reason             string  // why it was not judged, empty otherwise
	MeasuredShare      float64 // share of its frames with a flexion value
	CoversDescent      bool    // seen on the way down
	DeepestPct         float64
	PeakFlexionDeg     float64
	PeakFlexionSDDeg   float64
	PeakS              float64
	PeakLumbarAngleDeg float64
	Breakdown          *Breakdown
	ExcessAtBottomDeg  float64 // expected over both hypotheses; near 0 in a neutral rep
	ExcessSDDeg        float64
	Evidence           float64 // 2·ln posterior odds of a knee
	Beyond             []Span  // when it was out of the neutral range
}

// Span is a stretch of time, seconds.
type Span struct{ FromS, ToS float64 }

// FrameResult is the fit in one frame, NaN outside judged reps.
type FrameResult struct {
	FittedFlexionDeg float64 // smooth course of lumbar flexion
	ExpectedDeg      float64 // the gradual flattening alone
	BeyondNeutral    bool
}

// Warning codes are stable; messages are for people.
type Warning struct {
	Code    string
	Message string
}
