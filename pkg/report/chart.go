package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
)

// A chart's plot is an SVG of chartUnits by chartUnits that is stretched to
// whatever room there is; strokes keep their width (vector-effect) and every
// word stands outside the SVG, placed in per cent, so that type is never
// scaled down on a phone.
const chartUnits = 1000

// maxGap is the longest time, seconds, that a curve is drawn across; it is
// what the analysis interpolates over, measurement.md 3a.6.
const maxGap = 0.25

// maxSamples bounds the points of a chart; a screen shows no more.
const maxSamples = 1800

// chart is one plot, ready to be written.
type chart struct {
	ID, Title, Description string
	XLabel, YLabel         string
	X, Y                   axis
	Bands                  []band
	Lines                  []line
	Rules                  []rule
	Marks                  []mark
	Words                  []word
	Legend                 []legend
}

// axis maps [Min, Max] to the plot.
type axis struct {
	Min, Max float64
	Ticks    []tick
}

type tick struct {
	Pct   float64 // from the left, or from the top
	Label string
}

type band struct {
	Class      string
	X, Y, W, H float64
}

type line struct {
	Class   string
	D       string
	Opacity float64
	Rep     int
}

type rule struct {
	Class          string
	X1, Y1, X2, Y2 float64
}

// mark is a dot, drawn as a round-capped stroke of no length so that it stays
// round in a stretched plot.
type mark struct {
	Class string
	X, Y  float64
	Rep   int
}

type word struct {
	Class    string
	Left     float64 // per cent
	Top      float64
	Text     string
	FromEnd  bool // Left is the word's right edge
	Centered bool
}

type legend struct{ Class, Text string }

func (a axis) at(v float64) float64 { return (v - a.Min) / (a.Max - a.Min) }

func (c *chart) x(v float64) float64 { return round1(chartUnits * c.X.at(v)) }
func (c *chart) y(v float64) float64 { return round1(chartUnits * (1 - c.Y.at(v))) }

func round1(v float64) float64 { return math.Round(10*v) / 10 }

// ticks places a label at every multiple of a round step, about n of them.
func (a *axis) ticks(n int, flip bool, format func(float64) string) {
	step := roundStep((a.Max - a.Min) / float64(n))
	for k := int(math.Ceil(a.Min/step - 1e-9)); float64(k) <= a.Max/step+1e-9; k++ {
		v := float64(k) * step
		p := 100 * a.at(v)
		if flip {
			p = 100 - p
		}
		a.Ticks = append(a.Ticks, tick{round1(p), format(v)})
	}
}

// roundStep is the smallest of 1, 2, 5 × 10^k that is at least v.
func roundStep(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	e := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, m := range []float64{1, 2, 5} {
		if m*e >= v*(1-1e-9) {
			return m * e
		}
	}
	return 10 * e
}

