package plate

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

const (
	// trunkSize is the trunk's length in the small copy, pixels: a plate's
	// radius is then 11 to 44.
	trunkSize = 46.0
	// An edge is steeper than steep times the mean over 2·surround+1 pixels
	// squared.
	steep    = 1.2
	surround = 7
	// minSlope is the least gradient that counts, levels per pixel of the
	// small copy: below it there is but noise.
	minSlope = 1.5
	// maxSide bounds the small copy.
	maxSide = 320
)

// crop is a small copy of the lifter's surroundings and its gradient.
type crop struct {
	x0, y0 float64 // the copy's corner in the picture
	step   float64 // picture pixels per pixel of the copy
	trunk  float64 // the trunk's length in the copy
	w, h   int
	// Each pixel's largest and smallest channel: a red plate is as bright as a
	// grey wall, but not in both.
	most, least []float32
	gx, gy      []float32 // of the one that is steeper, levels per pixel
	mag         []float32 // magnitude of the gradient
	near        []float32 // its sum round about
	sums        []float32
}

func (c *crop) toPicture(x, y float64) (float64, float64) { return c.x0 + x*c.step, c.y0 + y*c.step }

// radii returns the plate's smallest and largest radius, pixels of the copy.
func (c *crop) radii() (lo, hi int) { return int(minRadius * c.trunk), int(maxRadius*c.trunk) + 1 }

// around is how much is copied about the window of the centre, trunk lengths:
// the whole of a plate of .7, and most of the largest.
const around = 0.7

// take copies what a plate with its centre in win covers.
func (c *crop) take(img Image, win window, trunk float64) bool {
	c.step = max(trunk/trunkSize, 1) // a small picture is not enlarged
	c.trunk = trunk / c.step
	margin := around * trunk
	c.x0, c.y0 = max(win.x0-margin, 0), max(win.y0-margin, 0)
	x1, y1 := min(win.x1+margin, float64(img.Width)), min(win.y1+margin, float64(img.Height))
	c.w, c.h = int((x1-c.x0)/c.step), int((y1-c.y0)/c.step)
	if c.w < 8 || c.h < 8 || c.w > maxSide || c.h > maxSide {
		return false
	}
	n := c.w * c.h
	c.most, c.least = grow(c.most, n), grow(c.least, n)
	c.gx, c.gy, c.mag = grow(c.gx, n), grow(c.gy, n), grow(c.mag, n)
	c.shrink(img)
	c.differentiate()
	c.surroundings()
	return true
}

func grow(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}

// shrink fills most and least with the mean of up to 3×3 pixels spread over each pixel
// of the copy.
func (c *crop) shrink(img Image) {
	per := min(max(int(c.step+0.5), 1), 3)
	cols := make([]int, c.w*per)
	for i := range cols {
		cols[i] = 3 * min(int(c.x0+(float64(i)+0.5)*c.step/float64(per)), img.Width-1)
	}
	scale := 1 / float32(per*per)
	for y := range c.h {
		most, least := c.most[y*c.w:(y+1)*c.w], c.least[y*c.w:(y+1)*c.w]
		clear(most)
		clear(least)
		for k := range per {
			sy := min(int(c.y0+(float64(y*per+k)+0.5)*c.step/float64(per)), img.Height-1)
			src := img.Pix[sy*img.Width*3 : (sy+1)*img.Width*3]
			for x := range most {
				var hi, lo int32
				for _, o := range cols[x*per : (x+1)*per] {
					p := src[o : o+3 : o+3]
					b, g, r := int32(p[0]), int32(p[1]), int32(p[2])
					hi += max(b, g, r)
					lo += min(b, g, r)
				}
				most[x] += float32(hi)
				least[x] += float32(lo)
			}
		}
		for x := range most {
			most[x] *= scale
			least[x] *= scale
		}
	}
}

// differentiate fills the gradient (Sobel) and its magnitude.
func (c *crop) differentiate() {
	clear(c.gx)
	clear(c.gy)
	clear(c.mag)
	w := c.w
	for y := 1; y+1 < c.h; y++ {
		for x := 1; x+1 < w; x++ {
			i := y*w + x
			gx, gy := sobel(c.most, i, w)
			hx, hy := sobel(c.least, i, w)
			m, n := gx*gx+gy*gy, hx*hx+hy*hy
			if n > m {
				gx, gy, m = hx, hy, n
			}
			c.gx[i], c.gy[i], c.mag[i] = gx, gy, float32(math.Sqrt(float64(m)))
		}
	}
}

