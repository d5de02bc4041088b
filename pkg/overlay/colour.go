package overlay

import "math"

// Colours after Okabe & Ito 2008 (Color Universal Design): blue and vermilion
// stay apart for every kind of colour blindness, and the words and shapes never
// leave it to colour alone.
var (
	white   = ink{255, 255, 255, 255}
	soft    = ink{196, 206, 216, 255}
	dim     = ink{140, 152, 164, 255}
	black   = ink{6, 10, 14, 255}
	panel   = ink{10, 15, 21, 170}
	blue    = ink{86, 180, 233, 255}
	yellow  = ink{240, 228, 66, 255}
	orange  = ink{240, 150, 20, 255}
	vermil  = ink{234, 88, 12, 255}
	grey    = ink{150, 158, 166, 255}
	letters = ink{20, 12, 4, 255} // on a vermilion ground
)

// flexionScale are the colours of lumbar flexion: up to 5° from the lifter's
// own neutral is blue, 40° and more, about the full bend of a standing person
// (Esola et al. 1996, Spine 21:71), vermilion.
var flexionScale = []struct {
	deg float64
	ink ink
}{{5, blue}, {18, yellow}, {28, orange}, {40, vermil}}

// flexionInk is the colour of a flexion; grey where it was not measured or is
// not sure.
func flexionInk(deg float64, sure bool) ink {
	if math.IsNaN(deg) || !sure {
		return grey
	}
	s := flexionScale
	if deg <= s[0].deg {
		return s[0].ink
	}
	for i := 1; i < len(s); i++ {
		if deg <= s[i].deg {
			return s[i-1].ink.mix(s[i].ink, (deg-s[i-1].deg)/(s[i].deg-s[i-1].deg))
		}
	}
	return s[len(s)-1].ink
}
