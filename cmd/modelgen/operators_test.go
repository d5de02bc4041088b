package main

import (
	"math/rand/v2"
	"testing"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/convert"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite/tflitetest"
)

// sketch builds a small model operator by operator; methods return tensor
// indices. Tensor 0 is the input image.
type sketch struct {
	tflite.Model
	random *rand.Rand
}

func newSketch(height, width, channels int) *sketch {
	s := &sketch{random: rand.New(rand.NewPCG(5, 6))}
	s.Inputs = []int{s.tensor(tflite.Float32, nil, 1, height, width, channels)}
	return s
}

func (s *sketch) tensor(kind tflite.ElementType, data []byte, shape ...int) int {
	s.Tensors = append(s.Tensors, tflite.Tensor{Name: "t", Shape: shape, Type: kind, Data: data})
	return len(s.Tensors) - 1
}

// numbers are random multiples of a half, which float16 holds exactly.
func (s *sketch) numbers(n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(s.random.IntN(9)-4) / 2
	}
	return values
}

func (s *sketch) floats(shape ...int) int {
	i := s.tensor(tflite.Float32, nil, shape...)
	s.Tensors[i].Data = tflitetest.Floats(s.numbers(s.Tensors[i].Elements())...)
	return i
}

// halves is a float16 constant behind a DEQUANTIZE.
func (s *sketch) halves(shape ...int) int {
	i := s.tensor(tflite.Float16, nil, shape...)
	s.Tensors[i].Data = tflitetest.Halves(s.numbers(s.Tensors[i].Elements())...)
	return s.op(tflite.Dequantize, tflite.Options{}, []int{i}, shape...)
}

func (s *sketch) ints(values ...int) int {
	return s.tensor(tflite.Int32, tflitetest.Ints(values...), len(values))
}

func (s *sketch) op(code tflite.OpCode, o tflite.Options, inputs []int, shape ...int) int {
	out := s.tensor(tflite.Float32, nil, shape...)
	s.Operators = append(s.Operators, tflite.Operator{Code: code, Inputs: inputs, Outputs: []int{out}, Options: o})
	return out
}

// conv is a convolution with unit dilation unless o says otherwise.
func (s *sketch) conv(code tflite.OpCode, o tflite.Options, inputs []int, shape ...int) int {
	if o.DilationH == 0 {
		o.DilationH, o.DilationW = 1, 1
	}
	return s.op(code, o, inputs, shape...)
}

