package overlay

import (
	"fmt"
	"image"
	"math"
	"strconv"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
)

func rectAt(x, y, w, h int) image.Rectangle { return image.Rect(x, y, x+w, y+h) }

// card paints a panel's ground into a layer of that size.
func (p *Painter) card(r image.Rectangle) *canvas {
	l := newLayer(r.Dx(), r.Dy())
	var s shape
	s.roundRect(0, 0, float64(l.w), float64(l.h), 16*p.px)
	l.fill(&s, panel)
	return l
}

// drawReadout writes the numbers of the moment: flexion with its standard
// deviation, whether it is neutral, and which rep it is.
func (p *Painter) drawReadout(m *moment) {
	r := p.layout.readout
	p.c.putAll(p.readout, r.Min.X, r.Min.Y)
	pad := 20 * p.px
	x, y := float64(r.Min.X)+pad, float64(r.Min.Y)
	right := float64(r.Max.X) - pad
	number, k := "–", grey
	if !math.IsNaN(m.flexion) {
		number, k = signed(m.flexion)+"°", p.scale.ink(m.flexion, m.isSure())
	}
	p.c.text(p.types.small, x, y+30*p.px, "lumbar flexion", soft)
	base := y + 98*p.px
	end := p.c.text(p.types.big, x, base, number, k)
	if !math.IsNaN(m.flexion) && !math.IsNaN(m.sd) {
		p.c.text(p.types.label, end+8*p.px, base, fmt.Sprintf("±%.0f°", math.Ceil(m.sd)), soft)
	}
	rep, n := strconv.Itoa(m.rep), len(p.a.Reps)
	if p.layout.wide {
		y += 120 * p.px
		p.drawState(m, x, y, 0)
		p.c.text(p.types.body, x, y+92*p.px, fmt.Sprintf("rep %s of %d", rep, n), white)
		return
	}
	p.c.textRight(p.types.small, right, y+30*p.px, "rep", soft)
	of := fmt.Sprintf("/%d", n)
	w := p.types.body.width(of)
	p.c.textRight(p.types.body, right, base, of, soft)
	p.c.textRight(p.types.title, right-w-2*p.px, base, rep, white)
	repLeft := right - w - p.types.title.width(rep)
	// The state stands centred in what is left between the widest flexion and
	// the rep, so that it does not move with the digits.
	from := x + p.types.big.width("−00°") + p.types.label.width("±00°") - 6*p.px
	p.drawState(m, (from+repLeft)/2, y+46*p.px, 0.5)
}

// state says in a word how the lower back is; the empty word says nothing.
func (p *Painter) state(m *moment) (word string, k ink, solid bool) {
	switch {
	case m.left():
		return "LEFT NEUTRAL", vermil, true
	case math.IsNaN(m.flexion):
		return "not measured", grey, false
	case m.beyond:
		return "left neutral?", grey, false
	case !m.isSure():
		return "not sure", grey, false
	case !m.inRep || p.a.SafeRange.Verdict == rom.Inconclusive || m.flexion > float64(p.scale):
		// The last is rounded as far as anyone can see, though not for certain.
		return "", grey, false
	}
	return "neutral", blue, false
}

// drawState draws the state as a pill with its top at y; align 0 puts its left
// edge at x, 0.5 its middle.
func (p *Painter) drawState(m *moment, x, y, align float64) {
	word, k, solid := p.state(m)
	if word == "" {
		return
	}
	f := p.types.strong
	w, h := f.width(word)+32*p.px, 50*p.px
	x -= align * w
	p.shape.reset()
	p.shape.roundRect(x, y, w, h, h/2)
	t := k
	if solid {
		p.c.fill(&p.shape, k)
		t = letters
	} else {
		p.c.fill(&p.shape, k.alpha(0.16))
	}
	p.c.text(f, x+16*p.px, y+h/2+f.capHeight()/2, word, t)
}

// signed rounds to whole degrees with a true minus sign.
func signed(v float64) string {
	if v = math.Round(v); v < 0 {
		return fmt.Sprintf("−%.0f", -v)
	}
	return fmt.Sprintf("%.0f", v+0)
}

// gaugeTrack is the gauge's bar in picture pixels, standing at the top.
func (p *Painter) gaugeTrack() (x, y, w, h float64) {
	r := p.layout.gauge
	w = 20 * p.px
	x = float64(r.Max.X) - 18*p.px - w
	y = float64(r.Min.Y) + 48*p.px
	h = float64(r.Max.Y) - 56*p.px - y
	return x, y, w, h
}

