package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// A plate counts as the lifter's when it is found in minPlateShare of the frames
// that show the lifter.
const minPlateShare = 0.5

// plateScale is a length at the lifter over the same length at the near plate,
// which is .7 m nearer to a camera 3 to 5 m away (design note measurement, 3e).
const (
	plateScale    = 0.84
	minPlateScale = 0.7
	maxPlateScale = 1.0
)

// plate is the path of the plate's centre; nil if there is none.
func (b *body) plate() *track {
	seen, known := 0, 0
	k := newTrack(len(b.t))
	for i, d := range b.discs {
		if b.confidence[i] > 0 {
			seen++
		}
		k.set(i, recording.Point{X: math.NaN(), Y: math.NaN()})
		if d.Known() {
			known++
			k.set(i, recording.Point{X: d.X, Y: d.Y})
		}
	}
	if known == 0 || float64(known) < minPlateShare*float64(seen) {
		return nil
	}
	b.smooth(k, b.trunk)
	return &k
}

// barDepth is how low the bar is, in leg lengths: by the plate where one is found,
// which nothing hides, and by the hands elsewhere, put on the plate's level by the
// frames that show both.
func (p *poses) barDepth(b *body) []float64 {
	hands := p.handDepth(b)
	if p.plate == nil {
		return hands
	}
	scale := p.plateTravel(b, hands)
	out := make([]float64, len(hands))
	offset := make([]float64, len(hands))
	for i := range out {
		out[i] = scale * p.plate.y[i] / b.leg
		offset[i] = out[i] - hands[i]
	}
	signal.Extend(offset, b.t)
	for i, v := range out {
		if math.IsNaN(v) {
			out[i] = hands[i] + offset[i]
		}
	}
	return out
}

// plateTravel is how far the hands move for each pixel that the plate does.
func (p *poses) plateTravel(b *body, hands []float64) float64 {
	const enough = 300 // samples; the line through all pairs takes their square
	step := 1 + len(hands)/enough
	var x, y []float64
	for i := 0; i < len(hands); i += step {
		if !math.IsNaN(p.plate.y[i]) && !math.IsNaN(hands[i]) {
			x, y = append(x, p.plate.y[i]/b.leg), append(y, hands[i])
		}
	}
	scale, _ := signal.TheilSen(x, y)
	if !(scale >= minPlateScale && scale <= maxPlateScale) {
		return plateScale
	}
	return scale
}

// handDepth is how low the hands are, from the wrists and, since those are often
// hidden, from the shoulders that straight arms hang from. A hand that does not
// hang (it waves) says nothing.
func (p *poses) handDepth(b *body) []float64 {
	d := make([]float64, len(p.hanging))
	for i := range d {
		shoulder := p.shoulderHeight[i] - p.arm
		hand := p.handHeight[i]
		if !(p.hanging[i] > 0.75 && p.hanging[i] < 1.25) {
			hand = shoulder
		}
		d[i] = -(shoulder + hand) / 2 / b.leg
	}
	return d
}
