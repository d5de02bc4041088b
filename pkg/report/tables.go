package report

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
)

// column is one column of a table over rows of type T.
type column[T any] struct {
	name string
	cell func(*T) string
}

// number returns a column of numbers with that many decimals, empty where the
// value is missing.
func number[T any](name string, decimals int, value func(*T) float64) column[T] {
	return column[T]{name, func(r *T) string { return formatNumber(value(r), decimals) }}
}

func formatNumber(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if s[0] == '-' && strings.Trim(s, "-0.") == "" {
		return s[1:] // a tiny negative number rounds to "-0.000", which readers take for a sign
	}
	return s
}

// writeTable writes rows as CSV under the columns' names. They are formatted on
// all cores: a minute of frames is more than a megabyte.
func writeTable[T any](w io.Writer, columns []column[T], rows []T) error {
	parts := make([]bytes.Buffer, runtime.GOMAXPROCS(0))
	var g errgroup.Group
	for k := range parts {
		g.Go(func() error {
			return writeRows(&parts[k], columns, rows[k*len(rows)/len(parts):(k+1)*len(rows)/len(parts)], k == 0)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for k := range parts {
		if _, err := parts[k].WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}

func writeRows[T any](w io.Writer, columns []column[T], rows []T, named bool) error {
	c := csv.NewWriter(w)
	record := make([]string, len(columns))
	if named {
		for i, col := range columns {
			record[i] = col.name
		}
		if err := c.Write(record); err != nil {
			return err
		}
	}
	for i := range rows {
		for j, col := range columns {
			record[j] = col.cell(&rows[i])
		}
		if err := c.Write(record); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func frameColumns() []column[analysis.Frame] {
	type F = analysis.Frame
	cols := []column[F]{
		{"frame", func(f *F) string { return strconv.Itoa(f.Index) }},
		number("time_s", 6, func(f *F) float64 { return f.Time }),
		{"rep", func(f *F) string { return strconv.Itoa(f.Rep) }},
		{"phase", func(f *F) string { return string(f.Phase) }},
		number("depth_pct", 2, func(f *F) float64 { return f.DepthPct }),
		number("lumbar_flexion_deg", 3, func(f *F) float64 { return f.LumbarFlexion }),
		number("lumbar_flexion_sd_deg", 3, func(f *F) float64 { return f.LumbarFlexionSD }),
		number("lumbar_angle_deg", 3, func(f *F) float64 { return f.LumbarAngle }),
		number("trunk_deg", 3, func(f *F) float64 { return f.TrunkDeg }),
		number("hip_flexion_deg", 3, func(f *F) float64 { return f.HipFlexion }),
		number("knee_flexion_deg", 3, func(f *F) float64 { return f.KneeFlexion }),
		number("thigh_deg", 3, func(f *F) float64 { return f.ThighDeg }),
		number("hip_height_pct", 3, func(f *F) float64 { return f.HipHeightPct }),
		number("confidence", 3, func(f *F) float64 { return f.Confidence }),
	}
	for l := range recording.Landmark(recording.NumLandmarks) {
		cols = append(cols,
			number(l.String()+"_x", 2, func(f *F) float64 { return f.Landmarks[l].X }),
			number(l.String()+"_y", 2, func(f *F) float64 { return f.Landmarks[l].Y }),
			number(l.String()+"_v", 3, func(f *F) float64 { return f.Landmarks[l].Visibility }))
	}
	return append(cols, column[F]{"beyond_neutral", func(f *F) string { return boolCell(f.BeyondNeutral) }})
}

func boolCell(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// WriteFrames writes frames.csv: one row per analysed frame, then the 33
// landmarks in pixels of the upright picture.
func WriteFrames(w io.Writer, a *analysis.Analysis) error {
	return writeTable(w, frameColumns(), a.Frames)
}

func repColumns() []column[analysis.Rep] {
	type R = analysis.Rep
	// broken is a number of the breakdown, empty for a rep that kept its neutral.
	broken := func(name string, decimals int, value func(*R) float64) column[R] {
		return number(name, decimals, func(r *R) float64 {
			if r.Breakdown == nil {
				return math.NaN()
			}
			return value(r)
		})
	}
	brokenText := func(name string, value func(*R) string) column[R] {
		return column[R]{name, func(r *R) string {
			if r.Breakdown == nil {
				return ""
			}
			return value(r)
		}}
	}
	return []column[R]{
		{"rep", func(r *R) string { return strconv.Itoa(r.Index) }},
		number("start_s", 6, func(r *R) float64 { return r.StartS }),
		number("bottom_s", 6, func(r *R) float64 { return r.BottomS }),
		number("end_s", 6, func(r *R) float64 { return r.EndS }),
		number("bottom_depth_pct", 2, func(r *R) float64 { return r.Bottom.DepthPct }),
		number("bottom_knee_flexion_deg", 3, func(r *R) float64 { return r.Bottom.KneeFlexion }),
		number("bottom_hip_flexion_deg", 3, func(r *R) float64 { return r.Bottom.HipFlexion }),
		number("bottom_thigh_deg", 3, func(r *R) float64 { return r.Bottom.ThighDeg }),
		number("bottom_hip_height_pct", 3, func(r *R) float64 { return r.Bottom.HipHeightPct }),
		number("bottom_bar_drop_pct", 3, func(r *R) float64 { return r.Bottom.BarDropPct }),
		number("bottom_trunk_deg", 3, func(r *R) float64 { return r.Bottom.TrunkDeg }),
		number("peak_flexion_deg", 3, func(r *R) float64 { return r.PeakFlexionDeg }),
		number("peak_flexion_sd_deg", 3, func(r *R) float64 { return r.PeakFlexionSDDeg }),
		number("peak_s", 6, func(r *R) float64 { return r.PeakS }),
		number("peak_lumbar_angle_deg", 3, func(r *R) float64 { return r.PeakLumbarAngleDeg }),
		number("excess_at_bottom_deg", 3, func(r *R) float64 { return r.ExcessAtBottomDeg }),
		number("measured_share", 3, func(r *R) float64 { return r.MeasuredShare }),
		{"covers_descent", func(r *R) string { return boolCell(r.CoversDescent) }},
		{"broke", func(r *R) string { return boolCell(r.Breakdown != nil) }},
		broken("breakdown_s", 6, func(r *R) float64 { return r.Breakdown.TimeS }),
		brokenText("breakdown_direction", func(r *R) string { return string(r.Breakdown.Direction) }),
		brokenText("breakdown_cause", func(r *R) string { return string(r.Breakdown.Cause) }),
		broken("breakdown_depth_pct", 2, func(r *R) float64 { return r.Breakdown.DepthPct }),
		broken("breakdown_flexion_deg", 3, func(r *R) float64 { return r.Breakdown.FlexionDeg }),
		broken("breakdown_lumbar_angle_deg", 3, func(r *R) float64 { return r.Breakdown.LumbarAngleDeg }),
		broken("breakdown_excess_deg", 3, func(r *R) float64 { return r.Breakdown.ExcessDeg }),
		brokenText("breakdown_clearly_rounded", func(r *R) string { return boolCell(r.Breakdown.ClearlyRounded) }),
		broken("breakdown_knee_flexion_deg", 3, func(r *R) float64 { return r.Breakdown.KneeFlexion }),
		broken("breakdown_hip_flexion_deg", 3, func(r *R) float64 { return r.Breakdown.HipFlexion }),
		broken("breakdown_thigh_deg", 3, func(r *R) float64 { return r.Breakdown.ThighDeg }),
		broken("breakdown_hip_height_pct", 3, func(r *R) float64 { return r.Breakdown.HipHeightPct }),
		broken("breakdown_bar_drop_pct", 3, func(r *R) float64 { return r.Breakdown.BarDropPct }),
		broken("breakdown_trunk_deg", 3, func(r *R) float64 { return r.Breakdown.TrunkDeg }),
		{"covers_ascent", func(r *R) string { return boolCell(r.CoversAscent) }},
	}
}

// WriteReps writes reps.csv: one row per rep, the breakdown's columns empty
// for a rep that kept its neutral range.
func WriteReps(w io.Writer, a *analysis.Analysis) error {
	return writeTable(w, repColumns(), a.Reps)
}
