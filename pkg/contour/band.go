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
	minHalfBandPx = 4.0
	maxStates     = 161
	marginPx      = 6.0
)

const (
	// maskSD is how far the mask's edge lies from the true one, mask pixels,
	// and maskReach the length over which it keeps that distance, trunk
	// lengths. Measured on rendered silhouettes.
	maskSD    = 1.3
	maskReach = 0.5
	// leak is the chance that neighbouring stations have nothing to do with
	// each other: an arm or a plate begins between them.
	leak = 1e-3
	// modelVariance is what a region's local mean colour misses of the colour
	// at its edge: shading, texture (grey levels squared).
	modelVariance = 16.0
	// blurMisfit is what the assumed blur misses, as a share of the contrast:
	// colour is blurred twice as far as brightness (4:2:0), and codecs ring.
	blurMisfit = 0.12
	// floorSD is the least standard deviation claimed for an edge, pixels.
	floorSD = 0.3
	// oddCost is the cost of a sample that shows neither side: an odd pixel (a
	// logo, a reflection) must not decide. It is the same for every model, and
	// that of three standard deviations at a deviation of ten grey levels.
	oddCost = 4.5 + 1.5*4.6
	// spreadPx is the standard deviation of the blur of an edge in the
	// picture: lens, demosaicing, codec.
	spreadPx = 0.8
	// blend is the number of samples to either side of an edge that show both
	// of its colours.
	blend = 4
)

// mixture is the share of the inner colour at blend+k samples beyond an edge,
// for k from -blend: a step blurred by spreadPx.
var mixture = func() (m [2 * blend]float64) {
	for k := range m {
		x := (float64(k-blend) + 0.5) * bandStep / spreadPx
		m[k] = 0.5 * math.Erfc(x/math.Sqrt2)
	}
	return m
}()

// ray is the picture along one ray of the band.
type ray struct {
	ok      bool
	colour  []([3]float64)
	outside []([3]float64) // the room, where known
	known   []bool
	roomVar float64 // mean variance of the room
}

