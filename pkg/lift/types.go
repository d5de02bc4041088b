// Package lift reads the movement from the landmarks: which exercise it is,
// which way the lifter faces, how oblique the camera is, where the repetitions
// are and how deep each frame is.
package lift

// Exercise is the movement performed.
type Exercise string

// Exercises.
const (
	Squat           Exercise = "squat"
	Deadlift        Exercise = "deadlift"
	Hinge           Exercise = "hinge" // bending to the floor and back over nearly straight knees, without a bar
	UnknownExercise Exercise = "unknown"
)

// Facing is the side of the picture the lifter looks to.
type Facing string

// Facings.
const (
	FacingLeft  Facing = "left"
	FacingRight Facing = "right"
)

// CameraVerdict says whether the camera's direction allows a measurement.
type CameraVerdict string

// Camera verdicts: within 10° of a pure side view, 10–20° (warned, wider sd),
// beyond (no verdict on the spine).
const (
	CameraOK       CameraVerdict = "ok"
	CameraOblique  CameraVerdict = "oblique"
	CameraUnusable CameraVerdict = "unusable"
)

// Camera is the estimated direction of view.
type Camera struct {
	YawDeg  float64 // from a pure side view, 0..90; NaN if unknown
	Verdict CameraVerdict
}

// Phase of a repetition.
type Phase string

// Phases.
const (
	NoPhase Phase = ""
	Top     Phase = "top"
	Down    Phase = "down"
	Bottom  Phase = "bottom"
	Up      Phase = "up"
)

// Posture is the pose of the body at one instant of a rep.
type Posture struct {
	TimeS        float64
	KneeFlexion  float64
	HipFlexion   float64
	ThighDeg     float64
	HipHeightPct float64
	BarDropPct   float64 // bar (wrist) below lockout, per cent of the set's range
	TrunkDeg     float64
	DepthPct     float64
}
