package rom

import (
	"math"
	"sync"

	"github.com/spineflex/spineflex/pkg/lift"
)

// The model of a set. In rep r, at depth d (0..1, D the rep's deepest),
//
//	flexion = b_r + (A + s_r)·S(d) + Σ (c_j + c_rj)·cos(jπd) + w_r·±2d(1−d)
//	        + (F + f_r)·h(d; k_r)  + noise
//
// S is the smoothstep 3d²−2d³: a gradual flattening that starts and ends
// gently, as competent lifters show it (measurement.md 1.3, 3d). The cosines
// with their shrinking variances are a Gaussian process in depth of length
// gpLength (the Hilbert-space form of Solin & Särkkä, Stat Comput 2020, 30:419):
// they stand for lifters whose flattening has another shape and for errors of
// the measurement that go with depth. w lets the way up differ from the way down.
// h = max(0, d−k)/(D−k) is the hinge: its amplitude F + f_r is the excess at the
// bottom. Capital letters are shared by the reps, indexed ones belong to a rep.
// Everything but the knots k_r is linear with a Gaussian prior, so it is
// integrated out exactly; the evidence that is left plays the part that BIC
// approximates.
const (
	cOffset = iota // private to a rep
	cScale
	cCos1
	cCos2
	cWay
	cHinge
	cTrend // shared by the set
	cShared1
	cShared2
	cShared3
	cSharedHinge
	cY
	numCols
	numPrivate = cTrend
	numShared  = cY - cTrend
)

// Priors, degrees. Trend: 6–16° in the rendered lifters, 13–33° standing to
// bottom in the literature of measurement.md 1.3, where the excess is in it.
// Hinge: 10–35° where rounding was rendered or labelled.
const (
	offsetSD    = 3.0
	scaleSD     = 1.5
	privateGP   = 1.0
	waySD       = 2.0
	sharedGP    = 2.0
	gpLength    = 0.35
	hingeMean   = 16.0
	hingeSD     = 9.0
	hingeRepSD  = 5.0
	squatTrend  = 9.0
	pullTrend   = 14.0
	otherTrend  = 12.0
	trendSD     = 4.0
	knotSpread  = 0.07
	knotFree    = 0.15 // share of reps whose knot has nothing to do with the others'
	brokenPrior = 0.5  // Beta(½,½) on the share of reps that break
)

type gram [numCols][numCols]float64

// shared is what is left of a gram when the private columns are integrated out:
// cTrend.. and cY, counted from 0.
type shared [numShared + 1][numShared + 1]float64

func (g *shared) add(x *shared, sign float64) {
	for a := range g {
		for b := range g[a] {
			g[a][b] += sign * x[a][b]
		}
	}
}

// turningKnots is how many of the last knots are fractions of the rep's own
// deepest point: a wink of 0.3 s round a smooth turning point lives there.
const turningKnots = 2

// candidate is one hypothesis on a rep: where its hinge is.
type candidate struct {
	knot   float64 // 0: no hinge
	ascent float64 // how much shallower the knot lies on the way up
	on     [2]bool // ways that bend at all
	prior  float64 // log, but for the knot
	knotAt int     // index into knots
}

var knots = func() []float64 {
	var k []float64
	for x := 0.15; x < 0.951; x += 0.025 {
		k = append(k, x)
	}
	return append(k, 0.97, 0.985)
}()

func candidates(ex lift.Exercise, bothWays bool, deepest float64) []candidate {
	out := []candidate{{}}
	both := [2]bool{true, true}
	for i, k := range knots {
		if i >= len(knots)-turningKnots {
			k *= deepest
		} else if k > 0.965*deepest {
			continue
		}
		if !bothWays {
			out = append(out, candidate{knot: k, on: both, knotAt: i})
			continue
		}
		// Rounding may persist while rising, at a shallower depth than it came at.
		one := 0.0
		if ex != lift.Squat {
			// A pull and the way back to the floor have the lockout between them:
			// one may round without the other. In a squat they meet at the bottom.
			one = 0.1
			out = append(out,
				candidate{knot: k, on: [2]bool{true, false}, prior: math.Log(one), knotAt: i},
				candidate{knot: k, on: [2]bool{false, true}, prior: math.Log(one), knotAt: i})
		}
		for _, a := range []struct{ shift, p float64 }{{0, 0.7}, {0.1, 0.2}, {0.2, 0.1}} {
			if k-a.shift > 0.05 {
				out = append(out, candidate{knot: k, ascent: a.shift, on: both, prior: math.Log(a.p * (1 - 2*one)), knotAt: i})
			}
		}
	}
	return out
}