var operatorTests = []struct {
	name  string
	build func() (s *sketch, output int)
}{
	{"conv, SAME, stride 1", func() (*sketch, int) {
		s := newSketch(5, 7, 3)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 1, StrideW: 1},
			[]int{0, s.floats(4, 3, 3, 3), s.floats(4)}, 1, 5, 7, 4)
	}},
	{"conv, SAME, stride 2 on even sizes: odd zero at the end", func() (*sketch, int) {
		s := newSketch(6, 8, 3)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 2, StrideW: 2},
			[]int{0, s.halves(4, 3, 3, 3), s.halves(4)}, 1, 3, 4, 4)
	}},
	{"conv, SAME, stride 2 on odd sizes", func() (*sketch, int) {
		s := newSketch(7, 5, 2)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 2, StrideW: 2},
			[]int{0, s.floats(4, 5, 5, 2), s.floats(4)}, 1, 4, 3, 4)
	}},
	{"conv, filter, stride and dilation differ by axis", func() (*sketch, int) {
		s := newSketch(12, 14, 2)
		return s, s.conv(tflite.Conv2D, tflite.Options{Padding: tflite.Valid, StrideH: 1, StrideW: 3, DilationH: 2, DilationW: 1},
			[]int{0, s.floats(3, 3, 2, 2), s.floats(3)}, 1, 8, 5, 3)
	}},
	{"conv, dilated, SAME", func() (*sketch, int) {
		s := newSketch(9, 9, 1)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 1, StrideW: 1, DilationH: 2, DilationW: 2},
			[]int{0, s.floats(1, 3, 3, 1), s.floats(1)}, 1, 9, 9, 1)
	}},
	{"conv with relu", func() (*sketch, int) {
		s := newSketch(4, 4, 2)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 1, StrideW: 1, Activation: tflite.ReLU},
			[]int{0, s.floats(5, 1, 1, 2), s.floats(5)}, 1, 4, 4, 5)
	}},
	{"depthwise, SAME, stride 2, relu6", func() (*sketch, int) {
		s := newSketch(8, 6, 5)
		return s, s.conv(tflite.DepthwiseConv2D, tflite.Options{StrideH: 2, StrideW: 2, Multiplier: 1, Activation: tflite.ReLU6},
			[]int{0, s.halves(1, 3, 3, 5), s.halves(5)}, 1, 4, 3, 5)
	}},
	{"depthwise, two outputs a channel", func() (*sketch, int) {
		s := newSketch(4, 5, 3)
		return s, s.conv(tflite.DepthwiseConv2D, tflite.Options{StrideH: 1, StrideW: 1, Multiplier: 2},
			[]int{0, s.floats(1, 3, 3, 6), s.floats(6)}, 1, 4, 5, 6)
	}},
	{"conv with sparse float16 weights", func() (*sketch, int) {
		s := newSketch(3, 3, 4)
		weights := s.tensor(tflite.Float16, tflitetest.Halves(1, -2, 3, 0.5), 3, 1, 1, 4)
		s.Tensors[weights].Sparsity = &tflite.Sparsity{
			Traversal: []int{0, 1, 2, 3},
			Levels: []tflite.Level{
				{Size: 3},
				{Size: 1},
				{Size: 1},
				{Compressed: true, Segments: []int{0, 2, 2, 4}, Indices: []int{1, 3, 0, 2}},
			},
		}
		dense := s.op(tflite.Densify, tflite.Options{}, []int{weights}, 3, 1, 1, 4)
		s.Tensors[dense].Type = tflite.Float16
		full := s.op(tflite.Dequantize, tflite.Options{}, []int{dense}, 3, 1, 1, 4)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 1, StrideW: 1}, []int{0, full, s.floats(3)}, 1, 3, 3, 3)
	}},
	{"pad folded into two convolutions", func() (*sketch, int) {
		s := newSketch(6, 6, 2)
		padded := s.op(tflite.Pad, tflite.Options{}, []int{0, s.ints(0, 0, 1, 0, 0, 2, 0, 0)}, 1, 7, 8, 2)
		a := s.conv(tflite.Conv2D, tflite.Options{Padding: tflite.Valid, StrideH: 1, StrideW: 1},
			[]int{padded, s.floats(2, 3, 3, 2), s.floats(2)}, 1, 5, 6, 2)
		b := s.conv(tflite.DepthwiseConv2D, tflite.Options{Padding: tflite.Valid, StrideH: 1, StrideW: 1, Multiplier: 1},
			[]int{padded, s.floats(1, 3, 3, 2), s.floats(2)}, 1, 5, 6, 2)
		return s, s.op(tflite.Add, tflite.Options{}, []int{a, b}, 1, 5, 6, 2)
	}},
	{"pad in front of a SAME convolution stays a pad", func() (*sketch, int) {
		s := newSketch(4, 4, 2)
		padded := s.op(tflite.Pad, tflite.Options{}, []int{0, s.ints(0, 0, 1, 2, 0, 1, 0, 0)}, 1, 7, 5, 2)
		return s, s.conv(tflite.Conv2D, tflite.Options{StrideH: 2, StrideW: 2},
			[]int{padded, s.floats(2, 3, 3, 2), s.floats(2)}, 1, 4, 3, 2)
	}},
	{"pad with channels", func() (*sketch, int) {
		s := newSketch(3, 2, 2)
		return s, s.op(tflite.Pad, tflite.Options{}, []int{0, s.ints(0, 0, 0, 1, 0, 0, 1, 3)}, 1, 4, 2, 6)
	}},
	{"max pool, VALID", func() (*sketch, int) {
		s := newSketch(7, 6, 3)
		return s, s.op(tflite.MaxPool2D, tflite.Options{Padding: tflite.Valid, StrideH: 2, StrideW: 1, FilterH: 3, FilterW: 2},
			[]int{0}, 1, 3, 5, 3)
	}},
	{"max pool, SAME, leaves the border out of the maximum", func() (*sketch, int) {
		s := newSketch(6, 5, 2)
		return s, s.op(tflite.MaxPool2D, tflite.Options{StrideH: 2, StrideW: 2, FilterH: 3, FilterW: 3}, []int{0}, 1, 3, 3, 2)
	}},
	{"add with relu6", func() (*sketch, int) {
		s := newSketch(3, 4, 2)
		return s, s.op(tflite.Add, tflite.Options{Activation: tflite.ReLU6}, []int{0, 0}, 1, 3, 4, 2)
	}},
	{"concatenation along rows", func() (*sketch, int) {
		s := newSketch(3, 4, 2)
		pooled := s.op(tflite.MaxPool2D, tflite.Options{StrideH: 2, StrideW: 1, FilterH: 2, FilterW: 1}, []int{0}, 1, 2, 4, 2)
		return s, s.op(tflite.Concatenation, tflite.Options{Axis: 1}, []int{0, pooled}, 1, 5, 4, 2)
	}},
	{"concatenation along channels, counted from the end", func() (*sketch, int) {
		s := newSketch(3, 4, 2)
		squashed := s.op(tflite.Logistic, tflite.Options{}, []int{0}, 1, 3, 4, 2)
		return s, s.op(tflite.Concatenation, tflite.Options{Axis: -1}, []int{0, squashed}, 1, 3, 4, 4)
	}},
	{"anchors: flattened images joined", func() (*sketch, int) {
		s := newSketch(4, 6, 4)
		pooled := s.op(tflite.MaxPool2D, tflite.Options{StrideH: 2, StrideW: 2, FilterH: 2, FilterW: 2}, []int{0}, 1, 2, 3, 4)
		large := s.op(tflite.Reshape, tflite.Options{}, []int{0, s.ints(1, -1, 2)}, 1, 48, 2)
		small := s.op(tflite.Reshape, tflite.Options{}, []int{pooled, s.ints(1, -1, 2)}, 1, 12, 2)
		return s, s.op(tflite.Concatenation, tflite.Options{Axis: 1}, []int{large, small}, 1, 60, 2)
	}},
	{"reshape of one channel", func() (*sketch, int) {
		s := newSketch(3, 4, 1)
		return s, s.op(tflite.Reshape, tflite.Options{}, []int{0, s.ints(-1, 12)}, 1, 12)
	}},
	{"reshape of one pixel", func() (*sketch, int) {
		s := newSketch(1, 1, 6)
		return s, s.op(tflite.Reshape, tflite.Options{}, []int{0, s.ints(1, 2, 3)}, 1, 2, 3)
	}},
	{"depth to space", func() (*sketch, int) {
		s := newSketch(2, 3, 12)
		return s, s.op(tflite.DepthToSpace, tflite.Options{BlockSize: 2}, []int{0}, 1, 4, 6, 3)
	}},
	{"resize, factors differ", func() (*sketch, int) {
		s := newSketch(4, 3, 2)
		return s, s.op(tflite.ResizeBilinear, tflite.Options{HalfPixelCenters: true}, []int{0, s.ints(8, 9)}, 1, 8, 9, 2)
	}},
}

