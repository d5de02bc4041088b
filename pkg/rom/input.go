package rom

import (
	"errors"
	"fmt"
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
)

// Input is a set as the measuring packages saw it. Frames are in order of time
// and may lie outside every rep. Angles and centimetres that were not measured
// are NaN.
type Input struct {
	Exercise     lift.Exercise
	Camera       lift.CameraVerdict // CameraUnusable forbids a verdict
	NeutralSDDeg float64            // sd of the neutral posture (σ₀); 0 or NaN: unknown
	ScaleSDPct   float64            // sd of the scale behind Frame.HeightCM, per cent; 0 or NaN: none
	Frames       []Frame
	Reps         []Rep
}

// Frame is one frame of the set. The embedded posture gives time, depth (0
// standing or lockout, 100 the deepest of the set) and the joint angles that a
// breakdown reports.
type Frame struct {
	lift.Posture
	Rep             int // index of the rep that the frame belongs to; 0 outside reps
	Phase           lift.Phase
	Lost            bool    // the posture is no more than interpolated
	Astray          bool    // something else passed for the back
	LumbarFlexion   float64 // degrees from the lifter's own neutral
	LumbarFlexionSD float64 // its standard deviation, systematic part included
	LumbarAngle     float64 // surface angle, lordosis negative
	// HeightCM is what stops the movement short: for a squat the lowest edge of
	// the buttocks above the floor (a box goes there), for a deadlift the bar
	// above where it lies on the floor (a block goes under it). NaN, or 0 in
	// all frames: no scale.
	HeightCM float64
}

// Rep is the span of one repetition.
type Rep struct {
	Index                 int // 1.., as in Frame.Rep
	StartS, BottomS, EndS float64
}

// Options are the limits of a breakdown. The zero value is the default of every
// field.
type Options struct {
	LimitDeg             float64 // surface angle beyond which neutral is left; 0: +10. A held-neutral calibration gives its maximum + 5
	LimitSDDeg           float64 // standard deviation of the surface angle against the limit; 0: 6, or none with a LimitDeg of the lifter's own
	ClearlyRoundedDeg    float64 // surface angle of clear rounding; 0: +20
	KneeExcessDeg        float64 // least excess over the gradual flattening; 0: 8
	ClearlyRoundedExcess float64 // excess of clear rounding, degrees; 0: 15
	MinEvidence          float64 // 2·ln posterior odds of trend + hinge over trend; 0: 3
	SystematicDeg        float64 // error shared by all frames, degrees; 0: 3
	Resamples            int     // bootstrap over reps; 0: 1000
	Seed                 uint64  // of the bootstrap; the same seed gives the same interval
}

// Validate names the first field that makes no sense.
func (o Options) Validate() error {
	for _, f := range []struct {
		name string
		v    float64
	}{
		{"LimitSDDeg", o.LimitSDDeg},
		{"KneeExcessDeg", o.KneeExcessDeg},
		{"ClearlyRoundedExcess", o.ClearlyRoundedExcess},
		{"MinEvidence", o.MinEvidence},
		{"SystematicDeg", o.SystematicDeg},
		{"Resamples", float64(o.Resamples)},
	} {
		if math.IsNaN(f.v) || f.v < 0 {
			return fmt.Errorf("breakdown option %s is %g; want a positive number, or 0 for the default", f.name, f.v)
		}
	}
	if math.IsNaN(o.LimitDeg) || math.IsNaN(o.ClearlyRoundedDeg) {
		return errors.New("breakdown option LimitDeg or ClearlyRoundedDeg is NaN; want degrees, or 0 for the default")
	}
	d := o.withDefaults()
	if d.ClearlyRoundedDeg < d.LimitDeg {
		return fmt.Errorf("breakdown option ClearlyRoundedDeg (%g) is below LimitDeg (%g)", d.ClearlyRoundedDeg, d.LimitDeg)
	}
	return nil
}

// DefaultLimitDeg is the surface angle of the lower back beyond which neutral is
// left, unless the lifter's own is known (measurement.md 3d).
const DefaultLimitDeg = 10.0

// bodySDDeg is how much the zero of the surface angle differs from body to body
// and shirt to shirt: the standard deviation of a clip's mean error over 19
// rendered lifters. A limit set by the lifter's own back has it in it.
const bodySDDeg = 6.0

func (o Options) withDefaults() Options {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.LimitDeg, DefaultLimitDeg)
	if o.LimitDeg == DefaultLimitDeg {
		set(&o.LimitSDDeg, bodySDDeg)
	}
	if o.ClearlyRoundedDeg == 0 {
		o.ClearlyRoundedDeg = math.Max(20, o.LimitDeg+10)
	}
	set(&o.KneeExcessDeg, 8)
	set(&o.ClearlyRoundedExcess, 15)
	set(&o.MinEvidence, 3)
	set(&o.SystematicDeg, 3)
	if o.Resamples == 0 {
		o.Resamples = 1000
	}
	return o
}

// What a breakdown needs besides size (measurement.md 3d: persistence and
// hysteresis), so that neither a spike nor a wobble around the limit counts.
const (
	minDurationS  = 0.1
	minDepth      = 0.03 // of the set's range
	hysteresisDeg = 4.0
)
