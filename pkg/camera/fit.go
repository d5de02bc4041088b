package camera

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// What is fitted: growth, turn, shift along x and y, gain and lift of the
// brightness.
const params = 6

// place is a pixel of the key with an edge.
type place struct {
	x, y  float64         // about the picture's middle
	value float64         // brightness
	slope [params]float64 // of the brightness with each parameter
}

// block is a square of the key with something in it that can be told from its
// surroundings.
type block struct {
	box      Box // in the key
	quarter  int // of the picture
	places   []place
	hessian  [params * params]float64
	gradient float64 // mean square of the places' gradients
	tells    [2]bool // of a shift along x, along y
	expected float64 // mean square difference from a picture that fits
}

// key is a picture that others are laid over.
type key struct {
	blocks           []block
	middleX, middleY float64
}

const (
	blockSide = 8
	perBlock  = 8 // places, those with the steepest gradients
	// minGradient is the gradient that is more than noise, grey levels a pixel.
	minGradient = 3.0
	// minPlaces of a block must have it.
	minPlaces = 4
	// minBlocks is the least number that tells a camera from what moves in the
	// room, an eighth of the picture. Over real clips those that stand still had
	// down to 43 and told so; with 35 and fewer plates, writing and shadows were
	// taken for a camera that moves.
	minBlocks = 40
	// black is what bars beside a picture of another shape are, grey levels.
	black = 20
)

// take makes the key of a picture; without blocks if there is too little in it.
func (k *key) take(s *small, lifter Box) {
	k.blocks = k.blocks[:0]
	k.middleX, k.middleY = float64(s.width)/2, float64(s.height)/2
	shown := s.shown()
	for y := 1; y+blockSide < s.height; y += blockSide {
		for x := 1; x+blockSide < s.width; x += blockSide {
			b := block{box: Box{float64(x), float64(y), float64(x + blockSide), float64(y + blockSide)}}
			b.quarter = 2*(2*y/s.height) + 2*x/s.width
			if b.box.meets(lifter) || !b.box.within(shown) {
				continue
			}
			if b.take(s, k, x, y); len(b.places) >= minPlaces {
				k.blocks = append(k.blocks, b)
			}
		}
	}
	if len(k.blocks) < minBlocks {
		k.blocks = k.blocks[:0]
	}
}

// share is how much of the key lies in the picture under w.
func (k *key) share(w warp, s *small) float64 {
	in := 0
	for i := range k.blocks {
		b := &k.blocks[i].box
		x, y := w.at((b.X0+b.X1)/2, (b.Y0+b.Y1)/2)
		if x >= 0 && y >= 0 && x < float64(s.width) && y < float64(s.height) {
			in++
		}
	}
	return float64(in) / float64(len(k.blocks))
}

// take fills the block from its corner.
func (b *block) take(s *small, k *key, x0, y0 int) {
	type steep struct {
		x, y   int
		gx, gy float64
	}
	var all []steep
	for y := y0; y < y0+blockSide; y++ {
		for x := x0; x < x0+blockSide; x++ {
			o := y*s.width + x
			gx, gy := float64(s.pix[o+1]-s.pix[o-1])/2, float64(s.pix[o+s.width]-s.pix[o-s.width])/2
			if gx*gx+gy*gy >= minGradient*minGradient {
				all = append(all, steep{x, y, gx, gy})
			}
		}
	}
	slices.SortFunc(all, func(p, q steep) int {
		if p.gx*p.gx+p.gy*p.gy > q.gx*q.gx+q.gy*q.gy {
			return -1
		}
		return 1
	})
	for _, p := range all[:min(perBlock, len(all))] {
		v := float64(s.pix[p.y*s.width+p.x])
		x, y := float64(p.x)+0.5-k.middleX, float64(p.y)+0.5-k.middleY
		b.places = append(b.places, place{x: x, y: y, value: v, slope: [params]float64{
			p.gx*x + p.gy*y, p.gy*x - p.gx*y, p.gx, p.gy, v, 1,
		}})
		b.gradient += p.gx*p.gx + p.gy*p.gy
	}
	n := float64(len(b.places))
	b.gradient /= n
	b.expected = noise*noise + misplaced*misplaced*b.gradient
	for i := range b.places {
		d := &b.places[i].slope
		for r := range params {
			for c := range params {
				b.hessian[r*params+c] += d[r] * d[c]
			}
		}
	}
	for axis := range b.tells {
		j := 2 + axis // the shift's parameter
		b.tells[axis] = b.hessian[j*params+j] >= n*minGradient*minGradient
	}
}

const (
	// noise is the standard deviation of a small pixel's brightness, grey
	// levels, and misplaced how far off, in small pixels, a block's places are
	// by what no shift explains: depth, the lens, aliasing.
	noise     = 1.5
	misplaced = 0.1
	// agrees is how many times more than the median block's a block's misfit may
	// be, lest it moves on its own, and elsewhere how far off it may be, small
	// pixels.
	agrees    = 4.0
	elsewhere = 0.5
	// majority is the share of the blocks in view that have to agree, and
	// mostAll that after a jump, which has many places to go to.
	majority = 0.5
	mostAll  = 0.7

	iterations = 8
	settled    = 0.01 // small pixels
)

