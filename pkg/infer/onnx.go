package infer

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The few field numbers of ONNX' protobuf that are read or written here.
// Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const (
	modelIRVersion = 1
	modelGraph     = 7
	modelOpset     = 8

	opsetVersion = 2

	graphNode        = 1
	graphName        = 2
	graphInitializer = 5
	graphInput       = 11
	graphOutput      = 12

	nodeInput     = 1
	nodeOutput    = 2
	nodeName      = 3
	nodeOpType    = 4
	nodeAttribute = 5
	nodeDomain    = 7

	attrName  = 1
	attrFloat = 2
	attrInt   = 3
	attrText  = 4
	attrT     = 5
	attrInts  = 8
	attrType  = 20

	tensorDims      = 1
	tensorDataType  = 2
	tensorFloatData = 4
	tensorInt32Data = 5
	tensorInt64Data = 7
	tensorName      = 8
	tensorRawData   = 9
	tensorLocation  = 14

	valueInfoName = 1
	valueInfoType = 2

	typeTensor  = 1
	tensorElem  = 1
	tensorShape = 2
	shapeDim    = 1
	dimValue    = 1

	elemFloat   = 1
	elemInt64   = 7
	elemFloat16 = 10

	attrTypeFloat  = 1
	attrTypeInt    = 2
	attrTypeString = 3
	attrTypeInts   = 7
)

// maxElements bounds a tensor's size, so that a broken file cannot ask for
// more memory than any network here could need.
const maxElements = 1 << 28

var errTruncated = errors.New("not a complete protobuf message")

// field is one field of a protobuf message: its number, its value and its
// bytes as they stand in the message.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	raw   []byte // tag and value
	bytes []byte // value of a length-delimited field
	value uint64 // value of a varint, fixed32 or fixed64 field
}

// eachField calls f for every field of msg in order.
func eachField(msg []byte, f func(field) error) error {
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return errTruncated
		}
		fd := field{num: num, typ: typ}
		var m int
		switch typ {
		case protowire.VarintType:
			fd.value, m = protowire.ConsumeVarint(msg[n:])
		case protowire.Fixed32Type:
			var v uint32
			v, m = protowire.ConsumeFixed32(msg[n:])
			fd.value = uint64(v)
		case protowire.Fixed64Type:
			fd.value, m = protowire.ConsumeFixed64(msg[n:])
		case protowire.BytesType:
			fd.bytes, m = protowire.ConsumeBytes(msg[n:])
		default:
			m = protowire.ConsumeFieldValue(num, typ, msg[n:])
		}
		if m < 0 {
			return errTruncated
		}
		fd.raw = msg[:n+m]
		if err := f(fd); err != nil {
			return err
		}
		msg = msg[n+m:]
	}
	return nil
}

