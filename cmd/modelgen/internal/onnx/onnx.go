// Package onnx writes ONNX model files: enough of the format for
// convolutional networks with constant shapes.
//
// The numbers are the field ids of onnx/onnx.proto (IR version 7). Output is
// deterministic: the same graph gives the same bytes.
package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// irVersion 7 is the format version that came with opset 13 (ONNX 1.8).
const irVersion = 7

// DataType is the element type of a tensor (TensorProto.DataType).
type DataType int32

// Element types written by this package.
const (
	Float32 DataType = 1
	Int64   DataType = 7
	Float16 DataType = 10
)

// Tensor is a named constant; Data is little-endian and row-major. A nil Dims
// is a scalar.
type Tensor struct {
	Name string
	Type DataType
	Dims []int
	Data []byte
}

// Floats makes a float32 constant.
func Floats(name string, dims []int, values ...float32) Tensor {
	t := Tensor{Name: name, Type: Float32, Dims: dims}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
	}
	return t
}

// Ints makes a one-dimensional int64 constant.
func Ints(name string, values ...int) Tensor {
	t := Tensor{Name: name, Type: Int64, Dims: []int{len(values)}}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(int64(v)))
	}
	return t
}

// Attribute is a named setting of a node. Build it with Int, IntList or Text.
type Attribute struct {
	name  string
	value []byte // encoded AttributeProto without the name
}

// AttributeProto.AttributeType numbers.
const (
	attributeInt    = 2
	attributeString = 3
	attributeInts   = 7
)

// Int is an integer attribute.
func Int(name string, value int) Attribute {
	b := appendVarint(nil, 3, value)
	return Attribute{name, appendVarint(b, 20, attributeInt)}
}

// IntList is an attribute of several integers.
func IntList(name string, values ...int) Attribute {
	var b []byte
	for _, v := range values {
		b = appendVarint(b, 8, v)
	}
	return Attribute{name, appendVarint(b, 20, attributeInts)}
}

// Text is a string attribute.
func Text(name, value string) Attribute {
	b := appendString(nil, 4, value)
	return Attribute{name, appendVarint(b, 20, attributeString)}
}

// Node is one operator with one output, which also names the node.
type Node struct {
	Op         string
	Inputs     []string // "" for an optional input left out
	Output     string
	Attributes []Attribute
}

// Value describes a float32 graph input or output.
type Value struct {
	Name string
	Dims []int
}

// Property is a key and value stored with the model.
type Property struct{ Key, Value string }

// Model is a whole file.
type Model struct {
	Name       string // of the graph
	Doc        string
	Producer   string
	Opset      int
	Properties []Property
	Inputs     []Value
	Outputs    []Value
	Constants  []Tensor
	Nodes      []Node // in execution order
}

// Encode returns the file's bytes (ModelProto).
func (m *Model) Encode() []byte {
	b := appendVarint(nil, 1, irVersion)
	b = appendString(b, 2, m.Producer)
	b = appendString(b, 6, m.Doc)
	b = appendMessage(b, 7, m.graph())
	b = appendMessage(b, 8, appendVarint(nil, 2, m.Opset))
	for _, p := range m.Properties {
		entry := appendString(nil, 1, p.Key)
		b = appendMessage(b, 14, appendString(entry, 2, p.Value))
	}
	return b
}

// graph encodes GraphProto.
func (m *Model) graph() []byte {
	var b []byte
	for _, n := range m.Nodes {
		b = appendMessage(b, 1, n.encode())
	}
	b = appendString(b, 2, m.Name)
	for _, t := range m.Constants {
		b = appendMessage(b, 5, t.encode())
	}
	for _, v := range m.Inputs {
		b = appendMessage(b, 11, v.encode())
	}
	for _, v := range m.Outputs {
		b = appendMessage(b, 12, v.encode())
	}
	return b
}

// encode is NodeProto.
func (n Node) encode() []byte {
	var b []byte
	for _, in := range n.Inputs {
		b = appendString(b, 1, in)
	}
	b = appendString(b, 2, n.Output)
	b = appendString(b, 3, n.Output)
	b = appendString(b, 4, n.Op)
	for _, a := range n.Attributes {
		b = appendMessage(b, 5, append(appendString(nil, 1, a.name), a.value...))
	}
	return b
}

// encode is TensorProto.
func (t Tensor) encode() []byte {
	var b []byte
	for _, d := range t.Dims {
		b = appendVarint(b, 1, d)
	}
	b = appendVarint(b, 2, int(t.Type))
	b = appendString(b, 8, t.Name)
	return appendMessage(b, 9, t.Data)
}

// encode is ValueInfoProto of a float32 TypeProto.Tensor.
func (v Value) encode() []byte {
	var shape []byte
	for _, d := range v.Dims {
		shape = appendMessage(shape, 1, appendVarint(nil, 1, d))
	}
	tensor := appendVarint(nil, 1, int(Float32))
	tensor = appendMessage(tensor, 2, shape)
	b := appendString(nil, 1, v.Name)
	return appendMessage(b, 2, appendMessage(nil, 1, tensor))
}

func appendVarint(b []byte, field protowire.Number, v int) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(int64(v)))
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, message)
}
