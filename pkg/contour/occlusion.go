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

// What an outline going up from the loin does that no back does, and what only
// a bare and strongly hollow one does. On rendered lifters in all postures the
// true outline's slope over cornerSpan stations above u = 0.2 reaches 0.48
// (99th percentile) and turns of 0.6 end in slopes under 0.3. Women standing
// very upright and men leaning back at a lockout were seen to turn by 0.9 into
// slopes of 0.6. An elbow in the sleeve that hides the back turns the outline
// by anything from 0.6.
const (
	// cornerSpan is the length of outline, in stations, over which a slope is
	// taken (0.09 trunk lengths).
	cornerSpan = 6
	// backwards is the slope with which no back moves backwards going up, once
	// it has turned there by backTurn from two spans below: where the landmarks
	// are wrong the whole back may seem to lean.
	backwards, backTurn = 0.9, 0.5
	// cornerTurn is the turn towards the back, in slope, from one span to the
	// next that makes an inner corner if the outline goes backwards by
	// cornerSlope after it.
	cornerTurn, cornerSlope = 1.0, 0.5
	// doubtTurn and doubtSlope make a corner that may be either. Beyond it the
	// edge may stand out from the back by a sleeve: doubtSD trunk lengths.
	doubtTurn, doubtSlope = 0.6, 0.35
	doubtSD               = 0.015
	// sharpTurn is the turn from one sharpSpan to the next that makes a corner
	// sharp: skin and cloth turn that far over 0.15 trunk lengths, the outlines
	// of two things meet in a point.
	sharpSpan, sharpTurn = 3, 0.5
	// loin is the station (u = 0.2) that is taken to be the back: buttocks end
	// below it and arms begin above it.
	loin = 43
	// shortThigh is the distance of a hip landmark from the knee, trunk
	// lengths, that no thigh has that is seen from the side: a thigh measures
	// 0.85. Landmarks of somebody who bends over arms and plates end up on the
	// hands. Measured: 0.5 and more in sound frames, under 0.4 in those.
	shortThigh = 0.42
)

// misplaced reports whether the hips' landmarks cannot be the hips.
func misplaced(lm *[recording.NumLandmarks]recording.Keypoint, t *recording.Trunk, length float64) bool {
	knee := middle(lm[recording.LeftKnee], lm[recording.RightKnee])
	return math.Hypot(knee.X-t.Hip.X, knee.Y-t.Hip.Y) < shortThigh*length
}

// markCorners looks for the place where an arm, a plate or somebody else comes
// out from behind or before the back, going up and going down from the loin: a
// jump, or going up a corner or a direction that no back has. What lies beyond
// is not the back any more. Going down, the hollow above a deep squat's
// buttock is as sharp as any corner. Where the hips are misplaced, the loin is
// not where it is looked for.
func markCorners(edge recording.Edge, misplaced bool, length float64) {
	from, to := piece(edge, misplaced, length)
	follow(edge, to-1, 1, length)
	follow(edge, from, -1, length)
	doubt := len(edge)
	for i := max(loin, from+cornerSpan); i+cornerSpan < len(edge) && edge[i+cornerSpan].Occluder != recording.Other; i++ {
		below, above := slope(edge[i-cornerSpan:i+1], length), slope(edge[i:i+cornerSpan+1], length)
		before := slope(edge[max(0, i-2*cornerSpan):i+1], length)
		if above > backwards && above-before > backTurn || above > cornerSlope && above-below > cornerTurn {
			for k := i; k < len(edge); k++ {
				cover(&edge[k])
			}
			break
		}
		if above > doubtSlope && above-below > doubtTurn {
			if sharp(edge, i, length) {
				for k := i; k < len(edge); k++ {
					cover(&edge[k])
				}
				break
			}
			doubt = min(doubt, i)
		}
	}
	for i := doubt; i < len(edge); i++ {
		if edge[i].Occluder == recording.Clear {
			edge[i].SD = math.Hypot(edge[i].SD, doubtSD*length)
		}
	}
}

// piece returns the range of stations without a jump that is the back: the one
// that holds the loin, unless that is missing, a splinter or misplaced; then
// that of which most lies where backs are, between there and the shoulders.
func piece(edge recording.Edge, misplaced bool, length float64) (from, to int) {
	const shoulder = 97 // u = 1
	most := 0
	for i := 0; i < len(edge); {
		end := i + 1
		for end < len(edge) && math.Abs(edge[end].Offset-edge[end-1].Offset) < jumpShare*length {
			end++
		}
		if !misplaced && i <= loin && loin < end && end-i >= 2*cornerSpan {
			return i, end
		}
		if n := min(end, shoulder) - max(i, loin-cornerSpan); end-i > 1 && n > most || to == 0 {
			from, to, most = i, end, n
		}
		i = end
	}
	return from, to
}

// follow marks what cannot be reached from sample start, going in direction
// dir, without a jump. A few samples that are off do not end the way, unless
// going up it goes on further out: that is an elbow. Nor does, going up, an
// outline that jumps inwards and stays there: what lies below it stands out, a
// plate before the buttocks as a rule, and the back goes on above.
func follow(edge recording.Edge, start, dir int, length float64) {
	last, inward := start, -1
	for i := start + dir; i >= 0 && i < len(edge); i += dir {
		if math.IsNaN(edge[last].Offset) {
			last = i
		}
		if math.IsNaN(edge[i].Offset) {
			continue
		}
		gone := math.Abs(float64(i - last))
		step := edge[i].Offset - edge[last].Offset
		within := jumpShare * length * math.Sqrt(gone)
		if dir > 0 && step > 0 {
			within = jumpShare * length
		}
		switch {
		case dir > 0 && step < -within:
			if inward < 0 {
				inward = i
			}
			if i-inward >= cornerSpan {
				last, inward = i, -1
			}
		case gone > cornerSpan || math.Abs(step) > within:
			cover(&edge[i])
		default:
			for ; inward >= 0 && inward < i; inward++ {
				cover(&edge[inward])
			}
			last, inward = i, -1
		}
	}
}

// sharp reports whether the outline turns towards the back in a point near
// sample i.
func sharp(edge recording.Edge, i int, length float64) bool {
	for k := max(sharpSpan, i-1); k <= i+1 && k+sharpSpan < len(edge); k++ {
		below, above := slope(edge[k-sharpSpan:k+1], length), slope(edge[k:k+sharpSpan+1], length)
		if above-below > sharpTurn {
			return true
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

// cover marks a sample as hidden by something unknown.
func cover(s *recording.Sample) {
	if s.Occluder == recording.Clear && !math.IsNaN(s.Offset) {
		s.Occluder = recording.Other
	}
}
