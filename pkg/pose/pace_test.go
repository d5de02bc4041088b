package pose

import (
	"math"
	"strings"
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
			l.Landmarks[side] = recording.Keypoint{X: at[0], Y: at[1], Visibility: 1}
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

	swaying := func(time float64) Look { return posture(time, 80*time, 5) } // in haste
	// A letter for each frame: watched, outlined or left out.
	for _, tc := range []struct {
		name string
		hz   float64
		look func(time float64) Look
		want string
	}{
		{"standing still", 30, standing, "WW..W..W..W"},
		{"standing still, film rate", 24, standing, "WW.W.W.W.W"},
		{"standing still, few pictures", 12, standing, "WWWWWW"},
		{"bending slowly", 30, bending, "WW..W..W"},
		{"swaying", 30, swaying, "WWoWoWoW"},
		{"swaying, film rate", 24, swaying, "WWWWW"},
		{"swaying, twice the rate", 60, swaying, "WWooWooW"},
		{"going down slowly", 30, func(time float64) Look { return posture(time, 80+40*time, 80+40*time) }, "WWooWooWooW"},
		{"going down slowly, film rate", 24, func(time float64) Look { return posture(time, 80+40*time, 80+40*time) }, "WWoWoWoW"},
		{"bent over", 30, func(time float64) Look { return posture(time, 90, 5) }, "WWooWooW"},
		{"in a squat", 30, func(time float64) Look { return posture(time, 50, 100) }, "WWooWooW"},
		{"going down", 30, func(time float64) Look { return posture(time, 300*time, 250*time) }, "WWoWoWoWoWoW"},
		{"unsure", 30, func(time float64) Look { return with(standing(time), func(l *Look) { l.Presence = 0.9 }) }, "WWWW"},
		{"unsure for a moment", 30, func(time float64) Look {
			if time < 0.15 {
				return with(swaying(time), func(l *Look) { l.Presence = 0.9 })
			}
			return swaying(time)
		}, "WWWWWWWoWoW"},
		{"the far leg hidden", 30, func(time float64) Look {
			return with(swaying(time), func(l *Look) { l.Landmarks[recording.RightKnee].Visibility = 0.3 })
		}, "WWoWoW"},
		{"legs behind a plate", 30, func(time float64) Look {
			return with(swaying(time), func(l *Look) {
				l.Landmarks[recording.LeftAnkle].Visibility, l.Landmarks[recording.RightAnkle].Visibility = 0.7, 0.3
			})
		}, "WWWWWW"},
		{"held", 30, func(time float64) Look {
			return with(standing(time), func(l *Look) { l.Tracking = recording.Held })
		}, "WWWW"},
		{"nobody", 30, func(time float64) Look { return Look{Time: time, Landmarks: missing()} }, "WWWW"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var p Pace
			var got strings.Builder
			for i := range tc.want {
				now := float64(i) / tc.hz
				care := p.Care(now)
				got.WriteByte("Wo."[care])
				if care == Watch {
					p.Note(tc.look(now))
				}
			}
			if got.String() != tc.want {
				t.Errorf("%s, want %s", &got, tc.want)
			}
		})
	}
}

// The lite network is as sure of a leg at a lower visibility.
func TestPlain(t *testing.T) {
	for _, tc := range []struct {
		quality     Quality
		knee, ankle float64
		want        bool
	}{
		{Balanced, 0.91, 0.92, true},
		{Balanced, 0.85, 0.95, false},
		{Accurate, 0.95, 0.85, false},
		{"", 0.85, 0.85, false},
		{Fast, 0.85, 0.82, true},
		{Fast, 0.95, 0.7, false},
	} {
		l := posture(0, 10, 5)
		for _, far := range []recording.Landmark{recording.RightKnee, recording.RightAnkle} {
			l.Landmarks[far].Visibility = 0.1
		}
		l.Landmarks[recording.LeftKnee].Visibility, l.Landmarks[recording.LeftAnkle].Visibility = tc.knee, tc.ankle
		if got := tc.quality.plain(&l.Landmarks); got != tc.want {
			t.Errorf("%q with a knee of %g and an ankle of %g: %v", tc.quality, tc.knee, tc.ankle, got)
		}
	}
}
