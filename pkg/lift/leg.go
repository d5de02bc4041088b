package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// hipPasses is how often hip and knee are found in turn: where the hip is depends
// on where the thigh points.
const hipPasses = 2

// hipJoint moves the hip landmark back to the joint's centre. Left where it is,
// it tips trunk and thigh by 5°, and takes 8° off the knee's flexion between
// standing and the bottom. The thigh points
// from that to the knee, straight down where the knee is unknown.
func hipJoint(hip, knee recording.Point, ahead, trunk float64) recording.Point {
	dx, dy := knee.X-hip.X, knee.Y-hip.Y
	d := math.Hypot(dx, dy)
	if !(d > 0) {
		dx, dy, d = 0, 1, 1
	}
	return recording.Point{X: hip.X - trunk*(ahead*recording.HipAhead+recording.HipAlong*dx/d), Y: hip.Y - trunk*recording.HipAlong*dy/d}
}

// Standard deviations of where joints are seen and of the bones' lengths in the
// picture, in leg lengths. A joint behind a plate is a guess.
const (
	kneeSD       = 0.03
	hipSD        = 0.02
	behindPlate  = 25.0 // times that
	boneSD       = 0.02
	trunkSD      = 0.05 // it rounds
	slackTrunk   = 0.03 // of the trunk's length
	hardlySeen   = 0.02 // visibility
	jointPasses  = 40
	settledShift = 1e-6 // of the leg
)

// joints sets the hips and knees. Those that a plate hides follow from what is
// seen: the bones keep their lengths, the feet stand still, the knee goes in
// front of the line from hip to ankle.
func (b *body) joints(p *poses, ahead float64) {
	n := len(b.t)
	hips := newTrack(n) // the landmarks'
	for i := range n {
		hips.set(i, b.weighted(recording.LeftHip, i))
		p.kneeAt.set(i, recording.Point{X: math.NaN(), Y: math.NaN()})
	}
	for range hipPasses {
		for i := range n {
			p.hip.set(i, hipJoint(hips.at(i), p.kneeAt.at(i), ahead, b.trunk*b.shot(i).scale))
		}
		trunk := b.seenTrunk(p)
		for i := range n {
			length := trunk * b.shot(i).scale
			p.lost[i] = b.lostHip(p, i, length)
			b.hang(p, i, length)
		}
		l := newLeg(b, p, ahead)
		for i := range n {
			scale := b.shot(i).scale
			b.bend(p, i, l.times(scale), trunk*scale)
		}
		b.smooth(p.kneeAt, b.trunk)
	}
}

// seenTrunk is the trunk's length where no plate hides the hips.
func (b *body) seenTrunk(p *poses) float64 {
	var seen []float64
	for i := range b.t {
		if b.hidden(p.hip.at(i), i) == 0 {
			seen = append(seen, distance(p.shoulder.at(i), p.hip.at(i))/b.shot(i).scale)
		}
	}
	if float64(len(seen)) < surelySeen*b.rate {
		return b.trunk
	}
	return signal.Median(seen)
}

// lostHip is how surely the hip's landmark is not to be believed, 0 to 1: it is
// behind the plate, or the plate is near and drags it along, which shows as a trunk
// longer than the lifter's. A plate on the shoulders, as in a squat, tells nothing
// of the hip.
func (b *body) lostHip(p *poses, i int, trunk float64) float64 {
	h, s, d := p.hip.at(i), p.shoulder.at(i), b.discs[i]
	c := recording.Point{X: d.X, Y: d.Y}
	if !d.Known() || !(distance(c, h) < distance(c, s)) || b.hidden(s, i) > 0 {
		return 0
	}
	return max(b.hidden(h, i), min((distance(h, s)/trunk-1-slackTrunk)/slackTrunk, 1))
}

// hang puts a hip behind the plate at the trunk's length from the shoulder.
func (b *body) hang(p *poses, i int, trunk float64) {
	h, s := p.hip.at(i), p.shoulder.at(i)
	w, d := p.lost[i], distance(h, s)
	if w == 0 || !(d > 0) {
		return
	}
	by := w * (trunk/d - 1)
	p.hip.set(i, recording.Point{X: h.X + by*(h.X-s.X), Y: h.Y + by*(h.Y-s.Y)})
}

