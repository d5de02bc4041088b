package export

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
)

// deadlift is the analysis of a rendered clip of 30 even frames a second.
var deadlift = sync.OnceValues(func() (*analysis.Analysis, error) {
	rec, err := recording.Read(filepath.Join("..", "..", "testdata", "recordings", "deadlift.sfr"))
	if err != nil {
		return nil, err
	}
	return analysis.Analyze(rec, analysis.Settings{StatureCM: 180})
})

// The clip's times are stored to the microsecond, and the fastest angle or
// landmark moves by less than this in one.
const microsecond = 1e-3

func measured(t *testing.T) *analysis.Analysis {
	t.Helper()
	a, err := deadlift()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func written(t *testing.T, a *analysis.Analysis, f Format) []byte {
	t.Helper()
	files, err := Files(a, f)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := files[0].Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// table is a text file's columns by name.
func table(t *testing.T, lines []string, names []string) map[string][]float64 {
	t.Helper()
	columns := map[string][]float64{}
	for _, line := range lines {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != len(names) {
			t.Fatalf("a line has %d fields, want %d: %q", len(fields), len(names), line)
		}
		for i, s := range fields {
			v := math.NaN()
			if s != "" {
				var err error
				if v, err = strconv.ParseFloat(s, 64); err != nil {
					t.Fatal(err)
				}
			}
			columns[names[i]] = append(columns[names[i]], v)
		}
	}
	return columns
}

// readTRC reads a TRC file as its description says.
func readTRC(t *testing.T, b []byte) (header map[string]string, columns map[string][]float64) {
	t.Helper()
	lines := slices.Collect(strings.Lines(string(b)))
	if !strings.HasPrefix(lines[0], "PathFileType\t4\t(X/Y/Z)\t") {
		t.Fatalf("first line is %q", lines[0])
	}
	header = map[string]string{}
	values := strings.Fields(lines[2])
	for i, key := range strings.Fields(lines[1]) {
		header[key] = values[i]
	}
	markers := strings.Fields(lines[3])[2:]
	if lines[5] != "\n" {
		t.Fatalf("sixth line is %q, want it empty", lines[5])
	}
	names := []string{"frame", "time"}
	for i, m := range markers {
		for _, axis := range []string{"X", "Y", "Z"} {
			if !strings.Contains(lines[4], "\t"+axis+strconv.Itoa(i+1)) {
				t.Fatalf("no column %s%d in %q", axis, i+1, lines[4])
			}
			names = append(names, m+axis)
		}
	}
	return header, table(t, lines[6:], names)
}

func TestTRC(t *testing.T) {
	a := measured(t)
	header, columns := readTRC(t, written(t, a, TRC))
	for key, want := range map[string]string{"DataRate": "30", "NumFrames": strconv.Itoa(len(a.Frames)), "NumMarkers": "21", "Units": "mm", "OrigDataStartFrame": "1"} {
		if header[key] != want {
			t.Errorf("%s is %q, want %q", key, header[key], want)
		}
	}
	// A body of 180 cm, standing at a lockout on its feet.
	top := 0
	for i := range a.Frames {
		if a.Frames[i].HipHeightPct > a.Frames[top].HipHeightPct {
			top = i
		}
	}
	if y := columns["left_shoulderY"][top]; y < 1300 || y > 1600 {
		t.Errorf("shoulder stands at %.0f mm", y)
	}
	if y := columns["right_heelY"][top]; y < -10 || y > 100 {
		t.Errorf("heel stands at %.0f mm", y)
	}
	if x := columns["right_foot_indexX"][top] - columns["right_heelX"][top]; x < 100 {
		t.Errorf("toes are %.0f mm before the heel, want forward to be positive", x)
	}
	for i, tm := range columns["time"] {
		if math.Abs(tm-float64(i)/30) > 1e-6 || columns["frame"][i] != float64(i+1) {
			t.Fatalf("row %d: frame %g at %g s", i, columns["frame"][i], tm)
		}
	}
}

func TestMOT(t *testing.T) {
	a := measured(t)
	head, body, ok := strings.Cut(string(written(t, a, MOT)), "endheader\n")
	if !ok {
		t.Fatal("no endheader")
	}
	lines := slices.Collect(strings.Lines(body))
	names := strings.Fields(lines[0])
	for _, want := range []string{"version=1\n", "inDegrees=yes\n", "nRows=" + strconv.Itoa(len(lines)-1) + "\n", "nColumns=" + strconv.Itoa(len(names)) + "\n"} {
		if !strings.Contains(head, want) {
			t.Errorf("header lacks %q:\n%s", want, head)
		}
	}
	columns := table(t, lines[1:], names)
	for i := range a.Frames {
		for name, want := range map[string]float64{"lumbar_flexion": a.Frames[i].LumbarFlexion, "hip_flexion": a.Frames[i].HipFlexion, "trunk_inclination": a.Frames[i].TrunkDeg} {
			if got := columns[name][i]; math.Abs(got-want) > microsecond || math.IsNaN(got) != math.IsNaN(want) {
				t.Fatalf("%s of frame %d is %g, want %g", name, i, got, want)
			}
		}
	}
}

// c3dFile is a C3D file as its format's description has it, read without the
// help of the code that writes one.
type c3dFile struct {
	head   struct{ points, first, last, dataBlock, rate float64 }
	params map[string][]byte // GROUP:NAME: type, dimensions, data
	points [][][4]float32    // frame, point, x y z residual
}

func readC3D(t *testing.T, b []byte) c3dFile {
	t.Helper()
	if len(b)%512 != 0 || b[1] != 0x50 {
		t.Fatalf("%d bytes starting %v", len(b), b[:4])
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	f32 := func(at int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b[at:])) }
	f := c3dFile{params: map[string][]byte{}}
	f.head.points, f.head.first, f.head.last = float64(u16(2)), float64(u16(6)), float64(u16(8))
	f.head.dataBlock, f.head.rate = float64(u16(16)), float64(f32(20))
	if scale := f32(12); scale >= 0 {
		t.Errorf("scale is %g, want it negative: floats", scale)
	}
	at := 512 * (int(b[0]) - 1)
	if b[at+1] != 0x50 || b[at+3] != 84 {
		t.Fatalf("parameter section starts %v", b[at:at+4])
	}
	end := at + 512*int(b[at+2])
	groups := map[int8]string{}
	type entry struct {
		group int8
		name  string
		body  []byte
	}
	var entries []entry
	for at += 4; at < end && b[at] != 0; {
		n := int(b[at])
		e := entry{int8(b[at+1]), string(b[at+2 : at+2+n]), nil}
		next := at + 2 + n
		e.body = b[next+2 : next+u16(next)]
		if e.group < 0 {
			groups[-e.group] = e.name
		} else {
			entries = append(entries, e)
		}
		at = next + u16(next)
	}
	for _, e := range entries {
		f.params[groups[e.group]+":"+e.name] = e.body
	}
	at = 512 * (int(f.head.dataBlock) - 1)
	for range int(f.head.last) {
		var frame [][4]float32
		for range int(f.head.points) {
			frame = append(frame, [4]float32{f32(at), f32(at + 4), f32(at + 8), f32(at + 12)})
			at += 16
		}
		f.points = append(f.points, frame)
	}
	if rest := len(b) - at; rest < 0 || rest >= 512 {
		t.Errorf("%d bytes are left after the data", rest)
	}
	return f
}

func (f *c3dFile) number(name string) float64 {
	switch p := f.params[name]; {
	case len(p) < 4:
		return math.NaN()
	case p[0] == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(p[2:])))
	default:
		return float64(binary.LittleEndian.Uint16(p[2:]))
	}
}

