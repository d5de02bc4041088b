package plate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// lift is a lifter who lowers and raises a bar at 30 frames per second, and
// what a Finder might see of it.
type lift struct {
	frames []recording.Frame
	seen   [][]recording.Disc
}

const (
	liftTrunk  = 130.0
	liftRadius = 75.0
)

// phase is 0 at the top, 1 at the bottom: 1 s rest, then 3 reps of 3 s.
func phase(t float64) float64 {
	if t < 1 {
		return 0
	}
	return (1 - math.Cos(2*math.Pi*(t-1)/3)) / 2
}

func newLift(travel float64) lift {
	var l lift
	rng := rand.New(rand.NewPCG(1, 4))
	for i := range 300 {
		time := float64(i) / 30
		y := 450 + travel*phase(time)
		s := standard()
		s.hands.Y = y
		f := recording.Frame{Index: i, Time: time, Tracking: recording.Tracked, Landmarks: *s.landmarks()}
		for k := range f.Landmarks {
			f.Landmarks[k].X += 4 * rng.NormFloat64()
			f.Landmarks[k].Y += 4 * rng.NormFloat64()
		}
		l.frames = append(l.frames, f)
		l.seen = append(l.seen, nil)
	}
	return l
}

// centreAt is where the plate truly is: perspective makes its way longer.
func (l lift) centreAt(i int, travel float64) (x, y float64) {
	return 268, 465 + 1.2*travel*phase(l.frames[i].Time)
}

func (l lift) add(i int, x, y, r, support float64) {
	l.seen[i] = append(l.seen[i], recording.Disc{X: x, Y: y, RX: r, RY: r, Support: support})
}

// addPlate is the plate with a ring on it, seen with a little noise.
func (l lift) addPlate(travel float64) {
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range l.frames {
		x, y := l.centreAt(i, travel)
		l.add(i, x, y, 0.8*liftRadius, 0.9)
		l.add(i, x+0.3*rng.NormFloat64(), y+0.3*rng.NormFloat64(), liftRadius*(1+0.01*rng.NormFloat64()), 0.8)
	}
}

func (l lift) known() int {
	n := 0
	for i := range l.frames {
		if l.frames[i].Plate.Known() {
			n++
		}
	}
	return n
}

func TestTrack(t *testing.T) {
	const travel = 160
	rng := rand.New(rand.NewPCG(8, 8))
	tests := []struct {
		name string
		see  func(l lift)
		want int // frames with the plate, of 300
	}{
		{"plate and its ring", func(l lift) { l.addPlate(travel) }, 300},
		{"with a rack plate", func(l lift) {
			for i := range l.frames {
				l.add(i, 330, 470, liftRadius, 1)
			}
			l.addPlate(travel)
		}, 300},
		{"among clutter", func(l lift) {
			l.addPlate(travel)
			for i := range l.frames {
				for range 3 {
					l.add(i, 150+250*rng.Float64(), 300+400*rng.Float64(), 40+80*rng.Float64(), 0.5+0.2*rng.Float64())
				}
			}
		}, 300},
		{"gaps of a fifth of a second", func(l lift) {
			l.addPlate(travel)
			for i := range l.frames {
				if i%40 >= 35 {
					l.seen[i] = nil
				}
			}
		}, 300},
		{"a gap of a second", func(l lift) {
			l.addPlate(travel)
			for i := 100; i < 130; i++ {
				l.seen[i] = nil
			}
		}, 270},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLift(travel)
			tt.see(l)
			Track(l.frames, l.seen)
			if n := l.known(); n != tt.want {
				t.Errorf("plate in %d frames, want %d", n, tt.want)
			}
			for i := range l.frames {
				p := l.frames[i].Plate
				if !p.Known() {
					continue
				}
				x, y := l.centreAt(i, travel)
				if off := math.Hypot(p.X-x, p.Y-y); off > 4 || math.Abs(p.RX/liftRadius-1) > 0.03 {
					t.Errorf("frame %d: %.1f is %.1f px off", i, p, off)
				}
			}
		})
	}
}

