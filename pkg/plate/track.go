package plate

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/spineflex/spineflex/pkg/recording"
)

const (
	// A circle is followed over at most lostFor seconds without it, to within
	// nearby plus perSecond of where its motion takes it, trunk lengths, and a
	// relative change of the radius of sameRadius.
	lostFor    = 0.15
	nearby     = 0.06
	perSecond  = 1.5
	sameRadius = 0.05

	// moved is the path, trunk lengths, from which a circle has moved. A bar
	// goes twice as far in the shallowest squat worth measuring.
	moved = 0.25
	// together is the least correlation of its motion with that of the hands,
	// the shoulders or the hips.
	together = 0.6
	// A ring of support obvious that goes up or down by far, in trunk lengths,
	// needs no such witness: the landmarks can be lost behind a large plate.
	far     = 0.5
	obvious = 0.70
	// visited is how near a circle that rests must be to where the plate has
	// been, trunk lengths.
	visited = 0.15
	// oneRadius is how far a plate's radius may differ from the clip's,
	// relative: perspective, when the lifter steps back.
	oneRadius = 0.08
	// outermost is the share of the best ring's frames that a larger ring
	// needs to be the rim.
	outermost = 0.5

	// A clip has a plate if it shows for minShare of the frames and for
	// minSeconds, with a median support of minSure.
	minShare   = 0.15
	minSeconds = 0.5
	minSure    = 0.52

	// sureness is the power of a disc's support that is its weight beside its
	// neighbours', and centreNoise how far, in radii, a well-seen centre is off.
	sureness    = 6
	centreNoise = 0.015

	// bridge is the longest gap that is interpolated, seconds.
	bridge = 0.3
	// steady is half the time over which the axes are averaged, seconds.
	steady = 0.25
)

// Track decides over the whole clip which of the circles seen in each frame is
// the near plate, and writes it to the frames; [recording.NoDisc] where there
// is none. seen holds what [Finder.Find] returned for each frame.
//
// The plate is the outermost ring that moves together with the lifter. A
// circle that rests while the lifter moves, a plate on a rack or a clock on
// the wall, is not his, unless the bar has been just there. In a clip where
// nothing moves nothing can be told apart, and there is no plate.
func Track(frames []recording.Frame, seen [][]recording.Disc) {
	for i := range frames {
		frames[i].Plate = recording.NoDisc()
	}
	c := newClip(frames)
	if c.trunk == 0 {
		return
	}
	tracks := c.link(seen)
	var moving []*track
	for _, t := range tracks {
		// A head moves with the lifter too, and looks as large as a plate while
		// the landmarks make the trunk too short.
		if t.moves = c.moves(t) && t.radius() >= minRadius*c.trunk; t.moves {
			moving = append(moving, t)
		}
	}
	radius := rimRadius(moving)
	if math.IsNaN(radius) {
		return
	}
	keep := func(t *track) bool { return math.Abs(math.Log(t.radius()/radius)) < oneRadius }
	moving = slices.DeleteFunc(moving, func(t *track) bool { return !keep(t) })
	for _, t := range tracks {
		if keep(t) && (t.moves || c.rests(t, moving)) {
			t.write(frames)
		}
	}
	if !c.convincing() {
		for i := range frames {
			frames[i].Plate = recording.NoDisc()
		}
		return
	}
	c.steadyAxes()
	c.steadyCentres()
	c.interpolate()
}

// clip is the lifter's side of the decision.
type clip struct {
	frames []recording.Frame
	body   []body
	known  []bool  // body[i] is known
	trunk  float64 // the usual trunk length, pixels; 0 without a lifter
}

func newClip(frames []recording.Frame) *clip {
	c := &clip{frames: frames, body: make([]body, len(frames)), known: make([]bool, len(frames))}
	var trunks []float64
	for i := range frames {
		if !frames[i].Seen() {
			continue
		}
		if c.body[i], c.known[i] = bodyOf(&frames[i].Landmarks); c.known[i] {
			trunks = append(trunks, c.body[i].trunk)
		}
	}
	if len(trunks) > 0 {
		c.trunk = quantile(trunks, 0.5)
	}
	return c
}

// track is one ring followed over the frames.
type track struct {
	at    []int // frames, increasing
	discs []recording.Disc
	moves bool
}

func (t *track) last() recording.Disc { return t.discs[len(t.discs)-1] }

// radius is the track's median radius.
func (t *track) radius() float64 {
	r := make([]float64, len(t.discs))
	for i, d := range t.discs {
		r[i] = d.Radius()
	}
	return quantile(r, 0.5)
}

func (t *track) support() float64 {
	sum := 0.0
	for _, d := range t.discs {
		sum += d.Support
	}
	return sum
}

// write sets the plate where the track says so and no better one was there.
func (t *track) write(frames []recording.Frame) {
	for k, i := range t.at {
		if p := &frames[i].Plate; !p.Known() || t.discs[k].Support > p.Support {
			*p = t.discs[k]
		}
	}
}