// hinge is the unit excess at depth d.
func (c candidate) hinge(d, deepest float64, w way) float64 {
	if c.knot == 0 || !c.on[w] {
		return 0
	}
	k := c.knot
	if w == wayUp {
		k -= c.ascent
	}
	if d <= k || deepest <= k {
		return 0
	}
	return (d - k) / (deepest - k)
}

func smoothstep(d float64) float64 {
	d = math.Max(0, math.Min(1, d))
	return d * d * (3 - 2*d)
}

// columns fills the regressors at a depth, the hinge left out.
func columns(d float64, w way, x *[numCols]float64) {
	s := smoothstep(d)
	wig := 2 * d * (1 - d)
	if w == wayDown {
		wig = -wig
	}
	c1, c2, c3 := math.Cos(math.Pi*d)-1, math.Cos(2*math.Pi*d)-1, math.Cos(3*math.Pi*d)-1
	*x = [numCols]float64{cOffset: 1, cScale: s, cCos1: c1, cCos2: c2, cWay: wig, cTrend: s, cShared1: c1, cShared2: c2, cShared3: c3}
}

// cosSD is the prior sd of the j-th cosine of a Gaussian process of sd sigma.
func cosSD(sigma float64, j int) float64 {
	w := float64(j) * math.Pi
	return sigma * math.Sqrt(2*math.Sqrt(2*math.Pi)*gpLength*math.Exp(-gpLength*gpLength*w*w/2))
}

// priors holds mean and precision of every coefficient.
type priors struct{ mean, prec [cY]float64 }

// newPriors widens the Gaussian processes where the frames' stated error is more
// systematic than the default: wide is their sd in units of it, at least 1.
func newPriors(ex lift.Exercise, wide float64) priors {
	var p priors
	wide = math.Max(1, wide)
	set := func(c int, mean, sd float64) { p.mean[c], p.prec[c] = mean, 1/(sd*sd) }
	set(cOffset, 0, offsetSD)
	set(cScale, 0, scaleSD)
	set(cCos1, 0, cosSD(wide*privateGP, 1))
	set(cCos2, 0, cosSD(wide*privateGP, 2))
	set(cWay, 0, waySD)
	set(cHinge, 0, hingeRepSD)
	trend := otherTrend
	switch ex {
	case lift.Squat:
		trend = squatTrend
	case lift.Deadlift:
		trend = pullTrend
	}
	set(cTrend, trend, trendSD)
	set(cShared1, 0, cosSD(wide*sharedGP, 1))
	set(cShared2, 0, cosSD(wide*sharedGP, 2))
	set(cShared3, 0, cosSD(wide*sharedGP, 3))
	set(cSharedHinge, hingeMean, hingeSD)
	return p
}

// add puts the priors of columns [from, to) into the normal equations.
func (p *priors) add(g *gram, from, to int) {
	for c := from; c < to; c++ {
		g[c][c] += p.prec[c]
		g[c][cY] += p.prec[c] * p.mean[c]
		g[cY][c] = g[c][cY]
		g[cY][cY] += p.prec[c] * p.mean[c] * p.mean[c]
	}
}

// private integrates out a rep's own columns of the normal equations. It
// returns the Schur complement in the shared ones and the log evidence of the
// private part against the priors' normalisation. Only the upper triangle of g
// is used.
func (p *priors) private(g gram) (rest shared, logEv float64) {
	p.add(&g, 0, numPrivate)
	det := 1.0
	for c := range numPrivate {
		piv := g[c][c]
		det *= p.prec[c] / piv
		for i := c + 1; i < numCols; i++ {
			f := g[c][i] / piv
			if f == 0 {
				continue
			}
			for j := i; j < numCols; j++ {
				g[i][j] -= f * g[c][j]
			}
		}
	}
	for a := range rest {
		for b := a; b < len(rest); b++ {
			rest[a][b] = g[cTrend+a][cTrend+b]
			rest[b][a] = rest[a][b]
		}
	}
	return rest, math.Log(det) / 2
}

