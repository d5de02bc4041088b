//go:build matprofile

package infer_test

import (
	"bytes"
	"testing"

	"gocv.io/x/gocv"

	"github.com/spineflex/spineflex/models"
	"github.com/spineflex/spineflex/pkg/infer"
)

// Every gocv.Mat that a network makes is closed by the end of Close, and a run
// leaves none behind. Needs -tags matprofile.
func TestMatsAreClosed(t *testing.T) {
	rt, err := infer.NewRuntime(infer.Options{Engine: infer.OpenCV, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want int) {
		t.Helper()
		if n := gocv.MatProfile.Count(); n != want {
			var where bytes.Buffer
			_ = gocv.MatProfile.WriteTo(&where, 1)
			t.Errorf("%s: %d mats are open, want %d\n%s", when, n, want, &where)
		}
	}
	check("before", 0)
	for _, m := range []models.Network{models.Detector(), models.Lite()} {
		net, err := rt.Open(load(t, m))
		if err != nil {
			t.Fatal(err)
		}
		check(m.Name+" opened", 1) // its input
		for range 3 {
			if err := net.Run(); err != nil {
				t.Fatal(err)
			}
		}
		check(m.Name+" run", 1)
		if err := net.Close(); err != nil {
			t.Fatal(err)
		}
		check(m.Name+" closed", 0)
	}
	if _, err := rt.Open([]byte("no network")); err == nil {
		t.Error("opened words")
	}
	check("after a refusal", 0)
}
