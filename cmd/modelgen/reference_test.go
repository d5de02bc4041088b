package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// reference runs a TensorFlow Lite network by the definitions of its
// operators: batch, height, width, channels throughout, plain loops, sums in
// float64. It shares the file reader with the converter and nothing else, so
// agreement says that layouts, paddings, axes and activations were converted
// rightly.
type reference struct {
	model  *tflite.Model
	values map[int][]float32
}

// runReference returns the network's outputs for one input.
func runReference(model *tflite.Model, input []float32) ([][]float32, error) {
	r := reference{model, map[int][]float32{model.Inputs[0]: input}}
	for i := range model.Operators {
		op := &model.Operators[i]
		out, err := r.operator(op)
		if err != nil {
			return nil, fmt.Errorf("reference: operator %d (%v): %w", i, op.Code, err)
		}
		if want := model.Tensors[op.Outputs[0]].Elements(); len(out) != want {
			return nil, fmt.Errorf("reference: operator %d (%v): %d values, want %d", i, op.Code, len(out), want)
		}
		activate(out, op.Options.Activation)
		r.values[op.Outputs[0]] = out
	}
	var outputs [][]float32
	for _, index := range model.Outputs {
		outputs = append(outputs, r.values[index])
	}
	return outputs, nil
}

func activate(values []float32, a tflite.Activation) {
	for i, v := range values {
		switch a {
		case tflite.ReLU:
			values[i] = max(v, 0)
		case tflite.ReLU6:
			values[i] = min(max(v, 0), 6)
		}
	}
}

func (r *reference) operator(op *tflite.Operator) ([]float32, error) {
	switch op.Code {
	case tflite.Densify, tflite.Reshape:
		return r.value(op.Inputs[0])
	case tflite.Dequantize:
		in, err := r.value(op.Inputs[0])
		return slices.Clone(in), err
	case tflite.Conv2D:
		return r.convolve(op, false)
	case tflite.DepthwiseConv2D:
		return r.convolve(op, true)
	case tflite.MaxPool2D:
		return r.maxPool(op)
	case tflite.Pad:
		return r.pad(op)
	case tflite.Add:
		return r.add(op)
	case tflite.Concatenation:
		return r.concatenate(op)
	case tflite.DepthToSpace:
		return r.depthToSpace(op)
	case tflite.ResizeBilinear:
		return r.resize(op)
	case tflite.Logistic:
		in, err := r.value(op.Inputs[0])
		out := make([]float32, len(in))
		for i, v := range in {
			out[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
		return out, err
	}
	return nil, errors.New("not known")
}

// value is a tensor's numbers, whether computed or constant.
func (r *reference) value(index int) ([]float32, error) {
	if v, ok := r.values[index]; ok {
		return v, nil
	}
	t := &r.model.Tensors[index]
	data, err := t.Dense()
	if err != nil {
		return nil, err
	}
	if data == nil {
		return nil, fmt.Errorf("%q was not computed", t.Name)
	}
	out := make([]float32, t.Elements())
	for i := range out {
		switch t.Type {
		case tflite.Float32:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		case tflite.Float16:
			out[i] = halfToFloat(binary.LittleEndian.Uint16(data[2*i:]))
		case tflite.Int32:
			out[i] = float32(int32(binary.LittleEndian.Uint32(data[4*i:])))
		}
	}
	return out, nil
}

// halfToFloat is IEEE 754 binary16 by its definition.
func halfToFloat(h uint16) float32 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return float32(sign * math.Ldexp(fraction, -24))
	case 31:
		if fraction != 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+fraction, exponent-25))
}

// shapes are those of the first input and the output.
func (r *reference) shapes(op *tflite.Operator) (in, out []int) {
	return r.model.Tensors[op.Inputs[0]].Shape, r.model.Tensors[op.Outputs[0]].Shape
}

// before is how many zeros SAME padding puts in front.
func before(p tflite.Padding, in, out, stride, reach int) int {
	if p == tflite.Valid {
		return 0
	}
	return max((out-1)*stride+reach-in, 0) / 2
}

func (r *reference) convolve(op *tflite.Operator, depthwise bool) ([]float32, error) {
	image, err := r.value(op.Inputs[0])
	if err != nil {
		return nil, err
	}
	weights, err := r.value(op.Inputs[1])
	if err != nil {
		return nil, err
	}
	bias, err := r.value(op.Inputs[2])
	if err != nil {
		return nil, err
	}
	in, out := r.shapes(op)
	w := r.model.Tensors[op.Inputs[1]].Shape
	o := op.Options
	top := before(o.Padding, in[1], out[1], o.StrideH, (w[1]-1)*o.DilationH+1)
	left := before(o.Padding, in[2], out[2], o.StrideW, (w[2]-1)*o.DilationW+1)
	result := make([]float32, out[1]*out[2]*out[3])
	for y := range out[1] {
		for x := range out[2] {
			for c := range out[3] {
				sum := float64(bias[c])
				for ky := range w[1] {
					row := y*o.StrideH - top + ky*o.DilationH
					if row < 0 || row >= in[1] {
						continue
					}
					for kx := range w[2] {
						column := x*o.StrideW - left + kx*o.DilationW
						if column < 0 || column >= in[2] {
							continue
						}
						pixel := image[(row*in[2]+column)*in[3]:][:in[3]]
						if depthwise {
							sum += float64(pixel[c/o.Multiplier]) * float64(weights[(ky*w[2]+kx)*w[3]+c])
							continue
						}
						filter := weights[((c*w[1]+ky)*w[2]+kx)*w[3]:][:w[3]]
						for k, v := range pixel {
							sum += float64(v) * float64(filter[k])
						}
					}
				}
				result[(y*out[2]+x)*out[3]+c] = float32(sum)
			}
		}
	}
	return result, nil
}

