package spine

import (
	"math"
	"math/rand/v2"
	"testing"
)

// sampled is a course at a frame rate, over two seconds.
func sampled(rate float64, flexion func(t float64) float64) (times, x []float64) {
	for t := 0.0; t < 2; t += 1 / rate {
		times, x = append(times, t), append(x, flexion(t))
	}
	return times, x
}

func TestCourse(t *testing.T) {
	bow := func(t float64) float64 { return 15 * (1 - math.Cos(math.Pi*t)) } // to 30° and back
	// A pulse of d degrees about the first second.
	pulse := func(d, seconds float64) func(float64) float64 {
		return func(t float64) float64 {
			u := math.Abs(t-1) / (seconds / 2)
			return bow(t) + d*(1+math.Cos(math.Pi*math.Min(1, u)))/2
		}
	}
	jump := func(d, from, to float64) func(float64) float64 {
		return func(t float64) float64 {
			if t >= from && t < to {
				return bow(t) + d
			}
			return bow(t)
		}
	}
	for _, tt := range []struct {
		name    string
		rate    float64
		flexion func(float64) float64
		drops   func(t float64) bool // nil: nothing
	}{
		{"a rep", 30, bow, nil},
		{"a rep of few frames", 8, bow, nil},
		{"a wink of 0.3 s", 30, pulse(20, 0.3), nil},
		{"a wink of 0.3 s at 60 Hz", 60, pulse(20, 0.3), nil},
		{"another level for 0.2 s", 30, jump(-45, 1, 1.2), func(t float64) bool { return t >= 1 && t < 1.2 }},
		{"another level for 0.2 s at 60 Hz", 60, jump(45, 1, 1.2), func(t float64) bool { return t >= 1 && t < 1.2 }},
		{"a wrong start", 30, jump(60, -1, 0.15), func(t float64) bool { return t < 0.15 }},
		{"a wrong end", 30, jump(60, 1.9, 3), func(t float64) bool { return t >= 1.9 }},
		{"jitter", 30, func(t float64) float64 { return bow(t) + 3*math.Sin(500*t) }, nil},
		{"nothing", 30, func(float64) float64 { return math.NaN() }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			times, x := sampled(tt.rate, tt.flexion)
			got := append([]float64(nil), x...)
			course(times, got)
			for i, v := range got {
				want := x[i]
				if tt.drops != nil && tt.drops(times[i]) {
					want = math.NaN()
				}
				if v != want && !(math.IsNaN(v) && math.IsNaN(want)) {
					t.Errorf("%.2f s: %.1f°, want %.1f°", times[i], v, want)
				}
			}
		})
	}
}

// Whatever comes in, what is left can be passed through, every value of it is
// as it was, and a second look drops nothing.
func TestCourseIsPossible(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	for range 50 {
		times, x := sampled(25, func(float64) float64 {
			if rng.Float64() < 0.1 {
				return math.NaN()
			}
			return 60 * rng.Float64()
		})
		got := append([]float64(nil), x...)
		course(times, got)
		last, kept := -1, 0
		for i, v := range got {
			if math.IsNaN(v) {
				continue
			}
			if v != x[i] {
				t.Fatalf("%.1f° became %.1f°", x[i], v)
			}
			if last >= 0 && math.Abs(v-got[last]) > fastest*(times[i]-times[last])+jumpDeg+1e-9 {
				t.Fatalf("from %.1f° to %.1f° in %.2f s", got[last], v, times[i]-times[last])
			}
			last, kept = i, kept+1
		}
		again := append([]float64(nil), got...)
		course(times, again)
		for i := range again {
			if math.IsNaN(again[i]) != math.IsNaN(got[i]) {
				t.Fatal("the second look dropped more")
			}
		}
		if kept < len(x)/4 {
			t.Fatalf("%d of %d values left", kept, len(x))
		}
	}
}
