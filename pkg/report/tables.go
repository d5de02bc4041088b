package report

import (
	"bytes"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
)

// column is one column of a table over rows of type T. Its cells need no quotes.
type column[T any] struct {
	name   string
	append func(dst []byte, row *T) []byte
}

// number returns a column of numbers with that many decimals, empty where the
// value is missing.
func number[T any](name string, decimals int, value func(*T) float64) column[T] {
	return column[T]{name, func(dst []byte, r *T) []byte { return appendNumber(dst, value(r), decimals) }}
}

func integer[T any](name string, value func(*T) int) column[T] {
	return column[T]{name, func(dst []byte, r *T) []byte { return strconv.AppendInt(dst, int64(value(r)), 10) }}
}

func text[T any](name string, value func(*T) string) column[T] {
	return column[T]{name, func(dst []byte, r *T) []byte { return append(dst, value(r)...) }}
}

func truth[T any](name string, value func(*T) bool) column[T] {
	return text(name, func(r *T) string { return boolCell(value(r)) })
}

func formatNumber(v float64, decimals int) string { return string(appendNumber(nil, v, decimals)) }

// appendNumber appends v with that many decimals, nothing if it is missing.
func appendNumber(dst []byte, v float64, decimals int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst
	}
	if dst, ok := appendQuickly(dst, v, decimals); ok {
		return dst
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', decimals, 64)
	if dst[start] == '-' && len(bytes.Trim(dst[start:], "-0.")) == 0 {
		return append(dst[:start], dst[start+1:]...) // a tiny negative number rounds to "-0.000", which readers take for a sign
	}
	return dst
}

// appendQuickly does what appendNumber does, several times faster, where v is of
// usual size and so far from half a unit of the last place that the product's
// rounding cannot matter.
func appendQuickly(dst []byte, v float64, decimals int) ([]byte, bool) {
	const most, clear = 1e9, 1e-6 // 1e9 has an error of 1e-7
	if decimals >= len(powers) {
		return dst, false
	}
	scaled := math.Abs(v) * float64(powers[decimals])
	units := math.Floor(scaled + 0.5)
	if !(scaled < most) || 0.5-math.Abs(scaled-units) < clear {
		return dst, false
	}
	if v < 0 && units > 0 {
		dst = append(dst, '-')
	}
	n := uint64(units)
	dst = strconv.AppendUint(dst, n/powers[decimals], 10)
	if decimals == 0 {
		return dst, true
	}
	dst = append(dst, '.')
	for n %= powers[decimals]; decimals > 0; decimals-- {
		dst = append(dst, '0'+byte(n/powers[decimals-1]%10))
	}
	return dst, true
}

var powers = [...]uint64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// writeTable writes rows as CSV under the columns' names. They are formatted on
// all cores: a minute of frames is more than a megabyte.
func writeTable[T any](w io.Writer, columns []column[T], rows []T) error {
	parts := make([][]byte, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for k := range parts {
		wg.Go(func() {
			parts[k] = appendRows(nil, columns, rows[k*len(rows)/len(parts):(k+1)*len(rows)/len(parts)])
		})
	}
	wg.Wait()
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	if _, err := io.WriteString(w, strings.Join(names, ",")+"\n"); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func appendRows[T any](dst []byte, columns []column[T], rows []T) []byte {
	for i := range rows {
		if i == 1 {
			dst = slices.Grow(dst, len(dst)*len(rows)) // rows are of about one length
		}
		for j, c := range columns {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = c.append(dst, &rows[i])
		}
		dst = append(dst, '\n')
	}
	return dst
}

func frameColumns() []column[analysis.Frame] {
	type F = analysis.Frame
	cols := []column[F]{
		integer("frame", func(f *F) int { return f.Index }),
		number("time_s", 6, func(f *F) float64 { return f.Time }),
		integer("rep", func(f *F) int { return f.Rep }),
		text("phase", func(f *F) string { return string(f.Phase) }),
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
	return append(cols, truth("beyond_neutral", func(f *F) bool { return f.BeyondNeutral }))
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
		return text(name, func(r *R) string {
			if r.Breakdown == nil {
				return ""
			}
			return value(r)
		})
	}
	return []column[R]{
		integer("rep", func(r *R) int { return r.Index }),
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
		truth("covers_descent", func(r *R) bool { return r.CoversDescent }),
		truth("broke", func(r *R) bool { return r.Breakdown != nil }),
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
		truth("covers_ascent", func(r *R) bool { return r.CoversAscent }),
	}
}

// WriteReps writes reps.csv: one row per rep, the breakdown's columns empty
// for a rep that kept its neutral range.
func WriteReps(w io.Writer, a *analysis.Analysis) error {
	return writeTable(w, repColumns(), a.Reps)
}
