package rom

import (
	"math"
	"math/rand/v2"

	"github.com/spineflex/spineflex/pkg/lift"
)

// lifter describes a simulated set. Flexion is
//
//	drift·shape(u) + F·max(0, (u−d0)/(1−d0)) + error(depth) + noise(time),
//
// the course that the rendered clips follow, with errors that they do not have.
type lifter struct {
	exercise   lift.Exercise
	reps       int
	fps        float64
	drift      float64
	shape      func(u float64) float64 // 0 at 0, 1 at 1
	d0         float64                 // 1: neutral
	flex       []float64               // F per rep; the last repeats
	repSD      float64                 // relative variation of F, a quarter of it of d0
	ascent     float64                 // d0 is shallower by this on the way up
	down, up   float64                 // s
	pause      float64                 // s at the bottom
	winkS      float64                 // >0: the excess is a pulse of this length round the bottom instead of a hinge
	noiseSD    float64                 // degrees, after filtering
	noiseTau   float64                 // s
	depthError float64                 // sd of the smooth error that goes with depth, shared by the reps
	repError   float64                 // the same, of one rep alone
	standing   float64                 // surface angle in standing
	statedSD   float64                 // 0: true one with 3° systematic
}

type repTruth struct {
	excess  float64 // at the bottom
	onset   float64 // depth 0..1
	at10    float64 // depth at which excess passes 10°, +Inf if never
	onsetUp float64
	at10Up  float64
	deepest float64
}

func shapeSmooth(u float64) float64  { return u * u * (3 - 2*u) }
func shapeLinear(u float64) float64  { return u }
func shapeSqrt(u float64) float64    { return math.Sqrt(u) }
func shapeSquare(u float64) float64  { return u * u }
func shapeSigmoid(u float64) float64 { return (sigm(10*(u-0.5)) - sigm(-5)) / (sigm(5) - sigm(-5)) }
func shapeEarly(u float64) float64   { return shapeSmooth(math.Min(1, u/0.6)) }
func sigm(x float64) float64         { return 1 / (1 + math.Exp(-x)) }

func ease(t float64) float64 { return t * t * t * (t*(6*t-15) + 10) }

// smoothError is a random smooth function of depth with the given sd, 0 at 0.
func smoothError(rng *rand.Rand, sd float64) func(float64) float64 {
	// Cosines of period 2, 1 and 2/3 of the range; unit sd of f(1)−f(0) wants 1/√…
	const a1, a2 = 0.45, 0.25
	c := []float64{a1 * rng.NormFloat64(), a2 * rng.NormFloat64(), a1 * rng.NormFloat64()}
	return func(d float64) float64 {
		return sd * (c[0]*(1-math.Cos(math.Pi*d)) + c[1]*(1-math.Cos(2*math.Pi*d)) + c[2]*math.Sin(math.Pi*d/2))
	}
}

