package signal

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var nan = math.NaN()

func equal(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.IsNaN(want[i]) != math.IsNaN(got[i]) || math.Abs(got[i]-want[i]) > tol {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func times(n int, rate float64) []float64 {
	t := make([]float64, n)
	for i := range t {
		t[i] = float64(i) / rate
	}
	return t
}

func apply(t []float64, f func(float64) float64) []float64 {
	x := make([]float64, len(t))
	for i, v := range t {
		x[i] = f(v)
	}
	return x
}

func TestRobustStatistics(t *testing.T) {
	tests := map[string]struct {
		x           []float64
		median, mad float64
	}{
		"odd":       {[]float64{5, 1, 3}, 3, 2 * madToSD},
		"even":      {[]float64{4, 1, 3, 2}, 2.5, madToSD},
		"wild":      {[]float64{1, 2, 3, 4, 1e9}, 3, madToSD},
		"missing":   {[]float64{nan, 7, nan}, 7, 0},
		"none":      {nil, nan, nan},
		"all gone":  {[]float64{nan, math.Inf(1)}, nan, nan},
		"one value": {[]float64{2}, 2, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			equal(t, "median and MAD", []float64{Median(tt.x), MAD(tt.x)}, []float64{tt.median, tt.mad}, 1e-12)
		})
	}
	if got := Quantile([]float64{10, 20, 30, 40, 50}, 0.1); math.Abs(got-14) > 1e-12 {
		t.Errorf("10 %% quantile %v, want 14", got)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 20001)
	for i := range x {
		x[i] = 3 * rng.NormFloat64()
	}
	if got := MAD(x); math.Abs(got-3) > 0.1 { // 3 standard errors of a MAD of 20000 values
		t.Errorf("MAD of normal values with SD 3 is %v", got)
	}
}

func TestTheilSenIgnoresWildPoints(t *testing.T) {
	x := times(40, 1)
	y := apply(x, func(v float64) float64 { return 2.5*v - 4 })
	for i := 0; i < 10; i++ { // a quarter, all to one side
		y[4*i] += 500
	}
	slope, intercept := TheilSen(x, y)
	equal(t, "line", []float64{slope, intercept}, []float64{2.5, -4}, 1e-9)
	slope, _ = TheilSen([]float64{1, 1}, []float64{2, 3})
	if !math.IsNaN(slope) {
		t.Errorf("slope %v of points above each other", slope)
	}
}

func TestFillGaps(t *testing.T) {
	at := []float64{0, 1, 2, 4, 5, 6, 7, 8, 9}
	x := []float64{nan, 1, nan, 7, nan, nan, nan, 1, nan}
	equal(t, "short only", FillGaps(nil, at, x, 3), []float64{nan, 1, 3, 7, nan, nan, nan, 1, nan}, 1e-12)
	equal(t, "all inside", FillGaps(nil, at, x, 4), []float64{nan, 1, 3, 7, 5.5, 4, 2.5, 1, nan}, 1e-12)
	FillGaps(x, at, x, 4)
	equal(t, "in place", x, []float64{nan, 1, 3, 7, 5.5, 4, 2.5, 1, nan}, 1e-12)
}

func TestHampel(t *testing.T) {
	x := times(21, 10)
	want := append([]float64(nil), x...)
	x[7], x[15] = 40, nan
	want[7], want[15] = Median(append(append([]float64(nil), x[4:7]...), x[7:11]...)), nan
	equal(t, "a spike on a ramp", Hampel(nil, x, 3, 3, 0.01), want, 1e-12)
	flat := []float64{1, 1, 1, 1.001, 1, 1, 1}
	equal(t, "quantisation", Hampel(nil, flat, 3, 3, 0.01), flat, 0)
}

// The sliding window does as the definition says, ties, holes and ends included.
func TestHampelIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, n := range []int{0, 1, 2, 5, 40, 200} {
		x := make([]float64, n)
		for i := range x {
			switch x[i] = math.Round(8*rng.NormFloat64()) / 4; rng.IntN(12) {
			case 0:
				x[i] = nan
			case 1:
				x[i] = math.Inf(1)
			case 2:
				x[i] += 20
			}
		}
		for _, half := range []int{0, 1, 3, 50} {
			want := append([]float64(nil), x...)
			for i, v := range x {
				w := x[max(0, i-half):min(n, i+half+1)]
				m := Median(w)
				if d := math.Abs(v - m); d > 3*max(MAD(w), 0.2) {
					want[i] = m
				}
			}
			equal(t, fmt.Sprintf("%d values, %d to both sides", n, half), Hampel(nil, x, half, 3, 0.2), want, 0)
		}
	}
}

