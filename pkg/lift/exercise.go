package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/signal"
)

// exercise tells a squat from a deadlift by where the hands are when the lifter
// is low, and by how the lifter got there: by the knees or by the hips.
func (p *poses) exercise() (e Exercise, sure bool) {
	low, high := signal.Quantile(p.shoulderHeight, 0.05), signal.Quantile(p.shoulderHeight, 0.95)
	if !(high > low) {
		return UnknownExercise, false
	}
	standing := signal.Quantile(p.hipHeight, 0.9)
	isLow := func(i int) bool {
		return p.shoulderHeight[i] < low+0.25*(high-low) && math.Abs(p.size[i]-1) < maxSizeChange
	}
	hanging := medianWhere(p.hanging, isLow)
	trunk := medianWhere(p.trunk, isLow)
	hip := medianWhere(p.hipHeight, isLow) / standing
	vote := func(v, middle, scale float64) float64 {
		if math.IsNaN(v) {
			return 0
		}
		return min(max((v-middle)/scale, -1), 1)
	}
	// On the shoulders or before the chest the hands are less than half an arm
	// below the shoulders; in a deadlift they hang. Arms that hang beside a
	// bodyweight squat are outvoted by an upright trunk and low hips.
	score := 2*vote(hanging, 0.62, 0.2) + vote(trunk, 47, 15) + vote(hip, 0.56, 0.12)
	if score > 0 {
		return Deadlift, score > 0.7
	}
	return Squat, score < -0.7
}
