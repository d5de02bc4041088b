package plate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// scene is a drawn picture: a floor, a wall with a rack, and a plate.
type scene struct {
	width, height int
	trunk         float64         // pixels
	hands         recording.Point // where the hands are
	plate         recording.Disc  // RX 0: none
	hide          float64         // share of the plate's circumference behind something that looks like the wall
	dark, light   float64         // grey levels of plate and wall
	noise         float64         // standard deviation, grey levels
	rings         bool            // the plate has a lip and a hub
}

func standard() scene {
	return scene{
		width: 540, height: 960, trunk: 130, hands: recording.Point{X: 262, Y: 470},
		plate: recording.Disc{X: 268.3, Y: 481.7, RX: 75, RY: 75},
		dark:  35, light: 120, noise: 4,
	}
}

// ink is how much of a pixel at distance d inside an edge is covered.
func ink(d float64) float64 { return math.Max(0, math.Min(1, d+0.5)) }

// depth is how far (x, y) is inside an ellipse, pixels.
func depth(e recording.Disc, x, y float64) float64 {
	dx, dy := (x-e.X)/e.RX, (y-e.Y)/e.RY
	r := math.Hypot(dx, dy)
	if r < 1e-9 {
		return e.RX
	}
	return (1 - r) * math.Hypot(x-e.X, y-e.Y) / r
}

func scaled(e recording.Disc, k float64) recording.Disc {
	e.RX, e.RY = k*e.RX, k*e.RY
	return e
}

func (s scene) draw(seed uint64) Image {
	rng := rand.New(rand.NewPCG(seed, 2))
	m := Image{Pix: make([]byte, s.width*s.height*3), Width: s.width, Height: s.height}
	for py := range s.height {
		for px := range s.width {
			x, y := float64(px)+0.5, float64(py)+0.5
			v := s.light
			if y > s.hands.Y+2.2*s.trunk { // floor
				v -= 25
			}
			if math.Abs(x-s.hands.X-1.1*s.trunk) < 0.06*s.trunk || math.Abs(y-s.hands.Y+0.7*s.trunk) < 0.03*s.trunk { // rack
				v -= 50
			}
			if math.Abs(x-s.hands.X) < 0.17*s.trunk && y > s.hands.Y-1.3*s.trunk && y < s.hands.Y+1.6*s.trunk { // the lifter
				v += 35
			}
			if s.plate.RX > 0 {
				turn := math.Atan2(y-s.plate.Y, x-s.plate.X)/(2*math.Pi) + 0.5
				if turn >= s.hide {
					v += (s.dark - v) * ink(depth(s.plate, x, y))
					if s.rings {
						v += 50 * (ink(depth(scaled(s.plate, 0.80), x, y)) - ink(depth(scaled(s.plate, 0.72), x, y)))
						v += (150 - v) * ink(depth(scaled(s.plate, 0.3), x, y))
					}
				}
			}
			o := (py*s.width + px) * 3
			for c := range 3 {
				m.Pix[o+c] = byte(math.Max(0, math.Min(255, math.Round(v+s.noise*rng.NormFloat64()))))
			}
		}
	}
	return m
}

// landmarks is a lifter upright with the arms hanging.
func (s scene) landmarks() *[recording.NumLandmarks]recording.Keypoint {
	var lm [recording.NumLandmarks]recording.Keypoint
	put := func(l recording.Landmark, dx, dy float64) {
		lm[l] = recording.Keypoint{X: s.hands.X + dx*s.trunk, Y: s.hands.Y + dy*s.trunk, Visibility: 1}
	}
	for side := range 2 {
		d := recording.Landmark(side)
		put(recording.LeftWrist+d, 0, 0)
		put(recording.LeftShoulder+d, 0, -1.05)
		put(recording.LeftHip+d, 0, -0.05)
		put(recording.LeftKnee+d, 0, 0.75)
		put(recording.LeftAnkle+d, 0, 1.6)
	}
	return &lm
}

func (s scene) find(seed uint64) []recording.Disc {
	return NewFinder().Find(s.draw(seed), s.landmarks())
}

