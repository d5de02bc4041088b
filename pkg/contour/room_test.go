package contour

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMiddleOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 1; n < 200; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(rng.IntN(1 + n/3)) // many are equal
		}
		sorted := slices.Sorted(slices.Values(values))
		if got := middleOf(values); got != sorted[n/2] {
			t.Fatalf("of %d values: %g, want %g", n, got, sorted[n/2])
		}
	}
}
