package pose

import (
	"math"
	"testing"
)

func TestAlignedRegion(t *testing.T) {
	for _, tt := range []struct {
		name  string
		top   [2]float64
		angle float64 // degrees
	}{
		{"upright", [2]float64{100, 0}, 0},
		{"leaning to the right", [2]float64{200, 100}, 90},
		{"leaning to the left", [2]float64{0, 100}, -90},
		{"half leaning", [2]float64{100 + 100/math.Sqrt2, 100 - 100/math.Sqrt2}, 45},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := alignedRegion([2]float64{100, 100}, tt.top)
			if r.X != 100 || r.Y != 100 || math.Abs(r.Side-250) > 1e-9 || math.Abs(r.Angle*180/math.Pi-tt.angle) > 1e-9 {
				t.Errorf("got %+v, want angle %g", r, tt.angle)
			}
			// The top lies straight above the centre of the crop, at 1/1.25 of
			// the way to its edge.
			x, y := r.ToImage(100).Inverse().Apply(tt.top[0], tt.top[1])
			if math.Abs(x-50) > 1e-9 || math.Abs(y-10) > 1e-9 {
				t.Errorf("top is at %g, %g of the crop, want 50, 10", x, y)
			}
		})
	}
}

func TestOneEuro(t *testing.T) {
	const dt = 1.0 / 30
	var still oneEuro
	for range 10 {
		if got := still.next(7, 100, dt); got != 7 {
			t.Fatalf("a constant became %g", got)
		}
	}
	// Jitter of a still point is flattened: cut-off 0.01 Hz at rest.
	var jitter oneEuro
	jitter.next(0, 500, dt)
	worst := 0.0
	for i := range 60 {
		worst = max(worst, math.Abs(jitter.next(float64(2*(i%2)-1), 500, dt)))
	}
	if worst > 0.75 {
		t.Errorf("jitter of ±1 px of 500 comes through as %g", worst)
	}
	// A ramp is followed with a lag that shrinks with speed.
	lag := func(speed float64) float64 {
		var f oneEuro
		var at float64
		for i := range 90 {
			at = f.next(speed*dt*float64(i), 500, dt)
		}
		return speed*dt*89 - at
	}
	slow, fast := lag(100), lag(1000)
	if !(slow > 0 && fast > 0 && fast/1000 < slow/100) {
		t.Errorf("lag is %g s at 100 px/s and %g s at 1000 px/s", slow/100, fast/1000)
	}
	if got := jitter.next(9, 500, 0); got != 9 {
		t.Errorf("without time between, the value is taken as it is: %g", got)
	}
}

// sightAt is what the network says of a person with this region.
func sightAt(r Region) sight {
	half := r.Side / 2 / regionScale
	s, c := math.Sincos(r.Angle)
	return sight{region: r, presence: 1, hip: [2]float64{r.X, r.Y}, top: [2]float64{r.X + half*s, r.Y - half*c}}
}

func TestSteadyFollowsALifter(t *testing.T) {
	const dt = 1.0 / 30
	var s steady
	s.start(Region{X: 500, Y: 500, Side: 800}, 0)
	// A deadlift: over a second the hips rise and the trunk turns by 65 degrees.
	for i := range 60 {
		u := min(1, float64(i)/30)
		want := Region{X: 500 + 60*u, Y: 500 - 100*u, Side: 600 + 200*u, Angle: -65 * (1 - u) * math.Pi / 180}
		if i == 0 {
			s.start(want, 0)
		}
		s.follow(sightAt(want), dt)
		if math.Hypot(s.region.X-want.X, s.region.Y-want.Y) > 30 || math.Abs(s.region.Angle-want.Angle) > 0.2 ||
			math.Abs(s.region.Side-want.Side) > 60 {
			t.Fatalf("frame %d: region %+v, lifter at %+v", i, s.region, want)
		}
	}
	if math.Abs(s.size-800) > 20 {
		t.Errorf("size %g, want the standing lifter's 800", s.size)
	}
}

