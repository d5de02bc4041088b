package rom

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
)

var (
	sets   = flag.Int("sets", 6, "simulated sets per row of the operating characteristics")
	update = flag.Bool("update", false, "write the table of operating characteristics into docs/breakdown.md")
)

const characteristicsDoc = "../../docs/breakdown.md"

// population draws lifters of one kind.
type population struct {
	name        string
	draw        func(*rand.Rand) lifter
	maxFalse    float64 // share of neutral reps called broken, at most
	minFound    float64 // share of broken reps found, at least
	maxDepth    float64 // mean error of their depth, at most
	informative bool    // documents a limit: no bound is claimed
}

func populations() []population {
	// Anyone: 2–6 reps of a squat or a deadlift flattening by 6–16°, filmed so
	// that 2.5° of noise and 2° of smooth error are left.
	anyone := func(rng *rand.Rand) lifter {
		l := lifter{
			exercise: lift.Squat, reps: 2 + rng.IntN(5), fps: 30, drift: 6 + 4*rng.Float64(), shape: shapeSmooth, d0: 1, repSD: 0.05,
			down: 1.3 + 0.6*rng.Float64(), up: 1.1 + 0.6*rng.Float64(), pause: 0.2,
			noiseSD: 2.5, noiseTau: 0.12, depthError: 2, repError: 1, standing: -45,
		}
		if rng.IntN(2) == 0 {
			l.exercise, l.drift = lift.Deadlift, 12+4*rng.Float64()
		}
		return l
	}
	with := func(change func(*lifter, *rand.Rand)) func(*rand.Rand) lifter {
		return func(rng *rand.Rand) lifter {
			l := anyone(rng)
			change(&l, rng)
			return l
		}
	}
	breaks := func(l *lifter, rng *rand.Rand) {
		l.d0, l.flex = 0.35+0.4*rng.Float64(), []float64{12 + 18*rng.Float64()}
	}
	var out []population
	for _, noise := range []float64{2, 3, 4} {
		for _, depth := range []float64{0, 2, 4} {
			n := fmt.Sprintf("noise %g°, error with depth %g°", noise, depth)
			out = append(out,
				population{name: "neutral, " + n, maxFalse: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.noiseSD, l.depthError = noise, depth })},
				population{name: "knee at .35–.75 of 12–30°, " + n, minFound: 0.8, maxDepth: 0.05, draw: with(func(l *lifter, rng *rand.Rand) {
					breaks(l, rng)
					l.noiseSD, l.depthError = noise, depth
				})})
		}
	}
	for _, d0 := range []float64{0.2, 0.35, 0.5, 0.65, 0.75} {
		for _, f := range []float64{12, 16, 20, 30} {
			p := population{name: fmt.Sprintf("knee at %.2f of %g°", d0, f), minFound: 0.85, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.d0, l.flex = d0, []float64{f} })}
			if f < 16 && d0 < 0.6 || f < 20 && d0 < 0.5 || d0 < 0.3 {
				p.informative = true
			}
			out = append(out, p)
		}
	}
	for _, s := range []struct {
		name string
		f    func(float64) float64
	}{{"linear", shapeLinear}, {"square root", shapeSqrt}, {"logistic", shapeSigmoid}, {"done at .6 of the depth", shapeEarly}, {"quadratic", shapeSquare}, {"smoothstep", shapeSmooth}} {
		for _, drift := range []float64{10, 16, 25} {
			p := population{name: fmt.Sprintf("neutral, %g° %s", drift, s.name), maxFalse: 0.08, draw: with(func(l *lifter, _ *rand.Rand) { l.shape, l.drift = s.f, drift })}
			p.informative = drift == 25 || s.name == "quadratic"
			out = append(out, p)
		}
	}
	out = append(out,
		population{name: "knee of 20° at .6 after flattening was done at .6", minFound: 0.9, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.shape, l.d0, l.flex = shapeEarly, 0.6, []float64{20} })},
		population{name: "wink of 0.3 s, 20°", informative: true, draw: with(func(l *lifter, _ *rand.Rand) {
			l.exercise, l.drift, l.winkS, l.pause, l.flex = lift.Squat, 8, 0.3, 0.05, []float64{20}
		})},
		population{name: "wink of 0.5 s, 20°", minFound: 0.9, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) {
			l.exercise, l.drift, l.winkS, l.flex = lift.Squat, 8, 0.5, []float64{20}
		})},
		population{name: "tiring: 0, 0, 12, 19° at .7", minFound: 0.85, maxFalse: 0.05, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.reps, l.d0, l.flex = 4, 0.7, []float64{0, 0, 12, 19} })},
		population{name: "one of five: 20° at .7", minFound: 0.85, maxFalse: 0.05, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.reps, l.d0, l.flex = 5, 0.7, []float64{0, 0, 20, 0, 0} })},
		population{name: "rounding persists .1 on the way up", minFound: 0.9, maxDepth: 0.05, draw: with(func(l *lifter, rng *rand.Rand) {
			l.d0, l.ascent, l.flex = 0.6, 0.1, []float64{20}
		})},
		population{name: "single neutral rep", maxFalse: 0.1, draw: with(func(l *lifter, _ *rand.Rand) { l.reps = 1 })},
		population{name: "single rep, 20° at .6", minFound: 0.85, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.reps, l.d0, l.flex = 1, 0.6, []float64{20} })},
		population{name: "neutral, errors alike over 0.3 s", maxFalse: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.noiseTau = 0.3 })},
		population{name: "20° at .6, errors alike over 0.3 s", minFound: 0.9, maxDepth: 0.05, draw: with(func(l *lifter, _ *rand.Rand) { l.noiseTau, l.d0, l.flex = 0.3, 0.6, []float64{20} })},
	)
	return out
}

