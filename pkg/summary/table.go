package summary

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/spineflex/spineflex/pkg/report"
)

// ClipRow is a row of summary.csv and summary.parquet; the tags name the
// columns. nil is missing.
type ClipRow struct {
	Name          string   `parquet:"name"`
	Group         string   `parquet:"group"`
	Clip          string   `parquet:"clip"`
	SHA256        string   `parquet:"sha256"`
	Exercise      string   `parquet:"exercise"`
	Facing        string   `parquet:"facing"`
	Verdict       string   `parquet:"verdict"`
	DepthPct      *float64 `parquet:"depth_pct,optional"`
	DepthLowPct   *float64 `parquet:"depth_pct_ci90_lo,optional"`
	DepthHighPct  *float64 `parquet:"depth_pct_ci90_hi,optional"`
	ThighDeg      *float64 `parquet:"thigh_deg,optional"`
	KneeDeg       *float64 `parquet:"knee_flexion_deg,optional"`
	BoxHeightCM   *float64 `parquet:"box_height_cm,optional"`
	BlockHeightCM *float64 `parquet:"block_height_cm,optional"`
	Reps          int64    `parquet:"reps"`
	BrokenReps    int64    `parquet:"broken_reps"`
	PeakDeg       *float64 `parquet:"peak_flexion_deg,optional"` // of the rep that flexed most
	PeakSDDeg     *float64 `parquet:"peak_flexion_sd_deg,optional"`
	NeutralDeg    *float64 `parquet:"neutral_lumbar_angle_deg,optional"`
	MedianSDDeg   *float64 `parquet:"median_sd_deg,optional"`
	Coverage      *float64 `parquet:"rep_coverage,optional"`
	YawDeg        *float64 `parquet:"camera_yaw_deg,optional"`
	Camera        string   `parquet:"camera"`
	Warnings      string   `parquet:"warnings"` // codes, parted by spaces
	Reason        string   `parquet:"reason"`
	Width         int64    `parquet:"width"`
	Height        int64    `parquet:"height"`
	Frames        int64    `parquet:"frames"`
	DurationS     *float64 `parquet:"duration_s,optional"`
	MeanFPS       *float64 `parquet:"mean_fps,optional"`
	Program       string   `parquet:"program"`
	Quality       string   `parquet:"quality"`
}

// RepRow is a row of summary-reps.csv and summary-reps.parquet.
type RepRow struct {
	Name              string   `parquet:"name"`
	Group             string   `parquet:"group"`
	Exercise          string   `parquet:"exercise"`
	Rep               int64    `parquet:"rep"`
	StartS            *float64 `parquet:"start_s,optional"`
	BottomS           *float64 `parquet:"bottom_s,optional"`
	EndS              *float64 `parquet:"end_s,optional"`
	BottomDepthPct    *float64 `parquet:"bottom_depth_pct,optional"`
	BottomKneeDeg     *float64 `parquet:"bottom_knee_flexion_deg,optional"`
	BottomHipDeg      *float64 `parquet:"bottom_hip_flexion_deg,optional"`
	BottomThighDeg    *float64 `parquet:"bottom_thigh_deg,optional"`
	BottomHipPct      *float64 `parquet:"bottom_hip_height_pct,optional"`
	BottomTrunkDeg    *float64 `parquet:"bottom_trunk_deg,optional"`
	PeakDeg           *float64 `parquet:"peak_flexion_deg,optional"`
	PeakSDDeg         *float64 `parquet:"peak_flexion_sd_deg,optional"`
	PeakS             *float64 `parquet:"peak_s,optional"`
	PeakAngleDeg      *float64 `parquet:"peak_lumbar_angle_deg,optional"`
	MeasuredShare     *float64 `parquet:"measured_share,optional"`
	Broke             bool     `parquet:"broke"`
	BreakdownS        *float64 `parquet:"breakdown_s,optional"`
	BreakdownDepthPct *float64 `parquet:"breakdown_depth_pct,optional"`
	BreakdownDeg      *float64 `parquet:"breakdown_flexion_deg,optional"`
	BreakdownExcess   *float64 `parquet:"breakdown_excess_deg,optional"`
	BreakdownCause    string   `parquet:"breakdown_cause"`
	ClearlyRounded    *bool    `parquet:"breakdown_clearly_rounded,optional"`
}

// opt is a number for a table, nil where it is missing.
func opt[T ~float64](v T) *float64 {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	f = math.Round(f*1e4) / 1e4 // as analysis.json has it
	return &f
}

// peak is the largest flexion of the set and its standard deviation.
func peak(d *report.Document) (v, sd report.Number) {
	v, sd = report.Number(math.NaN()), report.Number(math.NaN())
	for _, r := range d.Reps {
		if !r.PeakFlexionDeg.IsMissing() && !(r.PeakFlexionDeg <= v) {
			v, sd = r.PeakFlexionDeg, r.PeakFlexionSDDeg
		}
	}
	return v, sd
}

