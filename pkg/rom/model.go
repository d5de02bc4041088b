package rom

import (
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/signal"
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

// noise is what the residuals say about the frames: their sd in units of the
// stated one, and the time over which errors are alike.
type noise struct{ scale, tau float64 }

// priors holds mean and precision of every coefficient.
type priors struct{ mean, prec [cY]float64 }

func newPriors(ex lift.Exercise) priors {
	var p priors
	set := func(c int, mean, sd float64) { p.mean[c], p.prec[c] = mean, 1/(sd*sd) }
	set(cOffset, 0, offsetSD)
	set(cScale, 0, scaleSD)
	set(cCos1, 0, cosSD(privateGP, 1))
	set(cCos2, 0, cosSD(privateGP, 2))
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
	set(cShared1, 0, cosSD(sharedGP, 1))
	set(cShared2, 0, cosSD(sharedGP, 2))
	set(cShared3, 0, cosSD(sharedGP, 3))
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
// with the sum of squares that is left.
func (p *priors) public(g shared) float64 {
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
		for i := c + 1; i <= numShared; i++ {
			f := g[c][i] / piv
			for j := i; j <= numShared; j++ {
				g[i][j] -= f * g[c][j]
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
func fitSet(series []*repSeries, ex lift.Exercise, minEvidence float64) *setFit {
	f := &setFit{priors: newPriors(ex), noise: noise{scale: 1, tau: 0.12}, minEvidence: minEvidence}
	// Twice: the first fit's residuals give the noise of the second.
	for pass := 0; ; pass++ {
		f.reps = f.reps[:0]
		for _, s := range series {
			f.reps = append(f.reps, f.newRepFit(s, ex))
		}
		f.search()
		if pass == 1 {
			return f
		}
		f.noise = f.residualNoise()
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
	for _, c := range r.cands {
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
		rest, ev := f.priors.private(g)
		r.full = append(r.full, g)
		r.schur = append(r.schur, rest)
		r.local = append(r.local, ev)
	}
	return r
}

func put(g *gram, a, b int, v float64) { g[a][b], g[b][a] = v, v }

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

// likeness is the correlation of sample i's error with the one before.
func likeness(samples []sample, i int, tau float64) float64 {
	if i == 0 {
		return 0
	}
	return math.Min(0.99, math.Exp(-(samples[i].t-samples[i-1].t)/tau))
}

// search maximises the joint evidence over the reps' hypotheses by coordinate
// ascent, from no rep broken and, for every centre of the knots, from all
// broken there.
func (f *setFit) search() {
	f.logEv = math.Inf(-1)
	none := make([]int, len(f.reps))
	noneEv := f.joint(none, f.sum(none), 0)
	for centre := range knots {
		if centre%2 == 1 {
			continue // the spread of the knots covers the step
		}
		all := make([]int, len(f.reps))
		for r := range f.reps {
			all[r] = f.reps[r].at(centre)
		}
		for _, start := range [][]int{none, all} {
			choice, ev := f.ascend(append([]int(nil), start...), centre)
			if ev > f.logEv+1e-9 {
				f.logEv, f.choice, f.centre = ev, choice, centre
			}
		}
	}
	// A knee is worth claiming only when the set as a whole speaks for it.
	f.evidence = 2 * (f.logEv - noneEv)
	if f.evidence < f.minEvidence {
		f.choice = none
	}
	f.total = f.sum(f.choice)
}

// at returns the plain candidate with the given knot.
func (r *repFit) at(knot int) int {
	for i, c := range r.cands {
		if c.knot != 0 && c.knotAt == knot && c.ascent == 0 && c.on == [2]bool{true, true} {
			return i
		}
	}
	return 0
}

func (f *setFit) sum(choice []int) shared {
	var g shared
	for r, c := range choice {
		g.add(&f.reps[r].schur[c], 1)
	}
	return g
}

func (f *setFit) ascend(choice []int, centre int) ([]int, float64) {
	prior := knotPrior(centre)
	total := f.sum(choice)
	broken := 0
	for _, c := range choice {
		if c != 0 {
			broken++
		}
	}
	for range 6 {
		changed := false
		for r := range f.reps {
			rf := &f.reps[r]
			rest := total
			rest.add(&rf.schur[choice[r]], -1)
			others := broken
			if choice[r] != 0 {
				others--
			}
			at, none, all := f.weigh(r, &rest, prior, others)
			if none >= all {
				at = 0
			}
			if at != choice[r] {
				changed = true
				choice[r] = at
			}
			broken = others
			if at != 0 {
				broken++
			}
			total = rest
			total.add(&rf.schur[at], 1)
		}
		if !changed {
			break
		}
	}
	// The evidence of the best knots alone would make a hinge pay for its knot
	// not being known: count all knots of each rep beside the others' best.
	best := f.joint(choice, total, centre)
	for r, c := range choice {
		if c == 0 {
			continue
		}
		rest := total
		rest.add(&f.reps[r].schur[c], -1)
		_, _, all := f.weigh(r, &rest, prior, broken-1)
		best += all - f.conditional(r, c, &rest) - f.hypothesisPrior(f.reps[r].cands[c], prior, broken-1)
	}
	return choice, best
}

// weigh gives the most probable hinge of rep r and the log evidence of no hinge
// and of any.
func (f *setFit) weigh(r int, rest *shared, prior []float64, others int) (best int, none, all float64) {
	rf := &f.reps[r]
	ev := make([]float64, len(rf.cands))
	top := math.Inf(-1)
	for c := range rf.cands {
		ev[c] = f.conditional(r, c, rest) + f.hypothesisPrior(rf.cands[c], prior, others)
		if c > 0 && ev[c] > top {
			best, top = c, ev[c]
		}
	}
	sum := 0.0
	for _, v := range ev[1:] {
		sum += math.Exp(v - top)
	}
	return best, ev[0], top + math.Log(sum)
}

// conditional is the log evidence of candidate c in rep r beside the others.
func (f *setFit) conditional(r, c int, rest *shared) float64 {
	g := *rest
	g.add(&f.reps[r].schur[c], 1)
	return f.reps[r].local[c] + f.priors.public(g)
}

// hypothesisPrior is the log prior of a candidate when others of the remaining
// reps are broken.
func (f *setFit) hypothesisPrior(c candidate, knot []float64, others int) float64 {
	n := float64(len(f.reps) - 1)
	odds := (float64(others) + brokenPrior) / (n + 2*brokenPrior)
	if c.knot == 0 {
		return math.Log(1 - odds)
	}
	return math.Log(odds) + c.prior + knot[c.knotAt]
}

func (f *setFit) joint(choice []int, total shared, centre int) float64 {
	prior := knotPrior(centre)
	ev := f.priors.public(total)
	broken := 0
	for r, c := range choice {
		ev += f.reps[r].local[c]
		if c != 0 {
			broken++
			ev += f.reps[r].cands[c].prior + prior[f.reps[r].cands[c].knotAt]
		}
	}
	n := float64(len(choice))
	b := float64(broken)
	return ev + logBeta(b+brokenPrior, n-b+brokenPrior) - logBeta(brokenPrior, brokenPrior)
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// knotPrior is the log prior of every knot when the set's cluster at centre.
func knotPrior(centre int) []float64 {
	out := make([]float64, len(knots))
	sum := 0.0
	for i, k := range knots {
		z := (k - knots[centre]) / knotSpread
		out[i] = math.Exp(-z * z / 2)
		sum += out[i]
	}
	for i := range out {
		out[i] = math.Log((1-knotFree)*out[i]/sum + knotFree/float64(len(knots)))
	}
	return out
}

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
	rest := f.total
	rest.add(&rf.schur[f.choice[r]], -1)
	others := 0
	for i, c := range f.choice {
		if i != r && c != 0 {
			others++
		}
	}
	prior := knotPrior(f.centre)
	ev := make([]float64, len(rf.cands))
	top := math.Inf(-1)
	h := hingePosterior{}
	for c := range rf.cands {
		ev[c] = f.conditional(r, c, &rest) + f.hypothesisPrior(rf.cands[c], prior, others)
		if c > 0 && ev[c] > top {
			top, h.best = ev[c], c
		}
	}
	sum := 0.0
	for c := 1; c < len(ev); c++ {
		sum += math.Exp(ev[c] - top)
	}
	h.logOdds = top + math.Log(sum) - ev[0]
	var m1, m2, e1, e2 float64
	for c := 1; c < len(ev); c++ {
		w := math.Exp(ev[c]-top) / sum
		if w < 1e-4 {
			continue
		}
		k := rf.cands[c].knot
		if !rf.cands[c].on[wayDown] {
			k -= rf.cands[c].ascent
		}
		mean, cov := f.coefficients(r, c, &rest)
		x := mean[cHinge] + mean[cSharedHinge]
		v := cov[cHinge][cHinge] + 2*cov[cHinge][cSharedHinge] + cov[cSharedHinge][cSharedHinge]
		m1, m2 = m1+w*k, m2+w*k*k
		e1, e2 = e1+w*x, e2+w*(x*x+v)
		h.knots = append(h.knots, k)
		h.weights = append(h.weights, w)
	}
	h.knot, h.knotSD = m1, math.Sqrt(math.Max(m2-m1*m1, 0)+knotStepVar)
	h.excess, h.excessSD = e1, math.Sqrt(math.Max(e2-e1*e1, 0))
	return h
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
	v := f.curve(r, c).cov
	return math.Sqrt(v[cHinge][cHinge] + 2*v[cHinge][cSharedHinge] + v[cSharedHinge][cSharedHinge])
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
		scale := math.Min(4, math.Max(0.4, signal.Median(w)*1.4826))
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
