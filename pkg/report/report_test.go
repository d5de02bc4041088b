package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (-want +got), run with -update if that is meant:\n%s", path, d)
	}
}

// squatSet is a constructed set of squats at fps frames a second: each rep
// takes 3 s, and flexion grows by 8° of gradual flattening to the bottom plus
// 30° per unit of depth beyond the onset. Onset 0 is a rep that holds.
func squatSet(fps float64, onsets ...float64) *analysis.Analysis {
	nan := math.NaN()
	a := &analysis.Analysis{
		Clip:     recording.Clip{File: "clips/<set> & 1.mp4", SHA256: strings.Repeat("ab", 32), Width: 720, Height: 1280, RotationDeg: 90, MeanFPS: fps},
		Model:    recording.Model{Program: "v0.1.0", Quality: "balanced", Engine: "onnxruntime", Detector: strings.Repeat("12", 32), Landmarker: strings.Repeat("34", 32), SampleHz: 30},
		Exercise: lift.Squat, Facing: lift.FacingLeft,
		Camera: lift.Camera{YawDeg: 4.2, Verdict: lift.CameraOK}, TravelPct: 25.1,
		Neutral: analysis.Neutral{LumbarAngleDeg: -14.5, SDDeg: 0.8, Source: "standing between reps", LimitDeg: rom.DefaultLimitDeg, FullFlexionDeg: nan},
		Quality: analysis.Quality{PersonHeightPx: 812, RepCoverage: 0.97, MedianSDDeg: 2.2, ScaleCMPerPx: nan, ScaleSDPct: nan, NeutralDriftDeg: 1.1, FilterCutoffHz: 4},
		SafeRange: rom.SafeRange{
			Verdict: rom.Holds, DepthPct: 100, DepthPctCI90: [2]float64{nan, nan}, KneeFlexionDeg: 120, ThighDeg: -8, HipHeightPct: 48,
			BoxHeightCM: nan, BlockHeightCM: nan, HeightSDCM: nan, HeightMarginCM: nan, Advice: "keep squatting to this depth",
		},
	}
	posture := func(d float64) lift.Posture {
		return lift.Posture{KneeFlexion: 120 * d, HipFlexion: 105 * d, ThighDeg: 90 - 98*d, HipHeightPct: 100 - 52*d, BarDropPct: nan, TrunkDeg: 5 + 30*d, DepthPct: 100 * d}
	}
	flexion := func(d, onset float64) float64 {
		f := 8 * d * d
		if onset > 0 {
			f += 60 * math.Max(0, d-onset)
		}
		return f
	}
	const repS, restS = 3.0, 0.5
	for i, onset := range onsets {
		t0 := restS + float64(i)*(repS+restS)
		r := analysis.Rep{
			Index: i + 1, StartS: t0, BottomS: t0 + repS/2, EndS: t0 + repS, Bottom: posture(1),
			PeakFlexionDeg: flexion(1, onset), PeakFlexionSDDeg: 2.4, PeakS: t0 + repS/2, PeakLumbarAngleDeg: flexion(1, onset) - 14.5,
			MeasuredShare: 0.97, ExcessAtBottomDeg: flexion(1, onset) - 8, CoversDescent: true, CoversAscent: true,
		}
		r.Bottom.TimeS = r.BottomS
		if onset > 0 {
			p := posture(onset)
			p.TimeS = t0 + repS/math.Pi*math.Asin(onset)
			r.Breakdown = &rom.Breakdown{
				Posture: p, Direction: lift.Down, Cause: rom.CauseKnee, FlexionDeg: flexion(onset, onset),
				LumbarAngleDeg: flexion(onset, onset) - 14.5, ClearlyRounded: onset < 0.7,
			}
			a.SafeRange.BrokenReps++
		}
		a.Reps = append(a.Reps, r)
	}
	if a.SafeRange.BrokenReps >= 2 {
		a.SafeRange = rom.SafeRange{
			Verdict: rom.Breaks, DepthPct: 71.3, DepthPctCI90: [2]float64{66, 76.5}, KneeFlexionDeg: 85.6, ThighDeg: 20.1, HipHeightPct: 62.9,
			BoxHeightCM: nan, BlockHeightCM: nan, HeightSDCM: nan, HeightMarginCM: nan, BrokenReps: a.SafeRange.BrokenReps, Advice: "squat to a box at this depth for three to four weeks",
		}
	}
	end := restS + float64(len(onsets))*(repS+restS)
	a.Clip.DurationS, a.Clip.Frames = end, int(end*fps)
	for i := range a.Clip.Frames {
		f := analysis.Frame{Index: i, Time: float64(i) / fps, Phase: lift.NoPhase, LumbarFlexionSD: 2.2, Confidence: 0.9}
		d, onset := 0.0, 0.0
		for k := range a.Reps {
			if r := &a.Reps[k]; f.Time >= r.StartS && f.Time <= r.EndS {
				d, onset = math.Sin(math.Pi*(f.Time-r.StartS)/repS), onsets[k]
				f.Rep, f.Phase = r.Index, lift.Down
				if f.Time > r.BottomS {
					f.Phase = lift.Up
				}
			}
		}
		p := posture(d)
		f.DepthPct, f.KneeFlexion, f.HipFlexion, f.ThighDeg, f.HipHeightPct, f.TrunkDeg = 100*d, p.KneeFlexion, p.HipFlexion, p.ThighDeg, p.HipHeightPct, p.TrunkDeg
		f.LumbarFlexion = flexion(d, onset)
		f.LumbarAngle = f.LumbarFlexion - 14.5
		f.BeyondNeutral = onset > 0 && d >= onset
		if i%31 == 30 { // some frames are lost
			f.LumbarFlexion, f.LumbarAngle, f.LumbarFlexionSD, f.Confidence = nan, nan, nan, 0
		}
		for l := range f.Landmarks {
			f.Landmarks[l] = recording.Keypoint{X: 300 + float64(l), Y: 400 + 10*float64(l) + 100*d, Z: nan, Visibility: 0.99}
		}
		f.Landmarks[recording.LeftPinky] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: nan}
		a.Frames = append(a.Frames, f)
	}
	return a
}

