package convert

import (
	"slices"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite/tflitetest"
)

func TestWindow(t *testing.T) {
	tests := []struct {
		name                      string
		padding                   tflite.Padding
		in, stride, reach         int
		before, after             int
		wantBegin, wantEnd, count int
	}{
		{"same keeps the size", tflite.Same, 7, 1, 3, 0, 0, 1, 1, 7},
		{"same, even size, stride 2: one zero, at the end", tflite.Same, 8, 2, 3, 0, 0, 0, 1, 4},
		{"same, odd size, stride 2", tflite.Same, 7, 2, 3, 0, 0, 1, 1, 4},
		{"same, even filter", tflite.Same, 5, 1, 2, 0, 0, 0, 1, 5},
		{"same, stride over filter needs no zeros", tflite.Same, 9, 3, 1, 0, 0, 0, 0, 3},
		{"valid drops the rest", tflite.Valid, 8, 2, 3, 0, 0, 0, 0, 3},
		{"valid on a padded image", tflite.Valid, 8, 2, 3, 1, 1, 1, 1, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			begin, end, count, err := window(tt.padding, tt.in, tt.stride, tt.reach, tt.before, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if begin != tt.wantBegin || end != tt.wantEnd || count != tt.count {
				t.Errorf("zeros %d, %d and %d samples; want %d, %d and %d",
					begin, end, count, tt.wantBegin, tt.wantEnd, tt.count)
			}
		})
	}
	if _, _, _, err := window(tflite.Valid, 2, 1, 3, 0, 0); err == nil {
		t.Error("a filter larger than the image was accepted")
	}
}

func TestPermute(t *testing.T) {
	// Elements of two bytes, 2x1x3: 1 2 3 | 4 5 6.
	data := []byte{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}
	got := permute(data, []int{2, 1, 3}, []int{2, 0, 1}, 2)
	want := []byte{1, 1, 4, 4, 2, 2, 5, 5, 3, 3, 6, 6}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// convolution is a sound model for the refusals to damage: a 3x3 convolution
// of a 4x4 image with 2 channels.
func convolution() (*tflite.Model, Spec) {
	model := &tflite.Model{
		Tensors: []tflite.Tensor{
			{Shape: []int{1, 4, 4, 2}},
			{Shape: []int{1, 3, 3, 2}, Data: make([]byte, 72)},
			{Shape: []int{1}, Data: make([]byte, 4)},
			{Shape: []int{1, 2, 2, 1}},
			{Shape: []int{8}, Type: tflite.Int32, Data: tflitetest.Ints(0, 0, 0, 0, 0, 0, 0, 0)},
		},
		Inputs:  []int{0},
		Outputs: []int{3},
		Operators: []tflite.Operator{{
			Code: tflite.Conv2D, Inputs: []int{0, 1, 2}, Outputs: []int{3},
			Options: tflite.Options{Padding: tflite.Valid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
		}},
	}
	return model, Spec{
		Name:    "test",
		Input:   onnx.Value{Name: "image", Dims: []int{1, 2, 4, 4}},
		Outputs: []onnx.Value{{Name: "out", Dims: []int{1, 1, 2, 2}}},
	}
}

func TestNetworkIsDeterministic(t *testing.T) {
	var first []byte
	for range 20 {
		model, spec := convolution()
		file, err := Network(model, spec)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = file
		}
		if !slices.Equal(file, first) {
			t.Fatal("the same model gave two files")
		}
	}
}

func TestNetworkRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*tflite.Model, *Spec)
		want   string
	}{
		{"operator", func(m *tflite.Model, _ *Spec) { m.Operators[0].Code = 99 }, "not supported"},
		{"input of another shape", func(_ *tflite.Model, s *Spec) { s.Input.Dims = []int{1, 4, 4, 2} }, "image: shape [1 2 4 4]"},
		{"number of outputs", func(_ *tflite.Model, s *Spec) { s.Outputs = nil }, "1 outputs, want 1 and 0"},
		{"output nobody computes", func(m *tflite.Model, _ *Spec) { m.Operators = nil }, "nothing computes output out"},
		{"output listed twice", func(m *tflite.Model, s *Spec) {
			m.Outputs = []int{3, 3}
			s.Outputs = append(s.Outputs, s.Outputs[0])
		}, "listed twice"},
		{"weights that are computed", func(m *tflite.Model, _ *Spec) { m.Tensors[1].Data = nil }, "want a constant"},
		{"bias left out", func(m *tflite.Model, _ *Spec) { m.Operators[0].Inputs[2] = -1 }, "want 3"},
		{"options that do not give the stated shape", func(m *tflite.Model, _ *Spec) {
			m.Operators[0].Options.Padding = tflite.Same
		}, "output has shape [1 2 2 1], computed [1 4 4 1]"},
		{"channels that do not fit", func(m *tflite.Model, _ *Spec) {
			m.Tensors[1] = tflite.Tensor{Shape: []int{1, 3, 3, 1}, Data: make([]byte, 36)}
		}, "on 2 channels"},
		{"resize without half-pixel centres", func(m *tflite.Model, _ *Spec) {
			m.Tensors[4] = tflite.Tensor{Shape: []int{2}, Type: tflite.Int32, Data: tflitetest.Ints(2, 2)}
			m.Operators[0] = tflite.Operator{Code: tflite.ResizeBilinear, Inputs: []int{0, 4}, Outputs: []int{3}}
		}, "half-pixel centres false"},
		{"pad of the wrong size", func(m *tflite.Model, _ *Spec) {
			m.Operators[0] = tflite.Operator{Code: tflite.Pad, Inputs: []int{0, 4}, Outputs: []int{3}}
		}, "output has shape"},
		{"operators out of order", func(m *tflite.Model, _ *Spec) {
			m.Tensors = append(m.Tensors, m.Tensors[0])
			m.Operators[0].Inputs[0] = 5
		}, "computed by no earlier operator"},
		{"broadcast", func(m *tflite.Model, _ *Spec) {
			m.Operators[0] = tflite.Operator{Code: tflite.Add, Inputs: []int{0, 3}, Outputs: []int{3}}
		}, "shapes [1 4 4 2] and [1 2 2 1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			model, spec := convolution()
			tt.change(model, &spec)
			_, err := Network(model, spec)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