// public integrates out the shared columns too and returns their log evidence
// with the sum of squares that is left. It works in g, of which it takes the
// upper triangle.
func (p *priors) public(g *shared) float64 {
	const y = numShared
	det := 1.0
	for c := range numShared {
		prec, mean := p.prec[cTrend+c], p.mean[cTrend+c]
		g[c][c] += prec
		g[c][y] += prec * mean
		g[y][y] += prec * mean * mean
	}
	for c := range numShared {
		piv := g[c][c]
		det *= p.prec[cTrend+c] / piv
		pivot := &g[c]
		for i := c + 1; i <= numShared; i++ {
			f, row := pivot[i]/piv, &g[i]
			for j := i; j <= numShared; j++ {
				row[j] -= f * pivot[j]
			}
		}
	}
	return math.Log(det)/2 - g[y][y]/2
}

// repFit holds one rep's normal equations for every candidate.
type repFit struct {
	series *repSeries
	cands  []candidate
	full   []gram    // before anything is integrated out, no priors
	schur  []shared  // private part integrated out
	local  []float64 // log evidence of the private part
}

// setFit is the fit of a whole set.
type setFit struct {
	priors priors
	noise  noise
	reps   []repFit
	choice []int // candidate per rep
	centre int   // index into knots that the reps' knots cluster round
	logEv  float64
	// evidence is 2·ln of the odds of the best hypothesis with knees over none,
	// minEvidence what it takes.
	evidence, minEvidence float64
	total                 shared // sum of the chosen Schur complements, no shared priors
}

// fitSet finds the most probable hypothesis on the set.
func fitSet(series []*repSeries, ex lift.Exercise, minEvidence, systematic float64) *setFit {
	f := &setFit{priors: newPriors(ex, 1), noise: noise{scale: 1, tau: 0.12}, minEvidence: minEvidence}
	// Twice: the first fit's residuals give the noise of the second.
	for pass := 0; ; pass++ {
		f.reps = make([]repFit, len(series))
		var wg sync.WaitGroup
		for r, s := range series {
			wg.Go(func() { f.reps[r] = f.newRepFit(s, ex) })
		}
		wg.Wait()
		f.search()
		if pass == 1 {
			return f
		}
		f.noise = f.residualNoise()
		f.priors = newPriors(ex, f.systematic()/systematic)
	}
}

func (f *setFit) newRepFit(s *repSeries, ex lift.Exercise) repFit {
	up, down := false, false
	for _, x := range s.samples {
		if x.depth > 0.15 {
			up, down = up || x.way == wayUp, down || x.way == wayDown
		}
	}
	r := repFit{series: s, cands: candidates(ex, up && down, s.deepest)}
	r.full, r.schur, r.local = make([]gram, len(r.cands)), make([]shared, len(r.cands)), make([]float64, len(r.cands))
	n := len(s.samples)
	rows := make([][numCols]float64, n)
	for i, x := range s.samples {
		columns(x.depth, x.way, &rows[i])
		rows[i][cY] = x.flex
	}
	f.whiten(s.samples, rows)
	var base gram
	for i := range rows {
		for a := range numCols {
			for b := a; b < numCols; b++ {
				base[a][b] += rows[i][a] * rows[i][b]
			}
		}
	}
	hinge := make([][numCols]float64, n)
	for k, c := range r.cands {
		for i, x := range s.samples {
			hinge[i][cHinge] = c.hinge(x.depth, s.deepest, x.way)
		}
		f.whitenColumn(s.samples, hinge, cHinge)
		g := base
		var dot [numCols]float64
		for i := range rows {
			h := hinge[i][cHinge]
			if h == 0 {
				continue
			}
			for a := range numCols {
				dot[a] += h * rows[i][a]
			}
			dot[cHinge] += h * h
		}
		for a := range numCols {
			put(&g, a, cHinge, dot[a])
			put(&g, a, cSharedHinge, dot[a])
		}
		hh := dot[cHinge]
		put(&g, cHinge, cHinge, hh)
		put(&g, cHinge, cSharedHinge, hh)
		put(&g, cSharedHinge, cSharedHinge, hh)
		for a := range numCols {
			for b := range a {
				g[a][b] = g[b][a]
			}
		}
		r.full[k] = g
		r.schur[k], r.local[k] = f.priors.private(g)
	}
	return r
}

func put(g *gram, a, b int, v float64) { g[a][b], g[b][a] = v, v }
