// Package comparison puts two analysed sets of one exercise side by side: what differs
// between them and whether one phone can tell, flexion against depth in one figure, and
// both clips in one video, synchronised where the reps are deepest.
//
// Depths of two sets are compared on one scale: per cent of the deeper set's depth
// (docs/progression.md says why a set's own per cent will not do).
package comparison

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/progress"
	"github.com/spineflex/spineflex/pkg/rom"
)

// Set is one of the two.
type Set struct {
	Name     string // as figure, table and video call it
	Analysis *analysis.Analysis
}

// ErrNotAlike says that two sets cannot be compared.
var ErrNotAlike = errors.New("cannot be compared")

// Comparison of two sets.
type Comparison struct {
	A, B   Set
	Rows   []Row
	Curves [2]Curve
	Pairs  [][2]int // indices of the reps of A and B that go together

	depth [2]float64 // what takes a set's own depth to the common scale
	safe  [2]float64 // depth that holds, on the common scale; NaN: no verdict
}

// Row is a line of the table. Missing numbers are NaN.
type Row struct {
	Name   string
	Unit   string
	A, B   float64
	Noise  float64 // the least difference that can be told, NaN: a count
	Clear  bool    // the difference is beyond it
	Detail string
}

// Curve is flexion over the common depth, averaged over the reps of a set.
type Curve struct {
	DepthPct, Flexion, SD []float64 // SD is of one rep: the measurement's own and what differs between reps
}

// New compares two sets. The error wraps [ErrNotAlike] where they are of two exercises
// or one of them has no reps.
func New(a, b Set) (*Comparison, error) {
	for _, s := range []Set{a, b} {
		if len(s.Analysis.Reps) == 0 {
			return nil, fmt.Errorf("%s %w: it has no repetition", s.Name, ErrNotAlike)
		}
	}
	if a.Analysis.Exercise != b.Analysis.Exercise {
		return nil, fmt.Errorf("%s and %s %w: one is a %s, the other a %s", a.Name, b.Name, ErrNotAlike, a.Analysis.Exercise, b.Analysis.Exercise)
	}
	c := &Comparison{A: a, B: b, depth: [2]float64{1, 1}}
	if deepest := math.Max(a.Analysis.TravelPct, b.Analysis.TravelPct); deepest > 0 {
		c.depth = [2]float64{a.Analysis.TravelPct / deepest, b.Analysis.TravelPct / deepest}
	}
	for i, s := range c.sets() {
		c.safe[i] = s.SafeRange.DepthPct * c.depth[i]
		c.Curves[i] = newCurve(s, c.depth[i])
	}
	for i := range min(len(a.Analysis.Reps), len(b.Analysis.Reps)) {
		c.Pairs = append(c.Pairs, [2]int{i, i})
	}
	c.rows()
	return c, nil
}

func (c *Comparison) sets() [2]*analysis.Analysis {
	return [2]*analysis.Analysis{c.A.Analysis, c.B.Analysis}
}

// binPct is the width of a curve's bins, per cent of the common depth; a bin needs
// minFrames frames.
const (
	binPct    = 2.5
	minFrames = 2
)

// newCurve averages flexion over the frames of all reps in bins of depth.
func newCurve(a *analysis.Analysis, scale float64) Curve {
	type bin struct {
		n                   int
		sum, squares, noise float64
	}
	bins := make([]bin, int(100/binPct)+1)
	for i := range a.Frames {
		f := &a.Frames[i]
		if f.Rep == 0 || math.IsNaN(f.LumbarFlexion+f.LumbarFlexionSD+f.DepthPct) {
			continue
		}
		k := int(math.Round(f.DepthPct * scale / binPct))
		if k < 0 || k >= len(bins) {
			continue
		}
		b := &bins[k]
		b.n++
		b.sum += f.LumbarFlexion
		b.squares += f.LumbarFlexion * f.LumbarFlexion
		b.noise += f.LumbarFlexionSD * f.LumbarFlexionSD
	}
	var c Curve
	for k, b := range bins {
		if b.n < minFrames {
			continue
		}
		n := float64(b.n)
		mean := b.sum / n
		c.DepthPct = append(c.DepthPct, float64(k)*binPct)
		c.Flexion = append(c.Flexion, mean)
		c.SD = append(c.SD, math.Sqrt(math.Max(0, b.squares/n-mean*mean)+b.noise/n))
	}
	return c
}

