package infer

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func ints(name string, values ...uint64) message {
	m := message{}.str(attrName, name)
	for _, v := range values {
		m = m.num(attrInts, v)
	}
	return m.num(attrType, attrTypeInts)
}

func whole(name string, v uint64) message {
	return message{}.str(attrName, name).num(attrInt, v).num(attrType, attrTypeInt)
}

func text(name, v string) message {
	return message{}.str(attrName, name).str(attrText, v).num(attrType, attrTypeString)
}

func (m message) with(attributes ...message) message {
	for _, a := range attributes {
		m = m.bytes(nodeAttribute, a)
	}
	return m
}

func wholeTensor(name string, values ...int64) message {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return constantTensor(name, elemInt64, []uint64{uint64(len(values))}, raw)
}

// single is a network of one operator that reads "x" of shape (1, 4, 6, 8)
// and computes "y", with its constants.
func single(node message, out []uint64, constants ...message) []byte {
	g := message{}.bytes(graphNode, node).str(graphName, "g")
	for _, c := range constants {
		g = g.bytes(graphInitializer, c)
	}
	return onnxModel(g.bytes(graphInput, valueInfo("x", 1, 4, 6, 8)).bytes(graphOutput, valueInfo("y", out...)))
}

// ramp is a float constant of a shape, its values all different.
func ramp(name string, dims ...uint64) message {
	n := uint64(1)
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(math.Sin(float64(1 + i)))
	}
	return floatTensor(name, dims, values...)
}

func resizeNode(attributes ...message) message {
	return opNode("Resize", "y", "x", "", "s").with(attributes...)
}

