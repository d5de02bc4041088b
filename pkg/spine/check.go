package spine

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

const (
	// leastChord is the number of samples a tangent needs.
	leastChord = 5
	// usualDisagreement is how far the two forms differ without anything being
	// wrong, degrees. Over rendered lifters frames beyond it are off by as much
	// more as they differ more.
	usualDisagreement = 2.0
	// armsDisagreement is the same with a bar on the back: the upper tangent is then
	// as often an arm's as the thorax', which the fit knows (see elbowDoubt). In a
	// brisk rendered squat it turned 19° too far at the bottom, where the fit was
	// right within 3°, and all values were lost there.
	armsDisagreement = 12.0
)

// disagreement checks the fit by the plain form of the measurement
// (measurement.md 3a.4): the turn from the tangent over the sacrum, S2 to L4, to
// that over the lower thorax, L2 to T10, by all clear samples, also by those
// that the fit did not believe. It returns by how much the seen contour turns
// more than the fitted one, degrees; NaN where either end is hidden.
func (s *series) disagreement(fr *frame) float64 {
	var c curve
	p := &fr.got.params
	s.ref.bend(&c, p[pFlexion], p[pGluteal])
	cos, sin := math.Cos(p[pPitch]), math.Sin(p[pPitch])
	var sacral, thoracic chord
	for _, o := range fr.obs {
		h, back := toBody(o, p, cos, sin)
		model, _, _, ok := c.lookup(h)
		if !ok {
			continue
		}
		switch level := c.neutralHeight(h); {
		case level >= levelS2 && level <= levelL4:
			sacral.add(h, back, model)
		case level >= levelL2 && level <= levelT10:
			thoracic.add(h, back, model)
		}
	}
	return thoracic.turn() - sacral.turn()
}

// chord is a stretch of the back: heights, where the contour is seen and where
// the fit has it.
type chord struct{ h, seen, fitted []float64 }

func (c *chord) add(h, seen, fitted float64) {
	c.h, c.seen, c.fitted = append(c.h, h), append(c.seen, seen), append(c.fitted, fitted)
}

// turn is by how much the seen chord is inclined further forward than the
// fitted one, degrees; NaN if it is too short.
func (c *chord) turn() float64 {
	if len(c.h) < leastChord {
		return math.NaN()
	}
	_, seen := stat.LinearRegression(c.h, c.seen, nil, false)
	_, fitted := stat.LinearRegression(c.h, c.fitted, nil, false)
	return degrees(math.Atan(fitted) - math.Atan(seen))
}

// doubt is the standard deviation that the disagreement adds to a frame's,
// degrees.
func (s *series) doubt(fr *frame) float64 {
	usual := usualDisagreement
	if s.in.BarOnBack {
		usual = armsDisagreement
	}
	return orZero(math.Max(0, math.Abs(s.disagreement(fr))-usual))
}
