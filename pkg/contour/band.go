package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Boundary positions are counted in standard deviations of the rough edge, so
// that the chain is the same at every station: states from -maxDeviation to
// maxDeviation.
const (
	maxDeviation = 4.0
	halfStates   = 32
	states       = 2*halfStates + 1
)

const (
	// together is the length over which the rough edge keeps its distance from
	// the true one, trunk lengths: two pixels of the mask's own grid. Measured
	// on rendered silhouettes.
	together = 0.12
	// leak is the chance that neighbouring stations have nothing to do with
	// each other: an arm or a plate begins between them.
	leak = 1e-3
	// modelVariance is what a region's local mean colour misses of the colour
	// at its edge: shading, texture (grey levels squared).
	modelVariance = 16.0
	// oddCost is the cost of a sample that shows neither side: an odd pixel (a
	// logo, a reflection) must not decide. It is the same for every model, and
	// that of three standard deviations at a deviation of ten grey levels.
	oddCost = 4.5 + 1.5*4.6
	// blurMisfit is what the assumed blur misses, as a share of the contrast:
	// colour is blurred twice as far as brightness (4:2:0), and codecs ring.
	blurMisfit = 0.12
	// displacement is how far compression moves an edge, in pixels times grey
	// levels of contrast: an error of 8 levels over an edge 2.5 pixels wide. It
	// is the same over a block of the codec, displacedStations stations.
	// Half of it the mask's network has seen as well, so that the rough edge
	// is no second opinion on that.
	displacement      = 20.0
	displacedStations = 4.0
	maxDisplaced      = 3.0 // pixels; it has a block of 8
	// floorSD is the least standard deviation claimed for an edge, pixels.
	floorSD = 0.2
	// blurPx is the standard deviation of the blur of an edge in the picture:
	// lens, demosaicing, codec.
	blurPx = 0.8
	// blend is the number of samples to either side of an edge that show both
	// of its colours.
	blend = 4
	// finest and coarsest are the steps between samples along a ray, pixels.
	finest, coarsest = 0.5, 1.0
	// reference is the length of ray that the colour of a side is taken from,
	// trunk lengths (1.5 cm).
	reference = 0.03
)

// band holds the picture along the rays of one edge and the chain over them.
type band struct {
	rays    [recording.NumStations]ray
	step    float64 // between samples, pixels
	margin  int     // samples on each side for the reference colours
	mixture [2 * blend]float64
	prior   [states]float64
	kernel  []float64
	shrink  float64 // share of the deviation that neighbouring stations have in common
	like    [recording.NumStations][states]float64
	forward [recording.NumStations][states]float64
	back    [states]float64
	next    [states]float64
	cum     []float64
	mixed   [][2 * blend]float64
	cost    []float64
	blurred []float64
	padded  []float64 // scratch
	weights []float64
}

