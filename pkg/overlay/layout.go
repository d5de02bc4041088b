package overlay

import (
	"image"
	"math"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
)

// layout says where things stand in the picture. It is chosen once for the
// clip, so that nothing jumps, and where it covers the least of the lifter.
type layout struct {
	w, h    int
	scale   float64 // 1 for a picture whose short side is 720
	wide    bool    // landscape or square: readout and gauge share a column
	readout image.Rectangle
	gauge   image.Rectangle
	strip   image.Rectangle
	dorsal  float64 // which way the back points in the picture: -1 left, +1 right
}

// body is where the lifter is over the whole clip: points spread over trunk,
// head and limbs in the picture's pixels.
type body struct {
	pts   []point
	trunk float64 // longest distance from hip to shoulder
}

// limbs are the lines of the skeleton, near and far side alike.
var limbs = [][2]recording.Landmark{
	{recording.LeftShoulder, recording.LeftElbow},
	{recording.LeftElbow, recording.LeftWrist},
	{recording.LeftShoulder, recording.LeftHip},
	{recording.LeftHip, recording.LeftKnee},
	{recording.LeftKnee, recording.LeftAnkle},
	{recording.LeftAnkle, recording.LeftHeel},
	{recording.LeftHeel, recording.LeftFootIndex},
	{recording.LeftFootIndex, recording.LeftAnkle},
	{recording.LeftEar, recording.LeftShoulder},
}

// mirror is the same landmark on the lifter's other side. From the eyes on,
// BlazePose lists left before right by turns; the six of the eyes go by threes.
func mirror(l recording.Landmark) recording.Landmark {
	switch {
	case l == recording.Nose:
		return l
	case l <= recording.LeftEyeOuter:
		return l + 3
	case l <= recording.RightEyeOuter:
		return l - 3
	case l%2 == 1:
		return l + 1
	}
	return l - 1
}

// newBody samples at most a few hundred frames, scaled by k to the picture.
func newBody(a *analysis.Analysis, k float64) *body {
	b := &body{}
	step := max(1, len(a.Frames)/300)
	for i := 0; i < len(a.Frames); i += step {
		f := &a.Frames[i]
		at := func(l recording.Landmark) point { return point{X: k * f.Landmarks[l].X, Y: k * f.Landmarks[l].Y} }
		add := func(p point) {
			if !math.IsNaN(p.X + p.Y) {
				b.pts = append(b.pts, p)
			}
		}
		if !(f.Landmarks[recording.LeftHip].Visibility > 0 || f.Landmarks[recording.RightHip].Visibility > 0) {
			continue
		}
		add(at(recording.Nose))
		for _, e := range limbs {
			for _, e := range [][2]recording.Landmark{e, {mirror(e[0]), mirror(e[1])}} {
				p, q := at(e[0]), at(e[1])
				for _, u := range []float64{0, 0.5, 1} {
					add(lerp(p, q, u))
				}
			}
		}
		p, q := at(recording.LeftHip), at(recording.LeftShoulder)
		if d := math.Hypot(p.X-q.X, p.Y-q.Y); d > b.trunk {
			b.trunk = d
		}
	}
	return b
}

// reach is how far flesh reaches around the points.
func (b *body) reach() float64 { return 0.2 * b.trunk }

// under is the share of the body that a panel there would cover.
func (b *body) under(r image.Rectangle) float64 {
	if len(b.pts) == 0 {
		return 0
	}
	reach := b.reach()
	x0, y0 := float64(r.Min.X)-reach, float64(r.Min.Y)-reach
	x1, y1 := float64(r.Max.X)+reach, float64(r.Max.Y)+reach
	n := 0
	for _, p := range b.pts {
		if p.X > x0 && p.X < x1 && p.Y > y0 && p.Y < y1 {
			n++
		}
	}
	return float64(n) / float64(len(b.pts))
}

// best is the place that covers least of the lifter; the earlier one unless a
// later one is clearly better.
func (b *body) best(places ...image.Rectangle) image.Rectangle {
	best, least := places[0], math.Inf(1)
	for _, r := range places {
		if u := b.under(r); u < least-0.005 {
			best, least = r, u
		}
	}
	return best
}

func newLayout(a *analysis.Analysis, b *body, w, h int) *layout {
	l := &layout{w: w, h: h, scale: float64(min(w, h)) / 720, wide: 10*w > 9*h, dorsal: 1}
	if a.Facing == lift.FacingRight {
		l.dorsal = -1
	}
	px := func(v float64) int { return int(math.Round(v * l.scale)) }
	m := px(18)
	at := func(x, y, w, h int) image.Rectangle { return image.Rect(x, y, x+w, y+h) }
	full := w - 2*m
	if l.wide {
		// A column beside the lifter, and the strip under everything that it
		// does not cover.
		cw, rh := px(276), px(236)
		left, right := at(m, m, cw, h-2*m), at(w-m-cw, m, cw, h-2*m)
		col := b.best(right, left)
		l.readout = at(col.Min.X, m, cw, rh)
		sh := px(108)
		y := h - m - sh
		// From the column's edge inwards: all the way, or as far as is free.
		strips := []image.Rectangle{at(m, y, full, sh)}
		for _, share := range []float64{0.6, 0.5, 0.4} {
			sw := int(share * float64(full))
			if col.Min.X > w/2 {
				strips = append(strips, at(w-m-sw, y, sw, sh), at(m, y, sw, sh))
			} else {
				strips = append(strips, at(m, y, sw, sh), at(w-m-sw, y, sw, sh))
			}
		}
		strips = append(strips, at(m, m, full-cw-m, sh))
		if col.Min.X <= w/2 {
			strips[len(strips)-1] = at(col.Max.X+m, m, full-cw-m, sh)
		}
		l.strip = b.best(strips...)
		bottom := h - m
		if l.strip.Overlaps(image.Rect(col.Min.X, l.readout.Max.Y, col.Max.X, h)) {
			bottom = l.strip.Min.Y - m
		}
		gw, gh := px(112), min(bottom-l.readout.Max.Y-m, px(330))
		gx := col.Min.X
		if col.Min.X > w/2 {
			gx = col.Max.X - gw
		}
		l.gauge = at(gx, l.readout.Max.Y+m, gw, gh)
		return l
	}
	// A bar across the top, the strip across the bottom, the gauge down one
	// side between them.
	bh, sh := px(116), px(138)
	l.readout = b.best(at(m, m, full, bh), at(m, h-2*m-sh-bh, full, bh))
	l.strip = b.best(at(m, h-m-sh, full, sh), at(m, h-m-px(104), full, px(104)))
	top, bottom := m, l.strip.Min.Y-m
	if l.readout.Min.Y < h/2 {
		top = l.readout.Max.Y + m
	} else {
		bottom = l.readout.Min.Y - m
	}
	gw, gh := px(104), min(bottom-top, px(400))
	var places []image.Rectangle
	for _, y := range []int{(top+bottom-gh)/2 + (bottom-top)/12, top, bottom - gh} {
		y = max(top, min(y, bottom-gh))
		// The front's side first: the label of a breakdown stands at the back.
		x0, x1 := m, w-m-gw
		if l.dorsal < 0 {
			x0, x1 = x1, x0
		}
		places = append(places, at(x0, y, gw, gh), at(x1, y, gw, gh))
	}
	l.gauge = b.best(places...)
	return l
}
