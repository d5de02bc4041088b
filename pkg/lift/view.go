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
	return v
}

func newCamera(yaw float64) Camera {
	c := Camera{YawDeg: yaw, Verdict: CameraOK}
	switch {
	case math.IsNaN(yaw) || yaw > unusableYaw:
		c.Verdict = CameraUnusable
	case yaw > obliqueYaw:
		c.Verdict = CameraOblique
	}
	return c
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

// pairs are the landmarks of the two body sides whose distance in the picture
// tells the direction of view, with that distance in a front view in trunk
// lengths: as the landmark network places the joints, so less than the outer
// breadths of .90 (shoulders) and .66 (hips) of Drillis & Contini. The ankles
// stand about as far apart as the hips or wider.
var pairs = []struct {
	left  recording.Landmark
	share float64
}{
	{recording.LeftShoulder, 0.75},
	{recording.LeftHip, 0.50},
	{recording.LeftEar, 0.30},
	{recording.LeftAnkle, 0.50},
}

// A pair says nothing when one of the two is hardly seen or when it flickers by
// more than maxFlicker of its full distance.
const (
	minPairVisibility = 0.5
	maxFlicker        = 0.35
)

// yaw is how far the camera is off a pure side view, degrees; NaN if nothing is
// known. The two body sides lie on a line across the picture's depth, which shows
// as a distance between them when seen obliquely. Its sign is kept until the end,
// so that the network's uncertainty about the hidden side averages out and does
// not add up, and of all pairs the middle one counts: a plate hides shoulders in
// a squat and hips and ankles in a deadlift, and a head may turn. All postures
// count: bending forward does not change what lies across the body.
func (b *body) yaw(from, to int) float64 {
	seen := func(i int) bool { return b.confidence[i] >= 0.3 }
	var sure, all []float64
	for _, p := range pairs {
		var dx, vis []float64
		for i := from; i < to; i++ {
			if seen(i) {
				dx = append(dx, (b.mark[p.left].x[i]-b.mark[p.left+1].x[i])/(p.share*b.trunk))
				vis = append(vis, min(b.vis[p.left][i], b.vis[p.left+1][i]))
			}
		}
		yaw := degrees(math.Asin(min(max(signal.Median(dx), -1), 1)))
		all = append(all, yaw)
		if signal.Median(vis) >= minPairVisibility && signal.MAD(dx) <= maxFlicker {
			sure = append(sure, yaw)
		}
	}
	if len(sure) == 0 {
		sure = all
	}
	return math.Abs(signal.Median(sure))
}
