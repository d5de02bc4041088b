package video

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// one is 1.0 in the display matrix's 16.16 numbers.
const one = 1 << 16

// orientations are all ways a picture may be laid down, as tkhd matrices
// a b u c d v x y w, with the clockwise turn and mirroring that stand it up again.
var orientations = []struct {
	name     string
	matrix   [9]int32
	rotation int
	mirrored bool
}{
	{"upright", [9]int32{one, 0, 0, 0, one, 0, 0, 0, 1 << 30}, 0, false},
	{"rotate 90", [9]int32{0, one, 0, -one, 0, 0, 0, 0, 1 << 30}, 90, false},
	{"rotate 180", [9]int32{-one, 0, 0, 0, -one, 0, 0, 0, 1 << 30}, 180, false},
	{"rotate 270", [9]int32{0, -one, 0, one, 0, 0, 0, 0, 1 << 30}, 270, false},
	{"mirrored", [9]int32{-one, 0, 0, 0, one, 0, 0, 0, 1 << 30}, 0, true},
	{"mirrored 90", [9]int32{0, one, 0, one, 0, 0, 0, 0, 1 << 30}, 90, true},
	{"mirrored 180", [9]int32{one, 0, 0, 0, -one, 0, 0, 0, 1 << 30}, 180, true},
	{"mirrored 270", [9]int32{0, -one, 0, -one, 0, 0, 0, 0, 1 << 30}, 270, true},
}

// laidDown applies the standard's definition, x' = a·x + c·y, y' = b·x + d·y, pixel by pixel.
func laidDown(pix []byte, w, h int, m [9]int32) []byte {
	a, b, c, d := int(m[0]/one), int(m[1]/one), int(m[3]/one), int(m[4]/one)
	outW := w
	if a == 0 {
		outW = h
	}
	minX, minY := min(0, a*(w-1))+min(0, c*(h-1)), min(0, b*(w-1))+min(0, d*(h-1))
	out := make([]byte, len(pix))
	for y := range h {
		for x := range w {
			X, Y := a*x+c*y-minX, b*x+d*y-minY
			copy(out[3*(Y*outW+X):][:3], pix[3*(y*w+x):])
		}
	}
	return out
}

