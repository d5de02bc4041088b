package contour

import (
	"math"
	"math/rand/v2"

	"github.com/spineflex/spineflex/pkg/recording"
)

// scene is a drawn lifter with a known outline: a trunk seen from the side,
// the back on the left of the axis as seen from the hip.
type scene struct {
	width, height int
	hip, shoulder recording.Point
	back, front   func(u float64) float64 // outline, trunk lengths from the axis
	inner, outer  [3]float64              // colours
	texture       float64                 // amplitude of the pattern on the wall
	noise         float64
	blur          float64                 // standard deviation, pixels
	maskError     func(u float64) float64 // mask's edge beyond the back, trunk lengths
	extra         func(u, v float64) bool // something held or worn, trunk lengths
	extraColour   [3]float64
	extraMasked   bool                    // the mask takes it for the lifter
	gap           func(u, v float64) bool // the mask fills this
	maskScale     float64                 // size of a mask pixel against sceneMaskPx
	soft          float64                 // width of the mask's edge, 1 is usual
	exposure      float64                 // brightness
	mirrored      bool                    // left and right exchanged
	seed          uint64
}

const testStation = 50 // u = 0.3

func nowhere(float64) float64 { return -100 }

// zoom scales the scene about the picture's corner.
func (s *scene) zoom(f float64) {
	s.width, s.height = int(f*float64(s.width)), int(f*float64(s.height))
	for _, p := range []*recording.Point{&s.hip, &s.shoulder} {
		p.X, p.Y = f*p.X, f*p.Y
	}
	s.blur *= f
	s.maskScale *= f
}

func standing() scene {
	return scene{
		width: 240, height: 300,
		hip: recording.Point{X: 120.3, Y: 210.4}, shoulder: recording.Point{X: 131.8, Y: 60.1},
		back:  func(u float64) float64 { return 0.24 - 0.08*math.Sin(3*u) },
		front: func(float64) float64 { return 0.2 },
		inner: [3]float64{60, 90, 160}, outer: [3]float64{150, 140, 120},
		blur: 0.8, noise: 2,
		maskError: func(float64) float64 { return 0 },
		seed:      1,
		soft:      1,
		maskScale: 1,
		exposure:  1,
	}
}

func (s *scene) length() float64 {
	return math.Hypot(s.shoulder.X-s.hip.X, s.shoulder.Y-s.hip.Y)
}

// place maps a picture position to the trunk's coordinates: u along the axis,
// v to the back's side, in trunk lengths.
func (s *scene) place(x, y float64) (u, v float64) {
	if s.mirrored {
		x = float64(s.width) - x
	}
	l := s.length()
	ax, ay := (s.shoulder.X-s.hip.X)/l, (s.shoulder.Y-s.hip.Y)/l
	dx, dy := x-s.hip.X, y-s.hip.Y
	return (dx*ax + dy*ay) / l, (dx*ay - dy*ax) / l
}

// cover is the share of the lifter at a position a distance d (pixels, inward
// positive) from the outline.
func (s *scene) cover(d float64) float64 {
	return 0.5 * math.Erfc(-d/math.Max(s.blur, 0.3)/math.Sqrt2)
}

// inward is the distance inside the outline, pixels; the outline's slope is
// allowed for.
func (s *scene) inward(u, v float64) float64 {
	if u < -0.6 || u > 1.2 {
		return -100
	}
	edge, sign := s.back, 1.0
	if v < 0 {
		edge, sign = s.front, -1
	}
	slope := (edge(u+1e-4) - edge(u-1e-4)) / 2e-4
	return (edge(u) - sign*v) * s.length() / math.Hypot(1, slope)
}

func (s *scene) wall(x, y float64) [3]float64 {
	c := s.outer
	if s.texture > 0 {
		p := s.texture * math.Sin(x/5) * math.Cos(y/7)
		for k := range c {
			c[k] += p
		}
	}
	return c
}

func (s *scene) picture() Image {
	img := Image{Pix: make([]byte, 3*s.width*s.height), Width: s.width, Height: s.height}
	rng := rand.New(rand.NewPCG(s.seed, 7))
	for y := range s.height {
		for x := range s.width {
			px, py := float64(x)+0.5, float64(y)+0.5
			u, v := s.place(px, py)
			c := s.wall(px, py)
			if s.mirrored {
				c = s.wall(float64(s.width)-px, py)
			}
			a := s.cover(s.inward(u, v))
			for k := range c {
				c[k] = a*s.inner[k] + (1-a)*c[k]
			}
			if s.extra != nil && s.extra(u, v) {
				c = s.extraColour
			}
			for k := range c {
				img.Pix[3*(y*s.width+x)+k] = byte(math.Max(0, math.Min(255, s.exposure*c[k]+s.noise*rng.NormFloat64()+0.5)))
			}
		}
	}
	return img
}

// empty is the picture without the lifter.
func (s *scene) empty(seed uint64) Image {
	e := *s
	e.back, e.front = nowhere, nowhere
	e.extra = nil
	e.seed = 1000*s.seed + seed
	return e.picture()
}

// sceneMask is the person mask of a scene at the resolution of the network's.
type sceneMask struct {
	*scene
	nobody bool
}

const sceneMaskPx = 3.4

func (m sceneMask) PixelSize() float64 { return sceneMaskPx * m.maskScale }

func (m sceneMask) At(x, y float64) float64 {
	if m.nobody {
		return 0
	}
	u, v := m.place(x, y)
	if m.gap != nil && m.gap(u, v) {
		return 1
	}
	if m.extraMasked && m.extra(u, v) {
		return 1
	}
	d := m.inward(u, v) + m.maskError(u)*m.length()
	return math.Max(0, math.Min(1, 0.5+d/(2*m.soft*m.PixelSize())))
}

func (s *scene) landmarks() *[recording.NumLandmarks]recording.Keypoint {
	var lm [recording.NumLandmarks]recording.Keypoint
	at := func(p recording.Point, l ...recording.Landmark) {
		if s.mirrored {
			p.X = float64(s.width) - p.X
		}
		for _, i := range l {
			lm[i] = recording.Keypoint{X: p.X, Y: p.Y, Visibility: 1}
		}
	}
	at(s.hip, recording.LeftHip, recording.RightHip)
	at(s.shoulder, recording.LeftShoulder, recording.RightShoulder)
	return &lm
}

// watch shows the extractor the scene: first without the lifter, so that the
// room is known, if known, and then with an arm that hides nothing, so that the
// lifter's colours are known.
func (s *scene) watch(known bool) recording.Trunk {
	e := NewExtractor()
	if known {
		for seed := range uint64(4) {
			e.Extract(s.empty(seed), sceneMask{scene: s, nobody: true}, s.landmarks())
		}
	}
	alone := *s
	alone.extra, alone.gap, alone.extraMasked = nil, nil, false
	for seed := range uint64(2) {
		alone.seed = 100*s.seed + seed
		img := alone.picture()
		for range 6 {
			e.Extract(img, sceneMask{scene: &alone}, s.landmarks())
		}
	}
	return e.Extract(s.picture(), sceneMask{scene: s}, s.landmarks())
}
