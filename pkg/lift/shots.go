package lift

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// A camera cut, or a tracker that turns to another person, moves the whole body
// from one frame to the next, feet and all, and it stays there. Lifters do not: a
// dropped squat moves the hips by 3 trunk lengths a second and leaves the feet.
// Nor does the landmark network, which behind a plate throws most joints about by
// half a trunk, but some stay. (A cut to the same feet is not told by landmarks.)
const (
	cutStep   = 0.7  // trunk lengths, for all landmarks but the one that moves least
	cutSpeed  = 10.0 // trunk lengths per second, for clips with few frames a second
	cutWindow = 0.25 // s to both sides, whose places are compared
	minShot   = 0.5  // s: shorter ones are a tracker's stumble, not a view
)

// cutMarks are the landmarks that a cut moves and a lift does not all move.
var cutMarks = []recording.Landmark{
	recording.Nose, recording.LeftShoulder, recording.RightShoulder, recording.LeftHip, recording.RightHip,
	recording.LeftKnee, recording.RightKnee, recording.LeftAnkle, recording.RightAnkle,
}

// shot is a run of frames, from..to, filmed without a cut.
type shot struct {
	from, to int
	scale    float64 // of the body in the picture to its size in the whole clip
}

// findShots splits the clip at its cuts, and where pictures are missing; the
// landmarks must not be smoothed yet.
func (b *body) findShots(trunk float64) []shot {
	n := len(b.t)
	var out []shot
	from := 0
	for i := 1; i < n; i++ {
		dt := b.t[i] - b.t[i-1]
		if dt > bridgeGap { // nothing is known of what was between
			out = append(out, shot{from: from, to: i, scale: 1})
			from = i
			continue
		}
		if b.moved(i-1, i, i+1) < max(cutStep, cutSpeed*dt)*trunk {
			continue
		}
		before, _ := b.window(i-1, cutWindow)
		_, after := b.window(i, cutWindow)
		if b.t[i]-b.t[from] < minShot || b.t[n-1]-b.t[i] < minShot || b.moved(max(before, from), i, after) < cutStep*trunk {
			continue
		}
		out = append(out, shot{from: from, to: i, scale: 1})
		from = i
	}
	return append(out, shot{from: from, to: n, scale: 1})
}

// moved is how far all landmarks but one are, in the frames after..to, from where
// they were in from..after; 0 where that is unknown.
func (b *body) moved(from, after, to int) float64 {
	var steps []float64
	for _, l := range cutMarks {
		k := &b.mark[l]
		steps = append(steps, math.Hypot(
			signal.Median(k.x[after:to])-signal.Median(k.x[from:after]), signal.Median(k.y[after:to])-signal.Median(k.y[from:after])))
	}
	if v := signal.Quantile(steps, 1/float64(len(cutMarks)-1)); !math.IsNaN(v) {
		return v
	}
	return 0
}

// shot is the one that frame i belongs to.
func (b *body) shot(i int) shot {
	for _, s := range b.shots {
		if i < s.to {
			return s
		}
	}
	return b.shots[len(b.shots)-1]
}
