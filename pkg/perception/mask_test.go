package perception

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
)

// lying is an observation of a trunk 100 pixels long, its middle at (x, y), that
// leans by an angle, and of a mask with a soft edge 20 pixels to one side of it.
func lying(x, y, lean float64) *pose.Observation {
	o := &pose.Observation{Tracking: recording.Tracked}
	sin, cos := math.Sincos(lean)
	for _, joint := range []recording.Landmark{recording.LeftHip, recording.LeftShoulder} {
		along := 50.0
		if joint == recording.LeftHip {
			along = -50
		}
		for _, side := range []recording.Landmark{joint, joint + 1} {
			o.Landmarks[side] = recording.Keypoint{X: x + along*sin, Y: y - along*cos}
		}
	}
	o.Mask = pose.Mask{
		P:       make([]float32, pose.MaskSize*pose.MaskSize),
		ToImage: pose.Region{X: 200, Y: 200, Side: 400, Angle: lean / 2}.ToImage(pose.MaskSize),
	}
	o.Mask.FromImage = o.Mask.ToImage.Inverse()
	for i := range o.Mask.P {
		px, py := o.Mask.ToImage.Apply(float64(i%pose.MaskSize)+0.5, float64(i/pose.MaskSize)+0.5)
		off := (px-x)*cos + (py-y)*sin
		o.Mask.P[i] = float32(1 / (1 + math.Exp((off-20)/2)))
	}
	return o
}

// The mask of a trunk on its way is that of the two pictures between which it
// moves, wherever on the way it is.
func TestBlendFollowsTheTrunk(t *testing.T) {
	a, b := lying(150, 220, 0.2), lying(180, 190, 0.5)
	for _, w := range []float64{0.25, 0.5, 0.9} {
		lm := recording.LandmarksBetween(&a.Landmarks, &b.Landmarks, w)
		m := blendOf(&lm, a, b, w)
		x, y, up := trunk(&lm)
		if math.Abs(x-150-30*w) > 1e-9 || math.Abs(y-220+30*w) > 1e-9 {
			t.Fatalf("the trunk is at (%g, %g)", x, y)
		}
		// From where the trunk is, along and off its axis.
		sin, cos := math.Sincos(up)
		for _, p := range []struct{ along, off, want float64 }{{0, 20, 0.5}, {40, 20, 0.5}, {-40, 20, 0.5}, {0, 10, 1}, {0, 30, 0}, {10, 22, 0.27}} {
			px, py := x+p.along*cos-p.off*sin, y+p.along*sin+p.off*cos
			if got := m.At(px, py); math.Abs(got-p.want) > 0.03 {
				t.Errorf("at share %g, %g along and %g off: %.2f, want %.2f", w, p.along, p.off, got, p.want)
			}
		}
	}
	if size := (&blend{a: a.Mask}).PixelSize(); math.Abs(size-400.0/pose.MaskSize) > 1e-9 {
		t.Errorf("a mask pixel of %g", size)
	}
}
