// Package overlay draws an [analysis.Analysis] on the pictures of its clip: the
// skeleton, the back with the lumbar part coloured by how far it is from the
// lifter's own neutral curve, and beside the lifter the numbers, the depth and
// the course of the set.
//
// [Draw] annotates a whole clip, a [Painter] a single picture. Shapes are
// anti-aliased (golang.org/x/image/vector) and drawn straight into the picture
// as the decoder gave it; only the pixels under a shape are touched, and whatever
// does not move is drawn once. Nothing is concluded here.
package overlay

import (
	"fmt"
	"image"
	"math"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/video"
)

// Style is how much is drawn.
type Style string

// Styles. Minimal leaves out the gauge and the strip, SpineOnly also the
// skeleton and the numbers.
const (
	Full      Style = "full"
	Minimal   Style = "minimal"
	SpineOnly Style = "spine-only"
)

// Options of a drawing; the zero value is the full annotated video with the
// clip's own timing.
type Options struct {
	Style Style // "": Full
	// Speed of playback, 0.5 is half. 0: 1.
	Speed float64
	// ClipRep keeps this rep alone, with half a second around it. 0: the whole clip.
	ClipRep int
	// Freeze holds the picture for a second where a rep leaves neutral.
	Freeze bool
	// Card ends the video with two seconds of summary.
	Card bool
	// Format of the pictures; [Draw] takes it from its source.
	Format video.Format
	// Instants of which [Draw] returns pictures.
	Instants []Instant
	// Whole, when set, is given the whole drawn picture of every instant.
	Whole func(Instant, *image.RGBA) error
	// Progress, when set, is called after every picture of the clip with how
	// many there were and the clip time.
	Progress func(pictures int, timeS float64)
}

// Validate names the option that makes no sense.
func (o Options) Validate() error {
	switch o.Style {
	case "", Full, Minimal, SpineOnly:
	default:
		return fmt.Errorf("overlay style %q is none of %s, %s, %s", o.Style, Full, Minimal, SpineOnly)
	}
	if !(o.Speed >= 0 && o.Speed <= 100) {
		return fmt.Errorf("overlay speed %g is not between 0 and 100", o.Speed)
	}
	if o.ClipRep < 0 {
		return fmt.Errorf("overlay rep %d is negative", o.ClipRep)
	}
	return nil
}

// Painter draws on pictures of one size. It is for one goroutine at a time.
type Painter struct {
	a      *analysis.Analysis
	opts   Options
	px     float64 // picture pixels per design unit
	pen    float64 // the same for what is drawn on the lifter, who may be small
	zoom   float64 // picture pixels per analysed pixel: the picture may be shrunk
	body   *body
	layout *layout
	types  *typefaces
	track  *track
	scale  flexionScale

	c       canvas
	readout *canvas
	gauge   *canvas
	strip   *strip

	m           moment
	shape, halo shape
	line        []point
}

// NewPainter prepares to draw a on pictures of width × height pixels, upright,
// the size of the clip or shrunk in proportion.
func NewPainter(a *analysis.Analysis, width, height int, opts Options) (*Painter, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if width < 16 || height < 16 {
		return nil, fmt.Errorf("draw overlay: a picture of %d × %d pixels is too small", width, height)
	}
	p := &Painter{a: a, opts: opts, zoom: 1, track: newTrack(a), scale: newFlexionScale(a)}
	if a.Clip.Width > 0 {
		p.zoom = float64(width) / float64(a.Clip.Width)
	}
	p.body = newBody(a, p.zoom)
	p.layout = newLayout(a, p.body, width, height)
	p.px = p.layout.scale
	p.pen = p.px
	if p.body.trunk > 0 {
		p.pen = math.Max(0.45*p.px, math.Min(p.px, p.body.trunk/200))
	}
	var err error
	if p.types, err = newTypefaces(p.px); err != nil {
		return nil, err
	}
	t0, t1, err := p.span()
	if err != nil {
		return nil, err
	}
	if p.style() != SpineOnly {
		p.readout = p.card(p.layout.readout)
	}
	if p.style() == Full {
		p.gauge = p.newGauge()
		p.strip = p.newStrip(t0, t1)
	}
	return p, nil
}

func (p *Painter) style() Style {
	if p.opts.Style == "" {
		return Full
	}
	return p.opts.Style
}

// rep is the rep of that index.
func (p *Painter) rep(index int) *analysis.Rep {
	for i := range p.a.Reps {
		if p.a.Reps[i].Index == index {
			return &p.a.Reps[i]
		}
	}
	return &analysis.Rep{}
}

// span is the part of the clip that is drawn.
func (p *Painter) span() (t0, t1 float64, err error) {
	if n := p.opts.ClipRep; n > 0 {
		r := p.rep(n)
		if r.Index == 0 {
			return 0, 0, fmt.Errorf("draw rep %d: the set has %d", n, len(p.a.Reps))
		}
		return math.Max(0, r.StartS-0.5), r.EndS + 0.5, nil
	}
	t1 = p.a.Clip.DurationS
	if n := len(p.a.Frames); n > 0 {
		t1 = math.Max(t1, p.a.Frames[n-1].Time)
	}
	return 0, t1, nil
}

// to takes a point of the analysed picture to the drawn one.
func (p *Painter) to(q point) point { return point{X: p.zoom * q.X, Y: p.zoom * q.Y} }

// scaled takes a curve to the drawn picture.
func (p *Painter) scaled(c []point) []point {
	out := make([]point, len(c))
	for i, q := range c {
		out[i] = p.to(q)
	}
	return out
}

// Paint draws the state of clip time timeS on a picture.
func (p *Painter) Paint(pix []byte, timeS float64) error {
	if err := p.use(pix); err != nil {
		return err
	}
	p.track.at(timeS, &p.m)
	p.drawBody(&p.m)
	if p.style() == SpineOnly {
		return nil
	}
	p.drawMarks(&p.m)
	if p.m.left() {
		p.drawBorder()
	}
	if p.style() == Full {
		p.drawGauge(&p.m)
		p.drawStrip(&p.m)
	}
	p.drawReadout(&p.m)
	return nil
}

// paintBody draws only what lies on the lifter.
func (p *Painter) paintBody(pix []byte, timeS float64) error {
	if err := p.use(pix); err != nil {
		return err
	}
	p.track.at(timeS, &p.m)
	p.drawBody(&p.m)
	return nil
}

func (p *Painter) use(pix []byte) error {
	if want := p.opts.Format.Size(p.layout.w, p.layout.h); len(pix) != want {
		return fmt.Errorf("draw overlay: the picture has %d bytes, %d × %d pixels have %d", len(pix), p.layout.w, p.layout.h, want)
	}
	p.c.on(pix, p.layout.w, p.layout.h, p.opts.Format)
	return nil
}

// bounds is the rectangle of the picture that the lifter stays in, with room
// around, for cutting stills.
func (p *Painter) bounds() image.Rectangle {
	all := image.Rect(0, 0, p.layout.w, p.layout.h)
	b := p.body
	if len(b.pts) == 0 {
		return all
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, q := range b.pts {
		x0, x1 = math.Min(x0, q.X), math.Max(x1, q.X)
		y0, y1 = math.Min(y0, q.Y), math.Max(y1, q.Y)
	}
	// Above the head and at the wrists there is the bar.
	r := 1.7 * b.reach()
	return image.Rect(int(x0-r), int(y0-1.4*r), int(x1+r), int(y1+r/2)).Intersect(all)
}
