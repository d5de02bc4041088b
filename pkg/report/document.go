// Package report writes what a run leaves behind from an [analysis.Analysis]:
// analysis.json for programs, frames.csv and reps.csv for tables, and
// report.html for people. It concludes nothing of its own.
//
// [Write] makes all of them in one folder. [Read] gets analysis.json back, for
// commands that work on many results.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
)

// Schema names the layout of analysis.json. Its keys keep their names and
// meaning; more may be added.
const Schema = "spineflex.analysis/1"

// maxDocument bounds what [Decode] reads: 10 000 reps are about 10 MB.
const maxDocument = 64 << 20

// Number is a measured value; NaN is null in JSON. It is written with four
// decimals at most, far below what any of the values can carry.
type Number float64

// Seconds is a clip time, written to the microsecond.
type Seconds float64

// IsMissing reports whether the value was not measured.
func (n Number) IsMissing() bool { return math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) }

// MarshalJSON writes null for a missing number.
func (n Number) MarshalJSON() ([]byte, error) { return appendDecimal(float64(n), 4), nil }

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(b []byte) error {
	v, err := parseDecimal(b)
	*n = Number(v)
	return err
}

// MarshalJSON writes null for a missing time.
func (s Seconds) MarshalJSON() ([]byte, error) { return appendDecimal(float64(s), 6), nil }

// UnmarshalJSON reads null as NaN.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	v, err := parseDecimal(b)
	*s = Seconds(v)
	return err
}

// appendDecimal formats v with at most that many decimals.
func appendDecimal(v float64, decimals int) []byte {
	scale := math.Pow10(decimals)
	// Beyond 2^53 a float64 has no decimals to round, and v*scale could overflow.
	if r := math.Round(v*scale) / scale; math.Abs(v) < 1<<53 {
		v = r + 0 // +0 turns -0 into 0
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null")
	}
	return strconv.AppendFloat(nil, v, 'f', -1, 64)
}

func parseDecimal(b []byte) (float64, error) {
	if string(b) == "null" {
		return math.NaN(), nil
	}
	var v float64
	err := json.Unmarshal(b, &v)
	return v, err
}

// Document is analysis.json. Angles are degrees, given as if the lifter faced
// right; see the field names of [analysis.Analysis] for their meaning.
type Document struct {
	Schema    string    `json:"schema"`
	Clip      Clip      `json:"clip"`
	Exercise  string    `json:"exercise"`
	Facing    string    `json:"facing"`
	Camera    Camera    `json:"camera"`
	TravelPct Number    `json:"travel_pct"` // per cent of stature
	Neutral   Neutral   `json:"neutral"`
	Reps      []Rep     `json:"reps"`
	SafeRange SafeRange `json:"safe_range"`
	Warnings  []Warning `json:"warnings"`
	Quality   Quality   `json:"quality"`
	Settings  Settings  `json:"settings"`
	Model     Model     `json:"model"`
}

// Clip is the clip that was analysed; width and height are those of the
// upright picture.
type Clip struct {
	File        string  `json:"file"`
	SHA256      string  `json:"sha256"`
	Width       int     `json:"width"`
	Height      int     `json:"height"`
	RotationDeg int     `json:"rotation_deg"`
	DurationS   Seconds `json:"duration_s"`
	Frames      int     `json:"frames"`
	MeanFPS     Number  `json:"mean_fps"`
	Slowdown    Number  `json:"slowdown"` // how many times slower than filmed the clip plays; times are as filmed
}

// Camera is the direction of view.
type Camera struct {
	YawDeg  Number `json:"yaw_deg"`
	Verdict string `json:"verdict"`
}

// Neutral is the lifter's own neutral posture.
type Neutral struct {
	LumbarAngleDeg Number `json:"lumbar_angle_deg"`
	SDDeg          Number `json:"sd_deg"`
	Source         string `json:"source"`
	FullFlexionDeg Number `json:"full_flexion_deg"` // null unless a full-flexion clip showed it
}