// TestOperatorsGiveTheSameOutputs compares, operator by operator, what ONNX
// Runtime makes of the converted model with the reference.
func TestOperatorsGiveTheSameOutputs(t *testing.T) {
	requireRuntime(t)
	for _, tt := range operatorTests {
		t.Run(tt.name, func(t *testing.T) {
			s, output := tt.build()
			s.Outputs = []int{output}
			model, err := tflite.Read(tflitetest.Encode(&s.Model))
			if err != nil {
				t.Fatal(err)
			}
			shape := model.Tensors[0].Shape
			n := network{
				input:   onnx.Value{Name: "image", Dims: planarShape(shape)},
				outputs: []onnx.Value{{Name: "out", Dims: planarShape(model.Tensors[output].Shape)}},
			}
			file, err := convert.Network(model, convert.Spec{Name: "test", Input: n.input, Outputs: n.outputs})
			if err != nil {
				t.Fatal(err)
			}
			// Wide enough for relu6 to act on both sides.
			image := make([]float32, model.Tensors[0].Elements())
			for i := range image {
				image[i] = float32(8 * s.random.NormFloat64())
			}
			compareOutputs(t, n, model, file, image)
		})
	}
}

func planarShape(shape []int) []int {
	if len(shape) != 4 {
		return shape
	}
	return []int{shape[0], shape[3], shape[1], shape[2]}
}
