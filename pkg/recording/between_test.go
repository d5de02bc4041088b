package recording

import (
	"math"
	"testing"
)

func TestBetween(t *testing.T) {
	nan := math.NaN()
	frame := func(time, at float64) Frame {
		f := Frame{Index: int(30 * time), Time: time, Tracking: Tracked, Presence: at, View: View{X: at, Y: at, Turn: at, Zoom: at, SD: at}}
		for i := range f.Landmarks {
			f.Landmarks[i] = Keypoint{X: at, Y: 2 * at, Z: 3 * at, Visibility: at / 10}
		}
		f.Trunk = Trunk{Hip: Point{X: at, Y: at}, Shoulder: Point{X: 2 * at, Y: 2 * at}, SeatY: at, Left: make(Edge, NumStations), Right: make(Edge, NumStations)}
		for i := range NumStations {
			f.Trunk.Left[i], f.Trunk.Right[i] = Sample{Offset: at, SD: at}, Sample{Offset: -at, SD: at}
		}
		f.Plate = Disc{X: at, Y: at, RX: at, RY: at, Support: at}
		return f
	}
	for _, tc := range []struct {
		name   string
		time   float64
		change func(a, b *Frame)
		read   func(f *Frame) float64
		want   float64
	}{
		{"landmarks", 0.25, nil, func(f *Frame) float64 { return f.Landmarks[LeftKnee].Y }, 5},
		{"axis", 0.5, nil, func(f *Frame) float64 { return f.Trunk.Shoulder.X }, 6},
		{"outline", 0.75, nil, func(f *Frame) float64 { return f.Trunk.Right[7].Offset }, -3.5},
		{"plate", 0.25, nil, func(f *Frame) float64 { return f.Plate.RX }, 2.5},
		{"view", 0.75, nil, func(f *Frame) float64 { return f.View.Turn }, 3.5},
		{"seat in the nearer only", 0.25, func(_, b *Frame) { b.Trunk.SeatY = nan }, func(f *Frame) float64 { return f.Trunk.SeatY }, 2},
		{"seat in the other only", 0.25, func(a, _ *Frame) { a.Trunk.SeatY = nan }, func(f *Frame) float64 { return f.Trunk.SeatY }, nan},
		{"an arm in the nearer", 0.75, func(_, b *Frame) { b.Trunk.Left[3].Occluder = Arm }, func(f *Frame) float64 { return float64(f.Trunk.Left[3].Occluder) }, float64(Arm)},
		{"an arm in the other", 0.25, func(_, b *Frame) { b.Trunk.Left[3].Occluder = Arm }, func(f *Frame) float64 { return f.Trunk.Left[3].Offset }, 2},
		{"no outline in the other", 0.25, func(_, b *Frame) { b.Trunk.Left = nil }, func(f *Frame) float64 { return f.Trunk.Left[3].Offset }, 2},
		{"no plate in the other", 0.75, func(a, _ *Frame) { a.Plate = NoDisc() }, func(f *Frame) float64 { return f.Plate.X }, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := frame(0, 2), frame(1, 4)
			if tc.change != nil {
				tc.change(&a, &b)
			}
			outline := a.Trunk.Left[3]
			f := Between(&a, &b, 11, tc.time)
			if f.Index != 11 || f.Time != tc.time || f.Tracking != Tracked {
				t.Errorf("frame %d at %g s is %v", f.Index, f.Time, f.Tracking)
			}
			if got := tc.read(&f); got != tc.want && !(math.IsNaN(got) && math.IsNaN(tc.want)) {
				t.Errorf("%g, want %g", got, tc.want)
			}
			if a.Trunk.Left[3] != outline {
				t.Error("the frame before was changed")
			}
		})
	}
}
