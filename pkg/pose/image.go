package pose

import (
	"errors"
	"fmt"
	"math"
)

// Image is a view of an upright picture, 8 bits a channel, packed blue, green,
// red. It does not own its bytes.
type Image struct {
	Pix    []byte
	Width  int
	Height int
	Stride int // bytes from one row to the next; 0 is 3·Width
}

// Validate says whether the bytes are there.
func (m Image) Validate() error {
	if m.Width <= 0 || m.Height <= 0 {
		return fmt.Errorf("picture of %d×%d pixels", m.Width, m.Height)
	}
	stride := m.stride()
	if stride < 3*m.Width {
		return fmt.Errorf("picture rows of %d bytes hold no %d pixels", stride, m.Width)
	}
	if len(m.Pix) < stride*(m.Height-1)+3*m.Width {
		return errors.New("picture has fewer bytes than its size says")
	}
	return nil
}

func (m Image) stride() int {
	if m.Stride == 0 {
		return 3 * m.Width
	}
	return m.Stride
}

// Affine maps (x, y) to (A[0]x + A[1]y + A[2], A[3]x + A[4]y + A[5]).
type Affine [6]float64

// Apply maps a point.
func (a Affine) Apply(x, y float64) (float64, float64) {
	return a[0]*x + a[1]*y + a[2], a[3]*x + a[4]*y + a[5]
}

// After returns the map that does first and then a.
func (a Affine) After(first Affine) Affine {
	b := first
	return Affine{
		a[0]*b[0] + a[1]*b[3], a[0]*b[1] + a[1]*b[4], a[0]*b[2] + a[1]*b[5] + a[2],
		a[3]*b[0] + a[4]*b[3], a[3]*b[1] + a[4]*b[4], a[3]*b[2] + a[4]*b[5] + a[5],
	}
}

// Inverse returns the inverse map; of a map without one it is all NaN.
func (a Affine) Inverse() Affine {
	det := a[0]*a[4] - a[1]*a[3]
	if det == 0 {
		det = math.NaN()
	}
	b := Affine{a[4] / det, -a[1] / det, 0, -a[3] / det, a[0] / det, 0}
	b[2] = -(b[0]*a[2] + b[1]*a[5])
	b[5] = -(b[3]*a[2] + b[4]*a[5])
	return b
}

// Region is a square of the picture, turned about its centre.
type Region struct {
	X, Y  float64 // centre, pixels
	Side  float64 // pixels
	Angle float64 // radians; clockwise turn in the picture from upright
}

// ToImage maps crop pixels of a size×size crop to the picture. Both have their
// pixel centres at .5.
func (r Region) ToImage(size int) Affine {
	s, c := math.Sincos(r.Angle)
	k := r.Side / float64(size)
	return Affine{
		k * c, -k * s, r.X - r.Side/2*(c-s),
		k * s, k * c, r.Y - r.Side/2*(s+c),
	}
}

// valid reports whether the region can be cropped at all.
func (r Region) valid() bool {
	sum := r.X + r.Y + r.Side + r.Angle
	return !math.IsNaN(sum) && !math.IsInf(sum, 0) && r.Side >= 1 && r.Side < 1e5 &&
		math.Abs(r.X) < 1e5 && math.Abs(r.Y) < 1e5
}

// border says what lies outside the picture.
type border int

const (
	zero      border = iota // black
	replicate               // the nearest pixel of the picture
)

// tone maps an interpolated channel value, 0..1 in steps of 1/1020, to the
// network's input.
type tone [1024]float32

// fixed is how many bits of a position are behind its point.
const fixed = 16

// toneIndexShift brings a bilinear sum (8 bits value, 16 bits weight) to an
// index of a tone: value·4.
const toneIndexShift = 14

// linearTone maps 0..255 to lo..hi after a gamma correction; gamma 1 is none,
// below 1 brightens.
func linearTone(lo, hi, gamma float64) *tone {
	var t tone
	for i := range t {
		v := min(float64(i)/1020, 1)
		if gamma != 1 {
			v = math.Pow(v, gamma)
		}
		t[i] = float32(lo + (hi-lo)*v)
	}
	return &t
}

