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

const (
	// cornerSpan is the length of outline, in stations, on whose two sides the
	// slope is compared (0.045 trunk lengths each).
	cornerSpan = 3
	// cornerTurn is the turn towards the back, in slope, that no spine makes
	// within two spans: the hollow of a strongly lordotic back turns by 0.4.
	cornerTurn = 0.6
	// cornerFrom is the station above which an arm can meet the back (u = 0.3).
	cornerFrom = 50
)

// markCorners looks for the inner corners where an arm, a plate or somebody
// else comes out from behind or before the back, going up and going down from
// the loin. What lies beyond a corner is not the back any more.
func markCorners(edge recording.Edge, length float64) {
	slope := func(a, b int) float64 {
		return (edge[b].Offset - edge[a].Offset) / (float64(b-a) * recording.StationStep * length)
	}
	corner := func(i int) bool {
		return slope(i, i+cornerSpan)-slope(i-cornerSpan, i) > cornerTurn
	}
	for i := cornerFrom; i+cornerSpan < len(edge); i++ {
		if corner(i) {
			cover(edge[i:])
			break
		}
	}
	for i := cornerFrom; i >= cornerSpan; i-- {
		if corner(i) {
			cover(edge[:i+1])
			break
		}
	}
}

// cover marks samples as hidden by something unknown.
func cover(edge recording.Edge) {
	for k := range edge {
		if edge[k].Occluder == recording.Clear {
			edge[k].Occluder = recording.Other
		}
	}
}
