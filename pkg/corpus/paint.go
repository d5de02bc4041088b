package corpus

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// The bundled clip is rendered, so it is known where the lifter's joints and
// back are in every picture. Things can be painted there.

// canvas is a transparent picture that is laid over one of the easy clip.
type canvas struct {
	width, height int
	pix           []byte // red, green, blue, alpha
	frame         *synth.Frame
	scale         float64 // of the easy clip to the bundled one
	t             float64 // seconds
}

// colour is red, green, blue.
type colour [3]byte

// at is where the truth has a point.
func (c *canvas) at(name string) recording.Point {
	p := c.frame.Points[name]
	return recording.Point{X: c.scale * p[0], Y: c.scale * p[1]}
}

// plate is the radius of one, which are as large as a trunk is long.
func (c *canvas) plate() float64 {
	hip, shoulder := c.at("right_hip"), c.at("right_shoulder")
	return 0.5 * math.Hypot(hip.X-shoulder.X, hip.Y-shoulder.Y)
}

// blob paints what lies within radius of the line from a to b.
func (c *canvas) blob(a, b recording.Point, radius float64, paint colour) {
	dx, dy := b.X-a.X, b.Y-a.Y
	length := dx*dx + dy*dy
	for y := max(0, int(min(a.Y, b.Y)-radius)-1); y < min(c.height, int(max(a.Y, b.Y)+radius)+2); y++ {
		for x := max(0, int(min(a.X, b.X)-radius)-1); x < min(c.width, int(max(a.X, b.X)+radius)+2); x++ {
			px, py := float64(x)+0.5-a.X, float64(y)+0.5-a.Y
			u := 0.0
			if length > 0 {
				u = min(max((px*dx+py*dy)/length, 0), 1)
			}
			cover := min(max(radius+0.5-math.Hypot(px-u*dx, py-u*dy), 0), 1)
			if cover == 0 {
				continue
			}
			o := 4 * (y*c.width + x)
			for k, v := range paint {
				c.pix[o+k] = byte(float64(c.pix[o+k])*(1-cover) + float64(v)*cover)
			}
			c.pix[o+3] = max(c.pix[o+3], byte(255*cover))
		}
	}
}

// disc paints a weight plate: rubber, a rim that shines, a hub.
func (c *canvas) disc(at recording.Point) {
	r := c.plate()
	c.blob(at, at, r, colour{70, 70, 72})
	c.blob(at, at, 0.93*r, colour{28, 28, 30})
	c.blob(at, at, 0.2*r, colour{150, 150, 150})
}

// plateOverHip is a plate that somebody holds before the lifter's hips.
func plateOverHip(c *canvas) { c.disc(c.at("right_hip")) }

// plateOverShoulder is a plate larger than the bar's own, over shoulder and neck.
func plateOverShoulder(c *canvas) {
	at := c.at("bar_near_plate")
	c.blob(at, at, 1.15*c.plate(), colour{120, 30, 32})
	c.blob(at, at, 0.2*c.plate(), colour{150, 150, 150})
}

// hood covers head and neck and hangs down the upper back.
func hood(c *canvas) {
	neck, head, back := c.at("skin_C7"), c.at("right_ear"), c.at("skin_T6")
	cloth := colour{64, 66, 60}
	r := 0.3 * c.plate()
	c.blob(head, neck, 1.25*r, cloth)
	c.blob(neck, back, r, cloth)
}

// longHair hangs from the head over the neck and down the back to the ribs.
func longHair(c *canvas) {
	head, neck, end := c.at("right_ear"), c.at("skin_C7"), c.at("skin_T9")
	hair := colour{70, 45, 28}
	r := 0.24 * c.plate()
	sway := 0.1 * c.plate() * math.Sin(5*c.t)
	c.blob(head, neck, r, hair)
	c.blob(neck, recording.Point{X: end.X + sway, Y: end.Y}, r, hair)
}

// dog walks by in front, a knee high.
func dog(c *canvas) {
	r := c.plate()
	floor := c.at("right_heel").Y + 0.1*r
	x := -2*r + 0.45*float64(c.width)*(c.t-1.2)
	fur := colour{150, 110, 60}
	at := func(dx, up float64) recording.Point {
		return recording.Point{X: x + dx*r, Y: floor - up*r}
	}
	for leg := range 4 {
		hip := at(-0.55+0.36*float64(leg), 0.75)
		foot := at(-0.55+0.36*float64(leg)+0.18*math.Sin(9*c.t+2*float64(leg)), 0.05)
		c.blob(hip, foot, 0.08*r, fur)
	}
	c.blob(at(-0.6, 0.95), at(0.6, 1), 0.28*r, fur)
	c.blob(at(0.8, 1.3), at(1.15, 1.25), 0.2*r, fur)
	c.blob(at(-0.8, 1), at(-1.1, 1.4+0.1*math.Sin(20*c.t)), 0.06*r, fur)
}

// paintOver writes the easy clip with paint over each picture.
func (e *Easy) paintOver(ctx context.Context, paint func(*canvas), path string) error {
	input := []string{
		"-i", "file:" + e.Path,
		"-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", plainWidth, plainHeight), "-r", fmt.Sprint(e.Truth.FPS), "-i", "pipe:0",
	}
	args := composed("[0][1]overlay=shortest=1[out]")
	cmd := command(ctx, input, args, path)
	pictures, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return err
	}
	c := canvas{width: plainWidth, height: plainHeight, pix: make([]byte, 4*plainWidth*plainHeight), scale: plainWidth / float64(e.Truth.Width)}
	for i := range e.frames() {
		clear(c.pix)
		c.frame, c.t = &e.Truth.Frames[i], e.Truth.Frames[i].Time
		paint(&c)
		if _, err := pictures.Write(c.pix); err != nil {
			break // ffmpeg has ended, and says why
		}
	}
	if err := pictures.Close(); err != nil && err != io.ErrClosedPipe {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, said.String())
	}
	return nil
}
