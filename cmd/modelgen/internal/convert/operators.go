package convert

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// pads are the zeros added around an image, and the image they are added to.
type pads struct {
	image                    int
	top, left, bottom, right int
}

func (p pads) attribute() onnx.Attribute {
	return onnx.IntList("pads", p.top, p.left, p.bottom, p.right)
}

// window is one axis of a sliding window: in samples, step, reach of the
// (dilated) filter, explicit zeros before and after.
func window(padding tflite.Padding, in, stride, reach, before, after int) (begin, end, out int, err error) {
	if padding == tflite.Same {
		if before != 0 || after != 0 {
			return 0, 0, 0, errors.New("SAME padding on a padded image")
		}
		// TensorFlow splits the zeros evenly and puts the odd one at the end.
		total := max(((in+stride-1)/stride-1)*stride+reach-in, 0)
		before, after = total/2, total-total/2
	}
	if in+before+after < reach {
		return 0, 0, 0, fmt.Errorf("filter of %d on %d samples", reach, in)
	}
	return before, after, (in+before+after-reach)/stride + 1, nil
}

// convolution converts CONV_2D (weights out, height, width, in) and
// DEPTHWISE_CONV_2D (weights 1, height, width, out). A PAD in front was left
// to it by pad.
func (b *builder) convolution(op *tflite.Operator) error {
	tensors, out, err := b.images(op, 3)
	if err != nil {
		return err
	}
	source, ok := b.padded[op.Inputs[0]]
	if !ok {
		source = pads{image: op.Inputs[0]}
	}
	in := b.model.Tensors[source.image].Shape
	weights := tensors[1].Shape
	if len(weights) != 4 {
		return fmt.Errorf("weights have shape %v", weights)
	}

	o := op.Options
	channels, group, order := weights[0], 1, []int{0, 3, 1, 2}
	if op.Code == tflite.DepthwiseConv2D {
		channels, group, order = weights[3], in[3], []int{3, 0, 1, 2}
		if weights[0] != 1 || channels != in[3]*o.Multiplier {
			return fmt.Errorf("weights %v and multiplier %d on %d channels", weights, o.Multiplier, in[3])
		}
	} else if weights[3] != in[3] {
		return fmt.Errorf("weights %v on %d channels", weights, in[3])
	}
	var height, width int
	source.top, source.bottom, height, err = window(
		o.Padding, in[1], o.StrideH, (weights[1]-1)*o.DilationH+1, source.top, source.bottom)
	if err != nil {
		return err
	}
	source.left, source.right, width, err = window(
		o.Padding, in[2], o.StrideW, (weights[2]-1)*o.DilationW+1, source.left, source.right)
	if err != nil {
		return err
	}
	if err := expect(out, in[0], height, width, channels); err != nil {
		return err
	}

	dims := []int{weights[order[0]], weights[order[1]], weights[order[2]], weights[order[3]]}
	filter, err := b.emitWeight(op.Inputs[1], dims, order)
	if err != nil {
		return err
	}
	bias, err := b.emitWeight(op.Inputs[2], []int{channels}, nil)
	if err != nil {
		return err
	}
	return b.emitNamed(op, "Conv", []string{b.name(source.image), filter, bias},
		onnx.IntList("dilations", o.DilationH, o.DilationW),
		onnx.Int("group", group),
		onnx.IntList("kernel_shape", weights[1], weights[2]),
		source.attribute(),
		onnx.IntList("strides", o.StrideH, o.StrideW))
}

// maxPool converts MAX_POOL_2D; both formats leave padding out of the maximum.
func (b *builder) maxPool(op *tflite.Operator) error {
	tensors, out, err := b.images(op, 1)
	if err != nil {
		return err
	}
	in, o := tensors[0].Shape, op.Options
	var p pads
	var height, width int
	if p.top, p.bottom, height, err = window(o.Padding, in[1], o.StrideH, o.FilterH, 0, 0); err != nil {
		return err
	}
	if p.left, p.right, width, err = window(o.Padding, in[2], o.StrideW, o.FilterW, 0, 0); err != nil {
		return err
	}
	if err := expect(out, in[0], height, width, in[3]); err != nil {
		return err
	}
	return b.emit(op, "MaxPool", op.Inputs,
		onnx.IntList("kernel_shape", o.FilterH, o.FilterW),
		p.attribute(),
		onnx.IntList("strides", o.StrideH, o.StrideW))
}

// pad folds zeros around the image into the convolutions that read it, and
// emits a Pad for anything else (extra channels).
func (b *builder) pad(op *tflite.Operator) error {
	tensors, out, err := b.images(op, 2)
	if err != nil {
		return err
	}
	widths, err := b.integers(op.Inputs[1])
	if err != nil {
		return err
	}
	if len(widths) != 8 || slices.Min(widths) < 0 {
		return fmt.Errorf("padding %v of an image", widths)
	}
	shape := slices.Clone(tensors[0].Shape)
	for axis := range shape {
		shape[axis] += widths[2*axis] + widths[2*axis+1]
	}
	if err := expect(out, shape...); err != nil {
		return err
	}
	spatial := widths[0] == 0 && widths[1] == 0 && widths[6] == 0 && widths[7] == 0
	if spatial && b.onlyValidConvolutionsRead(op.Outputs[0]) {
		b.padded[op.Outputs[0]] = pads{
			image: op.Inputs[0],
			top:   widths[2], bottom: widths[3], left: widths[4], right: widths[5],
		}
		return nil
	}
	ends := onnx.Ints(b.name(op.Outputs[0])+"_pads",
		widths[0], widths[6], widths[2], widths[4],
		widths[1], widths[7], widths[3], widths[5])
	return b.emitNamed(op, "Pad", []string{b.name(op.Inputs[0]), b.constant(ends)}, onnx.Text("mode", "constant"))
}