func still(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 36, 64))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{uint8(i)}.Y
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	a := squatSet(4, 0.8, 0, 0.65)
	a.Neutral.FullFlexionDeg = 52
	a.Settings = analysis.Settings{
		StatureCM: 178, NeutralAtS: 0.25,
		FullFlexionClip: &recording.Recording{Clip: recording.Clip{File: "toes <1>.mp4", SHA256: strings.Repeat("56", 32)}},
	}
	a.Warnings = []analysis.Warning{{Code: "person_small", Message: "The lifter is small in the picture <800 px>: zoom in."}}
	dir := filepath.Join(t.TempDir(), "new", "set")
	if err := Write(dir, a, Options{Stills: []Still{{Label: "bottom", RepIndex: 1, TimeS: 2, JPEG: still(t)}}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{AnalysisFile, FramesFile, RepsFile, HTMLFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, b)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 4 {
		t.Errorf("the folder holds %v, want the four files and nothing else", left)
	}
}

func TestDocumentRoundTrip(t *testing.T) {
	d := NewDocument(squatSet(10, 0.8, 0, 0.65))
	path := filepath.Join(t.TempDir(), AnalysisFile)
	if err := WriteFile(path, d.Encode); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	// Tolerance: Number keeps four decimals.
	same := func(x, y float64) bool { return math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) <= 0.5e-4 }
	if diff := cmp.Diff(d, got, cmp.Comparer(func(x, y Number) bool { return same(float64(x), float64(y)) }),
		cmp.Comparer(func(x, y Seconds) bool { return same(float64(x), float64(y)) })); diff != "" {
		t.Errorf("read back (-wrote +read):\n%s", diff)
	}
}

// The keys that design/output.md promises other tools are all there, also in
// the emptiest analysis, and missing numbers are null.
func TestSchemaKeys(t *testing.T) {
	for name, a := range map[string]*analysis.Analysis{"full": squatSet(10, 0.8), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := NewDocument(a).Encode(&b); err != nil {
				t.Fatal(err)
			}
			var m map[string]any
			if err := json.Unmarshal(b.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			want := []string{"schema", "clip.file", "clip.sha256", "clip.width", "clip.height", "clip.rotation_deg", "clip.duration_s", "clip.frames", "clip.mean_fps", "exercise", "facing", "camera.yaw_deg", "camera.verdict", "neutral.lumbar_angle_deg", "neutral.sd_deg", "neutral.source", "neutral.full_flexion_deg", "reps", "safe_range.verdict", "safe_range.depth_pct", "safe_range.depth_pct_ci90", "safe_range.knee_flexion_deg", "safe_range.thigh_deg", "safe_range.box_height_cm", "safe_range.block_height_cm", "safe_range.advice", "warnings"}
			if len(a.Reps) > 0 {
				for _, k := range []string{"index", "start_s", "bottom_s", "end_s", "bottom.knee_flexion_deg", "bottom.hip_flexion_deg", "bottom.thigh_deg", "bottom.hip_height_pct", "bottom.bar_drop_pct", "bottom.trunk_deg", "peak_flexion_deg", "peak_flexion_sd_deg", "peak_s", "peak_lumbar_angle_deg", "breakdown.time_s", "breakdown.direction", "breakdown.cause", "breakdown.flexion_deg", "breakdown.lumbar_angle_deg", "breakdown.excess_deg", "breakdown.clearly_rounded", "breakdown.depth_pct", "breakdown.knee_flexion_deg", "breakdown.hip_flexion_deg", "breakdown.thigh_deg", "breakdown.hip_height_pct"} {
					want = append(want, "reps.0."+k)
				}
				if v := lookup(m, "reps.0.bottom.bar_drop_pct"); v != nil {
					t.Errorf("a missing number is %v, want null", v)
				}
			}
			for _, k := range want {
				if _, ok := lookup(m, k).(missing); ok {
					t.Errorf("no key %s", k)
				}
			}
			if v := lookup(m, "neutral.full_flexion_deg"); v != nil {
				t.Errorf("full flexion that was not shown is %v, want null", v)
			}
			for _, k := range []string{"reps", "warnings"} {
				if lookup(m, k) == nil {
					t.Errorf("%s is null, want an array", k)
				}
			}
		})
	}
}