// bend places the knee, and with it the hip where a plate hides that.
func (b *body) bend(p *poses, i int, l leg, trunk float64) {
	h, a, length := p.hip.at(i), p.ankle.at(i), l.thigh+l.shank
	var knees []guess
	for _, m := range []recording.Landmark{recording.LeftKnee, recording.RightKnee} {
		k, v := b.mark[m].at(i), b.vis[m][i]
		if math.IsNaN(k.X) || v < hardlySeen {
			continue
		}
		sd := kneeSD * length / math.Sqrt(min(1, v))
		knees = append(knees, guess{k, sd * (1 + (behindPlate-1)*b.hidden(k, i)), true})
	}
	if p.lost[i] == 0 {
		p.kneeAt.set(i, settle(l.reach(h, a), knees, l.taut(distance(h, a)).bones(h, a), length))
		return
	}
	// The knee comes first: what the network makes of a hidden hip follows the plate.
	sd := hipSD * length * (1 + (behindPlate-1)*p.lost[i])
	knee := settle(mean(knees, l.reach(h, a)), knees, []bone{{a, l.shank, boneSD * length}}, length)
	for range jointPasses {
		h = settle(h, []guess{{p.hip.at(i), sd, false}}, []bone{
			{knee, l.thigh, boneSD * length}, {p.shoulder.at(i), trunk, trunkSD * length},
		}, length)
		knee = settle(knee, knees, l.taut(distance(h, a)).bones(h, a), length)
	}
	p.hip.set(i, h)
	p.kneeAt.set(i, knee)
}

// mean of the guesses by their weight, or other without any.
func mean(guesses []guess, other recording.Point) recording.Point {
	var x, y, sum float64
	for _, g := range guesses {
		w := 1 / (g.sd * g.sd)
		x, y, sum = x+w*g.at.X, y+w*g.at.Y, sum+w
	}
	if sum == 0 {
		return other
	}
	return recording.Point{X: x / sum, Y: y / sum}
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
func newLeg(b *body, p *poses, ahead float64) leg {
	var reach, upright, share []float64
	for i := range b.t {
		s, h, a := p.shoulder.at(i), p.hip.at(i), p.ankle.at(i)
		d := distance(h, a) / b.shot(i).scale
		reach = append(reach, d)
		if math.Abs(s.X-h.X) < 0.4*(h.Y-s.Y) {
			upright = append(upright, d)
		}
		for _, l := range []recording.Landmark{recording.LeftKnee, recording.RightKnee} {
			k := b.mark[l].at(i)
			up, down := distance(h, k), distance(k, a)
			d := distance(h, a)
			if b.vis[l][i] > 0.9 && d < 0.85*(up+down) && b.hidden(k, i) == 0 && b.hidden(h, i) == 0 {
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

// nearlyStraight is the standard deviation of the leg's length over its length.
const nearlyStraight = 0.013

// taut is the leg with the length that it may have when hip and ankle are d apart:
// a nearly straight knee's angle is a square root of what is left of the length,
// so that its errors, 1 % of which are 16°, only ever bend it. What cannot be told
// from them is taken as straight.
func (l leg) taut(d float64) leg {
	length := l.thigh + l.shank
	left := max(0, 1-d*d/(length*length))
	const noise = 2 * nearlyStraight
	left *= left * left / (left*left + noise*noise)
	by := math.Sqrt(d*d/(length*length) + left)
	return l.times(by)
}

func (l leg) times(by float64) leg {
	return leg{thigh: by * l.thigh, shank: by * l.shank, ahead: l.ahead}
}

func (l leg) bones(hip, ankle recording.Point) []bone {
	sd := boneSD * (l.thigh + l.shank)
	return []bone{{hip, l.thigh, sd}, {ankle, l.shank, sd}}
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

// guess is where a joint seems to be. Plates make the network put a knee half a
// thigh away with high visibility: a wary guess that does not fit the bones loses
// its weight (Cauchy).
type guess struct {
	at   recording.Point
	sd   float64 // pixels
	wary bool
}

// bone joins the joint to another one whose place is known.
type bone struct {
	end        recording.Point
	length, sd float64 // pixels
}

// settle is the most likely place of a joint, from p on, by Gauss–Newton steps.
// NaN stays NaN.
func settle(p recording.Point, guesses []guess, bones []bone, scale float64) recording.Point {
	for range 12 {
		// Normal equations of one step for (x, y).
		var axx, axy, ayy, gx, gy float64
		add := func(jx, jy, r, w float64) {
			axx, axy, ayy = axx+w*jx*jx, axy+w*jx*jy, ayy+w*jy*jy
			gx, gy = gx+w*jx*r, gy+w*jy*r
		}
		for _, g := range guesses {
			w := 1 / (g.sd * g.sd)
			if q := distance(g.at, p) / (2 * g.sd); g.wary {
				w /= 1 + q*q
			}
			add(1, 0, g.at.X-p.X, w)
			add(0, 1, g.at.Y-p.Y, w)
		}
		for _, o := range bones {
			if d := distance(p, o.end); d > 0 {
				add((p.X-o.end.X)/d, (p.Y-o.end.Y)/d, o.length-d, 1/(o.sd*o.sd))
			}
		}
		det := axx*ayy - axy*axy
		if !(det > 1e-12*(axx+ayy)*(axx+ayy)) {
			break
		}
		sx, sy := (ayy*gx-axy*gy)/det, (axx*gy-axy*gx)/det
		p.X, p.Y = p.X+sx, p.Y+sy
		if math.Hypot(sx, sy) < settledShift*scale {
			break
		}
	}
	return p
}
