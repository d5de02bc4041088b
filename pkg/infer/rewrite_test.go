package infer

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// A small ONNX writer for tests.

type message []byte

func (m message) bytes(num protowire.Number, b []byte) message { return appendMessage(m, num, b) }
func (m message) str(num protowire.Number, s string) message   { return appendMessage(m, num, []byte(s)) }

func (m message) num(num protowire.Number, v uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), v)
}

func valueInfo(name string, dims ...uint64) message {
	var shape message
	for _, d := range dims {
		shape = shape.bytes(shapeDim, message{}.num(dimValue, d))
	}
	typ := message{}.bytes(typeTensor, message{}.num(tensorElem, elemFloat).bytes(tensorShape, shape))
	return message{}.str(valueInfoName, name).bytes(valueInfoType, typ)
}

func floatTensor(name string, dims []uint64, values ...float32) message {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return constantTensor(name, elemFloat, dims, raw)
}

func halfTensor(name string, dims []uint64, halves ...uint16) message {
	var raw []byte
	for _, h := range halves {
		raw = binary.LittleEndian.AppendUint16(raw, h)
	}
	return constantTensor(name, elemFloat16, dims, raw)
}

func constantTensor(name string, elem uint64, dims []uint64, raw []byte) message {
	var m message
	for _, d := range dims {
		m = m.num(tensorDims, d)
	}
	return m.num(tensorDataType, elem).str(tensorName, name).bytes(tensorRawData, raw)
}

func opNode(op, output string, inputs ...string) message {
	var m message
	for _, in := range inputs {
		m = m.str(nodeInput, in)
	}
	return m.str(nodeOutput, output).str(nodeName, output).str(nodeOpType, op)
}

func castNode(output, input string) message {
	return opNode("Cast", output, input).bytes(nodeAttribute,
		message{}.str(attrName, "to").num(attrInt, elemFloat).num(attrType, 2))
}

func constantNode(output string, t message) message {
	return opNode("Constant", output).bytes(nodeAttribute, message{}.str(attrName, "value").bytes(attrT, t).num(attrType, 4))
}

func onnxModel(graph message) []byte {
	const irVersion, opset = 1, 8
	return message{}.num(irVersion, 8).
		bytes(opset, message{}.str(1, "").num(2, 13)).
		bytes(modelGraph, graph)
}

// clippedConv is y = clip(3·x + 1, 0, 6) pixel by pixel: a 1×1 convolution
// whose weight is a float16 behind a Cast, and a Clip with its limits as
// inputs, one of them a Constant node.
func clippedConv() []byte {
	one := []uint64{1}
	return onnxModel(message{}.
		bytes(graphNode, castNode("w", "w16")).
		bytes(graphNode, castNode("b", "b16")).
		bytes(graphNode, constantNode("six", floatTensor("", nil, 6))).
		bytes(graphNode, opNode("Conv", "c", "x", "w", "b").bytes(nodeAttribute,
			message{}.str(attrName, "kernel_shape").num(8, 1).num(8, 1).num(attrType, 7))).
		bytes(graphNode, opNode("Clip", "y", "c", "zero", "six")).
		str(2, "clipped").
		bytes(graphInitializer, halfTensor("w16", []uint64{1, 1, 1, 1}, 0x4200)). // 3
		bytes(graphInitializer, halfTensor("b16", one, 0x3c00)).                  // 1
		bytes(graphInitializer, floatTensor("zero", nil, 0)).
		bytes(graphInput, valueInfo("x", 1, 1, 2, 3)).
		bytes(graphOutput, valueInfo("y", 1, 1, 2, 3)))
}

