package main

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
	"github.com/spineflex/spineflex/pkg/signal"
	"github.com/spineflex/spineflex/pkg/spine"
)

// parts are what is replaced by the truth, one after the other.
var parts = []string{"nothing", "movement", "and landmarks", "and contour"}

// budget is the course of lumbar flexion in one clip, degrees: the true one and
// the measured ones with the first so many parts replaced. NaN: no value.
type budget struct {
	name     string
	times    []float64
	inRep    []bool
	truth    []float64
	sd       []float64 // stated, nothing replaced
	measured [][]float64
}

// neutralDepth is the share of the way down up to which a frame of the truth
// stands in neutral.
const neutralDepth = 0.02

// nearDepth is that down to which a deadlift still shows it.
const nearDepth = 0.07

func (c *clip) budget() (budget, error) {
	b := budget{name: c.name}
	for i := range c.rec.Frames {
		f := &c.truth.Frames[c.rec.Frames[i].Index]
		b.times = append(b.times, c.rec.Frames[i].Time)
		b.inRep = append(b.inRep, f.Rep >= 0)
		b.truth = append(b.truth, f.LumbarFlexion)
	}
	a, err := analysis.Analyze(c.rec, analysis.Settings{})
	if err != nil {
		return b, err
	}
	var found []float64
	for i := range a.Frames {
		found = append(found, a.Frames[i].LumbarFlexion)
		b.sd = append(b.sd, a.Frames[i].LumbarFlexionSD)
	}
	b.measured = append(b.measured, found)
	seen := c.truth.Recording(noNoise)
	for _, rec := range []*recording.Recording{c.rec, withLandmarks(c.rec, seen), sampled(seen, c.rec)} {
		flexion, err := c.measure(rec)
		if err != nil {
			return b, err
		}
		b.measured = append(b.measured, flexion)
	}
	return b, nil
}

// measure is the flexion in rec when the movement is known.
func (c *clip) measure(rec *recording.Recording) ([]float64, error) {
	side := c.truth.DorsalSide()
	in := spine.Input{
		Dorsal: side, FacesRight: side == recording.Left, YawDeg: math.Abs(c.truth.AzimuthDeg),
		BarOnBack: c.truth.Exercise == "squat",
	}
	for i := range rec.Frames {
		f := &c.truth.Frames[rec.Frames[i].Index]
		in.Neutral = append(in.Neutral, f.DepthFrac < neutralDepth && rec.Frames[i].Seen())
		in.Near = append(in.Near, c.truth.Exercise == "deadlift" && f.DepthFrac < nearDepth)
		in.ThighDeg = append(in.ThighDeg, (f.ThighVertical[0]+f.ThighVertical[1])/2)
	}
	in.TrunkPx = c.trunkPx()
	out := make([]float64, len(rec.Frames))
	res, err := spine.Measure(rec, in)
	if err != nil && !errors.Is(err, spine.ErrNoContour) {
		return nil, err
	}
	for i := range out {
		out[i] = math.NaN()
		if res != nil {
			out[i] = res.Frames[i].Flexion
		}
	}
	return out, nil
}

// trunkPx is the distance of the hip and shoulder joints in neutral, pixels.
func (c *clip) trunkPx() float64 {
	middle := func(f *synth.Frame, joint string) (x, y float64) {
		l, r := f.Points["left_"+joint], f.Points["right_"+joint]
		return (l[0] + r[0]) / 2, (l[1] + r[1]) / 2
	}
	var lengths []float64
	for i := range c.truth.Frames {
		if f := &c.truth.Frames[i]; f.DepthFrac < neutralDepth {
			hx, hy := middle(f, "hip")
			sx, sy := middle(f, "shoulder")
			lengths = append(lengths, math.Hypot(hx-sx, hy-sy))
		}
	}
	return signal.Median(lengths)
}

// meanError is the mean absolute error over the frames of reps that have a
// value, and their share.
func (b *budget) meanError(measured []float64) (mae, share float64) {
	n, reps := 0.0, 0.0
	for i, v := range measured {
		if !b.inRep[i] {
			continue
		}
		reps++
		if !math.IsNaN(v) {
			mae += math.Abs(v - b.truth[i])
			n++
		}
	}
	return mae / n, n / reps
}

func writeBudgets(w io.Writer, budgets []budget) error {
	row := "| clip |"
	rule := "|---|"
	for _, p := range parts {
		row += " " + p + " |"
		rule += "---|"
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", row, rule); err != nil {
		return err
	}
	means := make([][]float64, len(parts))
	for _, b := range budgets {
		row := "| " + b.name + " |"
		for k, m := range b.measured {
			mae, share := b.meanError(m)
			row += cell(mae, share)
			means[k] = append(means[k], mae)
		}
		if _, err := fmt.Fprintln(w, row); err != nil {
			return err
		}
	}
	row = "| **median** |"
	for _, m := range means {
		row += cell(signal.Median(m), 1)
	}
	_, err := fmt.Fprintln(w, row)
	return err
}

// cell is an error, and what share of the frames it is over if not nearly all.
func cell(mae, share float64) string {
	switch {
	case math.IsNaN(mae):
		return " no value |"
	case share < 0.95:
		return fmt.Sprintf(" %.1f (%.0f %%) |", mae, 100*share)
	}
	return fmt.Sprintf(" %.1f |", mae)
}
