package perception

import (
	"math"

	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
)

// mask is a pose mask as the contour reads it.
type mask struct{ *pose.Mask }

// PixelSize implements [contour.Mask].
func (m mask) PixelSize() float64 { return math.Hypot(m.ToImage[0], m.ToImage[3]) }

// blend is the mask of a frame between two that were watched: theirs, moved along
// with the trunk, each the more the nearer it is. Arms and legs are where they are
// on the way from the one to the other only where they move with the trunk.
type blend struct {
	a, b pose.Mask
	w    float64 // of b
}

// blendOf is the mask of a frame with landmarks lm at share w of the way from a to b.
func blendOf(lm *[recording.NumLandmarks]recording.Keypoint, a, b *pose.Observation, w float64) *blend {
	return &blend{a: a.Mask.Moved(carry(lm, &a.Landmarks)), b: b.Mask.Moved(carry(lm, &b.Landmarks)), w: w}
}

// At implements [contour.Mask].
func (m *blend) At(x, y float64) float64 { return (1-m.w)*m.a.At(x, y) + m.w*m.b.At(x, y) }

// PixelSize implements [contour.Mask].
func (m *blend) PixelSize() float64 { return mask{&m.a}.PixelSize() }

// carry is the rigid motion that takes the trunk of one frame to that of another.
func carry(from, to *[recording.NumLandmarks]recording.Keypoint) pose.Affine {
	fx, fy, fa := trunk(from)
	tx, ty, ta := trunk(to)
	sin, cos := math.Sincos(ta - fa)
	return pose.Affine{cos, -sin, tx - cos*fx + sin*fy, sin, cos, ty - sin*fx - cos*fy}
}

// trunk is the middle of a trunk and the direction from its hips to its shoulders,
// radians.
func trunk(lm *[recording.NumLandmarks]recording.Keypoint) (x, y, angle float64) {
	mid := func(left recording.Landmark) (x, y float64) {
		a, b := &lm[left], &lm[left+1]
		return (a.X + b.X) / 2, (a.Y + b.Y) / 2
	}
	hx, hy := mid(recording.LeftHip)
	sx, sy := mid(recording.LeftShoulder)
	return (hx + sx) / 2, (hy + sy) / 2, math.Atan2(sy-hy, sx-hx)
}