func TestOrientation(t *testing.T) {
	dir := t.TempDir()
	base := smallClip(t, dir, "base.mp4", "30", 3)
	plain, _ := readAll(t, base, Options{})
	// Colour has half the resolution, and which way it is spread to whole pixels
	// depends on the way the picture lies: up to 1 level on average here.
	// A wrong turn differs by 40.
	const tolerance = 2.5
	for _, o := range orientations {
		t.Run(o.name, func(t *testing.T) {
			path := filepath.Join(dir, strings.ReplaceAll(o.name, " ", "_")+".mp4")
			patchTkhd(t, base, path, o.matrix)
			info, err := Probe(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if info.RotationDeg != o.rotation || info.Mirrored != o.mirrored {
				t.Errorf("rotation %d mirrored %v, want %d %v", info.RotationDeg, info.Mirrored, o.rotation, o.mirrored)
			}
			frames, _ := readAll(t, path, Options{})
			if len(frames) != len(plain) {
				t.Fatalf("%d pictures, want %d", len(frames), len(plain))
			}
			wantW, wantH := 160, 96
			if o.rotation%180 != 0 {
				wantW, wantH = 96, 160
			}
			if f := frames[0]; f.Width != wantW || f.Height != wantH || info.Width != wantW || info.Height != wantH {
				t.Fatalf("picture is %d×%d, info %d×%d, want %d×%d", f.Width, f.Height, info.Width, info.Height, wantW, wantH)
			}
			if d := meanDifference(frames[0].Pix, laidDown(plain[0].Pix, 160, 96, o.matrix)); d > tolerance {
				t.Errorf("picture differs by %.1f grey levels from the matrix's definition", d)
			}
			if !o.mirrored {
				if d := meanDifference(frames[0].Pix, rawFrame(t, path)); d > tolerance {
					t.Errorf("picture differs by %.1f grey levels from ffmpeg's own upright picture", d)
				}
			}
		})
	}
}

func TestTimes(t *testing.T) {
	dir := t.TempDir()
	vfr := filepath.Join(dir, "vfr.mp4")
	writeNumbered(t, vfr, variable(80), SinkOptions{})
	cut := filepath.Join(dir, "cut.mp4") // starts between keyframes: an edit list hides what is before
	ffmpeg(t, "-ss", "0.5", "-i", smallClip(t, dir, "long.mp4", "30", 60), "-c", "copy", cut)
	late := filepath.Join(dir, "late.mp4") // sound first, pictures a quarter of a second later
	ffmpeg(t, "-f", "lavfi", "-i", "sine=d=2", "-itsoffset", "0.25", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=30:d=1",
		"-map", "1:v", "-map", "0:a", "-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p", late)
	lead := filepath.Join(dir, "lead.webm") // Opus starts a little before zero
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x96:r=30:d=1", "-f", "lavfi", "-i", "sine=d=1",
		"-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus", lead)

	for _, tc := range []struct {
		name, path string
		start      float64 // that must come off
	}{
		{"30 with B-frames", smallClip(t, dir, "cfr.mp4", "30", 45), 0},
		{"29.97", smallClip(t, dir, "ntsc.mp4", "30000/1001", 45), 0},
		{"23.976", smallClip(t, dir, "film.mov", "24000/1001", 45), 0},
		{"240", smallClip(t, dir, "slow.mp4", "240", 120), 0},
		{"variable", vfr, 0},
		{"edit list", cut, 0},
		{"pictures start late", late, 0},
		{"sound starts early", lead, 0},
		{"matroska", smallClip(t, dir, "clip.mkv", "30", 45), 0},
		{"transport stream", smallClip(t, dir, "clip.ts", "30", 45), 1.466667},
		{"avi", smallClip(t, dir, "clip.avi", "30", 45, "-c:v", "mjpeg"), 0},
		{"gif", smallClip(t, dir, "clip.gif", "25", 20, "-pix_fmt", "rgb8"), 0},
		{"one picture", smallClip(t, dir, "one.mp4", "30", 1), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			info, err := Probe(t.Context(), tc.path)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(info.StartS-tc.start) > 0.1 {
				t.Errorf("StartS = %g, want about %g", info.StartS, tc.start)
			}
			want := ffprobeTimes(t, tc.path)
			for i := range want {
				want[i] -= info.StartS
			}
			frames, counts := readAll(t, tc.path, Options{Info: &info})
			sameTimes(t, "Source", times(frames), want, 2e-6)
			for i, f := range frames {
				if f.Index != i {
					t.Fatalf("picture %d has index %d", i, f.Index)
				}
			}
			if want := (Counts{Decoded: len(frames), Given: len(frames)}); counts != want {
				t.Errorf("counts %+v, want %+v", counts, want)
			}
			quick, err := FrameTimes(t.Context(), tc.path, info)
			if err != nil {
				t.Fatal(err)
			}
			sameTimes(t, "FrameTimes", quick, want, 2e-6)
		})
	}
}

// TestPictureAndTimeBelongTogether reads pictures that carry their number: each must come
// with its own time and index, whatever is left out before it.
func TestPictureAndTimeBelongTogether(t *testing.T) {
	dir := t.TempDir()
	at := variable(200)
	path := filepath.Join(dir, "vfr.mp4")
	writeNumbered(t, path, at, SinkOptions{})
	for _, hz := range []float64{0, 5, 11, 20, 30, 100} {
		t.Run(fmt.Sprintf("at %g Hz", hz), func(t *testing.T) {
			frames, _ := readAll(t, path, Options{SampleHz: hz})
			if len(frames) < min(200, int(hz*at[199])/2) {
				t.Errorf("only %d pictures", len(frames))
			}
			for _, f := range frames {
				n := readNumber(&f)
				if f.Index != n {
					t.Errorf("picture %d has index %d", n, f.Index)
				}
				if math.Abs(f.Time-at[n]) > 1e-5 {
					t.Errorf("picture %d has time %.6f, want %.6f", n, f.Time, at[n])
				}
			}
		})
	}
}

