package contour

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// tally compares a drawn scene's back with its known outline.
type tally struct {
	n, clear, within int
	bias, rms, sd    float64
}

// measure averages over sub-pixel positions of the lifter. Stations next to the
// ends of the drawn trunk are left out.
func measure(s scene, known bool) tally {
	var c tally
	for shift := range 2 {
		s.seed = uint64(shift + 1)
		s.hip.X, s.shoulder.X = s.hip.X+0.37, s.shoulder.X+0.37
		trunk := s.watch(known)
		for i := 20; i < 90; i++ {
			e := trunk.Left[i]
			if math.IsNaN(e.Offset) {
				continue
			}
			d := e.Offset - s.back(recording.Station(i))*s.length()
			c.n++
			c.bias += d
			c.rms += d * d
			c.sd += e.SD
			if math.Abs(d) <= 1.645*e.SD {
				c.within++
			}
			if e.Occluder == recording.Clear {
				c.clear++
			}
		}
	}
	n := float64(c.n)
	c.bias, c.rms, c.sd = c.bias/n, math.Sqrt(c.rms/n), c.sd/n
	return c
}

func grey(v float64) [3]float64 { return [3]float64{v, v, v} }

// A drawn outline has to be found where it was drawn. What is allowed follows
// from the picture: half a grey level of noise over the contrast costs next to
// nothing, a contrast of three times the noise up to a fifth of a pixel.
func TestOutlineOfKnownShapes(t *testing.T) {
	for _, c := range []struct {
		name      string
		draw      func(s *scene)
		bias, rms float64 // pixels allowed
		unknown   float64 // factor where the room has not been seen before
	}{
		{"plain", func(*scene) {}, 0.05, 0.1, 1},
		{"bright before dark", func(s *scene) { s.inner, s.outer = grey(200), grey(40) }, 0.05, 0.1, 1},
		{"dark before bright", func(s *scene) { s.inner, s.outer = grey(40), grey(200) }, 0.05, 0.1, 1},
		{"colour alone", func(s *scene) { s.inner, s.outer = [3]float64{90, 105, 150}, [3]float64{140, 112, 110} }, 0.1, 0.3, 1},
		{"low contrast", func(s *scene) { s.inner, s.outer, s.noise = grey(100), grey(112), 4 }, 0.1, 0.4, 1},
		{"noise", func(s *scene) { s.noise = 15 }, 0.1, 0.3, 1},
		{"out of focus", func(s *scene) { s.blur = 2.5 }, 0.2, 0.25, 1},
		{"patterned wall", func(s *scene) { s.texture = 25 }, 0.1, 0.2, 6},
		{"mask short by half a pixel", func(s *scene) {
			s.maskError = func(float64) float64 { return -0.5 * sceneMaskPx / s.length() }
		}, 0.15, 0.25, 2},
		{"wavy mask", func(s *scene) {
			s.maskError = func(u float64) float64 { return 0.5 * sceneMaskPx / s.length() * math.Sin(9*u) }
		}, 0.1, 0.25, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, known := range []bool{true, false} {
				s := standing()
				c.draw(&s)
				got, factor := measure(s, known), 1.0
				if !known {
					factor = c.unknown
				}
				if math.Abs(got.bias) > c.bias*factor {
					t.Errorf("room known %v: bias %+.3f px, want within %.2f", known, got.bias, c.bias*factor)
				}
				if got.rms > c.rms*factor {
					t.Errorf("room known %v: rms error %.3f px, want at most %.2f", known, got.rms, c.rms*factor)
				}
				if got.clear < got.n {
					t.Errorf("room known %v: %d of %d samples marked as hidden", known, got.n-got.clear, got.n)
				}
			}
		})
	}
}

// The stated standard deviation grows as the picture gets worse, and the error
// stays inside it.
func TestStandardDeviationFollowsThePicture(t *testing.T) {
	last := 0.0
	for _, c := range []struct {
		name            string
		contrast, noise float64
		soft            float64 // the mask's softness
	}{
		{"clear", 100, 2, 1},
		{"pale", 30, 4, 1.5},
		{"faint", 12, 6, 2.5},
		{"hardly there", 4, 8, 4},
	} {
		s := standing()
		s.inner, s.outer, s.noise, s.soft = grey(90), grey(90+c.contrast), c.noise, c.soft
		s.maskError = func(u float64) float64 {
			return 0.4 * c.soft * sceneMaskPx / s.length() * math.Sin(11*u)
		}
		got := measure(s, true)
		if got.sd <= last {
			t.Errorf("%s: sd %.2f px, not above the %.2f px of the better picture", c.name, got.sd, last)
		}
		if in := float64(got.within) / float64(got.n); in < 0.85 {
			t.Errorf("%s: %.0f %% of the samples within 1.645 sd of %.2f px (rms error %.2f), want 85", c.name, 100*in, got.sd, got.rms)
		}
		last = got.sd
	}
}

func TestMirroredPictureGivesMirroredEdges(t *testing.T) {
	s := standing()
	s.noise = 0 // drawn row by row, it would not be mirrored
	m := s
	m.mirrored = true
	for _, known := range []bool{false, true} {
		a, b := s.watch(known), m.watch(known)
		for i := range a.Left {
			p, q := a.Left[i], b.Right[i]
			if math.Abs(p.Offset-q.Offset) > 0.02 || math.Abs(p.SD-q.SD) > 0.02 || p.Occluder != q.Occluder {
				t.Fatalf("station %d: %+v, mirrored %+v", i, p, q)
			}
		}
	}
}

