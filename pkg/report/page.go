package report

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/jpeg"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/rom"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("report.html").Funcs(template.FuncMap{"keep": keepUnits}).ParseFS(pageFiles, "page/report.html"))

// keepUnits keeps a line from ending between a number and its unit.
func keepUnits(s string) string {
	return strings.NewReplacer(" %", "\u00a0%", " cm", "\u00a0cm", " in)", "\u00a0in)", "± ", "±\u00a0").Replace(s)
}

// page is what the template shows; every word of it is ready.
type page struct {
	Style    template.CSS
	Script   template.JS
	Title    string
	Clip     string
	Exercise string
	Verdict  string // css class and word
	Badge    string
	Headline string
	Advice   string
	Certain  string
	Tiles    []tile
	Tracks   []track
	Top      string // what depth 0 is called
	Charts   []*chart
	Stills   []figure
	Reps     []repRow
	Warnings []analysis.Warning
	Quality  []fact
	Settings []fact
	Scale    string // how to get centimetres, where there are none
	Data     *samples
}

type tile struct{ Value, Label, Note string }

type fact struct{ Name, Value string }

// track is one rep as a bar from standing to the bottom, split where neutral
// was lost.
type track struct {
	Rep     int
	Neutral float64 // per cent of the set's depth
	Beyond  float64
	Text    string
}

type figure struct {
	ID            string
	Src           template.URL
	Width, Height int
	Caption       string
	Rep           int
	TimeS         float64
}

type repRow struct {
	Index                               int
	Broke                               bool
	Left, Peak, Angle, Excess, Bottom   string
	Measured, Time, DepthShare, Remarks string
}

// samples is what the charts show on hover, parallel columns.
type samples struct {
	T     []Seconds `json:"t"`
	Flex  []Number  `json:"flex"`
	SD    []Number  `json:"sd"`
	Depth []Number  `json:"depth"`
	Hip   []Number  `json:"hip"`
	Rep   []int     `json:"rep"`
	Axes  axes      `json:"axes"`
}

// axes are the spans of the charts: time, flexion, hip flexion.
type axes struct {
	Time [2]float64 `json:"time"`
	Flex [2]float64 `json:"flex"`
	Hip  [2]float64 `json:"hip"`
}

// WriteHTML writes report.html: one file that asks for nothing outside itself.
func WriteHTML(w io.Writer, a *analysis.Analysis, opts Options) error {
	p, err := newPage(a, opts)
	if err != nil {
		return err
	}
	return pageTemplate.Execute(w, p)
}

func newPage(a *analysis.Analysis, opts Options) (*page, error) {
	style, err := pageFiles.ReadFile("page/report.css")
	if err != nil {
		return nil, err
	}
	script, err := pageFiles.ReadFile("page/report.js")
	if err != nil {
		return nil, err
	}
	p := &page{
		Style: template.CSS(style), Script: template.JS(script),
		Clip: filepath.Base(a.Clip.File), Exercise: exerciseName(a.Exercise),
		Headline: Headline(a), Advice: sentence(a.SafeRange.Advice), Certain: certainty(a),
		Warnings: a.Warnings, Tiles: tiles(a), Tracks: tracks(a), Reps: repRows(a),
		Quality: qualityFacts(a), Settings: settingFacts(a), Data: newSamples(a),
	}
	p.Top = "standing"
	if a.Exercise == lift.Deadlift {
		p.Top = "lockout"
	}
	p.Title = p.Headline + " · spineflex"
	p.Verdict, p.Badge = badge(a)
	for _, c := range []*chart{timeChart(a), depthChart(a), rhythmChart(a)} {
		if c == nil {
			continue
		}
		p.Charts = append(p.Charts, c)
		switch c.ID {
		case "time":
			p.Data.Axes.Time, p.Data.Axes.Flex = [2]float64{c.X.Min, c.X.Max}, [2]float64{c.Y.Min, c.Y.Max}
		case "rhythm":
			p.Data.Axes.Hip = [2]float64{c.X.Min, c.X.Max}
		}
	}
	if s := &a.SafeRange; s.Verdict == rom.Breaks && !(s.BoxHeightCM > 0) && !(s.BlockHeightCM > 0) {
		p.Scale = "For the height of a box to squat to in centimetres, give your own height: --stature 178."
		if a.Exercise == lift.Deadlift {
			p.Scale = "For the height of blocks to pull from in centimetres, film with a full 45 cm plate on the near end of the bar, or give your own height: --stature 178."
		}
	}
	if p.Stills, err = figures(opts.Stills); err != nil {
		return nil, err
	}
	return p, nil
}

