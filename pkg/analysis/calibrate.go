package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/signal"
	"github.com/spineflex/spineflex/pkg/spine"
)

// ErrCalibration is returned when a calibration clip does not show what it
// should.
var ErrCalibration = errors.New("calibration clip cannot be used")

// calibration is what the lifter's calibration clips say.
type calibration struct {
	neutral     *spine.Neutral // nil: none shown
	limit       float64        // surface angle that leaves neutral, degrees
	fullFlexion float64        // degrees from neutral; NaN: not shown
}

const (
	// heldMargin is added to the largest surface angle of a held neutral to
	// make the lifter's own limit (measurement.md 3d).
	heldMargin = 5
	// leastLimit keeps the limit sensible for a very lordotic lifter: a flat
	// back is neutral for everyone.
	leastLimit = 5
	// extreme is the quantile that stands for the largest value of a noisy
	// series.
	extreme = 0.95
)

// Validate refuses calibration clips that do not show what they should, with an
// error that wraps [ErrCalibration]. [Analyze] does the same; asking first saves
// watching a clip in vain.
func (s Settings) Validate() error {
	_, err := calibrate(s)
	return err
}

// calibrate measures the calibration clips of s.
func calibrate(s Settings) (calibration, error) {
	c := calibration{limit: rom.DefaultLimitDeg, fullFlexion: math.NaN()}
	if s.NeutralClip != nil {
		rec := steady(s.NeutralClip).Recording
		in, err := calibrationInput(rec, s, nil)
		if err != nil {
			return c, fmt.Errorf("neutral clip %s: %w: %w", rec.Clip.File, ErrCalibration, err)
		}
		if c.neutral, err = spine.Learn(rec, in); err != nil {
			return c, fmt.Errorf("neutral clip %s: %w: %w", rec.Clip.File, ErrCalibration, err)
		}
		in.Own = c.neutral
		held, err := spine.Measure(rec, in)
		if err != nil {
			return c, fmt.Errorf("neutral clip %s: %w: %w", rec.Clip.File, ErrCalibration, err)
		}
		c.limit = math.Max(leastLimit, largest(held, func(f *spine.Frame) float64 { return f.Angle })+heldMargin)
	}
	if s.FullFlexionClip != nil {
		rec := steady(s.FullFlexionClip).Recording
		in, err := calibrationInput(rec, s, c.neutral)
		if err != nil {
			return c, fmt.Errorf("full-flexion clip %s: %w: %w", rec.Clip.File, ErrCalibration, err)
		}
		bent, err := spine.Measure(rec, in)
		if err != nil {
			return c, fmt.Errorf("full-flexion clip %s: %w: %w", rec.Clip.File, ErrCalibration, err)
		}
		c.fullFlexion = largest(bent, func(f *spine.Frame) float64 { return f.Flexion })
		if math.IsNaN(c.fullFlexion) {
			return c, fmt.Errorf("full-flexion clip %s: %w: %w", rec.Clip.File, ErrCalibration, errUnlike)
		}
	}
	return c, nil
}

// errUnlike: no frame was measured well enough.
var errUnlike = errors.New("the lower back could not be measured in it; film the same lifter from the side, in the same clothes")

// calibrationInput is the spine's input for a clip that need not hold a rep.
// Standing is neutral; where the clip never stands and the lifter's own neutral is
// not known from another, all of it is.
func calibrationInput(rec *recording.Recording, s Settings, own *spine.Neutral) (spine.Input, error) {
	move, err := lift.Analyze(rec, lift.Options{Facing: s.Facing})
	if err != nil {
		return spine.Input{}, err
	}
	if move.Camera.Verdict == lift.CameraUnusable {
		return spine.Input{}, errors.New("not filmed from the side")
	}
	in := spineInput(rec, move, Settings{})
	in.Own = own
	if own != nil || slices.Contains(in.Neutral, true) {
		return in, nil
	}
	for i := range in.Neutral {
		in.Neutral[i] = true
	}
	return in, nil
}

// largest is the largest value of a measured series, outliers aside.
func largest(r *spine.Result, value func(*spine.Frame) float64) float64 {
	var v []float64
	for i := range r.Frames {
		if x := value(&r.Frames[i]); !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	return signal.Quantile(v, extreme)
}
