package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	_ "image/png"
	"io"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
)

var squat = sync.OnceValues(func() (*analysis.Analysis, error) {
	rec, err := recording.Read(filepath.Join("..", "..", "testdata", "recordings", "squat.sfr"))
	if err != nil {
		return nil, err
	}
	return analysis.Analyze(rec, analysis.Settings{})
})

func drawn(t *testing.T, a *analysis.Analysis) map[string][]byte {
	t.Helper()
	files, err := Files(a)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		out[f.Name] = b.Bytes()
	}
	return out
}

func TestFigures(t *testing.T) {
	a, err := squat()
	if err != nil {
		t.Fatal(err)
	}
	got := drawn(t, a)
	// What each figure must say, as text that can be searched and edited.
	for name, words := range map[string][]string{
		"flexion-time":      {"time (s)", "lumbar flexion (°)", "outside the neutral range", "left neutral"},
		"flexion-depth":     {"depth (% of the set", "neutral to this depth", "way down", "way up", "left neutral"},
		"lumbar-hip-rhythm": {"hip flexion (°)", "way down", "left neutral"},
	} {
		svg := got[name+".svg"]
		texts := svgTexts(t, svg)
		for _, w := range words {
			if !strings.Contains(texts, w) {
				t.Errorf("%s.svg does not say %q", name, w)
			}
		}
		img, format, err := image.Decode(bytes.NewReader(got[name+".png"]))
		if err != nil || format != "png" {
			t.Fatalf("%s.png: %v %s", name, err, format)
		}
		if w := img.Bounds().Dx(); w != int(math.Round(120/25.4*dpi)) {
			t.Errorf("%s.png is %d pixels wide", name, w)
		}
		if n := coloured(img); n < 2000 {
			t.Errorf("%s.png has %d coloured pixels: nothing is drawn", name, n)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d files, want 6", len(got))
	}
}

func svgTexts(t *testing.T, svg []byte) string {
	t.Helper()
	var all strings.Builder
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.CharData); ok {
			all.Write(s)
		}
	}
}

// coloured counts pixels that are no shade of grey.
func coloured(img image.Image) int {
	n := 0
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); max(r, g, b)-min(r, g, b) > 0x4000 {
				n++
			}
		}
	}
	return n
}

// A line stops where nothing was measured.
func TestGapsAreNotDrawnAcross(t *testing.T) {
	a, err := squat()
	if err != nil {
		t.Fatal(err)
	}
	holed := *a
	holed.Frames = append([]analysis.Frame(nil), a.Frames...)
	for i := range holed.Frames {
		if f := &holed.Frames[i]; f.Time > 3 && f.Time < 4 {
			f.LumbarFlexion = math.NaN()
		}
	}
	whole, cut := drawn(t, a), drawn(t, &holed)
	count := func(b []byte) int { return strings.Count(string(b), "<path") }
	if w, c := count(whole["flexion-time.svg"]), count(cut["flexion-time.svg"]); c <= w {
		t.Errorf("with a hole there are %d paths, without it %d", c, w)
	}
}

func TestNothingMeasured(t *testing.T) {
	for name, a := range map[string]*analysis.Analysis{
		"empty": {},
		"hidden back": {
			Frames: []analysis.Frame{{LumbarFlexion: math.NaN(), Rep: 1}, {Time: 1, LumbarFlexion: math.NaN(), Rep: 1}},
			Reps:   []analysis.Rep{{Index: 1, EndS: 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := drawn(t, a); len(got) != 0 {
				t.Errorf("%d figures of nothing", len(got))
			}
		})
	}
}