func exerciseName(e lift.Exercise) string {
	switch e {
	case lift.Squat:
		return "Squat"
	case lift.Deadlift:
		return "Deadlift"
	}
	return "Lift"
}

func badge(a *analysis.Analysis) (class, word string) {
	switch {
	case len(a.Reps) == 0:
		return "unknown", "No reps"
	case a.SafeRange.Verdict == rom.Holds:
		return "holds", "Neutral held"
	case a.SafeRange.Verdict == rom.Breaks:
		return "breaks", "Left neutral"
	}
	return "unknown", "No verdict"
}

// tiles are the few numbers that stand out.
func tiles(a *analysis.Analysis) []tile {
	var ts []tile
	s := &a.SafeRange
	switch s.Verdict {
	case rom.Breaks:
		t := tile{Value: percent(s.DepthPct), Label: "neutral to this depth"}
		if math.IsNaN(s.DepthPct) {
			t.Value = "–"
		}
		if lo, hi := s.DepthPctCI90[0], s.DepthPctCI90[1]; !math.IsNaN(lo + hi) {
			t.Note = fmt.Sprintf("90 %% range %.0f–%.0f %%", lo, hi)
		}
		ts = append(ts, t)
	case rom.Holds:
		ts = append(ts, tile{"100 %", "neutral to this depth", "as deep as this set went"})
	}
	if n := len(a.Reps); n > 0 && s.Verdict != rom.Inconclusive {
		ts = append(ts, tile{fmt.Sprintf("%d of %d", n-s.BrokenReps, n), "reps stayed neutral", ""})
	} else {
		ts = append(ts, tile{strconv.Itoa(n), "reps", ""})
	}
	peak, sd := math.NaN(), math.NaN()
	rep := 0
	for i := range a.Reps {
		if r := &a.Reps[i]; !math.IsNaN(r.PeakFlexionDeg) && !(peak >= r.PeakFlexionDeg) {
			peak, sd, rep = r.PeakFlexionDeg, r.PeakFlexionSDDeg, r.Index
		}
	}
	if rep > 0 {
		t := tile{degrees(peak), "most lumbar flexion", fmt.Sprintf("rep %d", rep)}
		if !math.IsNaN(sd) {
			t.Note += fmt.Sprintf(", ± %.0f°", math.Ceil(sd))
		}
		switch full := a.Neutral.FullFlexionDeg; {
		case full >= peak:
			t.Note += fmt.Sprintf("; %s of your own full flexion", percent(100*peak/full))
		case full > 0: // it was not all that the lifter has
			t.Note += fmt.Sprintf("; more than the %s you showed as full flexion", degrees(full))
		}
		ts = append(ts, t)
	}
	for _, h := range []struct {
		cm   float64
		name string
	}{{s.BoxHeightCM, "box height"}, {s.BlockHeightCM, "block height"}} {
		if h.cm > 0 {
			ts = append(ts, tile{fmt.Sprintf("%.1f cm", h.cm), h.name, fmt.Sprintf("%.1f in, %.0f cm of margin included", h.cm/2.54, s.HeightMarginCM)})
		}
	}
	return ts
}

