package lift

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// bender is a stick figure that bends to the floor and back n times, facing right:
// trunk to deg from vertical, knees bent by knee degrees at the bottom.
func bender(n int, deg, knee float64) *recording.Recording {
	const rate, period, leg, trunk, arm = 30.0, 3.0, 330.0, 210.0, 240.0
	rec := &recording.Recording{Clip: recording.Clip{Width: 1080, Height: 1280, MeanFPS: rate}}
	for i := range int(rate * period * (float64(n) + 1)) {
		at := float64(i) / rate
		bent := 0.0 // 0..1
		if at > period/2 && at < period*(float64(n)+0.5) {
			bent = (1 - math.Cos(2*math.Pi*(at-period/2)/period)) / 2
		}
		rad := func(deg float64) float64 { return bent * deg * math.Pi / 180 }
		ankle := recording.Point{X: 500, Y: 1100}
		// Half of the knee's bend above it and half below, and the hips go back by 10°.
		kneeAt := recording.Point{X: ankle.X + leg/2*math.Sin(rad(knee/2-10)), Y: ankle.Y - leg/2*math.Cos(rad(knee/2-10))}
		hip := recording.Point{X: kneeAt.X - leg/2*math.Sin(rad(knee/2+10)), Y: kneeAt.Y - leg/2*math.Cos(rad(knee/2+10))}
		up := recording.Point{X: math.Sin(rad(deg)), Y: -math.Cos(rad(deg))}
		shoulder := recording.Point{X: hip.X + trunk*up.X, Y: hip.Y + trunk*up.Y}
		ear := recording.Point{X: shoulder.X + 60*up.X, Y: shoulder.Y + 60*up.Y}
		f := recording.Frame{Index: i, Time: at, Tracking: recording.Tracked, Presence: 1, Plate: recording.NoDisc()}
		put := func(left recording.Landmark, p recording.Point) {
			for side := range recording.Landmark(2) {
				f.Landmarks[left+side] = recording.Keypoint{X: p.X, Y: p.Y, Z: 40 * float64(1-2*int(side)), Visibility: 0.95}
			}
		}
		for l := recording.Nose; l < recording.LeftShoulder; l++ {
			put(l, ear)
		}
		nose := recording.Point{X: ear.X - 40*up.Y, Y: ear.Y + 40*up.X}
		f.Landmarks[recording.Nose] = recording.Keypoint{X: nose.X, Y: nose.Y, Visibility: 0.95}
		put(recording.LeftShoulder, shoulder)
		put(recording.LeftElbow, recording.Point{X: shoulder.X, Y: shoulder.Y + arm/2})
		for l := recording.LeftWrist; l < recording.LeftHip; l += 2 {
			put(l, recording.Point{X: shoulder.X, Y: shoulder.Y + arm})
		}
		put(recording.LeftHip, recording.Point{X: hip.X + recording.HipAhead*trunk, Y: hip.Y + recording.HipAlong*trunk})
		put(recording.LeftKnee, kneeAt)
		put(recording.LeftAnkle, ankle)
		put(recording.LeftHeel, recording.Point{X: ankle.X - 20, Y: ankle.Y + 25})
		put(recording.LeftFootIndex, recording.Point{X: ankle.X + 60, Y: ankle.Y + 30})
		rec.Frames = append(rec.Frames, f)
	}
	return rec
}

func TestHinge(t *testing.T) {
	tests := map[string]struct {
		rec  *recording.Recording
		opts Options
		e    Exercise
		reps int
	}{
		"to the floor":               {bender(3, 110, 5), Options{}, Hinge, 3},
		"once":                       {bender(1, 105, 10), Options{}, Hinge, 1},
		"to the left":                {mirrored(bender(2, 110, 5)), Options{}, Hinge, 2},
		"half-way, said so":          {bender(3, 70, 10), Options{Exercise: Hinge}, Hinge, 3},
		"knees well bent, no hinge":  {bender(3, 80, 60), Options{}, Deadlift, 3},
		"nodding is no hinge":        {bender(3, 25, 0), Options{Exercise: Hinge}, Hinge, 0},
		"said to be a deadlift":      {bender(2, 110, 5), Options{Exercise: Deadlift}, Deadlift, 2},
		"cut at the bottom's end":    {cut(bender(2, 110, 5), 0, 210), Options{}, Hinge, 2},
		"from the bottom of the one": {cut(bender(2, 110, 5), 90, 270), Options{}, Hinge, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := Analyze(tt.rec, tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if m.Exercise != tt.e || len(m.Reps) != tt.reps {
				t.Fatalf("%d reps of %s, want %d of %s: %+v", len(m.Reps), m.Exercise, tt.reps, tt.e, m.Reps)
			}
			if tt.e != Hinge {
				return
			}
			if !math.IsNaN(m.BarTravel) {
				t.Errorf("a bar travels by %.0f pixels", m.BarTravel)
			}
			for _, r := range m.Reps {
				if f := m.Frames[r.Bottom]; f.Phase != Bottom || !(f.DepthPct > 95) || !(f.TrunkDeg > 60) || !(f.KneeFlexion < 20) {
					t.Errorf("rep %d at the bottom: phase %s, %+v", r.Index, f.Phase, f.Posture)
				}
			}
			if m.StandingHipHeight < 300 || m.StandingHipHeight > 345 {
				t.Errorf("hips %.0f pixels high in standing, want 330", m.StandingHipHeight)
			}
		})
	}
}