func (f *c3dFile) texts(name string) []string {
	p := f.params[name]
	if len(p) < 3 || p[0] != 0xff {
		return nil
	}
	length, n, data := int(p[2]), 1, p[3:]
	if p[1] == 2 {
		n, data = int(p[3]), p[4:]
	}
	var out []string
	for i := range n {
		out = append(out, strings.TrimRight(string(data[i*length:(i+1)*length]), " "))
	}
	return out
}

func TestC3DHoldsWhatTRCHolds(t *testing.T) {
	a := measured(t)
	f := readC3D(t, written(t, a, C3D))
	_, trc := readTRC(t, written(t, a, TRC))
	labels := f.texts("POINT:LABELS")
	for name, want := range map[string]float64{
		"POINT:USED": float64(len(labels)), "POINT:FRAMES": float64(len(a.Frames)), "POINT:RATE": 30,
		"POINT:SCALE": -1, "POINT:DATA_START": f.head.dataBlock, "ANALOG:USED": 0,
	} {
		if got := f.number(name); got != want {
			t.Errorf("%s is %g, want %g", name, got, want)
		}
	}
	if got := f.texts("POINT:UNITS"); !slices.Equal(got, []string{"mm"}) {
		t.Errorf("units are %q", got)
	}
	if f.head.points != float64(len(labels)) || f.head.first != 1 || f.head.rate != 30 {
		t.Errorf("header is %+v", f.head)
	}
	missing := 0
	for k, label := range labels {
		for i := range f.points {
			x, y := a.Frames[i].LumbarFlexion, 0.0
			if label != lumbarLabel {
				x, y = trc[label+"X"][i], trc[label+"Y"][i]
			}
			p := f.points[i][k]
			if math.IsNaN(x) {
				missing++
				if p != [4]float32{0, 0, 0, -1} {
					t.Fatalf("%s of frame %d is %v, want it missing", label, i, p)
				}
				continue
			}
			// Thousandths of a millimetre are what TRC keeps; a float has as many.
			if math.Abs(float64(p[0])-x) > 1e-3 || math.Abs(float64(p[1])-y) > 1e-3 || p[2] != 0 || p[3] != 0 {
				t.Fatalf("%s of frame %d is %v, in TRC %g %g", label, i, p, x, y)
			}
		}
	}
	if missing == 0 {
		t.Error("nothing is missing, so that was not tried")
	}
}

