package perception

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// heading is where the lifter looks to, as feet and face tell while the clip goes
// by. Measurement decides for itself, over the whole clip and by more than these; but
// where they never disagree, half of the work of outlining can be saved.
type heading struct {
	right, told float64 // looks in which the feet look to the right, or to either side, and the face not to the other
	looks       float64
}

const (
	// headingLooks is how many looks it takes to be sure, a second of them at
	// least, and headingShare in how many of them feet and face tell the same.
	headingLooks = 30
	headingShare = 0.9
	// ahead is how far toes are before the heels and the nose before the ears at
	// least, trunk lengths; 0.2 seen from the side.
	ahead = 0.08
)

// note takes the landmarks of a watched frame.
func (h *heading) note(lm *[recording.NumLandmarks]recording.Keypoint) {
	mid := func(left recording.Landmark) recording.Point {
		return recording.Point{X: (lm[left].X + lm[left+1].X) / 2, Y: (lm[left].Y + lm[left+1].Y) / 2}
	}
	hip, shoulder := mid(recording.LeftHip), mid(recording.LeftShoulder)
	least := ahead * math.Hypot(shoulder.X-hip.X, shoulder.Y-hip.Y)
	foot := mid(recording.LeftFootIndex).X - mid(recording.LeftHeel).X
	face := lm[recording.Nose].X - mid(recording.LeftEar).X
	h.looks++
	switch {
	case foot > least && face > -least:
		h.right++
		h.told++
	case foot < -least && face < least:
		h.told++
	}
}

// backs is the sides of the trunk that may be the back.
func (h *heading) backs() []recording.Side {
	if h.looks >= headingLooks {
		switch most := headingShare * h.looks; {
		case h.right >= most:
			return leftBack
		case h.told-h.right >= most:
			return rightBack
		}
	}
	return eitherBack
}

var (
	leftBack   = []recording.Side{recording.Left}
	rightBack  = []recording.Side{recording.Right}
	eitherBack = []recording.Side{recording.Left, recording.Right}
)
