package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
)

// filmed is rec as a camera sees it that stands as view says.
func filmed(rec *recording.Recording, view func(t float64) recording.View) *recording.Recording {
	out := *rec
	out.Frames = make([]recording.Frame, len(rec.Frames))
	for i := range out.Frames {
		v := view(rec.Frames[i].Time)
		out.Frames[i] = through(rec.Frames[i], recording.View{Zoom: 1}.From(v))
		out.Frames[i].View = v
	}
	return &out
}

// about is a view that turns and zooms about the middle of rec's picture.
func about(rec *recording.Recording, dx, dy, turn, zoom float64) recording.View {
	v := recording.View{Turn: turn, Zoom: zoom, SD: 0.3}
	x, y := float64(rec.Clip.Width)/2, float64(rec.Clip.Height)/2
	c := v.Apply(recording.Point{X: x, Y: y})
	v.X, v.Y = x+dx-c.X, y+dy-c.Y
	return v
}

// What is measured of a lifter does not hang on how the phone was held.
func TestMovingCamera(t *testing.T) {
	for _, name := range []string{"squat", "deadlift"} {
		rec := readRecording(t, name+".sfr")
		want, err := Analyze(rec, Settings{})
		if err != nil {
			t.Fatal(err)
		}
		px := typicalTrunk(rec) / 100
		for _, tc := range []struct {
			name  string
			view  func(t float64) recording.View
			blind bool // it shows without the view
		}{
			{"drifts", func(t float64) recording.View { return about(rec, 3*px*t, -4*px*t, 0, 1) }, false},
			{"is bumped", func(t float64) recording.View {
				if t > 3 {
					return about(rec, 14*px, -18*px, 0.005, 1)
				}
				return about(rec, 0, 0, 0, 1)
			}, false},
			{"is held in the hand", func(t float64) recording.View {
				return about(rec, 8*px*math.Sin(2.1*t), 12*px*math.Sin(1.4*t+1)+px*math.Sin(13*t), 0.04*math.Sin(1.1*t), 1+0.03*math.Sin(0.9*t))
			}, true},
		} {
			t.Run(name+" "+tc.name, func(t *testing.T) {
				seen := filmed(rec, tc.view)
				got, err := Analyze(seen, Settings{})
				if err != nil {
					t.Fatal(err)
				}
				if len(got.Reps) != len(want.Reps) {
					t.Fatalf("%d reps, want %d", len(got.Reps), len(want.Reps))
				}
				for i := range got.Reps {
					g, w := &got.Reps[i], &want.Reps[i]
					for _, v := range []struct {
						what              string
						got, want, within float64
					}{
						{"start, s", g.StartS, w.StartS, 0.04},
						{"end, s", g.EndS, w.EndS, 0.04},
						{"hip height, %", g.Bottom.HipHeightPct, w.Bottom.HipHeightPct, 0.5},
						{"knee, °", g.Bottom.KneeFlexion, w.Bottom.KneeFlexion, 1},
						{"trunk, °", g.Bottom.TrunkDeg, w.Bottom.TrunkDeg, 0.5},
						// The lifter has moved by a fifth of the trunk against the
						// picture's middle, where the near plate's perspective ends.
						{"flexion, °", g.PeakFlexionDeg, w.PeakFlexionDeg, 0.9},
						{"angle, °", g.PeakLumbarAngleDeg, w.PeakLumbarAngleDeg, 0.7},
					} {
						if !(math.Abs(v.got-v.want) <= v.within) {
							t.Errorf("rep %d: %s is %.2f, want %.2f", i+1, v.what, v.got, v.want)
						}
					}
				}
				// The back is drawn where it is in the picture.
				for i := range got.Frames {
					g, w := got.Frames[i].Lumbar, want.Frames[i].Lumbar
					if len(g) == 0 || len(g) != len(w) {
						continue
					}
					p := seen.Frames[i].View.Undo(w[0])
					if d := math.Hypot(g[0].X-p.X, g[0].Y-p.Y); d > 2 {
						t.Fatalf("frame %d: the sacrum is drawn %.1f pixels off", i, d)
					}
				}
				// That this takes the room shows where nobody looked at it.
				blind, err := lift.Analyze(seen, lift.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if tc.blind && len(blind.Reps) == len(want.Reps) {
					off := 0.0
					for i, r := range blind.Reps {
						off = max(off, math.Abs(blind.At(r.Bottom).KneeFlexion-want.Reps[i].Bottom.KneeFlexion))
					}
					if off < 2 {
						t.Errorf("knees are within %.1f° without it", off)
					}
				}
			})
		}
	}
}

// A camera on a tripod is measured to the last bit as if nobody had looked for
// its movement.
func TestStillCamera(t *testing.T) {
	rec := readRecording(t, "squat.sfr")
	trunk := typicalTrunk(rec)
	rng := rand.New(rand.NewPCG(1, 2))
	noisy := func(px, sd float64) func(f *recording.Frame) {
		return func(f *recording.Frame) {
			f.View = about(rec, px*rng.NormFloat64(), px*rng.NormFloat64(), px/trunk*0.1*rng.NormFloat64(), 1)
			f.View.SD = sd
		}
	}
	for _, tc := range []struct {
		name string
		view func(f *recording.Frame)
	}{
		{"as noisy as it is", noisy(0.002*trunk, 0.002*trunk)},
		{"not known", func(f *recording.Frame) { f.View = recording.NoView() }},
		{"moving, but not surely", noisy(0.1*trunk, 0.05*trunk)},
		{"seldom known", func(f *recording.Frame) {
			f.View = recording.NoView()
			if f.Index%3 == 0 {
				f.View = about(rec, float64(f.Index), 0, 0, 1)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seen := *rec
			seen.Frames = append([]recording.Frame(nil), rec.Frames...)
			for i := range seen.Frames {
				tc.view(&seen.Frames[i])
			}
			if got := steady(&seen); got.Recording != &seen || got.views != nil {
				t.Errorf("its movement of %.1f pixels is taken out", got.moved)
			}
		})
	}
}