// warp samples the picture bilinearly at m of every pixel centre of a
// width×height crop and writes planes of red, green and blue to dst.
//
// MediaPipe samples the same way on the GPU: pixel centres at .5, no
// prefilter when it shrinks, weights of 8 bits.
func warp(dst []float32, width, height int, img Image, m Affine, edge border, t *tone) {
	if m[3] != 0 {
		img.fetch(m, width, height)
	}
	n := width * height
	red, green, blue := dst[:n], dst[n:2*n], dst[2*n:3*n]
	stride := img.stride()
	pix := img.Pix
	maxX, maxY := float64(img.Width-1), float64(img.Height-1)
	dx, dy := int(math.Round(m[0]*(1<<fixed))), int(math.Round(m[3]*(1<<fixed)))
	for row := range height {
		x, y := m.Apply(0.5, float64(row)+0.5)
		x -= 0.5
		y -= 0.5
		o := row * width
		lo, hi := inside(x, m[0], maxX, 0, width)
		lo, hi = inside(y, m[3], maxY, lo, hi)
		fx, fy := int((x+m[0]*float64(lo))*(1<<fixed)), int((y+m[3]*float64(lo))*(1<<fixed))
		r, g, b := red[o+lo:o+hi], green[o+lo:o+hi], blue[o+lo:o+hi]
		for i := range r {
			wx, wy := uint32(fx>>8)&255, uint32(fy>>8)&255
			p := (fy>>fixed)*stride + 3*(fx>>fixed)
			top := pix[p : p+6 : p+6]
			bot := pix[p+stride : p+stride+6 : p+stride+6]
			w11 := wx * wy
			w10 := wy<<8 - w11
			w01 := wx<<8 - w11
			w00 := 1<<16 - wx<<8 - wy<<8 + w11
			b[i] = t[(uint32(top[0])*w00+uint32(top[3])*w01+uint32(bot[0])*w10+uint32(bot[3])*w11)>>toneIndexShift&1023]
			g[i] = t[(uint32(top[1])*w00+uint32(top[4])*w01+uint32(bot[1])*w10+uint32(bot[4])*w11)>>toneIndexShift&1023]
			r[i] = t[(uint32(top[2])*w00+uint32(top[5])*w01+uint32(bot[2])*w10+uint32(bot[5])*w11)>>toneIndexShift&1023]
			fx += dx
			fy += dy
		}
		for _, outside := range [2][2]int{{0, lo}, {hi, width}} {
			from, to := outside[0], outside[1]
			if edge == replicate {
				fx, fy := int((x+m[0]*float64(from))*(1<<fixed)), int((y+m[3]*float64(from))*(1<<fixed))
				img.sampleNearest(red[o+from:o+to], green[o+from:o+to], blue[o+from:o+to], fx, fy, dx, dy, t)
				continue
			}
			for i := from; i < to; i++ {
				b, g, r := img.sample(x+m[0]*float64(i), y+m[3]*float64(i))
				red[o+i], green[o+i], blue[o+i] = t[r], t[g], t[b]
			}
		}
	}
}

// fetch reads what of the picture lies round a width×height crop, row by row, so
// that the processor has it at hand: it reads ahead along rows, while on slanting
// lines each pixel would have to be waited for. It halves the time that a warp
// takes.
//
//go:noinline
func (m Image) fetch(toImage Affine, width, height int) (sum byte) {
	const line = 64 // bytes that the processor reads at once
	w, h := float64(width), float64(height)
	x, y := toImage.Apply(w/2, h/2)
	reachX := (math.Abs(toImage[0])*w + math.Abs(toImage[1])*h) / 2
	reachY := (math.Abs(toImage[3])*w + math.Abs(toImage[4])*h) / 2
	within := func(v float64, limit int) int { return int(max(0, min(v, float64(limit)))) }
	from, to := 3*within(x-reachX, m.Width), 3*within(x+reachX, m.Width)
	stride := m.stride()
	for row := within(y-reachY, m.Height); row < within(y+reachY, m.Height); row++ {
		for i := row*stride + from; i < row*stride+to; i += line {
			sum += m.Pix[i]
		}
	}
	return sum // or there would be no need to read
}

