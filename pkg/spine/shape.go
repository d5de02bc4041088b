package spine

import "math"

// Lengths are in trunk lengths T (hip joint to shoulder joint, standing).
// The body frame has its origin in the hip joint, height h along the standing
// pelvis' vertical, p backwards: a dorsal contour is p(h).

// The grid on which dorsal curves are kept.
const (
	gridMin  = -0.30
	gridStep = 0.02
	gridSize = 72
)

func gridHeight(i int) float64 { return gridMin + gridStep*float64(i) }

// Levels on the skin of the back, height above the hip joint. From the meshes
// the rendered clips are made of; Ernst et al. 2013 (BMC Res Notes 6:58) put
// L4 and L1 within 0.05 T of them.
const (
	levelS2  = 0.12
	levelL4  = 0.31
	levelL2  = 0.44
	levelT12 = 0.62
	levelT10 = 0.73
	levelT9  = 0.79
)

// The six joints L5/S1 … T12/L1 lie in the skin's shadow, jointDepth in front
// of it, evenly spaced from jointLow to jointHigh. jointShare is what each of
// them takes of the whole lumbar flexion, in proportion to segmental ranges
// (White & Panjabi, Clinical Biomechanics of the Spine, 2nd ed., table 2-1).
const (
	joints     = 6
	jointLow   = 0.20
	jointHigh  = 0.565
	jointDepth = 0.08
)

var jointShare = [joints]float64{0.16, 0.23, 0.21, 0.175, 0.14, 0.085}

// curve is a dorsal contour in the body frame: point i is the skin that stands
// at grid height i in neutral.
type curve struct{ h, p [gridSize]float64 }

// reference is a lifter's own neutral dorsal contour.
type reference struct {
	p      [gridSize]float64
	joint  [joints]struct{ h, p float64 }
	weight [gridSize]struct {
		bone int     // the skin follows bone and bone+1 (0 sacrum … 6 thorax)
		next float64 // with this share for bone+1
	}
}

// newReference prepares the bending of the neutral contour p.
func newReference(p [gridSize]float64) *reference {
	r := &reference{p: p}
	const step = (jointHigh - jointLow) / (joints - 1)
	for k := range r.joint {
		r.joint[k].h = jointLow + step*float64(k)
		r.joint[k].p = r.at(r.joint[k].h) - jointDepth
	}
	for i := range r.weight {
		// bone k's middle lies half a segment below joint k
		x := (gridHeight(i)-jointLow)/step + 0.5
		x = math.Max(0, math.Min(joints, x))
		b := min(int(x), joints-1)
		r.weight[i].bone, r.weight[i].next = b, x-float64(b)
	}
	return r
}

// at interpolates the neutral contour.
func (r *reference) at(h float64) float64 { return sampleGrid(&r.p, h) }

func sampleGrid(v *[gridSize]float64, h float64) float64 {
	x := (h - gridMin) / gridStep
	x = math.Max(0, math.Min(gridSize-1, x))
	i := min(int(x), gridSize-2)
	f := x - float64(i)
	return v[i]*(1-f) + v[i+1]*f
}

// bend writes into c the contour under flexion (radians, sagittal rotation of
// the thorax about the sacrum) with the gluteal skin stretched by gluteal (0
// standing, 1 at 110° of hip flexion). The pelvis stays in place.
func (r *reference) bend(c *curve, flexion, gluteal float64) {
	type frame struct{ cos, sin, h, p float64 } // point → rotation, then translation
	var bone [joints + 1]frame
	bone[0] = frame{cos: 1}
	total := 0.0
	for k, j := range r.joint {
		b := bone[k]
		jh := b.h + b.cos*j.h + b.sin*j.p
		jp := b.p - b.sin*j.h + b.cos*j.p
		total += flexion * jointShare[k]
		cos, sin := math.Cos(total), math.Sin(total)
		bone[k+1] = frame{cos, sin, jh - cos*j.h - sin*j.p, jp + sin*j.h - cos*j.p}
	}
	for i := range c.h {
		h, p := gridHeight(i), r.p[i]+gluteal*glutealStretch[i]
		w := r.weight[i]
		a, b := bone[w.bone], bone[w.bone+1]
		ah, ap := a.h+a.cos*h+a.sin*p, a.p-a.sin*h+a.cos*p
		bh, bp := b.h+b.cos*h+b.sin*p, b.p-b.sin*h+b.cos*p
		c.h[i] = ah + w.next*(bh-ah)
		c.p[i] = ap + w.next*(bp-ap)
	}
}

// thorax maps a point fixed to the neutral thorax to where flexion takes it.
func (r *reference) thorax(h, p, flexion float64) (float64, float64) {
	cos, sin, th, tp := 1.0, 0.0, 0.0, 0.0
	total := 0.0
	for k, j := range r.joint {
		jh := th + cos*j.h + sin*j.p
		jp := tp - sin*j.h + cos*j.p
		total += flexion * jointShare[k]
		cos, sin = math.Cos(total), math.Sin(total)
		th, tp = jh-cos*j.h-sin*j.p, jp+sin*j.h-cos*j.p
	}
	return th + cos*h + sin*p, tp - sin*h + cos*p
}

// lookup finds the contour's p at height h and its slope dp/dh there. ok is
// false above or below the curve.
func (c *curve) lookup(h float64) (p, slope float64, ok bool) {
	if h < c.h[0] || h > c.h[gridSize-1] {
		return 0, 0, false
	}
	i := int((h - gridMin) / gridStep)
	i = max(0, min(gridSize-2, i))
	for i > 0 && c.h[i] > h {
		i--
	}
	for i < gridSize-2 && c.h[i+1] < h {
		i++
	}
	dh := c.h[i+1] - c.h[i]
	if dh <= 1e-6 {
		return 0, 0, false // folded over itself: no contour has this
	}
	slope = (c.p[i+1] - c.p[i]) / dh
	return c.p[i] + (h-c.h[i])*slope, slope, true
}

// point is the skin that stands at height h in neutral.
func (c *curve) point(h float64) (ch, cp float64) {
	return sampleGrid(&c.h, h), sampleGrid(&c.p, h)
}

// surfaceAngle is the lumbar angle of the skin, degrees: the inclination of
// the chord L2–T9 less that of the chord S2–L4, forward positive. Lordosis is
// negative, a flat back 0, a rounded one positive.
func (c *curve) surfaceAngle() float64 {
	incline := func(from, to float64) float64 {
		h0, p0 := c.point(from)
		h1, p1 := c.point(to)
		return math.Atan2(p0-p1, h1-h0)
	}
	return degrees(incline(levelL2, levelT9) - incline(levelS2, levelL4))
}

func degrees(r float64) float64 { return r * 180 / math.Pi }
func radians(d float64) float64 { return d * math.Pi / 180 }
