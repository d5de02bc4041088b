package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// bundled is a rendered clip of the repository and its faultless recording in a
// results folder.
func bundled(t *testing.T) (results, truths string, truth *synth.Truth) {
	t.Helper()
	truths = filepath.Join("..", "..", "testdata", "clips")
	const name = "deadlift_round_midshin_f30"
	truth, err := truthOf(truths, name)
	if err != nil {
		t.Fatal(err)
	}
	results = t.TempDir()
	for _, dir := range []string{name, "without_truth"} {
		if err := os.Mkdir(filepath.Join(results, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := recording.Write(filepath.Join(results, dir, "recording.sfr"), truth.Recording(noNoise)); err != nil {
			t.Fatal(err)
		}
	}
	return results, truths, truth
}

func TestRun(t *testing.T) {
	results, truths, _ := bundled(t)
	figure := filepath.Join(t.TempDir(), "courses.svg")
	var out bytes.Buffer
	if err := run([]string{"-results", results, "-truth", truths, "-figure", figure}, &out); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(rows) != 4 || !strings.HasPrefix(rows[2], "| deadlift_round_midshin_f30 |") {
		t.Errorf("want a head, a rule, one clip and the median, got\n%s", out.String())
	}
	svg, err := os.ReadFile(figure)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(svg, []byte("deadlift_round_midshin_f30")) || !bytes.HasSuffix(bytes.TrimSpace(svg), []byte("</svg>")) {
		t.Error("the figure is not a whole SVG with the clip's name")
	}
}

func TestRunRefuses(t *testing.T) {
	results, _, _ := bundled(t)
	for name, args := range map[string][]string{
		"nothing given": nil,
		"no truth":      {"-results", results, "-truth", t.TempDir()},
		"unknown flag":  {"-loud"},
	} {
		if err := run(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// With landmarks that stay where they are, the edges do.
func TestWithLandmarksKeepsEdges(t *testing.T) {
	_, _, truth := bundled(t)
	rec := truth.Recording(noNoise)
	side := truth.DorsalSide()
	same := withLandmarks(rec, rec)
	shifted := *rec
	shifted.Frames = append([]recording.Frame(nil), rec.Frames...)
	for i := range shifted.Frames {
		shifted.Frames[i].Trunk.Hip.X += 5
		shifted.Frames[i].Trunk.Shoulder.Y -= 4
	}
	there := withLandmarks(rec, &shifted)
	for i := range rec.Frames {
		before, after := rec.Frames[i].Trunk.Edge(side), same.Frames[i].Trunk.Edge(side)
		for k := range before {
			// The ends and the borders of hidden stretches have no neighbour on one side.
			if k == 0 || k+1 == len(before) || math.IsNaN(before[k-1].Offset+before[k].Offset+before[k+1].Offset) {
				continue
			}
			if !(math.Abs(before[k].Offset-after[k].Offset) < 1e-6) {
				t.Fatalf("frame %d station %d: %.3f became %.3f", i, k, before[k].Offset, after[k].Offset)
			}
		}
		if d := distance(&there.Frames[i].Trunk, &rec.Frames[i].Trunk, side); d > 0.5 {
			t.Fatalf("frame %d: the edge moved by %.2f px", i, d)
		}
	}
}

// distance is the largest of the samples of a from the course of b, pixels.
func distance(a, b *recording.Trunk, side recording.Side) float64 {
	worst := 0.0
	for i, s := range a.Edge(side) {
		if math.IsNaN(s.Offset) {
			continue
		}
		p := a.At(side, i, s.Offset)
		nearest := math.Inf(1)
		e := b.Edge(side)
		for k := 1; k < len(e); k++ {
			if math.IsNaN(e[k-1].Offset + e[k].Offset) {
				continue
			}
			nearest = math.Min(nearest, fromStretch(p, b.At(side, k-1, e[k-1].Offset), b.At(side, k, e[k].Offset)))
		}
		worst = math.Max(worst, nearest)
	}
	return worst
}

func fromStretch(p, a, b recording.Point) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	t := math.Max(0, math.Min(1, ((p.X-a.X)*dx+(p.Y-a.Y)*dy)/(dx*dx+dy*dy)))
	return math.Hypot(p.X-a.X-t*dx, p.Y-a.Y-t*dy)
}