// sampleNearest samples from (fx, fy), where pixel centres lie at whole
// numbers, in steps of (dx, dy), all in fixed point. Outside the picture is its
// nearest pixel.
func (m Image) sampleNearest(red, green, blue []float32, fx, fy, dx, dy int, t *tone) {
	stride := m.stride()
	endX, endY := (m.Width-1)<<fixed, (m.Height-1)<<fixed
	for i := range red {
		x, y := max(0, min(fx, endX)), max(0, min(fy, endY))
		fx += dx
		fy += dy
		p := (y>>fixed)*stride + 3*(x>>fixed)
		right, down := p, 0
		if x < endX {
			right += 3
		}
		if y < endY {
			down = stride
		}
		a, b := m.Pix[p:p+3:p+3], m.Pix[right:right+3:right+3]
		c, d := m.Pix[p+down:p+down+3:p+down+3], m.Pix[right+down:right+down+3:right+down+3]
		wx, wy := uint32(x>>8)&255, uint32(y>>8)&255
		w11 := wx * wy
		w10 := wy<<8 - w11
		w01 := wx<<8 - w11
		w00 := 1<<16 - wx<<8 - wy<<8 + w11
		blue[i] = t[(uint32(a[0])*w00+uint32(b[0])*w01+uint32(c[0])*w10+uint32(d[0])*w11)>>toneIndexShift&1023]
		green[i] = t[(uint32(a[1])*w00+uint32(b[1])*w01+uint32(c[1])*w10+uint32(d[1])*w11)>>toneIndexShift&1023]
		red[i] = t[(uint32(a[2])*w00+uint32(b[2])*w01+uint32(c[2])*w10+uint32(d[2])*w11)>>toneIndexShift&1023]
	}
}

// inside narrows lo..hi-1 to the steps i at which v + step·i keeps off 0 and
// limit by more than the rounding of the step adds up to.
func inside(v, step, limit float64, lo, hi int) (int, int) {
	const slack = 0.02
	first, last := (slack-v)/step, (limit-slack-v)/step
	if step < 0 {
		first, last = last, first
	}
	switch {
	case step != 0:
		// Out of int's range, and NaN, compare as they should before conversion.
		if first > float64(lo) {
			lo = int(math.Ceil(min(first, float64(hi))))
		}
		if !(last > float64(hi)) {
			hi = int(math.Floor(max(last, float64(lo))))
		}
	case !(v >= slack && v < limit-slack):
		hi = lo
	}
	return lo, max(lo, hi)
}

// sample interpolates at (x, y), where pixel centres lie at whole numbers, and
// returns tone indices. Outside the picture is black.
func (m Image) sample(x, y float64) (b, g, r uint32) {
	if x <= -1 || y <= -1 || x >= float64(m.Width) || y >= float64(m.Height) {
		return 0, 0, 0
	}
	fx, fy := math.Floor(x), math.Floor(y)
	wx, wy := x-fx, y-fy
	x0, y0 := clampInt(fx, m.Width), clampInt(fy, m.Height)
	x1, y1 := clampInt(fx+1, m.Width), clampInt(fy+1, m.Height)
	w := [4]float64{(1 - wx) * (1 - wy), wx * (1 - wy), (1 - wx) * wy, wx * wy}
	if fx < 0 {
		w[0], w[2] = 0, 0
	}
	if fx+1 > float64(m.Width-1) {
		w[1], w[3] = 0, 0
	}
	if fy < 0 {
		w[0], w[1] = 0, 0
	}
	if fy+1 > float64(m.Height-1) {
		w[2], w[3] = 0, 0
	}
	stride := m.stride()
	p := [4]int{y0*stride + 3*x0, y0*stride + 3*x1, y1*stride + 3*x0, y1*stride + 3*x1}
	var sum [3]float64
	for k, q := range p {
		for c := range sum {
			sum[c] += w[k] * float64(m.Pix[q+c])
		}
	}
	return uint32(4 * sum[0]), uint32(4 * sum[1]), uint32(4 * sum[2])
}

// clampInt returns v, which is whole, within 0..n-1.
func clampInt(v float64, n int) int {
	return int(max(0, min(v, float64(n-1))))
}
