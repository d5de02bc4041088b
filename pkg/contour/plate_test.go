package contour

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// uprightFrame is a trunk of 200 px with edges 40 px to both sides.
func uprightFrame() *recording.Frame {
	f := &recording.Frame{Plate: recording.NoDisc()}
	f.Trunk.Hip, f.Trunk.Shoulder = recording.Point{X: 300, Y: 600}, recording.Point{X: 300, Y: 400}
	for _, e := range []*recording.Edge{&f.Trunk.Left, &f.Trunk.Right} {
		*e = make(recording.Edge, recording.NumStations)
		for i := range *e {
			(*e)[i] = recording.Sample{Offset: 40, SD: 1}
		}
	}
	f.Trunk.Right[30].Offset = math.NaN()
	return f
}

func TestMarkPlates(t *testing.T) {
	tests := []struct {
		name        string
		plate       recording.Disc
		left, right bool // something is marked there
	}{
		{"none", recording.NoDisc(), false, false},
		{"zero", recording.Disc{}, false, false},
		{"before the trunk", recording.Disc{X: 420, Y: 600, RX: 60, RY: 60}, false, false},
		{"over the right edge", recording.Disc{X: 390, Y: 600, RX: 70, RY: 70}, false, true},
		{"touching the right edge", recording.Disc{X: 404, Y: 600, RX: 60, RY: 60}, false, true},
		{"over both", recording.Disc{X: 300, Y: 620, RX: 100, RY: 100}, true, true},
		{"an ellipse too narrow for it", recording.Disc{X: 404, Y: 600, RX: 54, RY: 60}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := uprightFrame()
			f.Plate = tt.plate
			MarkPlates(f)
			for _, s := range []struct {
				side recording.Side
				want bool
			}{{recording.Left, tt.left}, {recording.Right, tt.right}} {
				marked := 0
				for i, e := range f.Trunk.Edge(s.side) {
					p := f.Trunk.At(s.side, i, e.Offset)
					far := math.Hypot(p.X-tt.plate.X, p.Y-tt.plate.Y) > tt.plate.RY+alongMargin*200
					switch {
					case e.Occluder == recording.Plate && (far || math.IsNaN(e.Offset)):
						t.Errorf("side %d: sample %d at %.0f is not on the plate", s.side, i, p)
					case e.Occluder == recording.Plate:
						marked++
					}
				}
				if (marked > 0) != s.want {
					t.Errorf("side %d: %d samples marked", s.side, marked)
				}
			}
		})
	}
}

// A rim that is known to a few pixels only still hides the back: the edge that
// runs along it is marked, one that crosses it beyond is not.
func TestMarkPlatesAlongRim(t *testing.T) {
	f := uprightFrame()
	f.Plate = recording.Disc{X: 300, Y: 560, RX: 90, RY: 90}
	seen := f.Plate // where the rim is in truth
	seen.X += 8
	edge := f.Trunk.Edge(recording.Right)
	for i := range edge {
		edge[i].Offset = math.NaN()
		dy := f.Trunk.At(recording.Right, i, 0).Y - seen.Y
		if d := seen.RX*seen.RX - dy*dy; d > 0 {
			edge[i].Offset = seen.X - 300 + math.Sqrt(d)
		}
	}
	MarkPlates(f)
	for i := 1; i+1 < len(edge); i++ {
		if !math.IsNaN(edge[i-1].Offset+edge[i+1].Offset) && edge[i].Occluder != recording.Plate {
			t.Errorf("sample %d at the rim is not marked", i)
		}
	}
	crossing := uprightFrame()
	crossing.Plate = recording.Disc{X: 437, Y: 560, RX: 90, RY: 90} // 7 px off the edge, which is straight
	for i := range crossing.Trunk.Right {
		crossing.Trunk.Right[i].Offset = 40 + 0.6*math.Abs(float64(i-30))
	}
	before := append(recording.Edge(nil), crossing.Trunk.Right...)
	MarkPlates(crossing)
	for i, e := range crossing.Trunk.Right {
		p := crossing.Trunk.At(recording.Right, i, e.Offset)
		if e.Occluder != before[i].Occluder && !crossing.Plate.Within(p, plateMargin*200) {
			t.Errorf("sample %d at %.0f crosses the rim's direction and is marked", i, p)
		}
	}
}

func TestMarkPlatesWithoutTrunk(t *testing.T) {
	nan := math.NaN()
	f := &recording.Frame{Plate: recording.Disc{X: 1, Y: 1, RX: 5, RY: 5}}
	f.Trunk.Hip, f.Trunk.Shoulder = recording.Point{X: nan, Y: nan}, recording.Point{X: nan, Y: nan}
	MarkPlates(f) // no edges: nothing to do
}
