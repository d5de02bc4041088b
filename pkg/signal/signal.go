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
	"slices"
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
	i, share := rank(len(s), p)
	below := Nth(s, i)
	if share == 0 {
		return below
	}
	return below + share*(slices.Min(s[i+1:])-below)
}

// rank is where the p-quantile of n values lies in their order: share of the way
// from value i to the next.
func rank(n int, p float64) (i int, share float64) {
	h := min(max(p, 0), 1) * float64(n-1)
	i = int(h)
	return i, h - float64(i)
}

// Nth is value n of s in order of size, from 0; none may be NaN. It moves those
// that are no larger before it and the others behind (Hoare's Find, CACM 1961,
// algorithm 65): half the time of sorting them.
func Nth(s []float64, n int) float64 {
	from, to := 0, len(s)-1
	for from < to {
		pivot := s[from+(to-from)/2]
		i, j := from, to
		for i <= j {
			for s[i] < pivot {
				i++
			}
			for s[j] > pivot {
				j--
			}
			if i <= j {
				s[i], s[j] = s[j], s[i]
				i++
				j--
			}
		}
		switch {
		case n <= j:
			to = j
		case n >= i:
			from = i
		default:
			return s[n]
		}
	}
	return s[n]
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
	var w window
	for i := range min(half, len(src)) {
		w.add(src[i])
	}
	for i, v := range src {
		if in := i + half; in < len(src) {
			w.add(src[in])
		}
		if out := i - half - 1; out >= 0 {
			w.drop(src[out])
		}
		dst[i] = v
		if math.IsNaN(v) {
			continue
		}
		m := w.median()
		if d := math.Abs(v - m); d > floor && d > k*max(w.mad(m), floor) {
			dst[i] = m
		}
	}
	return dst
}

// window is the values that are there of a stretch of a series, in order of
// size. A window that slides along has to be sorted once.
type window []float64

func (w *window) add(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	at, _ := slices.BinarySearch(*w, v)
	*w = slices.Insert(*w, at, v)
}

func (w *window) drop(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	at, _ := slices.BinarySearch(*w, v)
	*w = slices.Delete(*w, at, at+1)
}

func (w window) median() float64 {
	if len(w) == 0 {
		return math.NaN()
	}
	i, share := rank(len(w), 0.5)
	if share == 0 {
		return w[i]
	}
	return w[i] + share*(w[i+1]-w[i])
}

// mad is [MAD] of the window, whose median is m: distances from a value grow
// towards either end.
func (w window) mad(m float64) float64 {
	n := len(w)
	if n == 0 {
		return math.NaN()
	}
	right, _ := slices.BinarySearch(w, m)
	left := right - 1
	next := func() float64 { // the nearest that is left
		if right == n || left >= 0 && m-w[left] <= w[right]-m {
			left--
			return m - w[left+1]
		}
		right++
		return w[right-1] - m
	}
	d := 0.0
	for range (n + 1) / 2 {
		d = next()
	}
	if n%2 == 0 {
		d += (next() - d) / 2
	}
	return madToSD * d
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

// Extend fills all gaps of x in place: linearly in time between known values,
// with the nearest one before the first and after the last.
func Extend(x, t []float64) {
	FillGaps(x, t, x, math.Inf(1))
	first, last := -1, -1
	for i, v := range x {
		if !math.IsNaN(v) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return
	}
	for i := range x[:first] {
		x[i] = x[first]
	}
	for i := last + 1; i < len(x); i++ {
		x[i] = x[last]
	}
}
