package overlay

import (
	"image"
	"math"
)

// A YUV picture has one sample of each chroma plane for a cell of 2×2 pixels. To
// blend a cell with the mean of its cover is the same as to blend its pixels and
// take the mean afterwards, since the clip has one chroma for all four.

// chroma is what a YUV picture has beside its luma.
type chroma struct {
	u, v  []byte
	w, h  int      // in cells
	cover []uint16 // of a row of cells, the sum of their pixels'; 0 but in layYUV
}

func (c *chroma) on(pix []byte, w, h int) {
	c.w, c.h = (w+1)/2, (h+1)/2
	c.u, c.v = pix[:c.w*c.h], pix[c.w*c.h:2*c.w*c.h]
	if len(c.cover) < c.w {
		c.cover = make([]uint16, c.w)
	}
}

// yuv is a colour in BT.709 at video range.
func (k ink) yuv() (y, u, v uint8) {
	r, g, b := float64(k.r)/255, float64(k.g)/255, float64(k.b)/255
	return yuv(r, g, b, 1)
}

// yuv converts a colour that is premultiplied by alpha, all 0 to 1.
func yuv(r, g, b, alpha float64) (y, u, v uint8) {
	const kr, kb = 0.2126, 0.0722
	luma := kr*r + (1-kr-kb)*g + kb*b
	return uint8(math.Round(16*alpha + 219*luma)),
		uint8(math.Round(128*alpha + 224*(b-luma)/(2*(1-kb)))),
		uint8(math.Round(128*alpha + 224*(r-luma)/(2*(1-kr))))
}

// layYUV is lay on a YUV picture.
func (c *canvas) layYUV(r image.Rectangle, cover []byte, stride int, k ink) {
	ky, ku, kv := k.yuv()
	of := &times[k.a]
	for y := r.Min.Y; y < r.Max.Y; y++ {
		cells := c.chroma.cover
		line := cover[(y-r.Min.Y)*stride:][:r.Dx()]
		row := c.pix[y*c.w+r.Min.X:][:len(line)]
		for i := skipEmpty(line, 0); i < len(line); i++ {
			if line[i] == 0 {
				if i = skipEmpty(line, i); i == len(line) {
					break
				}
			}
			m := of[line[i]]
			row[i] = times[255-m][row[i]] + times[m][ky]
			cells[(r.Min.X+i)/2] += uint16(m)
		}
		if y%2 == 1 || y == r.Max.Y-1 {
			c.chroma.blend(y/2, r.Min.X/2, (r.Max.X+1)/2, ku, kv)
		}
	}
}

// blend lays a colour over the cells from x0 to x1 of a row, as much as c.cover
// says, which is empty afterwards.
func (c *chroma) blend(row, x0, x1 int, ku, kv uint8) {
	cells := c.cover[x0:x1]
	us, vs := c.u[row*c.w+x0:][:len(cells)], c.v[row*c.w+x0:][:len(cells)]
	for i, sum := range cells {
		if sum == 0 {
			continue
		}
		cells[i] = 0
		m := uint8((sum + 2) / 4)
		over, under := &times[m], &times[255-m]
		us[i], vs[i] = under[us[i]]+over[ku], under[vs[i]]+over[kv]
	}
}

// planes are a layer as it lies on YUV, premultiplied.
type planes struct {
	x, y  int             // where it lies in the picture
	luma  []byte          // of each pixel of the layer
	rest  []byte          // of each pixel 255 less alpha
	cells image.Rectangle // of the picture that the layer touches
	u, v  []byte          // of each cell
	left  []byte          // of each cell 255 less its mean alpha
}

// onPlanes converts a layer that lies with its corner at (x, y).
func (c *canvas) onPlanes(x, y int) *planes {
	if c.flat != nil && c.flat.x == x && c.flat.y == y {
		return c.flat
	}
	p := &planes{x: x, y: y, cells: image.Rect(x>>1, y>>1, (x+c.w+1)>>1, (y+c.h+1)>>1)}
	n := p.cells.Dx() * p.cells.Dy()
	p.luma, p.rest = make([]byte, c.w*c.h), make([]byte, c.w*c.h)
	p.u, p.v, p.left = make([]byte, n), make([]byte, n), make([]byte, n)
	sums := make([][4]float64, n) // b, g, r, alpha
	for i := range p.luma {
		q := c.pix[4*i : 4*i+4]
		p.luma[i], _, _ = yuv(float64(q[2])/255, float64(q[1])/255, float64(q[0])/255, float64(q[3])/255)
		p.rest[i] = 255 - q[3]
		px, py := i%c.w+x, i/c.w+y
		sum := &sums[((py>>1)-p.cells.Min.Y)*p.cells.Dx()+(px>>1)-p.cells.Min.X]
		for k, v := range q {
			sum[k] += float64(v) / (4 * 255)
		}
	}
	for i, s := range sums {
		_, p.u[i], p.v[i] = yuv(s[2], s[1], s[0], s[3])
		p.left[i] = uint8(math.Round(255 * (1 - s[3])))
	}
	c.flat = p
	return p
}

// putYUV is put on a YUV picture. Where src ends within the layer it must end
// between cells.
func (c *canvas) putYUV(l *canvas, x, y int, src image.Rectangle) {
	if src.Empty() {
		return
	}
	p := l.onPlanes(x, y)
	for sy := src.Min.Y; sy < src.Max.Y; sy++ {
		from := sy*l.w + src.Min.X
		over(c.pix[(sy+y)*c.w+src.Min.X+x:], p.luma[from:from+src.Dx()], p.rest[from:])
	}
	for cy := (src.Min.Y + y) >> 1; cy < (src.Max.Y+y+1)>>1; cy++ {
		x0, x1 := (src.Min.X+x)>>1, (src.Max.X+x+1)>>1
		from, to := (cy-p.cells.Min.Y)*p.cells.Dx()+x0-p.cells.Min.X, cy*c.chroma.w+x0
		over(c.chroma.u[to:], p.u[from:from+x1-x0], p.left[from:])
		over(c.chroma.v[to:], p.v[from:from+x1-x0], p.left[from:])
	}
}

// over lays premultiplied samples over others, of which rest remains.
func over(dst, src, rest []byte) {
	dst, rest = dst[:len(src)], rest[:len(src)]
	t := times
	for i, v := range src {
		dst[i] = v + t[rest[i]][dst[i]]
	}
}

// yuvImage copies the part r of a YUV picture.
func yuvImage(pix []byte, w, h int, r image.Rectangle) *image.RGBA {
	r = r.Intersect(image.Rect(0, 0, w, h))
	img := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	var c chroma
	c.on(pix[w*h:], w, h)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		to := img.Pix[(y-r.Min.Y)*img.Stride:]
		for x := r.Min.X; x < r.Max.X; x++ {
			cell := y/2*c.w + x/2
			// BT.709, 16 bits behind the point.
			luma := 76309 * (int32(pix[y*w+x]) - 16)
			u, v := int32(c.u[cell])-128, int32(c.v[cell])-128
			q := to[4*(x-r.Min.X):][:4:4]
			q[0], q[1], q[2], q[3] = level(luma+117489*v), level(luma-13975*u-34925*v), level(luma+138438*u), 255
		}
	}
	return img
}

// level rounds a value with 16 bits behind the point.
func level(v int32) uint8 { return uint8(max(0, min(255, (v+1<<15)>>16))) }