func sobel(s []float32, i, w int) (gx, gy float32) {
	up, at, dn := s[i-w-1:i-w+2:i-w+2], s[i-1:i+2:i+2], s[i+w-1:i+w+2:i+w+2]
	gx = (up[2] - up[0] + 2*(at[2]-at[0]) + dn[2] - dn[0]) / 8
	gy = (dn[0] - up[0] + 2*(dn[1]-up[1]) + dn[2] - up[2]) / 8
	return gx, gy
}

// surroundings fills near, against which an edge must stand out, in the dark
// as in the light.
func (c *crop) surroundings() {
	c.near = grow(c.near, c.w*c.h)
	c.sums = grow(c.sums, c.w*c.h)
	boxSum(c.near, c.mag, c.sums, c.w, c.h, surround)
}

// votes reports whether pixel i is an edge that has a say.
func (c *crop) votes(i int) bool {
	const n = (2*surround + 1) * (2*surround + 1)
	m := c.mag[i]
	return m >= minSlope && m*n >= steep*c.near[i]
}

// boxSum writes to dst the sums of src over squares of 2·half+1 pixels; tmp is
// scratch. Outside the picture there are zeros.
func boxSum(dst, src, tmp []float32, w, h, half int) {
	for y := range h {
		row, out := src[y*w:(y+1)*w], tmp[y*w:(y+1)*w]
		var sum float32
		for x := range min(half, w) {
			sum += row[x]
		}
		for x := range w {
			if x+half < w {
				sum += row[x+half]
			}
			if x > half {
				sum -= row[x-half-1]
			}
			out[x] = sum
		}
	}
	column := dst[(h-1)*w : h*w] // running sums; the last row is written last
	clear(column)
	for y := range min(half, h) {
		for x, v := range tmp[y*w : (y+1)*w] {
			column[x] += v
		}
	}
	for y := range h {
		if y+half < h {
			for x, v := range tmp[(y+half)*w : (y+half+1)*w] {
				column[x] += v
			}
		}
		if y > half {
			for x, v := range tmp[(y-half-1)*w : (y-half)*w] {
				column[x] -= v
			}
		}
		copy(dst[y*w:(y+1)*w], column)
	}
}

// centre is a place on the small copy, pixels.
type centre struct{ x, y float64 }

// maxPeaks is how many peaks of the votes are looked at.
const maxPeaks = 8

// centres lets the edges vote and returns the strongest peaks within win.
func (f *Finder) centres(win window) []centre {
	c := &f.crop
	f.votes = grow(f.votes, c.w*c.h)
	clear(f.votes)
	f.vote(c.radii())
	// A gradient's direction is known to some degrees.
	f.blur = grow(f.blur, c.w*c.h)
	boxSum(f.blur, f.votes, c.sums, c.w, c.h, 2)
	f.votes, f.blur = f.blur, f.votes

	x0, x1 := max(int((win.x0-c.x0)/c.step), 1), min(int((win.x1-c.x0)/c.step), c.w-2)
	y0, y1 := max(int((win.y0-c.y0)/c.step), 1), min(int((win.y1-c.y0)/c.step), c.h-2)
	type peak struct {
		x, y int
		v    float32
	}
	var peaks []peak
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			if v := f.votes[y*c.w+x]; v > 0 && f.isPeak(x, y, v) {
				peaks = append(peaks, peak{x, y, v})
			}
		}
	}
	slices.SortFunc(peaks, func(a, b peak) int { return cmp.Compare(b.v, a.v) })
	peaks = peaks[:min(len(peaks), maxPeaks)]
	out := make([]centre, len(peaks))
	for i, p := range peaks {
		out[i] = centre{float64(p.x) + 0.5, float64(p.y) + 0.5}
	}
	return out
}

// vote adds every edge pixel's voice to the places from lo to hi pixels away
// along its gradient, to both sides: a plate may be darker or lighter than
// what is behind it. Voices fade with distance, since a large circle has more
// of them.
func (f *Finder) vote(lo, hi int) {
	const fixed = 16
	var voice [64]float32
	for r := lo; r <= hi; r++ {
		voice[r] = 1 / float32(r)
	}
	c := &f.crop
	w, h := c.w, c.h
	for y := 1; y+1 < h; y++ {
		for x := 1; x+1 < w; x++ {
			i := y*w + x
			if !c.votes(i) {
				continue
			}
			m := c.mag[i]
			dx, dy := int(c.gx[i]/m*(1<<fixed)), int(c.gy[i]/m*(1<<fixed))
			for range 2 {
				px, py := x<<fixed+1<<(fixed-1)+lo*dx, y<<fixed+1<<(fixed-1)+lo*dy
				for r := lo; r <= hi; r++ {
					ix, iy := px>>fixed, py>>fixed
					if uint(ix) >= uint(w) || uint(iy) >= uint(h) {
						break
					}
					f.votes[iy*w+ix] += voice[r]
					px += dx
					py += dy
				}
				dx, dy = -dx, -dy
			}
		}
	}
}

