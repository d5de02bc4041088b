package signal

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// SavitzkyGolay fits a polynomial of the given order to the window of 2·half+1
// evenly spaced values about each (fewer at the ends and around missing ones)
// and returns its deriv-th derivative there, for a spacing of step
// (Savitzky & Golay 1964). A missing value stays missing, and so does one with
// no more values in its window than the polynomial has coefficients.
func SavitzkyGolay(dst, x []float64, half, order, deriv int, step float64) []float64 {
	if half < 1 || order < 0 || deriv < 0 || deriv > order || 2*half < order {
		panic("signal: window too short for the polynomial")
	}
	src := append([]float64(nil), x...)
	dst = destination(dst, len(x))
	whole := make([]bool, 2*half+1)
	for i := range whole {
		whole[i] = true
	}
	inner := savgolWeights(whole, half, order, deriv)
	scale := math.Pow(step, -float64(deriv))
	have := make([]bool, 2*half+1)
	for i := range src {
		if math.IsNaN(src[i]) {
			dst[i] = math.NaN()
			continue
		}
		n := 0
		for k := range have {
			j := i + k - half
			have[k] = j >= 0 && j < len(src) && !math.IsNaN(src[j])
			if have[k] {
				n++
			}
		}
		w := inner
		if n < len(have) {
			if n <= order {
				dst[i] = math.NaN()
				continue
			}
			w = savgolWeights(have, half, order, deriv)
		}
		sum := 0.0
		for k, ok := range have {
			if ok {
				sum += w[k] * src[i+k-half]
			}
		}
		dst[i] = sum * scale
	}
	return dst
}

// savgolWeights are the weights of the values that are there for the deriv-th
// derivative at the window's centre, by least squares.
func savgolWeights(have []bool, half, order, deriv int) []float64 {
	n := 0
	for _, ok := range have {
		if ok {
			n++
		}
	}
	v := mat.NewDense(n, order+1, nil)
	row := 0
	for k, ok := range have {
		if !ok {
			continue
		}
		z := float64(k-half) / float64(half) // within ±1 for a well-conditioned fit
		p := 1.0
		for c := range order + 1 {
			v.Set(row, c, p)
			p *= z
		}
		row++
	}
	identity := mat.NewDiagDense(n, nil)
	for i := range n {
		identity.SetDiag(i, 1)
	}
	var qr mat.QR
	qr.Factorize(v)
	var inverse mat.Dense
	if err := qr.SolveTo(&inverse, false, identity); err != nil {
		// Only conditioning can be wrong here: more rows than columns, all z different.
		var condition mat.Condition
		if !errors.As(err, &condition) {
			panic(err)
		}
	}
	factor := 1.0
	for d := 1; d <= deriv; d++ {
		factor *= float64(d) / float64(half)
	}
	w := make([]float64, len(have))
	row = 0
	for k, ok := range have {
		if ok {
			w[k] = factor * inverse.At(deriv, row)
			row++
		}
	}
	return w
}
