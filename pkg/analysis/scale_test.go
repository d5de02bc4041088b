package analysis

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

func readRecording(t *testing.T, name string) *recording.Recording {
	t.Helper()
	rec, err := recording.Read(filepath.Join("..", "..", "testdata", "recordings", name))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// The bar of a rendered deadlift rises by what the plate in the picture says it
// does.
func TestBarRisesInThePlatesPlane(t *testing.T) {
	truth, err := synth.Load(filepath.Join("..", "..", "testdata", "clips", "deadlift_round_midshin_f30.truth.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	rec := readRecording(t, "deadlift.sfr")
	a, err := Analyze(rec, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Quality.ScaleSource != ScaleFromPlate {
		t.Fatalf("scale is from %q, want from the plate", a.Quality.ScaleSource)
	}
	move, err := lift.Analyze(rec, lift.Options{})
	if err != nil {
		t.Fatal(err)
	}
	heights := a.heights(rec, move)
	const onFloor, tolerance = 22.5, 2.0 // cm; 3 % of the whole rise
	n := 0
	for i, h := range heights {
		if move.Frames[i].Rep == 0 || math.IsNaN(h) {
			continue
		}
		n++
		if want := 100*truth.Frames[i].BarHeightM - onFloor; math.Abs(h-want) > tolerance {
			t.Errorf("frame %d: bar is %.1f cm above the floor's, want %.1f", i, h, want)
		}
	}
	if n < 200 {
		t.Errorf("only %d frames have a height", n)
	}
	s := a.SafeRange
	if !(s.BlockHeightCM > 10 && s.BlockHeightCM < 40) || math.Mod(s.BlockHeightCM, 2.5) != 0 {
		t.Errorf("blocks of %g cm, want a multiple of 2.5 about 25", s.BlockHeightCM)
	}
	if !(s.HeightSDCM > 0 && s.HeightMarginCM >= 2.5 && s.HeightMarginCM >= 1.6*s.HeightSDCM) {
		t.Errorf("margin %g cm for a standard deviation of %g", s.HeightMarginCM, s.HeightSDCM)
	}
}

func TestScaleSource(t *testing.T) {
	smaller := func(rec *recording.Recording, k float64) *recording.Recording {
		for i := range rec.Frames {
			rec.Frames[i].Plate.RX *= k
			rec.Frames[i].Plate.RY *= k
		}
		return rec
	}
	noPlate := func(rec *recording.Recording) *recording.Recording {
		for i := range rec.Frames {
			rec.Frames[i].Plate = recording.NoDisc()
		}
		return rec
	}
	for name, c := range map[string]struct {
		rec     *recording.Recording
		stature float64
		want    string
	}{
		"deadlift, full plate":              {readRecording(t, "deadlift.sfr"), 0, ScaleFromPlate},
		"deadlift, full plate and stature":  {readRecording(t, "deadlift.sfr"), 180, ScaleFromPlate},
		"deadlift, small plate":             {smaller(readRecording(t, "deadlift.sfr"), 0.6), 0, ""},
		"deadlift, small plate and stature": {smaller(readRecording(t, "deadlift.sfr"), 0.6), 180, ScaleFromStature},
		"deadlift, no plate":                {noPlate(readRecording(t, "deadlift.sfr")), 0, ""},
		"deadlift, no plate, stature":       {noPlate(readRecording(t, "deadlift.sfr")), 180, ScaleFromStature},
		// The plate is nearer than the box by an unknown third or sixth.
		"squat, full plate":   {readRecording(t, "squat.sfr"), 0, ""},
		"squat, with stature": {readRecording(t, "squat.sfr"), 182, ScaleFromStature},
	} {
		t.Run(name, func(t *testing.T) {
			move, err := lift.Analyze(c.rec, lift.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var a Analysis
			a.measureScale(c.rec, move, Settings{StatureCM: c.stature})
			q := a.Quality
			if q.ScaleSource != c.want {
				t.Errorf("scale from %q, want %q", q.ScaleSource, c.want)
			}
			if known := c.want != ""; known != (q.ScaleCMPerPx > 0) || known != (q.ScaleSDPct > 0) {
				t.Errorf("scale %g cm/px ± %g %%, want one: %t", q.ScaleCMPerPx, q.ScaleSDPct, known)
			}
		})
	}
}