func TestSampling(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		rate   string
		hz     float64
		frames int
		step   float64 // mean distance of indices wanted
		even   bool    // every distance is the same
	}{
		{"240", 30, 480, 8, true},
		{"120", 30, 240, 4, true},
		{"60", 30, 120, 2, true},
		{"60000/1001", 30, 120, 2, true},
		{"50", 30, 100, 5.0 / 3, false},
		{"30", 30, 60, 1, true},
		{"30000/1001", 30, 60, 1, true},
		{"25", 30, 50, 1, true},
		{"30", 10, 60, 3, true},
	} {
		t.Run(fmt.Sprintf("%s at %g Hz", tc.rate, tc.hz), func(t *testing.T) {
			path := smallClip(t, dir, strings.ReplaceAll(tc.rate, "/", "-")+".mp4", tc.rate, tc.frames, "-c:v", "libx264", "-preset", "ultrafast")
			frames, counts := readAll(t, path, Options{SampleHz: tc.hz})
			if counts.Decoded != tc.frames || counts.Repeated != 0 {
				t.Errorf("counts %+v", counts)
			}
			n := float64(tc.frames) / tc.step
			if math.Abs(float64(len(frames))-n) > 1 {
				t.Fatalf("%d pictures, want %.0f", len(frames), n)
			}
			for i := 1; i < len(frames); i++ {
				d := float64(frames[i].Index - frames[i-1].Index)
				if tc.even && d != tc.step || math.Abs(d-tc.step) >= 1 {
					t.Fatalf("pictures %d and %d follow each other", frames[i-1].Index, frames[i].Index)
				}
			}
		})
	}
}

// TestRepeatedTimes: a picture whose time repeats or goes back is left out.
func TestRepeatedTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "repeated.mkv")
	clip := matroskaHeader(numberedSize, numberedSize, BGR, 30)
	for n := range 40 {
		at := uint64(n) * 33_333
		if n%4 == 3 {
			at -= 33_333 // the time of the one before, and for a few an earlier one
			if n > 20 {
				at -= 50_000
			}
		}
		pix := numbered(n)
		clip = append(matroskaPicture(clip, at, len(pix)), pix...)
	}
	if err := os.WriteFile(path, clip, 0o644); err != nil {
		t.Fatal(err)
	}
	frames, counts := readAll(t, path, Options{})
	if want := (Counts{Decoded: 40, Given: 30, Repeated: 10}); counts != want {
		t.Errorf("counts %+v, want %+v", counts, want)
	}
	for i, f := range frames {
		if want := i/3*4 + i%3; f.Index != want {
			t.Errorf("picture %d has index %d, want %d", i, f.Index, want)
		}
		if n := readNumber(&frames[i]); n != f.Index {
			t.Errorf("index %d belongs to picture %d", f.Index, n)
		}
		if i > 0 && f.Time <= frames[i-1].Time {
			t.Errorf("time %g after %g", f.Time, frames[i-1].Time)
		}
	}
}

func TestCodecs(t *testing.T) {
	dir := t.TempDir()
	truth, _ := readAll(t, smallClip(t, dir, "truth.mkv", "25", 10, "-c:v", "ffv1", "-pix_fmt", "bgr0"), Options{})
	for _, tc := range []struct {
		name, file, codec string
		args              []string
		tolerance         float64 // mean grey levels, coding loss
	}{
		{"h264", "a.mp4", "h264", h264, 3},
		{"hevc", "b.mp4", "hevc", []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0", "-crf", "12", "-pix_fmt", "yuv420p"}, 3},
		{"hevc 10 bit", "c.mov", "hevc", []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0", "-crf", "12", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"}, 5},
		{"vp9", "d.webm", "vp9", []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-crf", "12", "-b:v", "0"}, 4},
		{"av1", "e.mp4", "av1", []string{"-c:v", "libsvtav1", "-preset", "12", "-crf", "16"}, 6},
		{"mjpeg", "f.avi", "mjpeg", []string{"-c:v", "mjpeg", "-q:v", "2"}, 4},
		{"prores 4:2:2 10 bit", "g.mov", "prores", []string{"-c:v", "prores", "-pix_fmt", "yuv422p10le"}, 3},
		{"gif", "h.gif", "gif", []string{"-pix_fmt", "rgb8"}, 25},
		{"interlaced", "i.mp4", "h264", []string{"-c:v", "libx264", "-crf", "12", "-flags", "+ilme+ildct", "-vf", "setfield=tff", "-pix_fmt", "yuv420p"}, 4},
		{"full range 4:4:4", "j.mkv", "h264", []string{"-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuvj444p"}, 6},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := smallClip(t, dir, tc.file, "25", 10, tc.args...)
			info, err := Probe(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if info.Codec != tc.codec {
				t.Errorf("codec %q, want %q", info.Codec, tc.codec)
			}
			if info.Interlaced != (tc.name == "interlaced") {
				t.Errorf("interlaced = %v", info.Interlaced)
			}
			frames, _ := readAll(t, path, Options{})
			if len(frames) != 10 {
				t.Fatalf("%d pictures, want 10", len(frames))
			}
			for i := range frames {
				if d := meanDifference(frames[i].Pix, truth[i].Pix); d > tc.tolerance {
					t.Errorf("picture %d differs by %.1f grey levels", i, d)
					break
				}
			}
		})
	}
}

