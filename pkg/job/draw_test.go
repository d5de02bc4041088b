package job

import (
	"image"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/overlay"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

// BenchmarkDraw takes a clip of a phone's usual size from file to annotated
// file: decoding, drawing and encoding.
func BenchmarkDraw(b *testing.B) {
	rec, err := recording.Read(filepath.Join("..", "..", "testdata", "recordings", "squat.sfr"))
	if err != nil {
		b.Fatal(err)
	}
	a, err := analysis.Analyze(rec, analysis.Settings{})
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	clip := filepath.Join(folder, "1080p.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join("..", "..", "testdata", "squat.mp4"),
		"-vf", "scale=1080:1920", "-preset", "veryfast", clip).CombinedOutput(); err != nil {
		b.Fatalf("ffmpeg: %v: %s", err, out)
	}
	info, err := video.Probe(b.Context(), clip)
	if err != nil {
		b.Fatal(err)
	}
	pictures := 0
	for b.Loop() {
		o := Options{Progress: func(_ Stage, done, _ int) { pictures += min(done, 1) }}
		if _, err := draw(b.Context(), clip, info, folder, a, &o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(pictures)/b.Elapsed().Seconds(), "pictures/s")
}

// However noisy the clip, a report with all its pictures stays below 1.5 MB.
func TestStillsFitIntoAReport(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	var pictures []overlay.Picture
	for i := range 40 {
		img := image.NewRGBA(image.Rect(0, 0, 200, 360))
		for k := range img.Pix {
			img.Pix[k] = uint8(128 + 30*noise.NormFloat64())
		}
		pictures = append(pictures, overlay.Picture{Instant: overlay.Instant{Label: "bottom", Rep: i + 1}, Image: img})
	}
	stills, err := encode(pictures)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, s := range stills {
		if s.RepIndex != i+1 {
			t.Errorf("still %d is of rep %d", i, s.RepIndex)
		}
		total += len(s.JPEG)
	}
	if total > maxStills {
		t.Errorf("the pictures take %d kB", total/1000)
	}
	few, err := encode(pictures[:4])
	if err != nil {
		t.Fatal(err)
	}
	if len(few[0].JPEG) <= len(stills[0].JPEG) {
		t.Error("four pictures are compressed as much as forty")
	}
}

func TestLookRefuses(t *testing.T) {
	for name, l := range map[string]Look{
		"style": {Style: "loud"}, "negative speed": {Speed: -1}, "no speed": {Speed: math.NaN()}, "too fast": {Speed: 11},
		"too low": {MaxHeight: 100}, "negative rep": {ClipRep: -1},
	} {
		if err := l.Validate(); err == nil {
			t.Errorf("%s: %+v is accepted", name, l)
		}
	}
	for _, l := range []Look{{}, {Style: "minimal", Freeze: true, NoCard: true, Speed: 0.5, MaxHeight: 480, ClipRep: 3, Stills: true}} {
		if err := l.Validate(); err != nil {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
