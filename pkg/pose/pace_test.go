package pose

import (
	"math"
	"slices"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// posture is a look at a lifter seen from the side, whose hips and knees bend by
// so many degrees and whose ankles stand still. The trunk is 50 pixels long.
func posture(time, hips, knees float64) Look {
	l := Look{Time: time, Tracking: recording.Tracked, Presence: 1}
	at := [2]float64{100, 300}
	put := func(joint recording.Landmark) {
		for _, side := range []recording.Landmark{joint, joint + 1} {
			l.Landmarks[side].X, l.Landmarks[side].Y = at[0], at[1]
		}
	}
	climb := func(length, lean float64) {
		s, c := math.Sincos(lean * math.Pi / 180)
		at[0] += length * s
		at[1] -= length * c
	}
	put(recording.LeftAnkle)
	climb(40, 0)
	put(recording.LeftKnee)
	climb(40, -knees)
	put(recording.LeftHip)
	climb(50, hips-knees)
	put(recording.LeftShoulder)
	return l
}

func TestPace(t *testing.T) {
	standing := func(time float64) Look { return posture(time, 10, 5) }
	// Slow for a squat: 20 degrees a second.
	bending := func(time float64) Look { return posture(time, 20*time, 20*time) }
	with := func(l Look, change func(*Look)) Look { change(&l); return l }
	for _, tc := range []struct {
		name  string
		hz    float64
		look  func(time float64) Look
		until int // frames
		want  []int
	}{
		{"standing still", 30, standing, 10, []int{0, 1, 4, 7}},
		{"standing still, film rate", 24, standing, 10, []int{0, 1, 3, 5, 7, 9}},
		{"standing still, few pictures", 12, standing, 6, []int{0, 1, 2, 3, 4, 5}},
		{"bending slowly", 30, bending, 10, []int{0, 1, 4, 7}},
		{"swaying", 30, func(time float64) Look { return posture(time, 60*time, 5) }, 8, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{"swaying, film rate", 24, func(time float64) Look { return posture(time, 60*time, 5) }, 5, []int{0, 1, 2, 3, 4}},
		{"bent over", 30, func(time float64) Look { return posture(time, 90, 5) }, 5, []int{0, 1, 2, 3, 4}},
		{"in a squat", 30, func(time float64) Look { return posture(time, 50, 100) }, 5, []int{0, 1, 2, 3, 4}},
		{"going down", 30, func(time float64) Look { return posture(time, 300*time, 250*time) }, 12, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"unsure", 30, func(time float64) Look { return with(standing(time), func(l *Look) { l.Presence = 0.9 }) }, 4, []int{0, 1, 2, 3}},
		{"held", 30, func(time float64) Look {
			return with(standing(time), func(l *Look) { l.Tracking = recording.Held })
		}, 4, []int{0, 1, 2, 3}},
		{"nobody", 30, func(time float64) Look { return Look{Time: time, Landmarks: missing()} }, 4, []int{0, 1, 2, 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p Pace
			var got []int
			for i := range tc.until {
				now := float64(i) / tc.hz
				if p.Skips(now) {
					continue
				}
				got = append(got, i)
				p.Note(tc.look(now))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("looked at %v, want %v", got, tc.want)
			}
		})
	}
}
