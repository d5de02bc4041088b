package overlay

import (
	"image"
	"math"

	"golang.org/x/image/vector"

	"github.com/spineflex/spineflex/pkg/recording"
)

type point = recording.Point

// shape is a set of closed polygons, filled by the nonzero rule. Curves are
// flattened when they are added: at these sizes a twentieth of a pixel is exact.
type shape struct {
	pts  []point
	ends []int // one past the last point of each polygon
}

const flatness = 0.05 // pixels

func (s *shape) reset() { s.pts, s.ends = s.pts[:0], s.ends[:0] }

func (s *shape) empty() bool { return len(s.ends) == 0 }

func (s *shape) add(p point) { s.pts = append(s.pts, p) }

func (s *shape) close() {
	from := 0
	if n := len(s.ends); n > 0 {
		from = s.ends[n-1]
	}
	if len(s.pts)-from < 3 {
		s.pts = s.pts[:from]
		return
	}
	s.ends = append(s.ends, len(s.pts))
}

// bounds is the smallest pixel rectangle around the shape; empty when a
// coordinate is not finite.
func (s *shape) bounds() image.Rectangle { return pixelsAround(s.pts) }

// boxes appends the bounds of each polygon.
func (s *shape) boxes(dst []image.Rectangle) []image.Rectangle {
	from := 0
	for _, end := range s.ends {
		dst = append(dst, pixelsAround(s.pts[from:end]))
		from = end
	}
	return dst
}

func pixelsAround(pts []point) image.Rectangle {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range pts {
		x0, x1 = math.Min(x0, p.X), math.Max(x1, p.X)
		y0, y1 = math.Min(y0, p.Y), math.Max(y1, p.Y)
	}
	const limit = 1 << 20 // far outside any picture; int conversion stays defined
	if !(x0 > -limit && y0 > -limit && x1 < limit && y1 < limit) {
		return image.Rectangle{}
	}
	return image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1)), int(math.Ceil(y1)))
}

// trace adds a closed polygon, seen from (ox, oy).
func trace(r *vector.Rasterizer, pts []point, ox, oy float32) {
	for i, p := range pts {
		if i == 0 {
			r.MoveTo(float32(p.X)-ox, float32(p.Y)-oy)
		} else {
			r.LineTo(float32(p.X)-ox, float32(p.Y)-oy)
		}
	}
	r.ClosePath()
}

// arc adds points on a circle from angle a0 to a1, both included.
func (s *shape) arc(c point, r, a0, a1 float64) {
	n := 1
	if r > flatness {
		n = max(1, int(math.Ceil(math.Abs(a1-a0)/(2*math.Acos(1-flatness/r)))))
	}
	for i := 0; i <= n; i++ {
		sin, cos := math.Sincos(a0 + (a1-a0)*float64(i)/float64(n))
		s.add(point{X: c.X + r*cos, Y: c.Y + r*sin})
	}
}

func (s *shape) circle(c point, r float64) {
	s.arc(c, r, 0, 2*math.Pi)
	s.close()
}

// ring is a circle's line of width w.
func (s *shape) ring(c point, r, w float64) {
	s.arc(c, r+w/2, 0, 2*math.Pi)
	s.close()
	s.arc(c, math.Max(0, r-w/2), 2*math.Pi, 0)
	s.close()
}

func (s *shape) roundRect(x, y, w, h, r float64) {
	r = math.Max(0, math.Min(r, math.Min(w, h)/2))
	s.arc(point{X: x + w - r, Y: y + r}, r, -math.Pi/2, 0)
	s.arc(point{X: x + w - r, Y: y + h - r}, r, 0, math.Pi/2)
	s.arc(point{X: x + r, Y: y + h - r}, r, math.Pi/2, math.Pi)
	s.arc(point{X: x + r, Y: y + r}, r, math.Pi, 3*math.Pi/2)
	s.close()
}

func (s *shape) polygon(pts ...point) {
	s.pts = append(s.pts, pts...)
	s.close()
}

// stroke adds the outline of a line of width w through pts, with round joins
// and caps. It is one polygon per line, walked along one side and back along
// the other, so that joins have no darker seams.
func (s *shape) stroke(pts []point, w float64) {
	pts = distinct(pts)
	r := w / 2
	switch len(pts) {
	case 0:
		return
	case 1:
		s.circle(pts[0], r)
		return
	}
	n := len(pts)
	for i := 1; i < n; i++ {
		s.side(pts[i-1], pts[i], pts, i, 1, r)
	}
	for i := n - 2; i >= 0; i-- {
		s.side(pts[i+1], pts[i], pts, i, -1, r)
	}
	s.close()
}

// side adds the left side of the segment from p to q = pts[i] and the join or
// cap at q. step is the direction of the walk.
func (s *shape) side(p, q point, pts []point, i, step int, r float64) {
	a := math.Atan2(q.Y-p.Y, q.X-p.X) - math.Pi/2
	sin, cos := math.Sincos(a)
	s.add(point{X: p.X + r*cos, Y: p.Y + r*sin})
	s.add(point{X: q.X + r*cos, Y: q.Y + r*sin})
	j := i + step
	if j < 0 || j >= len(pts) {
		s.arc(q, r, a, a+math.Pi)
		return
	}
	turn := math.Remainder(math.Atan2(pts[j].Y-q.Y, pts[j].X-q.X)-math.Pi/2-a, 2*math.Pi)
	if turn > 0 {
		s.arc(q, r, a, a+turn)
	} else if turn < 0 {
		s.add(q) // inner side: through the corner, so that no gap opens
	}
}

// dashes strokes pieces of the line on long with gaps of off between them.
func (s *shape) dashes(pts []point, w, on, off float64) {
	pts = distinct(pts)
	var piece []point
	left, drawn := on, true
	for i := 1; i < len(pts); i++ {
		p, q := pts[i-1], pts[i]
		d := math.Hypot(q.X-p.X, q.Y-p.Y)
		for at := 0.0; at < d; {
			step := math.Min(left, d-at)
			if drawn {
				if len(piece) == 0 {
					piece = append(piece, lerp(p, q, at/d))
				}
				piece = append(piece, lerp(p, q, (at+step)/d))
			}
			at += step
			if left -= step; left <= 1e-9 {
				if drawn {
					s.stroke(piece, w)
					piece = piece[:0]
				}
				drawn = !drawn
				left = off
				if drawn {
					left = on
				}
			}
		}
	}
	s.stroke(piece, w)
}

// distinct drops points that are missing or repeat the one before.
func distinct(pts []point) []point {
	clean := true
	for i, p := range pts {
		if math.IsNaN(p.X+p.Y) || i > 0 && near(p, pts[i-1]) {
			clean = false
			break
		}
	}
	if clean {
		return pts
	}
	out := make([]point, 0, len(pts))
	for _, p := range pts {
		if !math.IsNaN(p.X+p.Y) && (len(out) == 0 || !near(p, out[len(out)-1])) {
			out = append(out, p)
		}
	}
	return out
}

func near(p, q point) bool { return math.Abs(p.X-q.X) < 0.01 && math.Abs(p.Y-q.Y) < 0.01 }

func lerp(p, q point, t float64) point {
	return point{X: p.X + t*(q.X-p.X), Y: p.Y + t*(q.Y-p.Y)}
}
