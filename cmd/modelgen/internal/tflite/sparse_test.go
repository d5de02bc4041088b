package tflite_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite/tflitetest"
)

// sparse is, in 2x2 blocks with the rows dense and the columns compressed,
//
//	1 0 0 2
//	0 3 4 0
//	0 0 5 0
//	0 0 0 6
func sparse() tflite.Tensor {
	return tflite.Tensor{
		Name: "sparse", Shape: []int{4, 4},
		Data: tflitetest.Floats(1, 0, 0, 3, 0, 2, 4, 0, 5, 0, 0, 6),
		Sparsity: &tflite.Sparsity{
			Traversal: []int{0, 1, 2, 3},
			BlockMap:  []int{0, 1},
			Levels: []tflite.Level{
				{Size: 2},
				{Compressed: true, Segments: []int{0, 2, 3}, Indices: []int{0, 1, 1}},
				{Size: 2},
				{Size: 2},
			},
		},
	}
}

func TestDense(t *testing.T) {
	tests := []struct {
		name   string
		tensor tflite.Tensor
		want   []byte
	}{
		{
			"dense already",
			tflite.Tensor{Shape: []int{3}, Data: tflitetest.Floats(1, 2, 3)},
			tflitetest.Floats(1, 2, 3),
		},
		{
			"blocks of two by two",
			sparse(),
			tflitetest.Floats(1, 0, 0, 2, 0, 3, 4, 0, 0, 0, 5, 0, 0, 0, 0, 6),
		},
		{
			"compressed rows", // CSR, no blocks
			tflite.Tensor{
				Shape: []int{3, 4}, Type: tflite.Float16, Data: tflitetest.Halves(1, 2, 3),
				Sparsity: &tflite.Sparsity{
					Traversal: []int{0, 1},
					Levels: []tflite.Level{
						{Size: 3},
						{Compressed: true, Segments: []int{0, 1, 1, 3}, Indices: []int{3, 0, 2}},
					},
				},
			},
			tflitetest.Halves(0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 3, 0),
		},
		{
			"compressed columns", // CSC: the traversal swaps the dimensions
			tflite.Tensor{
				Shape: []int{3, 4}, Data: tflitetest.Floats(2, 3, 1),
				Sparsity: &tflite.Sparsity{
					Traversal: []int{1, 0},
					Levels: []tflite.Level{
						{Size: 4},
						{Compressed: true, Segments: []int{0, 1, 1, 2, 3}, Indices: []int{2, 2, 0}},
					},
				},
			},
			tflitetest.Floats(0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 3, 0),
		},
		{
			"nothing stored",
			tflite.Tensor{
				Shape: []int{2, 2}, Data: []byte{},
				Sparsity: &tflite.Sparsity{
					Traversal: []int{0, 1},
					Levels:    []tflite.Level{{Size: 2}, {Compressed: true, Segments: []int{0, 0, 0}}},
				},
			},
			tflitetest.Floats(0, 0, 0, 0),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.tensor.Dense()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDenseUndoesCompression compresses random tensors of the layout the
// detector has (output channels dense, input channels compressed in blocks of
// four output channels) and expands them again.
func TestDenseUndoesCompression(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		const block = 4
		rows, columns := block*(1+random.IntN(6)), 1+random.IntN(40)
		want := make([]byte, 2*rows*columns)
		level := tflite.Level{Compressed: true, Segments: []int{0}}
		var stored []byte
		for strip := range rows / block {
			for column := range columns {
				if random.Float64() < 0.7 {
					continue
				}
				level.Indices = append(level.Indices, column)
				for i := range block {
					value := uint16(1 + random.IntN(1<<16-1))
					stored = binary.LittleEndian.AppendUint16(stored, value)
					at := ((strip*block+i)*columns + column) * 2
					binary.LittleEndian.PutUint16(want[at:], value)
				}
			}
			level.Segments = append(level.Segments, len(level.Indices))
		}
		tensor := tflite.Tensor{
			Shape: []int{rows, 1, 1, columns}, Type: tflite.Float16, Data: stored,
			Sparsity: &tflite.Sparsity{
				Traversal: []int{0, 1, 2, 3, 4},
				BlockMap:  []int{0},
				Levels:    []tflite.Level{{Size: rows / block}, {Size: 1}, {Size: 1}, level, {Size: block}},
			},
		}
		got, err := tensor.Dense()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d x %d: expanded tensor differs", rows, columns)
		}
	}
}

func TestDenseRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*tflite.Tensor)
		want   string
	}{
		{"values missing", func(t *tflite.Tensor) { t.Data = t.Data[:8] }, "run out"},
		{"values left over", func(t *tflite.Tensor) { t.Data = append(t.Data, 0, 0, 0, 0) }, "48 of 52"},
		{"level missing", func(t *tflite.Tensor) { t.Sparsity.Levels = t.Sparsity.Levels[:3] }, "3 described, want 4"},
		{"traversal twice through a dimension", func(t *tflite.Tensor) { t.Sparsity.Traversal[1] = 0 }, "no permutation"},
		{"dense level of the wrong size", func(t *tflite.Tensor) { t.Sparsity.Levels[0].Size = 3 }, "size 3"},
		{"block that does not divide", func(t *tflite.Tensor) { t.Sparsity.Levels[2].Size = 3 }, "block of 3"},
		{"block along no dimension", func(t *tflite.Tensor) { t.Sparsity.BlockMap[0] = 2 }, "dimension 2"},
		{"index outside", func(t *tflite.Tensor) { t.Sparsity.Levels[1].Indices[0] = 2 }, "index 2"},
		{"segment missing", func(t *tflite.Tensor) { t.Sparsity.Levels[1].Segments = []int{0, 2} }, "no segment 1"},
		{"segment backwards", func(t *tflite.Tensor) { t.Sparsity.Levels[1].Segments[1] = -1 }, "segment 0..-1"},
		{"more blocks than dimensions", func(t *tflite.Tensor) { t.Sparsity.BlockMap = []int{0, 1, 0} }, "3 block dimensions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tensor := sparse()
			tt.change(&tensor)
			_, err := tensor.Dense()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