func (r *reference) maxPool(op *tflite.Operator) ([]float32, error) {
	image, err := r.value(op.Inputs[0])
	if err != nil {
		return nil, err
	}
	in, out := r.shapes(op)
	o := op.Options
	top := before(o.Padding, in[1], out[1], o.StrideH, o.FilterH)
	left := before(o.Padding, in[2], out[2], o.StrideW, o.FilterW)
	result := make([]float32, out[1]*out[2]*out[3])
	for y := range out[1] {
		for x := range out[2] {
			for c := range out[3] {
				highest := math.Inf(-1)
				for ky := range o.FilterH {
					for kx := range o.FilterW {
						row, column := y*o.StrideH-top+ky, x*o.StrideW-left+kx
						if row >= 0 && row < in[1] && column >= 0 && column < in[2] {
							highest = max(highest, float64(image[(row*in[2]+column)*in[3]+c]))
						}
					}
				}
				result[(y*out[2]+x)*out[3]+c] = float32(highest)
			}
		}
	}
	return result, nil
}

func (r *reference) pad(op *tflite.Operator) ([]float32, error) {
	image, err := r.value(op.Inputs[0])
	if err != nil {
		return nil, err
	}
	widths, err := r.value(op.Inputs[1])
	if err != nil {
		return nil, err
	}
	in, out := r.shapes(op)
	result := make([]float32, out[1]*out[2]*out[3])
	for y := range in[1] {
		for x := range in[2] {
			for c := range in[3] {
				at := ((y+int(widths[2]))*out[2]+x+int(widths[4]))*out[3] + c + int(widths[6])
				result[at] = image[(y*in[2]+x)*in[3]+c]
			}
		}
	}
	return result, nil
}

func (r *reference) add(op *tflite.Operator) ([]float32, error) {
	a, err := r.value(op.Inputs[0])
	if err != nil {
		return nil, err
	}
	b, err := r.value(op.Inputs[1])
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(a))
	for i := range out {
		out[i] = a[i] + b[i]
	}
	return out, nil
}

func (r *reference) concatenate(op *tflite.Operator) ([]float32, error) {
	_, shape := r.shapes(op)
	axis := op.Options.Axis
	if axis < 0 {
		axis += len(shape)
	}
	outer := 1
	for _, n := range shape[:axis] {
		outer *= n
	}
	var out []float32
	for i := range outer {
		for _, index := range op.Inputs {
			part, err := r.value(index)
			if err != nil {
				return nil, err
			}
			n := len(part) / outer
			out = append(out, part[i*n:(i+1)*n]...)
		}
	}
	return out, nil
}

func (r *reference) depthToSpace(op *tflite.Operator) ([]float32, error) {
	image, err := r.value(op.Inputs[0])
	if err != nil {
		return nil, err
	}
	in, out := r.shapes(op)
	n := op.Options.BlockSize
	result := make([]float32, len(image))
	for y := range out[1] {
		for x := range out[2] {
			for c := range out[3] {
				channel := (y%n*n+x%n)*out[3] + c
				result[(y*out[2]+x)*out[3]+c] = image[(y/n*in[2]+x/n)*in[3]+channel]
			}
		}
	}
	return result, nil
}

// resize interpolates between pixel centres, which lie at half-integers.
func (r *reference) resize(op *tflite.Operator) ([]float32, error) {
	image, err := r.value(op.Inputs[0])
	if err != nil {
		return nil, err
	}
	in, out := r.shapes(op)
	neighbours := func(i, to, from int) (int, int, float64) {
		at := (float64(i)+0.5)*float64(from)/float64(to) - 0.5
		first := math.Floor(at)
		return max(int(first), 0), min(int(first)+1, from-1), at - first
	}
	result := make([]float32, out[1]*out[2]*out[3])
	for y := range out[1] {
		y0, y1, fy := neighbours(y, out[1], in[1])
		for x := range out[2] {
			x0, x1, fx := neighbours(x, out[2], in[2])
			for c := range out[3] {
				at := func(y, x int) float64 { return float64(image[(y*in[2]+x)*in[3]+c]) }
				upper := at(y0, x0)*(1-fx) + at(y0, x1)*fx
				lower := at(y1, x0)*(1-fx) + at(y1, x1)*fx
				result[(y*out[2]+x)*out[3]+c] = float32(upper*(1-fy) + lower*fy)
			}
		}
	}
	return result, nil
}
