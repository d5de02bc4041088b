package progress

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/progression"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/unit"
)

// chart is a plot over time in the report's clothes: an SVG stretched to the room there
// is, every word and every dot outside it.
type chart struct {
	ID, Title, Description, YLabel string
	Low                            bool // less tall
	X, Y                           []tick
	Lines                          []line
	Dots                           []dot
	Legend                         []legend

	from, to time.Time
	lo, hi   float64 // at the bottom and at the top
}

type tick struct {
	Pct   float64
	Label string
}

type line struct{ Class, D string }

type legend struct{ Class, Text string }

type dot struct {
	Class, Text string
	X, Y        float64 // per cent
	Href        template.URL
}

// maxDots is how many sets get a dot to point at; beyond it they are drawn.
const maxDots = 400

// charts of a series: what held, and what it was done with.
func (s *Series) charts(id string, links map[string]template.URL) []*chart {
	var all []*chart
	for i, c := range []*chart{
		s.depthChart(links),
		s.chart("Load, kg", "", func(p *Point) float64 { return p.LoadKG }, func(v float64) string { return strings.TrimSuffix(unit.Mass(v), " kg") }, links),
		s.chart("Peak flexion", "degrees from standing", func(p *Point) float64 { return p.PeakFlexionDeg }, degrees, links),
		s.chart("The lower back's share of the bend", "lumbar flexion of the bend between trunk and thigh, at the bottom", func(p *Point) float64 { return 100 * p.LumbarShare }, percent, links),
	} {
		if c != nil {
			c.ID = fmt.Sprintf("%s-%d", id, i+1)
			all = append(all, c)
		}
	}
	return all
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", v) }

// depthChart is the depth that held, with its interval, above the depth that was trained.
func (s *Series) depthChart(links map[string]template.URL) *chart {
	c := &chart{Title: "How deep it holds", YLabel: "per cent of your deepest set"}
	if s.InCM {
		c.YLabel = s.joint() + " below standing, cm"
		if s.Exercise == lift.Deadlift {
			c.YLabel = "bar above its place on the floor, cm"
		}
	}
	c.span(s.Points)
	var values []float64
	for _, p := range s.Points {
		values = append(values, -p.Trained)
		if known(&p.Set) {
			values = append(values, -p.Depth, -p.Range[0], -p.Range[1])
		}
	}
	if !c.scale(values, func(v float64) string { return s.axisLabel(-v) }) {
		return nil
	}
	var trained, whiskers path
	for _, p := range s.Points {
		x := c.x(p.At)
		trained.step(x, c.y(-p.Trained))
		if known(&p.Set) && !p.AtLeast {
			whiskers.lift()
			whiskers.to(x, c.y(-p.Range[0]))
			whiskers.to(x, c.y(-p.Range[1]))
		}
	}
	c.Lines = append(c.Lines, line{"step", trained.String()}, line{"whisker", whiskers.String()})
	c.dots(s, func(p *Point) float64 {
		if !known(&p.Set) {
			return math.NaN()
		}
		return -p.Depth
	}, links)
	c.Legend = []legend{{"pt", "neutral held to here and maybe deeper"}, {"pt breaks", "left neutral below this"}, {"whisker", "90 % range"}, {"step", s.trainedWord()}}
	c.Description = s.Sentence() + " Deeper is lower; the line is how deep each set went."
	return c
}

// trainedWord names the line of what was trained.
func (s *Series) trainedWord() string {
	supports := false
	for i := range s.Points {
		supports = supports || progression.Height(&s.Points[i].Set) > 0
	}
	switch {
	case supports && s.Exercise == lift.Deadlift && s.InCM:
		return "blocks used"
	case supports && s.InCM:
		return "how deep the set went (to the box where there was one)"
	}
	return "how deep the set went"
}

// chart of one number per set; nil if it was never known.
func (s *Series) chart(title, label string, value func(*Point) float64, format func(float64) string, links map[string]template.URL) *chart {
	c := &chart{Title: title, YLabel: label, Low: true}
	c.span(s.Points)
	var values []float64
	var join path
	for i := range s.Points {
		values = append(values, value(&s.Points[i]))
	}
	if !c.scale(values, format) {
		return nil
	}
	for i := range s.Points {
		if v := values[i]; !math.IsNaN(v) {
			join.to(c.x(s.Points[i].At), c.y(v))
		}
	}
	c.Lines = append(c.Lines, line{"join", join.String()})
	c.dots(s, value, links)
	first, last := math.NaN(), math.NaN()
	for _, v := range values {
		if !math.IsNaN(v) {
			last = v
			if math.IsNaN(first) {
				first = v
			}
		}
	}
	c.Description = fmt.Sprintf("%s in the first set, %s in the last.", format(first), format(last))
	return c
}

func (c *chart) dots(s *Series, value func(*Point) float64, links map[string]template.URL) {
	var many path
	for i := range s.Points {
		p := &s.Points[i]
		v := value(p)
		if math.IsNaN(v) {
			continue
		}
		x, y := c.x(p.At), c.y(v)
		if len(s.Points) > maxDots {
			many.lift()
			many.to(x, y)
			many.to(x, y)
			continue
		}
		class := ""
		if p.Verdict == rom.Breaks {
			class = "breaks"
		}
		switch {
		case x > 800:
			class += " left"
		case x < 200:
			class += " right"
		}
		r := s.Row(*p)
		text := []string{date(p.At, time.Time{})}
		for _, t := range []string{r.Support, r.Load, r.Reps + " reps neutral", r.Held, r.Peak} {
			if t != "" {
				text = append(text, t)
			}
		}
		c.Dots = append(c.Dots, dot{class, strings.Join(text, ", "), x / 10, y / 10, links[p.Folder]})
	}
	if many.n > 0 {
		c.Lines = append(c.Lines, line{"many", many.String()})
	}
}

// span is the time shown, with room at both ends, and its days.
func (c *chart) span(points []Point) {
	first, last := points[0].At, points[len(points)-1].At
	room := max(last.Sub(first)/24, 36*time.Hour)
	c.from, c.to = first.Add(-room), last.Add(room)
	days := c.to.Sub(c.from).Hours() / 24
	const labels = 4 // as many as a phone has room for
	every := int(math.Max(1, math.Ceil(days/labels)))
	layout := "2 Jan"
	if first.Year() != last.Year() {
		layout = "2 Jan 06"
	}
	y, m, d := first.Date()
	for t := time.Date(y, m, d, 12, 0, 0, 0, first.Location()); t.Before(c.to); t = t.AddDate(0, 0, every) {
		if x := c.x(t); x >= 0 && x <= 960 {
			c.X = append(c.X, tick{x / 10, t.Format(layout)})
		}
	}
}

// scale holds all values and labels round ones; false if there is none.
func (c *chart) scale(values []float64, format func(float64) string) bool {
	c.lo, c.hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			c.lo, c.hi = math.Min(c.lo, v), math.Max(c.hi, v)
		}
	}
	if c.lo > c.hi {
		return false
	}
	const labels, least = 5, 10 // cm, kg, degrees, per cent
	step := roundStep(math.Max(c.hi-c.lo, least) / labels)
	c.lo, c.hi = step*(math.Floor(c.lo/step+1e-9)-0.3), step*(math.Ceil(c.hi/step-1e-9)+0.3)
	for k := math.Ceil(c.lo / step); k*step <= c.hi; k++ {
		c.Y = append(c.Y, tick{c.y(k*step) / 10, format(k * step)})
	}
	return true
}

