package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// hipForward is how far in front of the hip joint's centre, in the picture and in
// trunk lengths, the landmark network puts the hip of a person seen from the
// side. Measured on the rendered clips, whose joint centres are known: 4 to 6 cm
// in standing, mid-lift and at the bottom, squats and deadlifts alike. Left in,
// it tips trunk and thigh by 5°.
const hipForward = 0.10

// hipJoint moves the hip landmark back to the joint's centre.
func hipJoint(hip recording.Point, ahead, trunk float64) recording.Point {
	return recording.Point{X: hip.X - ahead*hipForward*trunk, Y: hip.Y}
}

// leg is the lifter's leg seen from the side, pixels.
type leg struct {
	thigh, shank float64
	ahead        float64 // +1 facing right, -1 facing left
}

// Thigh and shank. Both are .245 of stature (Drillis & Contini), but the ankle
// landmark lies some 4 cm above the joint, hence the larger share of the thigh.
const (
	thighShare    = 0.525
	minThighShare = 0.48
	maxThighShare = 0.57
)

// newLeg takes the leg's length from the upright frames, in which it is
// straight, and its division from those in which the knee is bent and well seen.
func newLeg(b *body, shoulder, hip, ankle track, ahead float64) leg {
	var reach, upright, share []float64
	for i := range b.t {
		d := distance(hip.at(i), ankle.at(i))
		reach = append(reach, d)
		s, h := shoulder.at(i), hip.at(i)
		if math.Abs(s.X-h.X) < 0.4*(h.Y-s.Y) {
			upright = append(upright, d)
		}
		for _, l := range []recording.Landmark{recording.LeftKnee, recording.RightKnee} {
			k := b.mark[l].at(i)
			up, down := distance(hip.at(i), k), distance(k, ankle.at(i))
			if b.vis[l][i] > 0.9 && d < 0.85*(up+down) {
				share = append(share, up/(up+down))
			}
		}
	}
	// The deepest squats are upright too, hence not the median of those frames.
	length := signal.Quantile(reach, 0.9)
	if float64(len(upright)) > 0.3*b.rate {
		length = min(length, signal.Quantile(upright, 0.75))
	}
	s := signal.Median(share)
	if float64(len(share)) < 0.5*b.rate {
		s = thighShare
	}
	s = min(max(s, minThighShare), maxThighShare)
	return leg{thigh: s * length, shank: (1 - s) * length, ahead: ahead}
}

// reach is where the knee must be for the leg to join hip and ankle, in front of
// the line between them.
func (l leg) reach(hip, ankle recording.Point) recording.Point {
	dx, dy := ankle.X-hip.X, ankle.Y-hip.Y
	d := math.Hypot(dx, dy)
	along := (d*d + l.thigh*l.thigh - l.shank*l.shank) / (2 * d)
	out := math.Sqrt(max(0, l.thigh*l.thigh-along*along))
	if d >= l.thigh+l.shank {
		along, out = d*l.thigh/(l.thigh+l.shank), 0
	}
	// (dy, -dx) turns the downward axis to the right: forward if facing right.
	return recording.Point{X: hip.X + (along*dx+l.ahead*out*dy)/d, Y: hip.Y + (along*dy-l.ahead*out*dx)/d}
}

// Standard deviations of the fit, in leg lengths: of a well seen knee, and of
// the two bones' lengths, which hold the errors of hip and ankle.
const (
	kneeSD = 0.03
	boneSD = 0.02
)

// knee is the most likely position of the knee given the hip, the planted ankle
// and the two knee landmarks. Plates hide the knees in a deadlift, and then the
// network puts one of them half a thigh away with high visibility: a landmark
// that does not fit the bones loses its weight (Cauchy).
func (l leg) knee(hip, ankle recording.Point, seen [2]recording.Point, vis [2]float64) recording.Point {
	k := l.reach(hip, ankle)
	if math.IsNaN(k.X) {
		return k
	}
	length := l.thigh + l.shank
	for range 12 {
		// Normal equations of one Gauss–Newton step for (x, y).
		var axx, axy, ayy, gx, gy float64
		add := func(jx, jy, r, w float64) {
			axx, axy, ayy = axx+w*jx*jx, axy+w*jx*jy, ayy+w*jy*jy
			gx, gy = gx+w*jx*r, gy+w*jy*r
		}
		for s, p := range seen {
			if math.IsNaN(p.X) || vis[s] < 0.02 {
				continue
			}
			sd := kneeSD * length / math.Sqrt(min(1, vis[s]))
			q := math.Hypot(p.X-k.X, p.Y-k.Y) / (2 * sd)
			w := 1 / (sd * sd * (1 + q*q))
			add(1, 0, p.X-k.X, w)
			add(0, 1, p.Y-k.Y, w)
		}
		for _, bone := range []struct {
			end    recording.Point
			length float64
		}{{hip, l.thigh}, {ankle, l.shank}} {
			d := distance(k, bone.end)
			if d == 0 {
				continue
			}
			add((k.X-bone.end.X)/d, (k.Y-bone.end.Y)/d, bone.length-d, 1/(boneSD*boneSD*length*length))
		}
		det := axx*ayy - axy*axy
		if !(det > 1e-12*(axx+ayy)*(axx+ayy)) {
			break
		}
		sx, sy := (ayy*gx-axy*gy)/det, (axx*gy-axy*gx)/det
		k.X, k.Y = k.X+sx, k.Y+sy
		if math.Hypot(sx, sy) < 1e-6*length {
			break
		}
	}
	return k
}
