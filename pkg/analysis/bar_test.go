package analysis

import (
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
)

func TestBarOnBack(t *testing.T) {
	// Hands and plate from the shoulders, trunk lengths forward and down.
	type place struct{ forward, down float64 }
	hands := func(left, right place) func(*recording.Frame) {
		return func(f *recording.Frame) {
			s := f.Trunk.Shoulder
			_, length := f.Trunk.Normal(recording.Left)
			for _, h := range []struct {
				wrist recording.Landmark
				at    place
			}{{recording.LeftWrist, left}, {recording.RightWrist, right}} {
				f.Landmarks[h.wrist].X, f.Landmarks[h.wrist].Y = s.X+h.at.forward*length, s.Y+h.at.down*length
			}
			f.Plate = recording.NoDisc()
		}
	}
	hanging := place{0.1, 1}
	for name, c := range map[string]struct {
		exercise lift.Exercise
		change   func(*recording.Frame)
		want     bool
	}{
		"as filmed, with plates":             {lift.Squat, func(*recording.Frame) {}, true},
		"hands at the shoulders, no plate":   {lift.Squat, hands(place{-0.1, 0.1}, place{0.1, -0.1}), true},
		"one hand at the shoulders":          {lift.Squat, hands(place{-0.2, 0.2}, hanging), true},
		"arms hanging":                       {lift.Squat, hands(hanging, hanging), false},
		"arms held out":                      {lift.Squat, hands(place{1, 0}, place{0.9, 0.1}), false},
		"hands before the chest":             {lift.Squat, hands(place{0.5, 0.4}, place{0.5, 0.45}), false},
		"hands at the shoulders, a deadlift": {lift.Deadlift, hands(place{0, 0}, place{0, 0}), false},
		"plate at the shoulders, hands behind it": {lift.Squat, func(f *recording.Frame) {
			hands(hanging, hanging)(f)
			f.Plate = recording.Disc{X: f.Trunk.Shoulder.X, Y: f.Trunk.Shoulder.Y, RX: 50, RY: 50}
		}, true},
		"plate on the floor": {lift.Squat, func(f *recording.Frame) {
			hands(hanging, hanging)(f)
			f.Plate = recording.Disc{X: f.Trunk.Shoulder.X, Y: f.Trunk.Shoulder.Y + 400, RX: 50, RY: 50}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := readRecording(t, "squat.sfr")
			for i := range rec.Frames {
				if f := &rec.Frames[i]; f.Seen() {
					c.change(f)
				}
			}
			if got := barOnBack(rec, &lift.Movement{Exercise: c.exercise}); got != c.want {
				t.Errorf("bar on the back: %t, want %t", got, c.want)
			}
		})
	}
}
