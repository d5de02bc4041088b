package analysis

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
)

// framed is a recording of n frames at 10 Hz in a picture 1000 pixels high,
// with the knees at kneeY and nobody there from frame gone on.
func framed(n int, kneeY float64, gone int) *recording.Recording {
	rec := &recording.Recording{Clip: recording.Clip{Width: 600, Height: 1000}, Frames: make([]recording.Frame, n)}
	for i := range rec.Frames {
		f := &rec.Frames[i]
		f.Index, f.Time = i, float64(i)/10
		f.Landmarks[recording.LeftKnee].Y = kneeY
		f.Landmarks[recording.RightKnee].Y = kneeY + 20
		if i < gone {
			f.Tracking = recording.Tracked
		}
	}
	return rec
}

func TestFraming(t *testing.T) {
	for _, tc := range []struct {
		name string
		rec  *recording.Recording
		want string // warning code
	}{
		{"whole lifter", framed(50, 700, 50), ""},
		{"knees below the picture", framed(50, 1100, 50), WarnUpperBody},
		{"one knee in the picture", framed(50, 990, 50), ""},
		{"leaves for three seconds", framed(50, 700, 20), WarnLeft},
		{"hidden for half a second", framed(50, 700, 45), ""},
		{"never there", framed(50, 1100, 0), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := &Analysis{SafeRange: rom.SafeRange{Verdict: rom.Holds, DepthPct: 100}}
			a.framing(tc.rec)
			got := ""
			if len(a.Warnings) > 0 {
				got = a.Warnings[0].Code
			}
			if got != tc.want {
				t.Errorf("warned %q, want %q", got, tc.want)
			}
			if cut := tc.want == WarnUpperBody; cut != (a.SafeRange.Verdict == rom.Inconclusive) || cut != math.IsNaN(a.SafeRange.DepthPct) {
				t.Errorf("verdict %q at %g %%", a.SafeRange.Verdict, a.SafeRange.DepthPct)
			}
		})
	}
}
