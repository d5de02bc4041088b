package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// operators are the checks of what the OpenCV engine runs: what the pose
// networks are made of and Relu. Each infers its output's shape and leaves
// only parameters with which OpenCV 4.6 is known to work. What ONNX means by
// them: https://onnx.ai/onnx/operators/
var operators = map[string]func(*operator) error{
	"Add":          (*operator).add,
	"Clip":         (*operator).clip,
	"Concat":       (*operator).concat,
	"Conv":         (*operator).conv,
	"DepthToSpace": (*operator).depthToSpace,
	"MaxPool":      (*operator).maxPool,
	"Pad":          (*operator).pad,
	"Relu":         (*operator).elementwise,
	"Reshape":      (*operator).reshape,
	"Resize":       (*operator).resize,
	"Sigmoid":      (*operator).elementwise,
	"Transpose":    (*operator).transpose,
}

// maxStride bounds strides, block sizes and enlargements. Those of the pose
// networks are at most 4.
const maxStride = 64

// operator is a node on its way to a step.
type operator struct {
	*builder
	node
	step
	used []string // attributes read so far
}

// inputCount checks that a node has between lo and hi inputs.
func (o *operator) inputCount(lo, hi int) error {
	if n := len(o.inputs); n < lo || n > hi {
		return fmt.Errorf("%d inputs, want %d to %d", n, lo, hi)
	}
	return nil
}

// read makes input i one of the step's values and returns its shape; rank 0
// allows any.
func (o *operator) read(i, rank int) ([]int, error) {
	value, ok := o.values[o.inputs[i]]
	if !ok {
		return nil, fmt.Errorf("%q is not computed before", o.inputs[i])
	}
	shape := o.graph.shape(value)
	if rank != 0 && len(shape) != rank {
		return nil, fmt.Errorf("%q has %d dimensions, want %d", o.inputs[i], len(shape), rank)
	}
	o.reads = append(o.reads, value)
	return shape, nil
}

// stored returns the constant that is input i.
func (o *operator) stored(i int) (*tensor, error) {
	t, ok := o.tensors[o.inputs[i]]
	if !ok {
		return nil, fmt.Errorf("%q is not constant", o.inputs[i])
	}
	return &t, nil
}

// attr returns an attribute if the node has it.
func (o *operator) attr(name string, kind uint64) (a attribute, ok bool, err error) {
	for _, a := range o.node.attributes {
		if a.name != name {
			continue
		}
		if a.kind != kind {
			return a, false, fmt.Errorf("attribute %s has type %d, want %d", name, a.kind, kind)
		}
		o.used = append(o.used, name)
		return a, true, nil
	}
	return attribute{}, false, nil
}

// allRead refuses attributes that no check has looked at.
func (o *operator) allRead() error {
	if len(o.used) == len(o.node.attributes) {
		return nil
	}
	for _, a := range o.node.attributes {
		if !slices.Contains(o.used, a.name) {
			return fmt.Errorf("attribute %q is not known", a.name)
		}
	}
	return errors.New("an attribute is there twice")
}

// sizes returns an attribute of n whole numbers between lo and hi; all are
// fallback if the node does not have it.
func (o *operator) sizes(name string, n, fallback, lo, hi int) ([]int, error) {
	a, ok, err := o.attr(name, attrTypeInts)
	if err != nil {
		return nil, err
	}
	if !ok {
		return slices.Repeat([]int{fallback}, n), nil
	}
	if len(a.ints) != n {
		return nil, fmt.Errorf("%s %v, want %d numbers", name, a.ints, n)
	}
	return bounded(name, a.ints, lo, hi)
}

// size is sizes for a single number.
func (o *operator) size(name string, fallback, lo, hi int) (int, error) {
	a, ok, err := o.attr(name, attrTypeInt)
	if err != nil || !ok {
		return fallback, err
	}
	v, err := bounded(name, []int64{a.whole}, lo, hi)
	if err != nil {
		return 0, err
	}
	return v[0], nil
}

// text demands that an attribute that is there has a given value.
func (o *operator) text(name, want string) error {
	a, ok, err := o.attr(name, attrTypeString)
	if err == nil && ok && a.text != want {
		err = fmt.Errorf("%s %q, want %q", name, a.text, want)
	}
	return err
}

// bounded converts whole numbers, all of which must lie between lo and hi.
func bounded(what string, v []int64, lo, hi int) ([]int, error) {
	out := make([]int, len(v))
	for i, x := range v {
		if x < int64(lo) || x > int64(hi) {
			return nil, fmt.Errorf("%s %v, want numbers from %d to %d", what, v, lo, hi)
		}
		out[i] = int(x)
	}
	return out, nil
}

