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
// The package knows nothing of angles or time. It gives both edges, since
// which of them is the back is decided over the whole clip.
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

// An Extractor finds trunk outlines. It keeps buffers between calls, so one
// Extractor serves one goroutine.
type Extractor struct {
	band   band
	coarse [recording.NumStations]float64
	smooth [recording.NumStations]float64
}

// NewExtractor returns an Extractor.
func NewExtractor() *Extractor { return &Extractor{} }

const (
	// maxReach is how far from the axis an edge is looked for, in axis
	// lengths: buttocks and bellies stay well inside it.
	maxReach = 0.8
	// minAxisPx is the shortest trunk worth looking at.
	minAxisPx = 20
)

// Extract returns the trunk's outline in img. Without usable shoulders and
// hips, or with a trunk under 20 pixels long, both edges are nil.
func (e *Extractor) Extract(img Image, mask Mask, lm *[recording.NumLandmarks]recording.Keypoint) recording.Trunk {
	t := recording.Trunk{
		Hip:      middle(lm[recording.LeftHip], lm[recording.RightHip]),
		Shoulder: middle(lm[recording.LeftShoulder], lm[recording.RightShoulder]),
		SeatY:    math.NaN(),
	}
	_, length := t.Normal(recording.Left)
	if math.IsNaN(length) || length < minAxisPx {
		return t
	}
	arms := armsOf(lm, length)
	t.Left = e.edge(img, mask, &t, recording.Left, length, arms)
	t.Right = e.edge(img, mask, &t, recording.Right, length, arms)
	t.SeatY = seat(img, mask, lm, length)
	return t
}

func middle(a, b recording.Keypoint) recording.Point {
	return recording.Point{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2}
}

// edge finds one side.
func (e *Extractor) edge(img Image, mask Mask, t *recording.Trunk, side recording.Side, length float64, arms []limb) recording.Edge {
	e.maskEdge(mask, t, side, length)
	smoothPieces(e.smooth[:], e.coarse[:], jumpShare*length)
	edge := make(recording.Edge, recording.NumStations)
	e.band.refine(edge, img, t, side, e.smooth[:], mask.PixelSize(), length)
	markArms(edge, t, side, arms)
	markCorners(edge, length)
	return edge
}

// maskEdge walks outward along each ray to where the mask ends for good.
func (e *Extractor) maskEdge(mask Mask, t *recording.Trunk, side recording.Side, length float64) {
	step := mask.PixelSize() / 2
	gap := math.Max(2*step, 0.03*length) // a hole smaller than this is noise of the mask
	n, _ := t.Normal(side)
	for i := range e.coarse {
		e.coarse[i] = math.NaN()
		p := t.At(side, i, 0)
		inside, prev := false, mask.At(p.X, p.Y)
		if prev >= 0.5 {
			inside = true
		}
		left, exit := 0.0, math.NaN()
		for d := step; d <= maxReach*length; d += step {
			v := mask.At(p.X+d*n.X, p.Y+d*n.Y)
			switch {
			case v >= 0.5:
				if !inside && math.IsNaN(exit) && d > 0.3*length {
					d = math.Inf(1) // the axis runs outside the person here: nothing to measure
					break
				}
				inside, left, exit = true, 0, math.NaN()
			case inside:
				if math.IsNaN(exit) {
					exit = d - step*(0.5-v)/math.Max(prev-v, 1e-6)
				}
				left += step
			}
			prev = v
			if left > gap {
				break
			}
		}
		if inside {
			e.coarse[i] = exit
		}
	}
}

// jumpShare is the step between neighbouring stations, in axis lengths, that
// no trunk makes: an arm or a plate begins or ends there.
const jumpShare = 0.05

// smoothPieces fits a parabola over ±4 stations to src, never across a jump.
func smoothPieces(dst, src []float64, jump float64) {
	const half = 4
	for i := range src {
		dst[i] = math.NaN()
		if math.IsNaN(src[i]) {
			continue
		}
		lo, hi := i, i
		for lo > 0 && i-lo < half && math.Abs(src[lo-1]-src[lo]) < jump {
			lo--
		}
		for hi+1 < len(src) && hi-i < half && math.Abs(src[hi+1]-src[hi]) < jump {
			hi++
		}
		dst[i] = localQuadratic(src[lo:hi+1], i-lo)
	}
}

// localQuadratic is the value at index c of the least-squares parabola through
// y (a line through fewer than four points).
func localQuadratic(y []float64, c int) float64 {
	var s0, s1, s2, s3, s4, t0, t1, t2 float64
	for k, v := range y {
		x := float64(k - c)
		s0++
		s1 += x
		s2 += x * x
		s3 += x * x * x
		s4 += x * x * x * x
		t0 += v
		t1 += x * v
		t2 += x * x * v
	}
	if len(y) < 3 {
		return t0 / s0
	}
	if len(y) < 4 {
		return (t0*s2 - t1*s1) / (s0*s2 - s1*s1)
	}
	det := s0*(s2*s4-s3*s3) - s1*(s1*s4-s2*s3) + s2*(s1*s3-s2*s2)
	return (t0*(s2*s4-s3*s3) - s1*(t1*s4-t2*s3) + s2*(t1*s3-t2*s2)) / det
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
