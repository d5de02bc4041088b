package plate

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

const (
	// rays is the number of rays on which the rim is measured.
	rays = 96
	// band is how far inside and outside of the first guess the rim is looked
	// for, and bandStep the distance of the samples, both in radii.
	band     = 0.12
	bandStep = 0.006
	samples  = 2*int(band/bandStep) + 1
	// minContrast is the least step at a rim, levels of a channel.
	minContrast = 4
	// outOfNoise is how much steeper a rim is than the flattest quarter of the samples.
	outOfNoise = 5
	// minSupport is the share of the rays that must meet the fitted rim.
	minSupport = 0.45
	// inRim is how far an edge may lie from the fitted rim to be of it, in
	// radii, and inRimPx the same in pixels for a small picture.
	inRim   = 0.015
	inRimPx = 0.8
	// narrowest is the ratio of the axes that a camera turned by 30° makes.
	narrowest = 0.86
)

// looks are the widths, in radii, within which edges draw the fit, one round
// of the fit each.
var looks = [...]float64{0.07, 0.05, 0.03, 0.02, 0.015}

// rim measures a plate's rim in the full picture.
type rim struct {
	most  [rays][samples]float32 // largest channel along the rays, from inside to outside
	least [rays][samples]float32 // smallest channel
	slope [rays][samples]float32
	cos   [rays]float64
	sin   [rays]float64
	ready bool
}

// fit refines a circle to an ellipse along the picture's axes. It reports
// false where there is too little of a rim.
func (m *rim) fit(img Image, guess recording.Disc) (recording.Disc, bool) {
	if !m.ready {
		for k := range rays {
			m.sin[k], m.cos[k] = math.Sincos(2 * math.Pi * float64(k) / rays)
		}
		m.ready = true
	}
	m.unroll(img, guess)
	least := m.differentiate()
	r := guess.RX
	var e ellipse
	e.rx, e.ry = 1, 1
	for _, look := range looks {
		if !e.improve(m, look, least) {
			return recording.Disc{}, false
		}
	}
	tolerance := max(inRim, inRimPx/r)
	met := 0
	for k := range rays {
		if at, ok := m.edge(k, e.radius(m.cos[k], m.sin[k]), tolerance, least); ok && math.Abs(at-e.radius(m.cos[k], m.sin[k])) <= tolerance {
			met++
		}
	}
	d := recording.Disc{
		X: guess.X + r*e.x, Y: guess.Y + r*e.y, RX: r * e.rx, RY: r * e.ry,
		Support: float64(met) / rays,
	}
	ratio := d.RX / d.RY
	return d, d.Support >= minSupport && ratio > narrowest && ratio < 1/narrowest
}

// unroll samples the picture along the rays; NaN outside the picture.
func (m *rim) unroll(img Image, g recording.Disc) {
	for k := range rays {
		dx, dy := g.RX*m.cos[k], g.RX*m.sin[k]
		for i := range samples {
			t := 1 - band + bandStep*float64(i)
			m.most[k][i], m.least[k][i] = img.at(g.X+t*dx, g.Y+t*dy)
		}
	}
}

// at is the picture's largest and smallest channel at (x, y), bilinear; NaN
// outside.
func (m Image) at(x, y float64) (most, least float32) {
	x, y = x-0.5, y-0.5
	if !(x >= 0 && y >= 0 && x < float64(m.Width-1) && y < float64(m.Height-1)) {
		return float32(math.NaN()), float32(math.NaN())
	}
	ix, iy := int(x), int(y)
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	o := (iy*m.Width + ix) * 3
	up, dn := m.Pix[o:o+6:o+6], m.Pix[o+3*m.Width:o+3*m.Width+6]
	mix := func(a, b, c, d byte) float32 {
		return (float32(a)*(1-fx)+float32(b)*fx)*(1-fy) + (float32(c)*(1-fx)+float32(d)*fx)*fy
	}
	return mix(max(up[0], up[1], up[2]), max(up[3], up[4], up[5]), max(dn[0], dn[1], dn[2]), max(dn[3], dn[4], dn[5])),
		mix(min(up[0], up[1], up[2]), min(up[3], up[4], up[5]), min(dn[0], dn[1], dn[2]), min(dn[3], dn[4], dn[5]))
}

