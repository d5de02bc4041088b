package lift

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// behindPlates shows the near plate and draws the hips and knees behind it
// towards its centre, as the landmark network does.
func behindPlates(tr *synth.Truth, n synth.Noise, pull float64) *recording.Recording {
	rec := tr.Recording(n)
	radius := 1.15 * tr.Scenario.Motion.PlateDiameterM / 2 * tr.FocalPx / tr.DistanceM // nearer than the body
	for i := range rec.Frames {
		f := &rec.Frames[i]
		c := tr.Frames[i].Points["bar_near_plate"]
		f.Plate = recording.Disc{X: c[0], Y: c[1], RX: radius, RY: radius, Support: 0.8}
		for l := recording.LeftHip; l <= recording.RightKnee; l++ {
			if k := &f.Landmarks[l]; f.Plate.Within(recording.Point{X: k.X, Y: k.Y}, 0) {
				k.X, k.Y = k.X+pull*(c[0]-k.X), k.Y+pull*(c[1]-k.Y)
				k.Visibility = 0.9 // and is sure of it
			}
		}
	}
	return rec
}

// Joints behind a plate are found by the bones, not by what the network says.
func TestJointsBehindPlates(t *testing.T) {
	for name, tr := range rendered(t) {
		t.Run(name, func(t *testing.T) {
			m := analyze(t, behindPlates(tr, synth.Noise{LandmarkPx: 2, Seed: 6}, 0.5))
			if string(m.Exercise) != tr.Exercise || len(m.Reps) != len(tr.Reps) {
				t.Fatalf("%d reps of %s, want %d of %s", len(m.Reps), m.Exercise, len(tr.Reps), tr.Exercise)
			}
			var knee, trunk []float64
			for i, f := range tr.Frames {
				if f.Rep >= 0 {
					knee = append(knee, m.Frames[i].KneeFlexion-(f.KneeFlexion[0]+f.KneeFlexion[1])/2)
					trunk = append(trunk, m.Frames[i].TrunkDeg-f.TrunkDeg)
				}
			}
			if k, u := meanAbs(knee), meanAbs(trunk); !(k <= 5) || !(u <= 3) {
				t.Errorf("mean errors: knee %.1f°, trunk %.1f°", k, u)
			}
			for i, r := range m.Reps {
				if d := math.Abs(m.Frames[r.Bottom].TimeS - tr.Frames[tr.Reps[i].Bottom].Time); d > 0.25 {
					t.Errorf("rep %d: bottom %.2f s from the true one", i+1, d)
				}
			}
		})
	}
}

// The plate says which lift it is and where the bar is when the hands say nothing.
func TestBarByItsPlate(t *testing.T) {
	tr := rendered(t)["deadlift_neutral"]
	rec := behindPlates(tr, synth.Noise{LandmarkPx: 2, Seed: 7}, 0)
	for i := range rec.Frames {
		k := &rec.Frames[i].Landmarks
		for l := recording.LeftWrist; l < recording.LeftHip; l++ { // hands taken to be on the chest
			s := k[recording.LeftShoulder+l%2]
			k[l].X, k[l].Y = s.X, s.Y+30
		}
	}
	m := analyze(t, rec)
	if m.Exercise != Deadlift || len(m.Reps) != len(tr.Reps) {
		t.Fatalf("%d reps of %s, want %d deadlifts", len(m.Reps), m.Exercise, len(tr.Reps))
	}
	for i, f := range tr.Frames {
		if d := m.Frames[i].DepthPct - 100*f.DepthFrac; f.Rep >= 0 && math.Abs(d) > 8 {
			t.Fatalf("frame %d is %.0f %% deep, want %.0f", i, m.Frames[i].DepthPct, 100*f.DepthFrac)
		}
	}
}
