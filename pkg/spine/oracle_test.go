package spine

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

// truthInput is what a faultless movement analysis would hand over.
func truthInput(tr *synth.Truth) Input {
	in := Input{Dorsal: tr.DorsalSide(), FacesRight: tr.DorsalSide() == recording.Left, YawDeg: math.Abs(tr.AzimuthDeg)}
	for i := range tr.Frames {
		f := &tr.Frames[i]
		in.Neutral = append(in.Neutral, f.DepthFrac < 0.03)
		in.ThighDeg = append(in.ThighDeg, (f.ThighVertical[0]+f.ThighVertical[1])/2)
	}
	return in
}

func trunkPx(rec *recording.Recording, neutral []bool) float64 {
	best := 0.0
	for i := range rec.Frames {
		t := &rec.Frames[i].Trunk
		if neutral[i] {
			_, l := t.Normal(recording.Left)
			best = math.Max(best, l)
		}
	}
	return best
}

func TestDevOracle(t *testing.T) {
	dir := os.Getenv("TRUTHS")
	files, _ := filepath.Glob(filepath.Join(dir, "*.truth.json"))
	for _, f := range files {
		tr, err := synth.Load(f)
		if err != nil {
			t.Log(err)
			continue
		}
		rec := tr.Recording(synth.Noise{})
		in := truthInput(tr)
		in.TrunkPx = trunkPx(rec, in.Neutral)
		res, err := Measure(rec, in)
		if err != nil {
			t.Log(f, err)
			continue
		}
		var mae, bias, amae, abias, n, cov float64
		for i, fr := range res.Frames {
			if math.IsNaN(fr.Flexion) {
				continue
			}
			e := fr.Flexion - tr.Frames[i].LumbarFlexion
			a := fr.Angle - tr.Frames[i].SurfaceAngle
			mae += math.Abs(e)
			bias += e
			amae += math.Abs(a)
			abias += a
			n++
			if math.Abs(e) < 1.645*fr.SD {
				cov++
			}
		}
		t.Logf("%-36s have %.2f MAE %.2f bias %+.2f angle MAE %.2f bias %+.2f in90 %.2f neutral %.1f", filepath.Base(f), n/float64(len(res.Frames)), mae/n, bias/n, amae/n, abias/n, cov/n, res.NeutralAngle)
	}
}
