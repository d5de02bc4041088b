package contour

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// painted is a palette that has seen these colours, with shading of a few levels.
func painted(colours ...[3]byte) *palette {
	p := new(palette)
	for i := range 2 * paletteKnown {
		c, shade := colours[i%len(colours)], byte(i%7)
		p.add(c[0]+shade, c[1]+shade, c[2]+shade)
	}
	return p
}

func TestColoursAgainstTheRoom(t *testing.T) {
	shirt, grey, stripe := [3]byte{120, 60, 110}, [3]byte{90, 90, 90}, [3]byte{40, 40, 160}
	lifter, room := painted(shirt), painted(grey, grey, grey, stripe)
	for _, tt := range []struct {
		name         string
		lifter, room *palette
		colour       [3]byte
		want         int // 1: the lifter's, -1: the room's, 0: neither
	}{
		{"shirt", lifter, room, shirt, 1},
		{"shirt in the light", lifter, room, [3]byte{132, 72, 122}, 1},
		{"wall", lifter, room, grey, -1},
		{"stripe on the wall", lifter, room, stripe, -1},
		{"never seen", lifter, room, [3]byte{10, 240, 10}, 0},
		{"lifter not known", new(palette), room, stripe, 0},
		{"room not known", lifter, new(palette), shirt, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := [3]float64{float64(tt.colour[0]), float64(tt.colour[1]), float64(tt.colour[2])}
			got := tt.lifter.against(tt.room, &c)
			if want := float64(tt.want); got*want < 2*want*want || want == 0 && got != 0 {
				t.Errorf("evidence %.1f for the lifter, want its sign to be %d", got, tt.want)
			}
		})
	}
}

// Colours are believed where they would have known the lifter, and not where the
// room is as dark as the shirt's other side.
func TestTrialOfColours(t *testing.T) {
	for _, tt := range []struct {
		name   string
		body   float64 // of what the lifter is at triedAt, grey level
		passed bool
	}{
		{"one colour", 60, true},
		{"lighter towards the edge, like the wall", 180, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := standing()
			s.inner = grey(tt.body)
			trunk := recording.Trunk{Hip: s.hip, Shoulder: s.shoulder}
			var q trial
			q.run(s.picture(), sceneMask{scene: &s}, &trunk, s.length(), painted([3]byte{60, 60, 60}), painted([3]byte{180, 180, 180}))
			if q.asked == 0 || q.passed() != tt.passed {
				t.Errorf("%.0f of %.0f wrong, passed %t; want %t", q.wrong, q.asked, q.passed(), tt.passed)
			}
		})
	}
}

// A stripe on the wall behind the loin, where the wall was never seen, is taken
// for the lifter by the mask. Its colour is that of the rest of the stripe.
func TestStripeBehindTheLoin(t *testing.T) {
	const from, to, width = 0.1, 0.4, 0.06
	s := standing()
	stripe := func(u, v float64) bool { return u > from && u < to && v > s.back(u) }
	s.extra, s.extraColour = stripe, [3]float64{40, 40, 200}
	s.gap = func(u, v float64) bool { return stripe(u, v) && v < s.back(u)+width }
	e, img, mask, lm := NewExtractor(), s.picture(), sceneMask{scene: &s}, s.landmarks()
	var trunk recording.Trunk
	for range paletteKnown / 200 {
		trunk = e.Extract(img, mask, lm)
	}
	for i, sample := range trunk.Left {
		u := recording.Station(i)
		if u < from+0.05 || u > to-0.05 {
			continue
		}
		if d := sample.Offset/s.length() - s.back(u); !(math.Abs(d) < width/3) {
			t.Errorf("u = %.2f: edge %.3f trunk lengths beyond the back", u, d)
		}
	}
}