type missing struct{}

func lookup(v any, path string) any {
	for _, k := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			e, ok := x[k]
			if !ok {
				return missing{}
			}
			v = e
		case []any:
			if len(x) == 0 {
				return missing{}
			}
			v = x[0]
		default:
			return missing{}
		}
	}
	return v
}

func TestFramesHeader(t *testing.T) {
	var b bytes.Buffer
	if err := WriteFrames(&b, squatSet(10, 0.8)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := "frame,time_s,rep,phase,depth_pct,lumbar_flexion_deg,lumbar_flexion_sd_deg,lumbar_angle_deg,trunk_deg,hip_flexion_deg,knee_flexion_deg,thigh_deg,hip_height_pct,confidence,nose_x,nose_y,nose_v,left_eye_inner_x"
	if got := strings.Join(rows[0], ","); !strings.HasPrefix(got, want) {
		t.Errorf("header starts %.300s\nwant %s", got, want)
	}
	if n, want := len(rows[0]), 14+3*recording.NumLandmarks+1; n != want {
		t.Errorf("%d columns, want %d", n, want)
	}
	if got := rows[1+30][5]; got != "" {
		t.Errorf("flexion of a frame that was not measured is %q, want empty", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":        {"", "not an analysis"},
		"not json":     {"frame,time_s\n", "not an analysis"},
		"other schema": {`{"schema":"spineflex.analysis/2"}`, "analyze the clip again"},
		"wrong type":   {`{"schema":"spineflex.analysis/1","reps":[{"index":"one"}]}`, "not an analysis"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(strings.NewReader(c.in))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("error %v does not name the file", err)
	}
}

func TestWriteLeavesNothingWhenItFails(t *testing.T) {
	dir := t.TempDir()
	a := squatSet(4, 0.8)
	err := Write(dir, a, Options{Stills: []Still{{Label: "bottom", RepIndex: 1, JPEG: []byte("no picture")}}})
	if err == nil || !strings.Contains(err.Error(), HTMLFile) {
		t.Fatalf("error %v, want one that names %s", err, HTMLFile)
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if f.Name() == HTMLFile || f.Name() == AnalysisFile || strings.HasSuffix(f.Name(), ".tmp") {
			t.Errorf("%s is left behind", f.Name())
		}
	}
}

func TestHeadline(t *testing.T) {
	deadlift := func(a *analysis.Analysis) *analysis.Analysis { a.Exercise = lift.Deadlift; return a }
	reason := squatSet(10, 0)
	reason.SafeRange.Verdict, reason.SafeRange.Reason = rom.Inconclusive, "the camera is not side-on"
	for name, c := range map[string]struct {
		a    *analysis.Analysis
		want string
	}{
		"breaks":          {squatSet(10, 0.8, 0, 0.65), "Neutral to 71 % of your depth (thigh 20° above parallel); 2 of 3 reps left neutral deeper than that."},
		"breaks deadlift": {deadlift(squatSet(10, 0.8, 0, 0.65)), "Neutral to 71 % of the way down from lockout; 2 of 3 reps left neutral deeper than that."},
		"holds":           {squatSet(10, 0, 0, 0), "Neutral all the way down (thigh 8° below parallel): all 3 reps held."},
		"holds one":       {squatSet(10, 0), "Neutral all the way down (thigh 8° below parallel): the one rep in this clip held."},
		"one of many":     {squatSet(10, 0, 0.9, 0), "Neutral to the bottom (thigh 8° below parallel) in 2 of 3 reps; rep 2 left it at 90 % of your depth."},
		"inconclusive":    {reason, "No verdict on the lower back: The camera is not side-on."},
		"no reps":         {&analysis.Analysis{}, "No repetition was found in this clip."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Headline(c.a); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Every analysis gives a page that asks for nothing outside itself and says
// nothing the house does not say.
func TestHTML(t *testing.T) {
	empty := &analysis.Analysis{}
	blind := squatSet(30, 0, 0)
	for i := range blind.Frames {
		f := &blind.Frames[i]
		f.LumbarFlexion, f.LumbarAngle, f.LumbarFlexionSD = math.NaN(), math.NaN(), math.NaN()
	}
	for i := range blind.Reps {
		blind.Reps[i].PeakFlexionDeg, blind.Reps[i].PeakFlexionSDDeg = math.NaN(), math.NaN()
	}
	blind.SafeRange.Verdict, blind.SafeRange.Reason = rom.Inconclusive, "the back could not be seen"
	for name, a := range map[string]*analysis.Analysis{"breaks": squatSet(30, 0.8, 0, 0.65), "holds": squatSet(30, 0, 0), "empty": empty, "blind": blind, "long": squatSet(60, make([]float64, 100)...)} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := WriteHTML(&b, a, Options{}); err != nil {
				t.Fatal(err)
			}
			html := b.String()
			body, _, _ := strings.Cut(html, "<script>") // the script names NaN and Infinity itself
			for _, bad := range []string{"http:", "https:", "ZgotmplZ", "NaN", "Inf", "%!", "injur", "unsafe ", "<set>"} {
				if strings.Contains(body, bad) {
					t.Errorf("the page contains %q", bad)
				}
			}
			if !strings.Contains(html, "<h1>"+keepUnits(Headline(a))+"</h1>") {
				t.Errorf("the page lacks its answer")
			}
			if b.Len() > 400<<10 {
				t.Errorf("a page without pictures is %d kB, over 400", b.Len()>>10)
			}
		})
	}
}

func TestNumberFormats(t *testing.T) {
	for _, c := range []struct {
		v    float64
		json string
		csv  string
	}{
		{math.NaN(), "null", ""},
		{math.Inf(-1), "null", ""},
		{0, "0", "0.000"},
		{-0.00001, "0", "0.000"},
		{-12.34567, "-12.3457", "-12.346"},
		{1e300, fmt.Sprintf("%.0f", 1e300), fmt.Sprintf("%.3f", 1e300)},
	} {
		if got, err := Number(c.v).MarshalJSON(); err != nil || string(got) != c.json && c.v < 1e299 {
			t.Errorf("JSON of %v is %s, %v, want %s", c.v, got, err, c.json)
		}
		if got := formatNumber(c.v, 3); got != c.csv {
			t.Errorf("CSV of %v is %q, want %q", c.v, got, c.csv)
		}
	}
}

// Numbers in tables are those of package strconv to the last digit, ties too.
func TestNumbersAreRoundedExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200_000 {
		v := random.NormFloat64() * math.Pow(10, float64(random.IntN(14)-4))
		if i%2 == 0 {
			v = math.Round(v*16) / 16 // ties of two decimals, as landmarks have them
		}
		for decimals := range 8 {
			want := strconv.FormatFloat(v, 'f', decimals, 64)
			if strings.Trim(want, "-0.") == "" {
				want = strings.TrimPrefix(want, "-")
			}
			if got := formatNumber(v, decimals); got != want {
				t.Fatalf("%v with %d decimals is %q, want %q", v, decimals, got, want)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	if err := NewDocument(squatSet(4, 0.8, 0)).Encode(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"schema":"spineflex.analysis/1","reps":null,"safe_range":{"depth_pct":1e308}}`))
	f.Add([]byte(`{"schema":"spineflex.analysis/1","clip":{"duration_s":-1e-9,"width":-1},"reps":[{"breakdown":{}}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := Decode(bytes.NewReader(in))
		if err != nil {
			return
		}
		// What was read can be written, and reads the same again.
		var once, twice bytes.Buffer
		if err := d.Encode(&once); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Encode(&twice); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Errorf("written once:\n%s\nand again:\n%s", &once, &twice)
		}
	})
}

func BenchmarkWriteHTML(b *testing.B) {
	a := squatSet(60, 0.8, 0, 0.65, 0.7, 0.7)
	for b.Loop() {
		var w bytes.Buffer
		if err := WriteHTML(&w, a, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
