// Package contour finds the outline of the trunk in one frame, to a fraction
// of a pixel of the full-resolution picture.
//
// The pose network's person mask is coarse: 256×256 on a crop larger than the
// person, so that one mask pixel is 0.7–1 cm of back, and an edge that is off
// by 1 cm turns the lumbar angle by more than ten degrees. The mask says where
// to look; the picture says where the edge is. Along rays that leave the trunk
// axis (mid-hip to mid-shoulder) at right angles, the picture is sampled in a
// band round the mask's edge. For each ray the colours just inside and just
// outside are known, and the likelihood of every boundary position follows
// from how well it parts the two (a one-dimensional Chan–Vese model, IEEE
// Trans. Image Process. 10:266, 2001). A hidden Markov chain over the rays ties
// neighbours together; its forward–backward pass gives, instead of one best
// path, the mean position of the edge and its standard deviation at each ray.
//
// While the clip goes by the room behind the lifter is learned, since the camera
// stands still. Where the room is known it tells the gap between an arm and the
// back from the lifter, and takes the place of the outer colour.
//
// The package knows nothing of angles or time, nor which of the edges is the
// back: that is decided over the whole clip.
package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Image is a view of a picture: packed 8-bit BGR, Width·Height·3 bytes.
type Image struct {
	Pix           []byte
	Width, Height int
}

// Mask is a person mask.
type Mask interface {
	// At returns the probability that the picture shows the lifter at (x, y),
	// picture pixels; 0 outside the mask's crop.
	At(x, y float64) float64
	// PixelSize returns the side of one mask pixel in picture pixels.
	PixelSize() float64
}

// An Extractor finds trunk outlines in the frames of one clip, in their order:
// it learns the room behind the lifter and the lifter's colours as it goes.
// One Extractor serves one goroutine.
type Extractor struct {
	room    room
	palette palette
	trial   trial // of the palettes
	outline outline
	band    band
}

// NewExtractor returns an Extractor for one clip.
func NewExtractor() *Extractor { return &Extractor{} }

const (
	// maxReach is how far from the axis an edge is looked for, in axis
	// lengths: buttocks and bellies stay well inside it.
	maxReach = 0.8
	// minAxisPx is the shortest trunk worth looking at.
	minAxisPx = 20
)

// Extract returns the trunk's outline in img. Without usable shoulders and
// hips, or with a trunk under 20 pixels or longer than the picture, both edges
// are nil.
func (e *Extractor) Extract(img Image, mask Mask, lm *[recording.NumLandmarks]recording.Keypoint) recording.Trunk {
	t, length, ok := axis(img, lm)
	if !ok {
		return t
	}
	e.room.learn(img, mask, &t, length)
	e.palette.learn(img, mask, &t, length)
	e.trial.run(img, mask, &t, length, &e.palette, &e.room.colours)
	e.trace(img, mask, &t, lm, length, recording.Left, recording.Right)
	return t
}

// Trace is Extract where the mask is no more than likely, and nothing is to be
// learned from it. It finds the edges of the given sides.
func (e *Extractor) Trace(img Image, mask Mask, lm *[recording.NumLandmarks]recording.Keypoint, sides ...recording.Side) recording.Trunk {
	t, length, ok := axis(img, lm)
	if ok {
		e.trace(img, mask, &t, lm, length, sides...)
	}
	return t
}

// axis is a trunk without its outline, and its length in pixels. It reports
// false if that is no trunk.
func axis(img Image, lm *[recording.NumLandmarks]recording.Keypoint) (t recording.Trunk, length float64, ok bool) {
	t = recording.Trunk{
		Hip:      middle(lm[recording.LeftHip], lm[recording.RightHip]),
		Shoulder: middle(lm[recording.LeftShoulder], lm[recording.RightShoulder]),
		SeatY:    math.NaN(),
	}
	_, length = t.Normal(recording.Left)
	return t, length, length >= minAxisPx && length <= math.Hypot(float64(img.Width), float64(img.Height))
}

// trace finds the outline of t on the given sides.
func (e *Extractor) trace(img Image, mask Mask, t *recording.Trunk, lm *[recording.NumLandmarks]recording.Keypoint, length float64, sides ...recording.Side) {
	arms, lost := armsOf(lm, length), misplaced(lm, t, length)
	for _, side := range sides {
		edge := e.edge(img, mask, t, side, length, arms, lost)
		if side == recording.Left {
			t.Left = edge
		} else {
			t.Right = edge
		}
	}
	t.SeatY = seat(img, mask, lm, length)
}

func middle(a, b recording.Keypoint) recording.Point {
	return recording.Point{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2}
}

// edge finds one side.
func (e *Extractor) edge(img Image, mask Mask, t *recording.Trunk, side recording.Side, length float64, arms []limb, lost bool) recording.Edge {
	rough, spread := e.outline.find(img, mask, &e.room, &e.palette, e.trial.passed(), t, side, length)
	edge := make(recording.Edge, recording.NumStations)
	e.band.refine(edge, img, &e.room, t, side, rough, spread, length)
	markArms(edge, t, side, arms)
	markCorners(edge, lost, length)
	return edge
}

// seat is the lowest point of the buttock: the lowest mask position in the
// columns behind the hip joint, where no leg stands in a squat. NaN unless a
// thigh shows which way is forward.
func seat(img Image, mask Mask, lm *[recording.NumLandmarks]recording.Keypoint, length float64) float64 {
	hip := middle(lm[recording.LeftHip], lm[recording.RightHip])
	knee := middle(lm[recording.LeftKnee], lm[recording.RightKnee])
	forward := knee.X - hip.X
	if math.Abs(forward) < 0.25*length {
		return math.NaN()
	}
	back := -math.Copysign(1, forward)
	lowest := math.NaN()
	step := math.Max(mask.PixelSize()/2, 0.5)
	for d := 0.08 * length; d < 0.45*length; d += step {
		x := hip.X + back*d
		if x < 0 || x >= float64(img.Width) || mask.At(x, hip.Y) < 0.5 {
			break
		}
		y := hip.Y
		for y < float64(img.Height) && mask.At(x, y) >= 0.5 {
			y += step
		}
		if y-hip.Y < 0.6*length && !(y <= lowest) {
			lowest = y
		}
	}
	return lowest
}
