package comparison

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/overlay"
	"github.com/spineflex/spineflex/pkg/video"
)

// VideoOptions of [Comparison.Draw]. The zero value is useful.
type VideoOptions struct {
	MaxHeight int // of each clip in the video, pixels; 0: 720
	Threads   int // 0: all
	Progress  func(pictures, total int)
}

// maxFPS bounds the pictures a second; it is as many as the faster clip has.
const maxFPS = 60

// Draw writes both clips side by side to path: pair by pair of reps in their own time, in
// step where both are deepest, with the lower back drawn. Whoever is done waits for the
// other. The clips are those that the sets were measured in.
func (c *Comparison) Draw(ctx context.Context, clips [2]string, path string, o VideoOptions) error {
	if o.MaxHeight == 0 {
		o.MaxHeight = 720
	}
	var players [2]*player
	fps := 0.0
	for i, clip := range clips {
		p, err := open(ctx, clip, c.sets()[i], o)
		if err != nil {
			return err
		}
		defer p.source.Close()
		players[i] = p
		fps = math.Max(fps, p.source.Info().MeanFPS)
	}
	if !(fps > 0) {
		fps = 30
	}
	fps = math.Min(fps, maxFPS)
	s, err := newStage(players, [2]string{c.A.Name, c.B.Name})
	if err != nil {
		return err
	}
	sink, err := video.NewSink(ctx, path, video.SinkOptions{Width: s.width, Height: s.height, FPS: fps, Threads: o.Threads})
	if err != nil {
		return err
	}
	defer sink.Abort() // nothing after Close

	total := 0
	segments := c.segments()
	for _, g := range segments {
		total += g.pictures(fps)
	}
	n := 0
	for _, g := range segments {
		for k := range g.pictures(fps) {
			u := -g.lead + float64(k)/fps
			for i, p := range players {
				if err := p.seek(g.at(i, u)); err != nil {
					return fmt.Errorf("%s: %w", clips[i], err)
				}
				s.put(i, p, fmt.Sprintf("rep %d", g.rep[i]))
			}
			if err := sink.Write(s.pix, float64(n)/fps); err != nil {
				return err
			}
			n++
			if o.Progress != nil {
				o.Progress(n, total)
			}
		}
	}
	return sink.Close()
}

// segment is a pair of reps on one clock, 0 where both are deepest.
type segment struct {
	lead, tail         float64 // seconds before and after
	rep                [2]int
	start, bottom, end [2]float64 // in the clips
}

func (c *Comparison) segments() []segment {
	var out []segment
	for _, pair := range c.Pairs {
		var g segment
		for i, a := range c.sets() {
			r := &a.Reps[pair[i]]
			g.rep[i], g.start[i], g.bottom[i], g.end[i] = r.Index, r.StartS, r.BottomS, r.EndS
			g.lead, g.tail = math.Max(g.lead, r.BottomS-r.StartS), math.Max(g.tail, r.EndS-r.BottomS)
		}
		out = append(out, g)
	}
	return out
}

func (g *segment) pictures(fps float64) int { return int(math.Floor((g.lead+g.tail)*fps)) + 1 }

// at is where clip i is at time u: within its rep.
func (g *segment) at(i int, u float64) float64 {
	return math.Max(g.start[i], math.Min(g.end[i], g.bottom[i]+u))
}

// player shows a clip's picture at a time that only moves forward.
type player struct {
	source    *video.Source
	painter   *overlay.Painter
	now, next video.Frame
	painted   bool // now is
	done      bool // there is no next
}

func open(ctx context.Context, clip string, a *analysis.Analysis, o VideoOptions) (*player, error) {
	source, err := video.Open(ctx, clip, video.Options{MaxHeight: o.MaxHeight, Threads: o.Threads, Slowdown: a.Clip.Slowdown})
	if err != nil {
		return nil, err
	}
	p := &player{source: source}
	w, h := source.Size()
	p.painter, err = overlay.NewPainter(a, w, h, overlay.Options{Style: overlay.Minimal})
	if err == nil {
		err = source.Next(&p.now)
	}
	if err == nil {
		err = p.read()
	}
	if err != nil {
		source.Close()
		return nil, fmt.Errorf("%s: %w", clip, err)
	}
	return p, nil
}

func (p *player) read() error {
	err := p.source.Next(&p.next)
	if errors.Is(err, io.EOF) {
		p.done, err = true, nil
	}
	return err
}

// seek makes now the picture that is to be seen at t, the last one before the end.
func (p *player) seek(t float64) error {
	const rounding = 1e-4
	for !p.done && p.next.Time <= t+rounding {
		p.now, p.next = p.next, p.now
		p.painted = false
		if err := p.read(); err != nil {
			return err
		}
	}
	if p.painted {
		return nil
	}
	p.painted = true
	return p.painter.Paint(p.now.Pix, p.now.Time)
}

// stage is the picture that both clips are put on, with a strip of words above each.
type stage struct {
	pix           []byte // BGR
	width, height int
	strip         int
	left, room    [2]int // of each clip, pixels
	names         [2]string
	words         [2]string // in the strip now
	face          font.Face
}

const gap = 8 // pixels between the clips

func newStage(players [2]*player, names [2]string) (*stage, error) {
	s := &stage{names: names}
	for i, p := range players {
		w, h := p.source.Size()
		s.height = max(s.height, h)
		s.room[i] = w
	}
	s.strip = max(28, s.height/18)
	s.left[1] = s.room[0] + gap
	s.width, s.height = s.left[1]+s.room[1], s.height+s.strip
	s.width += s.width % 2
	s.height += s.height % 2
	s.pix = make([]byte, 3*s.width*s.height)
	for i := range s.pix {
		s.pix[i] = background
	}
	parsed, err := opentype.Parse(gomedium.TTF)
	if err != nil {
		return nil, fmt.Errorf("parse font Go Medium: %w", err)
	}
	s.face, err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: 0.55 * float64(s.strip), DPI: 72, Hinting: font.HintingFull})
	return s, err
}

// put copies a clip's picture to its place, in the middle of its height.
func (s *stage) put(i int, p *player, rep string) {
	w, h := p.now.Width, p.now.Height
	top := s.strip + (s.height-s.strip-h)/2
	for y := range h {
		to := 3 * ((top+y)*s.width + s.left[i])
		copy(s.pix[to:to+3*w], p.now.Pix[3*w*y:3*w*(y+1)])
	}
	if text := s.names[i] + " · " + rep; text != s.words[i] {
		s.words[i] = text
		s.write(i, text)
	}
}

const background = 24 // of each colour

// write puts words into the strip above a clip.
func (s *stage) write(i int, text string) {
	strip := image.NewRGBA(image.Rect(0, 0, s.room[i], s.strip))
	draw.Draw(strip, strip.Bounds(), image.NewUniform(color.RGBA{background, background, background, 255}), image.Point{}, draw.Src)
	d := font.Drawer{Dst: strip, Src: image.White, Face: s.face, Dot: fixed.P(s.strip/3, s.strip*7/10)}
	d.DrawString(text)
	for y := range s.strip {
		for x := range s.room[i] {
			from, to := strip.PixOffset(x, y), 3*(y*s.width+s.left[i]+x)
			s.pix[to], s.pix[to+1], s.pix[to+2] = strip.Pix[from+2], strip.Pix[from+1], strip.Pix[from]
		}
	}
}