// onlyValidConvolutionsRead reports whether a tensor is read by convolutions
// without padding of their own, and by nothing else.
func (b *builder) onlyValidConvolutionsRead(index int) bool {
	for _, i := range b.uses[index] {
		op := b.model.Operators[i]
		convolution := op.Code == tflite.Conv2D || op.Code == tflite.DepthwiseConv2D
		if !convolution || op.Options.Padding != tflite.Valid || op.Inputs[0] != index {
			return false
		}
	}
	return len(b.uses[index]) > 0 && !slices.Contains(b.model.Outputs, index)
}

// add converts ADD of two activations of the same shape.
func (b *builder) add(op *tflite.Operator) error {
	tensors, err := b.inputs(op, 2)
	if err != nil {
		return err
	}
	if !slices.Equal(tensors[0].Shape, tensors[1].Shape) {
		return fmt.Errorf("shapes %v and %v", tensors[0].Shape, tensors[1].Shape)
	}
	return b.emit(op, "Add", op.Inputs)
}

// concatenation converts CONCATENATION along any axis.
func (b *builder) concatenation(op *tflite.Operator) error {
	out := &b.model.Tensors[op.Outputs[0]]
	rank, axis := len(out.Shape), op.Options.Axis
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		return fmt.Errorf("axis %d of %v", op.Options.Axis, out.Shape)
	}
	if rank == 4 {
		axis = []int{0, 2, 3, 1}[axis]
	}
	return b.emit(op, "Concat", op.Inputs, onnx.Int("axis", axis))
}

// depthToSpace converts DEPTH_TO_SPACE, which orders channels by block row,
// block column, depth: ONNX's DCR mode.
func (b *builder) depthToSpace(op *tflite.Operator) error {
	tensors, out, err := b.images(op, 1)
	if err != nil {
		return err
	}
	in, n := tensors[0].Shape, op.Options.BlockSize
	if err := expect(out, in[0], in[1]*n, in[2]*n, in[3]/(n*n)); err != nil {
		return err
	}
	return b.emit(op, "DepthToSpace", op.Inputs, onnx.Int("blocksize", n), onnx.Text("mode", "DCR"))
}

// resize converts RESIZE_BILINEAR with half-pixel centres by a whole factor,
// for which the scale stated in ONNX is exact.
func (b *builder) resize(op *tflite.Operator) error {
	tensors, out, err := b.images(op, 2)
	if err != nil {
		return err
	}
	size, err := b.integers(op.Inputs[1])
	if err != nil {
		return err
	}
	in := tensors[0].Shape
	if len(size) != 2 || !op.Options.HalfPixelCenters || op.Options.AlignCorners {
		return fmt.Errorf("size %v, half-pixel centres %v, aligned corners %v",
			size, op.Options.HalfPixelCenters, op.Options.AlignCorners)
	}
	if err := expect(out, in[0], size[0], size[1], in[3]); err != nil {
		return err
	}
	if size[0]%in[1] != 0 || size[1]%in[2] != 0 {
		return fmt.Errorf("%v to %v is not a whole factor", in[1:3], size)
	}
	vertical, horizontal := size[0]/in[1], size[1]/in[2]
	scales := onnx.Floats(fmt.Sprintf("scale_%dx%d", vertical, horizontal), []int{4},
		1, 1, float32(vertical), float32(horizontal))
	return b.emitNamed(op, "Resize", []string{b.name(op.Inputs[0]), "", b.constant(scales)},
		onnx.Text("coordinate_transformation_mode", "half_pixel"),
		onnx.Text("mode", "linear"))
}

// reshape converts RESHAPE of an image to fewer dimensions, or of anything
// that is no image. Flattening needs the channels last, as TensorFlow Lite has
// them; with one pixel or one channel both layouts are the same bytes.
func (b *builder) reshape(op *tflite.Operator) error {
	tensors, err := b.inputs(op, 2)
	if err != nil {
		return err
	}
	in, out := tensors[0], &b.model.Tensors[op.Outputs[0]]
	if len(out.Shape) == 4 || in.Elements() != out.Elements() {
		return fmt.Errorf("%v to %v", in.Shape, out.Shape)
	}
	name := b.name(op.Inputs[0])
	if s := in.Shape; len(s) == 4 && s[3] != 1 && s[1]*s[2] != 1 {
		last := b.name(op.Outputs[0]) + "_last"
		b.node("Transpose", last, []string{name}, onnx.IntList("perm", 0, 2, 3, 1))
		name = last
	}
	shape := onnx.Ints(b.name(op.Outputs[0])+"_shape", out.Shape...)
	return b.emitNamed(op, "Reshape", []string{name, b.constant(shape)})
}
