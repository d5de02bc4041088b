package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Half of each quantisation step, as [Encode] documents.
const (
	tolPixel  = 1.0/32 + 1e-9
	tolZ      = 1.0/4 + 1e-9
	tolTurn   = 0.5 / perTurn
	tolUnit   = 1.0/510 + 1e-9
	tolMicro  = 0.5e-6 + 1e-12
	tolSDFrac = 0.023
)

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.IsNaN(want) || math.IsInf(want, 0) {
		if !math.IsNaN(got) {
			t.Errorf("%s = %v, want NaN", what, got)
		}
		return
	}
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %v, want %v ± %v", what, got, want, tol)
	}
}

// randomRecording is a lifter who drifts about, with frames and edges missing
// and NaN and infinity where they may occur.
func randomRecording(n int, seed uint64) *Recording {
	rng := rand.New(rand.NewPCG(seed, 1))
	odd := func(v float64) float64 {
		switch rng.IntN(40) {
		case 0:
			return math.NaN()
		case 1:
			return math.Inf(1)
		}
		return v
	}
	rec := &Recording{
		Clip:  Clip{File: "a b/ç.mp4", SHA256: "00ff", Width: 1080, Height: 1920, RotationDeg: 90, Mirrored: true, DurationS: 12.345678, Frames: n + 3, MeanFPS: math.NaN(), Slowdown: 8.0083},
		Model: Model{"v1", "balanced", "opencv", "aa", "bb", 25, true, 240},
	}
	time := -0.02
	for i := range n {
		time += 1e-5 + 0.05*rng.Float64()
		f := Frame{Index: 2*i + 1, Time: time, Tracking: Tracking(rng.IntN(3)), Presence: odd(rng.Float64())}
		for l := range f.Landmarks {
			f.Landmarks[l] = Keypoint{odd(2000*rng.Float64() - 500), odd(500 + rng.NormFloat64()), odd(100 * rng.NormFloat64()), odd(rng.Float64())}
		}
		f.Trunk = Trunk{Hip: Point{odd(300), odd(1e7)}, Shoulder: Point{310.03125, odd(rng.Float64())}, SeatY: odd(800)}
		f.Plate = NoDisc()
		if rng.IntN(3) > 0 {
			f.Plate = Disc{odd(400 * rng.Float64()), odd(600), odd(90 + rng.NormFloat64()), odd(90), odd(rng.Float64())}
		}
		f.View = View{odd(60 * rng.NormFloat64()), odd(-20), odd(0.1 * rng.NormFloat64()), odd(1 + 0.1*rng.NormFloat64()), odd(rng.Float64())}
		for side := range 2 {
			if rng.IntN(5) == 0 {
				continue
			}
			e := make(Edge, NumStations)
			for k := range e {
				e[k] = Sample{odd(60 * rng.NormFloat64()), odd(math.Exp2(14*rng.Float64() - 5)), Occluder(rng.IntN(4))}
			}
			if side == 0 {
				f.Trunk.Left = e
			} else {
				f.Trunk.Right = e
			}
		}
		rec.Frames = append(rec.Frames, f)
	}
	return rec
}