// TestToneMapping: a PQ clip's reference white (203 nits, 58 % of the code range) and a mid grey
// come out as an ordinary picture shows them, and brighter stays brighter.
func TestToneMapping(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pq.mov")
	ffmpeg(t, "-f", "lavfi", "-i", "color=c=gray:s=256x64:r=25", "-frames:v", "3",
		"-vf", "format=yuv420p10le,geq=lum='64+876*X/256':cb=512:cr=512",
		"-c:v", "libx265", "-preset", "ultrafast", "-crf", "8", "-pix_fmt", "yuv420p10le",
		"-x265-params", "log-level=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc", path)
	frames, _ := readAll(t, path, Options{})
	if info, err := Probe(t.Context(), path); err != nil || info.Transfer != "smpte2084" {
		t.Fatalf("transfer %q, %v", info.Transfer, err)
	}
	row := func(code float64) int { return int(frames[0].Pix[3*(32*256+int(code*256))]) }
	for _, tc := range []struct {
		what     string
		code     float64 // of the PQ range
		from, to int     // grey level
	}{
		{"black", 0.01, 0, 6},
		{"26 nits, mid grey", 0.37, 85, 120},
		{"203 nits, reference white", 0.58, 175, 205},
		{"1000 nits, highlight", 0.752, 245, 255},
		{"10000 nits", 0.99, 254, 255},
	} {
		if got := row(tc.code); got < tc.from || got > tc.to {
			t.Errorf("%s: grey level %d, want %d…%d", tc.what, got, tc.from, tc.to)
		}
	}
	for x := 1; x < 256; x++ {
		if row(float64(x)/256) < row(float64(x-1)/256)-3 {
			t.Fatalf("brightness falls at code %d/256", x)
		}
	}
}

func TestSizes(t *testing.T) {
	dir := t.TempDir()
	truth := smallClip(t, dir, "truth.mkv", "30", 3, "-c:v", "ffv1")
	for _, tc := range []struct {
		name         string
		filter       string
		opts         Options
		wantW, wantH int
	}{
		{"odd", "scale=161:97,setsar=1,format=yuv444p", Options{}, 161, 97},
		{"wide pixels", "scale=120:96,setsar=4/3", Options{}, 160, 96},
		{"tall pixels", "scale=160:48,setsar=1/2", Options{}, 160, 96},
		{"almost square pixels", "setsar=1349/1350", Options{}, 160, 96},
		{"absurd pixels", "setsar=100/1", Options{}, 160, 96},
		{"bounded height", "null", Options{MaxHeight: 48}, 80, 48},
		{"bounded width", "null", Options{MaxWidth: 40, MaxHeight: 48}, 40, 24},
		{"never enlarged", "null", Options{MaxWidth: 4000, MaxHeight: 4000}, 160, 96},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := smallClip(t, dir, strings.ReplaceAll(tc.name, " ", "")+".mp4", "30", 3,
				"-vf", tc.filter, "-c:v", "libx264", "-crf", "12")
			frames, _ := readAll(t, path, tc.opts)
			f := frames[0]
			if f.Width != tc.wantW || f.Height != tc.wantH || len(f.Pix) != tc.wantW*tc.wantH*3 {
				t.Fatalf("%d×%d with %d bytes, want %d×%d", f.Width, f.Height, len(f.Pix), tc.wantW, tc.wantH)
			}
			want := rawFrame(t, truth, "-vf", fmt.Sprintf("scale=%d:%d:flags=area", tc.wantW, tc.wantH))
			if d := meanDifference(f.Pix, want); d > 8 {
				t.Errorf("picture differs by %.1f grey levels from the scaled original", d)
			}
		})
	}
}

