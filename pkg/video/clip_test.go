package video

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// ffmpeg makes a test clip; args end with the output's path.
func ffmpeg(t testing.TB, args ...string) {
	t.Helper()
	args = append([]string{"-nostdin", "-v", "error", "-y"}, args...)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, out)
	}
}

// ffprobeTimes returns what ffprobe says of the video's decoded frames.
func ffprobeTimes(t testing.TB, path string) []float64 {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0",
		"-show_entries", "frame=best_effort_timestamp_time", "-of", "json", path).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	var answer struct {
		Frames []struct {
			Time string `json:"best_effort_timestamp_time"`
		} `json:"frames"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	var times []float64
	for _, f := range answer.Frames {
		v, err := strconv.ParseFloat(f.Time, 64)
		if err != nil {
			t.Fatalf("ffprobe %s: time %q", path, f.Time)
		}
		times = append(times, v)
	}
	return times
}

// smallClip makes dir/name with testsrc2 pictures of 160 × 96 at rate for a
// number of frames, H.264 with B-frames unless args say otherwise.
func smallClip(t testing.TB, dir, name string, rate string, frames int, args ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	all := []string{"-f", "lavfi", "-i", "testsrc2=s=160x96:r=" + rate, "-frames:v", strconv.Itoa(frames)}
	if len(args) == 0 {
		args = h264
	}
	all = append(all, args...)
	ffmpeg(t, append(all, "file:"+path)...)
	return path
}

var h264 = []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-bf", "3", "-g", "24", "-pix_fmt", "yuv420p"}

// variable are uneven picture times, seconds: a phone that slows down in the dark
// and drops a few.
func variable(n int) []float64 {
	times := make([]float64, n)
	t := 0.0
	for i := range times {
		times[i] = t
		t += 1.0/30 + 0.011*math.Sin(float64(i))
		if i%17 == 9 {
			t += 0.1
		}
	}
	return times
}

// numberedSize is the size of numbered's pictures.
const numberedSize = 128

// numbered draws a picture that carries its own number as 12 grey blocks, so
// that a test can tell which picture it was after coding.
func numbered(n int) []byte {
	pix := make([]byte, numberedSize*numberedSize*3)
	for y := range numberedSize {
		for x := range numberedSize {
			v := byte(40)
			if block := y/32*4 + x/32; block < 12 && n>>block&1 == 1 {
				v = 210
			}
			i := 3 * (y*numberedSize + x)
			pix[i], pix[i+1], pix[i+2] = v, v, v
		}
	}
	return pix
}

func readNumber(f *Frame) int {
	n := 0
	for block := range 12 {
		x, y := block%4*32+16, block/4*32+16
		if f.Pix[3*(y*f.Width+x)] > 125 {
			n |= 1 << block
		}
	}
	return n
}

// writeNumbered writes numbered pictures at the given times through a Sink.
func writeNumbered(t testing.TB, path string, times []float64, opts SinkOptions) {
	t.Helper()
	opts.Width, opts.Height, opts.Preset = numberedSize, numberedSize, "ultrafast"
	sink, err := NewSink(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Abort()
	for i, at := range times {
		if err := sink.Write(numbered(i), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// readAll decodes a clip and keeps every picture.
func readAll(t testing.TB, path string, opts Options) ([]Frame, Counts) {
	t.Helper()
	src, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var frames []Frame
	for {
		var f Frame
		err := src.Next(&f)
		if errors.Is(err, io.EOF) {
			return frames, src.Counts()
		}
		if err != nil {
			t.Fatalf("picture %d: %v", len(frames), err)
		}
		frames = append(frames, f)
	}
}

func times(frames []Frame) []float64 {
	out := make([]float64, len(frames))
	for i, f := range frames {
		out[i] = f.Time
	}
	return out
}

// sameTimes compares to within tol seconds.
func sameTimes(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d times, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tol) {
			t.Errorf("%s: time %d is %.6f, want %.6f", what, i, got[i], want[i])
			return
		}
	}
}

// patchTkhd overwrites the display matrix of an MP4's first track.
func patchTkhd(t testing.TB, from, to string, matrix [9]int32) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("tkhd"))
	if at < 0 || data[at+4] != 0 {
		t.Fatal("no version 0 tkhd box")
	}
	for i, v := range matrix {
		binary.BigEndian.PutUint32(data[at+44+4*i:], uint32(v))
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// meanDifference of two pictures, grey levels.
func meanDifference(a, b []byte) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	sum := 0.0
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return sum / float64(len(a))
}

// rawFrame lets ffmpeg itself decode a clip's first picture to upright BGR.
func rawFrame(t testing.TB, path string, args ...string) []byte {
	t.Helper()
	all := append([]string{"-nostdin", "-v", "error", "-i", path, "-frames:v", "1"}, args...)
	out, err := exec.Command("ffmpeg", append(all, "-pix_fmt", "bgr24", "-f", "rawvideo", "-")...).Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v", path, err)
	}
	return out
}

// leftovers lists what lies in dir besides the named files.
func leftovers(t testing.TB, dir string, but ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.Contains(strings.Join(but, "\x00"), e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

func cancelled(t testing.TB) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