// Second-order differences are exact for a parabola, on uneven times too.
func TestDerivativeOfAParabola(t *testing.T) {
	at := []float64{0, 0.1, 0.25, 0.3, 0.5, 0.9, 1}
	x := apply(at, func(v float64) float64 { return 3*v*v - v + 2 })
	want := apply(at, func(v float64) float64 { return 6*v - 1 })
	got := Derivative(nil, at, x)
	equal(t, "inner", got[1:6], want[1:6], 1e-12)
	x[3] = nan
	if got := Derivative(nil, at, x); !math.IsNaN(got[3]) || math.IsNaN(got[2]) || math.IsNaN(got[4]) {
		t.Errorf("beside a hole: %v", got)
	}
}

// A polynomial of the fitted order comes back exactly, at the ends and beside
// holes too.
func TestSavitzkyGolayIsExactOnPolynomials(t *testing.T) {
	const step = 0.04
	at := times(40, 1/step)
	cubic := func(v float64) float64 { return 2*v*v*v - 3*v*v + v - 5 }
	x := apply(at, cubic)
	x[10], x[11], x[30] = nan, nan, nan
	for deriv, f := range []func(float64) float64{
		cubic,
		func(v float64) float64 { return 6*v*v - 6*v + 1 },
		func(v float64) float64 { return 12*v - 6 },
	} {
		want := apply(at, f)
		want[10], want[11], want[30] = nan, nan, nan
		equal(t, "derivative", SavitzkyGolay(nil, x, 5, 3, deriv, step), want, 1e-7)
	}
}

// The published weights of the five-point quadratic: (-3, 12, 17, 12, -3)/35.
func TestSavitzkyGolayWeights(t *testing.T) {
	x := make([]float64, 9)
	x[4] = 35
	got := SavitzkyGolay(nil, x, 2, 2, 0, 1)
	equal(t, "impulse", got[2:7], []float64{-3, 12, 17, 12, -3}, 1e-9)
}

// Both passes together: |H|² of a second-order Butterworth, -3 dB at the
// cut-off and no phase.
func TestLowpassResponse(t *testing.T) {
	const rate, cutoff = 60.0, 4.0
	f, err := NewLowpass(cutoff, rate)
	if err != nil {
		t.Fatal(err)
	}
	at := times(1200, rate)
	c := math.Tan(math.Pi*cutoff/rate) / math.Pow(math.Sqrt2-1, 0.25)
	for _, hz := range []float64{0.5, 2, 4, 8, 16} {
		x := apply(at, func(v float64) float64 { return math.Sin(2 * math.Pi * hz * v) })
		y := f.Filter(nil, x)
		var in, out float64 // projections on sine and cosine away from the ends
		for i := 300; i < 900; i++ {
			in += y[i] * math.Sin(2*math.Pi*hz*at[i]) / 300
			out += y[i] * math.Cos(2*math.Pi*hz*at[i]) / 300
		}
		want := 1 / (1 + math.Pow(math.Tan(math.Pi*hz/rate)/c, 4))
		if math.Abs(in-want) > 2e-3 || math.Abs(out) > 2e-3 {
			t.Errorf("%v Hz: gain %.4f, quadrature %.4f, want %.4f and 0", hz, in, out, want)
		}
		if hz == cutoff && math.Abs(in-math.Sqrt(0.5)) > 2e-3 {
			t.Errorf("gain %.4f at the cut-off, want -3 dB", in)
		}
	}
}

func TestLowpassKeepsLinesAndHoles(t *testing.T) {
	f, err := NewLowpass(4, 30)
	if err != nil {
		t.Fatal(err)
	}
	x := apply(times(90, 30), func(v float64) float64 { return 7 - 3*v })
	x[40], x[41], x[42], x[44] = nan, nan, nan, nan
	equal(t, "a line", f.Filter(nil, x), x, 1e-9)
	equal(t, "an end at a hole", f.Filter(nil, x[:40]), x[:40], 1e-9)
	for _, bad := range []float64{0, -1, 15, 16, nan} {
		if _, err := NewLowpass(bad, 30); !errors.Is(err, ErrCutoff) {
			t.Errorf("%v Hz at 30 Hz: error %v", bad, err)
		}
	}
}

// Reversing time commutes with a filter without lag.
func TestLowpassIsSymmetricInTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	f, _ := NewLowpass(5, 30)
	x := make([]float64, 200)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	a := f.Filter(nil, x)
	reverse(x)
	b := f.Filter(nil, x)
	reverse(b)
	// not exact at the very ends, where the first pass starts
	equal(t, "inner part", a[20:180], b[20:180], 1e-3)
}