// isPeak reports whether no place within 3 pixels has more votes.
func (f *Finder) isPeak(x, y int, v float32) bool {
	w, h := f.crop.w, f.crop.h
	if at := y*w + x; f.votes[at-1] > v || f.votes[at+1] >= v || f.votes[at-w] > v || f.votes[at+w] >= v {
		return false
	}
	for dy := max(-3, -y); dy <= min(3, h-1-y); dy++ {
		for dx := max(-3, -x); dx <= min(3, w-1-x); dx++ {
			if f.votes[(y+dy)*w+x+dx] > v {
				return false
			}
		}
	}
	return true
}

const (
	// spokes is the number of directions in which a rim is looked for.
	spokes = 64
	// roughSupport is the share of the spokes that must cross an edge at a
	// radius to look closer. Clutter gives a fifth.
	roughSupport = 0.40
	// Round a ring of this support the rim may be fainter than the ring's
	// surroundings: a dark plate before a dark wall with a bright ring on it.
	ringSure     = 0.80
	faintSupport = 0.60
	// maxRadii is how many radii about one centre are looked at closer.
	maxRadii = 3
	// aligned is the cosine between gradient and radius from which an edge is
	// part of a rim (25°).
	aligned = 0.906
)

// polar looks at the small copy from a centre: one bit per radius in whole
// pixels and spoke, set where the spoke crosses an edge.
type polar struct {
	cos, sin [spokes]float64
	ready    bool
}

// circle is a circle on the small copy, pixels.
type circle struct{ x, y, r, support float64 }

// circles returns the radii about c at which enough of the circumference shows
// as an edge.
func (p *polar) circles(c *crop, at centre) []circle {
	if !p.ready {
		for k := range spokes {
			p.sin[k], p.cos[k] = math.Sincos(2 * math.Pi * float64(k) / spokes)
		}
		p.ready = true
	}
	lo, hi := c.radii()
	clear, faint := p.count(c, at, lo, hi)
	var found []circle
	ring := func(support *[64]float64, r int, least float64) {
		if s := support[r]; s >= least && s >= support[r-1] && s > support[r+1] {
			found = append(found, circle{at.x, at.y, float64(r), s})
		}
	}
	for r := lo; r <= hi; r++ {
		ring(&clear, r, roughSupport)
	}
	slices.SortFunc(found, func(a, b circle) int { return cmp.Compare(b.support, a.support) })
	found = found[:min(len(found), maxRadii)]
	if len(found) > 0 && found[0].support >= ringSure {
		largest := slices.MaxFunc(found, func(a, b circle) int { return cmp.Compare(a.r, b.r) }).r
		for r := int(largest) + 3; r <= hi; r++ {
			ring(&faint, r, faintSupport)
		}
	}
	return found
}

// count returns for each radius the share of the spokes that cross an edge
// there, one that stands out and any.
func (p *polar) count(c *crop, at centre, lo, hi int) (clear, faint [64]float64) {
	for k := range spokes {
		var outstanding, any uint64
		for r := lo; r <= hi; r++ {
			x, y := int(at.x+float64(r)*p.cos[k]), int(at.y+float64(r)*p.sin[k])
			if x < 0 || y < 0 || x >= c.w || y >= c.h {
				break
			}
			i := y*c.w + x
			if m := c.mag[i]; m < minSlope || math.Abs(float64(c.gx[i])*p.cos[k]+float64(c.gy[i])*p.sin[k]) < aligned*float64(m) {
				continue
			}
			any |= 1 << uint(r)
			if c.votes(i) {
				outstanding |= 1 << uint(r)
			}
		}
		tally(&clear, outstanding)
		tally(&faint, any)
	}
	return clear, faint
}

// tally adds a spoke to the radii that its edges are at or next to.
func tally(support *[64]float64, edges uint64) {
	edges |= edges<<1 | edges>>1
	for edges != 0 {
		support[bits.TrailingZeros64(edges)] += 1.0 / spokes
		edges &= edges - 1
	}
}
