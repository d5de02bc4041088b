package infer

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// rewriteForOpenCV turns a valid ONNX model into the form that OpenCV 4.6's
// importer reads:
//
//   - Clip with its limits as constant inputs (opset 11 and later) becomes Clip
//     with attributes (opset 6); the importer ignores or refuses the inputs
//     (https://github.com/opencv/opencv/issues/19977 and the importer's
//     parseClip of that version);
//   - float16 constants behind a Cast to float become float constants, since
//     its getMatFromTensor knows no float16.
//
// Everything else is copied byte for byte. The result is not valid ONNX and
// must not be shown to anything else.
func rewriteForOpenCV(model []byte) ([]byte, error) {
	graph, err := subMessage(model, modelGraph)
	if err != nil {
		return nil, err
	}
	newGraph, err := rewriteGraph(graph)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(model)+len(newGraph))
	done := false
	err = eachField(model, func(f field) error {
		if f.num == modelGraph && f.typ == protowire.BytesType && !done {
			out = appendMessage(out, modelGraph, newGraph)
			done = true
			return nil
		}
		out = append(out, f.raw...)
		return nil
	})
	return out, err
}

// node is the part of a NodeProto that the rewrite looks at.
type node struct {
	op      string
	inputs  []string
	outputs []string
	raw     []byte // the whole message
}

func readNode(msg []byte) (node, error) {
	n := node{raw: msg}
	err := eachField(msg, func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		switch f.num {
		case nodeInput:
			n.inputs = append(n.inputs, string(f.bytes))
		case nodeOutput:
			n.outputs = append(n.outputs, string(f.bytes))
		case nodeOpType:
			n.op = string(f.bytes)
		}
		return nil
	})
	return n, err
}

// castsToFloat reports whether a Cast node's target is float.
func (n node) castsToFloat() bool {
	target := uint64(0)
	err := eachAttribute(n.raw, func(name string, a field) {
		if name == "to" && a.num == attrInt && a.typ == protowire.VarintType {
			target = a.value
		}
	})
	return err == nil && target == elemFloat
}

// constant returns the tensor of a Constant node.
func (n node) constant() (t tensor, ok bool, err error) {
	walk := eachAttribute(n.raw, func(name string, a field) {
		if name == "value" && a.num == attrT && a.typ == protowire.BytesType {
			t, err = readTensor(a.bytes)
			ok = true
		}
	})
	if err == nil {
		err = walk
	}
	return t, ok, err
}

// eachAttribute calls fn for every field of every attribute of a node.
func eachAttribute(msg []byte, fn func(name string, f field)) error {
	return eachField(msg, func(f field) error {
		if f.num != nodeAttribute || f.typ != protowire.BytesType {
			return nil
		}
		name := ""
		if err := eachField(f.bytes, func(a field) error {
			if a.num == attrName && a.typ == protowire.BytesType {
				name = string(a.bytes)
			}
			return nil
		}); err != nil {
			return err
		}
		return eachField(f.bytes, func(a field) error {
			fn(name, a)
			return nil
		})
	})
}

