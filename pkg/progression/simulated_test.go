package progression

import (
	"fmt"
	"image/color"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

const lifters = 1000

// outcome is what became of many lifters under one strategy.
type outcome struct {
	name         string
	deeper       int // ended deeper than their first blocks
	clean        int // never trained clearly rounded
	both         int
	rounded      int // sessions that were clearly rounded
	sessions     int
	heights, won []float64 // how much lower the blocks are, and neutral holds in truth, cm
}

func run(name string, next strategy, change func(*simulated)) outcome {
	o := outcome{name: name}
	for seed := range uint64(lifters) {
		c := simulate(seed, next, change)
		o.sessions += len(c.heights) - c.first
		o.rounded += c.rounded
		if c.deeper() > 0 {
			o.deeper++
		}
		if c.rounded == 0 {
			o.clean++
		}
		if c.deeper() > 0 && c.rounded == 0 {
			o.both++
		}
		o.heights, o.won = append(o.heights, c.deeper()), append(o.won, c.won())
	}
	slices.Sort(o.heights)
	slices.Sort(o.won)
	return o
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// A thousand lifters, half a year each: docs/progression.md shows what this prints.
func TestSimulatedLiftersEndDeeperAndAreNeverClearlyRounded(t *testing.T) {
	byRule := byTheRule(DefaultSettings())
	rule := run("the rule", byRule, nil)
	outcomes := []outcome{
		rule,
		run("always a step lower each week", lowerEachWeek(2.5), nil),
		run("never lower", lowerEachWeek(0), nil),
		run("the rule, angles twice as noisy from day to day", byRule, func(l *simulated) { l.system *= 2 }),
		run("the rule, twice as much change from day to day in the lifter", byRule, func(l *simulated) { l.daily *= 2 }),
		run("the rule, lifters who win nothing by training", byRule, func(l *simulated) { l.gain = 0 }),
	}
	if share := float64(rule.both) / lifters; share < 0.95 {
		t.Errorf("only %.1f %% of the lifters end deeper without ever training clearly rounded (%d deeper, %d clean)", 100*share, rule.deeper, rule.clean)
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| %d lifters, half a year each | end deeper | never trained clearly rounded | both | sessions clearly rounded | blocks lower by, median (5–95 %%) | neutral won in truth, median (5–95 %%) |\n|---|---|---|---|---|---|---|\n", lifters)
	for _, o := range outcomes {
		fmt.Fprintf(&table, "| %s | %.1f %% | %.1f %% | **%.1f %%** | %.2f %% | %.1f cm (%.1f–%.1f) | %.1f cm (%.1f–%.1f) |\n", o.name,
			100*float64(o.deeper)/lifters, 100*float64(o.clean)/lifters, 100*float64(o.both)/lifters, 100*float64(o.rounded)/float64(o.sessions),
			quantile(o.heights, 0.5), quantile(o.heights, 0.05), quantile(o.heights, 0.95), quantile(o.won, 0.5), quantile(o.won, 0.05), quantile(o.won, 0.95))
	}
	documented(t, table.String())
	if *update {
		drawn(t)
	}
}

// drawn draws one lifter under the three strategies.
func drawn(t *testing.T) {
	t.Helper()
	const shownSeed = 6
	p := plot.New()
	p.Title.Text = "One simulated lifter, half a year, three ways"
	p.X.Label.Text, p.Y.Label.Text = "weeks", "height of the blocks, cm"
	p.X.Tick.Marker = plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: 4, Label: "4"}, {Value: 8, Label: "8"}, {Value: 12, Label: "12"}, {Value: 16, Label: "16"}, {Value: 20, Label: "20"}, {Value: 24, Label: "24"}})
	p.Legend.Top, p.Legend.Padding = true, vg.Points(1.5)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 26, 0, 34
	p.Add(plotter.NewGrid())
	for i, s := range []struct {
		name string
		next strategy
		ink  color.Color
	}{
		{"the rule", byTheRule(DefaultSettings()), color.RGBA{0x0a, 0x68, 0xad, 0xff}},
		{"always a step lower", lowerEachWeek(2.5), color.RGBA{0xd5, 0x5e, 0x00, 0xff}},
		{"never lower", lowerEachWeek(0), color.RGBA{0x6b, 0x75, 0x80, 0xff}},
	} {
		c := simulate(shownSeed, s.next, nil)
		var trained, onset plotter.XYs
		for j := range c.days {
			at := float64(c.days[j]) / 7
			if j >= c.first {
				trained = append(trained, plotter.XY{X: at, Y: c.heights[j]})
			}
			onset = append(onset, plotter.XY{X: at, Y: c.onset[j]})
		}
		blocks, err := plotter.NewLine(trained)
		if err != nil {
			t.Fatal(err)
		}
		blocks.StepStyle = plotter.PostStep
		blocks.Color, blocks.Width = s.ink, vg.Points(2.2)
		begins, err := plotter.NewLine(onset)
		if err != nil {
			t.Fatal(err)
		}
		begins.Color, begins.Width, begins.Dashes = s.ink, vg.Points(1.2), []vg.Length{vg.Points(2), vg.Points(float64(3 + i))}
		p.Add(blocks, begins)
		p.Legend.Add(s.name+": blocks", blocks)
		p.Legend.Add(s.name+": rounding begins", begins)
	}
	path := filepath.Join("..", "..", "docs", "progression.png")
	if err := p.Save(20*vg.Centimeter, 12*vg.Centimeter, path); err != nil {
		t.Fatal(err)
	}
}
