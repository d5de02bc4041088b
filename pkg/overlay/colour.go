package overlay

import (
	"math"

	"github.com/spineflex/spineflex/pkg/analysis"
)

// Colours after Okabe & Ito 2008 (Color Universal Design): blue and vermilion
// stay apart for every kind of colour blindness, and the words and shapes never
// leave it to colour alone.
var (
	white   = ink{255, 255, 255, 255}
	soft    = ink{196, 206, 216, 255}
	dim     = ink{140, 152, 164, 255}
	black   = ink{6, 10, 14, 255}
	panel   = ink{10, 15, 21, 190}
	blue    = ink{86, 180, 233, 255}
	yellow  = ink{240, 228, 66, 255}
	orange  = ink{240, 150, 20, 255}
	vermil  = ink{234, 88, 12, 255}
	grey    = ink{150, 158, 166, 255}
	letters = ink{20, 12, 4, 255} // on a vermilion ground
)

// flexionScale gives lumbar flexion its colour: blue about the lifter's own
// neutral, vermilion from the limit of the neutral range on, degrees.
type flexionScale float64

// usualLimit is taken where the lifter's own limit is not known: 40° is about
// the full bend of a standing person (Esola et al. 1996, Spine 21:71).
const usualLimit flexionScale = 40

// newFlexionScale takes the flexion at which the surface of the back reaches
// the limit of the neutral range, within what can be told apart by colour.
func newFlexionScale(a *analysis.Analysis) flexionScale {
	limit := a.Neutral.LimitDeg - a.Neutral.LumbarAngleDeg
	if math.IsNaN(limit) || limit <= 0 {
		return usualLimit
	}
	return flexionScale(math.Max(15, math.Min(60, limit)))
}

// stops are shares of the limit and their colours.
var stops = []struct {
	share float64
	ink   ink
}{{0.125, blue}, {0.45, yellow}, {0.7, orange}, {1, vermil}}

// ink is the colour of a flexion; grey where it was not measured or is not
// sure.
func (s flexionScale) ink(deg float64, sure bool) ink {
	if math.IsNaN(deg) || !sure {
		return grey
	}
	share := deg / float64(s)
	if share <= stops[0].share {
		return stops[0].ink
	}
	for i := 1; i < len(stops); i++ {
		if p, q := stops[i-1], stops[i]; share <= q.share {
			return p.ink.mix(q.ink, (share-p.share)/(q.share-p.share))
		}
	}
	return stops[len(stops)-1].ink
}