// set gives the step an attribute of whole numbers.
func (o *operator) set(name string, v []int) {
	a := attribute{name: name, kind: attrTypeInts}
	for _, x := range v {
		a.ints = append(a.ints, int64(x))
	}
	o.step.attributes = append(o.step.attributes, a)
}

func (o *operator) elementwise() error {
	if err := o.inputCount(1, 1); err != nil {
		return err
	}
	var err error
	o.step.shape, err = o.read(0, 0)
	return err
}

// add takes two values of one shape; OpenCV's broadcasting is another layer.
func (o *operator) add() error {
	if err := o.inputCount(2, 2); err != nil {
		return err
	}
	a, err := o.read(0, 0)
	if err != nil {
		return err
	}
	b, err := o.read(1, 0)
	if err != nil {
		return err
	}
	if !slices.Equal(a, b) {
		return fmt.Errorf("shapes %v and %v differ", a, b)
	}
	o.step.shape = a
	return nil
}

// clip has its limits as constant inputs (opset 11 and later) or as
// attributes (opset 6). OpenCV's importer wants the latter
// (https://github.com/opencv/opencv/issues/19977).
func (o *operator) clip() error {
	if err := o.inputCount(1, 3); err != nil {
		return err
	}
	var err error
	if o.step.shape, err = o.read(0, 0); err != nil {
		return err
	}
	limits := []float32{-math.MaxFloat32, math.MaxFloat32} // an absent one
	for i, name := range []string{"min", "max"} {
		a, ok, err := o.attr(name, attrTypeFloat)
		if err != nil {
			return err
		}
		if ok {
			limits[i] = a.float
		}
		if i+1 >= len(o.inputs) || o.inputs[i+1] == "" {
			continue
		}
		t, err := o.stored(i + 1)
		if err != nil {
			return err
		}
		v, err := t.floats()
		if err != nil {
			return err
		}
		if len(v) != 1 {
			return fmt.Errorf("a limit of %d values, want 1", len(v))
		}
		limits[i] = v[0]
	}
	if !(limits[0] <= limits[1]) {
		return fmt.Errorf("limits from %g to %g", limits[0], limits[1])
	}
	o.step.attributes = []attribute{
		{name: "min", kind: attrTypeFloat, float: limits[0]},
		{name: "max", kind: attrTypeFloat, float: limits[1]},
	}
	return nil
}

func (o *operator) concat() error {
	if len(o.inputs) < 2 {
		return fmt.Errorf("%d inputs, want 2 or more", len(o.inputs))
	}
	first, err := o.read(0, 0)
	if err != nil {
		return err
	}
	axis, err := o.size("axis", 0, 1-len(first), len(first)-1)
	if err != nil {
		return err
	}
	axis = (axis + len(first)) % len(first)
	if axis == 0 {
		return errors.New("axis 0, want another than the pictures'")
	}
	out := slices.Clone(first)
	for i := 1; i < len(o.inputs); i++ {
		shape, err := o.read(i, len(first))
		if err != nil {
			return err
		}
		for d := range shape {
			if d != axis && shape[d] != first[d] {
				return fmt.Errorf("shapes %v and %v differ", first, shape)
			}
		}
		out[axis] += shape[axis]
	}
	o.step.shape = out
	o.step.attributes = []attribute{{name: "axis", kind: attrTypeInt, whole: int64(axis)}}
	return nil
}

func (o *operator) conv() error {
	if err := o.inputCount(2, 3); err != nil {
		return err
	}
	in, err := o.read(0, 4)
	if err != nil {
		return err
	}
	weights, err := o.weights(1)
	if err != nil {
		return err
	}
	w := weights.dims // output channels, input channels of a group, height, width
	if len(w) != 4 {
		return fmt.Errorf("weights of shape %v, want 4 dimensions", w)
	}
	o.step.constants = []constant{weights}
	if len(o.inputs) == 3 && o.inputs[2] != "" {
		bias, err := o.weights(2)
		if err != nil {
			return err
		}
		if !slices.Equal(bias.dims, w[:1]) {
			return fmt.Errorf("bias of shape %v for weights of shape %v", bias.dims, w)
		}
		o.step.constants = append(o.step.constants, bias)
	}
	group, err := o.size("group", 1, 1, in[1])
	if err != nil {
		return err
	}
	if w[1]*group != in[1] || w[0]%group != 0 {
		return fmt.Errorf("weights of shape %v in %d groups for %d channels", w, group, in[1])
	}
	if _, err := o.sizes("dilations", 2, 1, 1, 1); err != nil {
		return err
	}
	if kernel, err := o.sizes("kernel_shape", 2, 0, 1, maxGraph); err != nil {
		return err
	} else if kernel[0] != 0 && !slices.Equal(kernel, w[2:]) {
		return fmt.Errorf("kernel_shape %v for weights of shape %v", kernel, w)
	}
	height, width, err := o.window(in, w[2:], true)
	if err != nil {
		return err
	}
	o.step.shape = []int{1, w[0], height, width}
	o.set("dilations", []int{1, 1})
	o.step.attributes = append(o.step.attributes, attribute{name: "group", kind: attrTypeInt, whole: int64(group)})
	return nil
}

