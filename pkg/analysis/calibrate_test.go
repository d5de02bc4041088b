package analysis

import (
	"errors"
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
	"github.com/spineflex/spineflex/pkg/signal"
)

const truthDir = "../recording/synth/testdata/"

func truthRecording(t *testing.T, name string) *recording.Recording {
	t.Helper()
	truth, err := synth.Load(truthDir + name + ".truth.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	return truth.Recording(synth.Noise{LandmarkPx: 1, EdgePx: 0.5, Seed: 3})
}

func peak(a *Analysis) float64 {
	var v []float64
	for i := range a.Frames {
		if f := a.Frames[i].LumbarFlexion; !math.IsNaN(f) {
			v = append(v, f)
		}
	}
	return signal.Quantile(v, 0.95)
}

// A neutral shown in one clip must serve another clip of the same lifter, also
// cut so that it never stands.
func TestNeutralClip(t *testing.T) {
	rec := truthRecording(t, "deadlift_round_midshin_f30")
	plain, err := Analyze(rec, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	same, err := Analyze(rec, Settings{NeutralClip: rec})
	if err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(peak(same) - peak(plain)); d > 3 {
		t.Errorf("with itself as neutral clip the peak is %.1f°, without %.1f°", peak(same), peak(plain))
	}
	if same.Neutral.Source == plain.Neutral.Source {
		t.Errorf("source of neutral is still %q", same.Neutral.Source)
	}
	if same.Neutral.LimitDeg == plain.Neutral.LimitDeg {
		t.Errorf("the limit is still the default, %.1f°", plain.Neutral.LimitDeg)
	}
	rep := plain.Reps[0]
	cut := *rec
	cut.Frames = nil
	for _, f := range rec.Frames {
		if f.Time >= rep.StartS && f.Time < rep.StartS+0.9 { // the pull from the floor only
			cut.Frames = append(cut.Frames, f)
		}
	}
	with, err := Analyze(&cut, Settings{NeutralClip: rec, Exercise: plain.Exercise, Facing: plain.Facing})
	if err != nil {
		t.Fatal(err)
	}
	// The truth's points end at the sacrum, without the buttock to hold on to,
	// and a rounded trunk alone tells its length less well.
	if d := math.Abs(peak(with) - peak(plain)); d > 12 {
		t.Errorf("pull alone, neutral from the other clip: peak %.1f°, whole clip %.1f°", peak(with), peak(plain))
	}
}

func TestFullFlexionClip(t *testing.T) {
	rec := truthRecording(t, "squat_neutral_deep")
	if a, err := Analyze(rec, Settings{}); err != nil || !math.IsNaN(a.Neutral.FullFlexionDeg) {
		t.Fatalf("without a clip: %v, %v", a.Neutral.FullFlexionDeg, err)
	}
	bent := truthRecording(t, "deadlift_round_midshin_f30")
	a, err := Analyze(rec, Settings{FullFlexionClip: bent})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Neutral.FullFlexionDeg; math.Abs(got-45) > 6 { // 30° of rounding on 16° of flattening, 46° at most
		t.Errorf("full flexion %.1f°, want about 45°", got)
	}
}

func TestCalibrationRefusals(t *testing.T) {
	rec := truthRecording(t, "squat_neutral_deep")
	blind := *rec
	blind.Frames = append([]recording.Frame(nil), rec.Frames...)
	for i := range blind.Frames {
		blind.Frames[i].Trunk.Left, blind.Frames[i].Trunk.Right = nil, nil
	}
	if _, err := Analyze(rec, Settings{NeutralClip: &blind}); !errors.Is(err, ErrCalibration) {
		t.Errorf("no back in the neutral clip: %v, want ErrCalibration", err)
	}
	if err := (Settings{NeutralClip: &blind}).Validate(); !errors.Is(err, ErrCalibration) {
		t.Errorf("no back in the neutral clip: Validate gives %v, want ErrCalibration", err)
	}
	if err := (Settings{NeutralClip: rec, FullFlexionClip: rec}).Validate(); err != nil {
		t.Errorf("good calibration clips: %v", err)
	}
	if _, err := Analyze(rec, Settings{FullFlexionClip: &recording.Recording{}}); !errors.Is(err, ErrCalibration) {
		t.Errorf("empty full-flexion clip: %v, want ErrCalibration", err)
	}
}
