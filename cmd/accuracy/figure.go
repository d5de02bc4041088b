package main

import (
	"fmt"
	"image/color"
	"math"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colours that tell apart with any colour vision (Okabe & Ito 2008).
var (
	trueColour     = color.RGBA{A: 255}
	measuredColour = color.RGBA{R: 213, G: 94, A: 255}
	bandColour     = color.NRGBA{R: 213, G: 94, A: 60}
)

const titleSize, labelSize = vg.Length(8), vg.Length(7)

// drawCourses writes one panel per clip: flexion over time, true and measured with its
// 90 % band.
func drawCourses(path string, budgets []budget) (err error) {
	const columns = 3
	const panelWidth, panelHeight = 8 * vg.Centimeter, 5 * vg.Centimeter
	rows := (len(budgets) + columns - 1) / columns
	canvas := vgsvg.New(columns*panelWidth, vg.Length(rows)*panelHeight)
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 2 * vg.Millimeter, PadY: 2 * vg.Millimeter}
	for i := range budgets {
		p, err := panel(&budgets[i])
		if err != nil {
			return fmt.Errorf("draw %s: %w", budgets[i].name, err)
		}
		p.Draw(tiles.At(draw.New(canvas), i%columns, i/columns))
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	_, err = canvas.WriteTo(f)
	return err
}

func panel(b *budget) (*plot.Plot, error) {
	p := plot.New()
	mae, _ := b.meanError(b.measured[0])
	p.Title.Text = b.name
	if !math.IsNaN(mae) {
		p.Title.Text += fmt.Sprintf(": %.1f°", mae)
	}
	p.X.Label.Text, p.Y.Label.Text = "s", "lumbar flexion, °"
	p.Y.Min, p.Y.Max = -20, 60
	p.Title.TextStyle.Font.Size, p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size = titleSize, labelSize, labelSize
	p.Add(plotter.NewGrid())
	for _, run := range runs(b) {
		var band plotter.XYs
		for _, i := range run {
			band = append(band, plotter.XY{X: b.times[i], Y: b.measured[0][i] + 1.645*b.sd[i]})
		}
		for k := len(run) - 1; k >= 0; k-- {
			i := run[k]
			band = append(band, plotter.XY{X: b.times[i], Y: b.measured[0][i] - 1.645*b.sd[i]})
		}
		area, err := plotter.NewPolygon(band)
		if err != nil {
			return nil, err
		}
		area.Color, area.LineStyle.Width = bandColour, 0
		var course plotter.XYs
		for _, i := range run {
			course = append(course, plotter.XY{X: b.times[i], Y: b.measured[0][i]})
		}
		line, err := plotter.NewLine(course)
		if err != nil {
			return nil, err
		}
		line.Color = measuredColour
		p.Add(area, line)
	}
	var course plotter.XYs
	for i, v := range b.truth {
		course = append(course, plotter.XY{X: b.times[i], Y: v})
	}
	line, err := plotter.NewLine(course)
	if err != nil {
		return nil, err
	}
	line.Color, line.Dashes = trueColour, []vg.Length{vg.Points(3), vg.Points(2)}
	p.Add(line)
	return p, nil
}

// runs are the stretches of frames with a value, of two frames and more.
func runs(b *budget) [][]int {
	var out [][]int
	var run []int
	for i := 0; i <= len(b.times); i++ {
		if i < len(b.times) && !math.IsNaN(b.measured[0][i]+b.sd[i]) {
			run = append(run, i)
			continue
		}
		if len(run) > 1 {
			out = append(out, run)
		}
		run = nil
	}
	return out
}