// What cameras do decides where the room does not. From one picture to the next
// they hardly move, and all in all not far: standard deviations, a hundredth
// and a tenth of the picture for the shift.
var (
	atOnce = [params]float64{0.003, 0.005, 2, 2, 0.3, 30}
	inAll  = [params]float64{0.05, 0.1, 20, 20, 1, 100}
)

// reach is how far a bump is looked for, small pixels: a twelfth of the picture.
const reach = 16

// fitter lays pictures over keys.
type fitter struct {
	gain, lift float64 // of the newest picture
	sd         float64 // of where the lifter is put by it, small pixels
	seen       int     // blocks of the key in it
	moved      [params]float64
	misfit     []float64
	ratio      []float64
	slopes     [][params]float64
}

// fit finds where the key is in the picture s, from w on.
func (f *fitter) fit(k *key, s *small, w warp, lifter Box) (found warp, ok bool) {
	gain, lift := f.gain, f.lift
	if found, ok = f.descend(k, s, w, lifter, majority); ok {
		return found, true
	}
	f.gain, f.lift = gain, lift
	if found, ok = f.descend(k, s, f.search(k, s, w, lifter), lifter, mostAll); !ok {
		f.gain, f.lift = gain, lift
	}
	return found, ok
}

// descend is Gauss–Newton from w on; ok if that share of the blocks agrees in
// the end.
func (f *fitter) descend(k *key, s *small, w warp, lifter Box, share float64) (found warp, ok bool) {
	f.moved = [params]float64{}
	corner := math.Hypot(k.middleX, k.middleY)
	for range iterations {
		if f.look(k, s, w, lifter) < minBlocks {
			return w, false
		}
		v := f.votes(k, w)
		for j, sd := range atOnce {
			v[4].a[j*params+j] += 1 / (sd * sd)
			v[4].g[j] -= f.moved[j] / (sd * sd)
		}
		step, ok := v.step()
		if !ok {
			return w, false
		}
		for i, v := range step {
			f.moved[i] += v
		}
		f.gain += step[4]
		f.lift += step[5]
		// The step moves the key, and the picture the other way.
		a, b := 1+step[0], step[1]
		about := warp{a, b, step[2] + k.middleX - a*k.middleX + b*k.middleY, step[3] + k.middleY - b*k.middleX - a*k.middleY}
		w = w.after(about.inverse())
		if math.Hypot(step[2], step[3])+corner*math.Hypot(step[0], step[1]) < settled {
			break
		}
	}
	in := f.look(k, s, w, lifter)
	if in < minBlocks || !f.agree(k, share) {
		return w, false
	}
	f.seen = in
	x, y := w.inverse().at((lifter.X0+lifter.X1)/2, (lifter.Y0+lifter.Y1)/2)
	f.sd = f.votes(k, w).spread(x-k.middleX, y-k.middleY, max(lifter.X1-lifter.X0, lifter.Y1-lifter.Y0)/2)
	return w, true
}

// agree reports whether that share of the blocks in view agrees: of all, and of those
// that tell of a shift along either axis. A ceiling's edge and a floor's agree with any
// shift along them, and would leave that to a plate that is lifted and to shadows.
func (f *fitter) agree(k *key, share float64) bool {
	var in, agree [3]int // telling of x, of y, all
	for i, ratio := range f.ratio {
		if math.IsNaN(ratio) {
			continue
		}
		b := &k.blocks[i]
		fits := ratio <= agrees && f.misfit[i] <= 4*noise*noise+elsewhere*elsewhere*b.gradient
		for group, member := range [3]bool{b.tells[0], b.tells[1], true} {
			if !member {
				continue
			}
			in[group]++
			if fits {
				agree[group]++
			}
		}
	}
	for group := range in {
		if in[group] < minBlocks/4 || float64(agree[group]) < share*float64(in[group]) {
			return false
		}
	}
	return true
}

