package summary_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/store"
	"github.com/spineflex/spineflex/pkg/summary"
)

// set is the analysis of a set of two reps that flexes up to peak degrees.
func set(verdict rom.Verdict, peak float64) *analysis.Analysis {
	nan := math.NaN()
	a := &analysis.Analysis{
		Clip:     recording.Clip{File: "clip.mp4", SHA256: "ab", Width: 1080, Height: 1920, DurationS: 10, Frames: 300, MeanFPS: 30},
		Exercise: lift.Squat, Facing: lift.FacingRight, Camera: lift.Camera{YawDeg: 3, Verdict: lift.CameraOK},
		Reps: []analysis.Rep{
			{Index: 1, StartS: 1, BottomS: 2, EndS: 3, PeakFlexionDeg: peak - 2, PeakFlexionSDDeg: 3, PeakS: 2, MeasuredShare: 1},
			{Index: 2, StartS: 4, BottomS: 5, EndS: 6, PeakFlexionDeg: peak, PeakFlexionSDDeg: 4, PeakS: 5, MeasuredShare: 1},
		},
		SafeRange: rom.SafeRange{Verdict: verdict, DepthPct: nan, DepthPctCI90: [2]float64{nan, nan}, ThighDeg: nan, BoxHeightCM: nan, BlockHeightCM: nan},
	}
	if verdict == rom.Breaks {
		a.SafeRange.DepthPct, a.SafeRange.DepthPctCI90, a.SafeRange.BrokenReps = 71.23456, [2]float64{60, 80}, 1
		a.Reps[1].Breakdown = &rom.Breakdown{Posture: lift.Posture{TimeS: 4.5, DepthPct: 72}, FlexionDeg: 20, LumbarAngleDeg: nan, Cause: rom.CauseLimit}
	}
	if verdict == rom.Inconclusive {
		a.SafeRange.Reason = "the <back> is hidden"
	}
	for i := range 300 {
		f := analysis.Frame{Index: i, Time: float64(i) / 30, LumbarFlexion: peak * math.Abs(math.Sin(float64(i)/50)), BeyondNeutral: i > 100 && i < 120 && verdict == rom.Breaks}
		if i < 20 {
			f.LumbarFlexion = nan
		}
		a.Frames = append(a.Frames, f)
	}
	return a
}

type place struct {
	t      testing.TB
	dir    string
	stores *store.Stores
}

func newPlace(t testing.TB) *place {
	p := &place{t, t.TempDir(), &store.Stores{}}
	t.Cleanup(func() { _ = p.stores.Close() })
	return p
}

