package tflite

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	flatbuffers "github.com/google/flatbuffers/go"
)

// maxRank bounds the dimensions of a tensor; maxElements the size one tensor
// may claim. Both are far above what the pose networks hold and keep a broken
// file from asking for all memory.
const (
	maxRank     = 8
	maxElements = 1 << 24
)

// Read decodes a .tflite file. The returned tensors' Data alias file. It
// returns an error for a file that is not a TensorFlow Lite model, is damaged,
// or uses anything outside this package's subset.
func Read(file []byte) (model *Model, err error) {
	if len(file) < 8 || string(file[4:8]) != "TFL3" {
		return nil, errors.New("read tflite: no TFL3 identifier, not a TensorFlow Lite model")
	}
	// The Go runtime of FlatBuffers has no verifier: following a damaged
	// offset reads outside the slice and panics. Here that is just bad input.
	defer func() {
		if r := recover(); r != nil {
			bounds, ok := r.(runtime.Error)
			if !ok {
				panic(r)
			}
			model, err = nil, fmt.Errorf("read tflite: damaged file: %w", bounds)
		}
	}()
	d := &decoder{file: file, budget: len(file)}
	model, err = d.model()
	if err != nil {
		return nil, fmt.Errorf("read tflite: %w", err)
	}
	return model, nil
}

// decoder reads tables of one file. budget is the number of vector elements
// that may still be decoded: a sound file stores each once, so it never holds
// more than it has bytes, while a damaged one can point many vectors at the
// same bytes and blow up.
type decoder struct {
	file   []byte
	budget int
}

// table is a FlatBuffers table whose fields are named by schema id.
type table struct{ flatbuffers.Table }

func (d *decoder) root() table {
	return table{flatbuffers.Table{Bytes: d.file, Pos: flatbuffers.GetUOffsetT(d.file)}}
}

// field is the position of a field within the table, or 0 when it is absent.
// Field id n sits in slot 4+2n of the table's vtable.
func (t table) field(id int) flatbuffers.UOffsetT {
	return flatbuffers.UOffsetT(t.Offset(flatbuffers.VOffsetT(4 + 2*id)))
}

func (t table) int32(id int, absent int32) int {
	return int(t.GetInt32Slot(flatbuffers.VOffsetT(4+2*id), absent))
}

func (t table) byte(id int) byte {
	return t.GetByteSlot(flatbuffers.VOffsetT(4+2*id), 0)
}

func (t table) bool(id int) bool { return t.byte(id) != 0 }

// child is the table a field refers to.
func (t table) child(id int) (table, bool) {
	o := t.field(id)
	if o == 0 {
		return table{}, false
	}
	return table{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(o + t.Pos)}}, true
}

// bytes is a vector of bytes or a string, not copied.
func (t table) bytes(id int) []byte {
	o := t.field(id)
	if o == 0 {
		return nil
	}
	return t.ByteVector(o + t.Pos)
}

// vector is the position of a vector's first element and its length.
func (d *decoder) vector(t table, id, elementSize int) (flatbuffers.UOffsetT, int, error) {
	o := t.field(id)
	if o == 0 {
		return 0, 0, nil
	}
	n, start := t.VectorLen(o), t.Vector(o)
	if n < 0 || int64(start)+int64(n)*int64(elementSize) > int64(len(d.file)) {
		return 0, 0, fmt.Errorf("damaged file: vector of %d elements runs past the end", n)
	}
	d.budget -= n
	if d.budget < 0 {
		return 0, 0, errors.New("damaged file: vectors overlap")
	}
	return start, n, nil
}

// ints is a vector of 32-bit integers.
func (d *decoder) ints(t table, id int) ([]int, error) {
	start, n, err := d.vector(t, id, 4)
	if err != nil {
		return nil, err
	}
	out := make([]int, n)
	for i := range out {
		out[i] = int(t.GetInt32(start + flatbuffers.UOffsetT(4*i)))
	}
	return out, nil
}

// tables is a vector of tables.
func (d *decoder) tables(t table, id int) ([]table, error) {
	start, n, err := d.vector(t, id, 4)
	if err != nil {
		return nil, err
	}
	out := make([]table, n)
	for i := range out {
		at := start + flatbuffers.UOffsetT(4*i)
		out[i] = table{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(at)}}
	}
	return out, nil
}