func TestParquet(t *testing.T) {
	a := measured(t)
	b := written(t, a, Parquet)
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if rate, _ := f.Lookup("spineflex.rate_hz"); rate != "30" {
		t.Errorf("rate is %q", rate)
	}
	if units, _ := f.Lookup("spineflex.units"); !strings.Contains(units, "flexion positive") {
		t.Errorf("units are %q", units)
	}
	type row struct {
		Frame   int32    `parquet:"frame"`
		Time    float64  `parquet:"time_s"`
		Rep     int32    `parquet:"rep"`
		Phase   string   `parquet:"phase"`
		Flexion *float64 `parquet:"lumbar_flexion_deg,optional"`
		HipX    *float64 `parquet:"left_hip_x,optional"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(a.Frames) || len(f.Schema().Columns()) != 14+3*recording.NumLandmarks {
		t.Fatalf("%d rows of %d columns", len(rows), len(f.Schema().Columns()))
	}
	for i, r := range rows {
		want := &a.Frames[i]
		if r.Frame != int32(i) || math.Abs(r.Time-want.Time) > 1e-6 || r.Rep != int32(want.Rep) || r.Phase != string(want.Phase) {
			t.Fatalf("row %d is %+v", i, r)
		}
		if (r.Flexion == nil) != math.IsNaN(want.LumbarFlexion) || r.Flexion != nil && math.Abs(*r.Flexion-want.LumbarFlexion) > microsecond {
			t.Fatalf("row %d: flexion %v, want %g", i, r.Flexion, want.LumbarFlexion)
		}
		if r.HipX == nil || math.Abs(*r.HipX-want.Landmarks[recording.LeftHip].X) > microsecond {
			t.Fatalf("row %d: hip %v", i, r.HipX)
		}
	}
}

func TestOpenPose(t *testing.T) {
	a := measured(t)
	files, err := Files(a, OpenPose)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(a.Frames) {
		t.Fatalf("%d files for %d frames", len(files), len(a.Frames))
	}
	if want := "openpose/deadlift_round_midshin_f30_000000000007_keypoints.json"; files[7].Name != want {
		t.Errorf("name is %s, want %s", files[7].Name, want)
	}
	var b bytes.Buffer
	if err := files[7].Write(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version float64
		People  []struct {
			Pose []float64 `json:"pose_keypoints_2d"`
		}
	}
	d := json.NewDecoder(&b)
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got.People) != 1 || len(got.People[0].Pose) != 75 {
		t.Fatalf("people are %v", got.People)
	}
	l, pose := a.Frames[7].Landmarks, got.People[0].Pose
	for k, want := range map[int]recording.Keypoint{
		0: l[recording.Nose], 9: l[recording.RightHip], 13: l[recording.LeftKnee], 24: l[recording.RightHeel],
		8: {X: (l[recording.LeftHip].X + l[recording.RightHip].X) / 2, Y: (l[recording.LeftHip].Y + l[recording.RightHip].Y) / 2},
	} {
		// Hundredths of a pixel are kept.
		if math.Abs(pose[3*k]-want.X) > 0.006 || math.Abs(pose[3*k+1]-want.Y) > 0.006 || !(pose[3*k+2] > 0 && pose[3*k+2] <= 1) {
			t.Errorf("keypoint %d is %v, want %v", k, pose[3*k:3*k+3], want)
		}
	}
	if toe := pose[3*20 : 3*21]; !slices.Equal(toe, []float64{0, 0, 0}) {
		t.Errorf("the small toe, which is not seen, is %v", toe)
	}
}

// course is a clip whose flexion is a known function of time.
func course(times []float64, flexion func(float64) float64) *analysis.Analysis {
	a := &analysis.Analysis{Clip: recording.Clip{File: "a/course.mp4"}, Facing: lift.FacingRight}
	for i, t := range times {
		f := analysis.Frame{Index: i, Time: t, LumbarFlexion: flexion(t)}
		for l := range f.Landmarks {
			f.Landmarks[l] = recording.Keypoint{X: 100 + 10*float64(l) + 30*t, Y: 50, Visibility: 0.9}
		}
		a.Frames = append(a.Frames, f)
	}
	return a
}

// However unevenly a clip is filmed, its export is the course that it shows, at
// even times.
func TestUnevenTimesBecomeEven(t *testing.T) {
	wave := func(s float64) float64 { return 20 + 15*math.Sin(2*math.Pi*0.5*s) }
	var times []float64
	for i := range 90 {
		times = append(times, 0.4+float64(i)/30+0.006*math.Sin(float64(7*i)))
	}
	g, err := newGrid(course(times, wave))
	if err != nil {
		t.Fatal(err)
	}
	flexion := g.series(func(f *analysis.Frame) float64 { return f.LumbarFlexion })
	for i, s := range g.times {
		if math.Abs(s-times[0]-float64(i)/g.rate) > 1e-9 {
			t.Fatalf("time %d is %g", i, s)
		}
		// Akima's curve through 60 points a period errs by far less than 0.05°.
		if math.Abs(flexion[i]-wave(s)) > 0.05 {
			t.Errorf("at %.3f s flexion is %.3f, want %.3f", s, flexion[i], wave(s))
		}
	}
}

func TestGapsStayGaps(t *testing.T) {
	var times []float64
	for i := range 90 {
		if i < 30 || i >= 45 { // half a second of the clip was not analysed
			times = append(times, float64(i)/30)
		}
	}
	a := course(times, func(s float64) float64 {
		if s > 2.3 && s < 2.6 { // and here the back was hidden
			return math.NaN()
		}
		return s
	})
	g, err := newGrid(a)
	if err != nil {
		t.Fatal(err)
	}
	flexion := g.series(func(f *analysis.Frame) float64 { return f.LumbarFlexion })
	for i, s := range g.times {
		hidden := s > 29.5/30 && s < 44.5/30 || s > 2.3 && s < 2.6
		if math.IsNaN(flexion[i]) != hidden {
			t.Errorf("at %.3f s flexion is %g, hidden: %t", s, flexion[i], hidden)
		}
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct{ fps, want float64 }{{30, 30}, {29.97, 30}, {23.976, 24}, {59.4, 59.4}, {14.985, 15}, {27.3, 27.3}} {
		var times []float64
		for i := range 20 {
			times = append(times, float64(i)/c.fps)
		}
		if got := Rate(course(times, math.Sin)); got != c.want {
			t.Errorf("rate of %g frames a second is %g, want %g", c.fps, got, c.want)
		}
	}
}

// A mirrored clip gives the same markers and angles.
func TestMirroredClipGivesTheSame(t *testing.T) {
	a := measured(t)
	m := *a
	m.Facing = lift.FacingLeft
	if a.Facing == lift.FacingLeft {
		m.Facing = lift.FacingRight
	}
	m.Frames = slices.Clone(a.Frames)
	for i := range m.Frames {
		f := &m.Frames[i]
		for l := range f.Landmarks {
			f.Landmarks[l].X = float64(a.Clip.Width) - f.Landmarks[l].X
		}
		f.Lumbar = slices.Clone(f.Lumbar)
		for k := range f.Lumbar {
			f.Lumbar[k].X = float64(a.Clip.Width) - f.Lumbar[k].X
		}
	}
	_, want := readTRC(t, written(t, a, TRC))
	_, got := readTRC(t, written(t, &m, TRC))
	for name, column := range want {
		for i := range column {
			if d := math.Abs(got[name][i] - column[i]); d > 0.002 { // rounded twice
				t.Fatalf("%s of row %d is %g, mirrored %g", name, i, column[i], got[name][i])
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	unscaled := *measured(t)
	unscaled.Settings.StatureCM = 0
	for name, c := range map[string]struct {
		a      *analysis.Analysis
		format Format
		want   error
	}{
		"trc without stature": {&unscaled, TRC, ErrNoScale},
		"c3d without stature": {&unscaled, C3D, ErrNoScale},
		"no frames":           {&analysis.Analysis{}, MOT, ErrNoFrames},
		"one frame":           {course([]float64{1}, math.Sin), MOT, ErrNoFrames},
		"no such format":      {measured(t), "bvh", nil},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := Files(c.a, c.format)
			if err == nil || len(files) > 0 || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%d files, error %v, want %v", len(files), err, c.want)
			}
		})
	}
}

type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		return 0, io.ErrShortWrite
	}
	f.room -= len(b)
	return len(b), nil
}

func TestFailedWritesAreTold(t *testing.T) {
	files, err := Files(measured(t), Formats()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files[:5] {
		if err := f.Write(bufio.NewWriterSize(&full{room: 64}, 16)); err == nil {
			t.Errorf("%s was written into 64 bytes", f.Name)
		}
	}
}