// operatorModels has a network of each operator, in the forms that the pose
// networks do not have, too.
func operatorModels() map[string][]byte {
	same := []uint64{1, 4, 6, 8}
	halfPixel := []message{text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel")}
	return map[string][]byte{
		"relu":                single(opNode("Relu", "y", "x"), same),
		"sigmoid":             single(opNode("Sigmoid", "y", "x"), same),
		"twice the same":      single(opNode("Add", "y", "x", "x"), same),
		"clip without limits": single(opNode("Clip", "y", "x"), same),
		"clip below":          single(opNode("Clip", "y", "x", "lo"), same, floatTensor("lo", nil, 0.25)),
		"clip to one value":   single(opNode("Clip", "y", "x", "lo", "lo"), same, floatTensor("lo", []uint64{1}, 0.25)),
		"concat":              single(opNode("Concat", "y", "x", "x").with(whole("axis", 1)), []uint64{1, 8, 6, 8}),
		"concat rows":         single(opNode("Concat", "y", "x", "x", "x").with(whole("axis", math.MaxUint64-1)), []uint64{1, 4, 18, 8}),
		"conv":                single(opNode("Conv", "y", "x", "w"), []uint64{1, 5, 4, 6}, ramp("w", 5, 4, 3, 3)),
		"conv uneven":         single(opNode("Conv", "y", "x", "w", "b").with(ints("pads", 0, 1, 1, 0), ints("strides", 2, 1)), []uint64{1, 3, 3, 6}, ramp("w", 3, 4, 3, 4), ramp("b", 3)),
		"conv by channel":     single(opNode("Conv", "y", "x", "w").with(whole("group", 4), ints("pads", 2, 2, 2, 2)), []uint64{1, 4, 6, 8}, ramp("w", 4, 1, 5, 5)),
		"conv in groups":      single(opNode("Conv", "y", "x", "w").with(whole("group", 2), ints("strides", 3, 5)), []uint64{1, 6, 2, 2}, ramp("w", 6, 2, 1, 1)),
		"conv of all":         single(opNode("Conv", "y", "x", "w"), []uint64{1, 2, 1, 1}, ramp("w", 2, 4, 6, 8)),
		"depth to space":      single(opNode("DepthToSpace", "y", "x").with(whole("blocksize", 2)), []uint64{1, 1, 12, 16}),
		"max pool":            single(opNode("MaxPool", "y", "x").with(ints("kernel_shape", 3, 2), ints("strides", 2, 3)), []uint64{1, 4, 2, 3}),
		"pad":                 single(opNode("Pad", "y", "x", "p"), []uint64{1, 7, 9, 13}, wholeTensor("p", 0, 1, 0, 2, 0, 2, 3, 3)),
		"pad nothing":         single(opNode("Pad", "y", "x", "p").with(text("mode", "constant")), same, wholeTensor("p", 0, 0, 0, 0, 0, 0, 0, 0)),
		"reshape":             single(opNode("Reshape", "y", "x", "s"), []uint64{1, 4, 48}, wholeTensor("s", 0, 0, -1)),
		"reshape flat":        single(opNode("Reshape", "y", "x", "s"), []uint64{1, 192}, wholeTensor("s", 1, 192)),
		"resize":              single(resizeNode(halfPixel...), []uint64{1, 4, 12, 24}, floatTensor("s", []uint64{4}, 1, 1, 2, 3)),
		"resize to the same":  single(resizeNode(halfPixel...), same, floatTensor("s", []uint64{4}, 1, 1, 1, 1)),
		"transpose":           single(opNode("Transpose", "y", "x").with(ints("perm", 0, 2, 3, 1)), []uint64{1, 6, 8, 4}),
		"transpose to itself": single(opNode("Transpose", "y", "x").with(ints("perm", 0, 1, 2, 3)), same),
	}
}

// engines returns a one-thread runtime of OpenCV and, if there is one, of ONNX
// Runtime.
func engines(t testing.TB) []*Runtime {
	t.Helper()
	var rts []*Runtime
	for _, engine := range []Engine{OpenCV, ONNXRuntime} {
		rt, err := NewRuntime(Options{Engine: engine, Threads: 1})
		switch {
		case err == nil:
			rts = append(rts, rt)
		case engine == OpenCV:
			t.Fatal(err)
		default:
			t.Log(err)
		}
	}
	return rts
}

// run gives a network's outputs for an input between -1 and 1.
func run(t testing.TB, rt *Runtime, model []byte, seed uint64) [][]float32 {
	t.Helper()
	net, err := rt.Open(model)
	if err != nil {
		t.Fatalf("%s: %v", rt.Engine(), err)
	}
	defer net.Close()
	rng := rand.New(rand.NewPCG(seed, 2))
	for i := range net.Input() {
		net.Input()[i] = 2*rng.Float32() - 1
	}
	var outputs [][]float32
	for range 2 { // buffers are used again
		if err := net.Run(); err != nil {
			t.Fatalf("%s: %v", rt.Engine(), err)
		}
	}
	for i := range net.Outputs() {
		outputs = append(outputs, slices.Clone(net.Output(i)))
	}
	return outputs
}

// agree compares outputs up to the order of sums in float32.
func agree(t testing.TB, a, b [][]float32) {
	t.Helper()
	for i := range a {
		if len(a[i]) != len(b[i]) {
			t.Fatalf("output %d: %d and %d values", i, len(a[i]), len(b[i]))
		}
		largest, apart := 1.0, 0.0
		for k := range a[i] {
			largest = max(largest, math.Abs(float64(a[i][k])))
			apart = max(apart, math.Abs(float64(a[i][k]-b[i][k])))
		}
		if !(apart <= 1e-4*largest) {
			t.Errorf("output %d: engines lie %g apart, largest value %g", i, apart, largest)
		}
	}
}

// Every operator that the OpenCV engine lets through runs there, and means
// what ONNX Runtime takes it to mean.
func TestOperators(t *testing.T) {
	rts := engines(t)
	models := operatorModels()
	untested := slices.Collect(maps.Keys(operators))
	for _, model := range models {
		op := firstOp(t, model)
		untested = slices.DeleteFunc(untested, func(o string) bool { return o == op })
	}
	if len(untested) > 0 {
		t.Errorf("no test of %v", untested)
	}
	for name, model := range models {
		t.Run(name, func(t *testing.T) {
			first := run(t, rts[0], model, 1)
			for _, rt := range rts[1:] {
				agree(t, first, run(t, rt, model, 1))
			}
		})
	}
}

func firstOp(t testing.TB, model []byte) string {
	g, err := checked(model)
	if err != nil {
		t.Fatal(err)
	}
	return g.steps[0].op
}

// randomModel strings operators together that fit, at random: values are read
// once, twice or by nobody, outputs lie anywhere in the network.
func randomModel(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 3))
	pick := func(lo, hi int) uint64 { return uint64(lo + rng.IntN(hi-lo+1)) }
	type value struct {
		name  string
		shape []uint64
	}
	known := []value{{"x", []uint64{1, 4 * pick(1, 3), pick(1, 9), pick(1, 9)}}}
	padded := map[string]bool{}
	g := message{}.str(graphName, "g").bytes(graphInput, valueInfo("x", known[0].shape...))
	for i := range 2 + rng.IntN(14) {
		name := fmt.Sprintf("n%d", i)
		// Mostly the newest, so that the network is deep and layers can be fused.
		from := known[max(0, len(known)-1-rng.IntN(1+rng.IntN(4)))]
		shape, node := slices.Clone(from.shape), message(nil)
		if len(shape) != 4 {
			known = append(known, value{name, shape})
			g = g.bytes(graphNode, opNode("Relu", name, from.name))
			continue
		}
		c, h, w := shape[1], shape[2], shape[3]
		switch rng.IntN(13) {
		case 0:
			node = opNode([]string{"Relu", "Sigmoid"}[rng.IntN(2)], name, from.name)
		case 1, 2:
			node = opNode("Clip", name, from.name, "zero", "six")
		case 3, 4:
			other := from
			for _, v := range known {
				if slices.Equal(v.shape, shape) && rng.IntN(2) == 0 {
					other = v
				}
			}
			node = opNode("Add", name, from.name, other.name)
		case 5:
			axis := 1 + rng.IntN(3)
			node = opNode("Concat", name, from.name, from.name).with(whole("axis", uint64(axis)))
			for _, v := range known {
				fits := slices.Clone(v.shape)
				if len(fits) == 4 {
					fits[axis] = shape[axis]
				}
				if slices.Equal(fits, shape) && rng.IntN(2) == 0 {
					node = opNode("Concat", name, from.name, v.name).with(whole("axis", uint64(axis)))
					shape[axis] += v.shape[axis]
					break
				}
			}
			if shape[axis] == from.shape[axis] {
				shape[axis] *= 2
			}
		case 6, 7:
			group, out := uint64(1), pick(1, 8)
			if rng.IntN(2) == 0 {
				group, out = c, c*pick(1, 2)
			}
			kh, kw := min(h, pick(1, 3)), min(w, pick(1, 3))
			sh, sw := pick(1, 2), pick(1, 2)
			pads := make([]uint64, 4)
			for p := range pads {
				pads[p] = pick(0, int(min(kh, kw))-1)
			}
			g = g.bytes(graphInitializer, ramp(name+"w", out, c/group, kh, kw)).bytes(graphInitializer, ramp(name+"b", out))
			node = opNode("Conv", name, from.name, name+"w", name+"b").with(whole("group", group), ints("strides", sh, sw), ints("pads", pads...))
			shape = []uint64{1, out, (h+pads[0]+pads[2]-kh)/sh + 1, (w+pads[1]+pads[3]-kw)/sw + 1}
		case 8:
			if c%4 != 0 {
				continue
			}
			node = opNode("DepthToSpace", name, from.name).with(whole("blocksize", 2), text("mode", "DCR"))
			shape = []uint64{1, c / 4, 2 * h, 2 * w}
		case 9:
			if padded[from.name] {
				continue // ONNX Runtime 1.30 fuses the two and takes the zeros for nothing
			}
			kh, kw, sh, sw := min(h, pick(1, 3)), min(w, pick(1, 3)), pick(1, 3), pick(1, 3)
			node = opNode("MaxPool", name, from.name).with(ints("kernel_shape", kh, kw), ints("strides", sh, sw))
			shape = []uint64{1, c, (h-kh)/sh + 1, (w-kw)/sw + 1}
		case 10:
			dc, dh := pick(0, 2), pick(0, 2)
			g = g.bytes(graphInitializer, wholeTensor(name+"p", 0, int64(dc), 0, int64(dh), 0, 0, 1, 0))
			node = opNode("Pad", name, from.name, name+"p")
			padded[name] = true
			shape = []uint64{1, c + dc, h + 1, w + dh}
		case 11:
			if h*w > 400 {
				continue
			}
			fh, fw := pick(1, 3), pick(1, 3)
			g = g.bytes(graphInitializer, floatTensor(name+"s", []uint64{4}, 1, 1, float32(fh), float32(fw)))
			node = opNode("Resize", name, from.name, "", name+"s").with(text("mode", "linear"), text("coordinate_transformation_mode", "half_pixel"))
			shape = []uint64{1, c, h * fh, w * fw}
		case 12:
			if rng.IntN(2) == 0 {
				perm := []uint64{0, 1, 2, 3}
				rng.Shuffle(3, func(a, b int) { perm[1+a], perm[1+b] = perm[1+b], perm[1+a] })
				node = opNode("Transpose", name, from.name).with(ints("perm", perm...))
				shape = []uint64{1, shape[perm[1]], shape[perm[2]], shape[perm[3]]}
				break
			}
			g = g.bytes(graphInitializer, wholeTensor(name+"s", 1, -1, int64(h)))
			node = opNode("Reshape", name, from.name, name+"s")
			shape = []uint64{1, c * w, h}
		}
		g = g.bytes(graphNode, node)
		known = append(known, value{name, shape})
	}
	g = g.bytes(graphInitializer, floatTensor("zero", nil, 0)).bytes(graphInitializer, floatTensor("six", nil, 0.5))
	last := len(known) - 1
	if last == 0 { // nothing drawn did fit
		return operatorModels()["relu"]
	}
	for i, v := range known[1:] {
		if 1+i == last || rng.IntN(4) == 0 {
			g = g.bytes(graphOutput, valueInfo(v.name, v.shape...))
		}
	}
	return onnxModel(g)
}