// Rep is one repetition.
type Rep struct {
	Index              int        `json:"index"`
	StartS             Seconds    `json:"start_s"`
	BottomS            Seconds    `json:"bottom_s"`
	EndS               Seconds    `json:"end_s"`
	Bottom             Posture    `json:"bottom"`
	PeakFlexionDeg     Number     `json:"peak_flexion_deg"`
	PeakFlexionSDDeg   Number     `json:"peak_flexion_sd_deg"`
	PeakS              Seconds    `json:"peak_s"`
	PeakLumbarAngleDeg Number     `json:"peak_lumbar_angle_deg"`
	ExcessAtBottomDeg  Number     `json:"excess_at_bottom_deg"`
	MeasuredShare      Number     `json:"measured_share"`
	CoversDescent      bool       `json:"covers_descent"`
	CoversAscent       bool       `json:"covers_ascent"`
	Breakdown          *Breakdown `json:"breakdown"`
}

// Posture is the pose of the body at the bottom of a rep.
type Posture struct {
	KneeFlexionDeg Number `json:"knee_flexion_deg"`
	HipFlexionDeg  Number `json:"hip_flexion_deg"`
	ThighDeg       Number `json:"thigh_deg"`
	HipHeightPct   Number `json:"hip_height_pct"`
	BarDropPct     Number `json:"bar_drop_pct"`
	TrunkDeg       Number `json:"trunk_deg"`
	DepthPct       Number `json:"depth_pct"`
}

// Breakdown is where a rep left the neutral range.
type Breakdown struct {
	TimeS          Seconds `json:"time_s"`
	Direction      string  `json:"direction"`
	Cause          string  `json:"cause"`
	FlexionDeg     Number  `json:"flexion_deg"`
	LumbarAngleDeg Number  `json:"lumbar_angle_deg"`
	ExcessDeg      Number  `json:"excess_deg"`
	ClearlyRounded bool    `json:"clearly_rounded"`
	DepthPct       Number  `json:"depth_pct"`
	KneeFlexionDeg Number  `json:"knee_flexion_deg"`
	HipFlexionDeg  Number  `json:"hip_flexion_deg"`
	ThighDeg       Number  `json:"thigh_deg"`
	HipHeightPct   Number  `json:"hip_height_pct"`
	BarDropPct     Number  `json:"bar_drop_pct"`
	TrunkDeg       Number  `json:"trunk_deg"`
}

// SafeRange is the depth to which the set keeps its neutral spine.
type SafeRange struct {
	Verdict        string    `json:"verdict"`
	DepthPct       Number    `json:"depth_pct"`
	DepthPctCI90   [2]Number `json:"depth_pct_ci90"`
	KneeFlexionDeg Number    `json:"knee_flexion_deg"`
	ThighDeg       Number    `json:"thigh_deg"`
	HipHeightPct   Number    `json:"hip_height_pct"`
	BoxHeightCM    Number    `json:"box_height_cm"`
	BlockHeightCM  Number    `json:"block_height_cm"`
	HeightSDCM     Number    `json:"height_sd_cm"`     // of that height
	HeightMarginCM Number    `json:"height_margin_cm"` // added before it was rounded up to 2.5 cm
	BrokenReps     int       `json:"broken_reps"`
	Reason         string    `json:"reason"`
	Advice         string    `json:"advice"`
}

// Warning is a doubt about the result, with what to film differently.
type Warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Quality says how good the footage was.
type Quality struct {
	PersonHeightPx  Number `json:"person_height_px"`
	RepCoverage     Number `json:"rep_coverage"`
	MedianSDDeg     Number `json:"median_sd_deg"`
	HeldShare       Number `json:"held_share"`
	ScaleCMPerPx    Number `json:"scale_cm_per_px"`
	ScaleSDPct      Number `json:"scale_sd_pct"`
	ScaleSource     string `json:"scale_source"`
	NeutralDriftDeg Number `json:"neutral_drift_deg"`
	FilterCutoffHz  Number `json:"filter_cutoff_hz"`
}

// Settings are the user's choices; "auto" and null where the program decided.
type Settings struct {
	Exercise        string           `json:"exercise"`
	Facing          string           `json:"facing"`
	StatureCM       Number           `json:"stature_cm"`
	NeutralAtS      Seconds          `json:"neutral_at_s"`
	NeutralClip     *CalibrationClip `json:"neutral_clip"`
	FullFlexionClip *CalibrationClip `json:"full_flexion_clip"`
}

