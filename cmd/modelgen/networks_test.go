package main

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
	"github.com/spineflex/spineflex/models"
)

// published is the npm package, from $MODELGEN_PACKAGE or fetched once a run.
var published = sync.OnceValues(func() (packageFiles, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return openPackage(ctx, os.Getenv("MODELGEN_PACKAGE"))
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
				if n.name == "heavy" && name != "figure" {
					continue // one image, 6 s of the reference, has to do
				}
				t.Run(name, func(t *testing.T) {
					compareOutputs(t, n, model, file, paintImage(n, paint))
				})
			}
		})
	}
}

// TestNetworksAreWhatTheRepositoryHolds converts the published weights again
// and compares byte for byte: the embedded networks are these weights and
// nothing else.
func TestNetworksAreWhatTheRepositoryHolds(t *testing.T) {
	files := requirePackage(t)
	for _, n := range networks {
		t.Run(n.name, func(t *testing.T) {
			got, err := n.convert(files)
			if err != nil {
				t.Fatal(err)
			}
			held := heldNetwork(t, n.name)
			if sum := sha256Hex(got); sum != held.SHA256() {
				t.Errorf("sha-256 %s, recorded %s", sum, held.SHA256())
			}
			if !held.Embedded() {
				return // the hash is all there is
			}
			want, err := held.Load()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("embedded file differs")
			}
		})
	}
}

// TestModelsDescribesTheNetworks keeps package models, which tells callers
// names and shapes, in step with what is converted.
func TestModelsDescribesTheNetworks(t *testing.T) {
	if got, want := len(models.All()), len(networks); got != want {
		t.Errorf("models lists %d networks, %d are made", got, want)
	}
	for _, n := range networks {
		held := heldNetwork(t, n.name)
		made := models.Network{Name: n.name, File: n.output, Input: models.Value{Name: n.input.Name, Shape: n.input.Dims}}
		for _, v := range n.outputs {
			made.Outputs = append(made.Outputs, models.Value{Name: v.Name, Shape: v.Dims})
		}
		if diff := cmp.Diff(made, held); diff != "" {
			t.Errorf("%s (-made +described)\n%s", n.name, diff)
		}
	}
}

func heldNetwork(t *testing.T, name string) models.Network {
	t.Helper()
	for _, n := range models.All() {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("package models has no %s", name)
	return models.Network{}
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
		type ellipse struct{ x, y, rx, ry, shade float64 }
		parts := []ellipse{
			{0.52, 0.14, 0.06, 0.08, 0.85},
			{0.50, 0.38, 0.11, 0.17, 0.25},
			{0.40, 0.40, 0.03, 0.16, 0.70},
			{0.61, 0.38, 0.03, 0.15, 0.60},
			{0.46, 0.72, 0.05, 0.20, 0.15},
			{0.56, 0.71, 0.05, 0.21, 0.10},
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

// paintImage is an image as the network wants it, but with channels last.
func paintImage(n network, paint func(side int) func(x, y, c int) float64) []float32 {
	side := n.input.Dims[2]
	value := paint(side)
	image := make([]float32, 0, 3*side*side)
	for y := range side {
		for x := range side {
			for c := range 3 {
				v := float32(value(x, y, c))
				if n.name == "detector" {
					v = 2*v - 1
				}
				image = append(image, v)
			}
		}
	}
	return image
}

// compareOutputs runs the reference and the ONNX file on the same image,
// given with channels last.
func compareOutputs(t *testing.T, n network, model *tflite.Model, file []byte, image []float32) {
	t.Helper()
	want, err := runReference(model, image)
	if err != nil {
		t.Fatal(err)
	}
	got, err := runONNX(file, n.input, toPlanar(image, n.input.Dims), n.outputs)
	if err != nil {
		t.Fatal(err)
	}
	for i, output := range n.outputs {
		expected := want[i]
		if len(output.Dims) == 4 {
			expected = toPlanar(expected, output.Dims)
		}
		requireClose(t, output.Name, got[i], expected)
	}
}

// tolerance is how far an output may be off, in terms of the largest value of
// that output (or of 1, for probabilities). Both sides compute in float32 and
// sum in another order, which through a hundred layers comes to 2e-5, and to
// 1.2e-4 in the landmark networks' masks; other processors' kernels may double
// that. Swapped paddings, block orders or sample positions come to 0.1 and more.
const tolerance = 1e-3

// requireClose fails the test unless got is want within tolerance.
func requireClose(t *testing.T, name string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", name, len(got), len(want))
	}
	worst, scale := 0.0, 1.0
	for i, v := range want {
		if d := math.Abs(float64(v) - float64(got[i])); d > worst || math.IsNaN(d) {
			worst = d
		}
		scale = max(scale, math.Abs(float64(v)))
	}
	if !(worst <= tolerance*scale) { // also fails on NaN
		t.Errorf("%s: largest difference %.3g, largest value %.3g, tolerance %.3g", name, worst, scale, tolerance*scale)
		return
	}
	t.Logf("%s: largest difference %.3g, largest value %.3g", name, worst, scale)
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
