package overlay

import (
	"encoding/binary"
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/vector"

	"github.com/spineflex/spineflex/pkg/video"
)

// ink is a colour, not premultiplied.
type ink struct{ r, g, b, a uint8 }

func (k ink) alpha(a float64) ink {
	k.a = uint8(math.Round(math.Max(0, math.Min(1, a)) * float64(k.a)))
	return k
}

// mix goes from k to l as t goes from 0 to 1.
func (k ink) mix(l ink, t float64) ink {
	m := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + t*(float64(b)-float64(a)))) }
	return ink{m(k.r, l.r), m(k.g, l.g), m(k.b, l.b), m(k.a, l.a)}
}

// canvas is a picture to draw on: one of the video package's, or a layer of
// premultiplied BGRA that is drawn once and copied often. Only the pixels inside
// a shape's bounds are touched.
type canvas struct {
	pix      []byte // packed pixels; of a YUV picture the plane of luma
	w, h     int
	channels int     // of pix: 3, 4 for a layer, 1 for YUV
	chroma   *chroma // of YUV
	flat     *planes // of a layer that has been put on YUV

	raster *vector.Rasterizer
	mask   image.Alpha
	boxes  []image.Rectangle // of the polygons of the shape being filled
	full   []byte            // a row of full cover
}

// times is i·j/255, rounded: what is left of j under a cover of 255−i.
var times = func() *[256][256]uint8 {
	var t [256][256]uint8
	for i := range t {
		for j := range t[i] {
			t[i][j] = uint8((i*j + 127) / 255)
		}
	}
	return &t
}()

func newLayer(w, h int) *canvas {
	w, h = max(w, 1), max(h, 1)
	return &canvas{pix: make([]byte, 4*w*h), w: w, h: h, channels: 4, raster: &vector.Rasterizer{}}
}

// on points the canvas at a picture of the video package.
func (c *canvas) on(pix []byte, w, h int, format video.Format) {
	if c.raster == nil {
		c.raster = &vector.Rasterizer{}
	}
	c.pix, c.w, c.h, c.channels = pix, w, h, 3
	if format == video.YUV {
		if c.chroma == nil {
			c.chroma = &chroma{}
		}
		c.pix, c.channels = pix[:w*h], 1
		c.chroma.on(pix[w*h:], w, h)
	}
}

// bandHeight is how many rows are rasterized at once. A skeleton's bounds are
// mostly empty; a band of it is not.
const bandHeight = 64

// fill paints the inside of the shape.
func (c *canvas) fill(s *shape, k ink) {
	if k.a == 0 || s.empty() {
		return
	}
	r := s.bounds().Intersect(image.Rect(0, 0, c.w, c.h))
	if r.Empty() {
		return
	}
	c.boxes = s.boxes(c.boxes[:0])
	for y := r.Min.Y; y < r.Max.Y; {
		end := min(y&^1+bandHeight, r.Max.Y) // no band ends within a row of chroma
		c.fillBand(s, image.Rect(r.Min.X, y, r.Max.X, end), k)
		y = end
	}
}

// fillBand paints the part of the shape within the band.
func (c *canvas) fillBand(s *shape, band image.Rectangle, k ink) {
	var r image.Rectangle
	for _, b := range c.boxes {
		r = r.Union(b.Intersect(band))
	}
	if r.Empty() {
		return
	}
	w, h := r.Dx(), r.Dy()
	c.raster.Reset(w, h)
	from := 0
	for i, end := range s.ends {
		if c.boxes[i].Overlaps(r) {
			trace(c.raster, s.pts[from:end], float32(r.Min.X), float32(r.Min.Y))
		}
		from = end
	}
	if cap(c.mask.Pix) < w*h {
		c.mask.Pix = make([]byte, w*h)
	}
	c.mask.Pix, c.mask.Stride, c.mask.Rect = c.mask.Pix[:w*h], w, image.Rect(0, 0, w, h)
	c.raster.DrawOp = draw.Src
	c.raster.Draw(&c.mask, c.mask.Rect, image.Opaque, image.Point{})
	c.lay(r, c.mask.Pix, w, k)
}

// lay lays k over the rectangle as much as cover says, whose rows are stride
// apart. The rectangle lies inside the canvas.
func (c *canvas) lay(r image.Rectangle, cover []byte, stride int, k ink) {
	if c.channels == 1 {
		c.layYUV(r, cover, stride, k)
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c.blend(r.Min.X, y, cover[(y-r.Min.Y)*stride:][:r.Dx()], k)
	}
}

// blend lays k over the pixels from (x, y) to the right, as much as cover says.
// The span lies inside the canvas.
func (c *canvas) blend(x, y int, cover []byte, k ink) {
	row := c.pix[(y*c.w+x)*c.channels:]
	for i := 0; i < len(cover); i++ {
		if i = skipEmpty(cover, i); i == len(cover) {
			return
		}
		m := times[k.a][cover[i]]
		over, under := &times[m], &times[255-m]
		p := row[c.channels*i : c.channels*(i+1)]
		p[0] = under[p[0]] + over[k.b]
		p[1] = under[p[1]] + over[k.g]
		p[2] = under[p[2]] + over[k.r]
		if c.channels == 4 {
			p[3] = under[p[3]] + m
		}
	}
}

// skipEmpty returns the first place from i on that is covered, eight at a time:
// most of a shape's bounds is empty.
func skipEmpty(cover []byte, i int) int {
	for i+8 <= len(cover) && binary.LittleEndian.Uint64(cover[i:]) == 0 {
		i += 8
	}
	for i < len(cover) && cover[i] == 0 {
		i++
	}
	return i
}

// rect fills a rectangle on whole pixels.
func (c *canvas) rect(r image.Rectangle, k ink) {
	r = r.Intersect(image.Rect(0, 0, c.w, c.h))
	if r.Empty() || k.a == 0 {
		return
	}
	for len(c.full) < r.Dx() {
		c.full = append(c.full, 255)
	}
	c.lay(r, c.full, 0, k)
}

// put copies the part of a layer within src over the picture, its corner (0, 0)
// at (x, y).
func (c *canvas) put(l *canvas, x, y int, src image.Rectangle) {
	src = src.Intersect(image.Rect(0, 0, l.w, l.h)).Intersect(image.Rect(-x, -y, c.w-x, c.h-y))
	if c.channels == 1 {
		c.putYUV(l, x, y, src)
		return
	}
	for sy := src.Min.Y; sy < src.Max.Y; sy++ {
		from := l.pix[4*(sy*l.w+src.Min.X) : 4*(sy*l.w+src.Max.X)]
		to := c.pix[3*((sy+y)*c.w+src.Min.X+x):]
		for i, j := 0, 0; i+4 <= len(from); i, j = i+4, j+3 {
			p, q := from[i:i+4:i+4], to[j:j+3:j+3]
			under := &times[255-p[3]]
			q[0], q[1], q[2] = p[0]+under[q[0]], p[1]+under[q[1]], p[2]+under[q[2]]
		}
	}
}

// putAll copies a whole layer.
func (c *canvas) putAll(l *canvas, x, y int) { c.put(l, x, y, image.Rect(0, 0, l.w, l.h)) }
