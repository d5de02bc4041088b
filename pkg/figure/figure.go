// Package figure draws an [analysis.Analysis] as figures for papers: lumbar
// flexion against time, against depth, and against hip flexion (lumbar–hip
// rhythm), each as PNG and as SVG, in the width of a journal's column.
//
// It concludes nothing: what is drawn is what frames.csv and reps.csv hold.
package figure

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
)

// Size of a figure, and what a printer wants of a picture.
const (
	width  = 120 * vg.Millimeter
	height = 75 * vg.Millimeter
	dpi    = 300
)

// maxGap is the longest time that a line is drawn across, seconds.
const maxGap = 0.25

// Colours after Okabe & Ito 2008 (Color Universal Design); line widths and
// dashes keep them apart in grey too.
var (
	blue     = color.NRGBA{0, 114, 178, 255}
	vermil   = color.NRGBA{213, 94, 0, 255}
	grey     = color.NRGBA{110, 110, 110, 255}
	repShade = color.NRGBA{0, 0, 0, 14}
	inRange  = color.NRGBA{0, 114, 178, 20}
)

// File is a figure in one format.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// Files returns the figures that the analysis has the values for, each as PNG
// and SVG.
func Files(a *analysis.Analysis) ([]File, error) {
	var files []File
	for _, f := range []struct {
		name string
		draw func(*analysis.Analysis) (*plot.Plot, error)
	}{{"flexion-time", overTime}, {"flexion-depth", overDepth}, {"lumbar-hip-rhythm", rhythm}} {
		p, err := f.draw(a)
		if err != nil {
			return nil, fmt.Errorf("draw figure %s: %w", f.name, err)
		}
		if p == nil {
			continue
		}
		files = append(files,
			File{f.name + ".png", func(w io.Writer) error { return writePNG(w, p) }},
			File{f.name + ".svg", func(w io.Writer) error { return writeSVG(w, p) }})
	}
	return files, nil
}

func writePNG(w io.Writer, p *plot.Plot) error {
	c := vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))}
	p.Draw(inside(draw.New(c)))
	_, err := c.WriteTo(w)
	return err
}

func writeSVG(w io.Writer, p *plot.Plot) error {
	c := vgsvg.New(width, height)
	p.Draw(inside(draw.New(c)))
	_, err := c.WriteTo(w)
	return err
}

// inside keeps labels clear of the edge.
func inside(c draw.Canvas) draw.Canvas {
	const edge = 4 // points
	return draw.Crop(c, vg.Points(edge), -vg.Points(2*edge), vg.Points(edge), -vg.Points(edge))
}

// overTime is flexion against time with the reps shaded; nil where nothing was
// measured.
func overTime(a *analysis.Analysis) (*plot.Plot, error) {
	var in, out pieces
	last := math.Inf(-1)
	for i := range a.Frames {
		f := &a.Frames[i]
		if math.IsNaN(f.LumbarFlexion) {
			continue
		}
		if f.Time-last > maxGap {
			in.lift()
			out.lift()
		}
		last = f.Time
		in.add(f.Time, f.LumbarFlexion)
		if f.BeyondNeutral {
			out.add(f.Time, f.LumbarFlexion)
		} else {
			out.lift()
		}
	}
	if in.empty() {
		return nil, nil
	}
	p := newPlot(a, "time (s)")
	for i := range a.Reps {
		r := &a.Reps[i]
		shade(p, r.StartS, r.EndS, repShade)
		if err := label(p, (r.StartS+r.EndS)/2, p.Y.Max, strconv.Itoa(r.Index)); err != nil {
			return nil, err
		}
	}
	err := in.draw(p, "lumbar flexion", stroke(blue, 1.1))
	if err == nil {
		err = out.draw(p, "outside the neutral range", stroke(vermil, 1.8))
	}
	if err == nil {
		err = breakdowns(p, a, func(b *rom.Breakdown) float64 { return b.TimeS })
	}
	return p, err
}

