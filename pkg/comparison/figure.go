package comparison

import (
	"image/color"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Colours after Okabe & Ito 2008 (Color Universal Design).
var inks = [2]color.NRGBA{{0, 114, 178, 255}, {213, 94, 0, 255}}

// WriteFigure draws flexion against depth for both sets as a picture in the format
// "png" or "svg": the mean over the reps, the band of one standard deviation, and the
// depth that holds.
func (c *Comparison) WriteFigure(w io.Writer, format string) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = c.depthLabel(), "lumbar flexion (°)"
	p.X.Min, p.X.Max = 0, 100
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	p.Legend.XOffs = vg.Points(6)
	p.Add(plotter.NewGrid())
	low, high := 0.0, 10.0
	for i, set := range []Set{c.A, c.B} {
		curve := &c.Curves[i]
		if len(curve.DepthPct) == 0 {
			continue
		}
		var mean, upper, lower plotter.XYs
		for k, d := range curve.DepthPct {
			f, sd := curve.Flexion[k], curve.SD[k]
			low, high = math.Min(low, f-sd), math.Max(high, f+sd)
			mean = append(mean, plotter.XY{X: d, Y: f})
			upper = append(upper, plotter.XY{X: d, Y: f + sd})
			lower = append(plotter.XYs{{X: d, Y: f - sd}}, lower...)
		}
		band, err := plotter.NewPolygon(append(upper, lower...))
		if err != nil {
			return err
		}
		ink := inks[i]
		ink.A = 45
		band.Color, band.LineStyle.Width = ink, 0
		line, err := plotter.NewLine(mean)
		if err != nil {
			return err
		}
		line.Color, line.Width = inks[i], vg.Points(2.2)
		if i == 1 {
			line.Dashes = []vg.Length{vg.Points(7), vg.Points(2)}
		}
		p.Add(band, line)
		p.Legend.Add(set.Name, line)
	}
	p.Y.Min, p.Y.Max = 5*math.Floor(low/5), 5*math.Ceil(1.1*high/5)
	p.Y.Tick.Marker = plot.TickerFunc(tens)
	for i, d := range c.safe {
		if math.IsNaN(d) || len(c.Curves[i].DepthPct) == 0 {
			continue
		}
		rule, err := plotter.NewLine(plotter.XYs{{X: d, Y: p.Y.Min}, {X: d, Y: p.Y.Max}})
		if err != nil {
			return err
		}
		rule.Color, rule.Width, rule.Dashes = inks[i], vg.Points(1.4), []vg.Length{vg.Points(1.5), vg.Points(3)}
		p.Add(rule)
		p.Legend.Add("neutral to here", rule)
	}
	out, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, format)
	if err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}

// tens labels every tenth degree.
func tens(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for v := 10 * math.Ceil(low/10); v <= high; v += 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return ticks
}
