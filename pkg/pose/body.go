package pose

import (
	"math"
	"slices"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Look is what is kept of a frame's observation after its picture is gone.
type Look struct {
	Time      float64 // seconds
	Tracking  recording.Tracking
	Presence  float64
	Landmarks [recording.NumLandmarks]recording.Keypoint
	Region    Region
	Newcomer  bool // another than before is followed from here on
}

// Look returns what is worth keeping of an observation.
func (o *Observation) Look() Look {
	return Look{Time: o.Time, Tracking: o.Tracking, Presence: o.Presence, Landmarks: o.Landmarks, Region: o.Region, Newcomer: o.Newcomer}
}

// joints are the middles of the left and the right joint of a look. In the
// sagittal plane, where a lift happens, both sides move together.
type joints struct{ shoulder, hip, knee, ankle [2]float64 }

func (l *Look) joints() joints {
	mid := func(left recording.Landmark) [2]float64 {
		a, b := l.Landmarks[left], l.Landmarks[left+1]
		return [2]float64{(a.X + b.X) / 2, (a.Y + b.Y) / 2}
	}
	return joints{mid(recording.LeftShoulder), mid(recording.LeftHip), mid(recording.LeftKnee), mid(recording.LeftAnkle)}
}

// segments are a body's lengths in the picture, pixels.
type segments struct{ trunk, thigh, shank float64 }

func (j joints) segments() segments {
	return segments{distance(j.shoulder, j.hip), distance(j.hip, j.knee), distance(j.knee, j.ankle)}
}

// What a body can be and do, as the landmark network draws it. Trunk, thigh and
// shank are .288, .245 and .246 of the stature (Drillis & Contini 1966, in
// Winter, Biomechanics and Motor Control of Human Movement, fig. 4.1), so thigh
// and shank are .85 of the trunk; the network's hips lie below the joints and
// make that .6 to .9 in sound pictures. Seen from the side all three keep their
// lengths; what is hidden may look shorter, but nothing looks longer.
const (
	usualThigh = 0.55 // trunks, at least
	mostLeg    = 1.1  // trunks; thigh or shank
	leastThigh = 0.65 // of the clip's own median
	// leastReach is the same for trunk and thigh together. Hips that are lost behind
	// a plate are put between shoulders and knees, where both look shorter at once:
	// 0.6 of the median, where the full network had 0.76 at the least in 35 clips of
	// sound side views and the lite one 0.72 at 320 pixels.
	leastReach = 0.7
	leastTrunk = 0.7  // of the clip's own median
	mostTrunk  = 1.45 // the same; the network's trunk is a quarter longer standing than bent
	// standingSide is the side of a standing lifter's region, trunks: the whole
	// stature and MediaPipe's margin.
	standingSide = regionScale / 0.288
	// frontal is the distance between the shoulders, in trunks, from which the
	// picture is no side view: biacromial .259 of the stature, turned by 35°.
	frontal = 0.5
	// topSpeed bounds the hips' and shoulders' speed, trunks a second: 2 m/s
	// for a trunk of 0.5 m, more than the fastest part of a barbell clean.
	topSpeed = 4.0
	// topAcceleration bounds how their speed changes over surge seconds, trunks
	// a second squared: free fall is 20.
	topAcceleration = 20.0
	surge           = 0.1
	// scatter is how far landmarks lie from where they were by chance, trunks:
	// the 95th percentile between two networks' runs (parity test).
	scatter = 0.08
)

// build is what is known of the lifter from the whole clip.
type build struct {
	segments         // medians over the plausible looks
	size     float64 // of the region of the standing lifter
	side     bool    // seen from the side
}

// fewestSound is how many looks must have a body's proportions to say what the
// lifter's are.
const fewestSound = 5

// known reports whether enough was seen.
func (b build) known() bool { return b.trunk > 0 }

// measureBuild returns the clip's own medians over the looks whose proportions
// are a body's. Where the network takes the hands for the hips for most of a
// clip, those are few.
func measureBuild(looks []Look) build {
	var width []float64
	var all []segments
	for i := range looks {
		l := &looks[i]
		s := l.joints().segments()
		if l.Tracking != recording.Tracked || !(s.trunk > 0) {
			continue
		}
		a, b := l.Landmarks[recording.LeftShoulder], l.Landmarks[recording.RightShoulder]
		width = append(width, math.Hypot(a.X-b.X, a.Y-b.Y)/s.trunk)
		all = append(all, s)
	}
	if len(all) == 0 {
		return build{}
	}
	b := build{side: quantile(width, 0.5) < frontal}
	var trunk, thigh, shank []float64
	for _, s := range all {
		if max(s.thigh, s.shank) > mostLeg*s.trunk || b.side && s.thigh < usualThigh*s.trunk {
			continue
		}
		trunk = append(trunk, s.trunk)
		thigh = append(thigh, s.thigh)
		shank = append(shank, s.shank)
	}
	if len(trunk) < fewestSound {
		return build{}
	}
	b.segments = segments{quantile(trunk, 0.5), quantile(thigh, 0.5), quantile(shank, 0.5)}
	b.size = standingSide * quantile(trunk, 0.9) // the trunk looks shorter as the lifter bends
	return b
}

// quantile sorts values and returns the one at share p of their order.
func quantile(values []float64, p float64) float64 {
	slices.Sort(values)
	return values[int(p*float64(len(values)-1))]
}

// holds reports whether a look's lengths are those of this body.
func (b build) holds(s segments) bool {
	if !(s.trunk > leastTrunk*b.trunk && s.trunk < mostTrunk*b.trunk) {
		return false
	}
	if b.side && !(s.thigh > leastThigh*b.thigh && s.trunk+s.thigh > leastReach*(b.trunk+b.thigh)) {
		return false
	}
	return max(s.thigh, s.shank) < mostLeg*b.trunk
}

// doubtful says of each look whether a body can look so: its lengths, and the
// way from the look before and to the one after.
func (b build) doubtful(looks []Look) []bool {
	doubt := make([]bool, len(looks))
	if !b.known() {
		return doubt
	}
	path := make([]joints, len(looks))
	for i := range looks {
		path[i] = looks[i].joints()
		doubt[i] = looks[i].Tracking == recording.Held ||
			looks[i].Tracking == recording.Tracked && !b.holds(path[i].segments())
	}
	before := 0
	for i := 1; i < len(looks); i++ {
		if looks[i].Tracking == recording.Absent {
			continue
		}
		if looks[i-1].Tracking != recording.Absent && b.leaps(path[i-1], path[i], looks[i].Time-looks[i-1].Time) {
			doubt[i-1], doubt[i] = true, true
		}
		for before+1 < i && looks[i].Time-looks[before+1].Time >= 2*surge {
			before++
		}
		m := (before + i) / 2
		if looks[before].Tracking == recording.Absent || looks[m].Tracking == recording.Absent || looks[i].Time-looks[before].Time > 4*surge {
			continue
		}
		if b.swerves(path[before], path[m], path[i], looks[m].Time-looks[before].Time, looks[i].Time-looks[m].Time) {
			doubt[m] = true
		}
	}
	return doubt
}

// leaps reports whether a body cannot come from p to q in dt seconds.
func (b build) leaps(p, q joints, dt float64) bool {
	most := (topSpeed*dt + scatter) * b.trunk
	return distance(p.hip, q.hip) > most || distance(p.shoulder, q.shoulder) > most
}

// swerves reports whether a body cannot go by way of q, dt seconds after p and
// du before r.
func (b build) swerves(p, q, r joints, dt, du float64) bool {
	most := topAcceleration/2*dt*du + 2*scatter
	off := func(p, q, r [2]float64) float64 {
		w := dt / (dt + du)
		return math.Hypot(q[0]-p[0]-w*(r[0]-p[0]), q[1]-p[1]-w*(r[1]-p[1])) / b.trunk
	}
	return off(p.hip, q.hip, r.hip) > most || off(p.shoulder, q.shoulder, r.shoulder) > most
}

// strain is how unlike this body a look is: 0 as its medians, 1 as unlike as
// sound pictures sometimes are, and no more than mostStrain.
func (b build) strain(l *Look) float64 {
	if l.Tracking == recording.Absent {
		return mostStrain
	}
	s := l.joints().segments()
	part := func(length, usual float64) float64 {
		z := math.Log(length/usual) / math.Log(usualSpread)
		if math.IsNaN(z) {
			return mostStrain
		}
		return z * z
	}
	sum := part(s.trunk, b.trunk) + part(max(s.shank, b.shank), b.shank)
	if b.side {
		sum += part(s.thigh, b.thigh)
	} else {
		sum += part(max(s.thigh, b.thigh), b.thigh)
	}
	if l.Presence < minPresence {
		sum++
	}
	return min(sum, mostStrain)
}

// usualSpread is the ratio to its median by which the length of a segment
// strays in sound pictures.
const usualSpread = 1.25

// mostStrain keeps one bad look from outweighing all the way to it.
const mostStrain = 8

// effort is what it costs a body to come from p to q in dt seconds: in the
// square of the way while it is short, in proportion after (pseudo-Huber), so
// that one leap costs more than the same way in steps and yet not all.
func (b build) effort(p, q joints, dt float64) float64 {
	usual := (scatter/2 + topSpeed/4*dt) * b.trunk
	sum := 0.0
	for _, d := range []float64{distance(p.hip, q.hip), distance(p.shoulder, q.shoulder), distance(p.knee, q.knee)} {
		if math.IsNaN(d) {
			d = 10 * usual
		}
		sum += 2 * (math.Hypot(1, d/usual) - 1)
	}
	return sum
}
