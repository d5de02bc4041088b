package spine

import (
	"math"
	"slices"
)

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

// gridPoint is the grid point below h.
func gridPoint(h float64) int { return int((h - gridMin) / gridStep) }

// Levels on the skin of the back, height above the hip joint. From the meshes
// the rendered clips are made of; Ernst et al. 2013 (BMC Res Notes 6:58) put
// L4 and L1 within 0.05 T of them.
const (
	levelS2  = 0.12
	levelL4  = 0.31
	levelL2  = 0.45
	levelT12 = 0.62
	levelT10 = 0.73
	levelT9  = 0.80
)

// The six joints L5/S1 … T12/L1 lie jointDepth in front of the outline, evenly
// spaced from jointLow to jointHigh; a vertebra takes the skin above its lower
// joint along, from skinShare of a segment below it. jointShare is what each
// joint takes of the whole lumbar flexion, in proportion to segmental ranges
// (White & Panjabi, Clinical Biomechanics of the Spine, 2nd ed., table 2-1).
// The four lengths are least squares over the outlines of rendered bodies of
// either sex in squats and deadlifts, known pelvis, known flexion.
const (
	joints     = 6
	jointLow   = 0.157
	jointHigh  = 0.603
	jointDepth = 0.069
	skinShare  = 0.05
)

var jointShare = [joints]float64{0.16, 0.23, 0.21, 0.175, 0.14, 0.085}

// curve is a dorsal contour in the body frame: point i is the skin that stands
// at grid height i in neutral.
type curve struct {
	h, p   [gridSize]float64
	folded bool // by bend: not every grid point is higher than the one before
}

// reference is a lifter's own neutral dorsal contour.
type reference struct {
	p      [gridSize]float64
	back   [gridSize]float64 // p, and where that is hidden what bodies like this one have there: for the surface angle
	doubt  [gridSize]float64 // sd of p, T: 0 where the lifter's own contour was seen, more where the generic one continues it
	joint  [joints]struct{ h, p float64 }
	weight [gridSize]struct {
		bone int // see skin
		next float64
	}
}

