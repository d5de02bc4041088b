package pose

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// A lifter who stands at rest looks the same in three pictures in a row. Where they
// move, or are bent, every picture counts: a pelvis that tucks under for 0.3 s at the
// bottom of a squat has nine pictures at 30 a second, and at 15 such winks are lost
// (two of three, simulated); and with one in two of those in which an upright lifter
// moves, two or three of 21 verdicts on real clips were (docs/performance.md). But
// what counts in them is the outline, and where to look for that is known from the
// landmarks and the masks of the pictures before and after.
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
	// outlineGap is the longest time between two looks with pictures between them
	// that are outlined only, seconds: every third picture at 30 a second. Half way
	// between them a joint that is slowed down by g/2 is 6 mm off the straight line.
	outlineGap = 0.105
	// hastyGap is the same for a lifter in haste: every second picture.
	hastyGap = 0.07
	// haste is the speed of hips and shoulders, trunks a second, from which the
	// next region lies too far from the last one to be let go for outlineGap: 50 cm/s.
	// At twice that a squat of 0.8 s down, in a loose shirt, lost its neutral.
	haste = 1.0
	// plainly is the visibility from which a knee or an ankle is seen and not
	// guessed. Behind plates it is 0.2 to 0.9, with nothing before the legs 0.9 and
	// more (37 real and 11 rendered clips). Those that are guessed go astray
	// between looks: with every second picture watched, deadlifts lost two of 21
	// verdicts. The lite network sees less of the same joints: 0.2 to 0.75 behind
	// plates, 0.8 and more else.
	plainly     = 0.9
	plainlyLite = 0.8
)

// MostOutlined bounds the frames between two that are watched which are outlined
// only. Who follows a [Pace] keeps as many until the second one is there.
const MostOutlined = 2

// Care is what a frame is worth.
type Care int

const (
	// Watch: the networks look at it.
	Watch Care = iota
	// Outline: the trunk is outlined in it, by the landmarks and the masks of
	// the frames before and after, which are both watched.
	Outline
	// Leave: it may be left out.
	Leave
)

// Pace tells what care each frame needs: less while the lifter stands at rest, and
// less of the networks while they are sure. It is ready for a clip's first frame
// once it is told whose looks these are.
type Pace struct {
	Quality Quality

	last, before Look    // the last two looks
	time         float64 // of the frame asked for last
	outlined     int     // frames since the last look
}

// Care says what the clip's next frame is worth.
func (p *Pace) Care(time float64) Care {
	step := time - p.time
	p.time = time
	// The frame after it is reckoned to come a step later.
	gap := time + step - p.last.Time
	if !p.before.sure() || !p.last.sure() {
		return Watch
	}
	speed := p.speed()
	switch {
	case p.before.upright() && p.last.upright() && speed < hardly:
		if gap <= restGap {
			return Leave
		}
	case p.outlined < MostOutlined && p.Quality.plain(&p.before.Landmarks) && p.Quality.plain(&p.last.Landmarks):
		if gap <= hastyGap || gap <= outlineGap && speed < haste {
			p.outlined++
			return Outline
		}
	}
	return Watch
}

// Note takes a frame that was watched.
func (p *Pace) Note(l Look) { p.before, p.last, p.outlined = p.last, l, 0 }

// speed is that of the hips or the shoulders, whichever went further between the
// last two looks, trunks a second.
func (p *Pace) speed() float64 {
	a, b := p.before.joints(), p.last.joints()
	way := max(distance(a.hip, b.hip), distance(a.shoulder, b.shoulder)) / b.segments().trunk
	return way / (p.last.Time - p.before.Time)
}

// sure reports whether the network is sure of a lifter.
func (l *Look) sure() bool {
	return l.Tracking == recording.Tracked && l.Presence >= surePresence
}

// plain reports whether a whole leg is seen, which holds all that is seen of the
// body in its place.
func (q Quality) plain(lm *[recording.NumLandmarks]recording.Keypoint) bool {
	plainly := plainly
	if q == Fast {
		plainly = plainlyLite
	}
	seen := func(joint recording.Landmark) bool {
		return max(lm[joint].Visibility, lm[joint+1].Visibility) >= plainly
	}
	return seen(recording.LeftKnee) && seen(recording.LeftAnkle)
}

// upright reports whether the lifter's hips and knees are nearly straight.
func (l *Look) upright() bool {
	j := l.joints()
	return bend(j.shoulder, j.hip, j.knee) < uprightBend && bend(j.hip, j.knee, j.ankle) < uprightBend
}

// bend is how far a joint is from straight, 0 to π; NaN if a point is missing.
func bend(above, joint, below [2]float64) float64 {
	up := math.Atan2(joint[1]-above[1], joint[0]-above[0])
	down := math.Atan2(below[1]-joint[1], below[0]-joint[0])
	return math.Abs(math.Remainder(down-up, 2*math.Pi))
}
