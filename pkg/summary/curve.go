package summary

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// curve is lumbar flexion over a clip, few enough points for a line of text.
type curve struct {
	T, Flexion []float64 // seconds; degrees, NaN where it was not measured
	Beyond     []bool    // the neutral range was left
}

// readCurve reads the columns it needs of a frames.csv. They stand at its
// beginning, and the 99 of the landmarks are not looked at: a summary of
// thousands of clips takes seconds.
func readCurve(frames []byte) curve {
	header, rows, _ := bytes.Cut(frames, []byte("\n"))
	at := map[string]int{}
	for i, name := range strings.Split(strings.TrimSpace(string(header)), ",") {
		at[name] = i
	}
	t, hasT := at["time_s"]
	f, hasF := at["lumbar_flexion_deg"]
	if !hasT || !hasF || max(t, f) > 12 {
		return curve{}
	}
	beyondIsLast := at["beyond_neutral"] == len(at)-1
	var c curve
	for line := range bytes.Lines(rows) {
		line = bytes.TrimSpace(line)
		var time, flexion []byte
		rest := line
		for i := 0; i <= max(t, f); i++ {
			var field []byte
			field, rest, _ = bytes.Cut(rest, []byte(","))
			switch i {
			case t:
				time = field
			case f:
				flexion = field
			}
		}
		at, err := strconv.ParseFloat(string(time), 64)
		if err != nil {
			continue
		}
		v, err := strconv.ParseFloat(string(flexion), 64)
		if err != nil {
			v = math.NaN()
		}
		c.T, c.Flexion = append(c.T, at), append(c.Flexion, v)
		c.Beyond = append(c.Beyond, beyondIsLast && bytes.HasSuffix(line, []byte(",1")))
	}
	return c.thin(curvePoints)
}

// curvePoints is what a line of about 150 pixels shows.
const curvePoints = 90

// thin leaves about n points: of each stretch the one that is flexed most, so
// that no peak is lost.
func (c curve) thin(n int) curve {
	if len(c.T) <= n {
		return c
	}
	var thinned curve
	for k := range n {
		from, to := k*len(c.T)/n, (k+1)*len(c.T)/n
		best, beyond := from, false
		for i := from; i < to; i++ {
			if c.Flexion[i] > c.Flexion[best] || math.IsNaN(c.Flexion[best]) {
				best = i
			}
			beyond = beyond || c.Beyond[i]
		}
		thinned.T, thinned.Flexion = append(thinned.T, c.T[best]), append(thinned.Flexion, c.Flexion[best])
		thinned.Beyond = append(thinned.Beyond, beyond)
	}
	return thinned
}

// A sparkline is drawn in a box of this size, from lowDeg at the bottom to
// highDeg at the top in every row, so that rows can be compared.
const (
	sparkWidth, sparkHeight = 150, 34
	lowDeg, highDeg         = -10, 50
)

// paths are the curve as SVG paths: all of it, and where neutral was left.
func (c curve) paths() (all, beyond string) {
	if len(c.T) < 2 || !(c.T[len(c.T)-1] > c.T[0]) {
		return "", ""
	}
	var line, over strings.Builder
	drawing, drawingOver := false, false
	for i, v := range c.Flexion {
		if math.IsNaN(v) {
			drawing, drawingOver = false, false
			continue
		}
		x := sparkWidth * (c.T[i] - c.T[0]) / (c.T[len(c.T)-1] - c.T[0])
		y := sparkHeight * (1 - (min(max(v, lowDeg), highDeg)-lowDeg)/(highDeg-lowDeg))
		move(&line, x, y, drawing)
		drawing = true
		if c.Beyond[i] {
			move(&over, x, y, drawingOver)
		}
		drawingOver = c.Beyond[i]
	}
	return line.String(), over.String()
}

func move(b *strings.Builder, x, y float64, drawing bool) {
	command := 'M'
	if drawing {
		command = 'L'
	}
	fmt.Fprintf(b, "%c%.1f %.1f", command, x, y)
}
