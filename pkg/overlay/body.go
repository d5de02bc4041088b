package overlay

import (
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
)

// leastVisible is how probable a landmark must be to be drawn, and
// leastSure what share of the evidence a coloured spine needs.
const (
	leastVisible = 0.3
	leastSure    = 0.5
)

// drawBody draws what lies on the lifter: the skeleton, thin; the dorsal
// contour; the lumbar spine, thick, over where it would run in neutral.
func (p *Painter) drawBody(m *moment) {
	if p.opts.Style != SpineOnly {
		p.drawSkeleton(m)
	}
	p.drawContour(m)
	p.drawLumbar(m)
}

func (p *Painter) drawSkeleton(m *moment) {
	if !m.seen {
		return
	}
	// BlazePose names the lifter's own sides. Who faces left shows the left side.
	near := p.a.Facing != lift.FacingRight
	for _, side := range []struct {
		left  bool
		alpha float64
		width float64
	}{{!near, 0.3, 2.2}, {near, 0.85, 3.2}} {
		p.shape.reset()
		p.halo.reset()
		w := side.width * p.pen
		for _, e := range limbs {
			a, b := e[0], e[1]
			if !side.left {
				a, b = mirror(a), mirror(b)
			}
			ka, kb := m.landmarks[a], m.landmarks[b]
			if !(ka.Visibility >= leastVisible && kb.Visibility >= leastVisible) {
				continue
			}
			line := []point{p.to(point{X: ka.X, Y: ka.Y}), p.to(point{X: kb.X, Y: kb.Y})}
			p.shape.stroke(line, w)
			p.halo.stroke(line, w+2.4*p.pen)
		}
		for _, l := range []recording.Landmark{recording.LeftShoulder, recording.LeftElbow, recording.LeftWrist, recording.LeftHip, recording.LeftKnee, recording.LeftAnkle} {
			if !side.left {
				l = mirror(l)
			}
			if k := m.landmarks[l]; k.Visibility >= leastVisible && !math.IsNaN(k.X+k.Y) {
				p.shape.circle(p.to(point{X: k.X, Y: k.Y}), 1.6*w)
			}
		}
		p.c.fill(&p.halo, black.alpha(0.3*side.alpha))
		p.c.fill(&p.shape, white.alpha(side.alpha))
	}
}

// drawContour draws the dorsal outline: a fine line where it was used, dots
// where it was hidden or doubtful.
func (p *Painter) drawContour(m *moment) {
	p.shape.reset()
	p.halo.reset()
	p.line = p.line[:0]
	flush := func() {
		if len(p.line) > 1 {
			p.shape.stroke(p.line, 2.4*p.pen)
		}
		p.line = p.line[:0]
	}
	var last point
	dots := false
	for _, d := range m.dorsal {
		if math.IsNaN(d.X + d.Y) {
			flush()
			continue
		}
		q := p.to(d.Point)
		if d.Used {
			p.line = append(p.line, q)
			continue
		}
		flush()
		if !dots || math.Hypot(q.X-last.X, q.Y-last.Y) > 10*p.pen {
			p.halo.circle(q, 2*p.pen)
			last, dots = q, true
		}
	}
	flush()
	p.c.fill(&p.halo, grey.alpha(0.8))
	p.c.fill(&p.shape, white.alpha(0.75))
}

func (p *Painter) drawLumbar(m *moment) {
	if len(m.lumbar) < 2 {
		return
	}
	sure := m.isSure()
	k := p.scale.ink(m.flexion, sure)
	lumbar, neutral := p.scaled(m.lumbar), p.scaled(m.neutral)
	if sure && len(neutral) > 1 {
		// The gap between the neutral curve and the back is the rounding.
		gap := append([]point(nil), lumbar...)
		for i := len(neutral) - 1; i >= 0; i-- {
			gap = append(gap, neutral[i])
		}
		p.shape.reset()
		p.shape.polygon(gap...)
		p.c.fill(&p.shape, k.alpha(0.35))
		p.shape.reset()
		p.shape.dashes(neutral, 6*p.pen, 9*p.pen, 10*p.pen)
		p.c.fill(&p.shape, black.alpha(0.35))
		p.shape.reset()
		p.shape.dashes(neutral, 3.4*p.pen, 9*p.pen, 10*p.pen)
		p.c.fill(&p.shape, white.alpha(0.95))
	}
	p.shape.reset()
	p.shape.stroke(lumbar, 13*p.pen)
	p.c.fill(&p.shape, black.alpha(0.55))
	p.shape.reset()
	if sure {
		p.shape.stroke(lumbar, 8.5*p.pen)
		p.endTicks(lumbar)
	} else {
		p.shape.dashes(lumbar, 6*p.pen, 6*p.pen, 11*p.pen)
	}
	p.c.fill(&p.shape, k)
}