// rewriteGraph does the work of rewriteForOpenCV on a GraphProto.
func rewriteGraph(graph []byte) ([]byte, error) {
	constants := map[string]tensor{} // initializers and Constant nodes
	var nodes []node
	err := eachField(graph, func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		switch f.num {
		case graphInitializer:
			t, err := readTensor(f.bytes)
			if err != nil {
				return err
			}
			constants[t.name] = t
		case graphNode:
			n, err := readNode(f.bytes)
			if err != nil {
				return err
			}
			nodes = append(nodes, n)
			if n.op == "Constant" && len(n.outputs) == 1 {
				t, ok, err := n.constant()
				if err != nil {
					return err
				}
				if ok {
					t.name = n.outputs[0]
					constants[t.name] = t
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}

	// Which nodes go or change, and which constants are still read afterwards.
	widened := map[string]string{} // output of a dropped Cast -> float16 constant
	clips := map[string][2]float32{}
	read := map[string]bool{}
	for _, n := range nodes {
		switch {
		case isWidening(n, constants):
			widened[n.outputs[0]] = n.inputs[0]
			continue
		case n.op == "Clip" && len(n.inputs) > 1 && len(n.outputs) == 1:
			lo, hi, err := clipLimits(n, constants)
			if err != nil {
				return nil, err
			}
			clips[n.outputs[0]] = [2]float32{lo, hi}
			read[n.inputs[0]] = true
			continue
		}
		for _, in := range n.inputs {
			read[in] = true
		}
	}

	out := make([]byte, 0, 2*len(graph))
	i := 0
	err = eachField(graph, func(f field) error {
		if f.typ != protowire.BytesType || (f.num != graphNode && f.num != graphInitializer) {
			out = append(out, f.raw...)
			return nil
		}
		if f.num == graphInitializer {
			t, err := readTensor(f.bytes)
			if err != nil {
				return err
			}
			if read[t.name] {
				out = append(out, f.raw...)
			}
			return nil
		}
		n := nodes[i]
		i++
		if len(n.outputs) != 1 {
			out = append(out, f.raw...)
			return nil
		}
		name := n.outputs[0]
		if limits, ok := clips[name]; ok {
			clip, err := clipWithAttributes(n, limits)
			if err != nil {
				return err
			}
			out = appendMessage(out, graphNode, clip)
			return nil
		}
		if source, ok := widened[name]; ok {
			wide, err := widen(constants[source], name)
			if err != nil {
				return err
			}
			out = appendMessage(out, graphInitializer, wide)
			return nil
		}
		if _, ok := constants[name]; ok && !read[name] {
			return nil // a Constant that only a Clip or a Cast read
		}
		out = append(out, f.raw...)
		return nil
	})
	return out, err
}

// isWidening reports whether a node turns a float16 constant into a float one.
func isWidening(n node, constants map[string]tensor) bool {
	if n.op != "Cast" || len(n.inputs) != 1 || len(n.outputs) != 1 || !n.castsToFloat() {
		return false
	}
	t, ok := constants[n.inputs[0]]
	return ok && t.elem == elemFloat16
}

// clipLimits reads a Clip node's constant limits; an absent one is infinite.
func clipLimits(n node, constants map[string]tensor) (lo, hi float32, err error) {
	lo, hi = -math.MaxFloat32, math.MaxFloat32
	for i, limit := range []*float32{&lo, &hi} {
		if i+1 >= len(n.inputs) || n.inputs[i+1] == "" {
			continue
		}
		t, ok := constants[n.inputs[i+1]]
		if !ok {
			return 0, 0, fmt.Errorf("clip %q has limits that are not constant", n.outputs[0])
		}
		values, err := t.floats()
		if err != nil {
			return 0, 0, err
		}
		if len(values) != 1 {
			return 0, 0, fmt.Errorf("clip %q has a limit of %d values, want 1", n.outputs[0], len(values))
		}
		*limit = values[0]
	}
	return lo, hi, nil
}

// clipWithAttributes returns the node with its limits as attributes.
func clipWithAttributes(n node, limits [2]float32) ([]byte, error) {
	var out []byte
	inputs := 0
	err := eachField(n.raw, func(f field) error {
		if f.num == nodeInput {
			if inputs++; inputs > 1 {
				return nil
			}
		}
		out = append(out, f.raw...)
		return nil
	})
	for i, name := range []string{"min", "max"} {
		var attr []byte
		attr = protowire.AppendTag(attr, attrName, protowire.BytesType)
		attr = protowire.AppendString(attr, name)
		attr = protowire.AppendTag(attr, attrFloat, protowire.Fixed32Type)
		attr = protowire.AppendFixed32(attr, math.Float32bits(limits[i]))
		attr = protowire.AppendTag(attr, attrType, protowire.VarintType)
		attr = protowire.AppendVarint(attr, attrTypeFloat)
		out = appendMessage(out, nodeAttribute, attr)
	}
	return out, err
}

// widen returns a float TensorProto called name with t's values.
func widen(t tensor, name string) ([]byte, error) {
	values, err := t.floats()
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	var out []byte
	for _, d := range t.dims {
		out = protowire.AppendTag(out, tensorDims, protowire.VarintType)
		out = protowire.AppendVarint(out, d)
	}
	out = protowire.AppendTag(out, tensorDataType, protowire.VarintType)
	out = protowire.AppendVarint(out, elemFloat)
	out = protowire.AppendTag(out, tensorName, protowire.BytesType)
	out = protowire.AppendString(out, name)
	out = protowire.AppendTag(out, tensorRawData, protowire.BytesType)
	out = protowire.AppendBytes(out, raw)
	return out, nil
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
	width := 0
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