// TestDamage overwrites the middle of the coded pictures: decoding goes on, times stay
// right, and the damage is counted.
func TestDamage(t *testing.T) {
	path := smallClip(t, t.TempDir(), "damaged.mp4", "30", 120)
	want := ffprobeTimes(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) * 4 / 10; i < len(data)*5/10; i += 41 {
		data[i] ^= 0x5A
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	frames, counts := readAll(t, path, Options{})
	if len(frames) < 90 {
		t.Errorf("%d of 120 pictures", len(frames))
	}
	if counts.Complaints == 0 {
		t.Errorf("counts %+v: no damage seen", counts)
	}
	for i, f := range frames {
		if !slices.ContainsFunc(want, func(w float64) bool { return math.Abs(w-f.Time) < 1e-5 }) {
			t.Errorf("picture %d has the time %g, which the clip does not hold", i, f.Time)
		}
		if i > 0 && f.Time <= frames[i-1].Time {
			t.Errorf("time %g after %g", f.Time, frames[i-1].Time)
		}
	}
}

// TestCutOff: where the index is in front, what is there is read.
func TestCutOff(t *testing.T) {
	path := smallClip(t, t.TempDir(), "cut.mp4", "30", 120, append([]string{"-movflags", "+faststart"}, h264...)...)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)*6/10], 0o644); err != nil {
		t.Fatal(err)
	}
	frames, _ := readAll(t, path, Options{})
	if len(frames) < 40 || len(frames) >= 120 {
		t.Errorf("%d pictures of the 60 %% that are there of 120", len(frames))
	}
}

func TestCancelReading(t *testing.T) {
	path := smallClip(t, t.TempDir(), "long.mp4", "30", 600)
	t.Run("context", func(t *testing.T) {
		why := errors.New("the lifter went home")
		ctx, cancel := context.WithCancelCause(t.Context())
		src, err := Open(ctx, path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var f Frame
		for range 5 {
			if err := src.Next(&f); err != nil {
				t.Fatal(err)
			}
		}
		cancel(why)
		for err = nil; err == nil; {
			err = src.Next(&f)
		}
		if !errors.Is(err, why) || errors.Is(err, io.EOF) {
			t.Errorf("got %v, want %v", err, why)
		}
		if src.child.cmd.ProcessState == nil {
			t.Error("the decoder was not waited for")
		}
	})
	t.Run("close", func(t *testing.T) {
		src, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var f Frame
		if err := src.Next(&f); err != nil {
			t.Fatal(err)
		}
		src.Close()
		src.Close()
		for err == nil {
			err = src.Next(&f)
		}
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("Next after Close: %v", err)
		}
		if src.child.cmd.ProcessState == nil {
			t.Error("the decoder was not waited for")
		}
	})
	t.Run("killed decoder", func(t *testing.T) {
		src, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		var f Frame
		if err := src.Next(&f); err != nil {
			t.Fatal(err)
		}
		if err := src.child.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for err == nil {
			err = src.Next(&f)
		}
		if !errors.Is(err, ErrDecode) || !strings.Contains(err.Error(), "killed") {
			t.Errorf("Next after the decoder was killed: %v", err)
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := cancelled(t)
		cancel()
		if _, err := Probe(ctx, path); !errors.Is(err, context.Canceled) {
			t.Errorf("Probe: %v", err)
		}
		if _, err := SHA256(ctx, path); !errors.Is(err, context.Canceled) {
			t.Errorf("SHA256: %v", err)
		}
	})
}

// TestNextReusesBuffers: a caller's picture is left alone until the same Frame
// comes back, and one Frame in a loop makes no new buffers.
func TestNextReusesBuffers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.mp4")
	at := make([]float64, 60)
	for i := range at {
		at[i] = float64(i) / 30
	}
	writeNumbered(t, path, at, SinkOptions{})
	for _, latent := range []bool{false, true} {
		t.Run(fmt.Sprintf("latent %t", latent), func(t *testing.T) {
			src, err := Open(t.Context(), path, Options{Ahead: 2, Latent: latent})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			var held, f Frame
			if err := src.Next(&held); err != nil {
				t.Fatal(err)
			}
			filled, developed := map[*byte]bool{}, map[*byte]bool{}
			for err = src.Next(&f); err == nil; err = src.Next(&f) {
				if f.planes != nil {
					filled[&f.planes[0]] = true
				}
				if !latent && readNumber(&held) != 0 {
					t.Fatalf("the held picture became number %d", readNumber(&held))
				}
				if f.Index%2 == 0 || !latent {
					f.Develop()
					developed[&f.Pix[0]] = true
					if n := readNumber(&f); n != f.Index {
						t.Fatalf("picture %d is number %d", f.Index, n)
					}
				}
				time.Sleep(time.Millisecond) // let the reader run ahead as far as it may
			}
			if err != io.EOF {
				t.Fatal(err)
			}
			if len(filled) == 0 { // ffmpeg gives the colours
				filled, developed = developed, nil
			}
			if len(filled) > 5 || len(developed) > 1 { // 2 ahead, 1 being filled, 1 here, 1 held
				t.Errorf("%d buffers filled and %d developed for 60 pictures", len(filled), len(developed))
			}
			if held.Develop(); readNumber(&held) != 0 {
				t.Errorf("the held picture became number %d", readNumber(&held))
			}
		})
	}
}