func tracks(a *analysis.Analysis) []track {
	var ts []track
	for i := range a.Reps {
		r := &a.Reps[i]
		bottom := r.Bottom.DepthPct
		if math.IsNaN(bottom) {
			continue
		}
		bottom = math.Max(0, math.Min(100, bottom))
		t := track{Rep: r.Index, Neutral: round1(bottom), Text: "held"}
		switch b := r.Breakdown; {
		case b != nil && !math.IsNaN(b.DepthPct):
			d := math.Max(0, math.Min(bottom, b.DepthPct))
			t.Neutral, t.Beyond, t.Text = round1(d), round1(bottom-d), percent(b.DepthPct)
		case math.IsNaN(r.PeakFlexionDeg):
			continue // not measured: no bar that claims anything
		}
		ts = append(ts, t)
	}
	return ts
}

func repRows(a *analysis.Analysis) []repRow {
	rows := make([]repRow, len(a.Reps))
	for i := range a.Reps {
		r := &a.Reps[i]
		row := repRow{
			Index: r.Index, Left: "stayed neutral",
			Peak: degreesSD(r.PeakFlexionDeg, r.PeakFlexionSDDeg), Angle: degrees(r.PeakLumbarAngleDeg),
			Excess: degrees(r.ExcessAtBottomDeg), Bottom: "–", Measured: "–",
			Time: fmt.Sprintf("%.1f–%.1f s", r.StartS, r.EndS),
		}
		if math.IsNaN(r.PeakFlexionDeg) {
			row.Left = "not measured"
		}
		if v := r.MeasuredShare; !math.IsNaN(v) {
			row.Measured = percent(100 * v)
		}
		if a.Exercise == lift.Deadlift {
			if v := r.Bottom.DepthPct; !math.IsNaN(v) {
				row.Bottom = percent(v)
			}
		} else if s := thighPhrase(a.Exercise, r.Bottom.ThighDeg); s != "" {
			row.Bottom = s
		}
		if b := r.Breakdown; b != nil {
			row.Broke = true
			row.Left = "at " + percent(b.DepthPct)
			if math.IsNaN(b.DepthPct) {
				row.Left = "yes"
			}
			if b.Direction == lift.Up {
				row.Left += ", on the way up"
			}
			row.Remarks = causeWords(b)
		}
		rows[i] = row
	}
	return rows
}

// causeWords says which of the two signs of measurement.md 3d was seen.
func causeWords(b *rom.Breakdown) string {
	s := ""
	switch b.Cause {
	case rom.CauseLimit:
		s = "surface rounded past the limit"
	case rom.CauseKnee:
		s = "bend moved from the hips to the lower back"
	}
	if b.ClearlyRounded {
		s += ", clearly rounded"
	}
	return s
}

func qualityFacts(a *analysis.Analysis) []fact {
	var fs []fact
	add := func(name string, v float64, format func(float64) string) {
		if !math.IsNaN(v) {
			fs = append(fs, fact{name, format(v)})
		}
	}
	deg := func(v float64) string { return fmt.Sprintf("%.1f°", v) }
	share := func(v float64) string { return percent(100 * v) }
	add("Camera off the side view", a.Camera.YawDeg, func(v float64) string {
		return fmt.Sprintf("%.0f° (%s; up to 10° is best)", v, a.Camera.Verdict)
	})
	add("Rep frames with a value", a.Quality.RepCoverage, share)
	add("Typical uncertainty of one frame", a.Quality.MedianSDDeg, func(v float64) string { return "± " + deg(v) })
	add("Lifter's height in the picture", a.Quality.PersonHeightPx, func(v float64) string { return fmt.Sprintf("%.0f px (900 or more is best)", v) })
	add("Frames with the lifter hidden", a.Quality.HeldShare, share)
	add("Change of neutral within the set", a.Quality.NeutralDriftDeg, deg)
	add("Neutral surface angle", a.Neutral.LumbarAngleDeg, func(v float64) string {
		s := degreesSD(v, a.Neutral.SDDeg)
		if a.Neutral.Source != "" {
			s += ", from " + a.Neutral.Source
		}
		return s
	})
	if !fullFlexion(a).IsMissing() {
		add("Your own full flexion", a.Neutral.FullFlexionDeg, func(v float64) string { return degrees(v) + " from neutral" })
	}
	add("Scale", a.Quality.ScaleCMPerPx, func(v float64) string {
		from := "your height"
		if a.Quality.ScaleSource == analysis.ScaleFromPlate {
			from = "the plate on the bar, taken for a full one of 45 cm"
		}
		return fmt.Sprintf("%.3f cm per pixel ± %.0f %%, from %s", v, math.Ceil(a.Quality.ScaleSDPct), from)
	})
	return fs
}

