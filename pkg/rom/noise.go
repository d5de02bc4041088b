package rom

import (
	"math"

	"github.com/spineflex/spineflex/pkg/signal"
)

// noise is what the residuals say about the frames: their sd in units of the
// stated one, and the time over which errors are alike.
type noise struct{ scale, tau float64 }

// whiten turns rows with AR(1) errors into rows with independent unit errors.
func (f *setFit) whiten(samples []sample, rows [][numCols]float64) {
	for c := range numCols {
		f.whitenColumn(samples, rows, c)
	}
}

func (f *setFit) whitenColumn(samples []sample, rows [][numCols]float64, c int) {
	prev := 0.0
	for i, x := range samples {
		v := rows[i][c] / (x.sd * f.noise.scale)
		rho := likeness(samples, i, f.noise.tau)
		rows[i][c] = (v - rho*prev) / math.Sqrt(1-rho*rho)
		prev = v
	}
}

// statedWeight is how many samples the frames' own statement of their sd is
// worth: a short clip cannot show that its error is less.
const statedWeight = 10

// systematic is the part of the stated error that the residuals do not show,
// degrees, and that must be the same over many frames then.
func (f *setFit) systematic() float64 {
	var stated, random []float64
	for i := range f.reps {
		for _, x := range f.reps[i].series.samples {
			stated = append(stated, x.stated)
			random = append(random, x.sd*f.noise.scale)
		}
	}
	s, r := signal.Median(stated), signal.Median(random)
	return math.Sqrt(math.Max(0, s*s-r*r))
}

// likeness is the correlation of sample i's error with the one before.
func likeness(samples []sample, i int, tau float64) float64 {
	if i == 0 {
		return 0
	}
	return math.Min(0.99, math.Exp(-(samples[i].t-samples[i-1].t)/tau))
}

// residualNoise estimates the frames' sd and correlation from the fit.
func (f *setFit) residualNoise() noise {
	best, bestLik := f.noise, math.Inf(-1)
	curves := make([]curve, len(f.reps))
	for r := range f.reps {
		curves[r] = f.curve(r, f.choice[r])
	}
	for _, tau := range []float64{0.03, 0.05, 0.08, 0.12, 0.18, 0.27, 0.4} {
		var w []float64
		logJac := 0.0
		for r := range f.reps {
			prev := 0.0
			samples := f.reps[r].series.samples
			for i, x := range samples {
				y, _, _ := curves[r].at(x.depth, x.way)
				e := (x.flex - y) / x.sd
				rho := likeness(samples, i, tau)
				w = append(w, math.Abs(e-rho*prev)/math.Sqrt(1-rho*rho))
				logJac -= math.Log(1-rho*rho) / 2
				prev = e
			}
		}
		if len(w) == 0 {
			return best
		}
		n := float64(len(w))
		seen := signal.Median(w) * 1.4826
		scale := math.Sqrt((seen*seen*n + statedWeight) / (n + statedWeight))
		scale = math.Min(4, math.Max(0.4, scale))
		lik := logJac - n*math.Log(scale)
		for _, v := range w {
			z := v / scale
			lik -= math.Min(z*z, 9) / 2
		}
		if lik > bestLik {
			best, bestLik = noise{scale, tau}, lik
		}
	}
	return best
}