// rimOf returns the largest circle found that has the best one's centre.
func rimOf(found []recording.Disc) recording.Disc {
	if len(found) == 0 {
		return recording.NoDisc()
	}
	best := found[0]
	for _, d := range found[1:] {
		if math.Hypot(d.X-found[0].X, d.Y-found[0].Y) < 0.1*d.RX && d.Radius() > best.Radius() {
			best = d
		}
	}
	return best
}

func TestFind(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *scene)
		tol    float64 // of centre and radii, pixels
	}{
		{"dark plate", func(*scene) {}, 0.3},
		{"light plate", func(s *scene) { s.dark, s.light = 210, 90 }, 0.3},
		{"lip and hub", func(s *scene) { s.rings = true }, 0.3},
		{"small plate", func(s *scene) { s.plate.RX, s.plate.RY = 40, 40 }, 0.4},
		{"large plate", func(s *scene) { s.plate.RX, s.plate.RY = 104, 104 }, 0.4},
		{"camera turned by 20°", func(s *scene) { s.plate.RX *= math.Cos(20 * math.Pi / 180) }, 0.5},
		{"camera looks down", func(s *scene) { s.plate.RY *= 0.96 }, 0.5},
		{"noise", func(s *scene) { s.noise = 16 }, 0.8},
		{"faint", func(s *scene) { s.dark, s.light = 50, 68 }, 0.6},
		{"a third hidden", func(s *scene) { s.hide = 0.33 }, 0.8},
		{"above the hands", func(s *scene) { s.plate.Y -= 0.8 * s.trunk }, 0.3},
		{"on the floor", func(s *scene) { s.plate.Y += 0.9 * s.trunk }, 0.5},
		{"beside the hands", func(s *scene) { s.plate.X -= 0.5 * s.trunk }, 0.3},
		{"phone picture", func(s *scene) { *s = enlarged(*s, 2) }, 0.6},
		{"small picture", func(s *scene) { *s = enlarged(*s, 0.4) }, 0.4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := standard()
			tt.change(&s)
			got := rimOf(s.find(5))
			if !got.Known() {
				t.Fatal("not found")
			}
			w := s.plate
			worst := max(math.Abs(got.X-w.X), math.Abs(got.Y-w.Y), math.Abs(got.RX-w.RX), math.Abs(got.RY-w.RY))
			if !(worst <= tt.tol) {
				t.Errorf("found %.2f, want %.2f ± %v", got, w, tt.tol)
			}
			if want := 1 - s.hide; math.Abs(got.Support-want) > 0.25 {
				t.Errorf("support %.2f, want about %.2f", got.Support, want)
			}
		})
	}
}

func enlarged(s scene, k float64) scene {
	s.width, s.height = int(k*float64(s.width)), int(k*float64(s.height))
	s.trunk *= k
	s.hands.X, s.hands.Y = k*s.hands.X, k*s.hands.Y
	s.plate.X, s.plate.Y, s.plate.RX, s.plate.RY = k*s.plate.X, k*s.plate.Y, k*s.plate.RX, k*s.plate.RY
	return s
}

// Where there is no plate within reach there is no circle to speak of.
func TestFindNothing(t *testing.T) {
	tests := map[string]func(s *scene){
		"no plate":            func(s *scene) { s.plate.RX, s.plate.RY = 0, 0 },
		"nothing but noise":   func(s *scene) { s.plate.RX, s.noise = 0, 30 },
		"out of reach":        func(s *scene) { s.plate.X = 30 },
		"a kettlebell's size": func(s *scene) { s.plate.RX, s.plate.RY = 0.19*s.trunk, 0.19*s.trunk },
		"two thirds hidden":   func(s *scene) { s.hide = 0.67 },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			s := standard()
			change(&s)
			if got := s.find(6); len(got) > 0 && got[0].Support > 0.6 {
				t.Errorf("found %.2f", got)
			}
		})
	}
}

