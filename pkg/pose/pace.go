package pose

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// A lifter who stands at rest looks the same in three pictures in a row. Where they
// move, or are bent, every picture counts: a pelvis that tucks under for 0.3 s at the
// bottom of a squat has nine pictures at 30 a second, and at 15 such winks are lost
// (two of three, simulated); and with one in two of those in which an upright lifter
// moves, two or three of 21 verdicts on real clips were (docs/performance.md).
const (
	// uprightBend bounds the flexion of an upright lifter's hips and knees,
	// radians: about a third of a squat's depth.
	uprightBend = 60 * math.Pi / 180
	// restGap is the longest time between two looks at a lifter at rest, seconds:
	// every third picture at 30 a second.
	restGap = 0.105
	// hardly is the speed of hips and shoulders, trunks a second, below which
	// the lifter rests: 15 cm/s.
	hardly = 0.3
)

// Pace tells which frames have to be looked at: all while the lifter moves or is
// bent, fewer while they stand at rest. The zero value is ready for a clip's first
// frame.
type Pace struct {
	last, before Look    // the last two looks
	time         float64 // of the frame asked for last
}

// Skips reports whether the clip's next frame need not be looked at.
func (p *Pace) Skips(time float64) bool {
	step := time - p.time
	p.time = time
	gap := p.gap()
	// The frame after it is reckoned to come a step later.
	return gap > 0 && time+step-p.last.Time <= gap
}

// Note takes a frame that was looked at.
func (p *Pace) Note(l Look) { p.before, p.last = p.last, l }

// gap is the longest time until the next look, 0 if every frame counts.
func (p *Pace) gap() float64 {
	if !p.before.upright() || !p.last.upright() {
		return 0
	}
	a, b := p.before.joints(), p.last.joints()
	way := max(distance(a.hip, b.hip), distance(a.shoulder, b.shoulder)) / b.segments().trunk
	if way < hardly*(p.last.Time-p.before.Time) {
		return restGap
	}
	return 0
}

// upright reports whether the network is sure of a lifter whose hips and knees
// are nearly straight.
func (l *Look) upright() bool {
	if l.Tracking != recording.Tracked || l.Presence < surePresence {
		return false
	}
	j := l.joints()
	return bend(j.shoulder, j.hip, j.knee) < uprightBend && bend(j.hip, j.knee, j.ankle) < uprightBend
}

// bend is how far a joint is from straight, 0 to π; NaN if a point is missing.
func bend(above, joint, below [2]float64) float64 {
	up := math.Atan2(joint[1]-above[1], joint[0]-above[0])
	down := math.Atan2(below[1]-joint[1], below[0]-joint[0])
	return math.Abs(math.Remainder(down-up, 2*math.Pi))
}
