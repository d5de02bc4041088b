package perception

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/video"
)

const (
	// againSide is the longer side of the pictures that are tracked a second
	// time, pixels: a lifter who fills half of it still fills the network's
	// input of 256.
	againSide = 720
	// againBytes bounds the pictures that are kept for it at once: 5 s at 30
	// pictures a second of the usual shape.
	againBytes = 128 << 20
)

// lookAgain tracks again where the lifter's joints cannot have been where they
// were seen, and outlines anew what changes by it. Sound clips are not read a
// second time. Open gives the same frames as the first time, their longer side
// as asked for, 0 for full size.
func (p *pipeline) lookAgain(ctx context.Context, t *pose.Tracker, width, height int, open func(longSide int) (source, error)) error {
	shrink := min(1, againSide/float64(max(width, height)))
	second := pose.NewSecond(p.looks, int(againBytes/(3*shrink*float64(width)*shrink*float64(height))))
	if len(second.Spans) == 0 {
		return nil
	}
	p.total = p.done + second.Most()
	second.Saw = func() { p.tell(1) }
	var changed []int
	err := p.read(ctx, open, againSide, second.Spans, func(span pose.Span, pictures []pose.Image) error {
		some, err := second.Retrack(ctx, t, span, pictures, float64(pictures[0].Width)/float64(width))
		changed = append(changed, some...)
		return err
	})
	if err != nil {
		return err
	}
	single := make([]pose.Span, len(changed))
	for k, i := range changed {
		single[k] = pose.Span{From: i, To: i + 1}
	}
	return p.read(ctx, open, 0, single, func(span pose.Span, pictures []pose.Image) error {
		i := span.From
		o, err := t.Again(pictures[0], p.frames[i].Index, p.looks[i])
		if err != nil {
			return err
		}
		view := p.frames[i].View
		p.frames[i], p.circles[i] = p.see(&o), p.round(&o)
		p.frames[i].View = view
		return nil
	})
}

// read decodes the clip once more as far as it needs and hands on the pictures
// of each span, which are valid during the call. Where the decoder does not give
// the same frames as the first time, the rest is left as it is.
func (p *pipeline) read(ctx context.Context, open func(int) (source, error), longSide int, spans []pose.Span, take func(pose.Span, []pose.Image) error) error {
	if len(spans) == 0 {
		return nil
	}
	p.total += spans[len(spans)-1].To
	src, err := open(longSide)
	if err != nil {
		return err
	}
	if c, ok := src.(io.Closer); ok {
		defer c.Close()
	}
	var kept []video.Frame
	var pictures []pose.Image
	i := 0 // the frame to be decoded next
	for _, span := range spans {
		pictures = pictures[:0]
		for ; i < span.To; i++ {
			k := max(0, i-span.From)
			if k == len(kept) {
				kept = append(kept, video.Frame{})
			}
			f := &kept[k]
			switch err := next(src, f, p.frames[i].Index); {
			case errors.Is(err, io.EOF), err == nil && f.Index != p.frames[i].Index:
				return nil
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			}
			p.tell(1)
			if i >= span.From {
				f.Develop()
				pictures = append(pictures, pose.Image{Pix: f.Pix, Width: f.Width, Height: f.Height})
			}
		}
		if err := take(span, pictures); err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
	}
	return nil
}

// next gives the frame of an index, or the first after it.
func next(src source, f *video.Frame, index int) error {
	for {
		if err := src.Next(f); err != nil || f.Index >= index {
			return err
		}
	}
}
