// Package tflite reads TensorFlow Lite model files: the one sub-graph, its
// tensors and operators, with float16 and block-sparse weights expanded.
//
// Only what the published pose networks use is decoded. Everything else is
// refused by name, so that a network with a new operator fails loudly instead
// of being converted wrongly.
//
// The layout follows tensorflow/lite/schema/schema.fbs (schema version 3, file
// identifier "TFL3"); the numbers beside each field read are that schema's
// field ids.
package tflite

import "fmt"

// ElementType is the schema's TensorType.
type ElementType byte

// Element types that occur in the pose networks.
const (
	Float32 ElementType = 0
	Float16 ElementType = 1
	Int32   ElementType = 2
)

// Size is the number of bytes of one element, or 0 for a type not supported.
func (t ElementType) Size() int {
	switch t {
	case Float32, Int32:
		return 4
	case Float16:
		return 2
	}
	return 0
}

func (t ElementType) String() string {
	switch t {
	case Float32:
		return "float32"
	case Float16:
		return "float16"
	case Int32:
		return "int32"
	}
	return fmt.Sprintf("tensor type %d", byte(t))
}

// OpCode is the schema's BuiltinOperator.
type OpCode int32

// Operators that occur in the pose networks.
const (
	Add             OpCode = 0
	Concatenation   OpCode = 2
	Conv2D          OpCode = 3
	DepthwiseConv2D OpCode = 4
	DepthToSpace    OpCode = 5
	Dequantize      OpCode = 6
	Logistic        OpCode = 14
	MaxPool2D       OpCode = 17
	Reshape         OpCode = 22
	ResizeBilinear  OpCode = 23
	Pad             OpCode = 34
	Densify         OpCode = 124
)

var opNames = map[OpCode]string{
	Add: "ADD", Concatenation: "CONCATENATION", Conv2D: "CONV_2D",
	DepthwiseConv2D: "DEPTHWISE_CONV_2D", DepthToSpace: "DEPTH_TO_SPACE",
	Dequantize: "DEQUANTIZE", Logistic: "LOGISTIC", MaxPool2D: "MAX_POOL_2D",
	Reshape: "RESHAPE", ResizeBilinear: "RESIZE_BILINEAR", Pad: "PAD",
	Densify: "DENSIFY",
}

func (c OpCode) String() string {
	if name, ok := opNames[c]; ok {
		return name
	}
	return fmt.Sprintf("builtin operator %d", int32(c))
}

// Activation is the function fused into an operator's output.
type Activation byte

// Activations that occur in the pose networks.
const (
	NoActivation Activation = 0
	ReLU         Activation = 1
	ReLU6        Activation = 3
)

// Padding is how a window operator treats the border.
type Padding byte

// The schema's two paddings. Same pads with zeros so that the output has
// ceil(input/stride) samples, the odd one going to the end (bottom, right).
const (
	Same  Padding = 0
	Valid Padding = 1
)

// Options are an operator's settings, whichever of them its code uses; the
// rest are zero.
type Options struct {
	Activation       Activation // Add, Concatenation, Conv2D, DepthwiseConv2D, MaxPool2D
	Padding          Padding    // Conv2D, DepthwiseConv2D, MaxPool2D
	StrideH, StrideW int        // Conv2D, DepthwiseConv2D, MaxPool2D
	DilationH        int        // Conv2D, DepthwiseConv2D
	DilationW        int        // Conv2D, DepthwiseConv2D
	FilterH, FilterW int        // MaxPool2D
	Multiplier       int        // DepthwiseConv2D: output channels per input channel
	Axis             int        // Concatenation
	BlockSize        int        // DepthToSpace
	AlignCorners     bool       // ResizeBilinear
	HalfPixelCenters bool       // ResizeBilinear
}

// Tensor is an activation (Data nil) or a constant.
type Tensor struct {
	Name     string
	Shape    []int // activations: batch, height, width, channels
	Type     ElementType
	Data     []byte    // little-endian, row-major; only the stored values when Sparsity is set
	Sparsity *Sparsity // nil for dense tensors
}

// Elements is the number of elements the shape asks for.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Operator is one node; Inputs and Outputs index Model.Tensors, and an input
// of -1 is an optional one left out.
type Operator struct {
	Code    OpCode
	Inputs  []int
	Outputs []int
	Options Options
}

// Model is a file's only sub-graph, operators in execution order.
type Model struct {
	Description string
	Tensors     []Tensor
	Inputs      []int
	Outputs     []int
	Operators   []Operator
}
