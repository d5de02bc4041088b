package spine

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// hipSD is how far the hip landmark is off from where the network usually puts
// it, trunk lengths. It is a loose hold: it keeps the reference from sliding
// along a back without features, and is let go (Cauchy weights) where it is
// dragged away.
const hipSD = 0.08

// A plate at the hips, as at a deadlift's lockout, drags their landmark down and back
// by 0.1 T and more, in all those frames alike: held by it, the neutral contour
// sits too low on the pelvis, and what bends from there is too flexed by 5 to 8°.
const hiddenHipSD = 0.3

// atPlate is how far beyond a plate's rim a landmark is taken for hidden by it,
// trunk lengths.
const atPlate = 0.1

// Where the shoulder landmark lies on the neutral thorax, until the lifter's
// own neutral frames tell; and how far it is off from there.
const (
	usualShoulderH = 1.0
	usualShoulderP = 0.0

	shoulderForwardSD, shoulderUpSD = 0.05, 0.08
	hiddenShoulderSD                = 0.10 // behind a plate
	// The shoulder blades of who holds a bar at arm's length slide over the ribs.
	hangingShoulderSD = 0.12
)

// A bar on the back goes where the upper thorax goes, and its near plate is
// seen to within a few pixels where head, shoulders and arms are hidden by it.
const (
	// plateNearer is by how much the plate moves further in the picture than
	// the thorax: it is 0.68 m nearer to a camera at 3 to 4.5 m
	// (measurement.md 3e: 1.16 to 1.29).
	plateNearer = 1.2
	// The lifter turns by a degree or two and the bar tips; height also has
	// the error of plateNearer in it. Trunk lengths.
	plateForwardSD, plateUpSD = 0.03, 0.08
	// plateYaw is the camera's yaw, degrees, from which the end of the bar
	// says too little of its middle.
	plateYaw = 10
	// atShoulders is how far from the usual place of the shoulders a bar on the
	// back may sit; one held overhead, or at the thighs, bends no thorax.
	atShoulders = 0.4
)

// mark is what is known to go along with the thorax.
type mark uint8

const (
	shoulderMark mark = iota // the shoulder landmarks
	plateMark                // the near plate of a bar on the back
)

// standingSD is how far flexion is from 0 in frames that show the neutral posture,
// degrees, before they are looked at: clothes move the zero by 10 (standard deviation
// over 24 real clips; by 3 over rendered ones), and lifters repeat their posture to 6
// (measurement.md 5.6). It decides little where the sacrum is seen; where plates hide
// it, a lockout could else be explained by a pelvis pitched forward under a back
// arched by 30°.
const standingSD = 12.0

// thorax is where the mark of the thorax is seen in frame f, trunk lengths
// about the hip landmark, and its standard deviations.
func (s *series) thorax(f *recording.Frame) (x, y, sdX, sdY float64) {
	if s.mark == plateMark && f.Plate.Known() {
		cx, cy := float64(s.rec.Clip.Width)/2, float64(s.rec.Clip.Height)/2
		x, y = s.body(f, recording.Point{X: cx + (f.Plate.X-cx)/plateNearer, Y: cy + (f.Plate.Y-cy)/plateNearer})
		return x, y, plateForwardSD, plateUpSD
	}
	x, y = s.body(f, f.Trunk.Shoulder)
	if s.behindPlate(f, f.Trunk.Shoulder) {
		return x, y, hiddenShoulderSD, hiddenShoulderSD
	}
	if !s.in.BarOnBack {
		return x, y, hangingShoulderSD, hangingShoulderSD
	}
	return x, y, shoulderForwardSD, shoulderUpSD
}

// behindPlate reports whether a plate hides the landmark at p.
func (s *series) behindPlate(f *recording.Frame, p recording.Point) bool {
	return f.Plate.Known() && f.Plate.Within(p, atPlate*s.in.TrunkPx)
}

// settle learns from the neutral frames where the thorax' mark sits: a landmark
// behind a plate is a guess, but the same guess while nothing moves.
func (s *series) settle() {
	s.mark = s.bestMark()
	h, p := s.markPlace()
	if s.mark == plateMark && !(math.Hypot(h-usualShoulderH, p-usualShoulderP) < atShoulders) {
		s.mark = shoulderMark
		h, p = s.markPlace()
	}
	if !math.IsNaN(h) {
		s.thoraxH, s.thoraxP = h, p
	}
}

// markPlace is where the mark sits on the neutral thorax by the neutral
// frames, NaN without any.
func (s *series) markPlace() (h, p float64) {
	var hs, ps []float64
	for i, fr := range s.frames {
		f := &s.rec.Frames[i]
		if fr == nil || !s.in.nearNeutral(i) || !fr.got.ok || s.mark == plateMark && !f.Plate.Known() {
			continue
		}
		p := &fr.got.params
		x, y, _, _ := s.thorax(f)
		h, b := toBody(observation{x: x, y: y}, p, math.Cos(p[pPitch]), math.Sin(p[pPitch]))
		hs, ps = append(hs, h), append(ps, b)
	}
	return signal.Median(hs), signal.Median(ps)
}

// bestMark is the plate if the bar is on the back, the camera looks from the
// side, and the plate is seen in most neutral frames and most of the others.
func (s *series) bestMark() mark {
	if !s.in.BarOnBack || s.in.YawDeg > plateYaw {
		return shoulderMark
	}
	var frames, plates [2]int
	for i, fr := range s.frames {
		if fr == nil {
			continue
		}
		k := 0
		if s.in.Neutral[i] {
			k = 1
		}
		frames[k]++
		if s.rec.Frames[i].Plate.Known() {
			plates[k]++
		}
	}
	if 2*plates[0] > frames[0] && 2*plates[1] > frames[1] {
		return plateMark
	}
	return shoulderMark
}

// believe is the prior for a frame whose pelvis is pitched by about pitch.
func (s *series) believe(fr *frame, pitch float64) prior {
	f := &s.rec.Frames[fr.index]
	thigh := orZero(s.in.ThighDeg[fr.index])
	along, down := math.Sincos(radians(thigh))
	x, y, sdX, sdY := s.thorax(f)
	pr := prior{
		mean: params{
			pX: -recording.HipAhead - along*recording.HipAlong, pY: down * recording.HipAlong,
			pPitch: pitch, pFlexion: radians(8), pGluteal: glutealOf(degrees(pitch) + thigh),
		},
		sd:      params{pX: hipSD, pY: hipSD, pPitch: 0.5, pFlexion: radians(30), pGluteal: 0.15},
		thoraxX: x, thoraxY: y, thoraxH: s.thoraxH, thoraxP: s.thoraxP, thoraxSDX: sdX, thoraxSDY: sdY,
		elbows: s.in.BarOnBack,
	}
	if s.behindPlate(f, f.Trunk.Hip) {
		pr.sd[pX], pr.sd[pY] = hiddenHipSD, hiddenHipSD
	}
	switch near := s.in.nearNeutral(fr.index); {
	case near && s.ref == nil:
		pr.mean[pFlexion], pr.mean[pGluteal] = 0, 0
		pr.sd[pFlexion], pr.sd[pGluteal], pr.sd[pPitch] = radians(0.5), 0.02, 0.25
	case near && s.in.Own == nil: // else neutral is how the lifter stood elsewhere
		pr.mean[pFlexion], pr.sd[pFlexion] = 0, radians(standingSD)
	}
	return pr
}
