package infer

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxGraph bounds the elements of all values and constants of a graph, half a
// gigabyte of floats. The largest pose network has half as many.
const maxGraph = 1 << 27

// graph is a network that OpenCV is known to run: every operator is one of
// those in operators.go, its parameters are checked and all shapes are
// inferred. It is the only thing that becomes bytes for OpenCV, since gocv lets
// OpenCV's exceptions through and they would end the process.
//
// Value 0 is the input and value i+1 is what step i computes.
type graph struct {
	input   []int // shape
	steps   []step
	outputs []int // values
}

// step is one operator with its parameters.
type step struct {
	op         string
	reads      []int      // values, each computed before
	constants  []constant // further inputs, behind the values
	attributes []attribute
	shape      []int // of the value it computes
}

// constant is a tensor of floats or of whole numbers. Without dimensions it
// stands for an input left out, unless it is a scalar.
type constant struct {
	scalar bool
	dims   []int
	floats []float32
	wholes []int64
}

// attribute is a parameter of a node. Its kind is ONNX' AttributeType.
type attribute struct {
	name   string
	kind   uint64
	float  float32
	whole  int64
	text   string
	ints   []int64
	tensor []byte // TensorProto
}

// shape returns a value's dimensions.
func (g *graph) shape(value int) []int {
	if value == 0 {
		return g.input
	}
	return g.steps[value-1].shape
}

// readGraph checks a model whose signature was read. It refuses whatever
// OpenCV might stumble over: the error names the operator and what it lacks.
func readGraph(model []byte, sig signature) (*graph, error) {
	msg, err := subMessage(model, modelGraph)
	if err != nil {
		return nil, err
	}
	if len(sig.input.shape) != 4 || sig.input.shape[0] != 1 {
		return nil, fmt.Errorf("input %q has shape %v, want one picture (1, channels, height, width)", sig.input.name, sig.input.shape)
	}
	b := builder{
		graph:   &graph{input: sig.input.shape},
		tensors: map[string]tensor{},
		values:  map[string]int{sig.input.name: 0},
		decoded: map[string][]float32{},
		room:    maxGraph - sig.input.size(),
	}
	var nodes []node
	err = eachField(msg, func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		switch f.num {
		case graphInitializer:
			t, err := readTensor(f.bytes)
			if err != nil {
				return err
			}
			return b.addConstant(t)
		case graphNode:
			n, err := readNode(f.bytes)
			nodes = append(nodes, n)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if err := b.addNode(n); err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.op, n.name(), err)
		}
	}
	for _, out := range sig.outputs {
		if err := b.addOutput(out); err != nil {
			return nil, fmt.Errorf("output %q %w", out.name, err)
		}
	}
	return b.graph, nil
}

// builder makes a graph from nodes in their order.
type builder struct {
	*graph
	tensors map[string]tensor // initializers, Constant nodes and casts of these
	values  map[string]int
	decoded map[string][]float32 // weights read so far, which layers may share
	room    int                  // elements that values and constants may still have
}

// addConstant makes a stored tensor known.
func (b *builder) addConstant(t tensor) error {
	if err := b.unknown(t.name); err != nil {
		return err
	}
	b.tensors[t.name] = t
	return nil
}

// unknown says that a name is taken, as ONNX forbids.
func (b *builder) unknown(name string) error {
	_, value := b.values[name]
	_, constant := b.tensors[name]
	if name == "" || value || constant {
		return fmt.Errorf("%q is there twice or has no name", name)
	}
	return nil
}

// addNode checks one node and adds the step that computes it, if it is not a
// constant.
func (b *builder) addNode(n node) error {
	if len(n.outputs) != 1 {
		return fmt.Errorf("%d outputs, want 1", len(n.outputs))
	}
	if n.domain != "" && n.domain != "ai.onnx" {
		return fmt.Errorf("an operator of %q, which opencv does not have", n.domain)
	}
	if err := b.unknown(n.outputs[0]); err != nil {
		return err
	}
	switch n.op {
	case "Constant":
		return b.constantNode(n)
	case "Cast":
		return b.cast(n)
	}
	check, ok := operators[n.op]
	if !ok {
		return errors.New("the opencv engine does not run this operator")
	}
	o := operator{builder: b, node: n, step: step{op: n.op}}
	if err := check(&o); err != nil {
		return err
	}
	if err := o.allRead(); err != nil {
		return err
	}
	if err := b.take(o.step); err != nil {
		return err
	}
	b.steps = append(b.steps, o.step)
	b.values[n.outputs[0]] = len(b.steps)
	return nil
}

