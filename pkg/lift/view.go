package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// view is the direction from which the lifter is seen.
type view struct {
	facing Facing
	unsure bool
	camera Camera
}

// Camera verdict bounds, degrees off a pure side view: the silhouette stops
// being the midline of the back at about 15° (design note measurement, 3g).
const (
	obliqueYaw  = 10.0
	unusableYaw = 20.0
)

func (b *body) look() view {
	score := b.facingScore()
	v := view{facing: FacingRight, unsure: math.Abs(score) < 0.25}
	if score < 0 {
		v.facing = FacingLeft
	}
	v.camera.YawDeg = b.yaw()
	switch {
	case math.IsNaN(v.camera.YawDeg) || v.camera.YawDeg > unusableYaw:
		v.camera.Verdict = CameraUnusable
	case v.camera.YawDeg > obliqueYaw:
		v.camera.Verdict = CameraOblique
	default:
		v.camera.Verdict = CameraOK
	}
	return v
}

// facingScore is positive for a lifter who faces right, about ±1 when all cues
// agree. Each cue is a horizontal distance that points forward in any posture,
// as a share of what it is in a pure side view.
func (b *body) facingScore() float64 {
	cues := []struct {
		weight, full float64 // full: typical length in trunk lengths
		value        func(i int) float64
	}{
		{1, 0.20, func(i int) float64 {
			return b.weighted(recording.LeftFootIndex, i).X - b.weighted(recording.LeftHeel, i).X
		}},
		{1, 0.18, func(i int) float64 { return b.mark[recording.Nose].x[i] - b.mid(recording.LeftEar, i).X }},
		{0.5, 0.12, func(i int) float64 { return b.mid(recording.LeftEye, i).X - b.mid(recording.LeftEar, i).X }},
		// The knee goes in front of the line from hip to ankle, never behind it.
		{1, 0.20, func(i int) float64 {
			h, k, a := b.weighted(recording.LeftHip, i), b.weighted(recording.LeftKnee, i), b.weighted(recording.LeftAnkle, i)
			return k.X - h.X - (k.Y-h.Y)/(a.Y-h.Y)*(a.X-h.X)
		}},
		// A lifter leans forward.
		{0.5, 0.30, func(i int) float64 { return b.mid(recording.LeftShoulder, i).X - b.mid(recording.LeftHip, i).X }},
		// The side nearer to the camera: who faces right shows the right side.
		{1, 1.0, func(i int) float64 {
			return b.z[recording.LeftShoulder][i] - b.z[recording.RightShoulder][i] + b.z[recording.LeftHip][i] - b.z[recording.RightHip][i]
		}},
	}
	sum, total := 0.0, 0.0
	for _, c := range cues {
		var votes []float64
		for i := range b.t {
			v := c.value(i) / (c.full * b.trunk)
			if b.confidence[i] > 0 && !math.IsNaN(v) {
				votes = append(votes, min(max(v, -1), 1))
			}
		}
		if len(votes) > 0 {
			sum += c.weight * signal.Mean(votes)
			total += c.weight
		}
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// Shares of the trunk length between the joint centres of the two body sides, as
// the landmark network places them: less than the outer breadths of .90 and .66
// (Drillis & Contini) since the joints lie inside of them.
const (
	shouldersPerTrunk = 0.75
	hipsPerTrunk      = 0.50
)

// yaw is how far the camera is off a pure side view, degrees; NaN if nothing is
// known. The two body sides lie on a line across the picture's depth, which shows
// as a distance between them when seen obliquely. The sign of that distance is
// kept until the end, so that the network's uncertainty about the hidden side
// averages out and does not add up.
func (b *body) yaw() float64 {
	upright := func(i int) bool {
		s, h := b.mid(recording.LeftShoulder, i), b.mid(recording.LeftHip, i)
		return b.confidence[i] >= 0.3 && math.Abs(s.X-h.X) < 0.5*(h.Y-s.Y)
	}
	n := 0
	for i := range b.t {
		if upright(i) {
			n++
		}
	}
	if float64(n) < 0.2*b.rate { // never upright: lying pairs are foreshortened no more than standing ones
		upright = func(i int) bool { return b.confidence[i] > 0 }
	}
	sum, total := 0.0, 0.0
	for _, pair := range []struct {
		left          recording.Landmark
		share, weight float64
	}{
		{recording.LeftShoulder, shouldersPerTrunk, 2},
		{recording.LeftHip, hipsPerTrunk, 1}, // its far side is hidden more often
	} {
		dx := make([]float64, len(b.t))
		for i := range dx {
			dx[i] = b.mark[pair.left].x[i] - b.mark[pair.left+1].x[i]
		}
		d := medianWhere(dx, upright) / (pair.share * b.trunk)
		if !math.IsNaN(d) {
			sum += pair.weight * degrees(math.Asin(min(max(d, -1), 1)))
			total += pair.weight
		}
	}
	if total == 0 {
		return math.NaN()
	}
	return math.Abs(sum / total)
}
