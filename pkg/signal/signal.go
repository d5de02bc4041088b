// Package signal holds the filters that turn noisy series with holes into
// smooth ones: gap filling, the Hampel filter, Savitzky–Golay, the zero-lag
// Butterworth low-pass with Winter's choice of its cut-off, resampling for
// clips whose frames are not evenly spaced, and robust statistics.
//
// A series is a slice of values, with a slice of times in seconds where the
// spacing matters; a missing value is NaN and stays NaN unless the function
// says that it fills it. Functions that return a series take the destination
// first: nil makes a new one, and it may be the source itself. They panic when
// lengths differ, which is a fault of the program and not of the data.
package signal

import (
	"math"
	"sort"
)

// destination returns dst if it can hold n values, a new slice for nil.
func destination(dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	if len(dst) != n {
		panic("signal: destination of another length")
	}
	return dst
}

func sameLength(t, x []float64) {
	if len(t) != len(x) {
		panic("signal: times and values of different lengths")
	}
}

// finite returns the values of x that are not NaN or infinite, in new memory.
func finite(x []float64) []float64 {
	out := make([]float64, 0, len(x))
	for _, v := range x {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out = append(out, v)
		}
	}
	return out
}

// Median of the values that are there; NaN if there are none.
func Median(x []float64) float64 { return Quantile(x, 0.5) }

// Quantile is the p-quantile, 0 ≤ p ≤ 1, of the values that are there, linear
// between order statistics (type 7 of Hyndman & Fan 1996); NaN if there are none.
func Quantile(x []float64, p float64) float64 {
	s := finite(x)
	if len(s) == 0 {
		return math.NaN()
	}
	sort.Float64s(s)
	h := min(max(p, 0), 1) * float64(len(s)-1)
	i := int(h)
	if i+1 >= len(s) {
		return s[len(s)-1]
	}
	return s[i] + (h-float64(i))*(s[i+1]-s[i])
}

// madToSD makes the median absolute deviation of normal data its standard
// deviation: 1/Φ⁻¹(3/4).
const madToSD = 1.4826022185056018

// MAD is the median absolute deviation from the median, scaled so that it
// estimates the standard deviation of normal data; NaN without data.
func MAD(x []float64) float64 {
	s := finite(x)
	m := Median(s)
	for i := range s {
		s[i] = math.Abs(s[i] - m)
	}
	return madToSD * Median(s)
}

// Mean of the values that are there; NaN if there are none.
func Mean(x []float64) float64 {
	s := finite(x)
	sum := 0.0
	for _, v := range s {
		sum += v
	}
	return sum / float64(len(s))
}

// TheilSen is the robust line y = intercept + slope·x: the median of the slopes
// of all pairs (Theil 1950, Sen 1968), which up to 29 % of wild points do not
// move. Both are NaN with fewer than two different x.
func TheilSen(x, y []float64) (slope, intercept float64) {
	sameLength(x, y)
	var slopes []float64
	for i := range x {
		for j := i + 1; j < len(x); j++ {
			if s := (y[j] - y[i]) / (x[j] - x[i]); x[i] != x[j] {
				slopes = append(slopes, s)
			}
		}
	}
	slope = Median(slopes)
	rest := make([]float64, len(x))
	for i := range x {
		rest[i] = y[i] - slope*x[i]
	}
	return slope, Median(rest)
}

// FillGaps fills runs of missing values linearly in time where the values on
// both sides are at most maxGap seconds apart; longer gaps and the ends stay.
func FillGaps(dst, t, x []float64, maxGap float64) []float64 {
	sameLength(t, x)
	dst = destination(dst, len(x))
	copy(dst, x)
	last := -1
	for i, v := range dst {
		if math.IsNaN(v) {
			continue
		}
		if gap := i - last; last >= 0 && gap > 1 && t[i]-t[last] <= maxGap*(1+1e-9) {
			for k := last + 1; k < i; k++ {
				w := (t[k] - t[last]) / (t[i] - t[last])
				dst[k] = dst[last] + w*(v-dst[last])
			}
		}
		last = i
	}
	return dst
}

// Hampel replaces values further than k robust standard deviations from the
// median of the window of 2·half+1 values about them by that median (Hampel
// 1974; Pearson 2016, EURASIP JASP 87). Windows are shorter at the ends;
// missing values stay missing. A floor on the deviation keeps quantised,
// constant stretches from being called outliers; 0 sets none.
func Hampel(dst, x []float64, half int, k, floor float64) []float64 {
	src := append([]float64(nil), x...)
	dst = destination(dst, len(x))
	for i, v := range src {
		dst[i] = v
		if math.IsNaN(v) {
			continue
		}
		w := src[max(0, i-half):min(len(src), i+half+1)]
		m := Median(w)
		if d := math.Abs(v - m); d > k*max(MAD(w), floor) && d > floor {
			dst[i] = m
		}
	}
	return dst
}

// Derivative is dx/dt by second-order central differences on uneven times, one
// sided at the ends and beside missing values.
func Derivative(dst, t, x []float64) []float64 {
	sameLength(t, x)
	src := append([]float64(nil), x...)
	dst = destination(dst, len(x))
	at := func(i int) bool { return i >= 0 && i < len(src) && !math.IsNaN(src[i]) }
	for i := range src {
		switch {
		case !at(i):
			dst[i] = math.NaN()
		case at(i-1) && at(i+1):
			a, b := t[i]-t[i-1], t[i+1]-t[i]
			dst[i] = ((src[i+1]-src[i])*a/b + (src[i]-src[i-1])*b/a) / (a + b)
		case at(i + 1):
			dst[i] = (src[i+1] - src[i]) / (t[i+1] - t[i])
		case at(i - 1):
			dst[i] = (src[i] - src[i-1]) / (t[i] - t[i-1])
		default:
			dst[i] = math.NaN()
		}
	}
	return dst
}
