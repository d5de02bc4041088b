package spine

import (
	"math"
	"math/rand/v2"

	"github.com/spineflex/spineflex/pkg/recording"
)

// body is a lifter of known shape in a known posture, for tests.
type body struct {
	contour [gridSize]float64 // neutral dorsal contour
	trunkPx float64
	left    bool // faces left
	noisePx float64
	seed    uint64
	hide    func(i int, level float64) bool     // samples of frame i that something covers
	astray  func(i int) (forward, down float64) // by how much frame i's hip landmark is off, T
}

// stance is the posture in one frame, degrees.
type stance struct{ pitch, flexion, thigh float64 }

// rep goes from standing to bottom and back in n frames.
func rep(n int, bottom stance) []stance {
	out := make([]stance, n)
	for i := range out {
		u := (1 - math.Cos(2*math.Pi*float64(i)/float64(n-1))) / 2
		out[i] = stance{pitch: 5 + u*(bottom.pitch-5), flexion: u * bottom.flexion, thigh: u * bottom.thigh}
	}
	return out
}

func standing(n int) []stance {
	out := make([]stance, n)
	for i := range out {
		out[i].pitch = 5
	}
	return out
}

// record is the recording of b in these postures at 30 frames a second.
func (b *body) record(set []stance) (*recording.Recording, Input) {
	const width, height = 720, 1280
	ref := newReference(b.contour)
	side := recording.Left
	if b.left {
		side = recording.Right
	}
	rng := rand.New(rand.NewPCG(b.seed, 1))
	rec := &recording.Recording{Clip: recording.Clip{Width: width, Height: height}}
	in := Input{Dorsal: side, FacesRight: !b.left, TrunkPx: b.trunkPx}
	for i, s := range set {
		f := recording.Frame{Index: i, Time: float64(i) / 30, Tracking: recording.Tracked, Presence: 1}
		hip := recording.Point{X: 360, Y: 640}
		sin, cos := math.Sincos(radians(s.pitch))
		place := func(h, p float64) recording.Point {
			x, y := h*sin-p*cos, h*cos+p*sin
			if b.left {
				x = -x
			}
			return recording.Point{X: hip.X + x*b.trunkPx, Y: hip.Y - y*b.trunkPx}
		}
		var c curve
		ref.bend(&c, radians(s.flexion), glutealOf(s.pitch+s.thigh))
		sh, sp := ref.chain(radians(s.flexion))[joints].apply(1, 0.05)
		f.Trunk = recording.Trunk{Hip: hip, Shoulder: place(sh, sp), SeatY: math.NaN()}
		if b.astray != nil {
			forward, down := b.astray(i)
			f.Trunk.Hip.X += forward * b.trunkPx
			f.Trunk.Hip.Y += down * b.trunkPx
		}
		edge := make(recording.Edge, recording.NumStations)
		drift := 0.0
		for k := range edge {
			edge[k] = recording.Sample{Offset: math.NaN(), SD: math.NaN()}
			off, level := b.hit(&f.Trunk, side, k, &c, place)
			if math.IsNaN(off) {
				continue
			}
			drift = 0.8*drift + 0.6*rng.NormFloat64()
			edge[k] = recording.Sample{Offset: off + b.noisePx*drift, SD: math.Max(b.noisePx, 0.3)}
			if b.hide != nil && b.hide(i, level) {
				edge[k].Occluder = recording.Other
			}
		}
		if side == recording.Left {
			f.Trunk.Left = edge
		} else {
			f.Trunk.Right = edge
		}
		rec.Frames = append(rec.Frames, f)
		in.Neutral = append(in.Neutral, s.flexion == 0 && s.thigh == 0)
		in.ThighDeg = append(in.ThighDeg, s.thigh)
	}
	return rec, in
}

// hit is where the ray of station k meets the contour, and the level there.
func (b *body) hit(t *recording.Trunk, side recording.Side, k int, c *curve, place func(h, p float64) recording.Point) (offset, level float64) {
	from := t.At(side, k, 0)
	n, _ := t.Normal(side)
	offset = math.NaN()
	for i := 0; i+1 < gridSize; i++ {
		p, q := place(c.h[i], c.p[i]), place(c.h[i+1], c.p[i+1])
		dx, dy := q.X-p.X, q.Y-p.Y
		det := n.X*dy - n.Y*dx
		if math.Abs(det) < 1e-12 {
			continue
		}
		d := ((p.X-from.X)*dy - (p.Y-from.Y)*dx) / det
		u := ((p.X-from.X)*n.Y - (p.Y-from.Y)*n.X) / det
		if u >= 0 && u <= 1 && d > 0 && !(d <= offset) {
			offset, level = d, gridHeight(i)+u*gridStep
		}
	}
	return offset, level
}

// lifter is a body whose contour is not the generic one: flatter or more
// lordotic by bend degrees, with a buttock larger by seat T.
func lifter(bend, seat float64) *body {
	g := newReference(generic(0))
	var c curve
	g.bend(&c, radians(bend), 0)
	b := &body{trunkPx: 200, seed: 7}
	for i := range b.contour {
		h := gridHeight(i)
		p, _, _, ok := c.lookup(h)
		if !ok {
			p = genericMean[i]
		}
		b.contour[i] = p + seat*math.Exp(-h*h/0.02)
	}
	return b
}
