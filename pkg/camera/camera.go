// Package camera follows the camera's own movement by the room behind the
// lifter: a phone in the hand sways, one on a bench is bumped.
//
// Each picture is made small, and laid over an earlier one, the key: shifted,
// turned, zoomed, made lighter or darker, until the room fits (Lucas & Kanade
// 1981; the inverse compositional form of Baker & Matthews, Int. J. Comput.
// Vision 56:221, 2004). The lifter's surroundings are left out. The rest is
// looked at in blocks, each with a vote: what moves in the room is outvoted by
// what stays. As long as the key can be seen errors do not add up; when the
// camera has turned away from it the newest picture is the next key.
package camera

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Image is a view of a picture: packed 8-bit BGR, Width·Height·3 bytes.
type Image struct {
	Pix           []byte
	Width, Height int
}

// Box is a rectangle of the picture, pixels.
type Box struct{ X0, Y0, X1, Y1 float64 }

func (b Box) within(o Box) bool { return b.X0 >= o.X0 && b.X1 <= o.X1 && b.Y0 >= o.Y0 && b.Y1 <= o.Y1 }

func (b Box) meets(o Box) bool { return b.X0 < o.X1 && o.X0 < b.X1 && b.Y0 < o.Y1 && o.Y0 < b.Y1 }

// How far a lifter reaches beyond the landmarks: hair, shoes and a shadow, as a
// share of the larger side of their box, and plates of 45 cm about the hands,
// nearer to the camera, in trunk lengths.
const (
	aroundLifter = 0.08
	aroundHands  = 0.65
)

// Around returns the box round a lifter and the bar; empty without any.
func Around(lm *[recording.NumLandmarks]recording.Keypoint) Box {
	inf := math.Inf(1)
	b := Box{inf, inf, -inf, -inf}
	for i := range lm {
		if k := &lm[i]; !math.IsNaN(k.X + k.Y) {
			b = Box{min(b.X0, k.X), min(b.Y0, k.Y), max(b.X1, k.X), max(b.Y1, k.Y)}
		}
	}
	more := aroundLifter * max(b.X1-b.X0, b.Y1-b.Y0)
	b = b.wider(more)
	hip, shoulder := lm[recording.LeftHip], lm[recording.LeftShoulder]
	more = aroundHands * math.Hypot(hip.X-shoulder.X, hip.Y-shoulder.Y)
	for _, l := range []recording.Landmark{recording.LeftWrist, recording.RightWrist} {
		if k := &lm[l]; !math.IsNaN(more + k.X + k.Y) {
			h := Box{k.X, k.Y, k.X, k.Y}.wider(more)
			b = Box{min(b.X0, h.X0), min(b.Y0, h.Y0), max(b.X1, h.X1), max(b.Y1, h.Y1)}
		}
	}
	return b
}

func (b Box) scaled(by float64) Box { return Box{by * b.X0, by * b.Y0, by * b.X1, by * b.Y1} }

func (b Box) wider(by float64) Box { return Box{b.X0 - by, b.Y0 - by, b.X1 + by, b.Y1 + by} }

const (
	// longSide is that of the small picture, pixels. Half a thousand places with
	// an edge, each good to a tenth of a pixel, tell its shift to a hundredth.
	longSide = 192
	// patience is how many pictures in a row may not fit before the key is given
	// up: a blurred one after a bump, a flash.
	patience = 5
	// keepKey is the share of the key's blocks that have to lie in the picture,
	// and scarce how many have to be seen, lest it is replaced by a richer one;
	// farZoom and farTurn are how unlike it the picture may be.
	keepKey = 0.6
	scarce  = minBlocks * 3 / 2
	richer  = 1.25
	farZoom = 0.1
	farTurn = 0.15 // radians
)

// A Follower follows the camera through the pictures of one clip, in their
// order. The zero value is ready. One Follower serves one goroutine.
type Follower struct {
	width, height int     // of the clip's pictures
	cell          float64 // side of a small pixel in the clip's
	small, spare  small
	key           key
	keyView       warp // from the key to the first picture, small pixels
	last          warp // from the key to the newest picture
	lost          int  // pictures in a row that did not fit
	fit           fitter
}

// Follow returns how the camera stands in this picture, in which the lifter is
// within the box; [recording.NoView] where the room cannot be made out.
func (f *Follower) Follow(img Image, lifter Box) recording.View {
	if f.width != img.Width || f.height != img.Height {
		*f = Follower{width: img.Width, height: img.Height, keyView: still, last: still}
		f.cell = max(1, float64(max(img.Width, img.Height))/longSide)
	}
	f.small.shrink(img, f.cell, &f.spare)
	lifter = lifter.scaled(1 / f.cell)
	if len(f.key.blocks) == 0 {
		f.renew(lifter, 0)
	}
	if len(f.key.blocks) == 0 {
		return recording.NoView()
	}
	w, ok := f.fit.fit(&f.key, &f.small, f.last, lifter)
	if !ok {
		if f.lost++; f.lost >= patience {
			f.renew(lifter, 0)
		}
		return recording.NoView()
	}
	f.lost, f.last = 0, w
	v := f.keyView.after(w.inverse())
	switch {
	case f.key.share(w, &f.small) < keepKey, math.Abs(w.zoom()-1) > farZoom, math.Abs(w.turn()) > farTurn:
		f.renew(lifter, 0)
	case f.fit.seen < scarce:
		f.renew(lifter, richer*float64(f.fit.seen))
	}
	return recording.View{X: f.cell * v.x, Y: f.cell * v.y, Turn: v.turn(), Zoom: v.zoom(), SD: f.cell * f.fit.sd}
}

// renew makes the newest picture the key, if there is enough in it: at least so
// many blocks.
func (f *Follower) renew(lifter Box, least float64) {
	var next key
	if next.take(&f.small, lifter); len(next.blocks) == 0 || float64(len(next.blocks)) < least {
		return
	}
	f.keyView = f.keyView.after(f.last.inverse())
	f.key, f.last, f.lost = next, still, 0
	f.fit.gain, f.fit.lift = 0, 0
}

// warp is a similarity: (x, y) goes to (a·x - b·y + x0, b·x + a·y + y0).
type warp struct{ a, b, x, y float64 }

var still = warp{a: 1}

func (w warp) at(x, y float64) (float64, float64) { return w.a*x - w.b*y + w.x, w.b*x + w.a*y + w.y }
func (w warp) zoom() float64                      { return math.Hypot(w.a, w.b) }
func (w warp) turn() float64                      { return math.Atan2(w.b, w.a) }

// after is v first, then w.
func (w warp) after(v warp) warp {
	x, y := w.at(v.x, v.y)
	return warp{w.a*v.a - w.b*v.b, w.b*v.a + w.a*v.b, x, y}
}

func (w warp) inverse() warp {
	d := w.a*w.a + w.b*w.b
	a, b := w.a/d, -w.b/d
	return warp{a, b, -(a*w.x - b*w.y), -(b*w.x + a*w.y)}
}