// newGauge draws what does not move: ground, bar, and how deep neutral goes.
func (p *Painter) newGauge() *canvas {
	r := p.layout.gauge
	l := p.card(r)
	ox, oy := float64(r.Min.X), float64(r.Min.Y)
	x, y, w, h := p.gaugeTrack()
	x, y = x-ox, y-oy
	l.textCentre(p.types.small, float64(l.w)/2, 30*p.px, "depth", soft)
	var s shape
	s.roundRect(x, y, w, h, w/2)
	l.fill(&s, white.alpha(0.2))
	sr := &p.a.SafeRange
	if sr.Verdict != rom.Breaks || math.IsNaN(sr.DepthPct) {
		return l
	}
	at := func(pct float64) float64 { return y + h*math.Max(0, math.Min(1, pct/100)) }
	if lo, hi := sr.DepthPctCI90[0], sr.DepthPctCI90[1]; !math.IsNaN(lo + hi) {
		s.reset()
		s.roundRect(x-9*p.px, at(lo), 4*p.px, math.Max(4*p.px, at(hi)-at(lo)), 2*p.px)
		l.fill(&s, vermil.alpha(0.8))
	}
	s.reset()
	s.roundRect(x-12*p.px, at(sr.DepthPct)-2*p.px, w+18*p.px, 4*p.px, 2*p.px)
	l.fill(&s, vermil)
	l.textRight(p.types.small, x-15*p.px, at(sr.DepthPct)+p.types.small.capHeight()/2, fmt.Sprintf("%.0f %%", sr.DepthPct), soft)
	return l
}

// drawGauge shows how deep the lifter is, and where this rep left neutral.
func (p *Painter) drawGauge(m *moment) {
	r := p.layout.gauge
	p.c.putAll(p.gauge, r.Min.X, r.Min.Y)
	x, y, w, h := p.gaugeTrack()
	if math.IsNaN(m.depth) {
		p.c.textCentre(p.types.label, float64(r.Min.X+r.Max.X)/2, float64(r.Max.Y)-18*p.px, "–", grey)
		return
	}
	d := math.Max(0, math.Min(100, m.depth))
	p.c.textCentre(p.types.label, float64(r.Min.X+r.Max.X)/2, float64(r.Max.Y)-18*p.px, fmt.Sprintf("%.0f %%", d), white)
	lost := math.NaN()
	if m.rep > 0 && m.inRep {
		// A rep seen only on the way up starts outside neutral and comes back.
		if b := p.rep(m.rep).Breakdown; b != nil && (m.time >= b.TimeS || b.Direction == lift.Up) {
			lost = b.DepthPct
		}
	}
	bar := h * d / 100
	k := blue
	if !m.isSure() {
		k = grey
	}
	if bar > 1 {
		p.shape.reset()
		p.shape.roundRect(x, y, w, bar, w/2)
		p.c.fill(&p.shape, k)
		if m.left() && !math.IsNaN(lost) && d > lost {
			p.shape.reset()
			p.shape.roundRect(x, y+h*lost/100, w, h*(d-lost)/100, math.Min(w/2, h*(d-lost)/200))
			p.c.fill(&p.shape, vermil)
		}
	}
	if !math.IsNaN(lost) {
		// A diamond where this rep left neutral, on the bar.
		cx, cy, e := x+w/2, y+h*math.Max(0, math.Min(100, lost))/100, 13*p.px
		p.shape.reset()
		p.shape.polygon(point{X: cx, Y: cy - e}, point{X: cx + e, Y: cy}, point{X: cx, Y: cy + e}, point{X: cx - e, Y: cy})
		p.c.fill(&p.shape, black)
		e -= 3 * p.px
		p.shape.reset()
		p.shape.polygon(point{X: cx, Y: cy - e}, point{X: cx + e, Y: cy}, point{X: cx, Y: cy + e}, point{X: cx - e, Y: cy})
		p.c.fill(&p.shape, vermil)
	}
	p.shape.reset()
	p.shape.roundRect(x-7*p.px, y+bar-2.5*p.px, w+14*p.px, 5*p.px, 2.5*p.px)
	p.c.fill(&p.shape, white)
}

// strip is the chart of flexion over time along an edge of the picture: one
// layer for what has been played, one for what is to come. Its upright axis is
// the key to the colours.
type strip struct {
	past, next *canvas
	x0, x1     float64 // of the plot, within the layer
	y0, y1     float64 // top and bottom
	t0, t1     float64 // s
	lo, hi     float64 // deg
}

