package overlay

import (
	"image"
	"math"
	"strings"

	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/rom"
)

// PaintCard lays the summary over a picture: the answer, the advice, and how
// far each rep stayed neutral.
func (p *Painter) PaintCard(pix []byte) error {
	if err := p.use(pix); err != nil {
		return err
	}
	p.c.rect(image.Rect(0, 0, p.c.w, p.c.h), black.alpha(0.55))
	w := math.Min(float64(p.c.w)-48*p.px, 760*p.px)
	pad, inner := 36*p.px, w-72*p.px
	head := p.types.title.wrap(report.Headline(p.a), inner)
	advice := p.types.body.wrap(p.a.SafeRange.Advice, inner)
	const maxBars = 8
	bars := min(len(p.a.Reps), maxBars)
	headLine, adviceLine, barLine := 52*p.px, 40*p.px, 34*p.px
	h := 2*pad + headLine*float64(len(head)) + adviceLine*float64(len(advice)) + barLine*float64(bars)
	if len(advice) > 0 {
		h += 24 * p.px
	}
	if bars > 0 {
		h += 24 * p.px
	}
	h += 40 * p.px // the name
	x, y := (float64(p.c.w)-w)/2, math.Max(0, (float64(p.c.h)-h)/2)
	p.shape.reset()
	p.shape.roundRect(x, y, w, h, 26*p.px)
	p.c.fill(&p.shape, ink{10, 15, 21, 240})
	k := grey
	switch p.a.SafeRange.Verdict {
	case rom.Holds:
		k = blue
	case rom.Breaks:
		k = vermil
	}
	p.shape.reset()
	p.shape.roundRect(x+pad, y+20*p.px, 72*p.px, 7*p.px, 3.5*p.px)
	p.c.fill(&p.shape, k)
	x, y = x+pad, y+pad
	for _, s := range head {
		y += headLine
		p.c.text(p.types.title, x, y, s, white)
	}
	if len(advice) > 0 {
		y += 24 * p.px
		for _, s := range advice {
			y += adviceLine
			p.c.text(p.types.body, x, y, s, soft)
		}
	}
	if bars > 0 {
		y += 24 * p.px
		p.drawBars(x, y, inner, barLine, bars)
		y += barLine * float64(bars)
	}
	p.c.text(p.types.small, x, y+38*p.px, "spineflex", dim)
	return nil
}

// drawBars draws each rep as a bar from standing to its bottom.
func (p *Painter) drawBars(x, y, w, line float64, n int) {
	label := 90 * p.px
	for i := range n {
		r := &p.a.Reps[i]
		mid := y + line*(float64(i)+0.5)
		p.c.text(p.types.small, x, mid+p.types.small.capHeight()/2, "rep "+signed(float64(r.Index)), soft)
		bottom := r.Bottom.DepthPct / 100
		if math.IsNaN(bottom) || math.IsNaN(r.PeakFlexionDeg) {
			p.c.text(p.types.small, x+label, mid+p.types.small.capHeight()/2, "not measured", dim)
			continue
		}
		bottom = math.Max(0, math.Min(1, bottom))
		t := 14 * p.px
		full := bottom * (w - label)
		p.shape.reset()
		p.shape.roundRect(x+label, mid-t/2, full, t, t/2)
		p.c.fill(&p.shape, blue)
		if b := r.Breakdown; b != nil && !math.IsNaN(b.DepthPct) {
			d := math.Max(0, math.Min(bottom, b.DepthPct/100)) * (w - label)
			p.shape.reset()
			p.shape.roundRect(x+label+d, mid-t/2, full-d, t, math.Min(t, full-d)/2)
			p.c.fill(&p.shape, vermil)
		}
	}
}

// wrap breaks s into lines no wider than width, at spaces.
func (t *typeface) wrap(s string, width float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		longer := word
		if line != "" {
			longer = line + " " + word
		}
		if line != "" && t.width(longer) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
