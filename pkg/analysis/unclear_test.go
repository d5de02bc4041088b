package analysis

import (
	"math"
	"slices"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
)

// A back that the picture does not tell from what is behind it has an edge, the
// mask's, and no measurement.
func TestUnclearBack(t *testing.T) {
	rec := readRecording(t, "squat.sfr")
	for _, tc := range []struct {
		name          string
		times         float64 // the edge's standard deviation
		warns, lostIt bool
	}{
		{"by day", 1, false, false},
		{"at dusk", 3.5, true, false},
		{"in the dark", 8, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dim := *rec
			dim.Frames = slices.Clone(rec.Frames)
			for i := range dim.Frames {
				tr := &dim.Frames[i].Trunk
				for _, e := range []*recording.Edge{&tr.Left, &tr.Right} {
					*e = slices.Clone(*e)
					for k := range *e {
						(*e)[k].SD *= tc.times
					}
				}
			}
			a, err := Analyze(&dim, Settings{})
			if err != nil {
				t.Fatal(err)
			}
			warned := slices.ContainsFunc(a.Warnings, func(w Warning) bool { return w.Code == WarnUnclear })
			if warned != tc.warns {
				t.Errorf("warned: %v, want %v", warned, tc.warns)
			}
			if len(a.Reps) != 3 {
				t.Fatalf("%d reps, want 3: legs are seen", len(a.Reps))
			}
			if lost := math.IsNaN(a.Reps[0].PeakFlexionDeg); lost != tc.lostIt {
				t.Errorf("no flexion: %v, want %v", lost, tc.lostIt)
			}
			if undecided := a.SafeRange.Verdict == rom.Inconclusive; undecided != tc.lostIt {
				t.Errorf("verdict %s: %s", a.SafeRange.Verdict, a.SafeRange.Reason)
			}
		})
	}
}

// An edge that bends from picture to picture while nobody moves is no back, the less
// the less clear it is.
func TestJumpingBack(t *testing.T) {
	rec := readRecording(t, "squat.sfr")
	for _, tc := range []struct {
		name string
		bend float64 // slope of the back above the loin, this way and that
		sds  float64 // times the edge's standard deviation
		lost bool
	}{
		{"hardly", 0.02, 1, false},
		{"clearly", 0.1, 1, false},
		{"wildly", 0.3, 1, true},
		{"hardly, at dusk", 0.02, 3.5, false},
		{"clearly, at dusk", 0.1, 3.5, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			shaky := *rec
			shaky.Frames = slices.Clone(rec.Frames)
			for i := range shaky.Frames {
				f := &shaky.Frames[i]
				_, length := f.Trunk.Normal(recording.Left)
				bend := tc.bend * length * float64(1-2*(i/2%2))
				for _, e := range []*recording.Edge{&f.Trunk.Left, &f.Trunk.Right} {
					*e = slices.Clone(*e)
					for k := range *e {
						(*e)[k].Offset += bend * math.Max(0, recording.Station(k)-0.25)
						(*e)[k].SD *= tc.sds
					}
				}
			}
			a, err := Analyze(&shaky, Settings{})
			if err != nil {
				t.Fatal(err)
			}
			warned := slices.ContainsFunc(a.Warnings, func(w Warning) bool { return w.Code == WarnUnclear })
			if lost := math.IsNaN(a.Reps[0].PeakFlexionDeg); lost != tc.lost || tc.sds == 1 && warned != tc.lost {
				t.Errorf("no flexion: %v, warned: %v, want %v", lost, warned, tc.lost)
			}
		})
	}
}
