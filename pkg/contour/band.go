package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// The band is sampled every bandStep picture pixels, halfBand mask pixels (at
// least minHalfBandPx) to either side of the mask's edge, with a margin for the
// colours on both sides.
const (
	bandStep      = 0.5
	halfBand      = 3.0
	minHalfBandPx = 3.0
	maxStates     = 161
	marginPx      = 6.0
)

const (
	// maskSD is how far the mask's edge lies from the true one, mask pixels.
	// Measured on rendered silhouettes; see docs/accuracy.md.
	maskSD = 1.1
	// slack is the standard deviation of the change of the deviation from the
	// smoothed mask edge between neighbouring stations, in mask pixels.
	slack = 0.18
	// leak is the chance that neighbouring stations have nothing to do with
	// each other: an arm or a plate begins between them.
	leak = 1e-3
	// colourNoise is the standard deviation of a colour channel about its
	// region's local mean: sensor, compression, texture.
	colourNoise = 9.0
	// correlated is the number of band samples that carry one independent
	// piece of evidence: neighbouring samples share pixels, and pixels share
	// blocks of the codec.
	correlated = 6.0
	// floorSD is the least standard deviation claimed for an edge, pixels.
	floorSD = 0.3
)

// band holds the picture along the rays of one edge and the chain over them.
type band struct {
	colour  [][3]float64 // one ray's samples
	cumIn   []float64
	like    []float64 // stations × states, likelihood of each boundary position
	forward []float64
	back    []float64
	next    []float64
	kernel  []float64
	spread  []float64
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// refine fills edge from the picture round the mask's edge at centre (pixels
// from the axis, NaN where there is none).
func (b *band) refine(edge recording.Edge, img Image, t *recording.Trunk, side recording.Side, centre []float64, maskPx, length float64) {
	half := int(math.Ceil(math.Max(halfBand*maskPx, minHalfBandPx) / bandStep))
	half = min(half, (maxStates-1)/2)
	states := 2*half + 1
	b.like = resize(b.like, len(centre)*states)
	b.forward = resize(b.forward, len(centre)*states)
	b.back = resize(b.back, states)
	b.next = resize(b.next, states)
	b.setKernel(math.Max(slack*maskPx, 0.25) / bandStep)
	for i, c := range centre {
		edge[i] = recording.Sample{Offset: math.NaN(), SD: math.NaN()}
		row := b.like[i*states : (i+1)*states]
		if math.IsNaN(c) || !b.sample(img, t, side, i, c, half) {
			for k := range row {
				row[k] = math.NaN()
			}
			continue
		}
		b.likelihood(row, half, maskPx)
	}
	b.smooth(edge, centre, states, half, length)
}

func (b *band) setKernel(sd float64) {
	r := int(math.Ceil(3 * sd))
	b.kernel = resize(b.kernel, 2*r+1)
	sum := 0.0
	for k := range b.kernel {
		x := float64(k-r) / sd
		b.kernel[k] = math.Exp(-x * x / 2)
		sum += b.kernel[k]
	}
	for k := range b.kernel {
		b.kernel[k] /= sum
	}
}

// sample reads the picture along the ray of station i, from the margin inside
// the band to the margin outside. It reports false where that leaves the
// picture.
func (b *band) sample(img Image, t *recording.Trunk, side recording.Side, i int, centre float64, half int) bool {
	margin := int(marginPx / bandStep)
	n := 2*(half+margin) + 1
	if cap(b.colour) < n {
		b.colour = make([][3]float64, n)
	}
	b.colour = b.colour[:n]
	normal, _ := t.Normal(side)
	p := t.At(side, i, centre-float64(half+margin)*bandStep)
	last := recording.Point{X: p.X + float64(n-1)*bandStep*normal.X, Y: p.Y + float64(n-1)*bandStep*normal.Y}
	if !img.holds(p) || !img.holds(last) {
		return false
	}
	for k := range b.colour {
		img.bilinear(p.X+float64(k)*bandStep*normal.X, p.Y+float64(k)*bandStep*normal.Y, &b.colour[k])
	}
	return true
}

// holds reports whether bilinear may be called at p. Pixel centres are at .5.
func (m Image) holds(p recording.Point) bool {
	return p.X >= 0.5 && p.Y >= 0.5 && p.X < float64(m.Width)-1 && p.Y < float64(m.Height)-1
}

func (m Image) bilinear(x, y float64, c *[3]float64) {
	x, y = x-0.5, y-0.5
	ix, iy := int(x), int(y)
	fx, fy := x-float64(ix), y-float64(iy)
	o := (iy*m.Width + ix) * 3
	up, down := m.Pix[o:o+6], m.Pix[o+3*m.Width:o+3*m.Width+6]
	for k := range c {
		a := float64(up[k])*(1-fx) + float64(up[k+3])*fx
		b := float64(down[k])*(1-fx) + float64(down[k+3])*fx
		c[k] = a*(1-fy) + b*fy
	}
}

// likelihood fills row with the likelihood of each boundary position along the
// sampled ray: the mask's own opinion times how well the position parts the
// colours inside from those outside.
func (b *band) likelihood(row []float64, half int, maskPx float64) {
	n := len(b.colour)
	margin := (n - len(row)) / 2
	// Colours that are surely inside and surely outside: beyond 1.2 mask
	// pixels from the mask's edge, as far as the band goes.
	clear := margin + half - int(1.2*maskPx/bandStep)
	clear = max(clear, margin)
	in, spreadIn := meanColour(b.colour[:clear])
	out, spreadOut := meanColour(b.colour[n-clear:])
	varIn := colourNoise*colourNoise + spreadIn
	varOut := colourNoise*colourNoise + spreadOut
	b.cumIn = resize(b.cumIn, n+1)
	b.cumIn[0] = 0
	for k, c := range b.colour {
		// log-likelihood ratio outside : inside of this sample, bounded so that
		// a single odd pixel cannot decide
		r := dist2(c, in)/(2*varIn) - dist2(c, out)/(2*varOut)
		b.cumIn[k+1] = b.cumIn[k] + math.Max(-4, math.Min(4, r))
	}
	best := math.Inf(-1)
	for k := range row {
		// boundary before sample margin+k: those beyond it are outside
		edge := b.cumIn[n] - b.cumIn[margin+k]
		d := float64(k-half) * bandStep / (maskSD * maskPx)
		row[k] = edge/correlated - d*d/2
		best = math.Max(best, row[k])
	}
	for k := range row {
		row[k] = math.Exp(row[k] - best)
	}
}

func meanColour(s [][3]float64) (mean [3]float64, spread float64) {
	for _, c := range s {
		for k := range mean {
			mean[k] += c[k]
		}
	}
	for k := range mean {
		mean[k] /= float64(len(s))
	}
	for _, c := range s {
		spread += dist2(c, mean)
	}
	return mean, spread / float64(3*len(s))
}

func dist2(a, b [3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return x*x + y*y + z*z
}

// smooth runs the forward–backward algorithm over the stations (Rabiner, Proc.
// IEEE 77:257, 1989) and stores the posterior mean and standard deviation.
// Stations without evidence cut the chain.
func (b *band) smooth(edge recording.Edge, centre []float64, states, half int, length float64) {
	broken := func(i int) bool { // between i-1 and i
		return i == 0 || i == len(centre) || math.IsNaN(b.like[i*states]) || math.IsNaN(b.like[(i-1)*states]) ||
			math.Abs(centre[i]-centre[i-1]) > jumpShare*length
	}
	for i := range centre {
		row := b.like[i*states : (i+1)*states]
		f := b.forward[i*states : (i+1)*states]
		if broken(i) {
			copy(f, row)
		} else {
			b.move(f, b.forward[(i-1)*states:i*states])
			for k := range f {
				f[k] *= row[k]
			}
		}
		normalise(f)
	}
	for i := len(centre) - 1; i >= 0; i-- {
		if broken(i + 1) {
			for k := range b.back {
				b.back[k] = 1
			}
		} else {
			row := b.like[(i+1)*states : (i+2)*states]
			for k := range b.next {
				b.next[k] = b.back[k] * row[k]
			}
			b.move(b.back, b.next)
			normalise(b.back)
		}
		if math.IsNaN(b.like[i*states]) {
			continue
		}
		f := b.forward[i*states : (i+1)*states]
		var sum, mean, sq float64
		for k := range f {
			p := f[k] * b.back[k]
			x := float64(k-half) * bandStep
			sum += p
			mean += p * x
			sq += p * x * x
		}
		mean /= sum
		variance := math.Max(0, sq/sum-mean*mean)
		edge[i].Offset = centre[i] + mean
		edge[i].SD = math.Sqrt(variance + floorSD*floorSD)
	}
}

// move convolves src with the transition kernel, plus the leak.
func (b *band) move(dst, src []float64) {
	r := len(b.kernel) / 2
	total := 0.0
	for _, v := range src {
		total += v
	}
	flat := leak * total / float64(len(src))
	for k := range dst {
		lo, hi := max(0, k-r), min(len(src)-1, k+r)
		s := 0.0
		for j := lo; j <= hi; j++ {
			s += src[j] * b.kernel[j-k+r]
		}
		dst[k] = s*(1-leak) + flat
	}
}

func normalise(p []float64) {
	sum := 0.0
	for _, v := range p {
		sum += v
	}
	for k := range p {
		p[k] /= sum
	}
}
