package comparison

import (
	"bytes"
	"encoding/csv"
	"errors"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// measured is a stored recording's analysis.
func measured(t *testing.T, name string) *analysis.Analysis {
	t.Helper()
	rec, err := recording.Read(filepath.Join("..", "..", "testdata", "recordings", name+".sfr"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := analysis.Analyze(rec, analysis.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func row(t *testing.T, c *Comparison, name string) Row {
	t.Helper()
	for _, r := range c.Rows {
		if strings.HasPrefix(r.Name, name) {
			return r
		}
	}
	t.Fatalf("no row %q", name)
	return Row{}
}

func TestASetDoesNotDifferFromItself(t *testing.T) {
	a := measured(t, "squat")
	c, err := New(Set{"one", a}, Set{"other", a})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Rows {
		if r.Clear || r.A != r.B && !math.IsNaN(r.A) {
			t.Errorf("%+v", r)
		}
	}
	if len(c.Pairs) != len(a.Reps) || !strings.HasPrefix(c.Sentence(), "No clear difference") {
		t.Error(c.Pairs, c.Sentence())
	}
}

// deeper is a set like a, whose depth of 100 % is so much more and in which the lower
// back flexes so much more and leaves neutral at that depth of its own.
func changed(a *analysis.Analysis, travel, flexion, safe float64) *analysis.Analysis {
	b := *a
	b.TravelPct *= travel
	b.Reps = append([]analysis.Rep(nil), a.Reps...)
	for i := range b.Reps {
		b.Reps[i].PeakFlexionDeg += flexion
	}
	b.Frames = append([]analysis.Frame(nil), a.Frames...)
	for i := range b.Frames {
		b.Frames[i].LumbarFlexion += flexion
	}
	b.SafeRange.Verdict, b.SafeRange.DepthPct, b.SafeRange.DepthPctCI90 = rom.Breaks, safe, [2]float64{safe - 2, safe + 2}
	return &b
}

func TestDifferencesBeyondNoise(t *testing.T) {
	a := changed(measured(t, "squat"), 1, 0, 60)
	for _, c := range []struct {
		name                  string
		travel, flexion, safe float64
		depth, peak           bool
	}{
		{"nothing", 1, 0, 60, false, false},
		{"less than can be told", 1, 6, 64, false, false},
		{"flexion", 1, 15, 60, false, true},
		{"depth", 1, 0, 66, true, false},
		{"the same share of more depth", 1.25, 0, 60, true, false},
		{"less of more depth", 1.25, 0, 48, false, false}, // 48 % of 125 are 60 % of 100
	} {
		b := changed(a, c.travel, c.flexion, c.safe)
		there, err := New(Set{"a", a}, Set{"b", b})
		if err != nil {
			t.Fatal(err)
		}
		back, err := New(Set{"b", b}, Set{"a", a})
		if err != nil {
			t.Fatal(err)
		}
		if got := row(t, there, "neutral to"); got.Clear != c.depth {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got := row(t, there, "peak flexion"); got.Clear != c.peak {
			t.Errorf("%s: %+v", c.name, got)
		}
		for i, r := range there.Rows {
			s := back.Rows[i]
			if s.Clear != r.Clear || math.Abs((s.B-s.A)+(r.B-r.A)) > 1e-9 {
				t.Errorf("%s: %+v one way, %+v the other", c.name, r, s)
			}
		}
	}
}

func TestWhoNeverLeftNeutralMayHoldDeeper(t *testing.T) {
	a := changed(measured(t, "squat"), 1, 0, 90)
	b := changed(a, 0.7, 0, 100)
	b.SafeRange.Verdict, b.SafeRange.BrokenReps = rom.Holds, 0
	c, err := New(Set{"a", a}, Set{"b", b})
	if err != nil {
		t.Fatal(err)
	}
	if r := row(t, c, "neutral to"); r.Clear || !strings.Contains(r.Detail, "may hold deeper") || !strings.HasPrefix(c.Sentence(), "No clear difference") {
		t.Errorf("%+v %s", r, c.Sentence())
	}
	// The other way round it is clear: it holds at least so deep.
	a.SafeRange.DepthPct = 40
	if c, err = New(Set{"a", a}, Set{"b", b}); err != nil || !row(t, c, "neutral to").Clear {
		t.Error(c.Sentence(), err)
	}
}

func TestCurvesLieOnTheCommonScale(t *testing.T) {
	a := measured(t, "squat")
	b := changed(a, 0.5, 0, 60)
	c, err := New(Set{"a", a}, Set{"b", b})
	if err != nil {
		t.Fatal(err)
	}
	deepest := func(c Curve) float64 { return c.DepthPct[len(c.DepthPct)-1] }
	if d := deepest(c.Curves[0]); d != 100 {
		t.Errorf("the deeper set ends at %g %%", d)
	}
	if d := deepest(c.Curves[1]); d != 50 {
		t.Errorf("the set of half the depth ends at %g %%", d)
	}
	at100, _ := c.Curves[0].at(100)
	at50, _ := c.Curves[1].at(50)
	if math.Abs(at100-at50) > 3 {
		t.Errorf("at the bottom the one curve is at %.1f°, the other at %.1f°", at100, at50)
	}
	if v, _ := c.Curves[1].at(80); !math.IsNaN(v) {
		t.Errorf("%g° below the deepest frame", v)
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	squat, deadlift := measured(t, "squat"), measured(t, "deadlift")
	_, err := New(Set{"a", squat}, Set{"b", deadlift})
	if !errors.Is(err, ErrNotAlike) || !strings.Contains(err.Error(), "one is a squat, the other a deadlift") {
		t.Error(err)
	}
	none := *squat
	none.Reps = nil
	if _, err := New(Set{"a", squat}, Set{"b", &none}); !errors.Is(err, ErrNotAlike) || !strings.Contains(err.Error(), "b cannot be compared: it has no rep") {
		t.Error(err)
	}
	silent := *squat
	silent.SafeRange = rom.SafeRange{Verdict: rom.Inconclusive, DepthPct: math.NaN(), DepthPctCI90: [2]float64{math.NaN(), math.NaN()}}
	c, err := New(Set{"a", squat}, Set{"b", &silent})
	if err != nil || !strings.Contains(c.Sentence(), "no verdict") {
		t.Error(c.Sentence(), err)
	}
	var table, figure bytes.Buffer
	if err := errors.Join(c.WriteTable(&table), c.WriteFigure(&figure, "svg")); err != nil || strings.Contains(table.String(), "NaN") {
		t.Error(table.String(), err)
	}
}

func TestTableAndFigure(t *testing.T) {
	a := measured(t, "deadlift")
	c, err := New(Set{"may", a}, Set{"june", changed(a, 1, -15, 95)})
	if err != nil {
		t.Fatal(err)
	}
	var text, table, picture bytes.Buffer
	if err := errors.Join(c.WriteTable(&text), c.WriteCSV(&table), c.WriteFigure(&picture, "png")); err != nil {
		t.Fatal(err)
	}
	if s := text.String(); !strings.Contains(s, "-15°") || !strings.Contains(s, "clear") || !strings.Contains(s, "within noise (below 10°)") {
		t.Error(s)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil || len(rows) != len(c.Rows)+1 {
		t.Error(len(rows), err)
	}
	if img, err := png.Decode(&picture); err != nil || img.Bounds().Dx() < 400 {
		t.Error(err)
	}
}

// clipOf writes a clip whose grey level says the time, fps pictures a second, each
// level of grey a tenth of a second.
func clipOf(t *testing.T, width, height int, fps, seconds float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	sink, err := video.NewSink(t.Context(), path, video.SinkOptions{Width: width, Height: height, FPS: fps, CRF: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Abort()
	for i := range int(seconds * fps) {
		at := float64(i) / fps
		if err := sink.Write(bytes.Repeat([]byte{byte(20 + 40*at)}, 3*width*height), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// setOf is an analysis of nothing but reps.
func setOf(reps ...[3]float64) *analysis.Analysis {
	a := &analysis.Analysis{Exercise: lift.Squat, TravelPct: 30}
	for i, r := range reps {
		a.Reps = append(a.Reps, analysis.Rep{Index: i + 1, StartS: r[0], BottomS: r[1], EndS: r[2]})
	}
	return a
}

func TestVideoIsInStepAtTheBottoms(t *testing.T) {
	// B goes down slowly and has one rep more; its clip is smaller and of another rate.
	a := setOf([3]float64{0.5, 1, 1.5}, [3]float64{2, 2.4, 3})
	b := setOf([3]float64{0.2, 1.6, 2}, [3]float64{2.2, 3.4, 4}, [3]float64{4, 4.2, 4.5})
	clips := [2]string{clipOf(t, 240, 400, 30, 3.5), clipOf(t, 200, 320, 25, 5)}
	c, err := New(Set{"a", a}, Set{"b", b})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.mp4")
	calls, total := 0, 0
	if err := c.Draw(t.Context(), clips, out, VideoOptions{Progress: func(_, of int) { calls++; total = of }}); err != nil {
		t.Fatal(err)
	}
	source, err := video.Open(t.Context(), out, video.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	w, h := source.Size()
	// What each side shows, in clip time, read in the green (the codec turns grey a little
	// less blue) of a corner that is not drawn on.
	var shown [][2]float64
	var frame video.Frame
	for {
		err := source.Next(&frame)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var at [2]float64
		for i, x := range []int{4, w - 4} {
			y := h - 60
			at[i] = (float64(frame.Pix[3*(y*w+x)+1]) + 2 - 20) / 40
		}
		shown = append(shown, at)
	}
	if len(shown) != total || calls != total {
		t.Errorf("%d pictures, %d told of, of %d", len(shown), calls, total)
	}
	const fps, tolerance = 30, 0.12 // a picture of the slower clip, and grey levels
	near := func(k int, want [2]float64, what string) {
		t.Helper()
		for i := range want {
			if math.Abs(shown[k][i]-want[i]) > tolerance {
				t.Errorf("%s: side %d shows %.2f s, want %.2f s", what, i, shown[k][i], want[i])
			}
		}
	}
	first := int(math.Floor((1.4 + 0.5) * fps))
	near(0, [2]float64{0.5, 0.2}, "start: the faster one waits")
	near(int(1.4*fps), [2]float64{1, 1.6}, "bottom of the first rep")
	near(first, [2]float64{1.5, 2}, "end of the first rep")
	near(first+1+int(1.2*fps), [2]float64{2.4, 3.4}, "bottom of the second rep")
	near(len(shown)-1, [2]float64{3, 4}, "end of the second rep; the third has no partner")
}

func TestVideoThatCannotBeMadeLeavesNothing(t *testing.T) {
	a := setOf([3]float64{0.5, 1, 1.5})
	c, err := New(Set{"a", a}, Set{"b", a})
	if err != nil {
		t.Fatal(err)
	}
	clip := clipOf(t, 96, 96, 30, 2)
	dir := t.TempDir()
	if err := c.Draw(t.Context(), [2]string{clip, filepath.Join(dir, "none.mp4")}, filepath.Join(dir, "out.mp4"), VideoOptions{}); err == nil {
		t.Error("a clip that is not there was drawn")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 0 {
		t.Error(files)
	}
}
