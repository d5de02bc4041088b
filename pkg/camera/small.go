package camera

import "math"

// small is a picture made small: one channel, smoothed, so that its gradient
// tells where a shift of a pixel leads.
type small struct {
	width, height int
	pix           []float32
}

// taps is how many of the clip's pixels along each axis make a small one.
const taps = 3

// shrink makes s of the green channel, which is most of the brightness.
func (s *small) shrink(img Image, cell float64, spare *small) {
	s.size(int(float64(img.Width)/cell), int(float64(img.Height)/cell))
	spare.size(s.width, s.height)
	columns := make([]int, taps*s.width)
	for i := range columns {
		columns[i] = 3*min(int((float64(i)+0.5)/taps*cell), img.Width-1) + 1
	}
	for y := range s.height {
		row := spare.pix[y*s.width : (y+1)*s.width]
		clear(row)
		for k := range taps {
			at := 3 * img.Width * min(int((float64(taps*y+k)+0.5)/taps*cell), img.Height-1)
			line := img.Pix[at : at+3*img.Width]
			for x := range row {
				c := columns[taps*x : taps*x+taps : taps*x+taps]
				row[x] += float32(int(line[c[0]]) + int(line[c[1]]) + int(line[c[2]]))
			}
		}
	}
	// Binomial smoothing, along rows and then columns.
	w := s.width
	for y := range s.height {
		from, to := spare.pix[y*w:(y+1)*w], s.pix[y*w:(y+1)*w]
		to[0], to[w-1] = 4*from[0], 4*from[w-1]
		for x := 1; x < w-1; x++ {
			to[x] = from[x-1] + 2*from[x] + from[x+1]
		}
	}
	const unit = 1.0 / (taps * taps * 16)
	for y := range s.height {
		up, mid, down := max(0, y-1)*w, y*w, min(s.height-1, y+1)*w
		for x := range w {
			spare.pix[mid+x] = unit * (s.pix[up+x] + 2*s.pix[mid+x] + s.pix[down+x])
		}
	}
	s.pix, spare.pix = spare.pix, s.pix
}

func (s *small) size(width, height int) {
	s.width, s.height = width, height
	if cap(s.pix) < width*height {
		s.pix = make([]float32, width*height)
	}
	s.pix = s.pix[:width*height]
}

// at is the brightness at a place between pixels, whose centres are at .5; ok
// is false outside.
func (s *small) at(x, y float64) (v float64, ok bool) {
	x, y = x-0.5, y-0.5
	if !(x >= 0 && y >= 0 && x < float64(s.width-1) && y < float64(s.height-1)) {
		return 0, false
	}
	ix, iy := int(x), int(y)
	fx, fy := float32(x-float64(ix)), float32(y-float64(iy))
	o := iy*s.width + ix
	up := s.pix[o] + fx*(s.pix[o+1]-s.pix[o])
	o += s.width
	down := s.pix[o] + fx*(s.pix[o+1]-s.pix[o])
	return float64(up + fy*(down-up)), true
}

// shown is the part of the picture between black bars.
func (s *small) shown() Box {
	b := Box{math.Inf(1), math.Inf(1), 0, 0}
	for y := range s.height {
		for x, v := range s.pix[y*s.width : (y+1)*s.width] {
			if v > black {
				b = Box{min(b.X0, float64(x)), min(b.Y0, float64(y)), max(b.X1, float64(x+1)), max(b.Y1, float64(y+1))}
			}
		}
	}
	const edge = 2 // the smoothing and a shift by a pixel carry a bar's edge so far
	return b.wider(-edge)
}