func (s *strip) x(t float64) float64 { return s.x0 + (s.x1-s.x0)*(t-s.t0)/(s.t1-s.t0) }
func (s *strip) y(v float64) float64 { return s.y1 - (s.y1-s.y0)*(v-s.lo)/(s.hi-s.lo) }

func (p *Painter) newStrip(t0, t1 float64) *strip {
	r := p.layout.strip
	pad := 16 * p.px
	s := &strip{x0: pad + p.types.small.width("00°") + 18*p.px, x1: float64(r.Dx()) - pad, y0: 36 * p.px, y1: float64(r.Dy()) - 14*p.px, t0: t0, t1: math.Max(t1, t0+1e-3), lo: -5, hi: 30}
	if limit := float64(p.scale); limit < 50 { // a limit far above all flexion would flatten the curve
		s.hi = math.Max(s.hi, limit+3)
	}
	for i := range p.a.Frames {
		if v := p.a.Frames[i].LumbarFlexion; !math.IsNaN(v) {
			s.lo, s.hi = math.Min(s.lo, v), math.Max(s.hi, v)
		}
	}
	s.past, s.next = p.stripLayer(s, true), p.stripLayer(s, false)
	return s
}

func (p *Painter) stripLayer(s *strip, past bool) *canvas {
	l := p.card(p.layout.strip)
	strength := 0.45
	if past {
		strength = 1
	}
	var sh shape
	for i := range p.a.Reps {
		r := &p.a.Reps[i]
		if r.EndS < s.t0 || r.StartS > s.t1 {
			continue
		}
		x0, x1 := math.Max(s.x0, s.x(r.StartS)), math.Min(s.x1, s.x(r.EndS))
		sh.reset()
		sh.roundRect(x0+1, 8*p.px, x1-x0-2, float64(l.h)-16*p.px, 6*p.px)
		l.fill(&sh, white.alpha(0.09))
		// In the corner: over the curve's middle stands the mark of the worst frame.
		if number := strconv.Itoa(r.Index); x1-x0 > p.types.small.width(number)+12*p.px {
			l.text(p.types.small, x0+7*p.px, 29*p.px, number, soft.alpha(0.4+0.6*strength))
		}
	}
	p.drawKey(l, s)
	// The lifter's own neutral.
	sh.reset()
	sh.dashes([]point{{X: s.x0, Y: s.y(0)}, {X: s.x1, Y: s.y(0)}}, 1.5*p.px, 3*p.px, 7*p.px)
	l.fill(&sh, white.alpha(0.5*strength))

	var in, out, doubt shape
	var line []point
	var hatchFrom float64
	hatching, beyond := false, false
	flush := func() {
		if beyond {
			out.stroke(line, 4.5*p.px)
		} else {
			in.stroke(line, 3.2*p.px)
		}
		line = line[:0]
	}
	hatch := func(to float64) {
		if hatching {
			p.hatch(&doubt, math.Max(s.x0, s.x(hatchFrom)), s.y0, math.Min(s.x1, s.x(to)), s.y1)
			hatching = false
		}
	}
	last := math.Inf(-1)
	for i := range p.a.Frames {
		f := &p.a.Frames[i]
		if f.Time < s.t0 || f.Time > s.t1 {
			continue
		}
		if math.IsNaN(f.LumbarFlexion) || f.Confidence < leastSure {
			if !hatching {
				hatching, hatchFrom = true, f.Time
			}
		} else {
			hatch(f.Time)
		}
		if math.IsNaN(f.LumbarFlexion) {
			continue
		}
		q := point{X: s.x(f.Time), Y: s.y(f.LumbarFlexion)}
		if f.Time-last > maxGap {
			flush()
		} else if f.BeyondNeutral != beyond {
			line = append(line, q)
			flush()
		}
		beyond, last = f.BeyondNeutral, f.Time
		// Half a pixel is as fine as the strip can show.
		if n := len(line); n == 0 || q.X-line[n-1].X >= 0.5 {
			line = append(line, q)
		}
	}
	flush()
	hatch(last)
	l.fill(&doubt, grey.alpha(0.5*strength))
	l.fill(&in, blue.alpha(strength))
	l.fill(&out, vermil.alpha(strength))
	if r := worstRep(p.a); r != nil && r.PeakS >= s.t0 && r.PeakS <= s.t1 {
		// An arrowhead points at the most flexion of the set.
		x, y := s.x(r.PeakS), s.y(r.PeakFlexionDeg)-6*p.px
		sh.reset()
		sh.polygon(point{X: x, Y: y}, point{X: x - 9*p.px, Y: y - 14*p.px}, point{X: x + 9*p.px, Y: y - 14*p.px})
		l.fill(&sh, white.alpha(strength))
	}
	for i := range p.a.Reps {
		b := p.a.Reps[i].Breakdown
		if b == nil || math.IsNaN(b.FlexionDeg+b.TimeS) || b.TimeS < s.t0 || b.TimeS > s.t1 {
			continue
		}
		c := point{X: s.x(b.TimeS), Y: s.y(b.FlexionDeg)}
		sh.reset()
		sh.circle(c, 8.5*p.px)
		l.fill(&sh, black.alpha(strength))
		sh.reset()
		sh.circle(c, 6*p.px)
		l.fill(&sh, vermil.alpha(strength))
	}
	return l
}

