package video

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSinkKeepsTimes: what ffprobe reads from the output is what was written, to
// a twentieth of a millisecond, for even and uneven rates.
func TestSinkKeepsTimes(t *testing.T) {
	dir := t.TempDir()
	even := func(n int, rate float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = float64(i) / rate
		}
		return out
	}
	late := even(40, 25)
	for i := range late {
		late[i] += 0.32
	}
	long := variable(40)
	for i := range long {
		long[i] += 600
	}
	long[0] = 0
	for _, tc := range []struct {
		name string
		at   []float64
	}{
		{"30", even(60, 30)},
		{"29.97", even(60, 30000.0/1001)},
		{"240", even(120, 240)},
		{"variable", variable(90)},
		{"starts late", late},
		{"ten minutes' gap", long},
		{"one picture", []float64{0}},
	} {
		for _, preset := range []string{"ultrafast", "veryfast"} { // without and with B-frames
			t.Run(tc.name+" "+preset, func(t *testing.T) {
				path := filepath.Join(dir, "out.mp4")
				sink, err := NewSink(t.Context(), path, SinkOptions{Width: numberedSize, Height: numberedSize, Preset: preset, FPS: 30})
				if err != nil {
					t.Fatal(err)
				}
				defer sink.Abort()
				for i, at := range tc.at {
					if err := sink.Write(numbered(i), at); err != nil {
						t.Fatal(err)
					}
				}
				if err := sink.Close(); err != nil {
					t.Fatal(err)
				}
				sameTimes(t, "ffprobe", ffprobeTimes(t, path), tc.at, 5e-5)
				frames, _ := readAll(t, path, Options{})
				for i := range frames {
					if n := readNumber(&frames[i]); n != i {
						t.Fatalf("picture %d is number %d", i, n)
					}
				}
			})
		}
	}
	if names := leftovers(t, dir, "out.mp4"); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// TestSourceToSink: a clip written again picture by picture keeps every time.
func TestSourceToSink(t *testing.T) {
	dir := t.TempDir()
	vfr := filepath.Join(dir, "vfr.mp4")
	writeNumbered(t, vfr, variable(60), SinkOptions{})
	for _, in := range []string{vfr, smallClip(t, dir, "film.mp4", "24000/1001", 40), smallClip(t, dir, "a.mkv", "60", 40)} {
		out := filepath.Join(dir, "again.mp4")
		copyClip(t, in, out, SinkOptions{})
		sameTimes(t, in, ffprobeTimes(t, out), ffprobeTimes(t, in), 5e-4) // Matroska's own times are whole milliseconds
	}
}

// TestFormatsAgree: a clip that goes through as YUV looks as it does through BGR,
// whatever it is coded in.
func TestFormatsAgree(t *testing.T) {
	dir := t.TempDir()
	lying := smallClip(t, dir, "lying.mp4", "30", 3)
	portrait := filepath.Join(dir, "portrait.mp4")
	patchTkhd(t, lying, portrait, orientations[1].matrix)
	coded := func(name string, args ...string) string {
		return smallClip(t, dir, name+".mp4", "30", 3, append(args, "-crf", "8")...)
	}
	x264 := func(more ...string) []string { return append([]string{"-c:v", "libx264"}, more...) }
	for name, path := range map[string]string{
		"as most are":       coded("plain", x264("-vf", "scale=1280:720", "-pix_fmt", "yuv420p")...),
		"old colours":       coded("smpte170m", x264("-vf", "scale=out_color_matrix=smpte170m", "-colorspace", "smpte170m", "-pix_fmt", "yuv420p")...),
		"small, not stated": coded("unknown", x264("-pix_fmt", "yuv420p")...),
		"as phones code":    coded("bt709", x264("-vf", "scale=1280:720:out_color_matrix=bt709", "-colorspace", "bt709", "-color_range", "tv", "-pix_fmt", "yuv420p")...),
		"full range, VP9":   coded("vp9", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-vf", "scale=1280:720:out_range=pc:out_color_matrix=bt709", "-colorspace", "bt709", "-color_range", "pc", "-pix_fmt", "yuv420p"),
		"full range":        coded("full", x264("-vf", "scale=out_range=pc", "-pix_fmt", "yuvj420p")...),
		"full chroma":       coded("444", x264("-pix_fmt", "yuv444p")...),
		"odd size":          coded("odd", x264("-vf", "scale=161:97", "-pix_fmt", "yuv444p")...),
		"portrait":          portrait,
		"HDR": coded("pq", "-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le",
			"-x265-params", "log-level=0:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var through [2][]Frame
			for i, format := range []Format{BGR, YUV} {
				out := filepath.Join(t.TempDir(), "out.mp4")
				copyClip(t, path, out, SinkOptions{Format: format, CRF: 8})
				through[i], _ = readAll(t, out, Options{})
			}
			if len(through[0]) != 3 || len(through[1]) != 3 {
				t.Fatalf("%d and %d pictures", len(through[0]), len(through[1]))
			}
			// Chroma is halved and doubled once more on the way through BGR, whose
			// edges are soft then.
			for i := range through[0] {
				if d := meanDifference(through[0][i].Pix, through[1][i].Pix); !(d < 3.5) {
					t.Errorf("picture %d differs by %.2f grey levels", i, d)
				}
			}
		})
	}
}

