package main

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

var noNoise = synth.Noise{}

// sampled keeps the frames of truth that rec has.
func sampled(truth, rec *recording.Recording) *recording.Recording {
	out := *truth
	out.Frames = nil
	for i := range rec.Frames {
		f := truth.Frames[rec.Frames[i].Index]
		f.Plate = rec.Frames[i].Plate
		out.Frames = append(out.Frames, f)
	}
	return &out
}

// withLandmarks is rec with the landmarks of truth under the edges that rec has.
func withLandmarks(rec, truth *recording.Recording) *recording.Recording {
	out := *rec
	out.Frames = append([]recording.Frame(nil), rec.Frames...)
	for i := range out.Frames {
		f := &out.Frames[i]
		if !f.Seen() {
			continue
		}
		t := &truth.Frames[f.Index]
		f.Landmarks = t.Landmarks
		old := f.Trunk
		f.Trunk.Hip, f.Trunk.Shoulder = t.Trunk.Hip, t.Trunk.Shoulder
		f.Trunk.Left = moved(&old, &f.Trunk, recording.Left)
		f.Trunk.Right = moved(&old, &f.Trunk, recording.Right)
	}
	return &out
}

// moved samples the edge of old at the stations of now.
func moved(old, now *recording.Trunk, side recording.Side) recording.Edge {
	from := old.Edge(side)
	if from == nil {
		return nil
	}
	to := make(recording.Edge, recording.NumStations)
	n, _ := now.Normal(side)
	for i := range to {
		to[i] = recording.Sample{Offset: math.NaN(), SD: math.NaN()}
		axis := now.At(side, i, 0)
		for k := 1; k < len(from); k++ {
			a, b := from[k-1], from[k]
			if math.IsNaN(a.Offset) || math.IsNaN(b.Offset) {
				continue
			}
			offset, share, ok := cross(axis, n, old.At(side, k-1, a.Offset), old.At(side, k, b.Offset))
			if !ok || offset <= to[i].Offset {
				continue // the outermost counts
			}
			near := a
			if share > 0.5 {
				near = b
			}
			to[i] = recording.Sample{Offset: offset, SD: near.SD, Occluder: near.Occluder}
		}
	}
	return to
}

// cross is where the ray from p along the unit vector n meets the stretch from a
// to b: how far along the ray, and at which share of the stretch.
func cross(p, n, a, b recording.Point) (along, share float64, ok bool) {
	dx, dy := b.X-a.X, b.Y-a.Y
	det := n.Y*dx - n.X*dy
	if det == 0 {
		return 0, 0, false
	}
	ax, ay := a.X-p.X, a.Y-p.Y
	along = (ay*dx - ax*dy) / det
	share = (ay*n.X - ax*n.Y) / det
	const rounding = 1e-9
	return along, share, share >= -rounding && share <= 1+rounding
}
