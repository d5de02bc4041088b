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
					far := math.Hypot(p.X-tt.plate.X, p.Y-tt.plate.Y) > tt.plate.RY+0.025*200
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

func TestMarkPlatesWithoutTrunk(t *testing.T) {
	nan := math.NaN()
	f := &recording.Frame{Plate: recording.Disc{X: 1, Y: 1, RX: 5, RY: 5}}
	f.Trunk.Hip, f.Trunk.Shoulder = recording.Point{X: nan, Y: nan}, recording.Point{X: nan, Y: nan}
	MarkPlates(f) // no edges: nothing to do
}