// look compares the key with the picture under w: per block the mean square
// difference (NaN where it is out of view), its ratio to the median block's, and
// the slope of it. It returns how many blocks are in view.
func (f *fitter) look(k *key, s *small, w warp, lifter Box) int {
	n := len(k.blocks)
	f.misfit, f.ratio, f.slopes = resize(f.misfit, n), resize(f.ratio, n), resize(f.slopes, n)
	var seen []float64
	for i := range k.blocks {
		b := &k.blocks[i]
		f.misfit[i], f.ratio[i] = f.compare(b, k, s, w, lifter, &f.slopes[i]), math.NaN()
		if !math.IsNaN(f.misfit[i]) {
			f.ratio[i] = f.misfit[i] / b.expected
			seen = append(seen, f.ratio[i])
		}
	}
	if len(seen) == 0 {
		return 0
	}
	slices.Sort(seen)
	middle := max(seen[len(seen)/2], 0.1)
	for i := range f.ratio {
		f.ratio[i] /= middle
	}
	return len(seen)
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// compare is look for one block.
func (f *fitter) compare(b *block, k *key, s *small, w warp, lifter Box, slope *[params]float64) float64 {
	x, y := w.at((b.box.X0+b.box.X1)/2, (b.box.Y0+b.box.Y1)/2)
	const half = blockSide / 2
	if (Box{x - half, y - half, x + half, y + half}).meets(lifter) {
		return math.NaN()
	}
	*slope = [params]float64{}
	sum := 0.0
	for i := range b.places {
		p := &b.places[i]
		v, ok := s.at(w.at(p.x+k.middleX, p.y+k.middleY))
		if !ok {
			return math.NaN()
		}
		e := v - (1+f.gain)*p.value - f.lift
		sum += e * e
		for j := range slope {
			slope[j] += e * p.slope[j]
		}
	}
	return sum / float64(len(b.places))
}

// normal are the equations of a step.
type normal struct {
	a [params * params]float64
	g [params]float64
}

func (n *normal) add(o *normal) {
	for i, v := range o.a {
		n.a[i] += v
	}
	for i, v := range o.g {
		n.g[i] += v
	}
}

// votes are the normal equations of the picture's quarters, and in the end what
// is known of cameras.
type votes [5]normal

// votes weights the blocks by how well they agree (Cauchy).
func (f *fitter) votes(k *key, w warp) *votes {
	var v votes
	for i := range k.blocks {
		if math.IsNaN(f.ratio[i]) {
			continue
		}
		b := &k.blocks[i]
		q := f.ratio[i] / agrees
		weight := 1 / (b.expected * (1 + q*q))
		n := &v[b.quarter]
		for j, h := range b.hessian {
			n.a[j] += weight * h
		}
		for j, s := range f.slopes[i] {
			n.g[j] += weight * s
		}
	}
	x, y := w.at(k.middleX, k.middleY)
	back := [params]float64{w.zoom() - 1, w.turn(), x - k.middleX, y - k.middleY, -f.gain, -f.lift} // to the key
	for j, sd := range inAll {
		v[4].a[j*params+j] = 1 / (sd * sd)
		v[4].g[j] = back[j] / (sd * sd)
	}
	return &v
}

// sum of all votes but those of a quarter; -1: of all.
func (v *votes) sum(without int) *normal {
	var n normal
	for q := range v {
		if q != without {
			n.add(&v[q])
		}
	}
	return &n
}

// step solves for the parameters' change.
func (v *votes) step() (out [params]float64, ok bool) { return v.sum(-1).solve() }

// spread is the standard deviation of where something is put at (x, y) from the
// middle, as large as half to every side, by the jackknife over the picture's
// quarters, pixels: what hangs on a single corner, a shadow there, is not known.
func (v *votes) spread(x, y, half float64) float64 {
	all, ok := v.step()
	sum := 0.0
	for q := range 4 {
		part, solved := v.sum(q).solve()
		ok = ok && solved
		var d [params]float64
		for i := range d {
			d[i] = part[i] - all[i]
		}
		dx, dy := d[2]+d[0]*x-d[1]*y, d[3]+d[1]*x+d[0]*y
		sum += dx*dx + dy*dy + half*half*(d[0]*d[0]+d[1]*d[1])
	}
	if !ok {
		return math.Inf(1)
	}
	return math.Sqrt(3.0 / 4 * sum)
}

func (n *normal) solve() (out [params]float64, ok bool) {
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(params, n.a[:])) {
		return out, false
	}
	err := chol.SolveVecTo(mat.NewVecDense(params, out[:]), mat.NewVecDense(params, n.g[:]))
	return out, err == nil
}

// search is the shift by whole small pixels under which most of the key is
// found again.
func (f *fitter) search(k *key, s *small, w warp, lifter Box) warp {
	const (
		odd    = 30.0 // grey levels: more is another thing
		enough = 64   // blocks
	)
	stride := 1 + len(k.blocks)/enough
	best, least := w, math.Inf(1)
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			v := w
			v.x, v.y = w.x+float64(dx), w.y+float64(dy)
			sum, n := 0.0, 0
			for i := 0; i < len(k.blocks); i += stride {
				p := &k.blocks[i].places[0]
				x, y := v.at(p.x+k.middleX, p.y+k.middleY)
				got, ok := s.at(x, y)
				if !ok || (Box{x, y, x, y}).meets(lifter) {
					continue
				}
				sum += min(odd, math.Abs(got-(1+f.gain)*p.value-f.lift))
				n++
			}
			if n >= minBlocks/stride && sum/float64(n) < least {
				best, least = v, sum/float64(n)
			}
		}
	}
	return best
}
