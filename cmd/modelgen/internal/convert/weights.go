package convert

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// weights folds DENSIFY and DEQUANTIZE, which only ever act on constants in
// these networks: the first is done here, the second becomes the Cast behind
// which the constant is emitted.
func (b *builder) weights(op *tflite.Operator) error {
	if len(op.Inputs) != 1 {
		return fmt.Errorf("%d inputs, want 1", len(op.Inputs))
	}
	in, err := b.weight(op.Inputs[0])
	if err != nil {
		return err
	}
	b.constants[op.Outputs[0]] = in
	return nil
}

// weight is a constant with its data dense.
func (b *builder) weight(index int) (*tflite.Tensor, error) {
	if index < 0 {
		return nil, errors.New("weights missing")
	}
	if t, ok := b.constants[index]; ok {
		return t, nil
	}
	t := b.model.Tensors[index]
	if t.Data == nil {
		return nil, fmt.Errorf("%q is computed, want a constant", t.Name)
	}
	var err error
	if t.Data, err = t.Dense(); err != nil {
		return nil, err
	}
	t.Sparsity = nil
	b.constants[index] = &t
	return &t, nil
}

// integers is an int32 constant: shapes, sizes, paddings.
func (b *builder) integers(index int) ([]int, error) {
	t, err := b.weight(index)
	if err != nil {
		return nil, err
	}
	if t.Type != tflite.Int32 {
		return nil, fmt.Errorf("%q is %v, want int32", t.Name, t.Type)
	}
	out := make([]int, t.Elements())
	for i := range out {
		out[i] = int(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
	}
	return out, nil
}

// emitWeight declares the constant of tensor index with its data permuted so
// that output axis i is the tensor's axis order[i] (nil: as it is), and
// returns the name of the float32 value. dims are the emitted dimensions.
func (b *builder) emitWeight(index int, dims, order []int) (string, error) {
	t, err := b.weight(index)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("w%d", index)
	if b.declared[name] {
		return name, nil
	}
	data := t.Data
	if order != nil {
		data = permute(t.Data, t.Shape, order, t.Type.Size())
	}
	switch t.Type {
	case tflite.Float32:
		b.constant(onnx.Tensor{Name: name, Type: onnx.Float32, Dims: dims, Data: data})
	case tflite.Float16:
		half := b.constant(onnx.Tensor{Name: name + "_half", Type: onnx.Float16, Dims: dims, Data: data})
		b.node("Cast", name, []string{half}, onnx.Int("to", int(onnx.Float32)))
	default:
		return "", fmt.Errorf("%q: weights of %v", t.Name, t.Type)
	}
	return name, nil
}

// permute copies row-major data of the given shape so that axis i of the
// result is axis order[i] of the source; size is bytes per element.
func permute(data []byte, shape, order []int, size int) []byte {
	stride := make([]int, len(shape))
	for axis, s := len(shape)-1, size; axis >= 0; axis-- {
		stride[axis] = s
		s *= shape[axis]
	}
	out := make([]byte, 0, len(data))
	var walk func(depth, at int)
	walk = func(depth, at int) {
		if depth == len(order) {
			out = append(out, data[at:at+size]...)
			return
		}
		axis := order[depth]
		for i := range shape[axis] {
			walk(depth+1, at+i*stride[axis])
		}
	}
	walk(0, 0)
	return out
}
