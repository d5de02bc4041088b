package rom

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/spineflex/spineflex/pkg/lift"
)

// renderedClip is the truth of a rendered clip as if measured without error.
type renderedClip struct {
	name  string
	input Input
	truth []repTruth
	peak  []float64
}

func readCSV(t *testing.T, r io.Reader) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	if s == "" {
		return math.Inf(1)
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func renderedClips(t *testing.T) []renderedClip {
	t.Helper()
	f, err := os.Open("testdata/rendered.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	phases := map[string]lift.Phase{"top": lift.Top, "descent": lift.Down, "bottom": lift.Bottom, "ascent": lift.Up}
	var out []renderedClip
	for _, m := range readCSV(t, z) {
		if len(out) == 0 || out[len(out)-1].name != m["clip"] {
			out = append(out, renderedClip{name: m["clip"], input: Input{Exercise: lift.Exercise(m["exercise"])}})
		}
		c := &out[len(out)-1].input
		v := func(name string) float64 { return number(t, m[name]) }
		rep := int(v("rep"))
		c.Frames = append(c.Frames, Frame{
			Posture: lift.Posture{
				TimeS: v("time_s"), DepthPct: 100 * v("depth"), KneeFlexion: v("knee"), HipFlexion: v("hip"),
				ThighDeg: v("thigh"), HipHeightPct: v("hip_height"), TrunkDeg: v("trunk"), BarDropPct: math.NaN(),
			},
			Rep: rep, Phase: phases[m["phase"]],
			LumbarFlexion: v("flexion"), LumbarAngle: v("angle"), LumbarFlexionSD: 3, HeightCM: math.NaN(),
		})
		if rep == 0 {
			continue
		}
		if n := len(c.Reps); n == 0 || c.Reps[n-1].Index != rep {
			c.Reps = append(c.Reps, Rep{Index: rep, StartS: v("time_s")})
		}
		r := &c.Reps[len(c.Reps)-1]
		r.EndS = v("time_s")
		if fr := c.Frames[len(c.Frames)-1]; r.BottomS == 0 || fr.DepthPct >= 99 && fr.Phase == lift.Bottom {
			r.BottomS = v("time_s")
		}
	}
	g, err := os.Open("testdata/rendered_reps.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, m := range readCSV(t, g) {
		for i := range out {
			if out[i].name != m["clip"] {
				continue
			}
			v := func(name string) float64 { return number(t, m[name]) }
			out[i].truth = append(out[i].truth, repTruth{
				excess: v("excess"), onset: v("onset_down"), at10: v("at10_down"), onsetUp: v("onset_up"), at10Up: v("at10_up"), deepest: 1,
			})
			out[i].peak = append(out[i].peak, v("max_flexion"))
		}
	}
	return out
}

// measured adds errors of the given size to a clip's truth: noise alike over
// 0.12 s and an error that goes with depth.
func (c renderedClip) measured(rng *rand.Rand, noiseSD, depthError float64) Input {
	in := c.input
	in.Frames = append([]Frame(nil), in.Frames...)
	shared := smoothError(rng, depthError)
	e := noiseSD * rng.NormFloat64()
	for i := range in.Frames {
		f := &in.Frames[i]
		if i > 0 {
			rho := math.Exp(-(f.TimeS - in.Frames[i-1].TimeS) / 0.12)
			e = rho*e + math.Sqrt(1-rho*rho)*noiseSD*rng.NormFloat64()
		}
		bad := e + shared(f.DepthPct/100)
		f.LumbarFlexion += bad
		f.LumbarAngle += bad
		f.LumbarFlexionSD = math.Hypot(noiseSD, 3)
	}
	return in
}

func TestRenderedClips(t *testing.T) {
	for _, tc := range []struct {
		name              string
		noise, depthError float64
		runs              int
		minF1, maxDepth   float64 // share, share of the range
		maxPeak           float64 // degrees
	}{
		{"truth", 0, 0, 1, 1, 0.03, 1.5},
		{"noise 2", 2, 0, 3, 0.98, 0.03, 2},
		{"noise 3", 3, 0, 3, 0.95, 0.05, 3},
		{"noise 2.5 and 2 with depth", 2.5, 2, 3, 0.95, 0.05, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var y tally
			var peaks []float64
			rng := rand.New(rand.NewPCG(7, 7))
			for _, c := range renderedClips(t) {
				for range tc.runs {
					a, err := Assess(c.measured(rng, tc.noise, tc.depthError), Options{Resamples: 100})
					if err != nil {
						t.Fatal(err)
					}
					before := y
					y.add(a, c.truth)
					for i, r := range a.Reps {
						peaks = append(peaks, r.PeakFlexionDeg-c.peak[i])
					}
					if testing.Verbose() {
						s := fmt.Sprintf("%-32s %s depth %5.1f [%5.1f %5.1f]", c.name, a.SafeRange.Verdict, a.SafeRange.DepthPct, a.SafeRange.DepthPctCI90[0], a.SafeRange.DepthPctCI90[1])
						for i, r := range a.Reps {
							s += fmt.Sprintf(" | %4.1f:%4.1f", c.truth[i].excess, r.ExcessAtBottomDeg)
							if r.Breakdown != nil {
								s += fmt.Sprintf(" %s@%.0f", r.Breakdown.Cause, r.Breakdown.DepthPct)
							}
						}
						t.Logf("%s  +fp %d fn %d", s, y.fp-before.fp, y.fn-before.fn)
					}
				}
			}
			f1 := float64(2*y.tp) / float64(2*y.tp+y.fp+y.fn)
			t.Logf("F1 %.3f, verdict right %d of %d, depth error %.3f, peak error %.1f (bias %+.1f)", f1, y.right, y.sets, meanAbs(y.depth), meanAbs(peaks), mean(peaks))
			if f1 < tc.minF1 {
				t.Errorf("F1 %.3f; want at least %.2f", f1, tc.minF1)
			}
			if d := meanAbs(y.depth); d > tc.maxDepth {
				t.Errorf("depth error %.3f of the range; want at most %.2f", d, tc.maxDepth)
			}
			if p := meanAbs(peaks); p > tc.maxPeak {
				t.Errorf("peak error %.1f°; want at most %.1f°", p, tc.maxPeak)
			}
		})
	}
}