// The file as it is in ONNX Runtime and rewritten in OpenCV give the analytic
// answer.
func TestEnginesComputeClippedConv(t *testing.T) {
	in := []float32{-4, -1, 0, 0.5, 1, 40}
	want := []float32{0, 0, 1, 2.5, 4, 6}
	for _, engine := range []Engine{OpenCV, ONNXRuntime} {
		t.Run(string(engine), func(t *testing.T) {
			rt, err := NewRuntime(Options{Engine: engine, Threads: 1})
			if err != nil {
				t.Skip(err)
			}
			net, err := rt.Open(clippedConv())
			if err != nil {
				t.Fatal(err)
			}
			defer net.Close()
			copy(net.Input(), in)
			if err := net.Run(); err != nil {
				t.Fatal(err)
			}
			if got := net.Output(0); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// checked reads a model as the OpenCV engine does.
func checked(model []byte) (*graph, error) {
	sig, err := readSignature(model)
	if err != nil {
		return nil, err
	}
	return readGraph(model, sig)
}

func TestRewriteLeavesNothingToRewrite(t *testing.T) {
	g, err := checked(clippedConv())
	if err != nil {
		t.Fatal(err)
	}
	once, output := g.onnx()
	g, err = checked(once)
	if err != nil {
		t.Fatal(err)
	}
	twice, _ := g.onnx()
	if !slices.Equal(once, twice) {
		t.Error("rewriting again changed something")
	}
	sig, err := readSignature(once)
	if err != nil || sig.input.size() != 6 || len(sig.outputs) != 1 || sig.outputs[0].name != output {
		t.Errorf("signature %+v, %v", sig, err)
	}
}

func TestSignatureRefuses(t *testing.T) {
	out := message{}.bytes(graphNode, opNode("Relu", "y", "a")).bytes(graphOutput, valueInfo("y", 1, 2))
	for _, tt := range []struct {
		name  string
		graph message
		want  string
	}{
		{"no input", out, "network has 0 inputs, want 1"},
		{"two inputs", out.bytes(graphInput, valueInfo("a", 1)).bytes(graphInput, valueInfo("b", 1)), "network has 2 inputs, want 1"},
		{"no outputs", message{}.bytes(graphInput, valueInfo("a", 1)), "network has no outputs"},
		{"free size", out.bytes(graphInput, valueInfo("a", 1, 0)), `"a" has no fixed shape`},
		{"no shape", out.bytes(graphInput, valueInfo("a")), `"a" has no fixed shape`},
		{"size beyond memory", out.bytes(graphInput, valueInfo("a", 1<<20, 1<<20)), `"a" is too large`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readSignature(onnxModel(tt.graph)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	weights := out.bytes(graphInput, valueInfo("a", 0, 2)).bytes(graphInput, valueInfo("w", 1)).
		bytes(graphInitializer, floatTensor("w", []uint64{1}, 1))
	sig, err := readSignature(onnxModel(weights))
	if err != nil || !slices.Equal(sig.input.shape, []int{1, 2}) {
		t.Errorf("weights among the inputs and a free batch size: %+v, %v", sig, err)
	}
}

// Every one of the 65536 halves, against the definition of binary16.
func TestFloat32FromHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		exp, frac := int(h>>10&0x1f), float64(h&0x3ff)
		var want float64
		switch exp {
		case 0:
			want = math.Ldexp(frac, -24)
		case 0x1f:
			want = math.Inf(1)
			if frac != 0 {
				want = math.NaN()
			}
		default:
			want = math.Ldexp(1024+frac, exp-25)
		}
		if h&0x8000 != 0 {
			want = -want
		}
		got := float64(float32FromHalf(h))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(want) {
			t.Fatalf("half %#04x is %g, want %g", h, got, want)
		}
	}
}

// Models that are well-formed but that no engine can run are errors too, and
// not C++ exceptions that end the process.
func TestEnginesRefuseWhatTheyCannotRun(t *testing.T) {
	in, out := valueInfo("x", 1, 1, 2, 3), valueInfo("y", 1, 1, 2, 3)
	graph := func(op message) []byte {
		return onnxModel(message{}.bytes(graphNode, op).str(2, "g").bytes(graphInput, in).bytes(graphOutput, out))
	}
	for _, engine := range []Engine{OpenCV, ONNXRuntime} {
		rt, err := NewRuntime(Options{Engine: engine, Threads: 1})
		if err != nil {
			t.Log(err)
			continue
		}
		for _, tt := range []struct {
			name  string
			model []byte
		}{
			{"unknown operator", graph(opNode("Frobnicate", "y", "x"))},
			{"weights that are not there", graph(opNode("Conv", "y", "x", "w"))},
			{"output that nothing computes", graph(opNode("Relu", "z", "x"))},
			{"value read before it is computed", onnxModel(message{}.bytes(graphNode, opNode("Relu", "y", "z")).
				bytes(graphNode, opNode("Relu", "z", "x")).str(2, "g").bytes(graphInput, in).bytes(graphOutput, out))},
		} {
			t.Run(string(engine)+"/"+tt.name, func(t *testing.T) {
				net, err := rt.Open(tt.model)
				if err == nil {
					err = net.Run()
					net.Close()
				}
				if err == nil {
					t.Fatal("it ran")
				}
				t.Log(err)
			})
		}
	}
}
