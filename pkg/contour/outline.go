package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// outline finds roughly where the trunk ends along each ray: where the mask
// ends, or before that where the picture shows the room behind the lifter. The
// mask is sure of itself where it fills the gap between back and upper arm in
// a squat, so its word alone is not enough there.
type outline struct {
	step   float64 // along a ray, pixels
	depth  int     // steps
	person []float64
	room   []float64 // evidence for the lifter and against the room, 0 where nothing is known
	open   []bool    // the room shows inside the mask, and from there to outside
	coarse [recording.NumStations]float64
	hollow [recording.NumStations]bool // coarse is where the room shows, not where the mask ends
	smooth [recording.NumStations]float64
	width  [recording.NumStations]float64
	spread [recording.NumStations]float64
}

const (
	// maskTrust is the evidence (logarithm of odds) of a mask value of 1
	// against what the picture says on average over a patch of 3×3 samples.
	maskTrust = 2.0
	// maxSay bounds what one sample says, so that a few cannot decide.
	maxSay = 4.0
	// colourSay is the same where the room is known by its colours only: nearly
	// all of a patch has to agree.
	colourSay = 3.0
	// minGap is the least width of a gap along the ray, axis lengths (1.5 cm),
	// and minGapStations its least extent across rays (3 cm).
	minGap         = 0.03
	minGapStations = 4
	maxDepth       = 256
)

// A network that is not sure where its edge is draws it wide. Measured on
// rendered lifters, the distance between the edge of the smoothed mask and the
// true one has a standard deviation of 0.2–0.3 mask pixels where the mask falls
// from 0.9 to 0.1 within two, and grows with that width from there.
const (
	sharpWidth = 1.7 // mask pixels
	widthShare = 0.4
	minSpread  = 0.3 // mask pixels
	maxSpread  = 2.0
	// gapSpread is that of an edge found in the picture at a coarse step.
	gapSpread = 1.0
)

// find returns the rough edge in pixels from the axis, NaN where there is none,
// and its standard deviation. The slices are valid until the next call.
func (o *outline) find(img Image, mask Mask, rm *room, pal *palette, byColour bool, t *recording.Trunk, side recording.Side, length float64) (edge, spread []float64) {
	o.step = max(mask.PixelSize()/2, maxReach*length/maxDepth)
	o.depth = int(maxReach*length/o.step) + 1
	o.read(img, mask, rm, pal, byColour, t, side)
	o.flood()
	for i := range o.coarse {
		o.coarse[i], o.hollow[i] = o.walk(i, length, true)
	}
	o.doubtGaps(length)
	smoothPieces(o.smooth[:], o.coarse[:], jumpShare*length)
	for i := range o.width {
		o.width[i] = o.softness(i) / mask.PixelSize()
	}
	for i := range o.spread {
		sum, n := 0.0, 0.0
		for k := max(0, i-smoothHalf); k <= min(len(o.width)-1, i+smoothHalf); k++ {
			if !math.IsNaN(o.width[k]) {
				w := gapSpread
				if !o.hollow[k] {
					w = max(minSpread, min(maxSpread, widthShare*(o.width[k]-sharpWidth)))
				}
				sum += w
				n++
			}
		}
		o.spread[i] = sum / n * mask.PixelSize()
	}
	return o.smooth[:], o.spread[:]
}

// softness is the distance over which the mask falls from 0.9 to 0.1 at the
// rough edge of ray i, pixels.
func (o *outline) softness(i int) float64 {
	if math.IsNaN(o.coarse[i]) {
		return math.NaN()
	}
	row := o.person[i*o.depth : (i+1)*o.depth]
	j := min(int(o.coarse[i]/o.step), o.depth-1)
	in, out := j, j
	for in > 0 && row[in] < 0.9 {
		in--
	}
	for out < o.depth-1 && row[out] > 0.1 {
		out++
	}
	return float64(out-in) * o.step
}

// read samples mask and picture along all rays. Where the room is not known, its
// colours elsewhere speak for it if byColour says so, along the stretch whose
// colours are known of the lifter.
func (o *outline) read(img Image, mask Mask, rm *room, pal *palette, byColour bool, t *recording.Trunk, side recording.Side) {
	n := recording.NumStations * o.depth
	o.person, o.room, o.open = resize(o.person, n), resize(o.room, n), resize(o.open, n)
	normal, _ := t.Normal(side)
	var seen, wall [3]float64
	for i := range recording.NumStations {
		p := t.At(side, i, 0)
		u := recording.Station(i)
		dressed := byColour && u >= paletteFrom && u <= paletteTo
		for j := range o.depth {
			k := i*o.depth + j
			q := recording.Point{X: p.X + float64(j)*o.step*normal.X, Y: p.Y + float64(j)*o.step*normal.Y}
			o.person[k] = mask.At(q.X, q.Y)
			o.room[k] = 0
			if o.person[k] < 0.5 || !img.holds(q) {
				continue
			}
			if variance, ok := rm.at(q.X, q.Y, &wall); ok {
				img.bilinear(q.X, q.Y, &seen)
				o.room[k] = max(-maxSay, min(maxSay, pal.contradicts(&seen, &wall, variance)))
			} else if dressed {
				img.bilinear(q.X, q.Y, &seen)
				o.room[k] = max(-colourSay, min(colourSay, pal.against(&rm.colours, &seen)))
			}
		}
	}
}

