// Package convert turns a TensorFlow Lite network into ONNX.
//
// TensorFlow Lite keeps images as batch, height, width, channels; ONNX wants
// batch, channels, height, width. Every four-dimensional activation is laid
// out the ONNX way, so weights, padding and axes are permuted here and nothing
// is transposed at run time except in front of a RESHAPE that flattens an
// image.
package convert

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// opset 13 is the oldest that every operator used here still means the same
// in; Resize with half-pixel centres exists from 11.
const opset = 13

// Spec names what the TensorFlow Lite file leaves nameless.
type Spec struct {
	Name       string
	Doc        string
	Input      onnx.Value   // as ONNX has it: 1, channels, height, width
	Outputs    []onnx.Value // in the file's order; four-dimensional ones as 1, channels, height, width
	Properties []onnx.Property
}

// Network converts model and returns the ONNX file. Weights keep the precision
// they have: float16 ones stay float16 behind a Cast. The error names the
// operator that cannot be converted or the input or output that does not have
// the shape spec asks for.
func Network(model *tflite.Model, spec Spec) ([]byte, error) {
	b := &builder{
		model: model,
		out: onnx.Model{
			Name: spec.Name, Doc: spec.Doc, Producer: "spineflex modelgen", Opset: opset,
			Properties: spec.Properties,
		},
		names:     map[int]string{},
		constants: map[int]*tflite.Tensor{},
		padded:    map[int]pads{},
		uses:      map[int][]int{},
		declared:  map[string]bool{},
	}
	if err := b.interfaces(spec); err != nil {
		return nil, fmt.Errorf("convert %s: %w", spec.Name, err)
	}
	for i := range model.Operators {
		op := &model.Operators[i]
		if err := b.operator(op); err != nil {
			return nil, fmt.Errorf("convert %s: operator %d (%v): %w", spec.Name, i, op.Code, err)
		}
	}
	for _, v := range spec.Outputs {
		if !b.declared[v.Name] {
			return nil, fmt.Errorf("convert %s: nothing computes output %s", spec.Name, v.Name)
		}
	}
	return b.out.Encode(), nil
}

// builder holds one conversion. Maps are keyed by index into model.Tensors.
type builder struct {
	model     *tflite.Model
	out       onnx.Model
	names     map[int]string         // ONNX name of inputs, outputs and emitted weights
	constants map[int]*tflite.Tensor // dense weights, after DENSIFY and DEQUANTIZE
	padded    map[int]pads           // PAD results folded into the convolutions that read them
	uses      map[int][]int          // operators that read a tensor
	declared  map[string]bool        // ONNX names of shared constants and computed values
}

// interfaces declares inputs and outputs and records who reads what.
func (b *builder) interfaces(spec Spec) error {
	if len(b.model.Inputs) != 1 || len(b.model.Outputs) != len(spec.Outputs) {
		return fmt.Errorf("%d inputs and %d outputs, want 1 and %d",
			len(b.model.Inputs), len(b.model.Outputs), len(spec.Outputs))
	}
	values := append([]onnx.Value{spec.Input}, spec.Outputs...)
	for i, index := range append([]int{b.model.Inputs[0]}, b.model.Outputs...) {
		if got := planar(b.model.Tensors[index].Shape); !slices.Equal(got, values[i].Dims) {
			return fmt.Errorf("%s: shape %v, want %v", values[i].Name, got, values[i].Dims)
		}
		if _, twice := b.names[index]; twice {
			return fmt.Errorf("%s: tensor %d is listed twice", values[i].Name, index)
		}
		b.names[index] = values[i].Name
	}
	b.out.Inputs, b.out.Outputs = values[:1], values[1:]
	for i, op := range b.model.Operators {
		for _, in := range op.Inputs {
			b.uses[in] = append(b.uses[in], i)
		}
	}
	return nil
}

// planar is a shape as ONNX lays it out.
func planar(shape []int) []int {
	if len(shape) != 4 {
		return shape
	}
	return []int{shape[0], shape[3], shape[1], shape[2]}
}