func (p *place) result(name string, a *analysis.Analysis) {
	p.t.Helper()
	if err := report.Write(filepath.Join(p.dir, name), a, report.Options{}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) write(name, content string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// state is what a batch notes of a clip.
func (p *place) state(name, rest string) {
	p.write(".spineflex/state/"+regexp.MustCompile(`\W`).ReplaceAllString(name, "_")+".json",
		fmt.Sprintf(`{"schema":"spineflex.batch/1","name":%q,"clip":"/in/%s.mp4",%s}`, name, name, rest))
}

func (p *place) sumUp(digest string, o summary.Options) {
	p.t.Helper()
	out, err := p.stores.Open(p.t.Context(), p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := summary.Write(p.t.Context(), out, digest, o); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) read(name string) string {
	p.t.Helper()
	content, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

func example(t testing.TB) *place {
	p := newPlace(t)
	p.result("anna/1", set(rom.Holds, 18))
	p.result("anna/2", set(rom.Breaks, 38))
	p.result("ben & co/<1>", set(rom.Inconclusive, 20))
	empty := set(rom.Inconclusive, 10)
	empty.Reps = nil
	p.result("ben & co/2", empty)
	for _, name := range []string{"anna/1", "anna/2"} {
		p.state(name, `"group":"Anna","status":"measured","results":true`)
	}
	p.state("bad", `"status":"failed","reason":"not a <video> file","attempts":1`)
	p.state("net", `"status":"failed","reason":"no connection","attempts":1,"again":true`)
	p.state("nobody", `"status":"unmeasured","reason":"no person found"`)
	p.state("front", `"status":"unmeasured","reason":"front view","results":true`) // its result is in the table
	p.write(".spineflex/problems.json", `[{"place":"/in/locked","reason":"permission denied"}]`)
	return p
}

func TestTables(t *testing.T) {
	p := example(t)
	p.sumUp("", summary.Options{})

	rows, err := csv.NewReader(strings.NewReader(p.read(summary.ClipsFile))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var got []string
	for _, r := range rows[1:] {
		var cells []string
		for _, c := range []string{"name", "group", "verdict", "depth_pct", "depth_pct_ci90_lo", "reps", "broken_reps", "peak_flexion_deg", "peak_flexion_sd_deg"} {
			cells = append(cells, r[column[c]])
		}
		got = append(got, strings.Join(cells, ","))
	}
	want := []string{
		"anna/1,Anna,holds,,,2,0,18,4",
		"anna/2,Anna,breaks,71.2346,60,2,1,38,4",
		"ben & co/2,ben & co,inconclusive,,,0,0,,",
		"ben & co/<1>,ben & co,inconclusive,,,2,0,20,4",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error("clips (-want +got):\n" + d)
	}

	clips, err := parquet.ReadFile[summary.ClipRow](filepath.Join(p.dir, summary.ClipsParquet))
	if err != nil || len(clips) != 4 || clips[1].Name != "anna/2" || *clips[1].DepthPct != 71.2346 || clips[0].DepthPct != nil {
		t.Errorf("%d rows in Parquet, %v", len(clips), err)
	}
	reps, err := parquet.ReadFile[summary.RepRow](filepath.Join(p.dir, summary.RepsParquet))
	if err != nil || len(reps) != 6 {
		t.Fatalf("%d rows of reps in Parquet, %v", len(reps), err)
	}
	if r := reps[3]; r.Name != "anna/2" || r.Rep != 2 || !r.Broke || *r.BreakdownDepthPct != 72 || r.BreakdownCause != "limit" || *r.ClearlyRounded {
		t.Errorf("broken rep %+v", r)
	}
	if r := reps[2]; r.Broke || r.BreakdownDepthPct != nil || r.ClearlyRounded != nil {
		t.Errorf("rep that held %+v", r)
	}
	if lines := strings.Split(strings.TrimSpace(p.read(summary.RepsFile)), "\n"); len(lines) != 7 || !strings.HasSuffix(lines[3], ",0,,,,,,") {
		t.Errorf("reps:\n%s", strings.Join(lines, "\n"))
	}
}

func TestFailures(t *testing.T) {
	p := example(t)
	p.write("broken/analysis.json", "{")
	p.sumUp("", summary.Options{})
	var got []string
	for line := range strings.Lines(p.read(summary.FailuresFile)) {
		var f summary.Failure
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, fmt.Sprintf("%s: %s: %s, again %t", f.Clip, f.Status, f.Reason, f.Again))
	}
	want := []string{
		"/in/bad.mp4: failed: not a <video> file, again false",
		"/in/locked: failed: permission denied, again true",
		"/in/net.mp4: failed: no connection, again true",
		"/in/nobody.mp4: unmeasured: no person found, again false",
		"broken: failed: read broken/analysis.json: not an analysis: unexpected end of JSON input, again false",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error("(-want +got):\n" + d)
	}
	page := p.read(summary.HTMLFile)
	if !strings.Contains(page, "not a &lt;video&gt; file") || strings.Contains(page, "<video>") {
		t.Error("the page does not show a failure's reason, or not escaped")
	}
	if strings.Index(page, "/in/bad.mp4") > strings.Index(page, "anna/1") {
		t.Error("failures do not come first")
	}
}

func TestPage(t *testing.T) {
	p := example(t)
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	p.write("anna/1/"+summary.ThumbnailFile, picture.String())
	p.write("anna/2/"+summary.ThumbnailFile, "no picture")
	p.sumUp("", summary.Options{})
	page := p.read(summary.HTMLFile)
	for _, want := range []string{
		"4 clips: 1 of 2 with a verdict stayed neutral all the way; 4 could not be measured.",
		`<a href="./anna/1/report.html"`,
		`<a href="./ben%20&amp;%20co/%3C1%3E/report.html"`,
		"2 clips, 1 left neutral, at the shallowest 71 %",
		"<b>71 %</b>", "60 to 80 %", "38° ± 4°", "the &lt;back&gt; is hidden",
		`src="data:image/jpeg;base64,`, `<path class="beyond"`,
		`Content-Security-Policy" content="default-src 'none'`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if n := strings.Count(page, "<img"); n != 1 {
		t.Errorf("%d pictures, want 1", n)
	}
	for _, link := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(link[1], "data:") && !strings.HasPrefix(link[1], "./") {
			t.Errorf("the page asks for %s", link[1])
		}
	}
}

func TestGroupBy(t *testing.T) {
	p := example(t)
	p.sumUp("", summary.Options{GroupBy: regexp.MustCompile(`(\d)>?$`)})
	clips, err := parquet.ReadFile[summary.ClipRow](filepath.Join(p.dir, summary.ClipsParquet))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range clips {
		got = append(got, c.Group+":"+c.Name)
	}
	if d := cmp.Diff([]string{"1:anna/1", "1:ben & co/<1>", "2:anna/2", "2:ben & co/2"}, got); d != "" {
		t.Error("(-want +got):\n" + d)
	}
}

func TestNothingToSumUp(t *testing.T) {
	p := newPlace(t)
	p.sumUp("", summary.Options{})
	if !strings.Contains(p.read(summary.HTMLFile), "No results yet.") || p.read(summary.FailuresFile) != "" {
		t.Error("an empty folder's summary is not empty")
	}
}

func TestSummaryOfTheSameIsLeftAsItIs(t *testing.T) {
	p := example(t)
	p.sumUp("d1", summary.Options{})
	p.write(summary.HTMLFile, "kept")
	p.sumUp("d1", summary.Options{})
	if p.read(summary.HTMLFile) != "kept" {
		t.Error("it was written again")
	}
	for name, change := range map[string]func(){
		"other digest":   func() { p.sumUp("d2", summary.Options{}) },
		"other grouping": func() { p.sumUp("d1", summary.Options{GroupBy: regexp.MustCompile("x")}) },
		"asked for":      func() { p.sumUp("", summary.Options{}) },
		"file gone": func() {
			p.sumUp("d1", summary.Options{})
			p.write(summary.HTMLFile, "kept")
			_ = os.Remove(filepath.Join(p.dir, summary.RepsFile))
			p.sumUp("d1", summary.Options{})
		},
	} {
		p.write(summary.HTMLFile, "kept")
		if change(); p.read(summary.HTMLFile) == "kept" {
			t.Errorf("%s: it was not written again", name)
		}
	}
}

func BenchmarkWrite1000(b *testing.B) {
	p := newPlace(b)
	for i := range 1000 {
		p.result(fmt.Sprintf("l%d/c%d", i%20, i), set(rom.Breaks, 30))
	}
	for b.Loop() {
		p.sumUp("", summary.Options{})
	}
}
