package lift

import (
	"errors"
	"fmt"
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// Options are what the user may decide; the zero value decides everything from
// the recording.
type Options struct {
	Exercise Exercise // "": decide
	Facing   Facing   // "": decide
}

// Validate names the option that it refuses.
func (o Options) Validate() error {
	switch o.Exercise {
	case "", Squat, Deadlift, Hinge:
	default:
		return fmt.Errorf("exercise %q: want squat, deadlift or hinge, or nothing to let it be decided", o.Exercise)
	}
	switch o.Facing {
	case "", FacingLeft, FacingRight:
	default:
		return fmt.Errorf("facing %q: want left or right, or nothing to let it be decided", o.Facing)
	}
	return nil
}

// What a recording must hold to be looked at at all.
const (
	minFrames  = 10
	minSeconds = 0.8 // no repetition is faster
	minSeen    = 0.1 // share of frames that show the lifter
)

var (
	// ErrNoPerson is returned for a recording that never or hardly shows a lifter.
	ErrNoPerson = errors.New("no person to be seen")
	// ErrTooShort is returned for a recording too short to hold a repetition.
	ErrTooShort = errors.New("too short for a repetition")
)

// Movement is what the lifter did. Slices with one element per frame are in the
// order of [recording.Recording.Frames]. Angles are degrees as if the lifter
// faced right; missing numbers are NaN.
type Movement struct {
	Exercise Exercise
	Facing   Facing
	Dorsal   recording.Side // trunk edge that is the back
	Near     BodySide       // body side towards the camera
	Camera   Camera

	Frames []Kinematics
	// Standing marks the frames in which the lifter stands upright and still
	// with the load as in the set: before and between the reps of a squat, in
	// the lockouts of a deadlift. Neutral is taken from them.
	Standing []bool
	Reps     []Rep

	StandingHipHeight float64 // hip above ankle when standing, pixels
	TrunkLength       float64 // mid-hip to mid-shoulder when standing, pixels
	PersonHeight      float64 // estimated from the trunk and leg lengths, pixels
	BarTravel         float64 // bar (wrist) from lockout to the set's deepest, pixels; NaN without a bar in the hands
	Warnings          []Warning
}

// Kinematics is the pose of the body in one frame and its place in the set.
type Kinematics struct {
	Posture
	Rep        int     // 1.., 0 outside reps
	Phase      Phase   // also Top for standing outside reps
	Confidence float64 // 0..1: how surely the joints behind the angles were seen
	Upright    bool    // trunk and legs nearly straight

	// Joint positions in the picture, smoothed, pixels; Ankle is where the
	// planted foot's is.
	Hip, Shoulder, Knee, Ankle, Wrist recording.Point
}

// Rep is one repetition; Start, Bottom and End are indices into
// [Movement.Frames].
type Rep struct {
	Index              int // 1..
	Start, Bottom, End int
	CoversDescent      bool // the way down is in the clip
	CoversAscent       bool // the way up is
	Camera             Camera
}

// BodySide is the lifter's own left or right.
type BodySide int

// Body sides.
const (
	LeftSide BodySide = iota
	RightSide
)

// Warning codes.
const (
	WarnFacing   = "facing-unsure"
	WarnExercise = "exercise-unsure"
	WarnStanding = "no-standing"
	WarnHeld     = "lifter-held"
)

// Warning is a doubt about the result. Codes are stable, messages are for
// people.
type Warning struct {
	Code    string
	Message string
}

// Analyze reads the movement from the recording's landmarks. A clip without
// repetitions gives a Movement without Reps; the only errors are those of
// [Options.Validate], [ErrNoPerson] and [ErrTooShort].
func Analyze(rec *recording.Recording, opts Options) (*Movement, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	n := len(rec.Frames)
	if n < minFrames || rec.Frames[n-1].Time-rec.Frames[0].Time < minSeconds {
		return nil, ErrTooShort
	}
	seen, held := 0, 0
	for i := range rec.Frames {
		switch rec.Frames[i].Tracking {
		case recording.Tracked:
			seen++
		case recording.Held:
			held++
		}
	}
	if float64(seen+held) < max(minSeen*float64(n), minFrames) {
		return nil, ErrNoPerson
	}

	b := newBody(rec)
	v := b.look()
	m := &Movement{Facing: opts.Facing}
	if m.Facing == "" {
		m.Facing = v.facing
		if v.unsure {
			m.warn(WarnFacing, "cannot tell for sure which way the lifter faces; --facing decides it")
		}
	}
	m.Dorsal, m.Near = recording.Left, RightSide
	if m.Facing == FacingLeft {
		m.Dorsal, m.Near = recording.Right, LeftSide
	}

	p := b.poses(m.Facing)
	m.Exercise = opts.Exercise
	if m.Exercise == "" {
		var sure bool
		if m.Exercise, sure = p.exercise(); !sure {
			m.warn(WarnExercise, "cannot tell for sure whether this is a squat, a deadlift or a hinge; --exercise decides it")
		}
	}
	m.segment(b, p)
	m.look(b)
	if held > n/2 {
		m.warn(WarnHeld, fmt.Sprintf("the lifter was lost in %d of %d frames; their joints are interpolated", held, n))
	}
	return m, nil
}

func (m *Movement) warn(code, message string) {
	m.Warnings = append(m.Warnings, Warning{code, message})
}

// segment finds the reps and fills what depends on them.
func (m *Movement) segment(b *body, p *poses) {
	set := findSet(m.Exercise, b, p)
	m.Reps = set.reps
	m.StandingHipHeight, m.TrunkLength, m.BarTravel = set.standingHip, set.trunk, set.barTravel
	m.PersonHeight = b.height
	m.Standing = set.standing
	m.Frames = make([]Kinematics, len(b.t))
	for i := range m.Frames {
		m.Frames[i] = Kinematics{
			Posture: Posture{
				TimeS: b.t[i], KneeFlexion: p.knee[i], HipFlexion: p.hipFlexion[i], ThighDeg: p.thigh[i], TrunkDeg: p.trunk[i],
				HipHeightPct: 100 * p.hipHeight[i] / set.standingHip, DepthPct: set.depth[i], BarDropPct: set.barDrop[i],
			},
			Phase:      set.phase[i],
			Confidence: b.confidence[i],
			Upright:    p.trunk[i] < uprightTrunk && p.knee[i] < uprightKnee,
			Hip:        p.hip.at(i), Shoulder: p.shoulder.at(i), Knee: p.kneeAt.at(i), Ankle: p.ankle.at(i), Wrist: p.wrist.at(i),
		}
	}
	for _, r := range m.Reps {
		for i := r.Start; i <= r.End; i++ {
			m.Frames[i].Rep = r.Index
		}
	}
	standing := 0
	for _, s := range m.Standing {
		if s {
			standing++
		}
	}
	if len(m.Reps) > 0 && standing == 0 {
		m.warn(WarnStanding, "the clip never shows the lifter standing still; depth and neutral are relative to the most upright frames")
	}
}

// aroundRep seconds before and after a rep show the same view as the rep.
const aroundRep = 1.0

// look judges the camera: rep by rep, since lifters turn and clips are cut, and
// the set by the middle rep.
func (m *Movement) look(b *body) {
	if len(m.Reps) == 0 {
		m.Camera = newCamera(b.yaw(0, len(b.t)))
		return
	}
	yaw := make([]float64, len(m.Reps))
	for i := range m.Reps {
		r := &m.Reps[i]
		from, _ := b.window(r.Start, aroundRep)
		_, to := b.window(r.End, aroundRep)
		r.Camera = newCamera(b.yaw(from, to))
		yaw[i] = r.Camera.YawDeg
	}
	m.Camera = newCamera(signal.Median(yaw))
}

// uprightTrunk and uprightKnee, degrees, bound what counts as standing.
const (
	uprightTrunk = 25.0
	uprightKnee  = 30.0
)

// At returns the posture at the given frame, for the reports.
func (m *Movement) At(frame int) Posture { return m.Frames[frame].Posture }

// median of x over the frames that use says, NaN if none.
func medianWhere(x []float64, use func(i int) bool) float64 {
	var s []float64
	for i, v := range x {
		if use(i) && !math.IsNaN(v) {
			s = append(s, v)
		}
	}
	return signal.Median(s)
}