// drawKey draws the scale's colours along the strip's axis, with neutral and
// the limit of the neutral range.
func (p *Painter) drawKey(l *canvas, s *strip) {
	x, w := 12*p.px, 7*p.px
	for y := math.Floor(s.y0); y < s.y1; y++ {
		deg := s.lo + (s.y1-y-0.5)/(s.y1-s.y0)*(s.hi-s.lo)
		l.rect(rectAt(int(x), int(y), max(1, int(w)), 1), p.scale.ink(deg, true))
	}
	label := func(deg float64) {
		l.textRight(p.types.small, s.x0-6*p.px, s.y(deg)+p.types.small.capHeight()/2, signed(deg)+"°", soft)
	}
	label(0)
	limit := float64(p.scale)
	if limit > s.hi || s.y(0)-s.y(limit) < 1.2*p.types.small.size {
		label(10 * math.Floor(s.hi/10)) // there is no room for both, or nothing to name
	} else {
		label(limit)
	}
	if limit > s.hi {
		return
	}
	var sh shape
	sh.dashes([]point{{X: s.x0, Y: s.y(limit)}, {X: s.x1, Y: s.y(limit)}}, 1.5*p.px, 3*p.px, 7*p.px)
	l.fill(&sh, vermil.alpha(0.7))
}

// hatch adds slanting lines over a rectangle: nothing sure was seen there.
func (p *Painter) hatch(s *shape, x0, y0, x1, y1 float64) {
	step, h := 9*p.px, y1-y0
	for x := x0 - h; x < x1; x += step {
		a, b := point{X: x, Y: y1}, point{X: x + h, Y: y0}
		if a.X < x0 {
			a = point{X: x0, Y: y1 - (x0 - x)}
		}
		if b.X > x1 {
			b = point{X: x1, Y: y0 + (x + h - x1)}
		}
		if b.X > a.X {
			s.stroke([]point{a, b}, 1.3*p.px)
		}
	}
}

// drawStrip shows the strip with the playhead.
func (p *Painter) drawStrip(m *moment) {
	r, s := p.layout.strip, p.strip
	x := math.Max(s.x0, math.Min(s.x1, s.x(m.time)))
	cut := int(math.Round(x))
	cut -= (r.Min.X + cut) % 2 // between cells of chroma, under the playhead
	p.c.put(s.past, r.Min.X, r.Min.Y, image.Rect(0, 0, cut, s.past.h))
	p.c.put(s.next, r.Min.X, r.Min.Y, image.Rect(cut, 0, s.next.w, s.next.h))
	ox, oy := float64(r.Min.X), float64(r.Min.Y)
	p.shape.reset()
	p.shape.roundRect(ox+x-1.5*p.px, oy+8*p.px, 3*p.px, float64(r.Dy())-16*p.px, 1.5*p.px)
	p.c.fill(&p.shape, white)
	if math.IsNaN(m.flexion) {
		return
	}
	c := point{X: ox + x, Y: oy + s.y(m.flexion)}
	if !math.IsNaN(m.sd) { // the band that the flexion lies in
		lo, hi := oy+math.Min(s.y1, s.y(m.flexion-m.sd)), oy+math.Max(s.y0, s.y(m.flexion+m.sd))
		p.shape.reset()
		p.shape.roundRect(c.X-4.5*p.px, hi, 9*p.px, math.Max(0, lo-hi), 4.5*p.px)
		p.c.fill(&p.shape, white.alpha(0.6))
	}
	p.shape.reset()
	p.shape.circle(c, 9*p.px)
	p.c.fill(&p.shape, white)
	p.shape.reset()
	p.shape.circle(c, 6*p.px)
	p.c.fill(&p.shape, p.scale.ink(m.flexion, m.isSure()))
}