// link follows rings from frame to frame, the best supported first.
func (c *clip) link(seen [][]recording.Disc) []*track {
	var all, open []*track
	for i := range c.frames {
		now := c.frames[i].Time
		open = slices.DeleteFunc(open, func(t *track) bool { return now-c.frames[t.at[len(t.at)-1]].Time > lostFor })
		taken := map[*track]bool{}
		for _, d := range seen[i] {
			var best *track
			least := 1.0
			for _, t := range open {
				if !taken[t] {
					if m := c.mismatch(t, d, now); m < least {
						best, least = t, m
					}
				}
			}
			if best == nil {
				best = &track{}
				all = append(all, best)
				open = append(open, best)
			}
			taken[best] = true
			best.at = append(best.at, i)
			best.discs = append(best.discs, d)
		}
	}
	return all
}

// mismatch is how badly d continues t, below 1 if it may.
func (c *clip) mismatch(t *track, d recording.Disc, now float64) float64 {
	n := len(t.at)
	last := t.last()
	dt := now - c.frames[t.at[n-1]].Time
	x, y := last.X, last.Y
	if n > 1 {
		p := t.discs[n-2]
		k := dt / (c.frames[t.at[n-1]].Time - c.frames[t.at[n-2]].Time)
		if k < 3 {
			x, y = x+k*(last.X-p.X), y+k*(last.Y-p.Y)
		}
	}
	reach := (nearby + perSecond*dt) * c.trunk
	off := min(math.Hypot(d.X-x, d.Y-y), math.Hypot(d.X-last.X, d.Y-last.Y)) / reach
	size := math.Abs(math.Log(d.Radius()/last.Radius())) / sameRadius
	return math.Hypot(off, size)
}

// moves reports whether the ring goes along with the lifter.
func (c *clip) moves(t *track) bool {
	var y, wrist, shoulder, hip []float64
	for k, i := range t.at {
		if c.known[i] {
			y = append(y, t.discs[k].Y)
			b := &c.body[i]
			wrist, shoulder, hip = append(wrist, b.wrist.Y), append(shoulder, b.shoulder.Y), append(hip, b.hip.Y)
		}
	}
	if len(y) < 5 || span(y) < moved*c.trunk {
		return false
	}
	if span(y) > far*c.trunk && t.support() >= obvious*float64(len(t.discs)) {
		return true
	}
	// In a squat the plate hides hands and shoulders, and only the hips are
	// where they are said to be.
	return max(correlation(y, wrist), correlation(y, shoulder), correlation(y, hip)) >= together
}

// rests reports whether t is where a moving track has been.
func (c *clip) rests(t *track, moving []*track) bool {
	for _, m := range moving {
		for _, d := range m.discs {
			if e := t.last(); math.Hypot(d.X-e.X, d.Y-e.Y) < visited*c.trunk {
				return true
			}
		}
	}
	return false
}

// rimRadius returns the radius of the outermost ring of the plate, NaN if
// there is none: the largest that is seen often enough beside the one seen
// most.
func rimRadius(tracks []*track) float64 {
	type ring struct{ radius, weight float64 }
	var rings []ring
	for _, t := range tracks {
		rings = append(rings, ring{t.radius(), t.support()})
	}
	// The weight of a ring is that of all tracks of its size.
	total := make([]float64, len(rings))
	most := 0.0
	for i, a := range rings {
		for _, b := range rings {
			if math.Abs(math.Log(a.radius/b.radius)) < sameRadius {
				total[i] += b.weight
			}
		}
		most = max(most, total[i])
	}
	largest := math.NaN()
	for i, r := range rings {
		if total[i] >= outermost*most && !(r.radius <= largest) {
			largest = r.radius
		}
	}
	if math.IsNaN(largest) {
		return largest
	}
	// The best of that size stands for it.
	best := slices.MaxFunc(rings, func(a, b ring) int {
		in := func(r ring) float64 {
			if math.Abs(math.Log(r.radius/largest)) < sameRadius {
				return r.weight
			}
			return 0
		}
		return cmp.Compare(in(a), in(b))
	})
	return best.radius
}

// convincing reports whether the plate is seen often and well enough.
func (c *clip) convincing() bool {
	var support []float64
	lifter, seconds := 0, 0.0
	for i := range c.frames {
		if !c.known[i] {
			continue
		}
		lifter++
		if c.frames[i].Plate.Known() {
			support = append(support, c.frames[i].Plate.Support)
			if i > 0 {
				seconds += min(c.frames[i].Time-c.frames[i-1].Time, bridge)
			}
		}
	}
	return float64(len(support)) >= minShare*float64(lifter) && seconds >= minSeconds && quantile(support, 0.5) >= minSure
}

