package lift_test

import (
	"fmt"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

func Example() {
	truth, err := synth.Load("../recording/synth/testdata/squat_neutral_deep.truth.json.gz")
	if err != nil {
		panic(err)
	}
	m, err := lift.Analyze(truth.Recording(synth.Noise{}), lift.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s facing %s, camera %s\n", m.Exercise, m.Facing, m.Camera.Verdict)
	for _, r := range m.Reps {
		bottom := m.Frames[r.Bottom]
		fmt.Printf("rep %d: %.1f s at the bottom, thigh %.0f°, hips at %.0f %% of standing\n", r.Index, bottom.TimeS, bottom.ThighDeg, bottom.HipHeightPct)
	}
	// Output:
	// squat facing left, camera ok
	// rep 1: 2.5 s at the bottom, thigh -8°, hips at 37 % of standing
	// rep 2: 6.2 s at the bottom, thigh -7°, hips at 37 % of standing
	// rep 3: 10.2 s at the bottom, thigh -7°, hips at 38 % of standing
}
