package synth

import (
	"bytes"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	rec "github.com/spineflex/spineflex/pkg/recording"
)

func truths(t *testing.T) map[string]*Truth {
	t.Helper()
	files, err := filepath.Glob("testdata/*.truth.json.gz")
	if err != nil || len(files) < 5 {
		t.Fatalf("truth files missing: %v %v", files, err)
	}
	out := map[string]*Truth{}
	for _, f := range files {
		tr, err := Load(f)
		if err != nil {
			t.Fatal(err)
		}
		out[tr.Name] = tr
	}
	return out
}

// The edge passes through the skin points that it was made from.
func TestDorsalEdgeLiesOnTheSkin(t *testing.T) {
	for name, tr := range truths(t) {
		t.Run(name, func(t *testing.T) {
			r := tr.Recording(Noise{})
			var worst float64
			checked := 0
			for i := range tr.Frames {
				trunk := &r.Frames[i].Trunk
				side := tr.DorsalSide()
				if trunk.Edge(side) == nil {
					t.Fatalf("frame %d has no dorsal edge", i)
				}
				for _, level := range []string{"skin_L4", "skin_L2", "skin_T12"} {
					p := tr.Frames[i].Points[level]
					best := math.Inf(1)
					for k, s := range trunk.Edge(side) {
						if !math.IsNaN(s.Offset) {
							q := trunk.At(side, k, s.Offset)
							best = min(best, math.Hypot(q.X-p[0], q.Y-p[1]))
						}
					}
					worst = max(worst, best)
					checked++
				}
			}
			// Stations are about 4 px apart, so the nearest is within 2 px along the back.
			if worst > 4 || checked == 0 {
				t.Errorf("a skin point is %.1f px from the edge", worst)
			}
		})
	}
}

// The back is outside of the axis, behind the lifter.
func TestDorsalSideIsTheBack(t *testing.T) {
	for name, tr := range truths(t) {
		r := tr.Recording(Noise{})
		f := &r.Frames[0]
		e := f.Trunk.Edge(tr.DorsalSide())
		n := 0
		for _, s := range e {
			if s.Offset > 0 {
				n++
			}
		}
		if n < rec.NumStations/3 {
			t.Errorf("%s: only %d stations have a back outside of the axis", name, n)
		}
		if other := f.Trunk.Edge(1 - tr.DorsalSide()); other != nil {
			t.Errorf("%s: an invented ventral edge", name)
		}
	}
}

func TestHiddenBackIsMarked(t *testing.T) {
	tr := truths(t)["squat_wink_d60_f25"]
	r := tr.Recording(Noise{})
	var covered, free int
	for i := range r.Frames {
		for _, s := range r.Frames[i].Trunk.Edge(tr.DorsalSide()) {
			if math.IsNaN(s.Offset) {
				continue
			}
			if s.Occluder == rec.Clear {
				free++
			} else {
				covered++
			}
		}
	}
	if covered < free/4 || free < covered/4 {
		t.Errorf("%d samples covered, %d free; a squat's plate covers the upper back only", covered, free)
	}
}

// Size of a stored clip as measured with the noise that a real outline has:
// 20 KB a second of 30 fps is the design's limit.
func TestSizeOfARecording(t *testing.T) {
	tr := truths(t)["deadlift_neutral"]
	r, clean := tr.Recording(Noise{LandmarkPx: 1.5, EdgePx: 1}), tr.Recording(Noise{})
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range r.Frames { // the truth knows one edge, perception records two
		e := append(rec.Edge(nil), clean.Frames[i].Trunk.Edge(tr.DorsalSide())...)
		roughen(e, Noise{EdgePx: 1}, rng)
		if r.Frames[i].Trunk.Left == nil {
			r.Frames[i].Trunk.Left = e
		} else {
			r.Frames[i].Trunk.Right = e
		}
	}
	var b bytes.Buffer
	if err := rec.Encode(&b, r); err != nil {
		t.Fatal(err)
	}
	perSecond := float64(b.Len()) / float64(len(r.Frames)) * 30
	t.Logf("%.1f KB per second of clip", perSecond/1000)
	if perSecond > 20000 {
		t.Errorf("%.1f KB per second of clip", perSecond/1000)
	}
}

func TestNoiseIsAsStated(t *testing.T) {
	tr := truths(t)["deadlift_neutral"]
	clean, noisy := tr.Recording(Noise{}), tr.Recording(Noise{LandmarkPx: 3, EdgePx: 2, Seed: 4})
	var sum, n, esum, en float64
	for i := range clean.Frames {
		for l, k := range clean.Frames[i].Landmarks {
			if k.Visibility > 0.5 {
				d := noisy.Frames[i].Landmarks[l].X - k.X
				sum, n = sum+d*d, n+1
			}
		}
		a, b := clean.Frames[i].Trunk.Edge(tr.DorsalSide()), noisy.Frames[i].Trunk.Edge(tr.DorsalSide())
		for k := range a {
			if !math.IsNaN(a[k].Offset) {
				d := b[k].Offset - a[k].Offset
				esum, en = esum+d*d, en+1
			}
		}
	}
	if sd := math.Sqrt(sum / n); math.Abs(sd-3) > 0.2 {
		t.Errorf("landmark noise %.2f px, want 3", sd)
	}
	if sd := math.Sqrt(esum / en); math.Abs(sd-2) > 0.2 {
		t.Errorf("edge noise %.2f px, want 2", sd)
	}
}

func TestLoadRefuses(t *testing.T) {
	if _, err := Load("testdata/none.json"); err == nil {
		t.Error("no error for a file that is not there")
	}
	if _, err := Load("testdata/README.md"); err == nil {
		t.Error("no error for a file that is not JSON")
	}
}
