package rom

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// hingePosterior is what the data say about the hinge of one rep.
type hingePosterior struct {
	logOdds          float64 // hinge against none
	excess, excessSD float64 // degrees at the bottom, given the hinge
	knot, knotSD     float64 // on the way down (the way up if only that bends)
	best             int     // most probable candidate with a hinge
	knots            []float64
	weights          []float64 // posterior of knots
}

func (f *setFit) posterior(r int) hingePosterior {
	rf := &f.reps[r]
	others := 0
	for i, c := range f.choice {
		if i != r && c != 0 {
			others++
		}
	}
	s := f.beside(r, f.choice)
	ev, best := f.weights(r, s, knotPrior(f.centre), others)
	h := hingePosterior{best: best, logOdds: math.Inf(-1)}
	if best == 0 {
		return h
	}
	all := floats.LogSumExp(ev[1:])
	h.logOdds = all - ev[0]
	var m1, m2, e1, e2 float64
	for c := 1; c < len(ev); c++ {
		w := math.Exp(ev[c] - all)
		if w < 1e-4 {
			continue
		}
		k := rf.cands[c].knot
		if !rf.cands[c].on[wayDown] {
			k -= rf.cands[c].ascent
		}
		x, v := f.excess(r, c, &s.rest)
		m1, m2 = m1+w*k, m2+w*k*k
		e1, e2 = e1+w*x, e2+w*(x*x+v)
		h.knots = append(h.knots, k)
		h.weights = append(h.weights, w)
	}
	h.knot, h.knotSD = m1, math.Sqrt(math.Max(m2-m1*m1, 0)+knotStepVar)
	h.excess, h.excessSD = e1, math.Sqrt(math.Max(e2-e1*e1, 0))
	return h
}

// excess is the mean and the variance of rep r's excess at the bottom under
// candidate c, degrees.
func (f *setFit) excess(r, c int, rest *shared) (mean, variance float64) {
	m, v := f.coefficients(r, c, rest)
	return curve{mean: m, cov: v}.excess()
}

// excessSDAt is the sd with which the excess of rep r would be known, had it a
// hinge at a depth where they are common.
func (f *setFit) excessSDAt(r int, depth float64) float64 {
	c := 0
	for i, k := range knots {
		if k <= depth+1e-9 {
			c = f.reps[r].at(i)
		}
	}
	_, v := f.curve(r, c).excess()
	return math.Sqrt(v)
}

// beyond is the probability of a knot deeper than d, given the hinge.
func (h *hingePosterior) beyond(d float64) float64 {
	p := 0.0
	for i, k := range h.knots {
		if k >= d {
			p += h.weights[i]
		}
	}
	return p
}

// knotStepVar is the variance within one step of the knots' grid.
const knotStepVar = 0.025 * 0.025 / 12

// coefficients of rep r under candidate c: mean and covariance.
func (f *setFit) coefficients(r, c int, rest *shared) (mean [cY]float64, cov [cY][cY]float64) {
	g := f.reps[r].full[c]
	for a := range numShared {
		for b := range numShared {
			g[cTrend+a][cTrend+b] += rest[a][b]
		}
		g[cTrend+a][cY] += rest[a][numShared]
	}
	f.priors.add(&g, 0, cY)
	// Gauss–Jordan on the precision, symmetric and positive definite.
	var a [cY][2*cY + 1]float64
	for i := range cY {
		for j := range cY {
			a[i][j] = g[i][j]
		}
		a[i][cY+i] = 1
		a[i][2*cY] = g[i][cY]
	}
	for i := range cY {
		p := a[i][i]
		for j := range a[i] {
			a[i][j] /= p
		}
		for k := range cY {
			if k == i || a[k][i] == 0 {
				continue
			}
			x := a[k][i]
			for j := range a[k] {
				a[k][j] -= x * a[i][j]
			}
		}
	}
	for i := range cY {
		mean[i] = a[i][2*cY]
		for j := range cY {
			cov[i][j] = a[i][cY+j]
		}
	}
	return mean, cov
}

// curve is a fitted rep.
type curve struct {
	cand    candidate
	deepest float64
	mean    [cY]float64
	cov     [cY][cY]float64
}

// excess is the mean and the variance of the hinge's amplitude, degrees.
func (c curve) excess() (mean, variance float64) {
	m, v := &c.mean, &c.cov
	return m[cHinge] + m[cSharedHinge], v[cHinge][cHinge] + 2*v[cHinge][cSharedHinge] + v[cSharedHinge][cSharedHinge]
}

func (f *setFit) curve(r, c int) curve {
	rest := f.total
	rest.add(&f.reps[r].schur[f.choice[r]], -1)
	m, v := f.coefficients(r, c, &rest)
	return curve{f.reps[r].cands[c], f.reps[r].series.deepest, m, v}
}

// at gives the fitted flexion at a depth, its sd and the part of it that is the
// gradual flattening.
func (c *curve) at(d float64, w way) (flexion, sd, trend float64) {
	var full [numCols]float64
	columns(d, w, &full)
	h := c.cand.hinge(d, c.deepest, w)
	full[cHinge], full[cSharedHinge] = h, h
	v := 0.0
	for i := range cY {
		flexion += full[i] * c.mean[i]
		for j := range cY {
			v += full[i] * c.cov[i][j] * full[j]
		}
	}
	trend = flexion - h*(c.mean[cHinge]+c.mean[cSharedHinge])
	return flexion, math.Sqrt(math.Max(v, 0)), trend
}
