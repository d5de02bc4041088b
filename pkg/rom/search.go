package rom

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"
)

// search maximises the joint evidence over the reps' hypotheses by coordinate
// ascent, from no rep broken and, for every centre of the knots, from all
// broken there.
func (f *setFit) search() {
	f.logEv = math.Inf(-1)
	none := make([]int, len(f.reps))
	noneEv := f.joint(none, f.sum(none), 0)
	type climb struct {
		centre int
		choice []int
		ev     float64
	}
	var climbs []climb
	for centre := 0; centre < len(knots); centre += 2 { // the spread of the knots covers the step
		all := make([]int, len(f.reps))
		for r := range f.reps {
			all[r] = f.reps[r].at(centre)
		}
		climbs = append(climbs, climb{centre: centre, choice: slices.Clone(none)}, climb{centre: centre, choice: all})
	}
	var wg sync.WaitGroup
	var met encounters
	for i := range climbs {
		wg.Go(func() {
			c := &climbs[i]
			c.choice, c.ev = f.ascend(c.choice, c.centre, &met)
		})
	}
	wg.Wait()
	for _, c := range climbs {
		if c.ev > f.logEv+1e-9 {
			f.logEv, f.choice, f.centre = c.ev, c.choice, c.centre
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

func (f *setFit) ascend(choice []int, centre int, met *encounters) ([]int, float64) {
	prior := knotPrior(centre)
	broken := 0
	for _, c := range choice {
		if c != 0 {
			broken++
		}
	}
	for range 6 {
		changed := false
		for r := range f.reps {
			others := broken
			if choice[r] != 0 {
				others--
			}
			at, none, all := f.weigh(r, met.beside(f, r, choice), prior, others)
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
		}
		if !changed {
			break
		}
	}
	// The evidence of the best knots alone would make a hinge pay for its knot
	// not being known: count all knots of each rep beside the others' best.
	best := f.joint(choice, f.sum(choice), centre)
	for r, c := range choice {
		if c == 0 {
			continue
		}
		s := met.beside(f, r, choice)
		_, _, all := f.weigh(r, s, prior, broken-1)
		h := f.hypotheses(prior, broken-1)
		best += all - s.data[c] - h.of(&f.reps[r].cands[c])
	}
	return choice, best
}

// surroundings are what the others' choice makes of a rep: what is left of their
// equations, and the log evidence of each of the rep's candidates.
type surroundings struct {
	rest shared
	data []float64
}

// beside is rep r beside the others' choice.
func (f *setFit) beside(r int, choice []int) *surroundings {
	s := &surroundings{data: make([]float64, len(f.reps[r].cands))}
	for i, c := range choice {
		if i != r {
			s.rest.add(&f.reps[i].schur[c], 1)
		}
	}
	for c := range s.data {
		s.data[c] = f.conditional(r, c, &s.rest)
	}
	return s
}

// encounters remembers surroundings: climbs that begin apart come by the same
// ones.
type encounters struct{ known sync.Map }

func (e *encounters) beside(f *setFit, r int, choice []int) *surroundings {
	key := make([]byte, 0, 2*len(choice)+2)
	for i, c := range choice {
		if i == r {
			c = -1
		}
		key = binary.LittleEndian.AppendUint16(key, uint16(c))
	}
	if known, ok := e.known.Load(string(key)); ok {
		return known.(*surroundings)
	}
	s := f.beside(r, choice)
	e.known.Store(string(key), s)
	return s
}

// weigh gives the most probable hinge of rep r in its surroundings, 0 if there
// is none, and the log evidence of no hinge and of any.
func (f *setFit) weigh(r int, s *surroundings, prior []float64, others int) (best int, none, all float64) {
	ev, best := f.weights(r, s, prior, others)
	return best, ev[0], floats.LogSumExp(ev[1:])
}

// weights are the log evidence of rep r's candidates with the hypotheses' prior,
// and best is the most probable hinge, 0 if there is none. A hinge with a
// negative excess is none: a stretch that was measured too low would make a rep
// that comes down from a rounding of it, and the others' rounding a steep trend.
func (f *setFit) weights(r int, s *surroundings, prior []float64, others int) (ev []float64, best int) {
	cands := f.reps[r].cands
	ev = make([]float64, len(cands))
	h := f.hypotheses(prior, others)
	for c := range cands {
		ev[c] = s.data[c] + h.of(&cands[c])
	}
	for {
		best = 0
		top := math.Inf(-1)
		for c := 1; c < len(ev); c++ {
			if ev[c] > top {
				best, top = c, ev[c]
			}
		}
		if best == 0 {
			return ev, 0
		}
		if excess, _ := f.excess(r, best, &s.rest); excess > 0 {
			return ev, best
		}
		ev[best] = math.Inf(-1)
	}
}

// conditional is the log evidence of candidate c in rep r beside the others.
func (f *setFit) conditional(r, c int, rest *shared) float64 {
	g, own := *rest, &f.reps[r].schur[c]
	for a := range g {
		for b := a; b < len(g); b++ { // public looks at no more
			g[a][b] += own[a][b]
		}
	}
	return f.reps[r].local[c] + f.priors.public(&g)
}

// hypothesisPrior is the log prior of a rep's candidates, by the knots' and by
// how many of the other reps are broken.
type hypothesisPrior struct {
	knot         []float64
	broken, none float64
}

func (f *setFit) hypotheses(knot []float64, others int) hypothesisPrior {
	n := float64(len(f.reps) - 1)
	odds := (float64(others) + brokenPrior) / (n + 2*brokenPrior)
	return hypothesisPrior{knot, math.Log(odds), math.Log(1 - odds)}
}

func (h *hypothesisPrior) of(c *candidate) float64 {
	if c.knot == 0 {
		return h.none
	}
	return h.broken + c.prior + h.knot[c.knotAt]
}

func (f *setFit) joint(choice []int, total shared, centre int) float64 {
	prior := knotPrior(centre)
	ev := f.priors.public(&total)
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