// model reads Model: version 0, operator_codes 1, subgraphs 2, description 3,
// buffers 4; and SubGraph: tensors 0, inputs 1, outputs 2, operators 3.
func (d *decoder) model() (*Model, error) {
	root := d.root()
	if v := root.int32(0, 0); v != 3 {
		return nil, fmt.Errorf("schema version %d, want 3", v)
	}
	codes, err := d.operatorCodes(root)
	if err != nil {
		return nil, err
	}
	buffers, err := d.tables(root, 4)
	if err != nil {
		return nil, err
	}
	graphs, err := d.tables(root, 2)
	if err != nil {
		return nil, err
	}
	if len(graphs) != 1 {
		return nil, fmt.Errorf("%d sub-graphs, want 1", len(graphs))
	}

	m := &Model{Description: string(root.bytes(3))}
	tensors, err := d.tables(graphs[0], 0)
	if err != nil {
		return nil, err
	}
	for i, t := range tensors {
		tensor, err := d.tensor(t, buffers)
		if err != nil {
			return nil, fmt.Errorf("tensor %d: %w", i, err)
		}
		m.Tensors = append(m.Tensors, tensor)
	}
	if m.Inputs, err = d.ints(graphs[0], 1); err != nil {
		return nil, err
	}
	if m.Outputs, err = d.ints(graphs[0], 2); err != nil {
		return nil, err
	}
	operators, err := d.tables(graphs[0], 3)
	if err != nil {
		return nil, err
	}
	for i, t := range operators {
		op, err := d.operator(t, codes)
		if err != nil {
			return nil, fmt.Errorf("operator %d: %w", i, err)
		}
		m.Operators = append(m.Operators, op)
	}
	return m, m.checkReferences()
}

// operatorCodes reads OperatorCode: deprecated_builtin_code 0 (one byte),
// builtin_code 3. Writers older than the wide field fill only the narrow one,
// newer ones put 127 there when the code does not fit: the larger one counts.
func (d *decoder) operatorCodes(root table) ([]OpCode, error) {
	tables, err := d.tables(root, 1)
	if err != nil {
		return nil, err
	}
	codes := make([]OpCode, len(tables))
	for i, t := range tables {
		codes[i] = OpCode(max(int(int8(t.byte(0))), t.int32(3, 0)))
		if _, known := opNames[codes[i]]; !known {
			return nil, fmt.Errorf("operator not supported: %v", codes[i])
		}
	}
	return codes, nil
}

// tensor reads Tensor: shape 0, type 1, buffer 2, name 3, sparsity 6; and
// Buffer: data 0.
func (d *decoder) tensor(t table, buffers []table) (Tensor, error) {
	shape, err := d.ints(t, 0)
	if err != nil {
		return Tensor{}, err
	}
	out := Tensor{Name: string(t.bytes(3)), Shape: shape, Type: ElementType(t.byte(1))}
	if out.Type.Size() == 0 {
		return Tensor{}, fmt.Errorf("%q: type not supported: %v", out.Name, out.Type)
	}
	if len(shape) > maxRank {
		return Tensor{}, fmt.Errorf("%q: %d dimensions, at most %d are supported", out.Name, len(shape), maxRank)
	}
	elements := 1
	for _, n := range shape {
		if n < 1 || n > maxElements || elements*n > maxElements {
			return Tensor{}, fmt.Errorf("%q: shape %v is empty, unknown or too large", out.Name, shape)
		}
		elements *= n
	}
	index := t.int32(2, 0)
	if index < 0 || index >= len(buffers) {
		return Tensor{}, fmt.Errorf("%q: buffer %d of %d", out.Name, index, len(buffers))
	}
	out.Data = buffers[index].bytes(0)
	if sparsity, ok := t.child(6); ok {
		if out.Sparsity, err = d.sparsity(sparsity); err != nil {
			return Tensor{}, fmt.Errorf("%q: %w", out.Name, err)
		}
		return out, nil
	}
	if len(out.Data) == 0 {
		out.Data = nil
		return out, nil
	}
	if want := elements * out.Type.Size(); len(out.Data) != want {
		return Tensor{}, fmt.Errorf("%q: %d bytes for shape %v of %v, want %d",
			out.Name, len(out.Data), shape, out.Type, want)
	}
	return out, nil
}

// operator reads Operator: opcode_index 0, inputs 1, outputs 2,
// builtin_options 4.
func (d *decoder) operator(t table, codes []OpCode) (Operator, error) {
	index := t.int32(0, 0)
	if index < 0 || index >= len(codes) {
		return Operator{}, fmt.Errorf("operator code %d of %d", index, len(codes))
	}
	op := Operator{Code: codes[index]}
	var err error
	if op.Inputs, err = d.ints(t, 1); err != nil {
		return Operator{}, err
	}
	if op.Outputs, err = d.ints(t, 2); err != nil {
		return Operator{}, err
	}
	options, present := t.child(4)
	if op.Options, err = readOptions(op.Code, options, present); err != nil {
		return Operator{}, fmt.Errorf("%v: %w", op.Code, err)
	}
	return op, nil
}