func TestTrackNothing(t *testing.T) {
	const travel = 160
	tests := map[string]func(l lift){
		"nothing seen": func(lift) {},
		"a rack plate": func(l lift) {
			for i := range l.frames {
				l.add(i, 300, 470, liftRadius, 1)
			}
		},
		"clutter": func(l lift) {
			rng := rand.New(rand.NewPCG(2, 2))
			for i := range l.frames {
				for range maxCandidates {
					l.add(i, 150+250*rng.Float64(), 300+400*rng.Float64(), 40+80*rng.Float64(), 0.5+0.3*rng.Float64())
				}
			}
		},
		"a head": func(l lift) {
			for i := range l.frames {
				x, y := l.centreAt(i, travel)
				l.add(i, x, y-1.4*liftTrunk, 0.25*liftTrunk, 0.8)
			}
		},
		"a moment of a plate": func(l lift) {
			for i := 60; i < 72; i++ {
				x, y := l.centreAt(i, travel)
				l.add(i, x, y, liftRadius, 0.9)
			}
		},
		"a plate that goes its own way": func(l lift) {
			for i := range l.frames {
				l.add(i, 268, 465+0.2*travel*math.Sin(7*l.frames[i].Time), liftRadius, 0.9)
			}
		},
	}
	for name, see := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLift(travel)
			see(l)
			Track(l.frames, l.seen)
			for i := range l.frames {
				if p := l.frames[i].Plate; p.Known() || !math.IsNaN(p.X) {
					t.Fatalf("frame %d: plate %.1f", i, p)
				}
			}
		})
	}
}

// A bar that lies on the floor before and after the lift is the lifter's.
func TestTrackRestsOnFloor(t *testing.T) {
	const travel = -160 // upward, from the floor
	l := newLift(travel)
	l.addPlate(travel)
	for i := 32; i < 38; i++ { // lost as it is lifted: the first second is a track of its own
		l.seen[i] = nil
	}
	Track(l.frames, l.seen)
	if !l.frames[5].Plate.Known() {
		t.Error("the bar on the floor was not recognised")
	}
}

// Frames without a lifter and missing landmarks do no harm, and neither does a
// clip without frames.
func TestTrackWithoutLifter(t *testing.T) {
	Track(nil, nil)
	l := newLift(160)
	l.addPlate(160)
	nan := math.NaN()
	for i := range l.frames {
		l.frames[i].Tracking = recording.Absent
		for k := range l.frames[i].Landmarks {
			l.frames[i].Landmarks[k] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: nan}
		}
	}
	Track(l.frames, l.seen)
	if n := l.known(); n != 0 {
		t.Errorf("%d frames have a plate without a lifter", n)
	}
}

// Twice the pixels and half the speed do not change what is decided.
func TestTrackScaled(t *testing.T) {
	const travel, k = 160, 2
	a, b := newLift(travel), newLift(travel)
	a.addPlate(travel)
	b.addPlate(travel)
	for i := range b.frames {
		for m := range b.frames[i].Landmarks {
			b.frames[i].Landmarks[m].X *= k
			b.frames[i].Landmarks[m].Y *= k
		}
		for m := range b.seen[i] {
			d := &b.seen[i][m]
			d.X, d.Y, d.RX, d.RY = k*d.X, k*d.Y, k*d.RX, k*d.RY
		}
		b.frames[i].Time *= 2
	}
	Track(a.frames, a.seen)
	Track(b.frames, b.seen)
	if a.known() != len(a.frames) || b.known() != len(b.frames) {
		t.Fatalf("plate in %d and %d of %d frames", a.known(), b.known(), len(a.frames))
	}
	for i := range a.frames {
		p, q := a.frames[i].Plate, b.frames[i].Plate
		// Both are steadied over fewer frames at half the speed.
		if math.Abs(k*p.X-q.X) > 1 || math.Abs(k*p.Y-q.Y) > 1 || math.Abs(k*p.RX/q.RX-1) > 0.02 {
			t.Fatalf("frame %d: %.2f, enlarged %.2f", i, p, q)
		}
	}
}

// What is badly seen is drawn to where it is seen well before and after; a bar
// that is seen well stays, however it moves.
func TestTrackSteadiesCentres(t *testing.T) {
	const travel = 160
	l := newLift(travel)
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range l.frames {
		x, y := l.centreAt(i, travel)
		support := 0.9
		if i%5 == 0 { // pulled aside by something behind it
			x, support = x+0.12*liftRadius, 0.55
		}
		l.add(i, x+0.3*rng.NormFloat64(), y+0.3*rng.NormFloat64(), liftRadius, support)
	}
	Track(l.frames, l.seen)
	for i := range l.frames {
		x, y := l.centreAt(i, travel)
		if p := l.frames[i].Plate; !(math.Hypot(p.X-x, p.Y-y) < 0.02*liftRadius) {
			t.Fatalf("frame %d: plate at %.1f, %.1f, is at %.1f, %.1f", i, p.X, p.Y, x, y)
		}
	}
}