// TestOperatingCharacteristics holds the decision rule to what docs/breakdown.md
// says of it. The table there is made with
//
//	go test ./pkg/rom -run OperatingCharacteristics -timeout 60m -args -sets 40 -update
func TestOperatingCharacteristics(t *testing.T) {
	var table strings.Builder
	table.WriteString("| lifters | broken reps found | neutral reps called broken | verdict right | inconclusive | depth error (bias), % of the range |\n|---|---|---|---|---|---|\n")
	share := func(a, b int) string {
		if b == 0 {
			return "–"
		}
		return fmt.Sprintf("%.3f", float64(a)/float64(b))
	}
	for i, p := range populations() {
		rng := rand.New(rand.NewPCG(uint64(i), 2026))
		var y tally
		for range *sets {
			in, truth := p.draw(rng).simulate(rng)
			y.add(assess(t, in, Options{Resamples: 20}), truth)
		}
		depth := "–"
		if len(y.depth) > 0 {
			depth = fmt.Sprintf("%.1f (%+.1f)", 100*meanAbs(y.depth), 100*mean(y.depth))
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", p.name, share(y.tp, y.tp+y.fn), share(y.fp, y.fp+y.tn), share(y.right, y.sets), share(y.undecided, y.sets), depth)
		if p.informative {
			continue
		}
		// The bounds hold for the population; a sample of sets may stray. Reps of
		// a set break together, so that sets count, not reps.
		slack := 2.5 * math.Sqrt(0.1*0.9/float64(*sets))
		if n := y.tp + y.fn; p.minFound > 0 && float64(y.tp) < (p.minFound-slack)*float64(n) {
			t.Errorf("%s: %d of %d broken reps found; want %.2f of them", p.name, y.tp, n, p.minFound)
		}
		if n := y.fp + y.tn; float64(y.fp) > (p.maxFalse+slack)*float64(n) {
			t.Errorf("%s: %d of %d neutral reps called broken; want at most %.2f of them", p.name, y.fp, n, p.maxFalse)
		}
		if d := meanAbs(y.depth); p.maxDepth > 0 && d > p.maxDepth {
			t.Errorf("%s: depth error %.3f; want at most %.2f", p.name, d, p.maxDepth)
		}
	}
	t.Logf("%d sets a row\n%s", *sets, table.String())
	if !*update {
		return
	}
	const begin, end = "<!-- characteristics -->\n", "<!-- /characteristics -->"
	b, err := os.ReadFile(characteristicsDoc)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no characteristics markers", characteristicsDoc)
	}
	text := fmt.Sprintf("%s%s%d simulated sets a row.\n\n%s%s%s", head, begin, *sets, table.String(), end, tail)
	if err := os.WriteFile(characteristicsDoc, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