// band holds the picture along the rays of one edge and the chain over them.
type band struct {
	rays    [recording.NumStations]ray
	like    []float64 // stations × states, likelihood of each boundary position
	forward []float64
	back    []float64
	next    []float64
	kernel  []float64
	prior   []float64
	shrink  float64 // share of the deviation that neighbouring stations have in common
	cum     []float64
	log     []float64
	mixed   [][2 * blend]float64
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// refine fills edge from the picture round the rough edge at centre (pixels
// from the axis, NaN where there is none).
func (b *band) refine(edge recording.Edge, img Image, rm *room, t *recording.Trunk, side recording.Side, centre []float64, maskPx, length float64) {
	half := int(math.Ceil(math.Max(halfBand*maskPx, minHalfBandPx) / bandStep))
	half = min(half, (maxStates-1)/2)
	states := 2*half + 1
	b.like = resize(b.like, len(centre)*states)
	b.forward = resize(b.forward, len(centre)*states)
	b.back = resize(b.back, states)
	b.next = resize(b.next, states)
	b.setChain(half, maskPx)
	for i, c := range centre {
		edge[i] = recording.Sample{Offset: math.NaN(), SD: math.NaN()}
		b.rays[i].ok = !math.IsNaN(c) && b.sample(img, rm, t, side, i, c, half)
	}
	// Evidence of samples closer together than the picture's grain is shared.
	noise := rm.noise * rm.noise
	patch := (firstGrain*firstGrain*modelVariance + rm.grain*rm.grain*noise) / (modelVariance + noise)
	weight := math.Min(1, bandStep*math.Max(1, recording.StationStep*length)/patch)
	// Where the sides are surely apart: beyond 1.2 mask pixels from the rough
	// edge.
	clear := int(1.2 * maskPx / bandStep)
	for i := range centre {
		if b.rays[i].ok {
			b.likelihood(b.like[i*states:(i+1)*states], i, half, clear, weight, rm)
		}
	}
	b.chain(edge, centre, states, half, length)
}

// broken reports whether the chain of stations is cut between i-1 and i.
func (b *band) broken(centre []float64, i int, length float64) bool {
	return i == 0 || i == len(centre) || !b.rays[i].ok || !b.rays[i-1].ok ||
		math.Abs(centre[i]-centre[i-1]) > jumpShare*length
}

// setChain sets prior and transitions of the deviation from the rough edge: a
// stationary Gauss–Markov process (Ornstein–Uhlenbeck), so that a stretch of
// mask that is off as a whole counts as one observation, not as many.
func (b *band) setChain(half int, maskPx float64) {
	sd := maskSD * maskPx / bandStep
	b.shrink = math.Exp(-recording.StationStep / maskReach)
	b.prior = resize(b.prior, 2*half+1)
	for k := range b.prior {
		x := float64(k-half) / sd
		b.prior[k] = math.Exp(-x * x / 2)
	}
	normalise(b.prior)
	sd = math.Max(sd*math.Sqrt(1-b.shrink*b.shrink), 0.5)
	r := int(math.Ceil(3 * sd))
	b.kernel = resize(b.kernel, 2*r+1)
	for k := range b.kernel {
		x := float64(k-r) / sd
		b.kernel[k] = math.Exp(-x * x / 2)
	}
	normalise(b.kernel)
}

// sample reads the picture along the ray of station i, from the margin inside
// the band to the margin outside. It reports false where that leaves the
// picture.
func (b *band) sample(img Image, rm *room, t *recording.Trunk, side recording.Side, i int, centre float64, half int) bool {
	margin := int(marginPx / bandStep)
	n := 2*(half+margin) + 1
	r := &b.rays[i]
	r.colour, r.outside, r.known = resize(r.colour, n), resize(r.outside, n), resize(r.known, n)
	normal, _ := t.Normal(side)
	p := t.At(side, i, centre-float64(half+margin)*bandStep)
	last := recording.Point{X: p.X + float64(n-1)*bandStep*normal.X, Y: p.Y + float64(n-1)*bandStep*normal.Y}
	if !img.holds(p) || !img.holds(last) {
		return false
	}
	sum, known := 0.0, 0
	for k := range r.colour {
		x, y := p.X+float64(k)*bandStep*normal.X, p.Y+float64(k)*bandStep*normal.Y
		img.bilinear(x, y, &r.colour[k])
		var v float64
		if v, r.known[k] = rm.at(x, y, &r.outside[k]); r.known[k] {
			sum += v
			known++
		}
	}
	r.roomVar = sum / float64(max(known, 1))
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
// ray of station i: how well a blurred step there explains the samples. The
// colours of both sides are taken from what lies more than clear samples from
// the boundary position at, and on the outside from the room where known.
func (b *band) likelihood(row []float64, i, at, clear int, weight float64, rm *room) {
	r := &b.rays[i]
	n := len(r.colour)
	margin := (n - len(row)) / 2
	inEnd := max(margin/2, min(n-margin/2, margin+at-clear))
	outStart := max(margin/2, min(n-margin/2, margin+at+clear))
	const near = 2 * 8 / bandStep / 2 // samples looked at, 8 px
	in, spreadIn := meanColour(r.colour[max(0, inEnd-int(near)):inEnd])
	out, spreadOut := meanColour(r.colour[outStart:min(n, outStart+int(near))])
	noise := rm.noise * rm.noise
	model := modelVariance + blurMisfit*blurMisfit*dist2(in, out)/3
	varIn := math.Max(noise, spreadIn) + model
	varOut := math.Max(noise, spreadOut) + model
	varRoom := math.Max(noise, r.roomVar) + model

	// cost of each sample, as inner, as outer and at each place in the blur
	b.cum, b.mixed = resize(b.cum, n+1), resize(b.mixed, n)
	var scaleOut, scaleRoom, offOut, offRoom [2 * blend]float64
	for k, a := range mixture {
		v := a*a*varIn + (1-a)*(1-a)*varOut
		w := a*a*varIn + (1-a)*(1-a)*varRoom
		scaleOut[k], offOut[k] = 1/(2*v), 1.5*math.Log(v)
		scaleRoom[k], offRoom[k] = 1/(2*w), 1.5*math.Log(w)
	}
	lnIn, lnOut, lnRoom := 1.5*math.Log(varIn), 1.5*math.Log(varOut), 1.5*math.Log(varRoom)
	b.cum[0] = 0
	for k := range r.colour {
		c := &r.colour[k]
		o, vo, lo, scale, off := &out, varOut, lnOut, &scaleOut, &offOut
		if r.known[k] {
			o, vo, lo, scale, off = &r.outside[k], varRoom, lnRoom, &scaleRoom, &offRoom
		}
		// with e = c-o and d = in-o: |c - (a·in + (1-a)·o)|² = ee - 2a·ed + a²·dd
		var ee, ed, dd float64
		for ch := range c {
			e, d := c[ch]-o[ch], in[ch]-o[ch]
			ee += e * e
			ed += e * d
			dd += d * d
		}
		asIn := math.Min(oddCost, (ee-2*ed+dd)/(2*varIn)+lnIn)
		asOut := math.Min(oddCost, ee/(2*vo)+lo)
		b.cum[k+1] = b.cum[k] + asIn - asOut
		for m, a := range mixture {
			mixed := math.Min(oddCost, (ee-2*a*ed+a*a*dd)*scale[m]+off[m])
			if m < blend {
				b.mixed[k][m] = mixed - asIn
			} else {
				b.mixed[k][m] = mixed - asOut
			}
		}
	}
	best := math.Inf(1)
	for s := range row {
		// The boundary lies at sample margin+s: half of it inside.
		k := margin + s
		cost := (b.cum[k] + b.cum[k+1]) / 2
		for m := range mixture {
			j := k + m - blend
			// the boundary is in the middle of sample k: average of the two
			// placements half a sample to either side
			cost += (b.mixed[j][m] + b.mixed[j+1][m]) / 2
		}
		row[s] = cost * weight
		best = math.Min(best, row[s])
	}
	for s := range row {
		row[s] = math.Exp(best - row[s])
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

// chain runs the forward–backward algorithm over the stations (Rabiner, Proc.
// IEEE 77:257, 1989) and stores the posterior mean and standard deviation.
// Stations without evidence cut the chain.
func (b *band) chain(edge recording.Edge, centre []float64, states, half int, length float64) {
	for i := range centre {
		row := b.like[i*states : (i+1)*states]
		f := b.forward[i*states : (i+1)*states]
		if b.broken(centre, i, length) {
			copy(f, b.prior)
		} else {
			b.shrinkInto(b.next, b.forward[(i-1)*states:i*states], half)
			b.convolve(f, b.next)
			for k := range f {
				f[k] = f[k]*(1-leak) + leak*b.prior[k]
			}
		}
		for k := range f {
			f[k] *= row[k]
		}
		normalise(f)
	}
	for i := len(centre) - 1; i >= 0; i-- {
		if b.broken(centre, i+1, length) {
			for k := range b.back {
				b.back[k] = 1
			}
		} else {
			row := b.like[(i+1)*states : (i+2)*states]
			fresh := 0.0
			for k := range b.next {
				b.back[k] *= row[k]
				fresh += b.prior[k] * b.back[k]
			}
			b.convolve(b.next, b.back)
			b.gather(b.back, b.next, half)
			for k := range b.back {
				b.back[k] = b.back[k]*(1-leak) + leak*fresh
			}
			normalise(b.back)
		}
		if !b.rays[i].ok {
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

// shrinkInto moves every state of src towards the middle by the chain's
// shrinkage.
func (b *band) shrinkInto(dst, src []float64, half int) {
	for k := range dst {
		dst[k] = 0
	}
	for k, p := range src {
		x := float64(k-half)*b.shrink + float64(half)
		j := int(x)
		f := x - float64(j)
		dst[j] += p * (1 - f)
		if f > 0 {
			dst[j+1] += p * f
		}
	}
}

// gather is the transpose of shrinkInto.
func (b *band) gather(dst, src []float64, half int) {
	for k := range dst {
		x := float64(k-half)*b.shrink + float64(half)
		j := int(x)
		f := x - float64(j)
		dst[k] = src[j] * (1 - f)
		if f > 0 {
			dst[k] += src[j+1] * f
		}
	}
}

func (b *band) convolve(dst, src []float64) {
	r := len(b.kernel) / 2
	for k := range dst {
		lo, hi := max(0, k-r), min(len(src)-1, k+r)
		s := 0.0
		for j := lo; j <= hi; j++ {
			s += src[j] * b.kernel[j-k+r]
		}
		dst[k] = s
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