// When plates hide head and shoulders the network's guess shrinks and turns
// over within a few frames.
func TestSteadyDoesNotCollapse(t *testing.T) {
	const dt = 1.0 / 30
	var s steady
	for range 30 {
		s.follow(sightAt(Region{X: 500, Y: 500, Side: 800, Angle: -0.3}), dt)
	}
	before := s.region
	for range 3 {
		s.follow(sightAt(Region{X: 480, Y: 650, Side: 350, Angle: 1.2}), dt)
	}
	if s.region.Side < 0.74*800 {
		t.Errorf("side fell to %g", s.region.Side)
	}
	if turned := math.Abs(s.region.Angle - before.Angle); turned > 3*maxTurn*dt+1e-9 {
		t.Errorf("turned by %g in 3 frames", turned)
	}
	nan := math.NaN()
	s.follow(sight{hip: [2]float64{nan, nan}, top: [2]float64{nan, nan}}, dt)
	if !s.region.valid() {
		t.Errorf("a broken sight broke the region: %+v", s.region)
	}
}

func TestSteadyFits(t *testing.T) {
	var s steady
	s.start(Region{X: 500, Y: 500, Side: 800}, 800)
	person := func(x, y, side float64) Person {
		return Person{Hip: [2]float64{x, y}, Top: [2]float64{x, y - side/2/regionScale}}
	}
	for _, tt := range []struct {
		name string
		p    Person
		ago  float64
		want bool
	}{
		{"where the lifter was", person(510, 560, 750), 0, true},
		{"crouching", person(500, 700, 600), 0, true},
		{"somebody far behind", person(520, 450, 300), 0, false},
		{"somebody beside", person(1000, 500, 800), 0, false},
		{"beside, but long since", person(1000, 500, 800), 2, true},
		{"a giant in front", person(500, 500, 1400), 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.fits(tt.p, tt.ago); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestCrowd(t *testing.T) {
	const side = 500.0
	at := func(x, y float64) Person {
		return Person{Score: 0.9, Hip: [2]float64{x, y}, Top: [2]float64{x, y - side/2/regionScale}}
	}
	still := func(float64) float64 { return 600 }
	squats := func(time float64) float64 { return 600 + 50*(1-math.Cos(2*math.Pi*time/3)) }
	walks := func(time float64) float64 { return 600 + 10*math.Sin(6*time) }
	for _, tt := range []struct {
		name             string
		followed, other  func(time float64) float64 // hips' height
		otherX           func(time float64) float64
		want             bool
		otherOnlyAfter10 bool
	}{
		{"the other squats, the followed stands", still, squats, func(float64) float64 { return 1200 }, true, false},
		{"both squat", squats, squats, func(float64) float64 { return 1200 }, false, false},
		{"the other stands too", still, still, func(float64) float64 { return 1200 }, false, false},
		{"the other walks by", still, walks, func(time float64) float64 { return 900 + 60*time }, false, false},
		{"the other squats while walking", still, squats, func(time float64) float64 { return 900 + 60*time }, false, false},
		{"the followed has lifted and rests", func(time float64) float64 {
			if time < 4 {
				return squats(time)
			}
			return 600
		}, squats, func(float64) float64 { return 1200 }, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c crowd
			got := false
			for i := range 30 * 20 {
				time := float64(i) / 30
				hip := [2]float64{500, tt.followed(time)}
				r := Region{X: hip[0], Y: hip[1], Side: side}
				c.note(time, sight{region: r, hip: hip})
				if !c.due(time) {
					continue
				}
				people := []Person{at(hip[0], hip[1])}
				if !tt.otherOnlyAfter10 || time > 10 {
					people = append(people, at(tt.otherX(time), tt.other(time)))
				}
				if p, ok := c.look(time, people, r); ok {
					got = true
					if p.Hip[0] != tt.otherX(time) {
						t.Fatalf("switched to somebody at %g", p.Hip[0])
					}
					break
				}
			}
			if got != tt.want {
				t.Errorf("switched: %v, want %v", got, tt.want)
			}
		})
	}
}

// Whoever has lifted and is plainly seen is looked for less often, until the network
// is not sure of them.
func TestCrowdCalm(t *testing.T) {
	const side = 500.0
	c := crowd{}
	dues := func(from, to float64, move float64) (n int) {
		for i := int(30 * from); i < int(30*to); i++ {
			time := float64(i) / 30
			hip := [2]float64{500, 600 + move*(1-math.Cos(2*math.Pi*time/2))}
			r := Region{X: hip[0], Y: hip[1], Side: side}
			c.note(time, sight{region: r, hip: hip})
			if c.due(time) {
				c.look(time, nil, r)
				c.calm(time)
				n++
			}
		}
		return n
	}
	if n := dues(0, 3, 0); n != 10 {
		t.Errorf("%d looks round in 3 s before the lift, want 10", n)
	}
	dues(3, 6, 50)
	if n := dues(6, 10, 50); n != 4 {
		t.Errorf("%d looks round in 4 s of a lifter who has lifted, want 4", n)
	}
	c.alarm(10)
	if c.next > 10+watchEvery {
		t.Errorf("next look at %g s, want at most %g", c.next, 10+watchEvery)
	}
}

func TestLikeliest(t *testing.T) {
	at := func(x, y, side, score float64) Person {
		return Person{Score: score, Hip: [2]float64{x, y}, Top: [2]float64{x, y - side/2/regionScale}}
	}
	lifter := at(620, 400, 700, 0.8)
	for _, tt := range []struct {
		name   string
		people []Person
	}{
		{"alone", []Person{lifter}},
		{"people behind", []Person{at(600, 350, 250, 0.95), lifter, at(900, 350, 300, 0.9)}},
		{"spotter at the edge", []Person{at(1250, 400, 720, 0.95), lifter}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if p, ok := likeliest(tt.people, 1280, 720); !ok || p != lifter {
				t.Errorf("took %+v, %v", p, ok)
			}
		})
	}
	if _, ok := likeliest(nil, 1280, 720); ok {
		t.Error("found somebody among nobody")
	}
}

func TestSuppressJoinsOverlappingDetections(t *testing.T) {
	at := func(x, score float64) Person {
		p := Person{Score: score, Hip: [2]float64{x, 300}, Top: [2]float64{x, 100}}
		p.Box.X, p.Box.Y, p.Box.W, p.Box.H = x, 120, 60, 60
		return p
	}
	got := suppress([]Person{at(110, 0.6), at(500, 0.7), at(100, 0.9)})
	if len(got) != 2 {
		t.Fatalf("%d people, want 2", len(got))
	}
	// (0.9·100 + 0.6·110) / 1.5
	if got[0].Score != 0.9 || math.Abs(got[0].Hip[0]-104) > 1e-9 || math.Abs(got[0].Box.X-104) > 1e-9 {
		t.Errorf("joined to %+v", got[0])
	}
	if math.Abs(got[1].Hip[0]-500) > 1e-9 || math.Abs(got[1].Score-0.7) > 1e-9 {
		t.Errorf("second person became %+v", got[1])
	}
}

func TestDetectorAnchors(t *testing.T) {
	a := detectorAnchorCentres()
	if len(a) != detectorAnchors {
		t.Fatalf("%d anchors, want %d", len(a), detectorAnchors)
	}
	if want := ([2]float32{0.5 / 28, 0.5 / 28}); a[0] != want || a[1] != want {
		t.Errorf("first cell's anchors are %v and %v", a[0], a[1])
	}
	if want := ([2]float32{6.5 / 7, 6.5 / 7}); a[len(a)-1] != want {
		t.Errorf("last anchor is %v", a[len(a)-1])
	}
}

func TestRefine(t *testing.T) {
	heat := make([]float32, networkPoints*heatmapSize*heatmapSize)
	for i := range heat {
		heat[i] = -30
	}
	const point = 5
	plane := heat[point*heatmapSize*heatmapSize:]
	plane[20*heatmapSize+30] = 4
	plane[20*heatmapSize+31] = 4
	if x, y := refine(heat, point, 120, 82); math.Abs(x-30.5*4) > 1e-6 || math.Abs(y-20*4) > 1e-6 {
		t.Errorf("moved to %g, %g, want 122, 80", x, y)
	}
	if x, y := refine(heat, point, 200, 200); x != 200 || y != 200 {
		t.Errorf("a cold neighbourhood moved it to %g, %g", x, y)
	}
	if x, y := refine(heat, point, -3, 300); x != -3 || y != 300 {
		t.Errorf("outside the crop it moved to %g, %g", x, y)
	}
}