func (s *Summary) clipRows() []ClipRow {
	rows := make([]ClipRow, len(s.Results))
	for i := range s.Results {
		r := &s.Results[i]
		d := r.Document
		v, sd := peak(d)
		var codes []string
		for _, w := range d.Warnings {
			codes = append(codes, w.Code)
		}
		rows[i] = ClipRow{
			Name: r.Name, Group: r.Group, Clip: d.Clip.File, SHA256: d.Clip.SHA256, Exercise: d.Exercise, Facing: d.Facing,
			Verdict: d.SafeRange.Verdict, DepthPct: opt(d.SafeRange.DepthPct),
			DepthLowPct: opt(d.SafeRange.DepthPctCI90[0]), DepthHighPct: opt(d.SafeRange.DepthPctCI90[1]),
			ThighDeg: opt(d.SafeRange.ThighDeg), KneeDeg: opt(d.SafeRange.KneeFlexionDeg),
			BoxHeightCM: opt(d.SafeRange.BoxHeightCM), BlockHeightCM: opt(d.SafeRange.BlockHeightCM),
			Reps: int64(len(d.Reps)), BrokenReps: int64(d.SafeRange.BrokenReps), PeakDeg: opt(v), PeakSDDeg: opt(sd),
			NeutralDeg: opt(d.Neutral.LumbarAngleDeg), MedianSDDeg: opt(d.Quality.MedianSDDeg), Coverage: opt(d.Quality.RepCoverage),
			YawDeg: opt(d.Camera.YawDeg), Camera: d.Camera.Verdict, Warnings: strings.Join(codes, " "), Reason: d.SafeRange.Reason,
			Width: int64(d.Clip.Width), Height: int64(d.Clip.Height), Frames: int64(d.Clip.Frames),
			DurationS: opt(d.Clip.DurationS), MeanFPS: opt(d.Clip.MeanFPS), Program: d.Model.Program, Quality: d.Model.Quality,
		}
	}
	return rows
}

func (s *Summary) repRows() []RepRow {
	rows := []RepRow{}
	for i := range s.Results {
		r := &s.Results[i]
		for _, p := range r.Document.Reps {
			row := RepRow{
				Name: r.Name, Group: r.Group, Exercise: r.Document.Exercise, Rep: int64(p.Index),
				StartS: opt(p.StartS), BottomS: opt(p.BottomS), EndS: opt(p.EndS),
				BottomDepthPct: opt(p.Bottom.DepthPct), BottomKneeDeg: opt(p.Bottom.KneeFlexionDeg), BottomHipDeg: opt(p.Bottom.HipFlexionDeg),
				BottomThighDeg: opt(p.Bottom.ThighDeg), BottomHipPct: opt(p.Bottom.HipHeightPct), BottomTrunkDeg: opt(p.Bottom.TrunkDeg),
				PeakDeg: opt(p.PeakFlexionDeg), PeakSDDeg: opt(p.PeakFlexionSDDeg), PeakS: opt(p.PeakS),
				PeakAngleDeg: opt(p.PeakLumbarAngleDeg), MeasuredShare: opt(p.MeasuredShare), Broke: p.Breakdown != nil,
			}
			if b := p.Breakdown; b != nil {
				row.BreakdownS, row.BreakdownDepthPct, row.BreakdownDeg = opt(b.TimeS), opt(b.DepthPct), opt(b.FlexionDeg)
				row.BreakdownExcess, row.BreakdownCause, row.ClearlyRounded = opt(b.ExcessDeg), b.Cause, &b.ClearlyRounded
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// writeCSV writes rows under the names of their tags.
func writeCSV[T any](b *bytes.Buffer, rows []T) error {
	t := reflect.TypeFor[T]()
	w := csv.NewWriter(b)
	record := make([]string, t.NumField())
	for i := range record {
		record[i], _, _ = strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
	}
	if err := w.Write(record); err != nil {
		return err
	}
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem()
		for k := range record {
			record[k] = cell(v.Field(k).Interface())
		}
		if err := w.Write(record); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cell writes a value as the other tables do: missing is empty, yes is 1.
func cell(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		if v {
			return "1"
		}
		return "0"
	case *bool:
		if v != nil {
			return cell(*v)
		}
	case *float64:
		if v != nil {
			return strconv.FormatFloat(*v, 'f', -1, 64)
		}
	}
	return ""
}

func writeParquet[T any](b *bytes.Buffer, rows []T) error {
	return parquet.Write(b, rows, parquet.Compression(&parquet.Zstd))
}

func writeFailures(b *bytes.Buffer, s *Summary) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	for _, f := range s.Failures {
		if err := e.Encode(f); err != nil {
			return err
		}
	}
	return nil
}
