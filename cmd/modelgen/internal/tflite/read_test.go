package tflite_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite/tflitetest"
)

// everything is a model in which each operator and each kind of tensor occurs
// once. Its shapes do not fit together; Read does not look at that.
func everything() *tflite.Model {
	return &tflite.Model{
		Description: "every operator once",
		Tensors: []tflite.Tensor{
			{Name: "image", Shape: []int{1, 4, 4, 2}},
			{Name: "filter", Shape: []int{2, 1, 1, 2}, Type: tflite.Float16, Data: tflitetest.Halves(1, -2, 0.5, 0)},
			{Name: "bias", Shape: []int{2}, Data: tflitetest.Floats(0.25, -3)},
			{Name: "size", Shape: []int{2}, Type: tflite.Int32, Data: tflitetest.Ints(8, 8)},
			sparse(),
			{Name: "out", Shape: []int{1, 4, 4, 2}},
		},
		Inputs:  []int{0},
		Outputs: []int{5},
		Operators: []tflite.Operator{
			{Code: tflite.Densify, Inputs: []int{4}, Outputs: []int{5}},
			{Code: tflite.Dequantize, Inputs: []int{1}, Outputs: []int{5}},
			{Code: tflite.Conv2D, Inputs: []int{0, 1, 2}, Outputs: []int{5}, Options: tflite.Options{
				Activation: tflite.ReLU6, Padding: tflite.Valid, StrideH: 2, StrideW: 3, DilationH: 4, DilationW: 5,
			}},
			{Code: tflite.DepthwiseConv2D, Inputs: []int{0, 1, -1}, Outputs: []int{5}, Options: tflite.Options{
				Activation: tflite.ReLU, StrideH: 2, StrideW: 3, DilationH: 1, DilationW: 1, Multiplier: 6,
			}},
			{Code: tflite.MaxPool2D, Inputs: []int{0}, Outputs: []int{5}, Options: tflite.Options{
				Padding: tflite.Valid, StrideH: 1, StrideW: 2, FilterH: 3, FilterW: 4,
			}},
			{Code: tflite.Add, Inputs: []int{0, 5}, Outputs: []int{5}, Options: tflite.Options{Activation: tflite.ReLU6}},
			{Code: tflite.Concatenation, Inputs: []int{0, 5}, Outputs: []int{5}, Options: tflite.Options{Axis: -1}},
			{Code: tflite.DepthToSpace, Inputs: []int{0}, Outputs: []int{5}, Options: tflite.Options{BlockSize: 2}},
			{Code: tflite.ResizeBilinear, Inputs: []int{0, 3}, Outputs: []int{5}, Options: tflite.Options{HalfPixelCenters: true}},
			{Code: tflite.Reshape, Inputs: []int{0, 3}, Outputs: []int{5}},
			{Code: tflite.Pad, Inputs: []int{0, 3}, Outputs: []int{5}},
			{Code: tflite.Logistic, Inputs: []int{0}, Outputs: []int{5}},
		},
	}
}

func TestReadGivesWhatWasWritten(t *testing.T) {
	want := everything()
	got, err := tflite.Read(tflitetest.Encode(want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*tflite.Model)
		want   string
	}{
		{"operator it does not know", func(m *tflite.Model) { m.Operators[0].Code = 25 }, "builtin operator 25"},
		{"operator with a wide code it does not know", func(m *tflite.Model) { m.Operators[0].Code = 150 }, "builtin operator 150"},
		{"element type", func(m *tflite.Model) { m.Tensors[2].Type = 9 }, "tensor type 9"},
		{"activation", func(m *tflite.Model) { m.Operators[2].Options.Activation = 4 }, "activation 4"},
		{"padding", func(m *tflite.Model) { m.Operators[2].Options.Padding = 2 }, "padding 2"},
		{"stride of zero", func(m *tflite.Model) { m.Operators[2].Options.StrideW = 0 }, "CONV_2D"},
		{"constant of the wrong size", func(m *tflite.Model) { m.Tensors[2].Shape = []int{3} }, "8 bytes for shape [3]"},
		{"unknown dimension", func(m *tflite.Model) { m.Tensors[0].Shape[1] = -1 }, "empty, unknown or too large"},
		{"tensor too large", func(m *tflite.Model) { m.Tensors[0].Shape = []int{1 << 12, 1 << 12, 2} }, "too large"},
		{"too many dimensions", func(m *tflite.Model) { m.Tensors[0].Shape = make([]int, 9) }, "9 dimensions"},
		{"input that is no tensor", func(m *tflite.Model) { m.Operators[5].Inputs[1] = 6 }, "operator 5 (ADD): tensor 6 of 6"},
		{"output that is no tensor", func(m *tflite.Model) { m.Operators[5].Outputs[0] = -1 }, "operator 5 (ADD): tensor -1"},
		{"two outputs", func(m *tflite.Model) { m.Operators[5].Outputs = []int{5, 5} }, "2 outputs"},
		{"graph output that is no tensor", func(m *tflite.Model) { m.Outputs[0] = 7 }, "graph outputs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := everything()
			tt.change(m)
			_, err := tflite.Read(tflitetest.Encode(m))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestReadRefusesDamagedFiles(t *testing.T) {
	whole := tflitetest.Encode(everything())
	t.Run("empty", func(t *testing.T) { requireError(t, nil) })
	t.Run("not tflite", func(t *testing.T) { requireError(t, []byte("GIF89a, not a network")) })
	// FlatBuffers keeps the tables at both ends of the file, so every cut
	// takes away something.
	t.Run("cut short", func(t *testing.T) {
		for n := range whole {
			requireError(t, whole[:n])
		}
	})
	t.Run("root offset past the end", func(t *testing.T) {
		bad := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(bad, uint32(len(bad)))
		requireError(t, bad)
	})
}

func requireError(t *testing.T, file []byte) {
	t.Helper()
	if _, err := tflite.Read(file); err == nil {
		t.Errorf("%d bytes were read as a model", len(file))
	}
}

// FuzzRead checks that no file makes the reader or the expansion of sparse
// weights panic, and that constants have the size their shape says.
func FuzzRead(f *testing.F) {
	f.Add(tflitetest.Encode(everything()))
	f.Add(tflitetest.Encode(&tflite.Model{
		Tensors: []tflite.Tensor{{Name: "image", Shape: []int{1, 2, 2, 1}}},
		Inputs:  []int{0}, Outputs: []int{0},
	}))
	f.Add([]byte("\x08\x00\x00\x00TFL3"))
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := tflite.Read(file)
		if err != nil {
			return
		}
		for i := range m.Tensors {
			tensor := &m.Tensors[i]
			if tensor.Sparsity != nil && tensor.Elements() > 1<<16 {
				continue // sound, but a long time for a fuzz input
			}
			dense, err := tensor.Dense()
			if err == nil && dense != nil && len(dense) != tensor.Elements()*tensor.Type.Size() {
				t.Errorf("tensor %d: %d bytes for shape %v of %v", i, len(dense), tensor.Shape, tensor.Type)
			}
		}
	})
}