func (l lifter) simulate(rng *rand.Rand) (Input, []repTruth) {
	in := Input{Exercise: l.exercise, NeutralSDDeg: 1}
	var truth []repTruth
	t := 0.0
	shared := smoothError(rng, l.depthError)
	noise := l.noiseSD * rng.NormFloat64()
	step := 1 / l.fps
	rho := 0.0
	if l.noiseTau > 0 {
		rho = math.Exp(-step / l.noiseTau)
	}
	stated := l.statedSD
	if stated == 0 {
		stated = math.Hypot(l.noiseSD, 3)
	}
	for r := range l.reps {
		f := 0.0
		if len(l.flex) > 0 {
			f = l.flex[min(r, len(l.flex)-1)] * (1 + l.repSD*rng.NormFloat64())
		}
		d0, deep := l.d0, 1.0
		if d0 < 1 {
			d0 = math.Min(0.97, math.Max(0.1, d0+0.25*l.repSD*rng.NormFloat64()))
		}
		if l.exercise == lift.Squat {
			deep = 1 - math.Abs(0.3*l.repSD*rng.NormFloat64())
		}
		own := smoothError(rng, l.repError)
		type leg struct {
			phase    lift.Phase
			dur      float64
			from, to float64
		}
		legs := []leg{{lift.Down, l.down, 0, deep}, {lift.Bottom, l.pause, deep, deep}, {lift.Up, l.up, deep, 0}}
		if l.exercise == lift.Deadlift {
			legs = []leg{{lift.Up, l.up, deep, 0}, {lift.Top, 0.4, 0, 0}, {lift.Down, l.down, 0, deep}, {lift.Bottom, l.pause, deep, deep}}
		}
		begin := t
		rep := Rep{Index: r + 1, StartS: t}
		var bottom float64
		if l.exercise == lift.Squat {
			bottom = begin + l.down + l.pause/2
		} else {
			bottom = begin + l.up + 0.4 + l.down
		}
		rep.BottomS = bottom
		tr := repTruth{onset: d0, onsetUp: d0 - l.ascent, at10: math.Inf(1), at10Up: math.Inf(1), deepest: deep}
		for _, g := range legs {
			for s := 0.0; s < g.dur; s += step {
				x := ease(s / g.dur)
				u := g.from + (g.to-g.from)*x
				k := d0
				if g.phase == lift.Up {
					k -= l.ascent
				}
				e := 0.0
				switch {
				case l.winkS > 0:
					z := (t - bottom) / (l.winkS / 2)
					if math.Abs(z) < 1 {
						e = f * (1 + math.Cos(math.Pi*z)) / 2
					}
				case k < 1 && u > k:
					e = f * (u - k) / (1 - k)
				}
				tr.excess = math.Max(tr.excess, e)
				if e > 10 {
					if g.phase == lift.Up {
						tr.at10Up = math.Min(tr.at10Up, u)
					} else {
						tr.at10 = math.Min(tr.at10, u)
					}
				}
				if e > 0.2 && l.winkS > 0 {
					tr.onset = math.Min(tr.onset, u)
					tr.onsetUp = tr.onset
				}
				noise = rho*noise + math.Sqrt(1-rho*rho)*l.noiseSD*rng.NormFloat64()
				lf := l.drift*l.shape(u) + e + shared(u) + own(u) + noise
				in.Frames = append(in.Frames, Frame{
					Posture: lift.Posture{
						TimeS: t, DepthPct: 100 * u, KneeFlexion: 130 * u, HipFlexion: 110 * u,
						ThighDeg: 90 - 100*u, HipHeightPct: 100 - 60*u, TrunkDeg: 10 + 35*u,
					},
					Rep: r + 1, Phase: g.phase,
					LumbarFlexion: lf, LumbarFlexionSD: stated, LumbarAngle: l.standing + lf, HeightCM: math.NaN(),
				})
				t += step
			}
		}
		rep.EndS = t
		in.Reps = append(in.Reps, rep)
		truth = append(truth, tr)
		t += 0.5
	}
	return in, truth
}

func (r repTruth) broken() bool  { return r.excess > 10 }
func (r repTruth) neutral() bool { return r.excess < 4 }

// depthError is how far a depth (0..1) lies outside onset..10° of excess.
func (r repTruth) depthError(d float64) float64 {
	best := math.Inf(1)
	for _, e := range [][2]float64{{r.onset, r.at10}, {r.onsetUp, r.at10Up}} {
		lo, hi := e[0], math.Max(e[0], e[1])
		if math.IsInf(hi, 1) {
			hi = r.deepest
		}
		x := 0.0
		if d < lo {
			x = d - lo
		} else if d > hi {
			x = d - hi
		}
		if math.Abs(x) < math.Abs(best) {
			best = x
		}
	}
	return best
}

// tally counts reps and verdicts against the truth.
type tally struct {
	tp, fp, fn, tn         int
	sets, right, undecided int
	depth                  []float64
	excess                 []float64 // estimated − true at the bottom of broken reps
}

func (y *tally) add(a Assessment, truth []repTruth) {
	broken := 0
	for i, r := range truth {
		got := a.Reps[i].Breakdown
		switch {
		case r.broken() && got != nil:
			y.tp++
			y.depth = append(y.depth, r.depthError(got.DepthPct/100))
			y.excess = append(y.excess, got.ExcessDeg-r.excess)
		case r.broken():
			y.fn++
		case r.neutral() && got != nil:
			y.fp++
		case r.neutral():
			y.tn++
		}
		if r.broken() {
			broken++
		}
	}
	want := Holds
	if broken >= 2 || broken > 0 && 2*broken >= len(truth) {
		want = Breaks
	}
	y.sets++
	switch a.SafeRange.Verdict {
	case want:
		y.right++
	case Inconclusive:
		y.undecided++
	}
}

func meanAbs(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += math.Abs(x)
	}
	return s / float64(len(v))
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}