func roundTrip(t *testing.T, rec *Recording) *Recording {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, rec); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRoundTrip(t *testing.T) {
	want := randomRecording(60, 7)
	got := roundTrip(t, want)
	wantClip := want.Clip
	near(t, "mean fps", got.Clip.MeanFPS, wantClip.MeanFPS, 0)
	got.Clip.MeanFPS, wantClip.MeanFPS = 0, 0
	if d := cmp.Diff(wantClip, got.Clip); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want.Model, got.Model); d != "" {
		t.Error(d)
	}
	if len(got.Frames) != len(want.Frames) {
		t.Fatalf("%d frames, want %d", len(got.Frames), len(want.Frames))
	}
	for i := range want.Frames {
		w, g := &want.Frames[i], &got.Frames[i]
		if g.Index != w.Index || g.Tracking != w.Tracking {
			t.Errorf("frame %d: index %d tracking %d, want %d %d", i, g.Index, g.Tracking, w.Index, w.Tracking)
		}
		near(t, "time", g.Time, w.Time, tolMicro)
		near(t, "presence", g.Presence, w.Presence, tolUnit)
		for l := range w.Landmarks {
			a, b := g.Landmarks[l], w.Landmarks[l]
			near(t, "x", a.X, b.X, tolPixel)
			near(t, "y", a.Y, b.Y, tolPixel)
			near(t, "z", a.Z, b.Z, tolZ)
			near(t, "visibility", a.Visibility, b.Visibility, tolUnit)
		}
		near(t, "hip x", g.Trunk.Hip.X, w.Trunk.Hip.X, tolPixel)
		near(t, "hip y", g.Trunk.Hip.Y, w.Trunk.Hip.Y, tolPixel)
		near(t, "shoulder x", g.Trunk.Shoulder.X, w.Trunk.Shoulder.X, tolPixel)
		near(t, "shoulder y", g.Trunk.Shoulder.Y, w.Trunk.Shoulder.Y, tolPixel)
		near(t, "seat", g.Trunk.SeatY, w.Trunk.SeatY, tolPixel)
		near(t, "plate x", g.Plate.X, w.Plate.X, tolPixel)
		near(t, "plate y", g.Plate.Y, w.Plate.Y, tolPixel)
		near(t, "plate rx", g.Plate.RX, w.Plate.RX, tolPixel)
		near(t, "plate ry", g.Plate.RY, w.Plate.RY, tolPixel)
		near(t, "plate support", g.Plate.Support, w.Plate.Support, tolUnit)
		near(t, "view x", g.View.X, w.View.X, tolPixel)
		near(t, "view y", g.View.Y, w.View.Y, tolPixel)
		near(t, "view turn", g.View.Turn, w.View.Turn, tolTurn)
		near(t, "view zoom", g.View.Zoom, w.View.Zoom, tolTurn)
		near(t, "view sd", g.View.SD, w.View.SD, tolPixel)
		for _, side := range []Side{Left, Right} {
			ge, we := g.Trunk.Edge(side), w.Trunk.Edge(side)
			if (ge == nil) != (we == nil) {
				t.Fatalf("frame %d side %d: edge %v, want %v", i, side, ge != nil, we != nil)
			}
			for k := range we {
				near(t, "offset", ge[k].Offset, we[k].Offset, tolPixel)
				if math.IsInf(we[k].SD, 1) {
					if ge[k].SD < 100 {
						t.Errorf("an infinite SD came back as %v", ge[k].SD)
					}
				} else {
					near(t, "sd", ge[k].SD, we[k].SD, tolSDFrac*we[k].SD)
				}
				if ge[k].Occluder != we[k].Occluder {
					t.Errorf("occluder %d, want %d", ge[k].Occluder, we[k].Occluder)
				}
			}
		}
	}
}

// What was read once is read again unchanged: quantisation is idempotent.
func TestRoundTripSettles(t *testing.T) {
	once := roundTrip(t, randomRecording(20, 9))
	var a, b bytes.Buffer
	if err := Encode(&a, once); err != nil {
		t.Fatal(err)
	}
	if err := Encode(&b, roundTrip(t, once)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("a second round trip changed the file")
	}
}

func TestEmptyRecording(t *testing.T) {
	if got := roundTrip(t, &Recording{}); len(got.Frames) != 0 {
		t.Errorf("%d frames from none", len(got.Frames))
	}
}

func TestEncodeRefuses(t *testing.T) {
	tests := map[string]func(r *Recording){
		"time stands still":       func(r *Recording) { r.Frames[2].Time = r.Frames[1].Time },
		"less than a microsecond": func(r *Recording) { r.Frames[2].Time = r.Frames[1].Time + 1e-8 },
		"time missing":            func(r *Recording) { r.Frames[0].Time = math.NaN() },
		"edge of another length":  func(r *Recording) { r.Frames[1].Trunk.Left = make(Edge, 3) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			r := randomRecording(4, 3)
			spoil(r)
			if err := Encode(&bytes.Buffer{}, r); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, randomRecording(10, 5)); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	change := func(at int) []byte {
		c := bytes.Clone(good)
		c[at] ^= 0x40
		return c
	}
	later := bytes.Clone(good[:len(good)-4])
	later[len(magic)] = version + 1
	later = binary.LittleEndian.AppendUint32(later, crc32.Checksum(later, castagnoli))
	tests := map[string][]byte{
		"empty":            nil,
		"another file":     []byte("ftypisom, a video for certain"),
		"cut short":        good[:len(good)/2],
		"no checksum":      good[:len(good)-4],
		"damaged header":   change(40),
		"damaged columns":  change(len(good) - 100),
		"damaged checksum": change(len(good) - 1),
		"later version":    later,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(bytes.NewReader(data)); !errors.Is(err, ErrFormat) {
				t.Errorf("error %v, want ErrFormat", err)
			}
		})
	}
}