func (b *builder) operator(op *tflite.Operator) error {
	switch op.Code {
	case tflite.Densify, tflite.Dequantize:
		return b.weights(op)
	case tflite.Conv2D, tflite.DepthwiseConv2D:
		return b.convolution(op)
	case tflite.MaxPool2D:
		return b.maxPool(op)
	case tflite.Pad:
		return b.pad(op)
	case tflite.Add:
		return b.add(op)
	case tflite.Concatenation:
		return b.concatenation(op)
	case tflite.DepthToSpace:
		return b.depthToSpace(op)
	case tflite.ResizeBilinear:
		return b.resize(op)
	case tflite.Reshape:
		return b.reshape(op)
	case tflite.Logistic:
		return b.emit(op, "Sigmoid", op.Inputs[:1])
	}
	return errors.New("not supported")
}

// name is the ONNX name of an activation.
func (b *builder) name(index int) string {
	if n, ok := b.names[index]; ok {
		return n
	}
	return fmt.Sprintf("t%d", index)
}

// node appends a node.
func (b *builder) node(kind, output string, inputs []string, attributes ...onnx.Attribute) {
	b.out.Nodes = append(b.out.Nodes, onnx.Node{Op: kind, Inputs: inputs, Output: output, Attributes: attributes})
	b.declared[output] = true
}

// constant declares a constant once, however often it is asked for, and
// returns its name.
func (b *builder) constant(t onnx.Tensor) string {
	if !b.declared[t.Name] {
		b.declared[t.Name] = true
		b.out.Constants = append(b.out.Constants, t)
	}
	return t.Name
}

// emit appends the node for op, reading the given activations, and the
// activation function fused into op.
func (b *builder) emit(op *tflite.Operator, kind string, activations []int, attributes ...onnx.Attribute) error {
	inputs := make([]string, len(activations))
	for i, index := range activations {
		inputs[i] = b.name(index)
	}
	return b.emitNamed(op, kind, inputs, attributes...)
}

// emitNamed is emit for inputs that are not all activations.
func (b *builder) emitNamed(op *tflite.Operator, kind string, inputs []string, attributes ...onnx.Attribute) error {
	for _, in := range inputs {
		if in != "" && !b.declared[in] && in != b.out.Inputs[0].Name {
			return fmt.Errorf("input %s is computed by no earlier operator", in)
		}
	}
	output := b.name(op.Outputs[0])
	switch op.Options.Activation {
	case tflite.NoActivation:
		b.node(kind, output, inputs, attributes...)
	case tflite.ReLU:
		b.node(kind, output+"_linear", inputs, attributes...)
		b.node("Relu", output, []string{output + "_linear"})
	case tflite.ReLU6:
		b.node(kind, output+"_linear", inputs, attributes...)
		zero := b.constant(onnx.Floats("zero", nil, 0))
		six := b.constant(onnx.Floats("six", nil, 6))
		b.node("Clip", output, []string{output + "_linear", zero, six})
	default:
		return fmt.Errorf("activation %d", op.Options.Activation)
	}
	return nil
}

// inputs returns the tensors of an operator that must have exactly n.
func (b *builder) inputs(op *tflite.Operator, n int) ([]*tflite.Tensor, error) {
	if len(op.Inputs) != n || slices.Contains(op.Inputs, -1) {
		return nil, fmt.Errorf("inputs %v, want %d", op.Inputs, n)
	}
	tensors := make([]*tflite.Tensor, n)
	for i, index := range op.Inputs {
		tensors[i] = &b.model.Tensors[index]
	}
	return tensors, nil
}

// images is inputs for operators whose first input and output are images.
func (b *builder) images(op *tflite.Operator, n int) (tensors []*tflite.Tensor, out *tflite.Tensor, err error) {
	if tensors, err = b.inputs(op, n); err != nil {
		return nil, nil, err
	}
	out = &b.model.Tensors[op.Outputs[0]]
	if len(tensors[0].Shape) != 4 || len(out.Shape) != 4 {
		return nil, nil, fmt.Errorf("shapes %v -> %v, want four dimensions", tensors[0].Shape, out.Shape)
	}
	return tensors, out, nil
}

// expect compares the shape the ONNX operator will give with the one the file
// states, so that a misread option is found at conversion.
func expect(out *tflite.Tensor, shape ...int) error {
	if !slices.Equal(out.Shape, shape) {
		return fmt.Errorf("output has shape %v, computed %v", out.Shape, shape)
	}
	return nil
}