// shows reports whether the room shows at step j of ray i, by the evidence of
// the patch round it.
func (o *outline) shows(i, j int) bool {
	k := i*o.depth + j
	if o.room[k] >= 0 {
		return false
	}
	sum, n := 0.0, 0
	for a := max(0, i-1); a <= min(recording.NumStations-1, i+1); a++ {
		for b := max(0, j-1); b <= min(o.depth-1, j+1); b++ {
			if c := a*o.depth + b; o.person[c] >= 0.5 {
				sum += o.room[c]
				n++
			}
		}
	}
	return sum/float64(n)+maskTrust*(2*o.person[k]-1) < 0
}

// flood finds where the room shows inside the mask. A patch of shirt may look
// like the wall behind it, but only a gap lets one see from outside the mask
// all the way in, across rays too: between arm and back from below the elbow.
func (o *outline) flood() {
	const rays = recording.NumStations
	for i := range rays {
		for j := range o.depth {
			k := i*o.depth + j
			o.open[k] = o.person[k] < 0.5
		}
	}
	spread := func(i, j int) bool {
		k := i*o.depth + j
		if o.open[k] || !(i > 0 && o.open[k-o.depth] || i < rays-1 && o.open[k+o.depth] ||
			j > 0 && o.open[k-1] || j < o.depth-1 && o.open[k+1]) {
			return false
		}
		o.open[k] = o.shows(i, j)
		return o.open[k]
	}
	// Sweeps in opposite directions; a gap has no more bends than that.
	for grown := true; grown; {
		grown = false
		for i := range rays {
			for j := o.depth - 1; j >= 0; j-- {
				grown = spread(i, j) || grown
			}
		}
		for i := rays - 1; i >= 0 && grown; i-- {
			for j := o.depth - 1; j >= 0; j-- {
				grown = spread(i, j) || grown
			}
		}
	}
}

// walk goes outward along ray i to where the lifter ends for good. With
// picture, room that shows inside the mask counts as an end.
func (o *outline) walk(i int, length float64, picture bool) (edge float64, hollow bool) {
	gap := max(2*o.step, minGap*length) // a hole smaller than this is noise of the mask
	row := o.person[i*o.depth : (i+1)*o.depth]
	inside, prev := row[0] >= 0.5, row[0]
	left, exit, filled := 0.0, math.NaN(), false
	for j := 1; j < o.depth && left <= gap; j++ {
		d, v := float64(j)*o.step, row[j]
		open := picture && v >= 0.5 && o.open[i*o.depth+j]
		switch {
		case v >= 0.5 && !open:
			if !inside && d > 0.3*length {
				return math.NaN(), false // the axis runs outside the person here: nothing to measure
			}
			inside, left, exit = true, 0, math.NaN()
		case inside:
			if math.IsNaN(exit) {
				filled = open
				exit = d - o.step/2
				if !open {
					exit = d - o.step*(0.5-v)/max(prev-v, 1e-6)
				}
			}
			left += o.step
		}
		prev = v
	}
	if !inside {
		return math.NaN(), false
	}
	return exit, filled
}

// doubtGaps takes back gaps that are too few rays wide to be one, or that do
// not open from the outline: between arm and back a gap begins where they part.
func (o *outline) doubtGaps(length float64) {
	for i := 0; i < len(o.hollow); {
		if !o.hollow[i] {
			i++
			continue
		}
		end := i
		for end < len(o.hollow) && o.hollow[end] {
			end++
		}
		meets := func(a, b int) bool {
			return b < 0 || b >= len(o.coarse) || math.Abs(o.coarse[a]-o.coarse[b]) < jumpShare*length
		}
		if end-i < minGapStations || !meets(i, i-1) && !meets(end-1, end) {
			for k := i; k < end; k++ {
				o.coarse[k], o.hollow[k] = o.walk(k, length, false)
			}
		}
		i = end
	}
}

// jumpShare is the step between neighbouring stations, in axis lengths, that
// no trunk makes: an arm or a plate begins or ends there.
const jumpShare = 0.05

// smoothHalf is half the window of the parabola, stations.
const smoothHalf = 4

// smoothPieces fits a parabola over ±4 stations to src, never across a jump.
func smoothPieces(dst, src []float64, jump float64) {
	const half = smoothHalf
	for i := range src {
		dst[i] = math.NaN()
		if math.IsNaN(src[i]) {
			continue
		}
		lo, hi := i, i
		for lo > 0 && i-lo < half && math.Abs(src[lo-1]-src[lo]) < jump {
			lo--
		}
		for hi+1 < len(src) && hi-i < half && math.Abs(src[hi+1]-src[hi]) < jump {
			hi++
		}
		dst[i] = localQuadratic(src[lo:hi+1], i-lo)
	}
}

// localQuadratic is the value at index c of the least-squares parabola through
// y (a line through fewer than four points).
func localQuadratic(y []float64, c int) float64 {
	var s0, s1, s2, s3, s4, t0, t1, t2 float64
	for k, v := range y {
		x := float64(k - c)
		s0++
		s1 += x
		s2 += x * x
		s3 += x * x * x
		s4 += x * x * x * x
		t0 += v
		t1 += x * v
		t2 += x * x * v
	}
	if len(y) < 3 {
		return t0 / s0
	}
	if len(y) < 4 {
		return (t0*s2 - t1*s1) / (s0*s2 - s1*s1)
	}
	det := s0*(s2*s4-s3*s3) - s1*(s1*s4-s2*s3) + s2*(s1*s3-s2*s2)
	return (t0*(s2*s4-s3*s3) - s1*(t1*s4-t2*s3) + s2*(t1*s3-t2*s2)) / det
}
