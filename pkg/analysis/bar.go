package analysis

import (
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// atShoulders is how far from the shoulders, trunk lengths, the hand that holds
// a bar on the back may be, or the near plate's middle. Over rendered and real
// squats the nearer wrist is 0.1 to 0.45 from them with a bar on the back, 0.64
// and more with hands clasped before the chest, arms held out or hanging.
const atShoulders = 0.5

// barOnBack reports whether the lifter squats with a bar on the back: most of the
// time a hand or the near plate is at the shoulders.
func barOnBack(rec *recording.Recording, move *lift.Movement) bool {
	if move.Exercise != lift.Squat {
		return false
	}
	var gaps []float64
	for i := range rec.Frames {
		f := &rec.Frames[i]
		_, length := f.Trunk.Normal(recording.Left)
		if !f.Seen() || !(length > 0) {
			continue
		}
		s := f.Trunk.Shoulder
		gap := math.Inf(1)
		for _, w := range []recording.Landmark{recording.LeftWrist, recording.RightWrist} {
			gap = math.Min(gap, math.Hypot(f.Landmarks[w].X-s.X, f.Landmarks[w].Y-s.Y))
		}
		if f.Plate.Known() {
			gap = math.Min(gap, math.Hypot(f.Plate.X-s.X, f.Plate.Y-s.Y))
		}
		gaps = append(gaps, gap/length)
	}
	return signal.Median(gaps) < atShoulders
}
