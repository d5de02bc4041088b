// Package analysis turns a recording into an [Analysis], the one value every
// output reads: lumbar flexion in every frame, the repetitions, the depth at
// which the neutral spine breaks down, and the set's safe range of motion.
package analysis

import (
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/spine"
)

// Analysis is everything concluded about one clip. Angles are degrees and are
// given as if the lifter faced right; flexion is positive, lordosis negative.
// Missing numbers are NaN.
type Analysis struct {
	Clip      recording.Clip
	Model     recording.Model
	Settings  Settings
	Exercise  lift.Exercise
	Facing    lift.Facing
	Camera    lift.Camera
	TravelPct float64 // what DepthPct 100 is: how far the hip (squat), the bar (deadlift) or the shoulder went down, per cent of stature
	Neutral   Neutral
	Reps      []Rep
	SafeRange rom.SafeRange
	Quality   Quality
	Warnings  []Warning
	Frames    []Frame // one per frame of the recording, same order
}

// Neutral is the lifter's own neutral posture.
type Neutral struct {
	LumbarAngleDeg float64
	SDDeg          float64
	Source         string  // "standing between reps", "lockout", "least flexed frames", ...
	LimitDeg       float64 // surface angle beyond which neutral is left: the lifter's own with Settings.NeutralClip, else rom.DefaultLimitDeg
	FullFlexionDeg float64 // the lifter's largest lumbar flexion, from Settings.FullFlexionClip; NaN: not shown
}

// Frame is what was measured in one frame of the recording.
type Frame struct {
	Index           int
	Time            float64
	Rep             int // 1.. ; 0 outside reps
	Phase           lift.Phase
	DepthPct        float64 // 0 standing or lockout, 100 deepest of the set
	LumbarFlexion   float64 // change of the lumbar angle from neutral
	LumbarFlexionSD float64
	LumbarAngle     float64 // surface angle, neutral not subtracted
	TrunkDeg        float64 // hip→shoulder from vertical, forward positive
	HipFlexion      float64 // 0 straight
	KneeFlexion     float64 // 0 straight
	ThighDeg        float64 // from horizontal, positive while the hip is above the knee
	HipHeightPct    float64 // hip above ankle, per cent of standing
	Confidence      float64 // probability-like share of the evidence that was there, 0..1
	BeyondNeutral   bool    // between breakdown and return inside a rep
	Astray          bool    // something else passed for the back; flexion is NaN
	Landmarks       [recording.NumLandmarks]recording.Keypoint
	Dorsal          []DorsalPoint     // the back's outline as seen, sacrum to upper back
	Lumbar          []recording.Point // smoothed lumbar part of it (sacrum to lower thorax) as measured, for drawing
	NeutralCurve    []recording.Point // where Lumbar would run with this lifter's neutral lumbar curve and this pelvis
}

// DorsalPoint is a point of the dorsal contour in the picture.
type DorsalPoint = spine.Point

// Rep is one repetition.
type Rep struct {
	Index              int // 1..
	StartS             float64
	BottomS            float64
	EndS               float64
	Bottom             lift.Posture
	PeakFlexionDeg     float64
	PeakFlexionSDDeg   float64
	PeakS              float64
	PeakLumbarAngleDeg float64
	MeasuredShare      float64 // share of the rep's frames with a flexion value
	Breakdown          *rom.Breakdown
	ExcessAtBottomDeg  float64
	CoversDescent      bool // seen on the way down; otherwise only on the way up
	CoversAscent       bool // seen on the way up to its end; otherwise the clip ends before
}

// Quality sums up how good the footage was.
type Quality struct {
	PersonHeightPx  float64 // standing
	RepCoverage     float64 // share of rep frames with a flexion value, 0..1
	MedianSDDeg     float64 // of lumbar flexion in rep frames
	HeldShare       float64 // share of frames whose region was held
	ScaleCMPerPx    float64 // in the body's plane from stature, in the plates' from a plate; NaN: unknown
	ScaleSDPct      float64 // its standard deviation, per cent; NaN: unknown
	ScaleSource     string  // ScaleFromStature, ScaleFromPlate or ""
	NeutralDriftDeg float64
	FilterCutoffHz  float64
}

// Warning codes are stable; messages are for people and say what to film
// differently.
type Warning struct {
	Code    string
	Message string
}

// Settings are the user's choices; the zero value decides everything from the
// recording.
type Settings struct {
	Exercise   lift.Exercise // "": decide
	Facing     lift.Facing   // "": decide
	StatureCM  float64       // 0: unknown, no centimetres in the result
	NeutralAtS float64       // clip time, seconds, around which the lifter shows the neutral posture; 0: find it
	// Calibration clips of the same lifter, seen from the side; nil: none.
	NeutralClip     *recording.Recording // holds the neutral posture, standing or through a hinge
	FullFlexionClip *recording.Recording // bends as far as it goes (toe touch)
}