// Whatever the check lets through, OpenCV runs: an exception would end this
// test's process.
func TestRandomNetworks(t *testing.T) {
	rts := engines(t)
	for seed := range uint64(150) {
		model := randomModel(seed)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			first := run(t, rts[0], model, seed)
			for _, rt := range rts[1:] {
				agree(t, first, run(t, rt, model, seed))
			}
		})
	}
}

func TestGraphRefuses(t *testing.T) {
	same := []uint64{1, 4, 6, 8}
	halfPixel := text("coordinate_transformation_mode", "half_pixel")
	relu := opNode("Relu", "y", "x")
	clip := func(limits message) []byte { return single(opNode("Clip", "y", "x", "lo"), same, limits) }
	conv := func(w message, attributes ...message) []byte {
		return single(opNode("Conv", "y", "x", "w").with(attributes...), same, w)
	}
	for _, tt := range []struct {
		name  string
		model []byte
		want  string
	}{
		{"no graph", message{}.num(1, 8), `field 7 is missing`},
		{"input of another rank", onnxModel(message{}.bytes(graphNode, relu).bytes(graphInput, valueInfo("x", 1, 4)).bytes(graphOutput, valueInfo("y", 1, 4))), `input "x" has shape [1 4], want one picture (1, channels, height, width)`},
		{"input of two pictures", onnxModel(message{}.bytes(graphNode, relu).bytes(graphInput, valueInfo("x", 2, 1, 1, 1)).bytes(graphOutput, valueInfo("y", 2, 1, 1, 1))), `input "x" has shape [2 1 1 1], want one picture (1, channels, height, width)`},
		{"operator of another domain", single(relu.str(nodeDomain, "com.example"), same), `Relu "y": an operator of "com.example", which opencv does not have`},
		{"operator unknown", single(opNode("Gemm", "y", "x"), same), `Gemm "y": the opencv engine does not run this operator`},
		{"two outputs", single(relu.str(nodeOutput, "z"), same), `Relu "y": 2 outputs, want 1`},
		{"output with the input's name", onnxModel(message{}.bytes(graphNode, opNode("Relu", "x", "x")).bytes(graphInput, valueInfo("x", same...)).bytes(graphOutput, valueInfo("x", same...))), `Relu "x": "x" is there twice or has no name`},
		{"output computed twice", onnxModel(message{}.bytes(graphNode, relu).bytes(graphNode, relu).bytes(graphInput, valueInfo("x", same...)).bytes(graphOutput, valueInfo("y", same...))), `Relu "y": "y" is there twice or has no name`},
		{"output is the input", onnxModel(message{}.bytes(graphInput, valueInfo("x", same...)).bytes(graphOutput, valueInfo("x", same...))), `output "x" is not computed`},
		{"output named twice", onnxModel(message{}.bytes(graphNode, relu).bytes(graphInput, valueInfo("x", same...)).bytes(graphOutput, valueInfo("y", same...)).bytes(graphOutput, valueInfo("y", same...))), `output "y" is there twice`},
		{"output of another shape", single(relu, []uint64{1, 4, 6, 9}), `output "y" has shape [1 4 6 9], but its operators give [1 4 6 8]`},
		{"attribute unknown", single(relu.with(whole("axis", 1)), same), `Relu "y": attribute "axis" is not known`},
		{"attribute of another type", single(opNode("Concat", "y", "x", "x").with(ints("axis", 1)), same), `Concat "y": attribute axis has type 7, want 2`},
		{"attribute twice", single(opNode("Concat", "y", "x", "x").with(whole("axis", 1), whole("axis", 2)), same), `Concat "y": an attribute is there twice`},
		{"constant for a value", single(opNode("Relu", "y", "c"), same, ramp("c", 1, 4, 6, 8)), `Relu "y": "c" is not computed before`},
		{"cast of a value", single(castNode("y", "x"), same), `Cast "y": "x" is not constant`},
		{"shapes that differ", onnxModel(message{}.bytes(graphNode, opNode("Concat", "c", "x", "x").with(whole("axis", 1))).bytes(graphNode, opNode("Add", "y", "x", "c")).bytes(graphInput, valueInfo("x", same...)).bytes(graphOutput, valueInfo("y", same...))), `Add "y": shapes [1 4 6 8] and [1 8 6 8] differ`},
		{"concat of pictures", single(opNode("Concat", "y", "x", "x").with(whole("axis", 0)), same), `Concat "y": axis 0, want another than the pictures'`},
		{"concat of nothing", single(opNode("Concat", "y", "x").with(whole("axis", 1)), same), `Concat "y": 1 inputs, want 2 or more`},

		{"limit not constant", single(opNode("Clip", "y", "x", "x"), same), `Clip "y": "x" is not constant`},
		{"limit of two values", clip(floatTensor("lo", []uint64{2}, 0, 1)), `Clip "y": a limit of 2 values, want 1`},
		{"limit of whole numbers", clip(constantTensor("lo", elemInt64, nil, make([]byte, 8))), `Clip "y": constant "lo" holds element type 7, want float`},
		{"fewer values than the shape says", clip(floatTensor("lo", []uint64{3}, 0)), `Clip "y": constant "lo" does not hold the 3 values its shape says`},
		{"size beyond memory", clip(floatTensor("lo", []uint64{1 << 40, 1 << 40}, 0)), `Clip "y": constant "lo" is too large`},
		{"data elsewhere", clip(floatTensor("lo", nil, 0).num(tensorLocation, 1)), `Clip "y": constant "lo" lies in another file`},
		{"limit not a number", clip(floatTensor("lo", nil, float32(math.NaN()))), `Clip "y": limits from NaN to 3.4028235e+38`},

		{"channels that do not fit", conv(ramp("w", 4, 3, 1, 1)), `Conv "y": weights of shape [4 3 1 1] in 1 groups for 4 channels`},
		{"groups that do not fit", conv(ramp("w", 3, 2, 1, 1), whole("group", 2)), `Conv "y": weights of shape [3 2 1 1] in 2 groups for 4 channels`},
		{"no groups", conv(ramp("w", 4, 4, 1, 1), whole("group", 0)), `Conv "y": group [0], want numbers from 1 to 4`},
		{"kernel of another shape", conv(ramp("w", 4, 4, 3, 3), ints("kernel_shape", 1, 1)), `Conv "y": kernel_shape [1 1] for weights of shape [4 4 3 3]`},
		{"kernel larger than the picture", conv(ramp("w", 4, 4, 7, 1)), `Conv "y": a kernel of [7 1] is larger than its input of shape [1 4 6 8]`},
		{"weights without values", conv(floatTensor("w", []uint64{0, 4, 1, 1})), `Conv "y": constant "w" is empty`},
		{"weights of another rank", conv(ramp("w", 4, 4)), `Conv "y": weights of shape [4 4], want 4 dimensions`},
		{"stride of 0", conv(ramp("w", 4, 4, 1, 1), ints("strides", 0, 1)), `Conv "y": strides [0 1], want numbers from 1 to 64`},
		{"negative pads", conv(ramp("w", 4, 4, 3, 3), ints("pads", 0, 0, 0, math.MaxUint64)), `Conv "y": pads [0 0 0 -1], want numbers from 0 to 2`},
		{"pads beyond the kernel", conv(ramp("w", 4, 4, 3, 3), ints("pads", 3, 0, 0, 0)), `Conv "y": pads [3 0 0 0], want numbers from 0 to 2`},
		{"too few pads", conv(ramp("w", 4, 4, 3, 3), ints("pads", 1, 1)), `Conv "y": pads [1 1], want 4 numbers`},
		{"dilated", conv(ramp("w", 4, 4, 3, 3), ints("dilations", 2, 2)), `Conv "y": dilations [2 2], want numbers from 1 to 1`},
		{"pads left to the engine", conv(ramp("w", 4, 4, 3, 3), text("auto_pad", "SAME_UPPER")), `Conv "y": auto_pad "SAME_UPPER", want "NOTSET"`},
		{"bias that does not fit", single(opNode("Conv", "y", "x", "w", "b"), same, ramp("w", 4, 4, 1, 1), ramp("b", 3)), `Conv "y": bias of shape [3] for weights of shape [4 4 1 1]`},

		{"pool without a kernel", single(opNode("MaxPool", "y", "x"), same), `MaxPool "y": kernel_shape is missing`},
		{"pool larger than the picture", single(opNode("MaxPool", "y", "x").with(ints("kernel_shape", 1, 9)), same), `MaxPool "y": a kernel of [1 9] is larger than its input of shape [1 4 6 8]`},
		{"pool rounding up", single(opNode("MaxPool", "y", "x").with(ints("kernel_shape", 2, 2), whole("ceil_mode", 1)), same), `MaxPool "y": ceil_mode [1], want numbers from 0 to 0`},
		{"blocks that do not fit", single(opNode("DepthToSpace", "y", "x").with(whole("blocksize", 3)), same), `DepthToSpace "y": blocksize 3 for 4 channels`},
		{"blocks in another order", single(opNode("DepthToSpace", "y", "x").with(whole("blocksize", 2), text("mode", "CRD")), same), `DepthToSpace "y": mode "CRD", want "DCR"`},
		{"pads that add pictures", single(opNode("Pad", "y", "x", "p"), same, wholeTensor("p", 1, 0, 0, 0, 0, 0, 0, 0)), `Pad "y": pads [1 0 0 0 0 0 0 0] add pictures`},
		{"pads that cut", single(opNode("Pad", "y", "x", "p"), same, wholeTensor("p", 0, 0, 0, 0, 0, 0, 0, -1)), `Pad "y": pads [0 0 0 0 0 0 0 -1], want numbers from 0 to 134217728`},
		{"pads beyond memory", single(opNode("Pad", "y", "x", "p"), same, wholeTensor("p", 0, 1<<26, 0, 1<<26, 0, 0, 0, 0)), `Pad "y": shape [1 67108868 6 67108872] is too large`},
		{"reshape to another size", single(opNode("Reshape", "y", "x", "s"), same, wholeTensor("s", 1, 191)), `Reshape "y": shape [1 191] cannot be had from [1 4 6 8]`},
		{"reshape to what is left, uneven", single(opNode("Reshape", "y", "x", "s"), same, wholeTensor("s", 1, 5, -1)), `Reshape "y": shape [1 5 -1] cannot be had from [1 4 6 8]`},
		{"reshape twice to what is left", single(opNode("Reshape", "y", "x", "s"), same, wholeTensor("s", 1, -1, -1)), `Reshape "y": shape [1 -1 -1] cannot be had`},
		{"reshape to huge sizes", single(opNode("Reshape", "y", "x", "s"), same, wholeTensor("s", 1<<27, 1<<27, 1<<27, -1)), `Reshape "y": shape [134217728 134217728 134217728 -1] cannot be had from [1 4 6 8]`},
		{"reshape to many pictures", single(opNode("Reshape", "y", "x", "s"), same, wholeTensor("s", 4, 48)), `Reshape "y": shape [4 48] cannot be had from [1 4 6 8]`},
		{"reshape by floats", single(opNode("Reshape", "y", "x", "s"), same, ramp("s", 2)), `Reshape "y": constant "s" holds element type 1, want int64`},
		{"reduction", single(resizeNode(text("mode", "linear"), halfPixel), same, floatTensor("s", []uint64{4}, 1, 1, 0.5, 1)), `Resize "y": scales [1 1 0.5 1], want whole numbers from 1 to 64`},
		{"more channels", single(resizeNode(text("mode", "linear"), halfPixel), same, floatTensor("s", []uint64{4}, 1, 2, 1, 1)), `Resize "y": scales [1 2 1 1], want those of height and width`},
		{"nearest", single(resizeNode(halfPixel), same, floatTensor("s", []uint64{4}, 1, 1, 2, 2)), `Resize "y": mode is not "linear"`},
		{"corners aligned", single(resizeNode(text("mode", "linear"), text("coordinate_transformation_mode", "align_corners")), same, floatTensor("s", []uint64{4}, 1, 1, 2, 2)), `Resize "y": coordinate_transformation_mode "align_corners", want "half_pixel"`},
		{"axis twice", single(opNode("Transpose", "y", "x").with(ints("perm", 0, 1, 1, 2)), same), `Transpose "y": perm [0 1 1 2], want all axes once and the pictures' first`},
		{"no perm", single(opNode("Transpose", "y", "x"), same), `Transpose "y": perm [-1 -1 -1 -1], want all axes once and the pictures' first`},
		{"axis beyond", single(opNode("Transpose", "y", "x").with(ints("perm", 0, 1, 2, 4)), same), `Transpose "y": perm [0 1 2 4], want numbers from 0 to 3`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := checked(tt.model); err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

// Weights that many operators share are written for each; what a file can ask
// for has an end all the same.
func TestGraphBoundsMemory(t *testing.T) {
	const layers = 400
	g := message{}.bytes(graphInitializer, ramp("w", 1000, 1000, 1, 1)).bytes(graphInput, valueInfo("l0", 1, 1000, 1, 1))
	for i := range layers {
		g = g.bytes(graphNode, opNode("Conv", fmt.Sprintf("l%d", i+1), fmt.Sprintf("l%d", i), "w"))
	}
	g = g.bytes(graphOutput, valueInfo(fmt.Sprintf("l%d", layers), 1, 1000, 1, 1))
	_, err := checked(onnxModel(g))
	if want := `Conv "l135": shape [1000 1000 1 1] is too large`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Whatever the bytes are, they are refused with a message, or OpenCV runs the
// network. An exception ends the process, which the fuzzer sees.
func FuzzOpenCV(f *testing.F) {
	whole := clippedConv()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Add([]byte(message{}.bytes(modelGraph, message{}.bytes(graphNode, castNode("a", "a")).bytes(graphInitializer, halfTensor("a", []uint64{1}, 1)))))
	f.Add(onnxModel(message{}.bytes(graphNode, opNode("Clip", "", "", "")).bytes(graphNode, opNode("Constant", ""))))
	for _, model := range operatorModels() {
		f.Add(model)
	}
	for seed := range uint64(20) {
		f.Add(randomModel(seed))
	}
	rt, err := NewRuntime(Options{Engine: OpenCV, Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, model []byte) {
		g, err := checked(model)
		if err != nil || work(g) > 1<<22 {
			return
		}
		net, err := rt.Open(model)
		if err != nil {
			t.Fatal(err)
		}
		defer net.Close()
		if err := net.Run(); err != nil {
			t.Fatal(err)
		}
	})
}

// work is about how many products a graph has.
func work(g *graph) int {
	n := 0
	for _, s := range g.steps {
		each := 1
		for _, c := range s.constants {
			each += len(c.floats)
		}
		n += elements(s.shape) * each
	}
	return n
}
