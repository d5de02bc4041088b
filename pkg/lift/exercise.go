package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/signal"
)

// sureScore is the least agreement, of 4, for an exercise without a warning.
const sureScore = 1.0

// A hinge's deepest posture: the hands reach for the floor over nearly straight
// knees. Romanian deadlifts stop at the shins and bend the knees more.
const (
	hingeKnee  = 25.0 // degrees, at most
	hingeTrunk = 55.0 // degrees, at least
	hingeHand  = 0.22 // of the leg, the wrist above the ankle, at most
)

// exercise tells a squat from a deadlift by where the hands are when the lifter
// is low, and by how the lifter got there: by the hips or by the knees.
func (p *poses) exercise() (e Exercise, sure bool) {
	low, high := signal.Quantile(p.shoulderHeight, 0.05), signal.Quantile(p.shoulderHeight, 0.95)
	if !(high > low) {
		return UnknownExercise, false
	}
	standing := signal.Quantile(p.hipHeight, 0.9)
	isLow := func(i int) bool {
		return p.shoulderHeight[i] < low+0.25*(high-low) && math.Abs(p.size[i]-1) < maxSizeChange &&
			math.Abs(p.trunk[i]) < 115 // not upside down: the network's error
	}
	n := len(p.trunk)
	if p.plate == nil && medianWhere(p.knee, isLow) <= hingeKnee && medianWhere(p.trunk, isLow) >= hingeTrunk &&
		medianWhere(p.handHeight, isLow) <= hingeHand*standing {
		return Hinge, true
	}
	hand, hinge := make([]float64, n), make([]float64, n)
	for i := range n {
		hand[i] = (p.wrist.y[i] - p.kneeAt.y[i]) / standing
		hinge[i] = p.trunk[i] - p.knee[i]/2
	}
	vote := func(x []float64, middle, scale float64) float64 {
		v := medianWhere(x, isLow)
		if math.IsNaN(v) {
			return 0
		}
		return min(max((v-middle)/scale, -1), 1)
	}
	score := vote(p.hanging, 0.62, 0.2) + // on the shoulders or before the chest: less than half an arm below the shoulders
		1.5*vote(hand, -0.10, 0.15) + // a bar on the floor is below the knee
		vote(hinge, -3, 20) + // trunk against knee: 65° and 88° in a deadlift, 30° and 125° in a squat
		0.5*vote(p.hipHeight, 0.56*standing, 0.12*standing) +
		3*p.plateVote()
	if score > 0 {
		return Deadlift, score > sureScore
	}
	return Squat, score < -sureScore
}

// plateVote is 1 when the bar's plate is seen below the hips, as in a deadlift,
// -1 when it never is, as in a squat, and 0 without a plate. The plate is seen even
// where it hides the joints. At lockout it may be as high as the hips, and so may
// the joints' guesses behind it, so a part of the frames is enough.
func (p *poses) plateVote() float64 {
	if p.plate == nil {
		return 0
	}
	below, known := 0.0, 0.0
	for i, y := range p.plate.y {
		if math.IsNaN(y) || math.IsNaN(p.hip.y[i]) {
			continue
		}
		known++
		if y > p.hip.y[i] {
			below++
		}
	}
	if known == 0 {
		return 0
	}
	return min(max((below/known-0.25)/0.15, -1), 1)
}
