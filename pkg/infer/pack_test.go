package infer

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/spineflex/spineflex/models"
)

// readNetwork returns one of the project's networks as a graph.
func readNetwork(t *testing.T, n models.Network) (*graph, *prepared) {
	t.Helper()
	model, err := n.Load()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := readSignature(model)
	if err != nil {
		t.Fatal(err)
	}
	g, err := readGraph(model, sig)
	if err != nil {
		t.Fatal(err)
	}
	return g, &prepared{bytes: model, sig: sig, input: sig.input.name, outputs: sig.names()}
}

// A packed network gives what it gave before, to rounding: at the seam of the
// halves too.
func TestPackedNetworksAgree(t *testing.T) {
	rt, err := NewRuntime(Options{Engine: ONNXRuntime})
	if err != nil {
		t.Skip("needs ONNX Runtime: scripts/fetch-onnxruntime.sh")
	}
	for name, tc := range map[string]struct {
		network models.Network
		parts   int
	}{
		"lite": {models.Lite(), 1}, "full": {models.Full(), 1},
		"lite, halves": {models.Lite(), 2}, "full, halves": {models.Full(), 2},
	} {
		t.Run(name, func(t *testing.T) {
			g, plain := readNetwork(t, tc.network)
			p := g.packed(tc.parts)
			if p == g {
				t.Fatal("was not packed")
			}
			packed := &prepared{sig: plain.sig}
			packed.replace(p)
			var nets [2]Network
			for i, m := range []*prepared{plain, packed} {
				if nets[i], err = openONNXRuntime(m, rt.threads); err != nil {
					t.Fatal(err)
				}
				defer nets[i].Close()
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range nets[0].Input() {
				nets[0].Input()[i] = rng.Float32()
			}
			copy(nets[1].Input(), nets[0].Input())
			for _, net := range nets {
				if err := net.Run(); err != nil {
					t.Fatal(err)
				}
			}
			for i, output := range nets[0].Outputs() {
				want, got := nets[0].Output(i), nets[1].Output(i)
				scale := 1.0
				for _, v := range want {
					scale = max(scale, math.Abs(float64(v)))
				}
				for k := range want {
					if !(math.Abs(float64(want[k]-got[k])) < 1e-5*scale) {
						t.Fatalf("%s at %d: %g, want %g", output, k, got[k], want[k])
					}
				}
			}
		})
	}
}

// What the halves of the picture would not give is left alone.
func TestPackedOnlyWhereItIsTheSame(t *testing.T) {
	tailOf := func(g *graph) int {
		return slices.IndexFunc(g.steps, func(s step) bool { return s.op == "Resize" && s.shape[1] == packChannels })
	}
	for name, spoil := range map[string]func(g *graph){
		"no tail":                 func(g *graph) { g.steps = g.steps[:tailOf(g)] },
		"read elsewhere":          func(g *graph) { g.outputs = append(g.outputs, g.last("Add")+1) },
		"mixed with another part": func(g *graph) { g.steps[g.last("Add")].reads[0] = 1 },
		"unknown operator":        func(g *graph) { g.steps[g.last("Add")].op = "Sigmoid" },
		"no mask": func(g *graph) {
			g.outputs = slices.DeleteFunc(g.outputs, func(v int) bool { return g.shape(v)[1] == 1 && len(g.shape(v)) == 4 })
		},
		"strides": func(g *graph) {
			s := &g.steps[g.last("Conv")]
			s.attributes = slices.Clone(s.attributes)
			for i := range s.attributes {
				if s.attributes[i].name == "strides" {
					s.attributes[i].ints = []int64{1, 2}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := readNetwork(t, models.Lite())
			// As far as the mask, which is all that the tail is of.
			g.steps = g.steps[:g.outputs[slices.IndexFunc(g.outputs, func(v int) bool { return slices.Equal(g.shape(v), []int{1, 1, 256, 256}) })]]
			g.outputs = []int{len(g.steps)}
			if g.packed(2) == g {
				t.Fatal("is not packed to begin with")
			}
			spoil(g)
			if g.packed(2) != g {
				t.Error("was packed")
			}
		})
	}
}

// last is the last step of an operator.
func (g *graph) last(op string) int {
	for i := len(g.steps) - 1; ; i-- {
		if g.steps[i].op == op {
			return i
		}
	}
}

// A network in two parts gives what it gives in one: its head to the last digit,
// since nothing is computed differently there.
func TestPartsAgree(t *testing.T) {
	rt, err := NewRuntime(Options{Engine: ONNXRuntime})
	if err != nil {
		t.Skip("needs ONNX Runtime: scripts/fetch-onnxruntime.sh")
	}
	for name, n := range map[string]models.Network{"lite": models.Lite(), "full": models.Full()} {
		t.Run(name, func(t *testing.T) {
			g, plain := readNetwork(t, n)
			packed := &prepared{sig: plain.sig}
			packed.replace(g.packed(packParts()))
			whole, err := openONNXRuntime(packed, rt.threads)
			if err != nil {
				t.Fatal(err)
			}
			defer whole.Close()
			parts, err := rt.OpenParts(plain.bytes)
			if err != nil {
				t.Fatal(err)
			}
			defer parts.Close()
			if parts.Tail == nil {
				t.Fatal("is whole")
			}
			rng := rand.New(rand.NewPCG(3, 4))
			for i := range whole.Input() {
				whole.Input()[i] = rng.Float32()
			}
			copy(parts.Head.Input(), whole.Input())
			if err := errors.Join(whole.Run(), parts.Head.Run()); err != nil {
				t.Fatal(err)
			}
			left := len(parts.Head.Outputs()) - 1
			copy(parts.Tail.Input(), parts.Head.Output(left))
			if err := parts.Tail.Run(); err != nil {
				t.Fatal(err)
			}
			given := map[string][]float32{parts.Tail.Outputs()[0]: parts.Tail.Output(0)}
			for i, output := range parts.Head.Outputs()[:left] {
				given[output] = parts.Head.Output(i)
			}
			for i, output := range whole.Outputs() {
				if !slices.Equal(given[output], whole.Output(i)) {
					t.Errorf("%s differs", output)
				}
			}
		})
	}
}

// A network without a tail and one on OpenCV stay whole.
func TestPartsOfWholes(t *testing.T) {
	for _, engine := range []Engine{Auto, OpenCV} {
		rt, err := NewRuntime(Options{Engine: engine})
		if err != nil {
			t.Fatal(err)
		}
		n := models.Detector()
		if engine == OpenCV {
			n = models.Lite()
		}
		_, plain := readNetwork(t, n)
		p, err := rt.OpenParts(plain.bytes)
		if err != nil {
			t.Fatal(err)
		}
		if p.Tail != nil || !slices.Equal(p.Head.Outputs(), plain.outputs) {
			t.Errorf("%s: outputs %q, want all of %q and no tail", engine, p.Head.Outputs(), plain.outputs)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