// ray is the picture along one ray of the band.
type ray struct {
	ok      bool
	half    int // samples from the rough edge to the outermost boundary position
	spread  float64
	colour  [][3]float64
	room    [][3]float64 // where known
	known   []bool
	roomVar float64 // mean variance of the room
	moved   float64 // standard deviation of what compression did to the edge, pixels
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// refine fills edge from the picture round the rough edge (pixels from the
// axis, NaN where there is none), whose standard deviation is spread.
func (b *band) refine(edge recording.Edge, img Image, rm *room, t *recording.Trunk, side recording.Side, rough, spread []float64, length float64) {
	smallest := math.Inf(1)
	for i := range spread {
		if spread[i] < smallest {
			smallest = spread[i]
		}
	}
	b.step = max(finest, min(coarsest, smallest/3))
	b.margin = int(max(reference*length, 6)/b.step) + blend
	b.set()
	// Evidence of samples closer together than the picture's grain is shared.
	noise := rm.noise * rm.noise
	patch := (firstGrain*firstGrain*modelVariance + rm.grain*rm.grain*noise) / (modelVariance + noise)
	weight := min(1, b.step*max(1, recording.StationStep*length)/patch)
	for i, c := range rough {
		edge[i] = recording.Sample{Offset: math.NaN(), SD: math.NaN()}
		b.rays[i].ok = !math.IsNaN(c) && b.sample(img, rm, t, side, i, c, spread[i])
		if b.rays[i].ok {
			b.likelihood(i, weight, noise)
		}
	}
	b.chain(edge, rough, length)
}

// set prepares prior and transitions of the deviation from the rough edge: a
// stationary Gauss–Markov process (Ornstein–Uhlenbeck), so that a stretch of
// mask that is off as a whole counts as one observation, not as many.
func (b *band) set() {
	const perState = maxDeviation / halfStates
	for k := range b.mixture {
		x := (float64(k-blend) + 0.5) * b.step / blurPx
		b.mixture[k] = 0.5 * math.Erfc(x/math.Sqrt2)
	}
	if b.kernel != nil {
		return
	}
	for k := range b.prior {
		x := float64(k-halfStates) * perState
		b.prior[k] = math.Exp(-x * x / 2)
	}
	normalise(b.prior[:])
	b.shrink = math.Exp(-recording.StationStep / together)
	b.kernel = gaussian(nil, math.Sqrt(1-b.shrink*b.shrink)/perState)
}

// gaussian fills dst with a normalised bell of the given standard deviation in
// samples.
func gaussian(dst []float64, sd float64) []float64 {
	r := int(math.Ceil(3 * sd))
	dst = resize(dst, 2*r+1)
	for k := range dst {
		x := float64(k-r) / sd
		dst[k] = math.Exp(-x * x / 2)
	}
	normalise(dst)
	return dst
}

// sample reads the picture along the ray of station i, from the margin inside
// the band to the margin outside. It reports false where that leaves the
// picture.
func (b *band) sample(img Image, rm *room, t *recording.Trunk, side recording.Side, i int, rough, spread float64) bool {
	r := &b.rays[i]
	r.spread = spread
	r.half = int(math.Ceil(maxDeviation*spread/b.step)) + 1
	n := 2*(r.half+b.margin) + 1
	r.colour, r.room, r.known = resize(r.colour, n), resize(r.room, n), resize(r.known, n)
	normal, _ := t.Normal(side)
	p := t.At(side, i, rough-float64(r.half+b.margin)*b.step)
	dx, dy := b.step*normal.X, b.step*normal.Y
	if !img.holds(p) || !img.holds(recording.Point{X: p.X + float64(n-1)*dx, Y: p.Y + float64(n-1)*dy}) {
		return false
	}
	sum, known := 0.0, 0
	for k := range r.colour {
		x, y := p.X+float64(k)*dx, p.Y+float64(k)*dy
		img.bilinear(x, y, &r.colour[k])
		var v float64
		if v, r.known[k] = rm.at(x, y, &r.room[k]); r.known[k] {
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
	up, down := m.Pix[o:o+6:o+6], m.Pix[o+3*m.Width:o+3*m.Width+6]
	for k := range c {
		a := float64(up[k])*(1-fx) + float64(up[k+3])*fx
		b := float64(down[k])*(1-fx) + float64(down[k+3])*fx
		c[k] = a*(1-fy) + b*fy
	}
}

// likelihood fills the likelihood of each boundary position at station i: how
// well a blurred step there explains the samples. The colours of both sides are
// taken from what lies two standard deviations of the rough edge from it, on
// the outside from the room where that is known.
func (b *band) likelihood(i int, weight, noise float64) {
	r := &b.rays[i]
	n := len(r.colour)
	clear := int(2 * r.spread / b.step)
	width := b.margin - blend
	inEnd, outStart := n/2-clear, n/2+clear+1
	in, spreadIn := meanColour(r.colour[max(0, inEnd-width):inEnd])
	out, spreadOut := meanColour(r.colour[outStart:min(n, outStart+width)])
	model := modelVariance + blurMisfit*blurMisfit*dist2(&in, &out)/3
	varIn := max(noise, spreadIn) + model
	varOut := max(noise, spreadOut) + model
	varRoom := max(noise, r.roomVar) + model

	// cost of each sample, as inner, as outer and at each place in the blur
	b.cum, b.mixed = resize(b.cum, n+1), resize(b.mixed, n)
	var outer, wall boundary
	outer.set(&b.mixture, varIn, varOut)
	wall.set(&b.mixture, varIn, varRoom)
	b.cum[0] = 0
	for k := range r.colour {
		o, v := &out, &outer
		if r.known[k] {
			o, v = &r.room[k], &wall
		}
		c := &r.colour[k]
		// With e = c-o and d = in-o: |c - (a·in + (1-a)·o)|² = ee - 2a·ed + a²·dd.
		var ee, ed, dd float64
		for ch := range c {
			e, d := c[ch]-o[ch], in[ch]-o[ch]
			ee += e * e
			ed += e * d
			dd += d * d
		}
		asIn := min(oddCost, (ee-2*ed+dd)*v.in.scale+v.in.log)
		asOut := min(oddCost, ee*v.out.scale+v.out.log)
		b.cum[k+1] = b.cum[k] + asIn - asOut
		mixed := &b.mixed[k]
		for m := range mixed {
			a, q := b.mixture[m], &v.mixed[m]
			mixed[m] = min(oddCost, (ee-2*a*ed+a*a*dd)*q.scale+q.log)
		}
		for m := range blend {
			mixed[m] -= asIn
			mixed[m+blend] -= asOut
		}
	}
	b.place(i, weight)
}

// normal is a normal distribution of colour: the cost of a squared distance q
// is q·scale + log.
type normal struct{ scale, log float64 }

func normalOf(variance float64) normal {
	return normal{1 / (2 * variance), 1.5 * math.Log(variance)}
}

// boundary is the distributions of colour on both sides of an edge and in its
// blur.
type boundary struct {
	in, out normal
	mixed   [2 * blend]normal
}

func (v *boundary) set(mixture *[2 * blend]float64, varIn, varOut float64) {
	v.in, v.out = normalOf(varIn), normalOf(varOut)
	for k, a := range mixture {
		v.mixed[k] = normalOf(a*a*varIn + (1-a)*(1-a)*varOut)
	}
}

// place turns the samples' costs into the likelihood of the states of station
// i, blurred by what compression may have moved the edge.
func (b *band) place(i int, weight float64) {
	r := &b.rays[i]
	count := 2*r.half + 1
	b.cost, b.blurred = resize(b.cost, count), resize(b.blurred, count)
	best := 0
	for s := range b.cost {
		// The boundary is in the middle of sample k, half of which is inside:
		// the average of the two placements half a sample to either side.
		k := b.margin + s
		cost := (b.cum[k] + b.cum[k+1]) / 2
		for m := range 2 * blend {
			j := k + m - blend
			cost += (b.mixed[j][m] + b.mixed[j+1][m]) / 2
		}
		b.cost[s] = cost * weight
		if b.cost[s] < b.cost[best] {
			best = s
		}
	}
	lowest := b.cost[best]
	for s, c := range b.cost {
		b.cost[s] = math.Exp(lowest - c)
	}
	at := b.margin + best
	in, _ := meanColour(r.colour[at-3*blend/2 : at-blend/2])
	out, _ := meanColour(r.colour[at+blend/2+1 : at+3*blend/2+1])
	contrast := math.Sqrt(dist2(&in, &out) / 3)
	r.moved = min(displacement/max(contrast, 1), maxDisplaced)
	blur := r.moved * math.Sqrt(displacedStations) / b.step
	b.weights = gaussian(b.weights, max(0.5, min(blur, float64(r.half))))
	convolve(b.blurred, b.cost, b.weights, &b.padded)
	row := &b.like[i]
	for k := range row {
		x := float64(k-halfStates)*maxDeviation/halfStates*r.spread/b.step + float64(r.half)
		j := int(x)
		f := x - float64(j)
		row[k] = b.blurred[j]*(1-f) + b.blurred[j+1]*f
	}
}

func meanColour(s [][3]float64) (mean [3]float64, spread float64) {
	for i := range s {
		for k := range mean {
			mean[k] += s[i][k]
		}
	}
	for k := range mean {
		mean[k] /= float64(len(s))
	}
	for i := range s {
		spread += dist2(&s[i], &mean)
	}
	return mean, spread / float64(3*len(s))
}

func dist2(a, b *[3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return x*x + y*y + z*z
}

// broken reports whether the chain of stations is cut between i-1 and i.
func (b *band) broken(rough []float64, i int, length float64) bool {
	return i == 0 || i == len(rough) || !b.rays[i].ok || !b.rays[i-1].ok ||
		math.Abs(rough[i]-rough[i-1]) > jumpShare*length
}

// chain runs the forward–backward algorithm over the stations (Rabiner, Proc.
// IEEE 77:257, 1989) and stores the posterior mean and standard deviation.
// Stations without evidence cut the chain.
func (b *band) chain(edge recording.Edge, rough []float64, length float64) {
	for i := range rough {
		f := &b.forward[i]
		if b.broken(rough, i, length) {
			*f = b.prior
		} else {
			shrink(&b.next, &b.forward[i-1], b.shrink)
			convolve(f[:], b.next[:], b.kernel, &b.padded)
			for k := range f {
				f[k] = f[k]*(1-leak) + leak*b.prior[k]
			}
		}
		if !b.rays[i].ok {
			continue
		}
		for k := range f {
			f[k] *= b.like[i][k]
		}
		normalise(f[:])
	}
	for i := len(rough) - 1; i >= 0; i-- {
		if b.broken(rough, i+1, length) {
			for k := range b.back {
				b.back[k] = 1
			}
		} else {
			fresh := 0.0
			for k := range b.back {
				b.back[k] *= b.like[i+1][k]
				fresh += b.prior[k] * b.back[k]
			}
			convolve(b.next[:], b.back[:], b.kernel, &b.padded)
			gather(&b.back, &b.next, b.shrink)
			for k := range b.back {
				b.back[k] = b.back[k]*(1-leak) + leak*fresh
			}
			normalise(b.back[:])
		}
		if !b.rays[i].ok {
			continue
		}
		var sum, mean, sq float64
		for k, f := range b.forward[i] {
			p := f * b.back[k]
			x := float64(k-halfStates) * maxDeviation / halfStates
			sum += p
			mean += p * x
			sq += p * x * x
		}
		mean /= sum
		sd := math.Sqrt(max(0, sq/sum-mean*mean)) * b.rays[i].spread
		edge[i].Offset = rough[i] + mean*b.rays[i].spread
		edge[i].SD = math.Sqrt(sd*sd + floorSD*floorSD + b.rays[i].moved*b.rays[i].moved/4)
	}
}

// shrink moves every state of src towards the middle by the factor keep.
func shrink(dst, src *[states]float64, keep float64) {
	*dst = [states]float64{}
	for k, p := range src {
		x := float64(k-halfStates)*keep + halfStates
		j := int(x)
		f := x - float64(j)
		dst[j] += p * (1 - f)
		dst[min(j+1, states-1)] += p * f
	}
}

// gather is the transpose of shrink.
func gather(dst, src *[states]float64, keep float64) {
	for k := range dst {
		x := float64(k-halfStates)*keep + halfStates
		j := int(x)
		f := x - float64(j)
		dst[k] = src[j]*(1-f) + src[min(j+1, states-1)]*f
	}
}

// convolve sets dst to src, of the same length, convolved with a kernel of odd
// length. Four sums at a time need not wait for each other; padded is memory for
// src with zeros round it.
func convolve(dst, src, kernel []float64, padded *[]float64) {
	const abreast = 4
	r := len(kernel) / 2
	p := resize(*padded, len(src)+2*r+abreast)
	*padded = p
	clear(p[:r])
	copy(p[r:], src)
	clear(p[r+len(src):])
	for k := 0; k < len(dst); k += abreast {
		var s0, s1, s2, s3 float64 // an array would not be kept in registers
		from := p[k:]
		for j, w := range kernel {
			q := from[j : j+abreast : j+abreast]
			s0 += q[0] * w
			s1 += q[1] * w
			s2 += q[2] * w
			s3 += q[3] * w
		}
		if d := dst[k:]; len(d) >= abreast {
			d[0], d[1], d[2], d[3] = s0, s1, s2, s3
		} else {
			copy(d, []float64{s0, s1, s2})
		}
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
