package infer_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/models"
	"github.com/spineflex/spineflex/pkg/infer"
)

// "Nothing is sent anywhere", says the README. ONNX Runtime's telemetry leaves
// an identifier and a queue in the home folder before it sends a thing, so a
// home that stays empty shows that it was never started. The library is started
// once per process, hence one of its own.
func TestONNXRuntimeKeepsNoTelemetry(t *testing.T) {
	if os.Getenv("SPINEFLEX_TEST_CHILD") != "" {
		rt, err := infer.NewRuntime(infer.Options{Engine: infer.ONNXRuntime})
		if err != nil {
			t.Fatal(err)
		}
		open(t, rt, load(t, models.Lite()))
		return
	}
	if _, err := infer.NewRuntime(infer.Options{Engine: infer.ONNXRuntime}); errors.Is(err, infer.ErrNoONNXRuntime) {
		t.Skip("SKIPPED, NOTHING WAS CHECKED: without ONNX Runtime (make onnxruntime gets it)")
	}
	home := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = []string{
		"SPINEFLEX_TEST_CHILD=1", "HOME=" + home, infer.LibraryEnv + "=" + os.Getenv(infer.LibraryEnv),
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("ONNX Runtime left %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