// at is the curve's value at a depth, NaN outside it.
func (c *Curve) at(depth float64) (flexion, sd float64) {
	i := slices.IndexFunc(c.DepthPct, func(d float64) bool { return d >= depth })
	switch {
	case i < 0 || i == 0 && c.DepthPct[0] > depth:
		return math.NaN(), math.NaN()
	case c.DepthPct[i] == depth:
		return c.Flexion[i], c.SD[i]
	}
	t := (depth - c.DepthPct[i-1]) / (c.DepthPct[i] - c.DepthPct[i-1])
	return c.Flexion[i-1] + t*(c.Flexion[i]-c.Flexion[i-1]), c.SD[i-1] + t*(c.SD[i]-c.SD[i-1])
}

// normal90 is half the width of a 90 % interval in standard deviations.
const normal90 = 1.645

// rows fills the table.
func (c *Comparison) rows() {
	sets := c.sets()
	angle := func(name string, value func(*analysis.Analysis) (v, sd float64)) {
		a, sdA := value(sets[0])
		b, sdB := value(sets[1])
		noise := progress.ResolutionDeg
		if sd := normal90 * math.Hypot(sdA, sdB); sd > noise {
			noise = sd
		}
		c.add(Row{Name: name, Unit: "°", A: a, B: b, Noise: noise})
	}
	c.add(Row{Name: "reps", A: float64(len(sets[0].Reps)), B: float64(len(sets[1].Reps)), Noise: math.NaN()})
	c.add(Row{Name: "reps that stayed neutral", A: neutralReps(sets[0]), B: neutralReps(sets[1]), Noise: math.NaN()})
	if t := math.Max(sets[0].TravelPct, sets[1].TravelPct); t > 0 {
		c.add(Row{Name: "how deep the set went", Unit: "%", A: 100 * c.depth[0], B: 100 * c.depth[1], Noise: progress.ResolutionPct, Detail: "of the deeper set"})
	}
	depth := Row{Name: "neutral to", Unit: "%", A: c.safe[0], B: c.safe[1], Noise: progress.ResolutionPct, Detail: "of the deeper set's depth"}
	for i, s := range sets {
		if half := c.depth[i] * math.Abs(s.SafeRange.DepthPctCI90[1]-s.SafeRange.DepthPctCI90[0]) / 2; half > 0 {
			depth.Noise = math.Max(depth.Noise, half)
		}
	}
	c.add(depth)
	// Who never left neutral may hold deeper than was tried.
	shallower := sets[0]
	if depth.B < depth.A {
		shallower = sets[1]
	}
	if s := &shallower.SafeRange; s.Verdict == rom.Holds && s.BrokenReps == 0 {
		last := &c.Rows[len(c.Rows)-1]
		last.Clear, last.Noise = false, math.NaN()
		last.Detail += "; the shallower one never left neutral and may hold deeper than it went"
	}
	angle("peak flexion", func(a *analysis.Analysis) (v, sd float64) {
		return overReps(a, func(r *analysis.Rep) float64 { return r.PeakFlexionDeg }), overReps(a, func(r *analysis.Rep) float64 { return r.PeakFlexionSDDeg })
	})
	common := 100 * math.Min(c.depth[0], c.depth[1])
	for _, at := range []float64{0.5, 0.75, 1} {
		d := binPct * math.Floor(at*common/binPct)
		fa, sa := c.Curves[0].at(d)
		fb, sb := c.Curves[1].at(d)
		c.add(Row{Name: fmt.Sprintf("flexion at %.0f %% of the depth", d), Unit: "°", A: fa, B: fb, Noise: math.Max(progress.ResolutionDeg, normal90*math.Hypot(sa, sb))})
	}
	angle("surface angle at the peak", func(a *analysis.Analysis) (v, sd float64) {
		return overReps(a, func(r *analysis.Rep) float64 { return r.PeakLumbarAngleDeg }), a.Neutral.SDDeg
	})
	angle("hip flexion at the bottom", func(a *analysis.Analysis) (v, sd float64) {
		return overReps(a, func(r *analysis.Rep) float64 { return r.Bottom.HipFlexion }), 0
	})
	angle("knee flexion at the bottom", func(a *analysis.Analysis) (v, sd float64) {
		return overReps(a, func(r *analysis.Rep) float64 { return r.Bottom.KneeFlexion }), 0
	})
	angle("trunk from vertical at the bottom", func(a *analysis.Analysis) (v, sd float64) {
		return overReps(a, func(r *analysis.Rep) float64 { return r.Bottom.TrunkDeg }), 0
	})
	bend := math.Min(overReps(sets[0], func(r *analysis.Rep) float64 { return r.Bottom.HipFlexion }), overReps(sets[1], func(r *analysis.Rep) float64 { return r.Bottom.HipFlexion }))
	c.add(Row{Name: "lower back's share of the bend", Unit: "%", A: share(sets[0]), B: share(sets[1]), Noise: 100 * progress.ResolutionDeg / bend, Detail: "between trunk and thigh, at the bottom"})
	angle("camera off the side view", func(a *analysis.Analysis) (v, sd float64) { return a.Camera.YawDeg, 0 })
}