// differentiate fills slope with the steeper change of the two along the rays, the
// mean of three neighbouring rays, over four samples, and returns the least
// that counts as an edge.
func (m *rim) differentiate() float32 {
	const reach = 2
	var sum float64
	var histogram [256]int
	for k := range rays {
		before, after := (k+rays-1)%rays, (k+1)%rays
		var steepest float32
		s := &m.slope[k]
		clear(s[:])
		for i := reach; i < samples-reach; i++ {
			step := func(p *[rays][samples]float32) float32 {
				v := p[before][i+reach] - p[before][i-reach] + 2*(p[k][i+reach]-p[k][i-reach]) + p[after][i+reach] - p[after][i-reach]
				return max(v, -v) / 4
			}
			v := max(step(&m.most), step(&m.least))
			if v != v { // outside the picture
				v = 0
			}
			s[i] = v
			histogram[int(min(v, 255))]++
			steepest = max(steepest, v)
		}
		sum += float64(steepest)
	}
	// A quarter of the usual step, where the background is as bright as the
	// plate, is no rim to be seen, and neither is what noise and texture do.
	flat, below := 0, 0
	for below < rays*(samples-2*reach)/4 {
		below += histogram[flat]
		flat++
	}
	return max(minContrast, float32(sum/rays)/4, outOfNoise*float32(flat-1))
}

// edge returns the radius at which ray k crosses an edge near radius about, in
// radii of the guess.
func (m *rim) edge(k int, about, look float64, least float32) (float64, bool) {
	s := &m.slope[k]
	centre := (about - 1 + band) / bandStep
	reach := 2 * look / bandStep
	lo, hi := max(int(centre-reach), 1), min(int(centre+reach+1), samples-2)
	best, at := float32(0), -1
	for i := lo; i <= hi; i++ {
		v := s[i]
		if v < least || v < s[i-1] || v <= s[i+1] {
			continue
		}
		d := (float64(i) - centre) / reach
		if w := v * float32(1-d*d); w > best {
			best, at = w, i
		}
	}
	if at < 0 {
		return 0, false
	}
	// sub-pixel: the top of the parabola through three samples
	l, c, r := float64(s[at-1]), float64(s[at]), float64(s[at+1])
	shift := 0.0
	if bend := l - 2*c + r; bend < 0 {
		shift = (l - r) / (2 * bend)
	}
	return 1 - band + bandStep*(float64(at)+shift), true
}

// ellipse is a rim in radii of the guess about the guess's centre.
type ellipse struct{ x, y, rx, ry float64 }

// radius is where the ray in direction (c, s) from the guess's centre meets the
// rim, to first order in the centre's offset and the axes' difference.
func (e *ellipse) radius(c, s float64) float64 {
	return e.x*c + e.y*s + e.rx*c*c + e.ry*s*s
}

// round is how strongly the axes are drawn to each other, in rays: enough to
// keep half a rim from being fitted by a cigar.
const round = 0.3

// improve fits the rim to the edges near it by least squares with Tukey's
// weights (Beaton & Tukey, Technometrics 16:147, 1974).
func (e *ellipse) improve(m *rim, look float64, least float32) bool {
	var a [4][5]float64
	n := 0
	for k := range rays {
		c, s := m.cos[k], m.sin[k]
		model := e.radius(c, s)
		at, ok := m.edge(k, model, look, least)
		if !ok {
			continue
		}
		u := (at - model) / (2 * look)
		if math.Abs(u) >= 1 {
			continue
		}
		n++
		w := (1 - u*u) * (1 - u*u)
		row := [5]float64{c, s, c * c, s * s, at}
		for i := range 4 {
			for j := range 5 {
				a[i][j] += w * row[i] * row[j]
			}
		}
	}
	if n < rays/3 {
		return false
	}
	a[2][2] += round
	a[3][3] += round
	a[2][3] -= round
	a[3][2] -= round
	x, ok := solve(a)
	if !ok {
		return false
	}
	e.x, e.y, e.rx, e.ry = x[0], x[1], x[2], x[3]
	return math.Hypot(e.x, e.y) < band && math.Abs((e.rx+e.ry)/2-1) < band
}

// solve solves four linear equations, the right-hand side in the fifth column.
func solve(a [4][5]float64) (x [4]float64, ok bool) {
	for i := range a {
		p := i
		for r := i + 1; r < len(a); r++ {
			if math.Abs(a[r][i]) > math.Abs(a[p][i]) {
				p = r
			}
		}
		a[i], a[p] = a[p], a[i]
		if math.Abs(a[i][i]) < 1e-9 {
			return x, false
		}
		for r := i + 1; r < len(a); r++ {
			f := a[r][i] / a[i][i]
			for c := i; c < len(a[i]); c++ {
				a[r][c] -= f * a[i][c]
			}
		}
	}
	for i := len(a) - 1; i >= 0; i-- {
		x[i] = a[i][4]
		for c := i + 1; c < len(a); c++ {
			x[i] -= a[i][c] * x[c]
		}
		x[i] /= a[i][i]
	}
	return x, true
}