// The same movement sampled evenly and unevenly is smoothed to the same curve.
func TestSmoothOnUnevenTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	move := func(v float64) float64 { return 40*math.Sin(2*math.Pi*0.4*v) + 5*math.Sin(2*math.Pi*1.1*v) }
	var at []float64
	for v := 0.0; v < 8; v += []float64{1.0 / 60, 1.0 / 30}[rng.IntN(2)] { // as phones drop frames
		at = append(at, v)
	}
	x := apply(at, move)
	got := Smooth(nil, at, x, 5)
	equal(t, "slow movement", got[10:len(got)-10], x[10:len(x)-10], 0.15) // the filter's own loss at 1.1 Hz is 0.5 %
	for i := range x {
		x[i] += 3 * rng.NormFloat64()
	}
	got = Smooth(nil, at, x, 5)
	sum := 0.0
	for i, v := range at {
		d := got[i] - move(v)
		sum += d * d
	}
	if rms := math.Sqrt(sum / float64(len(at))); rms > 2 { // a fifth of the band is left: 3·√(2·5/45) = 1.4
		t.Errorf("noise of 3 left as %.2f", rms)
	}
}

func TestSmoothTrivial(t *testing.T) {
	equal(t, "empty", Smooth(nil, nil, nil, 4), []float64{}, 0)
	equal(t, "one", Smooth(nil, []float64{1}, []float64{5}, 4), []float64{5}, 0)
	equal(t, "two", Smooth(nil, []float64{1, 1.1}, []float64{5, 6}, 4), []float64{5, 6}, 1e-12)
	x := []float64{1, 5, 2, nan, 3}
	equal(t, "cut-off above the band", Smooth(nil, times(5, 10), x, 9), x, 0)
}

// Winter's rule finds a cut-off that keeps the movement and removes the noise.
func TestCutoff(t *testing.T) {
	const rate = 30
	at := times(600, rate)
	rng := rand.New(rand.NewPCG(8, 1))
	slow := apply(at, func(v float64) float64 { return 20*math.Sin(2*math.Pi*0.4*v) + 2*math.Sin(2*math.Pi*2*v) })
	noisy := append([]float64(nil), slow...)
	for i := range noisy {
		noisy[i] += 0.5 * rng.NormFloat64()
	}
	if c := Cutoff(noisy, rate, 1, 8); c < 2.2 || c > 7 {
		t.Errorf("cut-off %.2f Hz for movement up to 2 Hz in noise", c)
	}
	if c := Cutoff(noisy[:10], rate, 1, 8); !math.IsNaN(c) {
		t.Errorf("cut-off %v Hz from a third of a second", c)
	}
	louder := append([]float64(nil), slow...)
	for i := range louder {
		louder[i] += 4 * (noisy[i] - slow[i])
	}
	if a, b := Cutoff(noisy, rate, 1, 8), Cutoff(louder, rate, 1, 8); b > a {
		t.Errorf("more noise raised the cut-off from %v to %v", a, b)
	}
}

func TestResample(t *testing.T) {
	at := times(31, 30)
	x := apply(at, func(v float64) float64 { return math.Sin(2 * math.Pi * 2 * v) })
	fine := times(61, 60)
	got := Resample(nil, at, x, fine)
	for i := 4; i < 57; i++ {
		if want := math.Sin(2 * math.Pi * 2 * fine[i]); math.Abs(got[i]-want) > 0.012 {
			t.Errorf("at %.3f: %.4f, want %.4f", fine[i], got[i], want)
		}
	}
	x[10], x[11] = nan, nan
	got = Resample(nil, at, x, fine)
	for i, v := range got {
		if hole := fine[i] > at[9] && fine[i] < at[12]; hole != math.IsNaN(v) {
			t.Errorf("at %.3f: %v", fine[i], v)
		}
	}
	if v := At(at, x, 0.35, 0.05); !math.IsNaN(v) {
		t.Errorf("a value %v in a hole", v)
	}
	if v := At([]float64{0, 1}, []float64{2, 4}, 0.25, 2); v != 2.5 {
		t.Errorf("between: %v, want 2.5", v)
	}
	if v := At([]float64{0, 1}, []float64{2, 4}, 0.25, 0.5); !math.IsNaN(v) {
		t.Errorf("across a long gap: %v", v)
	}
}

func TestLengthsMustAgree(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	FillGaps(nil, []float64{1}, []float64{1, 2}, 1)
}

func BenchmarkSmooth(b *testing.B) {
	at := times(1800, 30)
	x := apply(at, math.Sin)
	dst := make([]float64, len(x))
	for b.Loop() {
		Smooth(dst, at, x, 4)
	}
}

func TestNth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 1; n < 100; n++ {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(rng.IntN(1 + n/3)) // many are equal
		}
		sorted := slices.Sorted(slices.Values(values))
		for i := range values {
			if got := Nth(slices.Clone(values), i); got != sorted[i] {
				t.Fatalf("value %d of %d: %g, want %g", i, n, got, sorted[i])
			}
		}
	}
}