// readOptions reads the operator's own options table. present is false when
// the file leaves it out, which it may where every field has its default.
func readOptions(code OpCode, t table, present bool) (Options, error) {
	var o Options
	if !present {
		switch code {
		case Conv2D, DepthwiseConv2D, MaxPool2D, DepthToSpace:
			return o, errors.New("options missing")
		}
		return o, nil
	}
	switch code {
	case Conv2D: // padding 0, stride_w 1, stride_h 2, activation 3, dilation_w 4, dilation_h 5
		o.Padding = Padding(t.byte(0))
		o.StrideW, o.StrideH = t.int32(1, 0), t.int32(2, 0)
		o.Activation = Activation(t.byte(3))
		o.DilationW, o.DilationH = t.int32(4, 1), t.int32(5, 1)
	case DepthwiseConv2D: // as Conv2D with depth_multiplier 3 before the activation
		o.Padding = Padding(t.byte(0))
		o.StrideW, o.StrideH = t.int32(1, 0), t.int32(2, 0)
		o.Multiplier = t.int32(3, 0)
		o.Activation = Activation(t.byte(4))
		o.DilationW, o.DilationH = t.int32(5, 1), t.int32(6, 1)
	case MaxPool2D: // padding 0, stride_w 1, stride_h 2, filter_width 3, filter_height 4, activation 5
		o.Padding = Padding(t.byte(0))
		o.StrideW, o.StrideH = t.int32(1, 0), t.int32(2, 0)
		o.FilterW, o.FilterH = t.int32(3, 0), t.int32(4, 0)
		o.Activation = Activation(t.byte(5))
	case Add: // activation 0
		o.Activation = Activation(t.byte(0))
	case Concatenation: // axis 0, activation 1
		o.Axis = t.int32(0, 0)
		o.Activation = Activation(t.byte(1))
	case DepthToSpace: // block_size 0
		o.BlockSize = t.int32(0, 0)
	case ResizeBilinear: // align_corners 2, half_pixel_centers 3
		o.AlignCorners, o.HalfPixelCenters = t.bool(2), t.bool(3)
	}
	return o, o.check(code)
}

// check refuses settings outside the subset.
func (o Options) check(code OpCode) error {
	switch o.Activation {
	case NoActivation, ReLU, ReLU6:
	default:
		return fmt.Errorf("activation %d not supported", o.Activation)
	}
	if o.Padding > Valid {
		return fmt.Errorf("padding %d not supported", o.Padding)
	}
	positive := func(values ...int) error {
		for _, v := range values {
			if v < 1 || v > math.MaxInt16 {
				return fmt.Errorf("stride, dilation, filter or block of %d", v)
			}
		}
		return nil
	}
	switch code {
	case Conv2D:
		return positive(o.StrideH, o.StrideW, o.DilationH, o.DilationW)
	case DepthwiseConv2D:
		return positive(o.StrideH, o.StrideW, o.DilationH, o.DilationW, o.Multiplier)
	case MaxPool2D:
		return positive(o.StrideH, o.StrideW, o.FilterH, o.FilterW)
	case DepthToSpace:
		return positive(o.BlockSize)
	}
	return nil
}

// checkReferences makes sure every tensor index points at a tensor.
func (m *Model) checkReferences() error {
	inside := func(what string, indices []int, lowest int) error {
		for _, i := range indices {
			if i < lowest || i >= len(m.Tensors) {
				return fmt.Errorf("%s: tensor %d of %d", what, i, len(m.Tensors))
			}
		}
		return nil
	}
	if err := inside("graph inputs", m.Inputs, 0); err != nil {
		return err
	}
	if err := inside("graph outputs", m.Outputs, 0); err != nil {
		return err
	}
	for i, op := range m.Operators {
		what := fmt.Sprintf("operator %d (%v)", i, op.Code)
		if len(op.Inputs) == 0 || len(op.Outputs) != 1 {
			return fmt.Errorf("%s: %d inputs and %d outputs", what, len(op.Inputs), len(op.Outputs))
		}
		if err := inside(what, op.Inputs, -1); err != nil {
			return err
		}
		if err := inside(what, op.Outputs, 0); err != nil {
			return err
		}
	}
	return nil
}