func TestOptionsValidate(t *testing.T) {
	for field, o := range map[string]Options{
		"SampleHz":  {SampleHz: math.NaN()},
		"Slowdown":  {Slowdown: 0.5},
		"MaxWidth":  {MaxWidth: -1},
		"Threads":   {Threads: -1},
		"Ahead":     {Ahead: -1},
		"MaxMemory": {MaxMemory: -1},
	} {
		if _, err := Open(t.Context(), "clip.mp4", o); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func FuzzParseMarks(f *testing.F) {
	f.Add("frame:0    pts:0       pts_time:0\na=1\nframe:0    pts:0       pts_time:0\ns=1\n")
	f.Add("frame:0 pts:NOPTS pts_time:NOPTS\na=1\nframe:1 pts:5 pts_time:5\na=1\nframe:1 pts:5 \ns=1\nframe:1 pts:4 \ns=1\n")
	f.Fuzz(func(t *testing.T, text string) {
		decoded, last := 0, -1
		_ = parseMarks(strings.NewReader(text), func(bool) { decoded++ }, func(index int, _ int64) error {
			if index >= decoded {
				t.Fatalf("picture %d given, %d decoded", index, decoded)
			}
			last = max(last, index)
			return nil
		})
	})
}

// TestBundledClips: the clips in testdata/clips play on the clock of their truth.
func TestBundledClips(t *testing.T) {
	for _, name := range []string{"smoke_squat", "deadlift_round_midshin_f30"} {
		t.Run(name, func(t *testing.T) {
			base := filepath.Join("..", "..", "testdata", "clips", name)
			f, err := os.Open(base + ".truth.json.gz")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			unzipped, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			var truth struct {
				Frames []struct {
					T float64 `json:"t"`
				} `json:"frames"`
			}
			if err := json.NewDecoder(unzipped).Decode(&truth); err != nil {
				t.Fatal(err)
			}
			want := make([]float64, len(truth.Frames))
			for i, f := range truth.Frames {
				want[i] = f.T
			}
			info, err := Probe(t.Context(), base+".mp4")
			if err != nil {
				t.Fatal(err)
			}
			if info.Width != 720 || info.Height != 1280 {
				t.Errorf("%d×%d, want 720×1280", info.Width, info.Height)
			}
			got, err := FrameTimes(t.Context(), base+".mp4", info)
			if err != nil {
				t.Fatal(err)
			}
			sameTimes(t, "clip", got, want, 1e-4) // the truth is rounded to four places
		})
	}
}
