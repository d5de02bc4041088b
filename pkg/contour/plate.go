package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

const (
	// plateMargin is how far beyond a plate's rim an edge sample is still taken
	// for the rim, in trunk lengths: the uncertainty of both, and the plate's
	// thickness, which shows behind its front face.
	plateMargin = 0.025
	// alongMargin is the same for an edge that keeps the rim's direction to
	// within the sine of alongTurn over alongRun samples and more: a rim that
	// is seen badly, in the dark or blurred, is off by as much.
	alongMargin = 0.05
	alongTurn   = 0.35
	alongRun    = 6
)

// MarkPlates marks the samples of both trunk edges that lie on the frame's
// plate or at its rim. The person mask takes in what the lifter holds, so the
// rim passes for the back where the plate hides it: the buttocks at a
// deadlift's lockout, the upper back in a squat.
func MarkPlates(f *recording.Frame) {
	t := &f.Trunk
	_, length := t.Normal(recording.Left)
	if !f.Plate.Known() || !(length > 0) {
		return
	}
	for _, side := range [2]recording.Side{recording.Left, recording.Right} {
		edge := t.Edge(side)
		at := make([]recording.Point, len(edge)) // NaN where nothing is seen
		for i := range edge {
			at[i] = t.At(side, i, edge[i].Offset)
			if f.Plate.Within(at[i], plateMargin*length) {
				edge[i].Occluder = recording.Plate
			}
		}
		run := 0
		for i := range edge {
			if !alongRim(f.Plate, at, i, length) {
				run = 0
				continue
			}
			if run++; run == alongRun {
				for k := range alongRun - 1 {
					edge[i-1-k].Occluder = recording.Plate
				}
			}
			if run >= alongRun {
				edge[i].Occluder = recording.Plate
			}
		}
	}
}

// alongRim reports whether the edge runs along the plate's rim at sample i.
func alongRim(plate recording.Disc, at []recording.Point, i int, length float64) bool {
	if i == 0 || i+1 == len(at) || !plate.Within(at[i], alongMargin*length) {
		return false
	}
	// The rim's normal, and the edge's direction.
	nx, ny := (at[i].X-plate.X)/(plate.RX*plate.RX), (at[i].Y-plate.Y)/(plate.RY*plate.RY)
	dx, dy := at[i+1].X-at[i-1].X, at[i+1].Y-at[i-1].Y
	return math.Abs(nx*dx+ny*dy) < alongTurn*math.Hypot(nx, ny)*math.Hypot(dx, dy)
}