// take counts what a step needs, so that a small file cannot ask for all the
// memory there is.
func (b *builder) take(s step) error {
	sizes := [][]int{s.shape}
	for _, c := range s.constants {
		sizes = append(sizes, c.dims)
	}
	for _, dims := range sizes {
		n := 1
		for _, d := range dims {
			if d < 1 || d > b.room/n {
				return fmt.Errorf("shape %v is too large", dims)
			}
			n *= d
		}
		b.room -= n
	}
	return nil
}

// constantNode makes the tensor of a Constant node known.
func (b *builder) constantNode(n node) error {
	if len(n.inputs) != 0 || len(n.attributes) != 1 || n.attributes[0].name != "value" || n.attributes[0].tensor == nil {
		return errors.New("not a tensor")
	}
	t, err := readTensor(n.attributes[0].tensor)
	if err != nil {
		return err
	}
	t.name = n.outputs[0]
	return b.addConstant(t)
}

// cast makes the float tensor of a Cast from a constant known: networks keep
// their weights as float16.
func (b *builder) cast(n node) error {
	if len(n.inputs) != 1 || len(n.attributes) != 1 || n.attributes[0].name != "to" || n.attributes[0].whole != elemFloat {
		return errors.New("not a cast to float")
	}
	t, ok := b.tensors[n.inputs[0]]
	if !ok {
		return fmt.Errorf("%q is not constant", n.inputs[0])
	}
	if t.elem != elemFloat && t.elem != elemFloat16 {
		return fmt.Errorf("constant %q holds element type %d, want float", t.name, t.elem)
	}
	t.name = n.outputs[0]
	return b.addConstant(t)
}

// addOutput checks that an output is computed and has the shape that its file
// says.
func (b *builder) addOutput(out tensorInfo) error {
	value, ok := b.values[out.name]
	switch {
	case !ok || value == 0:
		return errors.New("is not computed")
	case slices.Contains(b.outputs, value):
		return errors.New("is there twice")
	case !slices.Equal(b.shape(value), out.shape):
		return fmt.Errorf("has shape %v, but its operators give %v", out.shape, b.shape(value))
	}
	b.outputs = append(b.outputs, value)
	return nil
}

// node is a NodeProto.
type node struct {
	op         string
	domain     string
	inputs     []string
	outputs    []string
	attributes []attribute
}

// name returns the first output, by which messages name a node.
func (n node) name() string {
	if len(n.outputs) == 0 {
		return ""
	}
	return n.outputs[0]
}

func readNode(msg []byte) (node, error) {
	var n node
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
		case nodeDomain:
			n.domain = string(f.bytes)
		case nodeAttribute:
			a, err := readAttribute(f.bytes)
			n.attributes = append(n.attributes, a)
			return err
		}
		return nil
	})
	return n, err
}

// readAttribute reads an AttributeProto without copying a tensor's data.
func readAttribute(msg []byte) (attribute, error) {
	var a attribute
	err := eachField(msg, func(f field) error {
		switch {
		case f.num == attrName && f.typ == protowire.BytesType:
			a.name = string(f.bytes)
		case f.num == attrType && f.typ == protowire.VarintType:
			a.kind = f.value
		case f.num == attrFloat && f.typ == protowire.Fixed32Type:
			a.float = float32FromBits(f.value)
		case f.num == attrInt && f.typ == protowire.VarintType:
			a.whole = int64(f.value)
		case f.num == attrText && f.typ == protowire.BytesType:
			a.text = string(f.bytes)
		case f.num == attrT && f.typ == protowire.BytesType:
			a.tensor = f.bytes
		case f.num == attrInts:
			return eachNumber(f, protowire.VarintType, func(v uint64) { a.ints = append(a.ints, int64(v)) })
		}
		return nil
	})
	return a, err
}
