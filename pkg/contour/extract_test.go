package contour

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// sampled is a mask of 256×256 values over the whole picture, as the network
// gives it.
type sampled struct {
	p     [256 * 256]float32
	pixel float64
}

func sampleMask(s *scene) *sampled {
	m := &sampled{pixel: math.Max(float64(s.width), float64(s.height)) / 256}
	for j := range 256 {
		for i := range 256 {
			m.p[j*256+i] = float32(sceneMask{scene: s}.At((float64(i)+0.5)*m.pixel, (float64(j)+0.5)*m.pixel))
		}
	}
	return m
}

func (m *sampled) PixelSize() float64 { return m.pixel }

func (m *sampled) At(x, y float64) float64 {
	u, v := x/m.pixel-0.5, y/m.pixel-0.5
	if !(u >= 0 && v >= 0 && u < 255 && v < 255) {
		return 0
	}
	i, j := int(u), int(v)
	wu, wv := u-float64(i), v-float64(j)
	q := m.p[j*256+i:]
	return (1-wv)*((1-wu)*float64(q[0])+wu*float64(q[1])) + wv*((1-wu)*float64(q[256])+wu*float64(q[257]))
}

// hd is a lifter who fills a portrait picture of 720×1280.
func hd() scene {
	s := standing()
	s.width, s.height = 720, 1280
	s.hip, s.shoulder = recording.Point{X: 340.2, Y: 700.1}, recording.Point{X: 370.3, Y: 420.4}
	s.maskScale = 5 / sceneMaskPx
	return s
}

// Only the two edges that are given away are made anew for every frame.
func TestExtractReusesItsMemory(t *testing.T) {
	s := standing()
	e, img, mask, lm := NewExtractor(), s.picture(), sampleMask(&s), s.landmarks()
	for range 2 * revisit {
		e.Extract(img, mask, lm)
	}
	if n := testing.AllocsPerRun(20, func() { e.Extract(img, mask, lm) }); n > 2 {
		t.Errorf("%.0f allocations a frame, want 2", n)
	}
}

// What is traced is what would have been extracted, and nothing is learned from it.
func TestTraceLearnsNothing(t *testing.T) {
	s := standing()
	img, mask, lm := s.picture(), sampleMask(&s), s.landmarks()
	strange := s.empty(7)
	e, other := NewExtractor(), NewExtractor()
	for range 2 * revisit {
		e.Extract(img, mask, lm)
		other.Extract(img, mask, lm)
		other.Trace(strange, mask, lm, recording.Left, recording.Right)
	}
	want, got := e.Extract(img, mask, lm), other.Extract(img, mask, lm)
	for side, edges := range map[string][2]recording.Edge{"left": {got.Left, want.Left}, "right": {got.Right, want.Right}} {
		for i := range recording.NumStations {
			if g, w := edges[0][i], edges[1][i]; g != w && !math.IsNaN(g.Offset+w.Offset) {
				t.Fatalf("%s, station %d: %+v after strange pictures were traced, want %+v", side, i, g, w)
			}
		}
	}
	traced := e.Trace(img, mask, lm, recording.Left)
	if traced.Right != nil {
		t.Error("the right side is traced, and was not asked for")
	}
	if traced.SeatY != want.SeatY || traced.Hip != want.Hip {
		t.Errorf("traced %v, %v, want %v, %v", traced.SeatY, traced.Hip, want.SeatY, want.Hip)
	}
	for i, g := range traced.Left {
		if w := want.Left[i]; math.Abs(g.Offset-w.Offset) > 0.05 || g.Occluder != w.Occluder {
			t.Errorf("station %d: traced %+v, want %+v", i, g, w)
		}
	}
}

func BenchmarkExtract(b *testing.B) {
	s := hd()
	pictures := []Image{s.picture(), s.picture()}
	mask, lm := sampleMask(&s), s.landmarks()
	e := NewExtractor()
	for i := range 2 * surestCount {
		e.Extract(pictures[i%2], mask, lm)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e.Extract(pictures[i%2], mask, lm)
	}
}

// Landmarks come from a network and may be anything.
func FuzzExtract(f *testing.F) {
	s := standing()
	s.width, s.height = 96, 128
	s.hip, s.shoulder = recording.Point{X: 45, Y: 90}, recording.Point{X: 50, Y: 30}
	img, mask := s.picture(), sampleMask(&s)
	for _, seed := range [][]float64{
		{45, 90, 50, 30},
		{45, 90, 50, 30, 1e9, -1e9, 80, 64},
		{math.NaN(), 0, math.Inf(1), 5, 1e300, -1e300},
		{0, 0, 96, 128, 96, 0, 0, 128},
		{-50, 200, 150, -100, 20, 20, 1, 0.6, 0.5},
	} {
		var b []byte
		for _, v := range seed {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		f.Add(b)
	}
	e := NewExtractor()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 8 {
			return
		}
		value := func(i int) float64 {
			at := 8 * (i % (len(b) / 8))
			return math.Float64frombits(binary.LittleEndian.Uint64(b[at : at+8]))
		}
		var lm [recording.NumLandmarks]recording.Keypoint
		for i := range lm {
			lm[i] = recording.Keypoint{X: value(3 * i), Y: value(3*i + 1), Visibility: value(3*i + 2)}
		}
		lm[recording.LeftHip], lm[recording.RightHip] = lm[0], lm[0]
		lm[recording.LeftShoulder], lm[recording.RightShoulder] = lm[1], lm[1]
		trunk := e.Extract(img, mask, &lm)
		for _, edge := range []recording.Edge{trunk.Left, trunk.Right} {
			if edge != nil && len(edge) != recording.NumStations {
				t.Fatalf("%d samples", len(edge))
			}
			for i, s := range edge {
				if math.IsInf(s.Offset, 0) || math.IsNaN(s.Offset) != math.IsNaN(s.SD) || s.SD <= 0 {
					t.Fatalf("station %d: %+v", i, s)
				}
			}
		}
	})
}
