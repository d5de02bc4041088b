package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// palette is the distribution of the colours of the lifter's trunk or of the
// room, learned over the clip: a histogram with paletteSide bins per channel.
type palette struct {
	bins  [paletteSide * paletteSide * paletteSide]float32
	total float32
}

const (
	paletteSide  = 32
	paletteShift = 3 // 8-bit channel → bin
	// paletteFull is the weight at which old colours begin to fade: about 500
	// frames.
	paletteFull = 1 << 17
	// anyColour is the density of a colour that nothing is known of.
	anyColour = 1.0 / (256 * 256 * 256)
	binVolume = 1 << (3 * paletteShift)
	// paletteKnown is how many samples it takes to know the colours: of a lifter
	// about ten frames.
	paletteKnown = 2500
	// unseen is the share of colours that have not been seen: hair, shoes and a
	// bar on the lifter, a passer-by in the room.
	unseen = 0.2
	// paletteFrom and paletteTo are the stretch of the trunk, in u, that the
	// lifter's colours are learned along, learnedWidth how far to either side, in
	// axis lengths.
	paletteFrom, paletteTo = 0.0, 0.9
	learnedWidth           = 0.1
)

// learn adds what lies surely on the trunk: along the axis, a tenth of its
// length to either side. Thighs and arms are not asked, since their landmarks
// can be far from them.
func (p *palette) learn(img Image, mask Mask, t *recording.Trunk, length float64) {
	for v := -learnedWidth; v <= learnedWidth+0.001; v += 0.02 {
		along(img, mask, t, length, v, func(x, y float64) {
			o := 3 * (int(y)*img.Width + int(x))
			p.add(img.Pix[o], img.Pix[o+1], img.Pix[o+2])
		})
	}
}

// along visits what is surely on the trunk along a line beside the axis, v axis
// lengths from it.
func along(img Image, mask Mask, t *recording.Trunk, length, v float64, visit func(x, y float64)) {
	n, _ := t.Normal(recording.Left)
	for u := paletteFrom; u <= paletteTo; u += 0.04 {
		x := t.Hip.X + u*(t.Shoulder.X-t.Hip.X) + v*length*n.X
		y := t.Hip.Y + u*(t.Shoulder.Y-t.Hip.Y) + v*length*n.Y
		if img.holds(recording.Point{X: x, Y: y}) && mask.At(x, y) >= 0.9 {
			visit(x, y)
		}
	}
}

// add spreads a colour over the nearest bins.
func (p *palette) add(b, g, r byte) {
	if p.total > paletteFull {
		for i := range p.bins {
			p.bins[i] /= 2
		}
		p.total /= 2
	}
	const half = 1 << (paletteShift - 1)
	var lo [3]int
	var f [3]float32
	for k, v := range [3]byte{b, g, r} {
		w := int(v) - half
		lo[k] = w >> paletteShift
		f[k] = float32(w-lo[k]<<paletteShift) / (1 << paletteShift)
	}
	for c := range 8 {
		w, i := float32(1), 0
		for k := range 3 {
			j := lo[k] + c>>k&1
			if c>>k&1 == 1 {
				w *= f[k]
			} else {
				w *= 1 - f[k]
			}
			i = i*paletteSide + max(0, min(paletteSide-1, j))
		}
		p.bins[i] += w
	}
	p.total++
}

// density is the probability density of a colour.
func (p *palette) density(c *[3]float64) float64 {
	i := 0
	for _, v := range c {
		i = i*paletteSide + max(0, min(paletteSide-1, int(v)>>paletteShift))
	}
	return p.share(p.bins[i])
}

// shaded is the largest density of a colour and those next to it: folds and
// roundings of the lifter are lighter or darker than the middle.
func (p *palette) shaded(c *[3]float64) float64 {
	var lo, hi [3]int
	for k, v := range c {
		at := int(v) >> paletteShift
		lo[k], hi[k] = max(0, at-1), min(paletteSide-1, at+1)
	}
	most := float32(0)
	for b := lo[0]; b <= hi[0]; b++ {
		for g := lo[1]; g <= hi[1]; g++ {
			for r := lo[2]; r <= hi[2]; r++ {
				most = max(most, p.bins[(b*paletteSide+g)*paletteSide+r])
			}
		}
	}
	return p.share(most)
}

// share is the density in a bin that holds so much.
func (p *palette) share(held float32) float64 {
	return unseen*anyColour + (1-unseen)*float64(held)/(float64(p.total)+1)/binVolume
}

// contradicts is the logarithm of how much better colour c is explained by
// the lifter than by a room of colour wall with the given variance; 0 while the
// lifter's colours are not known.
func (p *palette) contradicts(c, wall *[3]float64, variance float64) float64 {
	if p.total < paletteKnown {
		return 0
	}
	const strange = 0.05 // share of pixels that show neither
	v := variance + modelVariance
	volume := 2 * math.Pi * v
	volume *= math.Sqrt(volume)
	room := (1-strange)*math.Exp(-dist2(c, wall)/(2*v))/volume + strange*anyColour
	return math.Log(p.density(c) / room)
}

// against is the logarithm of how much better colour c is explained by the
// lifter than by some place of the room; 0 while either is not known.
func (p *palette) against(room *palette, c *[3]float64) float64 {
	if p.total < paletteKnown || room.total < paletteKnown {
		return 0
	}
	return math.Log(p.shaded(c) / room.density(c))
}

// trial asks whether the colours alone tell the lifter from the room: of what is
// surely on the lifter, but further from the axis than the colours were learned,
// how much would they take for the room? In the dark all colours are a few.
type trial struct{ asked, wrong float64 }

const (
	// triedAt is where the trial asks, axis lengths from the axis: as far out as
	// the trunk surely goes.
	triedAt = 0.15
	// mistaken is the evidence against the lifter that counts as a mistake.
	mistaken = -1.0
	// mostWrong is the share of mistakes with which colours are still believed.
	mostWrong = 0.015
	// trialFull is the number of answers at which old ones begin to fade.
	trialFull = 1 << 12
)

func (q *trial) run(img Image, mask Mask, t *recording.Trunk, length float64, lifter, room *palette) {
	var c [3]float64
	for _, v := range [2]float64{-triedAt, triedAt} {
		along(img, mask, t, length, v, func(x, y float64) {
			img.bilinear(x, y, &c)
			q.asked++
			if lifter.against(room, &c) < mistaken {
				q.wrong++
			}
		})
	}
	if q.asked > trialFull {
		q.asked /= 2
		q.wrong /= 2
	}
}

func (q *trial) passed() bool { return q.wrong < mostWrong*q.asked }
