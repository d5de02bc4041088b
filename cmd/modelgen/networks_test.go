package main

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// published is the npm package, from $MODELGEN_PACKAGE or fetched once a run.
var published = sync.OnceValues(func() (packageFiles, error) {
	return openPackage(context.Background(), os.Getenv("MODELGEN_PACKAGE"))
})

func requirePackage(t testing.TB) packageFiles {
	t.Helper()
	files, err := published()
	if err != nil {
		t.Skipf("SKIPPED, NOTHING WAS CHECKED: the published weights cannot be had: %v", err)
	}
	return files
}

// TestNetworksGiveTheSameOutputs compares each converted network in ONNX
// Runtime with the reference on the published file.
func TestNetworksGiveTheSameOutputs(t *testing.T) {
	requireRuntime(t)
	files := requirePackage(t)
	for _, n := range networks {
		t.Run(n.name, func(t *testing.T) {
			source, err := files.open(n.source, n.sha256)
			if err != nil {
				t.Fatal(err)
			}
			model, err := tflite.Read(source)
			if err != nil {
				t.Fatal(err)
			}
			file, err := n.convert(files)
			if err != nil {
				t.Fatal(err)
			}
			for name, paint := range images {
				t.Run(name, func(t *testing.T) {
					compareNetworks(t, n, model, file, paint)
				})
			}
		})
	}
}

// images are inputs: value of channel c at (x, y) of an image of the given
// side, in [0, 1].
var images = map[string]func(side int) func(x, y, c int) float64{
	"noise": func(int) func(x, y, c int) float64 {
		random := rand.New(rand.NewPCG(1, 2))
		return func(int, int, int) float64 { return random.Float64() }
	},
	// A standing figure of ellipses on a gradient; left and right, top and
	// bottom and the colours all differ, so any mix-up of axes shows.
	"figure": func(side int) func(x, y, c int) float64 {
		parts := []struct{ x, y, rx, ry, shade float64 }{
			{0.52, 0.14, 0.06, 0.08, 0.85}, {0.50, 0.38, 0.11, 0.17, 0.25},
			{0.40, 0.40, 0.03, 0.16, 0.70}, {0.61, 0.38, 0.03, 0.15, 0.60},
			{0.46, 0.72, 0.05, 0.20, 0.15}, {0.56, 0.71, 0.05, 0.21, 0.10},
		}
		return func(x, y, c int) float64 {
			u, v := (float64(x)+0.5)/float64(side), (float64(y)+0.5)/float64(side)
			for _, p := range parts {
				if math.Hypot((u-p.x)/p.rx, (v-p.y)/p.ry) < 1 {
					return p.shade * (1 - 0.15*float64(c))
				}
			}
			return 0.4 + 0.3*v + 0.2*u - 0.1*float64(c)
		}
	},
}

func compareNetworks(t *testing.T, n network, model *tflite.Model, file []byte, paint func(side int) func(x, y, c int) float64) {
	side := n.input.Dims[2]
	interleaved := make([]float32, 3*side*side)
	planar := make([]float32, 3*side*side)
	value := paint(side)
	for y := range side {
		for x := range side {
			for c := range 3 {
				v := float32(value(x, y, c))
				if n.name == "detector" {
					v = 2*v - 1
				}
				interleaved[(y*side+x)*3+c] = v
				planar[(c*side+y)*side+x] = v
			}
		}
	}
	want, err := runReference(model, interleaved)
	if err != nil {
		t.Fatal(err)
	}
	got, err := runONNX(file, n.input, planar, n.outputs)
	if err != nil {
		t.Fatal(err)
	}
	for i, output := range n.outputs {
		expected := want[i]
		if len(output.Dims) == 4 {
			expected = toPlanar(expected, output.Dims)
		}
		worst, scale := 0.0, 0.0
		for k, v := range expected {
			worst = max(worst, math.Abs(float64(v-got[i][k])))
			scale = max(scale, math.Abs(float64(v)))
		}
		t.Logf("%s: largest difference %.3g, largest value %.3g", output.Name, worst, scale)
	}
}

// toPlanar reorders height, width, channels to channels, height, width.
func toPlanar(values []float32, dims []int) []float32 {
	out := make([]float32, 0, len(values))
	for c := range dims[1] {
		for i := range dims[2] * dims[3] {
			out = append(out, values[i*dims[1]+c])
		}
	}
	return out
}
