package perception

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

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
	spans := make([][]int, len(second.Spans))
	for k, span := range second.Spans {
		for i := span.From; i < span.To; i++ {
			spans[k] = append(spans[k], i)
		}
	}
	again := make([]bool, len(p.frames)) // to be outlined anew
	err := p.read(ctx, open, againSide, spans, func(k int, pictures []pose.Image) error {
		changed, err := second.Retrack(ctx, t, second.Spans[k], pictures, float64(pictures[0].Width)/float64(width))
		for _, i := range changed {
			again[i] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	p.spread(again)
	var single [][]int
	for i, yes := range again {
		if yes {
			single = append(single, []int{i})
		}
	}
	return p.read(ctx, open, 0, single, func(k int, pictures []pose.Image) error {
		i := single[k][0]
		o, err := t.Again(pictures[0], p.frames[i].Index, p.looks[i])
		if err != nil {
			return err
		}
		if err := o.Mask.Develop(); err != nil {
			return err
		}
		view := p.frames[i].View
		p.frames[i] = p.see(&o)
		p.frames[i].View = view
		if n, found := slices.BinarySearch(p.watched, i); found {
			p.circles[n] = p.round(&o)
		}
		return nil
	})
}

// spread marks beside the frames that are to be outlined anew those that were
// outlined by them, and puts the looks at these between the new ones.
func (p *pipeline) spread(again []bool) {
	for n := 1; n < len(p.watched); n++ {
		from, to := p.watched[n-1], p.watched[n]
		if !again[from] && !again[to] {
			continue
		}
		a, b := &p.looks[from], &p.looks[to]
		for i := from + 1; i < to; i++ {
			if l := &p.looks[i]; !again[i] {
				again[i] = true
				l.Tracking = min(a.Tracking, b.Tracking)
				l.Region = pose.RegionBetween(a.Region, b.Region, (l.Time-a.Time)/(b.Time-a.Time))
			}
		}
	}
}

// read decodes the clip once more as far as it needs and hands on the pictures
// of some frames at a time, which are valid during the call. Where the decoder does
// not give the same frames as the first time, the rest is left as it is.
func (p *pipeline) read(ctx context.Context, open func(int) (source, error), longSide int, groups [][]int, take func(group int, pictures []pose.Image) error) error {
	if len(groups) == 0 {
		return nil
	}
	last := groups[len(groups)-1]
	p.total += 1 + last[len(last)-1]
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
	for g, group := range groups {
		pictures = pictures[:0]
		for _, wanted := range group {
			k := len(pictures)
			if k == len(kept) {
				kept = append(kept, video.Frame{})
			}
			f := &kept[k]
			for ; i <= wanted; i++ {
				switch err := next(src, f, p.frames[i].Index); {
				case errors.Is(err, io.EOF), err == nil && f.Index != p.frames[i].Index:
					return nil
				case err != nil:
					return err
				case ctx.Err() != nil:
					return ctx.Err()
				}
				p.tell(1)
			}
			f.Develop()
			pictures = append(pictures, pose.Image{Pix: f.Pix, Width: f.Width, Height: f.Height})
		}
		if err := take(g, pictures); err != nil {
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
