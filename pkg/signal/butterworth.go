package signal

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// Lowpass is a fourth-order zero-lag Butterworth low-pass as movement analysis
// uses it: a second-order filter run forwards and backwards (Winter,
// Biomechanics and Motor Control of Human Movement, 4th ed., section 2.2.4.4).
type Lowpass struct {
	b, a [3]float64 // transfer function of one pass, a[0] = 1
	z    [2]float64 // state of a pass that has always seen 1
	pad  int
}

// ErrCutoff is returned for a cut-off outside of 0 to half the sampling rate.
var ErrCutoff = errors.New("cut-off must lie between 0 and half the sampling rate")

// NewLowpass makes the filter whose response to both passes together is -3 dB
// at cutoff; both in Hz.
func NewLowpass(cutoff, rate float64) (*Lowpass, error) {
	if !(cutoff > 0 && cutoff < rate/2) {
		return nil, fmt.Errorf("%.3g Hz at %.3g Hz: %w", cutoff, rate, ErrCutoff)
	}
	// Bilinear transform with prewarping. Two passes would be -6 dB at the
	// cut-off of one: Winter's correction, (√2-1)^¼ = 0.802 for two passes of
	// second order, on the prewarped frequency so that it holds at any rate.
	k := math.Tan(math.Pi*cutoff/rate) / math.Pow(math.Sqrt2-1, 0.25)
	d := 1 + math.Sqrt2*k + k*k
	f := &Lowpass{
		b: [3]float64{k * k / d, 2 * k * k / d, k * k / d},
		a: [3]float64{1, 2 * (k*k - 1) / d, (1 - math.Sqrt2*k + k*k) / d},
	}
	f.z[1] = f.b[2] - f.a[2]
	f.z[0] = f.b[1] - f.a[1] + f.z[1]
	// The response to the start has died to 1 % after one period of the cut-off.
	f.pad = max(6, int(math.Ceil(rate/cutoff)))
	return f, nil
}

// Filter runs both passes over each stretch of x between missing values. The
// ends are prolonged by the stretch's own odd reflection, so that it does not
// droop there. x must be evenly spaced; see [Smooth] for a series that is not.
func (f *Lowpass) Filter(dst, x []float64) []float64 {
	src := append([]float64(nil), x...)
	dst = destination(dst, len(x))
	copy(dst, src)
	for _, s := range spans(src) {
		f.both(dst[s.from:s.to], src[s.from:s.to])
	}
	return dst
}

func (f *Lowpass) both(dst, x []float64) {
	n := len(x)
	pad := min(f.pad, n-1)
	if pad < 1 {
		return // one value on its own stays as it is
	}
	// Without the line through its ends the stretch starts and ends at 0 and the
	// odd reflection is -x; the line itself passes the filter unchanged.
	slope := (x[n-1] - x[0]) / float64(n-1)
	line := func(i int) float64 { return x[0] + slope*float64(i) }
	w := make([]float64, n+2*pad)
	for i, v := range x {
		w[pad+i] = v - line(i)
	}
	for i := 1; i <= pad; i++ {
		w[pad-i] = -w[pad+i]
		w[pad+n-1+i] = -w[pad+n-1-i]
	}
	f.pass(w)
	reverse(w)
	f.pass(w)
	reverse(w)
	base := x[0] // dst may be x
	for i := range dst {
		dst[i] = w[pad+i] + base + slope*float64(i)
	}
}

// pass filters w in place, direct form II transposed, beginning as if its first
// value had lasted for ever.
func (f *Lowpass) pass(w []float64) {
	z0, z1 := f.z[0]*w[0], f.z[1]*w[0]
	for i, v := range w {
		y := f.b[0]*v + z0
		z0 = f.b[1]*v - f.a[1]*y + z1
		z1 = f.b[2]*v - f.a[2]*y
		w[i] = y
	}
}

func reverse(w []float64) {
	for i, j := 0, len(w)-1; i < j; i, j = i+1, j-1 {
		w[i], w[j] = w[j], w[i]
	}
}

// Smooth is the zero-lag low-pass for a series whose times need not be even:
// each stretch between missing values is resampled to an even grid where it has
// to be, filtered, and read off at the original times. Missing values stay
// missing; fill short gaps first ([FillGaps]). A cut-off at or above 40 % of
// the sampling rate leaves nothing to remove and x is copied.
func Smooth(dst, t, x []float64, cutoff float64) []float64 {
	sameLength(t, x)
	src := append([]float64(nil), x...)
	dst = destination(dst, len(x))
	copy(dst, src)
	rate := Rate(t)
	if !(cutoff < 0.4*rate) {
		return dst
	}
	f, err := NewLowpass(cutoff, rate)
	if err != nil {
		return dst // a cut-off of 0 or less removes nothing either
	}
	for _, s := range spans(src) {
		ts, xs := t[s.from:s.to], src[s.from:s.to]
		if even(ts, rate) {
			f.both(dst[s.from:s.to], xs)
			continue
		}
		g := grid(ts, rate)
		y := f.Filter(nil, Resample(nil, ts, xs, g))
		copy(dst[s.from:s.to], Resample(nil, g, y, ts))
	}
	return dst
}

// Cutoff chooses the cut-off between lo and hi Hz for evenly spaced x by
// Winter's residual analysis: the root mean square of what the filter removes
// falls with the cut-off, at high ones along a straight line that belongs to
// the noise alone; that line prolonged to 0 Hz is the noise, and the cut-off is
// where as much signal is lost as noise is let through (Winter, section
// 2.2.4.5; Wells & Winter 1980). It returns hi when x has no noise to speak of,
// and NaN for a stretch of less than a second.
func Cutoff(x []float64, rate, lo, hi float64) float64 {
	const step = 0.25 // Hz
	hi = min(hi, 0.35*rate)
	if float64(len(finite(x))) < rate || hi <= lo {
		return math.NaN()
	}
	residual := func(cutoff float64) float64 {
		f, err := NewLowpass(cutoff, rate)
		if err != nil {
			return 0
		}
		y := f.Filter(nil, x)
		sum, n := 0.0, 0
		for i := range x {
			if d := x[i] - y[i]; !math.IsNaN(d) {
				sum, n = sum+d*d, n+1
			}
		}
		return math.Sqrt(sum / float64(n))
	}
	// The straight part: from 45 to 80 % of half the sampling rate, where a body moves no more.
	var fs, rs []float64
	for c := 0.225 * rate; c <= 0.38*rate; c += 0.02 * rate {
		fs, rs = append(fs, c), append(rs, residual(c))
	}
	noise, slope := stat.LinearRegression(fs, rs, nil, false)
	if slope > 0 || noise <= 0 {
		return hi
	}
	for c := lo; c < hi; c += step {
		if residual(c) <= noise {
			return c
		}
	}
	return hi
}
