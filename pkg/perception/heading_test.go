package perception

import (
	"slices"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Both sides may be the back until feet and face have long told the same.
func TestHeading(t *testing.T) {
	const trunk = 100
	lifter := func(foot, face float64) *[recording.NumLandmarks]recording.Keypoint {
		var lm [recording.NumLandmarks]recording.Keypoint
		for _, l := range []recording.Landmark{recording.LeftHip, recording.RightHip} {
			lm[l].Y = trunk
		}
		for _, l := range []recording.Landmark{recording.LeftFootIndex, recording.RightFootIndex} {
			lm[l].X = foot * trunk
		}
		lm[recording.Nose].X = face * trunk
		return &lm
	}
	right, left := lifter(0.2, 0.18), lifter(-0.2, -0.18)
	for name, tc := range map[string]struct {
		looks []*[recording.NumLandmarks]recording.Keypoint
		want  []recording.Side
	}{
		"not seen yet":       {nil, eitherBack},
		"not for long":       {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{right}, headingLooks-1), eitherBack},
		"to the right":       {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{right}, headingLooks), leftBack},
		"to the left":        {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{left}, headingLooks), rightBack},
		"down to the floor":  {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{lifter(-0.2, 0.01)}, headingLooks), rightBack},
		"feet alone":         {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{lifter(0.2, -0.18)}, headingLooks), eitherBack},
		"to the camera":      {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{lifter(0.05, 0.18)}, headingLooks), eitherBack},
		"turns round":        {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{left, right, right, right}, headingLooks), eitherBack},
		"a look in between":  {slices.Concat(slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{left}, headingLooks), []*[recording.NumLandmarks]recording.Keypoint{right}), rightBack},
		"nothing to be seen": {slices.Repeat([]*[recording.NumLandmarks]recording.Keypoint{new([recording.NumLandmarks]recording.Keypoint)}, headingLooks), eitherBack},
	} {
		var h heading
		for _, lm := range tc.looks {
			h.note(lm)
		}
		if got := h.backs(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