func TestFindWithoutLifter(t *testing.T) {
	s := standard()
	img := s.draw(1)
	nan := math.NaN()
	tests := map[string]func(lm *[recording.NumLandmarks]recording.Keypoint){
		"no landmarks": func(lm *[recording.NumLandmarks]recording.Keypoint) {
			for i := range lm {
				lm[i] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: nan}
			}
		},
		"no hands": func(lm *[recording.NumLandmarks]recording.Keypoint) { lm[recording.LeftWrist].X = nan },
		"far outside": func(lm *[recording.NumLandmarks]recording.Keypoint) {
			for i := range lm {
				lm[i].X += 1e6
			}
		},
		"at infinity": func(lm *[recording.NumLandmarks]recording.Keypoint) { lm[recording.RightWrist].Y = math.Inf(1) },
		"of no length": func(lm *[recording.NumLandmarks]recording.Keypoint) {
			*lm = [recording.NumLandmarks]recording.Keypoint{}
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			lm := s.landmarks()
			spoil(lm)
			if got := NewFinder().Find(img, lm); len(got) != 0 {
				t.Errorf("found %v", got)
			}
		})
	}
}

// A mirrored picture has the mirrored plate.
func TestFindMirrored(t *testing.T) {
	s := standard()
	s.plate.RX *= 0.96
	s.rings = true
	img, lm := s.draw(3), s.landmarks()
	want := rimOf(NewFinder().Find(img, lm))
	for y := range s.height {
		for x := range s.width / 2 {
			a, b := (y*s.width+x)*3, (y*s.width+s.width-1-x)*3
			for c := range 3 {
				img.Pix[a+c], img.Pix[b+c] = img.Pix[b+c], img.Pix[a+c]
			}
		}
	}
	for i := range lm {
		lm[i].X = float64(s.width) - lm[i].X
	}
	got := rimOf(NewFinder().Find(img, lm))
	got.X = float64(s.width) - got.X
	alike(t, got, want, 0.2)
}

// Shifted and enlarged pictures have the shifted and enlarged plate.
func TestFindShiftedAndScaled(t *testing.T) {
	s := standard()
	want := rimOf(s.find(4))
	shifted := s
	shifted.hands.X, shifted.plate.X = s.hands.X+31, s.plate.X+31
	shifted.hands.Y, shifted.plate.Y = s.hands.Y-17, s.plate.Y-17
	got := rimOf(shifted.find(4))
	got.X, got.Y = got.X-31, got.Y+17
	alike(t, got, want, 0.2)

	const k = 1.6
	got = rimOf(enlarged(s, k).find(4))
	got.X, got.Y, got.RX, got.RY = got.X/k, got.Y/k, got.RX/k, got.RY/k
	alike(t, got, want, 0.2)
}

func alike(t *testing.T, got, want recording.Disc, tol float64) {
	t.Helper()
	worst := max(math.Abs(got.X-want.X), math.Abs(got.Y-want.Y), math.Abs(got.RX-want.RX), math.Abs(got.RY-want.RY))
	if !(worst <= tol) {
		t.Errorf("%.2f, want %.2f ± %v", got, want, tol)
	}
}

// One Finder gives what a new one gives: nothing of the picture before is left
// in its buffers.
func TestFinderAgain(t *testing.T) {
	a, b := enlarged(standard(), 1.4), standard()
	b.plate.X += 20
	f := NewFinder()
	f.Find(a.draw(1), a.landmarks())
	f.trunk, f.last = 0, recording.NoDisc()
	got := f.Find(b.draw(2), b.landmarks())
	want := b.find(2)
	if len(got) != len(want) {
		t.Fatalf("%d circles, a new finder finds %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%v, a new finder finds %v", got[i], want[i])
		}
	}
}

func BenchmarkFind(b *testing.B) {
	s := enlarged(standard(), 2) // 1080×1920, a lifter of 900 px
	s.rings = true
	img, lm := s.draw(1), s.landmarks()
	f := NewFinder()
	b.ReportAllocs()
	for b.Loop() {
		if len(f.Find(img, lm)) == 0 {
			b.Fatal("no plate")
		}
	}
}
