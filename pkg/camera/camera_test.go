package camera

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// room is a wall of blurred spots that can be looked at from anywhere.
type room struct{ x, y, radius, light []float64 }

func newRoom(rng *rand.Rand, spots int) *room {
	r := &room{}
	for range spots {
		r.x, r.y = append(r.x, 1000*rng.Float64()-120), append(r.y, 880*rng.Float64()-120)
		r.radius, r.light = append(r.radius, 8+26*rng.Float64()), append(r.light, 120*(rng.Float64()-0.5))
	}
	return r
}

const width, height = 360, 640

// picture is what a camera sees that stands as v does against the first.
func (r *room) picture(v recording.View, gain float64, noise func() float64) Image {
	sum := make([]float64, width*height)
	for i := range sum {
		sum[i] = 110
	}
	for s := range r.x {
		p := v.Undo(recording.Point{X: r.x[s], Y: r.y[s]})
		radius := r.radius[s] / v.Zoom
		for y := max(0, int(p.Y-2*radius)); y < min(height, int(p.Y+2*radius)); y++ {
			for x := max(0, int(p.X-2*radius)); x < min(width, int(p.X+2*radius)); x++ {
				dx, dy := (float64(x)+0.5-p.X)/radius, (float64(y)+0.5-p.Y)/radius
				sum[y*width+x] += r.light[s] / (1 + math.Exp(8*(math.Hypot(dx, dy)-1)))
			}
		}
	}
	img := Image{Pix: make([]byte, 3*width*height), Width: width, Height: height}
	for i, v := range sum {
		grey := byte(min(max(gain*v+noise(), 0), 255))
		img.Pix[3*i], img.Pix[3*i+1], img.Pix[3*i+2] = grey, grey, grey
	}
	return img
}

// cover paints a box of the picture.
func (m Image) cover(b Box, value byte) {
	for y := max(0, int(b.Y0)); y < min(height, int(b.Y1)); y++ {
		for x := max(0, int(b.X0)); x < min(width, int(b.X1)); x++ {
			o := 3 * (y*width + x)
			m.Pix[o], m.Pix[o+1], m.Pix[o+2] = value, value, value
		}
	}
}

// about is a view that turns and zooms about the picture's middle.
func about(dx, dy, turn, zoom float64) recording.View {
	v := recording.View{Turn: turn, Zoom: zoom}
	c := v.Apply(recording.Point{X: width / 2, Y: height / 2})
	v.X, v.Y = width/2+dx-c.X, height/2+dy-c.Y
	return v
}

func TestFollow(t *testing.T) {
	const pictures = 24
	lifter := Box{125, 130, 235, 600}
	still := func(float64) recording.View { return about(0, 0, 0, 1) }
	for _, tc := range []struct {
		name   string
		view   func(s float64) recording.View // s from 0 to 1
		gain   func(s float64) float64
		cover  func(m Image, s float64) // what else is in the picture
		within float64                  // pixels
	}{
		{name: "stands still", view: still, within: 0.1},
		{name: "sways", view: func(s float64) recording.View {
			return about(16*math.Sin(6*s), 12*math.Sin(9*s), 0.03*math.Sin(5*s), 1+0.02*math.Sin(4*s))
		}, within: 0.5},
		{name: "is bumped", view: func(s float64) recording.View {
			if s > 0.5 {
				return about(21, -15, 0.01, 1)
			}
			return about(0, 0, 0, 1)
		}, within: 0.5},
		{name: "pans until nothing is as it was", view: func(s float64) recording.View { return about(220*s, 0, 0, 1) }, within: 2},
		{name: "comes closer", view: func(s float64) recording.View { return about(0, 0, 0, 1-0.3*s) }, within: 2},
		{name: "stands in lights that dim", view: still, gain: func(s float64) float64 { return 1 - 0.6*s }, within: 0.3},
		{
			name: "is passed by somebody", view: still, within: 0.2,
			cover: func(m Image, s float64) { m.cover(Box{470*s - 100, 100, 470*s - 15, 600}, 60) },
		},
		{
			name: "sways behind writing", view: func(s float64) recording.View { return about(8*math.Sin(7*s), 0, 0, 1) }, within: 0.5,
			cover: func(m Image, _ float64) {
				for k := range 8 {
					m.cover(Box{15 + 14*float64(k), 20, 22 + 14*float64(k), 46}, 255)
				}
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			r := newRoom(rng, 220)
			noise := func() float64 { return 3 * rng.NormFloat64() }
			var f Follower
			for i := range pictures {
				s := float64(i) / (pictures - 1)
				gain := 1.0
				if tc.gain != nil {
					gain = tc.gain(s)
				}
				img := r.picture(tc.view(s), gain, noise)
				// The lifter moves on their own.
				img.cover(Box{lifter.X0 + 15, 170 + 130*s, lifter.X1 - 15, 590}, byte(80+40*s))
				if tc.cover != nil {
					tc.cover(img, s)
				}
				got, want := f.Follow(img, lifter), tc.view(s)
				if !got.Known() {
					t.Fatalf("picture %d: the room is not seen", i)
				}
				for _, p := range []recording.Point{{X: 180, Y: 200}, {X: 180, Y: 590}} {
					g, w := got.Apply(p), want.Apply(p)
					if d := math.Hypot(g.X-w.X, g.Y-w.Y); !(d <= tc.within) {
						t.Errorf("picture %d: %.0f is put at %.2f, want %.2f, %.2f pixels off", i, p, g, w, d)
					}
				}
				if !(got.SD <= 2) {
					t.Errorf("picture %d: unsure by %.2f pixels", i, got.SD)
				}
			}
		})
	}
}

