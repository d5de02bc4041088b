package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// palette is the distribution of the colours of the lifter's trunk and thighs,
// learned over the clip: a histogram with paletteSide bins per channel.
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
	// paletteKnown is how many samples it takes to know a lifter's colours:
	// about ten frames.
	paletteKnown = 2500
)

// learn adds what lies surely on the trunk: along the axis, a tenth of its
// length to either side. Thighs and arms are not asked, since their landmarks
// can be far from them.
func (p *palette) learn(img Image, mask Mask, t *recording.Trunk, length float64) {
	n, _ := t.Normal(recording.Left)
	for u := 0.0; u <= 0.9; u += 0.04 {
		for v := -0.1; v <= 0.101; v += 0.02 {
			x := t.Hip.X + u*(t.Shoulder.X-t.Hip.X) + v*length*n.X
			y := t.Hip.Y + u*(t.Shoulder.Y-t.Hip.Y) + v*length*n.Y
			if x < 0 || y < 0 || x >= float64(img.Width) || y >= float64(img.Height) || mask.At(x, y) < 0.9 {
				continue
			}
			o := 3 * (int(y)*img.Width + int(x))
			p.add(img.Pix[o], img.Pix[o+1], img.Pix[o+2])
		}
	}
	if p.total > paletteFull {
		for i := range p.bins {
			p.bins[i] /= 2
		}
		p.total /= 2
	}
}

// add spreads a colour over the nearest bins.
func (p *palette) add(b, g, r byte) {
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

// density is the probability density of a colour on the lifter, with a share
// for colours that the trunk does not show: hair, shoes, a bar.
func (p *palette) density(c *[3]float64) float64 {
	const unseen = 0.2
	i := 0
	for _, v := range c {
		i = i*paletteSide + max(0, min(paletteSide-1, int(v)>>paletteShift))
	}
	return unseen*anyColour + (1-unseen)*float64(p.bins[i])/(float64(p.total)+1)/binVolume
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
