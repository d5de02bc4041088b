package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
)

// plateMargin is how far beyond a plate's rim an edge sample is still taken
// for the rim, in trunk lengths: the uncertainty of both, and the plate's
// thickness, which shows behind its front face.
const plateMargin = 0.025

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
		for i := range edge {
			if !math.IsNaN(edge[i].Offset) && f.Plate.Within(t.At(side, i, edge[i].Offset), plateMargin*length) {
				edge[i].Occluder = recording.Plate
			}
		}
	}
}