func TestTwiceThePictureGivesTwiceTheOffsets(t *testing.T) {
	s := standing()
	s.noise = 0
	d := s
	d.zoom(2)
	a, b := s.watch(true), d.watch(true)
	for i := 20; i < 90; i++ {
		if e := math.Abs(2*a.Left[i].Offset - b.Left[i].Offset); !(e < 0.3) {
			t.Errorf("station %d: %.2f px, in twice the picture %.2f", i, a.Left[i].Offset, b.Left[i].Offset)
		}
	}
}

// In a deep squat the mask fills the gap between the back and the arm behind
// it. Where the room is known, it shows in the gap.
func TestBackBehindTheElbow(t *testing.T) {
	s := standing()
	elbow := func(u, v float64) bool { return u > 0.52 && u < 0.75 && v > 0.1 && v < 0.42 }
	s.extra, s.extraColour, s.extraMasked = elbow, s.inner, true
	s.gap = func(u, v float64) bool { return u > 0.05 && u < 0.75 && v > 0 && v < 0.42 && v < 0.2+0.8*(u-0.1) }
	trunk := s.watch(true)
	for i := 20; i < 110; i++ {
		u, e := recording.Station(i), trunk.Left[i]
		clear := e.Occluder == recording.Clear && !math.IsNaN(e.Offset)
		switch d := e.Offset - s.back(u)*s.length(); {
		case u < 0.45 && !clear:
			t.Errorf("u = %.2f: the back shows, but is marked", u)
		case u < 0.45 && math.Abs(d) > 1:
			t.Errorf("u = %.2f: edge %.1f px beyond the back", u, d)
		case u > 0.53 && u < 0.75 && clear:
			t.Errorf("u = %.2f: the elbow is taken for the back, %.1f px beyond it", u, d)
		}
	}
	// Without the room there is no telling; then it must not be believed.
	for i, e := range s.watch(false).Left {
		u := recording.Station(i)
		if d := e.Offset - s.back(u)*s.length(); u > 0.35 && u < 0.75 && e.Occluder == recording.Clear && math.Abs(d) > 0.1*s.length() {
			t.Errorf("room unknown, u = %.2f: believes an edge %.1f px beyond the back", u, d)
		}
	}
}

// A shirt of the wall's colour is not a gap.
func TestShirtLikeTheWall(t *testing.T) {
	s := standing()
	s.outer = [3]float64{s.inner[0] + 3, s.inner[1] + 3, s.inner[2] + 3}
	trunk := s.watch(true)
	for i := 20; i < 90; i++ {
		if d := trunk.Left[i].Offset - s.back(recording.Station(i))*s.length(); math.Abs(d) > 2*sceneMaskPx {
			t.Errorf("station %d: edge %.1f px from the back", i, d)
		}
	}
}

func TestExposureMayChange(t *testing.T) {
	s := standing()
	s.texture = 25
	e := NewExtractor()
	for seed := range uint64(20) {
		e.Extract(s.empty(seed), sceneMask{scene: &s, nobody: true}, s.landmarks())
	}
	s.exposure = 0.8
	for range 2 { // the room's brightness is read from the picture itself
		trunk := e.Extract(s.picture(), sceneMask{scene: &s}, s.landmarks())
		for i := 20; i < 90; i++ {
			if d := trunk.Left[i].Offset - s.back(recording.Station(i))*s.length(); math.Abs(d) > 0.5 {
				t.Fatalf("station %d: edge %.2f px off", i, d)
			}
		}
	}
}

func TestNothingToFind(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name string
		draw func(s *scene)
		nil  bool // no edges at all; otherwise edges without samples
	}{
		{"no landmarks", func(s *scene) { s.hip = recording.Point{X: nan, Y: nan} }, true},
		{"infinite landmarks", func(s *scene) { s.shoulder.X = math.Inf(1) }, true},
		{"no length", func(s *scene) { s.shoulder = s.hip }, true},
		{"too small", func(s *scene) { s.shoulder = recording.Point{X: s.hip.X, Y: s.hip.Y - 15} }, true},
		{"outside the picture", func(s *scene) { s.hip.X, s.shoulder.X = -4000, -4000 }, false},
		{"nobody", func(s *scene) { s.back, s.front = nowhere, nowhere }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := standing()
			c.draw(&s)
			img := Image{Pix: make([]byte, 3*s.width*s.height), Width: s.width, Height: s.height}
			trunk := NewExtractor().Extract(img, sceneMask{scene: &s}, s.landmarks())
			for _, edge := range []recording.Edge{trunk.Left, trunk.Right} {
				if (edge == nil) != c.nil {
					t.Errorf("edge of %d samples", len(edge))
				}
				for i, e := range edge {
					if !math.IsNaN(e.Offset) || e.Occluder != recording.Clear {
						t.Errorf("station %d: %+v, want nothing", i, e)
					}
				}
			}
		})
	}
}

// A clip may change its size (it does not in one file, but an Extractor must
// not read beyond the smaller picture).
func TestPictureOfAnotherSize(t *testing.T) {
	big, small := standing(), standing()
	small.zoom(0.5)
	e := NewExtractor()
	for _, s := range []*scene{&big, &small, &big} {
		trunk := e.Extract(s.picture(), sceneMask{scene: s}, s.landmarks())
		if d := trunk.Left[testStation].Offset - s.back(recording.Station(testStation))*s.length(); !(math.Abs(d) < 1) {
			t.Errorf("%d×%d: edge %.2f px off", s.width, s.height, d)
		}
	}
}