// overDepth is flexion against depth, a line per rep, with the depth to which
// the set stayed neutral.
func overDepth(a *analysis.Analysis) (*plot.Plot, error) {
	p := newPlot(a, "depth (% of the set's deepest)")
	p.X.Min, p.X.Max = 0, 100
	if s := &a.SafeRange; s.Verdict == rom.Breaks && !math.IsNaN(s.DepthPct) {
		shade(p, 0, s.DepthPct, inRange)
		if err := rule(p, plotter.XYs{{X: s.DepthPct, Y: p.Y.Min}, {X: s.DepthPct, Y: p.Y.Max}}, "neutral to this depth"); err != nil {
			return nil, err
		}
	}
	return perRep(p, a, func(f *analysis.Frame) float64 { return f.DepthPct }, func(b *rom.Breakdown) float64 { return b.DepthPct })
}

// rhythm is lumbar flexion against hip flexion (Esola et al. 1996, Spine 21:71).
func rhythm(a *analysis.Analysis) (*plot.Plot, error) {
	p := newPlot(a, "hip flexion (°)")
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range a.Frames {
		if f := &a.Frames[i]; f.Rep > 0 && !math.IsNaN(f.HipFlexion) {
			lo, hi = math.Min(lo, f.HipFlexion), math.Max(hi, f.HipFlexion)
		}
	}
	if lo < hi {
		p.X.Min, p.X.Max = 20*math.Floor(lo/20), 20*math.Ceil(hi/20)
	}
	return perRep(p, a, func(f *analysis.Frame) float64 { return f.HipFlexion }, func(b *rom.Breakdown) float64 { return b.HipFlexion })
}

// perRep adds the way down and the way up of each rep, and the breakdowns. It
// returns nil where there is nothing to draw.
func perRep(p *plot.Plot, a *analysis.Analysis, abscissa func(*analysis.Frame) float64, broken func(*rom.Breakdown) float64) (*plot.Plot, error) {
	reps := map[int]*[2]pieces{}
	last := math.Inf(-1)
	for i := range a.Frames {
		f := &a.Frames[i]
		x := abscissa(f)
		if f.Rep == 0 || math.IsNaN(x+f.LumbarFlexion) {
			continue
		}
		r := reps[f.Rep]
		if r == nil {
			r = &[2]pieces{}
			reps[f.Rep] = r
		}
		way := 0
		if f.Phase == lift.Up {
			way = 1
		}
		if f.Time-last > maxGap {
			r[0].lift()
			r[1].lift()
		}
		last = f.Time
		r[way].add(x, f.LumbarFlexion)
		if other := &r[1-way]; !other.lifted {
			other.add(x, f.LumbarFlexion) // the two meet at the turn
			other.lift()
		}
	}
	if len(reps) == 0 {
		return nil, nil
	}
	for i := range a.Reps {
		r := reps[a.Reps[i].Index]
		if r == nil {
			continue
		}
		down, up := stroke(blue, 1.2), stroke(blue, 0.6)
		up.Dashes = []vg.Length{vg.Points(3), vg.Points(2)}
		names := [2]string{"way down", "way up"}
		if i > 0 {
			names = [2]string{}
		}
		for way, style := range []draw.LineStyle{down, up} {
			if err := r[way].draw(p, names[way], style); err != nil {
				return nil, err
			}
		}
	}
	return p, breakdowns(p, a, broken)
}

// newPlot is an empty plot of lumbar flexion, with neutral and the surface's
// limit.
func newPlot(a *analysis.Analysis, abscissa string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = abscissa, "lumbar flexion (°)"
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sans(8)
		axis.Tick.Label.Font = sans(7)
		axis.LineStyle.Width, axis.Tick.LineStyle.Width = vg.Points(0.5), vg.Points(0.5)
	}
	p.Legend.TextStyle.Font = sans(7)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(4), -vg.Points(9)
	p.Legend.ThumbnailWidth = vg.Points(14)
	lo, hi := -5.0, 30.0
	for i := range a.Frames {
		if v := a.Frames[i].LumbarFlexion; !math.IsNaN(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	// The legend stands above the curves.
	p.Y.Min, p.Y.Max = 5*math.Floor(lo/5), 5*math.Ceil(1.3*hi/5)
	p.Add(horizontal(0, stroke(grey, 0.4)))
	if limit := a.Neutral.LimitDeg - a.Neutral.LumbarAngleDeg; limit > p.Y.Min && limit < p.Y.Max {
		style := stroke(grey, 0.6)
		style.Dashes = []vg.Length{vg.Points(1), vg.Points(2)}
		line := horizontal(limit, style)
		p.Add(line)
		p.Legend.Add("surface at its limit", line)
	}
	return p
}

// sans is Liberation Sans, which the plots embed.
func sans(points float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(points)}
}