// roundStep is the least of 1, 2, 5 × 10^k that is not below v.
func roundStep(v float64) float64 {
	e := math.Pow10(int(math.Floor(math.Log10(v))))
	for _, m := range []float64{1, 2, 5} {
		if m*e >= v {
			return m * e
		}
	}
	return 10 * e
}

func (c *chart) x(t time.Time) float64 {
	return round1(1000 * float64(t.Sub(c.from)) / float64(c.to.Sub(c.from)))
}

func (c *chart) y(v float64) float64 { return round1(1000 * (c.hi - v) / (c.hi - c.lo)) }

func round1(v float64) float64 { return math.Round(10*v) / 10 }

// path builds an SVG path with gaps where a value is missing.
type path struct {
	b     strings.Builder
	open  bool
	n     int
	lastY float64
}

func (p *path) lift() { p.open = false }

func (p *path) to(x, y float64) {
	if math.IsNaN(x + y) {
		p.lift()
		return
	}
	letter := "M"
	if p.open {
		letter = "L"
	}
	fmt.Fprintf(&p.b, "%s%g %g", letter, x, y)
	p.open, p.lastY = true, y
	p.n++
}

// step goes level to x first.
func (p *path) step(x, y float64) {
	if p.open && !math.IsNaN(y) {
		p.to(x, p.lastY)
	}
	p.to(x, y)
}

func (p *path) String() string { return p.b.String() }