// CalibrationClip is a clip in which the lifter shows neutral or full flexion.
type CalibrationClip struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// Model says which program and networks saw the clip.
type Model struct {
	Program    string `json:"program"`
	Quality    string `json:"quality"`
	Engine     string `json:"engine"`
	Detector   string `json:"detector_sha256"`
	Landmarker string `json:"landmarker_sha256"`
	SampleHz   Number `json:"sample_hz"`
	Paced      bool   `json:"paced"` // fewer while the lifter was at rest; every second one without the networks where they were sure
}

// NewDocument returns a's analysis.json.
func NewDocument(a *analysis.Analysis) *Document {
	d := &Document{
		Schema: Schema,
		Clip: Clip{
			File: a.Clip.File, SHA256: a.Clip.SHA256, Width: a.Clip.Width, Height: a.Clip.Height,
			RotationDeg: a.Clip.RotationDeg, DurationS: Seconds(a.Clip.DurationS), Frames: a.Clip.Frames,
			MeanFPS: Number(a.Clip.MeanFPS), Slowdown: Number(max(1, a.Clip.Slowdown)),
		},
		Exercise:  string(a.Exercise),
		Facing:    string(a.Facing),
		Camera:    Camera{Number(a.Camera.YawDeg), string(a.Camera.Verdict)},
		TravelPct: Number(a.TravelPct),
		Neutral:   Neutral{Number(a.Neutral.LumbarAngleDeg), Number(a.Neutral.SDDeg), a.Neutral.Source, fullFlexion(a)},
		Reps:      make([]Rep, len(a.Reps)),
		SafeRange: SafeRange{
			Verdict: string(a.SafeRange.Verdict), DepthPct: Number(a.SafeRange.DepthPct),
			DepthPctCI90:   [2]Number{Number(a.SafeRange.DepthPctCI90[0]), Number(a.SafeRange.DepthPctCI90[1])},
			KneeFlexionDeg: Number(a.SafeRange.KneeFlexionDeg), ThighDeg: Number(a.SafeRange.ThighDeg),
			HipHeightPct: Number(a.SafeRange.HipHeightPct), BoxHeightCM: Number(a.SafeRange.BoxHeightCM),
			BlockHeightCM: Number(a.SafeRange.BlockHeightCM), HeightSDCM: Number(a.SafeRange.HeightSDCM), HeightMarginCM: Number(a.SafeRange.HeightMarginCM), BrokenReps: a.SafeRange.BrokenReps,
			Reason: a.SafeRange.Reason, Advice: a.SafeRange.Advice,
		},
		Warnings: make([]Warning, len(a.Warnings)),
		Quality: Quality{
			PersonHeightPx: Number(a.Quality.PersonHeightPx), RepCoverage: Number(a.Quality.RepCoverage),
			MedianSDDeg: Number(a.Quality.MedianSDDeg), HeldShare: Number(a.Quality.HeldShare),
			ScaleCMPerPx: Number(a.Quality.ScaleCMPerPx), ScaleSDPct: Number(a.Quality.ScaleSDPct), ScaleSource: a.Quality.ScaleSource,
			NeutralDriftDeg: Number(a.Quality.NeutralDriftDeg), FilterCutoffHz: Number(a.Quality.FilterCutoffHz),
		},
		Settings: Settings{
			Exercise: orAuto(string(a.Settings.Exercise)), Facing: orAuto(string(a.Settings.Facing)),
			StatureCM: Number(a.Settings.StatureCM), NeutralAtS: Seconds(a.Settings.NeutralAtS),
			NeutralClip: calibrationClip(a.Settings.NeutralClip), FullFlexionClip: calibrationClip(a.Settings.FullFlexionClip),
		},
		Model: Model{
			Program: a.Model.Program, Quality: a.Model.Quality, Engine: a.Model.Engine,
			Detector: a.Model.Detector, Landmarker: a.Model.Landmarker, SampleHz: Number(a.Model.SampleHz), Paced: a.Model.Paced,
		},
	}
	if d.Exercise == "" {
		d.Exercise = string(lift.UnknownExercise)
	}
	if d.SafeRange.Verdict == "" {
		d.SafeRange.Verdict = string(rom.Inconclusive)
	}
	if !(d.Settings.StatureCM > 0) {
		d.Settings.StatureCM = Number(math.NaN())
	}
	if !(a.Settings.NeutralAtS > 0) { // the zero value decides by itself
		d.Settings.NeutralAtS = Seconds(math.NaN())
	}
	for i := range a.Reps {
		d.Reps[i] = newRep(&a.Reps[i])
	}
	for i, w := range a.Warnings {
		d.Warnings[i] = Warning(w)
	}
	return d
}