// weights returns input i as floats; none of its dimensions is 0.
func (o *operator) weights(i int) (constant, error) {
	t, err := o.stored(i)
	if err != nil {
		return constant{}, err
	}
	values, ok := o.decoded[t.name]
	if !ok {
		if values, err = t.floats(); err != nil {
			return constant{}, err
		}
		o.decoded[t.name] = values
	}
	if len(values) == 0 {
		return constant{}, fmt.Errorf("constant %q is empty", t.name)
	}
	c := constant{floats: values}
	for _, d := range t.dims {
		c.dims = append(c.dims, int(d))
	}
	return c, nil
}

// window checks how a kernel slides over a picture and returns how many places
// it has.
func (o *operator) window(in, kernel []int, padded bool) (height, width int, err error) {
	strides, err := o.sizes("strides", 2, 1, 1, maxStride)
	if err != nil {
		return 0, 0, err
	}
	most := 0
	if padded {
		most = min(kernel[0], kernel[1]) - 1 // no place lies wholly outside
	}
	pads, err := o.sizes("pads", 4, 0, 0, most)
	if err != nil {
		return 0, 0, err
	}
	if err := o.text("auto_pad", "NOTSET"); err != nil {
		return 0, 0, err
	}
	var places [2]int
	for i := range places {
		room := in[2+i] + pads[i] + pads[2+i] - kernel[i]
		if room < 0 {
			return 0, 0, fmt.Errorf("a kernel of %v is larger than its input of shape %v", kernel, in)
		}
		places[i] = room/strides[i] + 1
	}
	o.set("kernel_shape", kernel)
	o.set("strides", strides)
	o.set("pads", pads)
	return places[0], places[1], nil
}

func (o *operator) maxPool() error {
	if err := o.inputCount(1, 1); err != nil {
		return err
	}
	in, err := o.read(0, 4)
	if err != nil {
		return err
	}
	kernel, err := o.sizes("kernel_shape", 2, 0, 1, maxStride)
	if err != nil {
		return err
	}
	if kernel[0] == 0 {
		return errors.New("kernel_shape is missing")
	}
	if _, err := o.size("ceil_mode", 0, 0, 0); err != nil {
		return err
	}
	height, width, err := o.window(in, kernel, false)
	o.step.shape = []int{1, in[1], height, width}
	return err
}

// depthToSpace takes blocks of channels in the order depth, column, row (DCR).
func (o *operator) depthToSpace() error {
	if err := o.inputCount(1, 1); err != nil {
		return err
	}
	in, err := o.read(0, 4)
	if err != nil {
		return err
	}
	block, err := o.size("blocksize", 0, 2, maxStride)
	if err != nil {
		return err
	}
	if block == 0 || in[1]%(block*block) != 0 {
		return fmt.Errorf("blocksize %d for %d channels", block, in[1])
	}
	if err := o.text("mode", "DCR"); err != nil {
		return err
	}
	o.step.shape = []int{1, in[1] / (block * block), in[2] * block, in[3] * block}
	o.step.attributes = []attribute{
		{name: "blocksize", kind: attrTypeInt, whole: int64(block)},
		{name: "mode", kind: attrTypeString, text: "DCR"},
	}
	return nil
}

// pad surrounds pictures with zeros and adds channels of zeros.
func (o *operator) pad() error {
	if err := o.inputCount(2, 2); err != nil {
		return err
	}
	in, err := o.read(0, 4)
	if err != nil {
		return err
	}
	pads, err := o.wholes(1, 8)
	if err != nil {
		return err
	}
	if err := o.text("mode", "constant"); err != nil {
		return err
	}
	widths, err := bounded("pads", pads, 0, maxGraph)
	if err != nil {
		return err
	}
	if widths[0] != 0 || widths[4] != 0 {
		return fmt.Errorf("pads %v add pictures", pads)
	}
	o.step.shape = make([]int, 4)
	for d := range in {
		o.step.shape[d] = in[d] + widths[d] + widths[4+d]
	}
	o.step.constants = []constant{{dims: []int{8}, wholes: pads}}
	o.step.attributes = []attribute{{name: "mode", kind: attrTypeString, text: "constant"}}
	return nil
}

