package infer

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// onnx writes the graph in the form that OpenCV 4.6's importer reads, which is
// not valid ONNX and must not be shown to anything else: Clip has its limits as
// attributes, and weights are float, since getMatFromTensor knows no float16.
// Nothing is copied from the file: names, too, are new, because the importer
// reads meaning into some ("…quantized").
//
// Several outputs are laid end to end as one, 1×n, in their order: gocv's
// ForwardLayers leaks the names it passes on, Forward does not. The name
// returned is that of the value to ask for.
func (g *graph) onnx() (model []byte, output string) {
	w := writer{}
	for i, s := range g.steps {
		w.step(valueName(i+1), s)
	}
	output = valueName(g.outputs[0])
	if len(g.outputs) > 1 {
		join := step{op: "Concat", attributes: []attribute{{name: "axis", kind: attrTypeInt, whole: 1}}}
		next := len(g.steps) + 1
		for _, v := range g.outputs {
			flat := step{op: "Reshape", reads: []int{v}, constants: []constant{shapeConstant([]int{1, elements(g.shape(v))})}}
			w.step(valueName(next), flat)
			join.reads = append(join.reads, next)
			next++
		}
		output = valueName(next)
		w.step(output, join)
	}
	total := 0
	for _, v := range g.outputs {
		total += elements(g.shape(v))
	}
	shape := []int{1, total}
	if len(g.outputs) == 1 {
		shape = g.shape(g.outputs[0])
	}
	w.value(graphOutput, output, shape)
	return w.model(g.input), output
}

// standard writes the graph as valid ONNX. The input is named as value 0 and
// each output as its value.
func (g *graph) standard() []byte {
	const perStep = 200 // bytes, about
	size := perStep * len(g.steps)
	for _, s := range g.steps {
		for _, c := range s.constants {
			size += 4*len(c.floats) + 8*len(c.wholes)
		}
	}
	w := writer{graph: make([]byte, 0, size)}
	for i, s := range g.steps {
		if s.op == "Clip" {
			for _, a := range s.attributes {
				s.constants = append(s.constants, constant{scalar: true, floats: []float32{a.float}})
			}
			s.attributes = nil
		}
		w.step(valueName(i+1), s)
	}
	for _, v := range g.outputs {
		w.value(graphOutput, valueName(v), g.shape(v))
	}
	return w.model(g.input)
}

func valueName(i int) string { return "v" + strconv.Itoa(i) }

// elements returns how many a shape has.
func elements(shape []int) int { return tensorInfo{shape: shape}.size() }

// writer appends nodes and their constants to a GraphProto.
type writer struct {
	graph     []byte
	constants int
}

func (w *writer) step(output string, s step) {
	var n []byte
	for _, v := range s.reads {
		n = appendString(n, nodeInput, valueName(v))
	}
	for _, c := range s.constants {
		name := "" // left out
		if len(c.dims) > 0 || c.scalar {
			name = "c" + strconv.Itoa(w.constants)
			w.constants++
			w.graph = appendMessage(w.graph, graphInitializer, c.proto(name))
		}
		n = appendString(n, nodeInput, name)
	}
	n = appendString(n, nodeOutput, output)
	n = appendString(n, nodeName, output)
	n = appendString(n, nodeOpType, s.op)
	for _, a := range s.attributes {
		n = appendMessage(n, nodeAttribute, a.proto())
	}
	w.graph = appendMessage(w.graph, graphNode, n)
}

// value declares an input or an output.
func (w *writer) value(field protowire.Number, name string, shape []int) {
	w.graph = appendMessage(w.graph, field, appendValueInfo(nil, name, shape))
}

// model returns the ModelProto of what was written.
func (w *writer) model(input []int) []byte {
	w.graph = appendString(w.graph, graphName, "spineflex")
	w.value(graphInput, valueName(0), input)
	model := appendNumber(make([]byte, 0, len(w.graph)+40), modelIRVersion, 7)
	model = appendMessage(model, modelOpset, appendNumber(nil, opsetVersion, 13))
	return appendMessage(model, modelGraph, w.graph)
}

