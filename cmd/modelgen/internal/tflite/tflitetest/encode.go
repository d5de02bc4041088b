// Package tflitetest writes TensorFlow Lite files for tests.
package tflitetest

import (
	"encoding/binary"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// Encode is the inverse of tflite.Read.
func Encode(m *tflite.Model) []byte {
	e := encoder{flatbuffers.NewBuilder(1024)}
	var codes, buffers, tensors, operators []flatbuffers.UOffsetT
	buffers = append(buffers, e.table(1)) // buffer 0 is the empty one
	for _, t := range m.Tensors {
		buffer := 0
		if t.Data != nil {
			buffer = len(buffers)
			buffers = append(buffers, e.table(1, ref(0, e.CreateByteVector(t.Data))))
		}
		fields := []field{
			ref(0, e.ints(t.Shape)), octet(1, byte(t.Type)), number(2, buffer), ref(3, e.CreateString(t.Name)),
		}
		if t.Sparsity != nil {
			fields = append(fields, ref(6, e.sparsity(t.Sparsity)))
		}
		tensors = append(tensors, e.table(7, fields...))
	}
	for _, op := range m.Operators {
		// Narrow and wide operator code, as current writers fill them.
		code := e.table(4, octet(0, byte(min(op.Code, 127))), number(3, int(op.Code)))
		codes = append(codes, code)
		operators = append(operators, e.table(5,
			number(0, len(codes)-1), ref(1, e.ints(op.Inputs)), ref(2, e.ints(op.Outputs)),
			ref(4, e.options(op.Code, op.Options))))
	}
	graph := e.table(4,
		ref(0, e.refs(tensors)), ref(1, e.ints(m.Inputs)), ref(2, e.ints(m.Outputs)), ref(3, e.refs(operators)))
	root := e.table(5,
		number(0, 3), ref(1, e.refs(codes)), ref(2, e.refs([]flatbuffers.UOffsetT{graph})),
		ref(3, e.CreateString(m.Description)), ref(4, e.refs(buffers)))
	e.FinishWithFileIdentifier(root, []byte("TFL3"))
	return e.FinishedBytes()
}

// Floats are the bytes of a float32 constant.
func Floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Halves are the bytes of a float16 constant: of numbers with few binary
// digits, since nothing is rounded.
func Halves(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		bits := math.Float32bits(v)
		half := uint16(bits >> 16 & 0x8000)
		if v != 0 {
			half |= uint16((int(bits>>23&0xff)-127+15)<<10) | uint16(bits>>13&0x3ff)
		}
		b = binary.LittleEndian.AppendUint16(b, half)
	}
	return b
}

// Ints are the bytes of an int32 constant.
func Ints(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
	}
	return b
}

type encoder struct{ *flatbuffers.Builder }

// field is one field of a table: a byte, a number or a reference.
type field struct {
	id    int
	kind  byte // 'b', 'n', 'r'
	value int
}

func octet(id int, v byte) field                    { return field{id, 'b', int(v)} }
func number(id, v int) field                        { return field{id, 'n', v} }
func ref(id int, offset flatbuffers.UOffsetT) field { return field{id, 'r', int(offset)} }

func flag(id int, v bool) field {
	if v {
		return octet(id, 1)
	}
	return octet(id, 0)
}

// table writes a table with room for n fields; all its references exist.
func (e encoder) table(n int, fields ...field) flatbuffers.UOffsetT {
	e.StartObject(n)
	for _, f := range fields {
		switch f.kind {
		case 'b':
			e.PrependByteSlot(f.id, byte(f.value), 0)
		case 'n':
			e.PrependInt32(int32(f.value)) // never left out: a default of 0 is not every field's
			e.Slot(f.id)
		case 'r':
			e.PrependUOffsetTSlot(f.id, flatbuffers.UOffsetT(f.value), 0)
		}
	}
	return e.EndObject()
}

func (e encoder) ints(values []int) flatbuffers.UOffsetT {
	e.StartVector(4, len(values), 4)
	for i := len(values) - 1; i >= 0; i-- {
		e.PrependInt32(int32(values[i]))
	}
	return e.EndVector(len(values))
}

func (e encoder) refs(offsets []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	e.StartVector(4, len(offsets), 4)
	for i := len(offsets) - 1; i >= 0; i-- {
		e.PrependUOffsetT(offsets[i])
	}
	return e.EndVector(len(offsets))
}

// sparsity writes segments as 32-bit and indices as 8- or 16-bit vectors, so
// that all three kinds of index vector occur.
func (e encoder) sparsity(s *tflite.Sparsity) flatbuffers.UOffsetT {
	var levels []flatbuffers.UOffsetT
	for i, l := range s.Levels {
		if !l.Compressed {
			levels = append(levels, e.table(6, number(1, l.Size)))
			continue
		}
		segments := e.table(1, ref(0, e.ints(l.Segments)))
		kind, width := byte(3), 1
		if i%2 == 1 {
			kind, width = 2, 2
		}
		e.StartVector(width, len(l.Indices), width)
		for k := len(l.Indices) - 1; k >= 0; k-- {
			if width == 1 {
				e.PrependByte(byte(l.Indices[k]))
			} else {
				e.PrependUint16(uint16(l.Indices[k]))
			}
		}
		indices := e.table(1, ref(0, e.EndVector(len(l.Indices))))
		levels = append(levels, e.table(6,
			octet(0, 1), octet(2, 1), ref(3, segments), octet(4, kind), ref(5, indices)))
	}
	fields := []field{ref(0, e.ints(s.Traversal)), ref(2, e.refs(levels))}
	if s.BlockMap != nil {
		fields = append(fields, ref(1, e.ints(s.BlockMap)))
	}
	return e.table(3, fields...)
}

func (e encoder) options(code tflite.OpCode, o tflite.Options) flatbuffers.UOffsetT {
	padding, activation := byte(o.Padding), byte(o.Activation)
	switch code {
	case tflite.Conv2D:
		return e.table(6, octet(0, padding), number(1, o.StrideW), number(2, o.StrideH),
			octet(3, activation), number(4, o.DilationW), number(5, o.DilationH))
	case tflite.DepthwiseConv2D:
		return e.table(7, octet(0, padding), number(1, o.StrideW), number(2, o.StrideH),
			number(3, o.Multiplier), octet(4, activation), number(5, o.DilationW), number(6, o.DilationH))
	case tflite.MaxPool2D:
		return e.table(6, octet(0, padding), number(1, o.StrideW), number(2, o.StrideH),
			number(3, o.FilterW), number(4, o.FilterH), octet(5, activation))
	case tflite.Add:
		return e.table(1, octet(0, activation))
	case tflite.Concatenation:
		return e.table(2, number(0, o.Axis), octet(1, activation))
	case tflite.DepthToSpace:
		return e.table(1, number(0, o.BlockSize))
	case tflite.ResizeBilinear:
		return e.table(4, flag(2, o.AlignCorners), flag(3, o.HalfPixelCenters))
	}
	return e.table(0)
}