// A later version may add columns, and an older file may lack some.
func TestColumnsComeAndGo(t *testing.T) {
	rec := randomRecording(5, 11)
	all := columns
	defer func() { columns = all }()

	var newer, older bytes.Buffer
	columns = append(append([]column(nil), all[:3]...), whole("added_later", func(f *Frame) int64 { return 77 }, func(*Frame, int64) {}))
	columns = append(columns, all[3:]...)
	if err := Encode(&newer, rec); err != nil {
		t.Fatal(err)
	}
	columns = nil
	for _, c := range all {
		if c.name != "seat_y" && c.name != "plate" && c.name != "plate_support" { // as files were before
			columns = append(columns, c)
		}
	}
	if err := Encode(&older, rec); err != nil {
		t.Fatal(err)
	}
	columns = all
	got, err := Decode(&newer)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "x beside an unknown column", got.Frames[3].Landmarks[4].X, rec.Frames[3].Landmarks[4].X, tolPixel)
	got, err = Decode(&older)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "seat in a file without", got.Frames[3].Trunk.SeatY, math.NaN(), 0)
	if p := got.Frames[3].Plate; p.Known() || !math.IsNaN(p.X) {
		t.Errorf("plate %v in a file without", p)
	}
}

func TestWriteLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := Write(path, randomRecording(5, 2)); err != nil {
		t.Fatal(err)
	}
	bad := randomRecording(5, 2)
	bad.Frames[3].Time = -1
	if err := Write(path, bad); err == nil {
		t.Fatal("no error for times that go back")
	}
	if rec, err := Read(path); err != nil || len(rec.Frames) != 5 {
		t.Errorf("the file that was there is gone: %v", err)
	}
	if err := Write(filepath.Join(dir, "nowhere", FileName), bad); err == nil {
		t.Error("no error for a folder that is not there")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzDecode(f *testing.F) {
	for n := range 4 {
		var b bytes.Buffer
		if err := Encode(&b, randomRecording(n, uint64(n))); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 { // let the fuzzer past the checksum
			data = binary.LittleEndian.AppendUint32(bytes.Clone(data[:len(data)-4]), crc32.Checksum(data[:len(data)-4], castagnoli))
		}
		rec, err := Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := Encode(&bytes.Buffer{}, rec); err != nil {
			t.Errorf("what was decoded cannot be encoded: %v", err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	rec := randomRecording(300, 1)
	for b.Loop() {
		var w bytes.Buffer
		if err := Encode(&w, rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	var w bytes.Buffer
	if err := Encode(&w, randomRecording(300, 1)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(w.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}

func TestViewGoesThereAndBack(t *testing.T) {
	v, w := View{X: 12, Y: -7, Turn: 0.3, Zoom: 1.2}, View{X: -80, Y: 3, Turn: -0.1, Zoom: 0.9}
	p := Point{310, 640}
	q := v.Undo(v.Apply(p))
	near(t, "x there and back", q.X, p.X, 1e-9)
	near(t, "y there and back", q.Y, p.Y, 1e-9)
	// Both ways lead to the same place of the clip's first picture.
	first, by := v.Apply(p), w.Apply(v.From(w).Apply(p))
	near(t, "x by another view", by.X, first.X, 1e-9)
	near(t, "y by another view", by.Y, first.Y, 1e-9)
	if NoView().Known() || !v.Known() {
		t.Error("a view is known where it is not, or the other way round")
	}
}
