package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// limb is a capsule: a segment of an arm with its radius, pixels.
type limb struct {
	a, b   recording.Point
	radius float64
}

// armsOf returns the upper arms and forearms of both sides that are worth
// believing. Radii in trunk lengths after Winter's segment girths: an upper
// arm is about a seventh of the trunk's length thick, a forearm a ninth.
func armsOf(lm *[recording.NumLandmarks]recording.Keypoint, length float64) []limb {
	var arms []limb
	for _, j := range [][3]recording.Landmark{
		{recording.LeftShoulder, recording.LeftElbow, recording.LeftWrist},
		{recording.RightShoulder, recording.RightElbow, recording.RightWrist},
	} {
		s, e, w := lm[j[0]], lm[j[1]], lm[j[2]]
		if e.Visibility < 0.5 {
			continue
		}
		arms = append(arms, limb{lerp(s, e, 0.45), lerp(s, e, 1), 0.10 * length})
		if w.Visibility >= 0.5 {
			arms = append(arms, limb{lerp(e, w, 0), lerp(e, w, 1.15), 0.08 * length})
		}
	}
	return arms
}

func lerp(a, b recording.Keypoint, t float64) recording.Point {
	return recording.Point{X: a.X + t*(b.X-a.X), Y: a.Y + t*(b.Y-a.Y)}
}

func (l limb) covers(p recording.Point) bool {
	dx, dy := l.b.X-l.a.X, l.b.Y-l.a.Y
	t := ((p.X-l.a.X)*dx + (p.Y-l.a.Y)*dy) / math.Max(dx*dx+dy*dy, 1e-9)
	t = math.Max(0, math.Min(1, t))
	return math.Hypot(p.X-l.a.X-t*dx, p.Y-l.a.Y-t*dy) <= l.radius
}

// markArms marks the samples that lie on an arm.
func markArms(edge recording.Edge, t *recording.Trunk, side recording.Side, arms []limb) {
	for i := range edge {
		if math.IsNaN(edge[i].Offset) {
			continue
		}
		p := t.At(side, i, edge[i].Offset)
		for _, a := range arms {
			if a.covers(p) {
				edge[i].Occluder = recording.Arm
				break
			}
		}
	}
}

// No back bends or runs like that. Measured on rendered lifters' true outlines
// in all postures, slopes over cornerSpan stations above u = 0.2 reach 0.48
// (99th percentile; 0.62 at most), and turns of 0.6 end in slopes under 0.3.
const (
	// cornerSpan is the length of outline, in stations, over which a slope is
	// taken (0.09 trunk lengths).
	cornerSpan = 6
	// backwards is the slope with which no back moves backwards going up.
	backwards = 0.65
	// cornerTurn is the turn towards the back, in slope, from one span to the
	// next that makes an inner corner if the outline goes backwards by
	// cornerSlope after it.
	cornerTurn, cornerSlope = 0.6, 0.35
	// loin is the station that is taken to be the back: u = 0.2. Buttocks end
	// below it and arms above it.
	loin = 43
)

// markCorners looks for the place where an arm, a plate or somebody else comes
// out from behind or before the back, going up and going down from the loin: a
// jump, or going up a corner or a direction that no back has. What lies beyond
// is not the back any more. Going down, the hollow above a deep squat's
// buttock is as sharp as any corner.
func markCorners(edge recording.Edge, length float64) {
	for i := loin; i < len(edge); i++ {
		if jumps(edge, i, -1, length) {
			cover(edge[i:])
			break
		}
		if i+cornerSpan >= len(edge) {
			continue
		}
		below, above := slope(edge[i-cornerSpan:i+1], length), slope(edge[i:i+cornerSpan+1], length)
		if above > backwards || above > cornerSlope && above-below > cornerTurn {
			cover(edge[i:])
			break
		}
	}
	for i := loin; i >= 0; i-- {
		if jumps(edge, i, 1, length) {
			cover(edge[:i+1])
			break
		}
	}
}

// jumps reports whether sample i is away from the last one that there is in
// direction dir by more than a trunk can be.
func jumps(edge recording.Edge, i, dir int, length float64) bool {
	if math.IsNaN(edge[i].Offset) {
		return false
	}
	for k := 1; k <= cornerSpan && i+k*dir >= 0 && i+k*dir < len(edge); k++ {
		if o := edge[i+k*dir].Offset; !math.IsNaN(o) {
			return math.Abs(edge[i].Offset-o) > jumpShare*length*math.Sqrt(float64(k))
		}
	}
	return false
}

// slope is that of the least-squares line through the samples, per station's
// distance; NaN if one is missing.
func slope(edge recording.Edge, length float64) float64 {
	var sxx, sxy float64
	c := float64(len(edge)-1) / 2
	for k, s := range edge {
		x := float64(k) - c
		sxx += x * x
		sxy += x * s.Offset
	}
	return sxy / sxx / (recording.StationStep * length)
}

// cover marks samples as hidden by something unknown.
func cover(edge recording.Edge) {
	for k := range edge {
		if edge[k].Occluder == recording.Clear {
			edge[k].Occluder = recording.Other
		}
	}
}