// copyClip decodes in and encodes it again.
func copyClip(t testing.TB, in, out string, opts SinkOptions) {
	t.Helper()
	src, err := Open(t.Context(), in, Options{Format: opts.Format})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	opts.Width, opts.Height = src.Size()
	opts.FPS = src.Info().MeanFPS
	sink, err := NewSink(t.Context(), out, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Abort()
	var f Frame
	for err = src.Next(&f); err == nil; err = src.Next(&f) {
		if err := sink.Write(f.Pix, f.Time); err != nil {
			t.Fatal(err)
		}
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSinkFormat: what browsers and phones ask for.
func TestSinkFormat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.mp4")
	writeNumbered(t, path, []float64{0, 0.04, 0.08}, SinkOptions{FPS: 25})
	info, err := Probe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Codec != "h264" || info.PixelFormat != "yuv420p" || info.ColorMatrix != "bt709" || info.HasAudio || info.MeanFPS != 25 {
		t.Errorf("%+v", info)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := checkBoxes(f); err != nil {
		t.Error(err)
	}
}

// TestColoursSurvive: patches of colour come back as they were written, but for what the fast
// conversions there and back round.
func TestColoursSurvive(t *testing.T) {
	const w, h = 64, 48
	path := filepath.Join(t.TempDir(), "out.mp4")
	patches := [][3]byte{{0, 0, 0}, {255, 255, 255}, {128, 128, 128}, {200, 40, 40}, {40, 200, 40}, {40, 40, 200}, {20, 120, 220}}
	sink, err := NewSink(t.Context(), path, SinkOptions{Width: w, Height: h, CRF: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Abort()
	for i, c := range patches {
		pix := make([]byte, w*h*3)
		for j := range pix {
			pix[j] = c[j%3]
		}
		if err := sink.Write(pix, float64(i)/10); err != nil {
			t.Fatal(err)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	frames, _ := readAll(t, path, Options{})
	for i, f := range frames {
		for c := range 3 {
			got, want := int(f.Pix[3*(h/2*w+w/2)+c]), int(patches[i][c])
			if got < want-6 || got > want+6 {
				t.Errorf("colour %v came back as %v", patches[i], f.Pix[3*(h/2*w+w/2):][:3])
				break
			}
		}
	}
}

func TestSinkOddSize(t *testing.T) {
	const w, h = 35, 21
	path := filepath.Join(t.TempDir(), "odd.mp4")
	sink, err := NewSink(t.Context(), path, SinkOptions{Width: w, Height: h, CRF: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Abort()
	pix := make([]byte, w*h*3) // a white left half: rows that slip would smear it
	for i := range pix {
		if i/3%w < 16 {
			pix[i] = 255
		}
	}
	if err := sink.Write(pix, 0); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	frames, _ := readAll(t, path, Options{})
	f := frames[0]
	if f.Width != 34 || f.Height != 20 {
		t.Fatalf("size %d×%d, want 34×20", f.Width, f.Height)
	}
	for y := range f.Height {
		if left, right := f.Pix[3*(y*34+8)], f.Pix[3*(y*34+26)]; left < 240 || right > 15 {
			t.Fatalf("row %d: left %d, right %d", y, left, right)
		}
	}
}

// TestSinkSound carries sound over from clips of all kinds and checks that a beep stays where
// it was.
func TestSinkSound(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		name, file string
		args       []string
		codec      string // in the output
	}{
		{"aac copied", "a.mp4", []string{"-c:v", "libx264", "-c:a", "aac"}, "aac"},
		{"mp3 copied", "b.mp4", []string{"-c:v", "libx264", "-c:a", "libmp3lame"}, "mp3"},
		{"pcm to aac", "c.mov", []string{"-c:v", "libx264", "-c:a", "pcm_s16le"}, "aac"},
		{"opus to aac", "d.webm", []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"}, "aac"},
		{"transport stream", "e.ts", []string{"-c:v", "libx264", "-c:a", "aac"}, "aac"},
		{"pictures late", "f.mp4", []string{"-vf", "setpts=PTS+0.3/TB", "-c:v", "libx264", "-c:a", "aac"}, "aac"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in, out := filepath.Join(dir, tc.file), filepath.Join(dir, "out-"+tc.file+".mp4")
			// Silence, and a beep from 1.0 s on.
			args := []string{
				"-f", "lavfi", "-i", "testsrc2=s=64x48:r=30:d=2",
				"-f", "lavfi", "-i", "aevalsrc='if(gte(t,1),0.8*sin(2*PI*1000*t),0)':s=48000:d=2",
			}
			ffmpeg(t, append(append(args, tc.args...), "-pix_fmt", "yuv420p", in)...)
			copyClip(t, in, out, SinkOptions{AudioFrom: in, Preset: "ultrafast"})
			info, err := Probe(t.Context(), out)
			if err != nil {
				t.Fatal(err)
			}
			if info.AudioCodec != tc.codec {
				t.Errorf("codec %q, want %q", info.AudioCodec, tc.codec)
			}
			before, err := Probe(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			wantFrame := times(first(readAll(t, in, Options{})))[0]
			gotFrame := times(first(readAll(t, out, Options{})))[0]
			// Players show sound and picture by their times: the distance of the beep from
			// the first picture must stay. A thousandth of a second is audible to nobody;
			// 8 ms is a quarter of a picture and less than an AAC frame.
			want := beep(t, in) - before.StartS - wantFrame
			got := beep(t, out) - gotFrame
			if math.Abs(got-want) > 0.008 {
				t.Errorf("beep %.4f s after the first picture, want %.4f", got, want)
			}
		})
	}
	t.Run("silent clip", func(t *testing.T) {
		in, out := smallClip(t, dir, "silent.mp4", "30", 10), filepath.Join(dir, "out.mp4")
		copyClip(t, in, out, SinkOptions{AudioFrom: in})
		if info, err := Probe(t.Context(), out); err != nil || info.HasAudio {
			t.Errorf("audio %v, %v", info.HasAudio, err)
		}
	})
	t.Run("cut off clip", func(t *testing.T) { // broken sound does not cost the picture
		in, out := filepath.Join(dir, "cut.mp4"), filepath.Join(dir, "out.mp4")
		ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x96:r=30:d=2", "-f", "lavfi", "-i", "sine=d=2",
			"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", in)
		st, err := os.Stat(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(in, st.Size()*6/10); err != nil {
			t.Fatal(err)
		}
		copyClip(t, in, out, SinkOptions{AudioFrom: in})
		if info, err := Probe(t.Context(), out); err != nil || !info.HasAudio {
			t.Errorf("audio %v, %v", info.HasAudio, err)
		}
	})
	t.Run("no such clip", func(t *testing.T) {
		_, err := NewSink(t.Context(), filepath.Join(dir, "x.mp4"), SinkOptions{Width: 8, Height: 8, AudioFrom: filepath.Join(dir, "none.mp4")})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

func first(frames []Frame, _ Counts) []Frame { return frames }

// beep returns the presentation time at which the sound of a clip sets in, seconds.
func beep(t testing.TB, path string) float64 {
	t.Helper()
	const rate = 48000
	// aresample fills from time 0, or from first_pts on, so that sample n is at n/rate.
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", path, "-map", "0:a",
		"-af", "aresample=48000:async=1:first_pts=0", "-ac", "1", "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(out); i += 2 {
		if v := int16(binary.LittleEndian.Uint16(out[i:])); v > 6000 || v < -6000 {
			return float64(i/2) / rate
		}
	}
	t.Fatalf("%s: no beep", path)
	return 0
}

func TestSinkRefuses(t *testing.T) {
	dir := t.TempDir()
	ok := SinkOptions{Width: numberedSize, Height: numberedSize, Preset: "ultrafast"}
	t.Run("options", func(t *testing.T) {
		for want, o := range map[string]SinkOptions{
			"0 × 0":     {},
			"FPS":       {Width: 8, Height: 8, FPS: math.Inf(1)},
			"preset":    {Width: 8, Height: 8, Preset: "-y"},
			"CRF":       {Width: 8, Height: 8, CRF: 99},
			"negative":  {Width: 8, Height: 8, Threads: -1},
			"1000000 ×": {Width: 1_000_000, Height: 1_000_000},
		} {
			if _, err := NewSink(t.Context(), filepath.Join(dir, "x.mp4"), o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
	t.Run("no such folder", func(t *testing.T) {
		path := filepath.Join(dir, "none", "x.mp4")
		if _, err := NewSink(t.Context(), path, ok); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), path+": cannot write here: ") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("folder of that name", func(t *testing.T) {
		if _, err := NewSink(t.Context(), dir, ok); err == nil || !strings.HasSuffix(err.Error(), "is a folder; cannot write a video there") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no ffmpeg", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := NewSink(t.Context(), filepath.Join(dir, "x.mp4"), ok); !errors.Is(err, ErrNoProgram) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("pictures", func(t *testing.T) {
		path := filepath.Join(dir, "x.mp4")
		sink, err := NewSink(t.Context(), path, ok)
		if err != nil {
			t.Fatal(err)
		}
		defer sink.Abort()
		if err := sink.Write([]byte{1, 2, 3}, 0); err == nil {
			t.Error("took a picture of 3 bytes")
		}
		for _, at := range []float64{-0.1, math.NaN(), math.Inf(1), 1e12} {
			if err := sink.Write(numbered(0), at); err == nil {
				t.Errorf("took a picture at %g s", at)
			}
		}
		if err := sink.Write(numbered(0), 1); err != nil {
			t.Error(err)
		}
		for _, at := range []float64{0.5, 1} {
			if err := sink.Write(numbered(0), at); err == nil {
				t.Errorf("took a picture at %g s after one at 1 s", at)
			}
		}
	})
	t.Run("no picture", func(t *testing.T) {
		sink, err := NewSink(t.Context(), filepath.Join(dir, "x.mp4"), ok)
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); !errors.Is(err, ErrEncode) {
			t.Errorf("got %v", err)
		}
	})
	if names := leftovers(t, dir); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

// TestSinkLeavesNothing: an encoder that is stopped, killed or out of room leaves
// neither the file nor its temporary, and an older file of that name stays.
func TestSinkLeavesNothing(t *testing.T) {
	noise := func(seed int) []byte { // does not compress
		pix := make([]byte, numberedSize*numberedSize*3)
		x := uint32(seed + 1)
		for i := range pix {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			pix[i] = byte(x)
		}
		return pix
	}
	for _, tc := range []struct {
		name string
		opts SinkOptions
		stop func(cancel context.CancelFunc, s *Sink) error // in mid-film; its error, or Close's
		is   error
	}{
		{"abort", SinkOptions{}, func(_ context.CancelFunc, s *Sink) error { s.Abort(); return s.Close() }, os.ErrClosed},
		{"cancel", SinkOptions{}, func(cancel context.CancelFunc, s *Sink) error { cancel(); return s.Close() }, context.Canceled},
		{"killed encoder", SinkOptions{}, func(_ context.CancelFunc, s *Sink) error { s.child.cmd.Process.Kill(); return s.Close() }, ErrEncode},
		{"full", SinkOptions{MaxBytes: 100_000}, func(_ context.CancelFunc, s *Sink) error { return s.Close() }, ErrEncode},
		{"folder deleted", SinkOptions{}, func(_ context.CancelFunc, s *Sink) error {
			os.RemoveAll(filepath.Dir(s.path))
			return s.Close()
		}, ErrEncode},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "x.mp4")
			if err := os.WriteFile(path, []byte("older"), 0o644); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := cancelled(t)
			defer cancel()
			tc.opts.Width, tc.opts.Height, tc.opts.Preset, tc.opts.CRF = numberedSize, numberedSize, "ultrafast", 10
			sink, err := NewSink(ctx, path, tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 40 {
				if err = sink.Write(noise(i), float64(i)/30); err != nil {
					break
				}
			}
			if err == nil || tc.opts.MaxBytes > 0 {
				err = tc.stop(cancel, sink)
			}
			if !errors.Is(err, tc.is) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %v", err, tc.is)
			}
			sink.Abort()
			if again := sink.Close(); again == nil || again.Error() != err.Error() {
				t.Errorf("a second Close says %v", again)
			}
			if sink.child.cmd.ProcessState == nil {
				t.Error("the encoder was not waited for")
			}
			if tc.name == "folder deleted" {
				return
			}
			if names := leftovers(t, dir, "x.mp4"); len(names) > 0 {
				t.Errorf("left behind: %q", names)
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != "older" {
				t.Errorf("the older file became %d bytes, %v", len(data), err)
			}
		})
	}
}

func TestCheckBoxes(t *testing.T) {
	dir := t.TempDir()
	good, err := os.ReadFile(smallClip(t, dir, "front.mp4", "30", 5, append([]string{"-movflags", "+faststart"}, h264...)...))
	if err != nil {
		t.Fatal(err)
	}
	back, err := os.ReadFile(smallClip(t, dir, "back.mp4", "30", 5))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		data []byte
		ok   bool
	}{
		{"whole", good, true},
		{"cut off", good[:len(good)-1], false},
		{"longer", append(append([]byte{}, good...), 0), false},
		{"index at the end", back, false},
		{"zeroes", make([]byte, 64), false},
		{"empty", nil, false},
	} {
		path := filepath.Join(dir, "x")
		if err := os.WriteFile(path, tc.data, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkBoxes(f); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		f.Close()
	}
}