// horizontal is a line across the plot.
func horizontal(y float64, style draw.LineStyle) *plotter.Function {
	f := plotter.NewFunction(func(float64) float64 { return y })
	f.LineStyle, f.Samples = style, 2
	return f
}

func stroke(c color.Color, points float64) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: vg.Points(points)}
}

// shade fills the plot from x0 to x1.
func shade(p *plot.Plot, x0, x1 float64, c color.Color) {
	box, err := plotter.NewPolygon(plotter.XYs{{X: x0, Y: p.Y.Min}, {X: x1, Y: p.Y.Min}, {X: x1, Y: p.Y.Max}, {X: x0, Y: p.Y.Max}})
	if err != nil {
		return // a rep without times
	}
	box.Color, box.LineStyle.Width = c, 0
	p.Add(box)
}

func rule(p *plot.Plot, ends plotter.XYs, name string) error {
	l, err := plotter.NewLine(ends)
	if err != nil {
		return err
	}
	l.LineStyle = stroke(vermil, 0.9)
	l.LineStyle.Dashes = []vg.Length{vg.Points(1.5), vg.Points(2)}
	p.Add(l)
	p.Legend.Add(name, l)
	return nil
}

// label writes below the plot's upper edge.
func label(p *plot.Plot, x, y float64, text string) error {
	l, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: x, Y: y}}, Labels: []string{text}})
	if err != nil {
		return err
	}
	l.TextStyle[0].Font, l.TextStyle[0].Color = sans(7), grey
	l.TextStyle[0].XAlign, l.TextStyle[0].YAlign = draw.XCenter, draw.YTop
	p.Add(l)
	return nil
}

// breakdowns marks where reps left the neutral range.
func breakdowns(p *plot.Plot, a *analysis.Analysis, abscissa func(*rom.Breakdown) float64) error {
	var at plotter.XYs
	for i := range a.Reps {
		if b := a.Reps[i].Breakdown; b != nil && !math.IsNaN(abscissa(b)+b.FlexionDeg) {
			at = append(at, plotter.XY{X: abscissa(b), Y: b.FlexionDeg})
		}
	}
	if len(at) == 0 {
		return nil
	}
	s, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	s.GlyphStyle = draw.GlyphStyle{Color: vermil, Radius: vg.Points(2.6), Shape: draw.CircleGlyph{}}
	p.Add(s)
	p.Legend.Add("left neutral", s)
	return nil
}

// pieces is a line with gaps.
type pieces struct {
	lines  []plotter.XYs
	lifted bool
}

func (s *pieces) empty() bool { return len(s.lines) == 0 }

func (s *pieces) lift() { s.lifted = true }

func (s *pieces) add(x, y float64) {
	if s.lifted || len(s.lines) == 0 {
		s.lines = append(s.lines, nil)
		s.lifted = false
	}
	n := len(s.lines) - 1
	s.lines[n] = append(s.lines[n], plotter.XY{X: x, Y: y})
}

// draw adds the pieces to the plot, and one of them to the legend unless the
// name is empty.
func (s *pieces) draw(p *plot.Plot, name string, style draw.LineStyle) error {
	for _, xy := range s.lines {
		l, err := plotter.NewLine(xy)
		if err != nil {
			return err
		}
		l.LineStyle = style
		p.Add(l)
		if name != "" {
			p.Legend.Add(name, l)
			name = ""
		}
	}
	return nil
}