// proto returns the constant as a TensorProto.
func (c constant) proto(name string) []byte {
	out := make([]byte, 0, 4*len(c.floats)+8*len(c.wholes)+60)
	for _, d := range c.dims {
		out = appendNumber(out, tensorDims, uint64(d))
	}
	elem, raw := uint64(elemFloat), make([]byte, 0, 4*len(c.floats)+8*len(c.wholes))
	for _, v := range c.floats {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	for _, v := range c.wholes {
		elem, raw = elemInt64, binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	out = appendNumber(out, tensorDataType, elem)
	out = appendString(out, tensorName, name)
	return appendMessage(out, tensorRawData, raw)
}

// proto returns the attribute as an AttributeProto.
func (a attribute) proto() []byte {
	out := appendString(nil, attrName, a.name)
	switch a.kind {
	case attrTypeFloat:
		out = protowire.AppendTag(out, attrFloat, protowire.Fixed32Type)
		out = protowire.AppendFixed32(out, math.Float32bits(a.float))
	case attrTypeInt:
		out = appendNumber(out, attrInt, uint64(a.whole))
	case attrTypeString:
		out = appendString(out, attrText, a.text)
	case attrTypeInts:
		for _, v := range a.ints {
			out = appendNumber(out, attrInts, uint64(v))
		}
	}
	return appendNumber(out, attrType, a.kind)
}

// appendValueInfo appends a ValueInfoProto of a float tensor.
func appendValueInfo(dst []byte, name string, dims []int) []byte {
	var shape []byte
	for _, d := range dims {
		shape = appendMessage(shape, shapeDim, appendNumber(nil, dimValue, uint64(d)))
	}
	tensor := appendMessage(appendNumber(nil, tensorElem, elemFloat), tensorShape, shape)
	dst = appendString(dst, valueInfoName, name)
	return appendMessage(dst, valueInfoType, appendMessage(nil, typeTensor, tensor))
}

// wholes returns the values of an int64 constant.
func (t *tensor) wholes() ([]int64, error) {
	want, err := t.elements()
	if err != nil {
		return nil, err
	}
	if t.ext {
		return nil, fmt.Errorf("constant %q lies in another file", t.name)
	}
	if t.elem != elemInt64 {
		return nil, fmt.Errorf("constant %q holds element type %d, want int64", t.name, t.elem)
	}
	values := t.int64s
	if len(t.raw)%8 == 0 {
		for b := t.raw; len(b) > 0; b = b[8:] {
			values = append(values, int64(binary.LittleEndian.Uint64(b)))
		}
	}
	if len(values) != want {
		return nil, fmt.Errorf("constant %q does not hold the %d values its shape says", t.name, want)
	}
	return values, nil
}

// floats returns the values of a float or float16 constant.
func (t *tensor) floats() ([]float32, error) {
	want, err := t.elements()
	if err != nil {
		return nil, err
	}
	if t.ext {
		return nil, fmt.Errorf("constant %q lies in another file", t.name)
	}
	var width int
	switch t.elem {
	case elemFloat:
		width = 4
	case elemFloat16:
		width = 2
	default:
		return nil, fmt.Errorf("constant %q holds element type %d, want float", t.name, t.elem)
	}
	have := len(t.raw) / width
	switch {
	case len(t.raw) > 0 && len(t.raw)%width != 0:
		have = -1
	case len(t.raw) == 0 && width == 4:
		have = len(t.f32)
	case len(t.raw) == 0:
		have = len(t.ints)
	}
	if have != want {
		return nil, fmt.Errorf("constant %q does not hold the %d values its shape says", t.name, want)
	}
	values := make([]float32, want)
	for i := range values {
		switch {
		case len(t.raw) > 0 && width == 4:
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.raw[4*i:]))
		case len(t.raw) > 0:
			values[i] = float32FromHalf(binary.LittleEndian.Uint16(t.raw[2*i:]))
		case width == 4:
			values[i] = t.f32[i]
		default:
			values[i] = float32FromHalf(uint16(t.ints[i]))
		}
	}
	return values, nil
}

// float32FromHalf widens an IEEE 754 binary16 value; every one has an exact
// float32.
func float32FromHalf(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch exp {
	case 0: // zero and subnormals: frac · 2^-24
		v := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

func float32FromBits(v uint64) float32 { return math.Float32frombits(uint32(v)) }

func appendMessage(dst []byte, num protowire.Number, msg []byte) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendBytes(dst, msg)
}

func appendString(dst []byte, num protowire.Number, s string) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendString(dst, s)
}

func appendNumber(dst []byte, num protowire.Number, v uint64) []byte {
	dst = protowire.AppendTag(dst, num, protowire.VarintType)
	return protowire.AppendVarint(dst, v)
}