// newReference prepares the bending of the neutral contour p.
func newReference(p [gridSize]float64) *reference {
	r := &reference{p: p, back: p}
	const step = (jointHigh - jointLow) / (joints - 1)
	for k := range r.joint {
		r.joint[k].h = jointLow + step*float64(k)
		r.joint[k].p = r.at(r.joint[k].h) - jointDepth
	}
	for i := range r.weight {
		r.weight[i].bone, r.weight[i].next = skin(gridHeight(i))
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

// rigid is a rotation in the body frame followed by a shift.
type rigid struct{ cos, sin, h, p float64 }

func (m rigid) apply(h, p float64) (float64, float64) {
	return m.h + m.cos*h + m.sin*p, m.p - m.sin*h + m.cos*p
}

// chain is where flexion (radians) takes the sacrum, which stays, the lumbar
// vertebrae and the thorax.
func (r *reference) chain(flexion float64) (bone [joints + 1]rigid) {
	bone[0] = rigid{cos: 1}
	total := 0.0
	for k, j := range r.joint {
		h, p := bone[k].apply(j.h, j.p)
		total += flexion * jointShare[k]
		sin, cos := math.Sincos(total)
		bone[k+1] = rigid{cos, sin, h - cos*j.h - sin*j.p, p + sin*j.h - cos*j.p}
	}
	return bone
}

// skin is how the skin that stands at height h follows the bones: bone and the
// one above it, this with share next.
func skin(h float64) (bone int, next float64) {
	const step = (jointHigh - jointLow) / (joints - 1)
	x := (h-jointLow)/step + skinShare
	x = math.Max(0, math.Min(joints, x))
	bone = min(int(x), joints-1)
	return bone, x - float64(bone)
}

// bend writes into c the contour under flexion (radians, sagittal rotation of
// the thorax about the sacrum) with the gluteal skin stretched by gluteal (0
// standing, 1 at 110° of hip flexion). The pelvis stays in place.
func (r *reference) bend(c *curve, flexion, gluteal float64) {
	bone := r.chain(flexion)
	r.follow(c, &bone, gluteal, gridSize)
	c.folded = !slices.IsSorted(c.h[:])
}

// follow is bend for the grid points below end, with the bones where flexion
// takes them.
func (r *reference) follow(c *curve, bone *[joints + 1]rigid, gluteal float64, end int) {
	for i := range end {
		h, p := gridHeight(i), r.p[i]+gluteal*glutealStretch[i]
		w := &r.weight[i]
		ah, ap := bone[w.bone].apply(h, p)
		bh, bp := bone[w.bone+1].apply(h, p)
		c.h[i] = ah + w.next*(bh-ah)
		c.p[i] = ap + w.next*(bp-ap)
	}
}

// bendPoint is where flexion takes the point that stands at (h, p).
func (r *reference) bendPoint(h, p, flexion float64) (float64, float64) {
	bone := r.chain(flexion)
	k, next := skin(h)
	ah, ap := bone[k].apply(h, p)
	bh, bp := bone[k+1].apply(h, p)
	return ah + next*(bh-ah), ap + next*(bp-ap)
}

// lookup finds the contour's p at height h, its slope dp/dh there and the grid
// point below. ok is false above or below the curve.
func (c *curve) lookup(h float64) (p, slope float64, at int, ok bool) {
	return c.from(gridPoint(h), h)
}

// from is lookup that begins to search at grid point i.
func (c *curve) from(i int, h float64) (p, slope float64, at int, ok bool) {
	if h < c.h[0] || h > c.h[gridSize-1] {
		return 0, 0, 0, false
	}
	i = c.below(i, h)
	dh := c.h[i+1] - c.h[i]
	if dh <= 1e-6 {
		return 0, 0, 0, false // folded over itself: no contour has this
	}
	slope = (c.p[i+1] - c.p[i]) / dh
	return c.p[i] + (h-c.h[i])*slope, slope, i, true
}

// below is the grid point below height h on the curve, looked for from i on.
func (c *curve) below(i int, h float64) int {
	i = max(0, min(gridSize-2, i))
	for i > 0 && c.h[i] > h {
		i--
	}
	for i < gridSize-2 && c.h[i+1] < h {
		i++
	}
	return i
}

// neutralHeight is the neutral height of the skin that is now at height h.
func (c *curve) neutralHeight(h float64) float64 {
	if h <= c.h[0] {
		return gridMin
	}
	i := 0
	if !c.folded {
		i = gridPoint(h) // near by
	}
	i = c.below(i, h)
	if c.h[i+1] < h {
		return gridHeight(gridSize - 1)
	}
	return gridHeight(i) + gridStep*(h-c.h[i])/math.Max(c.h[i+1]-c.h[i], 1e-9)
}

// point is the skin that stands at height h in neutral.
func (c *curve) point(h float64) (ch, cp float64) {
	return sampleGrid(&c.h, h), sampleGrid(&c.p, h)
}

// The spine runs in a furrow between buttocks and muscles, so its skin lies
// this far in front of the outline (means over 130 rendered bodies, sd 0.007).
const (
	furrowS2     = 0.030
	furrowLumbar = 0.010
	furrowT9     = 0.025
)

// surfaceAngle is the lumbar angle of the skin over the spine, degrees: the
// inclination of the chord L2–T9 less that of the chord S2–L4, forward
// positive. Lordosis is negative, a flat back 0, a rounded one positive.
func (r *reference) surfaceAngle(flexion, gluteal float64) float64 {
	sunk := func(level, furrow float64) (h, p float64) {
		return r.bendPoint(level, sampleGrid(&r.back, level)+gluteal*sampleGrid(&glutealStretch, level)-furrow, flexion)
	}
	incline := func(h0, p0, h1, p1 float64) float64 { return math.Atan2(p0-p1, h1-h0) }
	h0, p0 := sunk(levelS2, furrowS2)
	h1, p1 := sunk(levelL4, furrowLumbar)
	h2, p2 := sunk(levelL2, furrowLumbar)
	h3, p3 := sunk(levelT9, furrowT9)
	return degrees(incline(h2, p2, h3, p3) - incline(h0, p0, h1, p1))
}

func degrees(r float64) float64 { return r * 180 / math.Pi }
func radians(d float64) float64 { return d * math.Pi / 180 }