// endTicks adds a stroke square to each end of the lumbar curve, outward: the
// directions of pelvis and lower thorax, whose difference is the angle.
func (p *Painter) endTicks(lumbar []point) {
	n := len(lumbar)
	for _, e := range []struct{ at, to point }{
		{lumbar[0], lumbar[min(n-1, max(1, n/6))]},
		{lumbar[n-1], lumbar[max(0, n-1-max(1, n/6))]},
	} {
		dx, dy := e.to.X-e.at.X, e.to.Y-e.at.Y
		d := math.Hypot(dx, dy)
		if !(d > 0) {
			continue
		}
		// Of the two normals the one that points away from the body.
		nx, ny := dy/d, -dx/d
		if nx*p.layout.dorsal < 0 || math.Abs(nx) < 0.05 && ny > 0 {
			nx, ny = -nx, -ny
		}
		r := 24 * p.pen
		p.shape.stroke([]point{e.at, {X: e.at.X + r*nx, Y: e.at.Y + r*ny}}, 4*p.pen)
	}
}

// drawMarks marks on the body what is worth stopping at: that neutral was
// lost, with a ring that spreads from where the back is when it happens and a
// label for as long as it lasts; and the most flexion of the set.
func (p *Painter) drawMarks(m *moment) {
	if !m.isSure() || len(m.lumbar) < 2 || !m.beyond && !m.worst {
		return
	}
	c := p.to(m.lumbar[len(m.lumbar)/2])
	if t := m.sinceLoss; m.beyond && t >= 0 && t < 0.8 {
		p.shape.reset()
		p.shape.ring(c, (16+90*t)*p.pen, (9-8*t)*p.pen)
		p.c.fill(&p.shape, vermil.alpha(1-t/0.8))
	}
	text, ground, k := "left neutral", vermil, letters
	if m.worst {
		text = "most flexion"
	}
	if !m.beyond {
		ground, k = panel, white
	}
	p.drawLabel(m, c, text, ground, k)
}

// drawLabel writes beside the back, on its own side and clear of it; not at all
// where there is no room: the readout says it.
func (p *Painter) drawLabel(m *moment, c point, text string, ground, k ink) {
	f := p.types.label
	w, h := f.width(text)+28*p.px, 44*p.px
	edge := c.X
	for _, q := range m.lumbar {
		if x := p.to(q).X; (x-edge)*p.layout.dorsal > 0 {
			edge = x
		}
	}
	x := edge + 46*p.px
	if p.layout.dorsal < 0 {
		x = edge - 46*p.px - w
	}
	x = math.Max(8*p.px, math.Min(x, float64(p.c.w)-w-8*p.px))
	y := c.Y - h/2
	box := rectAt(int(x-16*p.px), int(y), int(w+32*p.px), int(h))
	if (x < edge) == (p.layout.dorsal > 0) || p.style() == Full && (box.Overlaps(p.layout.gauge) || box.Overlaps(p.layout.strip)) || box.Overlaps(p.layout.readout) {
		return
	}
	p.shape.reset()
	p.shape.roundRect(x, y, w, h, h/2)
	p.shape.polygon(pointer(x, w, y, h, p.layout.dorsal, p.px)...)
	p.c.fill(&p.shape, ground)
	p.c.text(f, x+14*p.px, y+h/2+f.capHeight()/2, text, k)
}

// pointer is the label's tip, towards the back.
func pointer(x, w, y, h, dorsal, px float64) []point {
	if dorsal > 0 {
		return []point{{X: x + h/3, Y: y + h*0.2}, {X: x + h/3, Y: y + h*0.8}, {X: x - 16*px, Y: y + h/2}}
	}
	return []point{{X: x + w - h/3, Y: y + h*0.2}, {X: x + w + 16*px, Y: y + h/2}, {X: x + w - h/3, Y: y + h*0.8}}
}

// drawBorder frames the picture while the back is outside the neutral range.
func (p *Painter) drawBorder() {
	t := max(2, int(math.Round(6*p.px)))
	w, h := p.c.w, p.c.h
	k := vermil.alpha(0.9)
	p.c.rect(rectAt(0, 0, w, t), k)
	p.c.rect(rectAt(0, h-t, w, t), k)
	p.c.rect(rectAt(0, t, t, h-2*t), k)
	p.c.rect(rectAt(w-t, t, t, h-2*t), k)
}