func newRep(r *analysis.Rep) Rep {
	rep := Rep{
		Index: r.Index, StartS: Seconds(r.StartS), BottomS: Seconds(r.BottomS), EndS: Seconds(r.EndS),
		Bottom: Posture{
			KneeFlexionDeg: Number(r.Bottom.KneeFlexion), HipFlexionDeg: Number(r.Bottom.HipFlexion),
			ThighDeg: Number(r.Bottom.ThighDeg), HipHeightPct: Number(r.Bottom.HipHeightPct),
			BarDropPct: Number(r.Bottom.BarDropPct), TrunkDeg: Number(r.Bottom.TrunkDeg),
			DepthPct: Number(r.Bottom.DepthPct),
		},
		PeakFlexionDeg: Number(r.PeakFlexionDeg), PeakFlexionSDDeg: Number(r.PeakFlexionSDDeg),
		PeakS: Seconds(r.PeakS), PeakLumbarAngleDeg: Number(r.PeakLumbarAngleDeg),
		ExcessAtBottomDeg: Number(r.ExcessAtBottomDeg), MeasuredShare: Number(r.MeasuredShare),
		CoversDescent: r.CoversDescent, CoversAscent: r.CoversAscent,
	}
	if b := r.Breakdown; b != nil {
		rep.Breakdown = &Breakdown{
			TimeS: Seconds(b.TimeS), Direction: string(b.Direction), Cause: string(b.Cause),
			FlexionDeg: Number(b.FlexionDeg), LumbarAngleDeg: Number(b.LumbarAngleDeg),
			ExcessDeg: Number(b.ExcessDeg), ClearlyRounded: b.ClearlyRounded, DepthPct: Number(b.DepthPct),
			KneeFlexionDeg: Number(b.KneeFlexion), HipFlexionDeg: Number(b.HipFlexion),
			ThighDeg: Number(b.ThighDeg), HipHeightPct: Number(b.HipHeightPct),
			BarDropPct: Number(b.BarDropPct), TrunkDeg: Number(b.TrunkDeg),
		}
	}
	return rep
}

func calibrationClip(rec *recording.Recording) *CalibrationClip {
	if rec == nil {
		return nil
	}
	return &CalibrationClip{rec.Clip.File, rec.Clip.SHA256}
}

// fullFlexion is the lifter's largest lumbar flexion, missing where no clip
// showed it.
func fullFlexion(a *analysis.Analysis) Number {
	if !(a.Neutral.FullFlexionDeg > 0) {
		return Number(math.NaN())
	}
	return Number(a.Neutral.FullFlexionDeg)
}

func orAuto(s string) string {
	if s == "" {
		return "auto"
	}
	return s
}

// Encode writes the document as indented JSON.
func (d *Document) Encode(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// Decode reads an analysis.json. Unknown keys are ignored, so that a result of
// a later version can be read; another schema is refused.
func Decode(r io.Reader) (*Document, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxDocument {
		return nil, fmt.Errorf("not an analysis: over %d MB", maxDocument>>20)
	}
	var d Document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("not an analysis: %w", err)
	}
	if d.Schema != Schema {
		return nil, fmt.Errorf("schema is %q and this version reads %q: analyze the clip again", d.Schema, Schema)
	}
	if d.Reps == nil {
		d.Reps = []Rep{}
	}
	if d.Warnings == nil {
		d.Warnings = []Warning{}
	}
	return &d, nil
}

// Read reads the analysis.json at path.
func Read(path string) (*Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read analysis: %w", err)
	}
	defer f.Close()
	d, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read analysis %s: %w", path, err)
	}
	return d, nil
}