// flexionAxis holds every flexion of the clip, in steps of ten degrees.
func flexionAxis(frames []analysis.Frame) axis {
	lo, hi := -5.0, 35.0
	for i := range frames {
		if v := frames[i].LumbarFlexion; !math.IsNaN(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	a := axis{Min: 10 * math.Floor(lo/10), Max: 10 * math.Ceil(hi/10)}
	a.ticks(6, true, degrees)
	return a
}

// path builds an SVG path, with a gap wherever a value is missing.
type path struct {
	b    strings.Builder
	open bool
	n    int
}

func (p *path) lift() { p.open = false }

func (p *path) to(x, y float64) {
	if math.IsNaN(x + y) {
		p.lift()
		return
	}
	if p.open {
		p.b.WriteByte('L')
	} else {
		p.b.WriteByte('M')
	}
	p.open = true
	p.n++
	p.b.WriteString(strconv.FormatFloat(round1(x), 'f', -1, 64))
	p.b.WriteByte(' ')
	p.b.WriteString(strconv.FormatFloat(round1(y), 'f', -1, 64))
}

func (p *path) String() string { return p.b.String() }

// stride is how many frames to advance so that a chart has few enough points.
func stride(n int) int { return max(1, (n+maxSamples-1)/maxSamples) }

// timeChart is flexion against time, reps shaded.
func timeChart(a *analysis.Analysis) *chart {
	c := &chart{ID: "time", Title: "Through the set", XLabel: "time", YLabel: "lumbar flexion"}
	end := a.Clip.DurationS
	if n := len(a.Frames); n > 0 {
		end = math.Max(end, a.Frames[n-1].Time)
	}
	if !(end > 0) {
		return nil
	}
	c.X = axis{Min: 0, Max: end}
	c.X.ticks(6, false, func(v float64) string { return strconv.FormatFloat(round1(v), 'f', -1, 64) + " s" })
	c.Y = flexionAxis(a.Frames)
	for i := range a.Reps {
		r := &a.Reps[i]
		c.Bands = append(c.Bands, band{"rep", c.x(r.StartS), 0, round1(c.x(r.EndS) - c.x(r.StartS)), chartUnits})
		c.Words = append(c.Words, word{Class: "repno", Left: round1((c.x(r.StartS) + c.x(r.EndS)) / 20), Top: 0, Text: strconv.Itoa(r.Index), Centered: true})
	}
	c.surfaceLimit(a)

	var flexion, beyond, upper path
	var sdBand strings.Builder
	var lower []string
	closeBand := func() {
		if len(lower) > 1 {
			sdBand.WriteString(upper.String())
			for i := len(lower) - 1; i >= 0; i-- {
				sdBand.WriteString(lower[i])
			}
			sdBand.WriteByte('Z')
		}
		upper, lower = path{}, lower[:0]
	}
	last := math.Inf(-1)
	for i := 0; i < len(a.Frames); i += stride(len(a.Frames)) {
		f := &a.Frames[i]
		if math.IsNaN(f.LumbarFlexion) {
			continue
		}
		if f.Time-last > maxGap*float64(stride(len(a.Frames))) {
			flexion.lift()
			beyond.lift()
			closeBand()
		}
		last = f.Time
		x, y := c.x(f.Time), c.y(f.LumbarFlexion)
		flexion.to(x, y)
		if f.BeyondNeutral {
			beyond.to(x, y)
		} else {
			beyond.lift()
		}
		if sd := f.LumbarFlexionSD; !math.IsNaN(sd) {
			upper.to(x, math.Max(0, c.y(f.LumbarFlexion+sd)))
			lower = append(lower, fmt.Sprintf("L%v %v", x, math.Min(chartUnits, c.y(f.LumbarFlexion-sd))))
		} else {
			closeBand()
		}
	}
	closeBand()
	c.Lines = append(c.Lines, line{Class: "sd", D: sdBand.String(), Opacity: 1},
		line{Class: "flexion", D: flexion.String(), Opacity: 1}, line{Class: "beyond", D: beyond.String(), Opacity: 1})
	for i := range a.Reps {
		if b := a.Reps[i].Breakdown; b != nil && !math.IsNaN(b.FlexionDeg+b.TimeS) {
			c.Marks = append(c.Marks, mark{"break", c.x(b.TimeS), c.y(b.FlexionDeg), a.Reps[i].Index})
		}
	}
	c.Legend = []legend{{"flexion", "lumbar flexion"}, {"beyond", "outside the neutral range"}, {"break", "left neutral"}, {"sd", "± 1 sd"}, {"rep", "rep"}}
	c.Description = fmt.Sprintf("Lumbar flexion over %.0f seconds with %s. %s", end, plural(len(a.Reps), "rep"), peaksSentence(a))
	if flexion.n == 0 {
		c.Description = "Lumbar flexion could not be measured in this clip."
	}
	return c
}

// peaksSentence puts a chart into words.
func peaksSentence(a *analysis.Analysis) string {
	var parts []string
	for i := range a.Reps {
		if r := &a.Reps[i]; !math.IsNaN(r.PeakFlexionDeg) {
			parts = append(parts, fmt.Sprintf("rep %d %s", r.Index, degrees(r.PeakFlexionDeg)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Peak flexion: " + strings.Join(parts, ", ") + "."
}

// surfaceLimit draws the flexion at which the surface of the lower back
// reaches the limit of the neutral range. A rep can leave its neutral range
// below it, where it leaves the lifter's own gradual flattening.
func (c *chart) surfaceLimit(a *analysis.Analysis) {
	limit := a.Neutral.LimitDeg - a.Neutral.LumbarAngleDeg
	if !(limit > c.Y.Min && limit < c.Y.Max) {
		return
	}
	y := c.y(limit)
	c.Rules = append(c.Rules, rule{"limit", 0, y, chartUnits, y})
	c.Words = append(c.Words, word{Class: "limit", Left: 0, Top: round1(y / 10), Text: "back rounded above this"})
}

// depthChart is flexion against depth, one line per rep.
func depthChart(a *analysis.Analysis) *chart {
	c := &chart{ID: "depth", Title: "How deep before it rounds", XLabel: "depth", YLabel: "lumbar flexion"}
	c.X = axis{Min: 0, Max: 100}
	c.X.ticks(5, false, percent)
	c.Y = flexionAxis(a.Frames)
	c.surfaceLimit(a)
	n := c.perRep(a, func(f *analysis.Frame) float64 { return math.Max(0, math.Min(100, f.DepthPct)) })
	if n == 0 {
		return nil
	}
	if s := &a.SafeRange; s.Verdict == rom.Breaks && !math.IsNaN(s.DepthPct) {
		lo, hi := s.DepthPctCI90[0], s.DepthPctCI90[1]
		if !math.IsNaN(lo + hi) {
			lo, hi = math.Max(0, lo), math.Min(100, hi)
			c.Bands = append(c.Bands, band{"ci", c.x(lo), 0, round1(c.x(hi) - c.x(lo)), chartUnits})
		}
		c.Bands = append(c.Bands, band{"neutral", 0, 0, c.x(s.DepthPct), chartUnits})
		c.Rules = append(c.Rules, rule{"safe", c.x(s.DepthPct), 0, c.x(s.DepthPct), chartUnits})
		c.Words = append(c.Words, word{Class: "safe", Left: round1(s.DepthPct), Top: 0, Text: "neutral to " + percent(s.DepthPct), FromEnd: s.DepthPct > 50})
	}
	for i := range a.Reps {
		if b := a.Reps[i].Breakdown; b != nil && !math.IsNaN(b.FlexionDeg+b.DepthPct) {
			c.Marks = append(c.Marks, mark{"break", c.x(b.DepthPct), c.y(b.FlexionDeg), a.Reps[i].Index})
		}
	}
	c.Legend = []legend{{"down", "way down, later reps stronger"}, {"up", "way up"}, {"beyond", "outside the neutral range"}, {"break", "left neutral"}}
	c.Description = "Lumbar flexion against depth, one line per rep. " + Headline(a)
	return c
}

// rhythmChart is lumbar flexion against hip flexion, how the two share the
// bend (Esola et al. 1996, Spine 21:71).
func rhythmChart(a *analysis.Analysis) *chart {
	c := &chart{ID: "rhythm", Title: "Lower back and hips", XLabel: "hip flexion", YLabel: "lumbar flexion"}
	lo, hi := 0.0, 90.0
	for i := range a.Frames {
		if v := a.Frames[i].HipFlexion; a.Frames[i].Rep > 0 && !math.IsNaN(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	c.X = axis{Min: 10 * math.Floor(lo/10), Max: 10 * math.Ceil(hi/10)}
	c.X.ticks(6, false, degrees)
	c.Y = flexionAxis(a.Frames)
	c.surfaceLimit(a)
	if c.perRep(a, func(f *analysis.Frame) float64 { return f.HipFlexion }) == 0 {
		return nil
	}
	for i := range a.Reps {
		if b := a.Reps[i].Breakdown; b != nil && !math.IsNaN(b.FlexionDeg+b.HipFlexion) {
			c.Marks = append(c.Marks, mark{"break", c.x(b.HipFlexion), c.y(b.FlexionDeg), a.Reps[i].Index})
		}
	}
	c.Description = "Lumbar flexion against hip flexion, one line per rep: where the line turns upward the lower back takes over what the hips no longer give."
	return c
}

// perRep adds a line per rep for the way down and the way up, and what of it
// lies beyond neutral. It returns how many points there were.
func (c *chart) perRep(a *analysis.Analysis, abscissa func(*analysis.Frame) float64) int {
	type lines struct{ down, up, beyond path }
	reps := make([]lines, len(a.Reps)+1)
	last := math.Inf(-1)
	step := stride(len(a.Frames))
	n := 0
	for i := 0; i < len(a.Frames); i += step {
		f := &a.Frames[i]
		x := abscissa(f)
		if f.Rep < 1 || f.Rep >= len(reps) || math.IsNaN(x+f.LumbarFlexion) {
			continue
		}
		l := &reps[f.Rep]
		if f.Time-last > maxGap*float64(step) {
			l.down.lift()
			l.up.lift()
			l.beyond.lift()
		}
		last = f.Time
		px, py := c.x(x), c.y(f.LumbarFlexion)
		if f.Phase == lift.Up {
			if l.down.open { // join the two at the turn
				l.down.to(px, py)
				l.down.lift()
			}
			l.up.to(px, py)
		} else {
			if l.up.open {
				l.up.to(px, py)
				l.up.lift()
			}
			l.down.to(px, py)
		}
		if f.BeyondNeutral {
			l.beyond.to(px, py)
		} else {
			l.beyond.lift()
		}
		n++
	}
	for i := 1; i < len(reps); i++ {
		strength := 1.0
		if k := len(a.Reps); k > 1 {
			strength = 0.4 + 0.6*float64(i-1)/float64(k-1)
		}
		strength = math.Round(100*strength) / 100
		for _, l := range []line{
			{"up", reps[i].up.String(), strength, i},
			{"down", reps[i].down.String(), strength, i},
			{"beyond", reps[i].beyond.String(), strength, i},
		} {
			if l.D != "" {
				c.Lines = append(c.Lines, l)
			}
		}
	}
	return n
}
