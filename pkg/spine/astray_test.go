package spine

import (
	"math"
	"slices"
	"testing"
)

func TestAstray(t *testing.T) {
	nan := math.NaN()
	for _, tt := range []struct {
		name string
		flex []float64
		gone []int
	}{
		{"nothing measured", []float64{nan, nan}, nil},
		{"hollow backs stay", []float64{0, -12, -19, -12, 0}, nil},
		{"the way there and back", []float64{0, -8, -12, -15, -21, -40, -11, -9, 3}, []int{2, 3, 4, 5, 6}},
		{"no further than it is seen", []float64{-15, nan, -15, -30, nan, -15, 2}, []int{2, 3}},
		{"from one end to the other", []float64{-25, -11, -26}, []int{0, 1, 2}},
		{"twice", []float64{-25, 0, -25}, []int{0, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := slices.Clone(tt.flex)
			gone := astray(got)
			for i, was := range tt.flex {
				want := slices.Contains(tt.gone, i)
				if gone[i] != want || want && !math.IsNaN(got[i]) {
					t.Errorf("%g of %v: gone %t and now %g, want gone %t", was, tt.flex, gone[i], got[i], want)
				}
				if !want && got[i] != was && !math.IsNaN(was) {
					t.Errorf("%g of %v became %g", was, tt.flex, got[i])
				}
			}
		})
	}
}