// Where only a corner shows anything, what moves there must not pass for the
// camera: either nothing is said, or that it is not sure.
func TestFollowIsUnsure(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cover func(img Image, i int)
	}{
		{"of a bare wall", func(Image, int) {}},
		{"of a shadow in a corner", func(img Image, i int) {
			for k := range 12 {
				x := 230 + 8*float64(k) + 2*float64(i)
				img.cover(Box{x, 400 + 6*float64(k), x + 4, 600}, byte(90+5*k))
			}
		}},
		{"of a bare wall in the dark", func(img Image, i int) {
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			for x := range width {
				for y := range height {
					grey := byte(70 + 14*rng.NormFloat64())
					if y > 520 {
						grey += 60 // the floor
					}
					o := 3 * (y*width + x)
					img.Pix[o], img.Pix[o+1], img.Pix[o+2] = grey, grey, grey
				}
			}
			img.cover(Box{80, 200, 180, 590}, 120)
		}},
		{"between a ceiling and a floor", func(img Image, i int) {
			img.cover(Box{0, 0, width, 40}, 60)
			img.cover(Box{0, 560, width, height}, 150)
			// A plate behind the lifter goes up and moves on a little.
			x, y := 240+2*float64(i), 520-6*float64(i)
			for k := range 10 {
				img.cover(Box{x + 8*float64(k), y, x + 8*float64(k) + 4, y + 80}, byte(30+15*k))
			}
		}},
		{"of black pictures", func(img Image, _ int) { img.cover(Box{0, 0, width, height}, 3) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var f Follower
			wall := &room{}
			for i := range 60 {
				img := wall.picture(about(0, 0, 0, 1), 1, func() float64 { return 0 })
				tc.cover(img, i)
				v := f.Follow(img, Box{60, 60, 200, 600})
				p := recording.Point{X: 130, Y: 330}
				if q := v.Apply(p); v.Known() && math.Hypot(q.X-p.X, q.Y-p.Y) > max(0.5, 3*v.SD) {
					t.Errorf("picture %d: moved by %.1f pixels, sd %.1f", i, math.Hypot(q.X-p.X, q.Y-p.Y), v.SD)
				}
			}
		})
	}
}

func BenchmarkFollow(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := newRoom(rng, 220)
	var pictures [8]Image
	for i := range pictures {
		pictures[i] = r.picture(about(4*float64(i), 0, 0, 1), 1, func() float64 { return 3 * rng.NormFloat64() })
	}
	var f Follower
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		k := i % 14
		f.Follow(pictures[min(k, 14-k)], Box{125, 130, 235, 600})
	}
}
