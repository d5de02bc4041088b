package analysis

import (
	"fmt"
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
)

// Warning codes about what the picture shows of the lifter.
const (
	WarnUpperBody = "upper_body_only"
	WarnLeft      = "lifter_left_picture"
)

// goneS is how long the lifter may be out of the picture without a word;
// somebody who walks past hides a lifter for less.
const goneS = 1

// framing says whether the lifter is whole in the picture, and takes the
// verdict back where depth was read from legs that the network only imagined.
func (a *Analysis) framing(rec *recording.Recording) {
	if gone := goneFor(rec); gone > goneS {
		a.warn(WarnLeft, fmt.Sprintf("you were out of the picture for %.1f s; what was seen of the set counts", gone))
	}
	if !upperBodyOnly(rec) {
		return
	}
	const message = "only your upper body is in the picture; film the whole lifter, feet too"
	a.warn(WarnUpperBody, message)
	missing := math.NaN()
	a.SafeRange = rom.SafeRange{
		Verdict: rom.Inconclusive, Reason: "only the upper body is in the picture",
		Advice:   "No verdict: " + message + ".",
		DepthPct: missing, DepthPctCI90: [2]float64{missing, missing},
		KneeFlexionDeg: missing, ThighDeg: missing, HipHeightPct: missing, BoxHeightCM: missing, BlockHeightCM: missing, HeightSDCM: missing, HeightMarginCM: missing,
	}
}

// upperBodyOnly reports whether both knees lie below the picture in most of
// the frames that show the lifter. The landmark network gives every landmark a
// place, also where there is no picture.
func upperBodyOnly(rec *recording.Recording) bool {
	seen, cut := 0, 0
	for i := range rec.Frames {
		f := &rec.Frames[i]
		if !f.Seen() {
			continue
		}
		seen++
		if math.Min(f.Landmarks[recording.LeftKnee].Y, f.Landmarks[recording.RightKnee].Y) > float64(rec.Clip.Height) {
			cut++
		}
	}
	return seen > 0 && 2*cut > seen
}

// goneFor is how long nobody was seen between and after the frames that show
// the lifter, in seconds.
func goneFor(rec *recording.Recording) float64 {
	gone, last := 0.0, math.NaN()
	for i := range rec.Frames {
		f := &rec.Frames[i]
		if !f.Seen() && !math.IsNaN(last) {
			gone += f.Time - rec.Frames[i-1].Time
		}
		if f.Seen() {
			last = f.Time
		}
	}
	return gone
}