// steadyAxes replaces the axes by their medians over a short time: a plate does
// not grow or turn from frame to frame, but rings of nearly its size take
// turns with the rim.
func (c *clip) steadyAxes() {
	type axes struct{ rx, ry float64 }
	out := make([]axes, len(c.frames))
	for i := range c.frames {
		if !c.frames[i].Plate.Known() {
			continue
		}
		var rx, ry []float64
		add := func(k int) bool {
			near := k >= 0 && k < len(c.frames) && math.Abs(c.frames[k].Time-c.frames[i].Time) <= steady
			if near && c.frames[k].Plate.Known() {
				rx, ry = append(rx, c.frames[k].Plate.RX), append(ry, c.frames[k].Plate.RY)
			}
			return near
		}
		for k := i; add(k); k-- {
		}
		for k := i + 1; add(k); k++ {
		}
		out[i] = axes{quantile(rx, 0.5), quantile(ry, 0.5)}
	}
	for i := range c.frames {
		if p := &c.frames[i].Plate; p.Known() {
			p.RX, p.RY = out[i].rx, out[i].ry
		}
	}
}

// steadyCentres draws centres that are badly seen to where those seen well
// before and after say that they are: a local parabola over time, weighted by
// support and robustly (Cleveland 1979). What is seen well stays where it is
// but for noise: a bar does not jerk within half a second.
func (c *clip) steadyCentres() {
	type centre struct{ x, y float64 }
	out := make([]centre, len(c.frames))
	for i := range c.frames {
		d := &c.frames[i].Plate
		if !d.Known() {
			continue
		}
		var t, x, y, w []float64
		for _, dir := range [2]int{-1, 1} {
			k := i
			if dir > 0 {
				k++
			}
			for ; k >= 0 && k < len(c.frames); k += dir {
				dt := c.frames[k].Time - c.frames[i].Time
				if math.Abs(dt) >= steady {
					break
				}
				p := &c.frames[k].Plate
				if !p.Known() {
					continue
				}
				u := math.Abs(dt) / steady
				tri := 1 - u*u*u
				t, x, y = append(t, dt), append(x, p.X), append(y, p.Y)
				w = append(w, tri*tri*tri*math.Pow(p.Support, sureness))
			}
		}
		out[i] = centre{
			local(t, x, w, d.X, centreNoise*d.Radius()),
			local(t, y, w, d.Y, centreNoise*d.Radius()),
		}
	}
	for i := range c.frames {
		if p := &c.frames[i].Plate; p.Known() {
			p.X, p.Y = out[i].x, out[i].y
		}
	}
}

// local is the value at t = 0 of the parabola through v with weights w, bisquare
// beyond noise; v0 if there are too few to tell.
func local(t, v, w []float64, v0, noise float64) float64 {
	const least, rounds = 5, 4
	if len(t) < least {
		return v0
	}
	a, b := mat.NewDense(len(t), 3, nil), mat.NewVecDense(len(t), nil)
	robust := slices.Repeat([]float64{1}, len(t))
	var c mat.VecDense
	for range rounds {
		for i := range t {
			s := math.Sqrt(w[i] * robust[i])
			a.SetRow(i, []float64{s, s * t[i], s * t[i] * t[i]})
			b.SetVec(i, s*v[i])
		}
		if err := c.SolveVec(a, b); err != nil {
			return v0
		}
		for i := range t {
			u := (v[i] - c.AtVec(0) - c.AtVec(1)*t[i] - c.AtVec(2)*t[i]*t[i]) / (6 * noise)
			robust[i] = math.Pow(max(0, 1-u*u), 2)
		}
	}
	return c.AtVec(0)
}

// interpolate fills short gaps.
func (c *clip) interpolate() {
	last := -1
	for i := range c.frames {
		if !c.frames[i].Plate.Known() {
			continue
		}
		if last >= 0 && i-last > 1 && c.frames[i].Time-c.frames[last].Time <= bridge {
			a, b := c.frames[last].Plate, c.frames[i].Plate
			for k := last + 1; k < i; k++ {
				u := (c.frames[k].Time - c.frames[last].Time) / (c.frames[i].Time - c.frames[last].Time)
				mix := func(a, b float64) float64 { return a + u*(b-a) }
				c.frames[k].Plate = recording.Disc{X: mix(a.X, b.X), Y: mix(a.Y, b.Y), RX: mix(a.RX, b.RX), RY: mix(a.RY, b.RY)}
			}
		}
		last = i
	}
}

// quantile returns the q-th quantile of v, NaN of none. It sorts v.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return v[int(q*float64(len(v)-1)+0.5)]
}

// span is the range that holds nine tenths of v.
func span(v []float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return quantile(s, 0.95) - quantile(s, 0.05)
}

// correlation is Pearson's, 0 where one does not vary.
func correlation(a, b []float64) float64 {
	var ma, mb float64
	for i := range a {
		ma += a[i] / float64(len(a))
		mb += b[i] / float64(len(b))
	}
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
