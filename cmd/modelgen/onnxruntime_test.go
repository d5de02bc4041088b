package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
)

// startRuntime loads ONNX Runtime once a process, from where the Makefile puts
// it or where the program is told to find it.
var startRuntime = sync.OnceValue(func() error {
	library := os.Getenv("SPINEFLEX_ONNXRUNTIME")
	if library == "" {
		library = filepath.Join("..", "..", ".deps", "onnxruntime")
	}
	info, err := os.Stat(library)
	if err != nil {
		return err
	}
	if info.IsDir() {
		library = filepath.Join(library, "libonnxruntime.so.1")
	}
	// Else it reports its use to its makers (pkg/infer says more).
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
		return err
	}
	ort.SetSharedLibraryPath(library)
	return ort.InitializeEnvironment()
})

// requireRuntime skips the test where ONNX Runtime is not installed.
func requireRuntime(t testing.TB) {
	t.Helper()
	if err := startRuntime(); err != nil {
		t.Skipf("SKIPPED, NOTHING WAS CHECKED: ONNX Runtime is not installed: %v", err)
	}
}

// runONNX runs a network on one input, laid out as the file wants it.
func runONNX(file []byte, input onnx.Value, data []float32, outputs []onnx.Value) ([][]float32, error) {
	in, err := ort.NewTensor(ortShape(input.Dims), data)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	defer in.Destroy()
	var names []string
	var values []ort.Value
	var results [][]float32
	for _, v := range outputs {
		out, err := ort.NewEmptyTensor[float32](ortShape(v.Dims))
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", v.Name, err)
		}
		defer out.Destroy()
		names = append(names, v.Name)
		values = append(values, out)
		results = append(results, out.GetData())
	}
	session, err := ort.NewAdvancedSessionWithONNXData(file, []string{input.Name}, names, []ort.Value{in}, values, nil)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer session.Destroy()
	if err := session.Run(); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	copies := make([][]float32, len(results))
	for i, r := range results {
		copies[i] = append([]float32(nil), r...) // r dies with its tensor
	}
	return copies, nil
}

func ortShape(dims []int) ort.Shape {
	shape := make(ort.Shape, len(dims))
	for i, d := range dims {
		shape[i] = int64(d)
	}
	return shape
}