func (c *Comparison) add(r Row) {
	r.Clear = math.Abs(r.B-r.A) >= r.Noise
	c.Rows = append(c.Rows, r)
}

func neutralReps(a *analysis.Analysis) float64 {
	if a.SafeRange.Verdict == rom.Inconclusive {
		return math.NaN()
	}
	n := 0
	for i := range a.Reps {
		if a.Reps[i].Breakdown == nil && !math.IsNaN(a.Reps[i].PeakFlexionDeg) {
			n++
		}
	}
	return float64(n)
}

// share is the lower back's part of the bend at the bottom, per cent.
func share(a *analysis.Analysis) float64 {
	return overReps(a, func(r *analysis.Rep) float64 { return 100 * r.PeakFlexionDeg / r.Bottom.HipFlexion })
}

// overReps is the median over the reps that have the value.
func overReps(a *analysis.Analysis, value func(*analysis.Rep) float64) float64 {
	var v []float64
	for i := range a.Reps {
		if x := value(&a.Reps[i]); !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// Sentence says the difference that matters most.
func (c *Comparison) Sentence() string {
	for _, r := range c.Rows {
		if r.Name != "neutral to" {
			continue
		}
		switch {
		case math.IsNaN(r.A + r.B):
			return "One of the sets allows no verdict, so the depths that hold cannot be compared."
		case !r.Clear:
			return fmt.Sprintf("No clear difference in the depth that holds neutral: %.0f %% in %s, %.0f %% in %s.", r.A, c.A.Name, r.B, c.B.Name)
		case r.B > r.A:
			return fmt.Sprintf("%s holds neutral deeper: to %.0f %%, %s to %.0f %% of the depth.", c.B.Name, r.B, c.A.Name, r.A)
		}
		return fmt.Sprintf("%s holds neutral deeper: to %.0f %%, %s to %.0f %% of the depth.", c.A.Name, r.A, c.B.Name, r.B)
	}
	return ""
}

// depthLabel names the common scale.
func (c *Comparison) depthLabel() string {
	if c.A.Analysis.Exercise == lift.Deadlift {
		return "depth from lockout (% of the deeper set)"
	}
	return "depth from standing (% of the deeper set)"
}