// wholes returns input i, a constant row of whole numbers; n is 0 for any
// length.
func (o *operator) wholes(i, n int) ([]int64, error) {
	t, err := o.stored(i)
	if err != nil {
		return nil, err
	}
	v, err := t.wholes()
	if err == nil && (len(t.dims) != 1 || n != 0 && len(v) != n) {
		err = fmt.Errorf("constant %q has shape %v", t.name, t.dims)
	}
	return v, err
}

func (o *operator) reshape() error {
	if err := o.inputCount(2, 2); err != nil {
		return err
	}
	in, err := o.read(0, 0)
	if err != nil {
		return err
	}
	wanted, err := o.wholes(1, 0)
	if err != nil {
		return err
	}
	if len(wanted) < 2 || len(wanted) > 4 {
		return fmt.Errorf("%d dimensions, want 2 to 4", len(wanted))
	}
	dims, err := bounded("shape", wanted, -1, maxGraph)
	if err != nil {
		return err
	}
	total, known, free := 1, 1, -1
	for _, d := range in {
		total *= d
	}
	for i, d := range dims {
		switch {
		case d == 0 && i < len(in): // as it is
			dims[i] = in[i]
		case d == -1 && free < 0: // what is left
			free, dims[i] = i, 1
		case d <= 0:
			return fmt.Errorf("shape %v cannot be had", wanted)
		}
		if known *= dims[i]; known > total {
			break
		}
	}
	if free >= 0 {
		dims[free] = total / known
		known *= dims[free]
	}
	if known != total || dims[0] != 1 {
		return fmt.Errorf("shape %v cannot be had from %v", wanted, in)
	}
	o.step.shape = dims
	o.step.constants = []constant{shapeConstant(dims)}
	return nil
}

// shapeConstant returns dimensions as Reshape reads them.
func shapeConstant(dims []int) constant {
	c := constant{dims: []int{len(dims)}}
	for _, d := range dims {
		c.wholes = append(c.wholes, int64(d))
	}
	return c
}

// resize enlarges a picture by whole factors, linearly between pixel centres.
func (o *operator) resize() error {
	if err := o.inputCount(3, 3); err != nil {
		return err
	}
	in, err := o.read(0, 4)
	if err != nil {
		return err
	}
	if o.inputs[1] != "" { // the region, which only cropping reads
		if _, err := o.stored(1); err != nil {
			return err
		}
	}
	scales, err := o.weights(2)
	if err != nil {
		return err
	}
	if len(scales.dims) != 1 || len(scales.floats) != 4 || scales.floats[0] != 1 || scales.floats[1] != 1 {
		return fmt.Errorf("scales %v, want those of height and width", scales.floats)
	}
	o.step.shape = slices.Clone(in)
	for d := 2; d < 4; d++ {
		factor := scales.floats[d]
		if !(factor >= 1 && factor <= maxStride) || factor != float32(int(factor)) {
			return fmt.Errorf("scales %v, want whole numbers from 1 to %d", scales.floats, maxStride)
		}
		o.step.shape[d] *= int(factor)
	}
	a, ok, err := o.attr("mode", attrTypeString)
	if err != nil {
		return err
	}
	if !ok || a.text != "linear" {
		return errors.New(`mode is not "linear"`)
	}
	if err := o.text("coordinate_transformation_mode", "half_pixel"); err != nil {
		return err
	}
	o.step.constants = []constant{{}, scales}
	o.step.attributes = []attribute{
		{name: "mode", kind: attrTypeString, text: "linear"},
		{name: "coordinate_transformation_mode", kind: attrTypeString, text: "half_pixel"},
	}
	return nil
}

func (o *operator) transpose() error {
	if err := o.inputCount(1, 1); err != nil {
		return err
	}
	in, err := o.read(0, 0)
	if err != nil {
		return err
	}
	perm, err := o.sizes("perm", len(in), -1, 0, len(in)-1)
	if err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(perm))
	if perm[0] != 0 || len(slices.Compact(sorted)) != len(in) {
		return fmt.Errorf("perm %v, want all axes once and the pictures' first", perm)
	}
	o.step.shape = make([]int, len(in))
	for i, p := range perm {
		o.step.shape[i] = in[p]
	}
	o.set("perm", perm)
	return nil
}
