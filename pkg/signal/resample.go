package signal

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/interp"
)

// span is a run of values without a hole, half open.
type span struct{ from, to int }

// spans are the runs of x without a missing value.
func spans(x []float64) []span {
	var out []span
	for i := 0; i < len(x); {
		if math.IsNaN(x[i]) {
			i++
			continue
		}
		s := span{from: i}
		for i < len(x) && !math.IsNaN(x[i]) {
			i++
		}
		s.to = i
		out = append(out, s)
	}
	return out
}

// At is x at time when, linear between neighbours; NaN outside, beside missing
// values, and where the neighbours are more than maxGap seconds apart.
func At(t, x []float64, when, maxGap float64) float64 {
	sameLength(t, x)
	i := sort.SearchFloat64s(t, when)
	switch {
	case i < len(t) && t[i] == when:
		return x[i]
	case i == 0 || i == len(t) || t[i]-t[i-1] > maxGap:
		return math.NaN()
	}
	w := (when - t[i-1]) / (t[i] - t[i-1])
	return x[i-1] + w*(x[i]-x[i-1])
}

// Resample is x at the increasing times at, by Akima's local cubic within each
// run without holes (Akima 1970: it does not swing beside a step, and unlike a
// straight line it does not damp what lies well below half the frame rate).
// Times outside of the runs give NaN.
func Resample(dst, t, x, at []float64) []float64 {
	sameLength(t, x)
	dst = destination(dst, len(at))
	out := make([]float64, len(at))
	for i := range out {
		out[i] = math.NaN()
	}
	for _, s := range spans(x) {
		lo := sort.SearchFloat64s(at, t[s.from])
		hi := sort.Search(len(at), func(i int) bool { return at[i] > t[s.to-1] })
		predict := interpolator(t[s.from:s.to], x[s.from:s.to])
		for i := lo; i < hi; i++ {
			out[i] = predict(at[i])
		}
	}
	copy(dst, out)
	return dst
}

func interpolator(t, x []float64) func(float64) float64 {
	if len(t) > 2 {
		var a interp.AkimaSpline
		if a.Fit(t, x) == nil {
			return a.Predict
		}
	}
	if len(t) == 2 {
		return func(at float64) float64 { return x[0] + (at-t[0])/(t[1]-t[0])*(x[1]-x[0]) }
	}
	return func(float64) float64 { return x[0] }
}

// Rate is the sampling rate of t in Hz, from the median spacing; NaN with fewer
// than two times.
func Rate(t []float64) float64 {
	if len(t) < 2 {
		return math.NaN()
	}
	d := make([]float64, len(t)-1)
	for i := range d {
		d[i] = t[i+1] - t[i]
	}
	return 1 / Median(d)
}

// unevenness above which a series is resampled before filtering, as a share of
// the spacing: containers round times to a millisecond or so, which is harmless.
const unevenness = 0.1

func even(t []float64, rate float64) bool {
	for i := 1; i < len(t); i++ {
		if math.Abs((t[i]-t[i-1])*rate-1) > unevenness {
			return false
		}
	}
	return true
}

// grid is an even grid over t at about rate, which ends where t ends.
func grid(t []float64, rate float64) []float64 {
	length := t[len(t)-1] - t[0]
	n := max(2, int(math.Round(length*rate))+1)
	g := make([]float64, n)
	for i := range g {
		g[i] = t[0] + length*float64(i)/float64(n-1)
	}
	g[n-1] = t[len(t)-1]
	return g
}