func settingFacts(a *analysis.Analysis) []fact {
	fs := []fact{
		{"Clip", a.Clip.File},
		{"SHA-256", a.Clip.SHA256},
		{"Picture", fmt.Sprintf("%d × %d, %s frames/s, %.1f s", a.Clip.Width, a.Clip.Height, formatNumber(a.Clip.MeanFPS, 2), a.Clip.DurationS)},
		{"Exercise", fmt.Sprintf("%s (asked: %s)", a.Exercise, orAuto(string(a.Settings.Exercise)))},
		{"Facing", fmt.Sprintf("%s (asked: %s)", a.Facing, orAuto(string(a.Settings.Facing)))},
		{"Program", a.Model.Program},
		{"Landmark network", fmt.Sprintf("%s on %s", a.Model.Quality, a.Model.Engine)},
		{"Landmark network SHA-256", a.Model.Landmarker},
		{"Detector SHA-256", a.Model.Detector},
	}
	if a.Settings.StatureCM > 0 {
		fs = append(fs, fact{"Stature", fmt.Sprintf("%.0f cm", a.Settings.StatureCM)})
	}
	if t := a.Settings.NeutralAtS; t > 0 {
		fs = append(fs, fact{"Neutral shown at", fmt.Sprintf("%.1f s", t)})
	}
	if rec := a.Settings.NeutralClip; rec != nil {
		fs = append(fs, fact{"Neutral clip", rec.Clip.File})
	}
	if rec := a.Settings.FullFlexionClip; rec != nil {
		fs = append(fs, fact{"Full-flexion clip", rec.Clip.File})
	}
	if v := a.Quality.FilterCutoffHz; !math.IsNaN(v) && v > 0 {
		fs = append(fs, fact{"Smoothing", fmt.Sprintf("%.1f Hz, 4th-order zero-lag Butterworth", v)})
	}
	kept := fs[:0]
	for _, f := range fs {
		if f.Value != "" && f.Value != " on " {
			kept = append(kept, f)
		}
	}
	return kept
}

func newSamples(a *analysis.Analysis) *samples {
	s := &samples{T: []Seconds{}, Flex: []Number{}, SD: []Number{}, Depth: []Number{}, Hip: []Number{}, Rep: []int{}}
	tenth := func(v float64) Number { return Number(round1(v)) }
	for i := 0; i < len(a.Frames); i += stride(len(a.Frames)) {
		f := &a.Frames[i]
		s.T = append(s.T, Seconds(math.Round(1000*f.Time)/1000))
		s.Flex = append(s.Flex, tenth(f.LumbarFlexion))
		s.SD = append(s.SD, tenth(f.LumbarFlexionSD))
		s.Depth = append(s.Depth, tenth(f.DepthPct))
		s.Hip = append(s.Hip, tenth(f.HipFlexion))
		s.Rep = append(s.Rep, f.Rep)
	}
	return s
}

func figures(stills []Still) ([]figure, error) {
	var fs []figure
	for i, s := range stills {
		size, err := jpeg.DecodeConfig(bytes.NewReader(s.JPEG))
		if err != nil {
			return nil, fmt.Errorf("still %q of rep %d: %w", s.Label, s.RepIndex, err)
		}
		caption := s.Label
		if s.RepIndex > 0 {
			caption = fmt.Sprintf("Rep %d, %s", s.RepIndex, s.Label)
		}
		fs = append(fs, figure{
			ID:  fmt.Sprintf("still-%d", i+1),
			Src: template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(s.JPEG)), Width: size.Width, Height: size.Height,
			Caption: fmt.Sprintf("%s · %.2f\u00a0s", caption, s.TimeS), Rep: s.RepIndex, TimeS: s.TimeS,
		})
	}
	return fs, nil
}