// subMessage returns the first length-delimited field num of msg.
func subMessage(msg []byte, num protowire.Number) ([]byte, error) {
	var sub []byte
	found := false
	err := eachField(msg, func(f field) error {
		if f.num == num && f.typ == protowire.BytesType && !found {
			sub, found = f.bytes, true
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("field %d is missing", num)
	}
	return sub, err
}

// readSignature reads names and shapes of a network's input and outputs.
func readSignature(model []byte) (signature, error) {
	var sig signature
	graph, err := subMessage(model, modelGraph)
	if err != nil {
		return sig, err
	}
	initializers := map[string]bool{}
	var inputs []tensorInfo
	var nodes []node
	err = eachField(graph, func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		switch f.num {
		case graphInitializer:
			t, err := readTensor(f.bytes)
			initializers[t.name] = true
			return err
		case graphNode:
			n, err := readNode(f.bytes)
			nodes = append(nodes, n)
			return err
		case graphInput, graphOutput:
			t, err := readValueInfo(f.bytes)
			if err != nil {
				return err
			}
			if f.num == graphInput {
				inputs = append(inputs, t)
			} else {
				sig.outputs = append(sig.outputs, t)
			}
		}
		return nil
	})
	if err != nil {
		return sig, err
	}
	// Old files list their weights among the inputs.
	free := inputs[:0]
	for _, in := range inputs {
		if !initializers[in.name] {
			free = append(free, in)
		}
	}
	if len(free) != 1 {
		return sig, fmt.Errorf("network has %d inputs, want 1", len(free))
	}
	if len(sig.outputs) == 0 {
		return sig, errors.New("network has no outputs")
	}
	sig.input = free[0]
	return sig, checkFlow(sig, nodes, initializers)
}

// checkFlow says whether every value is there before it is read, as ONNX
// demands. OpenCV 4.6 does not check and follows null pointers instead.
func checkFlow(sig signature, nodes []node, constants map[string]bool) error {
	known := map[string]bool{"": true, sig.input.name: true} // "" is an input left out
	for _, n := range nodes {
		for _, in := range n.inputs {
			if !known[in] && !constants[in] {
				return fmt.Errorf("%s reads %q, which nothing before it computes", n.op, in)
			}
		}
		for _, out := range n.outputs {
			known[out] = true
		}
	}
	for _, out := range sig.outputs {
		if !known[out.name] {
			return fmt.Errorf("nothing computes the output %q", out.name)
		}
	}
	return nil
}

// readValueInfo reads a float tensor's name and shape.
func readValueInfo(msg []byte) (tensorInfo, error) {
	var info tensorInfo
	var typ []byte
	err := eachField(msg, func(f field) error {
		switch {
		case f.num == valueInfoName && f.typ == protowire.BytesType:
			info.name = string(f.bytes)
		case f.num == valueInfoType && f.typ == protowire.BytesType:
			typ = f.bytes
		}
		return nil
	})
	if err != nil {
		return info, err
	}
	tensor, err := subMessage(typ, typeTensor)
	if err != nil {
		return info, fmt.Errorf("%q is not a tensor", info.name)
	}
	elem := uint64(0)
	var shape []byte
	err = eachField(tensor, func(f field) error {
		switch {
		case f.num == tensorElem && f.typ == protowire.VarintType:
			elem = f.value
		case f.num == tensorShape && f.typ == protowire.BytesType:
			shape = f.bytes
		}
		return nil
	})
	if err != nil {
		return info, err
	}
	if elem != elemFloat {
		return info, fmt.Errorf("%q holds element type %d, want float", info.name, elem)
	}
	size := uint64(1)
	err = eachField(shape, func(f field) error {
		if f.num != shapeDim || f.typ != protowire.BytesType {
			return nil
		}
		dim := uint64(0)
		if err := eachField(f.bytes, func(d field) error {
			if d.num == dimValue && d.typ == protowire.VarintType {
				dim = d.value
			}
			return nil
		}); err != nil {
			return err
		}
		if dim == 0 && len(info.shape) == 0 {
			dim = 1 // a free batch size
		}
		if dim == 0 || dim > maxElements {
			return fmt.Errorf("%q has no fixed shape", info.name)
		}
		if size *= dim; size > maxElements {
			return fmt.Errorf("%q is too large", info.name)
		}
		info.shape = append(info.shape, int(dim))
		return nil
	})
	if err == nil && len(info.shape) == 0 {
		err = fmt.Errorf("%q has no fixed shape", info.name)
	}
	return info, err
}

// tensor is a stored constant.
type tensor struct {
	name   string
	elem   uint64
	dims   []uint64
	raw    []byte
	ints   []uint64  // int32_data, which also holds float16 bit patterns
	int64s []int64   // int64_data
	f32    []float32 // float_data
	ext    bool      // the data lie in another file
}

// elements returns the number that the dimensions promise.
func (t *tensor) elements() (int, error) {
	n := uint64(1)
	for _, d := range t.dims {
		if d > maxElements {
			return 0, fmt.Errorf("constant %q is too large", t.name)
		}
		if n *= d; n > maxElements {
			return 0, fmt.Errorf("constant %q is too large", t.name)
		}
	}
	return int(n), nil
}

// readTensor reads a TensorProto without copying its data.
func readTensor(msg []byte) (tensor, error) {
	var t tensor
	err := eachField(msg, func(f field) error {
		switch {
		case f.num == tensorName && f.typ == protowire.BytesType:
			t.name = string(f.bytes)
		case f.num == tensorDataType && f.typ == protowire.VarintType:
			t.elem = f.value
		case f.num == tensorRawData && f.typ == protowire.BytesType:
			t.raw = f.bytes
		case f.num == tensorLocation && f.typ == protowire.VarintType:
			t.ext = f.value != 0
		case f.num == tensorDims:
			return eachNumber(f, protowire.VarintType, func(v uint64) { t.dims = append(t.dims, v) })
		case f.num == tensorInt32Data:
			return eachNumber(f, protowire.VarintType, func(v uint64) { t.ints = append(t.ints, v) })
		case f.num == tensorInt64Data:
			return eachNumber(f, protowire.VarintType, func(v uint64) { t.int64s = append(t.int64s, int64(v)) })
		case f.num == tensorFloatData:
			return eachNumber(f, protowire.Fixed32Type, func(v uint64) { t.f32 = append(t.f32, float32FromBits(v)) })
		}
		return nil
	})
	return t, err
}

// eachNumber calls fn for each value of a repeated number, packed or not.
func eachNumber(f field, typ protowire.Type, fn func(uint64)) error {
	if f.typ == typ {
		fn(f.value)
		return nil
	}
	if f.typ != protowire.BytesType {
		return errTruncated
	}
	for b := f.bytes; len(b) > 0; {
		var v uint64
		var n int
		if typ == protowire.VarintType {
			v, n = protowire.ConsumeVarint(b)
		} else {
			var v32 uint32
			v32, n = protowire.ConsumeFixed32(b)
			v = uint64(v32)
		}
		if n < 0 {
			return errTruncated
		}
		fn(v)
		b = b[n:]
	}
	return nil
}
