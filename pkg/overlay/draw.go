package overlay

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/video"
)

// Source gives the pictures of the clip in order, as [video.Source] does:
// io.EOF after the last.
type Source interface {
	Next(*video.Frame) error
}

// Sink takes the annotated pictures in order, in the source's format, each with the time in seconds
// at which it is shown, as [video.Sink] does. It keeps nothing of pix.
type Sink interface {
	Write(pix []byte, timeS float64) error
}

const (
	freezeS     = 1.0 // how long a breakdown is held
	cardS       = 2.0 // how long the summary stands
	defaultRate = 30  // pictures a second, where the clip does not say
)

// Result is what a drawing gave.
type Result struct {
	Pictures int       // written
	Stills   []Picture // of Options.Instants, in their order, those that were found
}

// Draw reads every picture of the clip, draws a on it and writes it, keeping
// the clip's timing but for what the options change. A nil sink makes the
// stills alone. With Freeze, Speed or ClipRep the clip's sound no longer fits.
func Draw(ctx context.Context, src Source, sink Sink, a *analysis.Analysis, opts Options) (Result, error) {
	d := &drawing{src: src, sink: sink, a: a, opts: opts, interval: 1.0 / defaultRate}
	if a.Clip.MeanFPS > 0 {
		d.interval = 1 / a.Clip.MeanFPS
	}
	if err := opts.Validate(); err != nil {
		return Result{}, err
	}
	d.speed = opts.Speed
	if d.speed == 0 {
		d.speed = 1
	}
	d.pictures = make([]*Picture, len(opts.Instants))
	if err := d.run(ctx); err != nil {
		return Result{}, err
	}
	r := Result{Pictures: d.written}
	for _, p := range d.pictures {
		if p != nil {
			r.Stills = append(r.Stills, *p)
		}
	}
	return r, nil
}

// drawing is one run of [Draw].
type drawing struct {
	src      Source
	sink     Sink
	a        *analysis.Analysis
	opts     Options
	interval float64 // s between pictures
	speed    float64

	painter  *Painter
	raw      []byte // a picture before it was drawn on, for stills
	pictures []*Picture
	held     int     // reps whose breakdown has been passed
	added    float64 // s by which freezes have delayed the video
	written  int
	lastOut  float64
}

func (d *drawing) run(ctx context.Context) error {
	var frame video.Frame
	var t0, t1 float64
	seen := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := d.src.Next(&frame)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("draw overlay: read clip: %w", err)
		}
		if d.painter == nil {
			d.opts.Format = frame.Format
			if d.painter, err = NewPainter(d.a, frame.Width, frame.Height, d.opts); err != nil {
				return err
			}
			if t0, t1, err = d.painter.span(); err != nil {
				return err
			}
			d.held = d.lost(math.Nextafter(t0, -1)) // of reps that are not shown
		}
		seen++
		if d.opts.ClipRep > 0 && frame.Time > t1 {
			break
		}
		if d.opts.ClipRep == 0 || frame.Time >= t0 {
			if err := d.picture(&frame, t0); err != nil {
				return err
			}
		}
		if d.opts.Progress != nil {
			d.opts.Progress(seen, frame.Time)
		}
	}
	if d.painter == nil {
		return errors.New("draw overlay: the clip has no pictures")
	}
	if d.opts.Card && d.sink != nil && len(frame.Pix) > 0 {
		return d.card(&frame)
	}
	return nil
}

// picture draws and writes one picture of the clip.
func (d *drawing) picture(frame *video.Frame, t0 float64) error {
	wanted := d.wanted(frame.Time)
	if len(wanted) > 0 {
		d.raw = append(d.raw[:0], frame.Pix...)
		if err := d.painter.paintBody(d.raw, frame.Time); err != nil {
			return err
		}
		for _, i := range wanted {
			d.pictures[i] = d.painter.cut(d.raw, d.opts.Instants[i], frame.Time)
		}
	}
	t := frame.Time
	if d.sink == nil && (d.opts.Whole == nil || len(wanted) == 0) {
		return nil
	}
	if err := d.painter.Paint(frame.Pix, t); err != nil {
		return err
	}
	if d.opts.Whole != nil && len(wanted) > 0 {
		whole := d.painter.image(frame.Pix, image.Rect(0, 0, frame.Width, frame.Height))
		for _, i := range wanted {
			if err := d.opts.Whole(d.opts.Instants[i], whole); err != nil {
				return err
			}
		}
	}
	if d.sink == nil {
		return nil
	}
	if err := d.write(frame, (t-t0)/d.speed+d.added); err != nil {
		return err
	}
	if d.opts.Freeze && d.passes(t) {
		// Up to a second more of the same picture, at the clip's own rate.
		for s := d.interval; s <= freezeS+1e-9; s += d.interval {
			if err := d.write(frame, (t-t0)/d.speed+d.added+s); err != nil {
				return err
			}
		}
		d.added += freezeS
	}
	return nil
}

// passes reports whether time t is the first beyond another rep's breakdown.
func (d *drawing) passes(t float64) bool {
	n := d.lost(t)
	first := n > d.held
	d.held = n
	return first
}

// lost is how many reps have left neutral on the way down by time t.
func (d *drawing) lost(t float64) int {
	n := 0
	for i := range d.a.Reps {
		if b := d.a.Reps[i].Breakdown; b != nil && b.TimeS <= t && b.Direction != lift.Up {
			n++
		}
	}
	return n
}

func (d *drawing) write(frame *video.Frame, t float64) error {
	if err := d.sink.Write(frame.Pix, t); err != nil {
		return fmt.Errorf("draw overlay: write picture at %.3f s: %w", t, err)
	}
	d.written++
	d.lastOut = t
	return nil
}

// wanted lists the instants whose picture this is: the first at or after
// them, within half an interval.
func (d *drawing) wanted(t float64) []int {
	var w []int
	for i, at := range d.opts.Instants {
		if d.pictures[i] == nil && t >= at.TimeS-d.interval/2 && !math.IsNaN(at.TimeS) {
			w = append(w, i)
		}
	}
	return w
}

// card writes the summary over the last picture.
func (d *drawing) card(frame *video.Frame) error {
	if err := d.painter.PaintCard(frame.Pix); err != nil {
		return err
	}
	for end := d.lastOut + cardS; d.lastOut+d.interval <= end; {
		if err := d.write(frame, d.lastOut+d.interval); err != nil {
			return err
		}
	}
	return nil
}
