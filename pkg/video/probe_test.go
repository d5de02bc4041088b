package video

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "clip.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x96:r=30000/1001", "-f", "lavfi", "-i", "sine=d=2", "-t", "2",
		"-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac",
		"-metadata", "creation_time=2024-05-17T18:30:00Z", path)
	info, err := Probe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := Info{
		Width: 160, Height: 96, Codec: "h264", PixelFormat: "yuv420p", Frames: 60,
		HasAudio: true, AudioCodec: "aac", CreatedAt: time.Date(2024, 5, 17, 18, 30, 0, 0, time.UTC),
		Container: "mov,mp4,m4a,3gp,3g2,mj2", StoredWidth: 160, StoredHeight: 96, PixelAspect: 1,
	}
	if math.Abs(info.DurationS-2.002) > 1e-3 || math.Abs(info.MeanFPS-29.97) > 1e-2 {
		t.Errorf("duration %g s at %g a second", info.DurationS, info.MeanFPS)
	}
	want.DurationS, want.MeanFPS = info.DurationS, info.MeanFPS
	if info != want {
		t.Errorf("got  %+v\nwant %+v", info, want)
	}
}

// TestProbeIgnoresCover: the film is the film, not the picture on the box.
func TestProbeIgnoresCover(t *testing.T) {
	dir := t.TempDir()
	cover := filepath.Join(dir, "cover.png")
	ffmpeg(t, "-f", "lavfi", "-i", "color=red:s=640x640", "-frames:v", "1", cover)
	film := smallClip(t, dir, "film.mp4", "30", 10)
	both := filepath.Join(dir, "both.mp4")
	ffmpeg(t, "-i", cover, "-i", film, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic", both)
	info, err := Probe(t.Context(), both)
	if err != nil {
		t.Fatal(err)
	}
	if info.Width != 160 || info.Codec != "h264" {
		t.Errorf("took the %s of width %d", info.Codec, info.Width)
	}
	if frames, _ := readAll(t, both, Options{}); len(frames) != 10 {
		t.Errorf("%d pictures, want 10", len(frames))
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good := smallClip(t, dir, "good.mp4", "30", 30)
	whole := read(good)
	sound := filepath.Join(dir, "sound.m4a")
	ffmpeg(t, "-f", "lavfi", "-i", "sine=d=1", sound)
	photo := filepath.Join(dir, "photo.jpg")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x96", "-frames:v", "1", photo)
	fifo := filepath.Join(dir, "fifo.mp4")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	circle := filepath.Join(dir, "circle.mp4")
	if err := os.Symlink(circle, circle); err != nil {
		t.Fatal(err)
	}
	huge := read(smallClip(t, dir, "huge.gif", "25", 3, "-pix_fmt", "rgb8"))
	copy(huge[6:], "\xff\xff\xff\xff") // logical screen of 65535 × 65535

	for _, tc := range []struct {
		name, path string
		is         error
		message    string // after the file's name
	}{
		{"no such file", filepath.Join(dir, "none.mp4"), fs.ErrNotExist, "file does not exist; check the path"},
		{"directory", dir, ErrDirectory, "is a folder, not a video; name the clips in it"},
		{"empty", write("empty.mp4", nil), ErrEmpty, "file is empty; copy the clip again"},
		{"fifo", fifo, ErrNotRegular, "is not a regular file; save the clip to disk first"},
		{"device", "/dev/zero", ErrNotRegular, "is not a regular file; save the clip to disk first"},
		{"symbolic links in a circle", circle, ErrSymlinkLoop, "symbolic links go round in a circle"},
		{"text", write("text.mp4", []byte(strings.Repeat("Dear lifter,\nlift.\n", 200))), ErrNotVideo, "not a video file; expected MP4, MOV, MKV, WebM, AVI or the like"},
		{"one byte", write("byte.mp4", []byte{0}), ErrNotVideo, "not a video file; expected MP4, MOV, MKV, WebM, AVI or the like"},
		{"photo", photo, ErrNotVideo, "not a video file; expected MP4, MOV, MKV, WebM, AVI or the like"},
		{"playlist", write("list.mp4", []byte("ffconcat version 1.0\nfile good.mp4\n")), ErrNotVideo, "not a video file; expected MP4, MOV, MKV, WebM, AVI or the like"},
		{"network playlist", write("hls.mp4", []byte("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ngood.mp4\n#EXT-X-ENDLIST\n")), ErrNotVideo, "not a video file; expected MP4, MOV, MKV, WebM, AVI or the like"},
		{"sound only", sound, ErrNoVideoStream, "has no video stream, only sound or data"},
		{"truncated", write("cut.mp4", whole[:len(whole)/2]), ErrTruncated, "video is cut off before its index (no moov atom); copy or export the clip again, whole"},
		{"huge", write("huge.gif", huge), ErrTooLarge, "picture is larger than 42 megapixels; scale the clip down first"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Open(t.Context(), tc.path, Options{})
			if !errors.Is(err, tc.is) {
				t.Fatalf("got %v, want %v", err, tc.is)
			}
			if want := tc.path + ": " + tc.message; err.Error() != want {
				t.Errorf("message %q, want %q", err, want)
			}
			if _, err := FrameTimes(t.Context(), tc.path, Info{}); err == nil && tc.is != ErrNoVideoStream && tc.is != ErrTooLarge { // it looks at packets only
				t.Error("FrameTimes took it")
			}
		})
	}
	t.Run("unreadable", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may read everything")
		}
		if err := os.Chmod(good, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Probe(t.Context(), good); !errors.Is(err, fs.ErrPermission) || !strings.HasSuffix(err.Error(), "check who may read it") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no ffmpeg", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := Probe(t.Context(), write("clip.mp4", whole))
		if !errors.Is(err, ErrNoProgram) || !strings.HasSuffix(err.Error(), "ffprobe: program not found; install it with: sudo apt-get install ffmpeg") {
			t.Errorf("Probe: %v", err)
		}
		info := Info{Width: 160, Height: 96}
		if _, err := Open(t.Context(), filepath.Join(dir, "clip.mp4"), Options{Info: &info}); !errors.Is(err, ErrNoProgram) {
			t.Errorf("Open: %v", err)
		}
		if _, err := FindProgram(t.Context(), "ffmpeg"); !errors.Is(err, ErrNoProgram) {
			t.Errorf("FindProgram: %v", err)
		}
	})
}

// TestNoPictures: a good header with nothing decodable behind it.
func TestNoPictures(t *testing.T) {
	path := smallClip(t, t.TempDir(), "noise.mp4", "30", 30, append([]string{"-movflags", "+faststart"}, h264...)...)
	info, err := Probe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), "mdat") + 4
	for i := at; i < len(data); i++ {
		data[i] = 0
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	src, err := Open(t.Context(), path, Options{Info: &info})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var f Frame
	if err := src.Next(&f); !errors.Is(err, ErrNoFrames) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want %v", err, ErrNoFrames)
	}
}

// TestNames: no name is read as an option, a protocol, a pattern or a shell's word.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir) // a leading dash shows only in a relative path
	data, err := os.ReadFile(smallClip(t, dir, "plain.mp4", "30", 5))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("all", func(t *testing.T) { // ends when they all have
		for _, name := range []string{
			"two words.mp4", `quo"te's.mp4`, "line\nbreak.mp4", "-i.mp4", "-y", "--", "$(reboot).mp4", "`id`;id.mp4",
			"http:example.mp4", "concat:a|b.mp4", "pipe:0", "img%03d.mp4", "100%.mp4", "back\\slash.mp4", "\xff\xfe.mp4",
			"Kniebeuge übung 深蹲.mp4", "[a]*?.mp4", "tab\t.mp4", strings.Repeat("long", 62) + ".mp4",
		} {
			t.Run(printable(name), func(t *testing.T) {
				t.Parallel()
				if err := os.WriteFile(name, data, 0o644); err != nil {
					t.Skip("the file system does not take this name:", err)
				}
				frames, _ := readAll(t, name, Options{})
				if len(frames) != 5 {
					t.Fatalf("%d pictures, want 5", len(frames))
				}
				writeNumbered(t, name, []float64{0, 0.1, 0.2}, SinkOptions{AudioFrom: name})
				if frames, _ := readAll(t, name, Options{}); len(frames) != 3 {
					t.Errorf("%d pictures written, want 3", len(frames))
				}
				if err := os.WriteFile(name, nil, 0o644); err != nil {
					t.Fatal(err)
				}
				if _, err := Probe(t.Context(), name); err == nil || strings.ContainsAny(err.Error(), "\n\xff") {
					t.Errorf("message is not one printable line: %q", err)
				}
				os.Remove(name)
			})
		}
	})
	if names := leftovers(t, dir, "plain.mp4"); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

func TestSHA256(t *testing.T) {
	path := filepath.Join(t.TempDir(), "abc")
	if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	// FIPS 180-2, appendix B.1.
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got, err := SHA256(t.Context(), path); err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestFindProgram(t *testing.T) {
	p, err := FindProgram(t.Context(), "ffmpeg")
	if err != nil || p.Version == "" || !filepath.IsAbs(p.Path) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestParseMatrix(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		rotation   int
		mirrored   bool
	}{
		{"nothing", "", 0, false},
		{"not numbers", "\n00000000: a b c\n00000001: d e f\n", 0, false},
		{"short", "\n00000000: 0 65536\n", 0, false},
		{"all zero", "\n00000000: 0 0 0\n00000001: 0 0 0\n", 0, false},
		{"90", "\n00000000:            0       65536           0\n00000001:       -65536           0           0\n00000002:            0           0  1073741824\n", 90, false},
		{"89, a phone held by hand", "\n00000000: 1144 65526 0\n00000001: -65526 1144 0\n00000002: 0 0 1073741824\n", 90, false},
		{"scaled 270", "\n00000000: 0 -131072 0\n00000001: 131072 0 0\n00000002: 0 0 1073741824\n", 270, false},
		{"mirrored", "\n00000000: -65536 0 0\n00000001: 0 65536 0\n00000002: 0 0 1073741824\n", 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if r, m := parseMatrix(tc.text); r != tc.rotation || m != tc.mirrored {
				t.Errorf("got %d %v, want %d %v", r, m, tc.rotation, tc.mirrored)
			}
		})
	}
}

func TestParseCreation(t *testing.T) {
	apple := time.Date(2023, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	for _, tc := range []struct {
		name  string
		dates []string
		want  time.Time
	}{
		{"none", nil, time.Time{}},
		{"local time first", []string{"2023-02-03T04:05:06+0100", "2023-02-03T03:05:06.000000Z"}, apple},
		{"QuickTime's epoch", []string{"", "1904-01-01T00:00:00.000000Z", "2023-02-03T03:05:06.000000Z"}, apple},
		{"nonsense", []string{"yesterday"}, time.Time{}},
	} {
		if got := parseCreation(tc.dates...); !got.Equal(tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestMessageLog(t *testing.T) {
	var l messageLog
	for range 1000 {
		io.WriteString(&l, strings.Repeat("x", 5000)+"\n")
	}
	io.WriteString(&l, "[h264 @ 0x5581] bad\xffbits\nConver")
	io.WriteString(&l, "sion failed!\n")
	if got := l.last(); got != "bad?bits" {
		t.Errorf("last line %q", got)
	}
	if l.complained() != 1002 || len(l.lines) != maxLogLines || len(l.lines[0]) != maxLogLine {
		t.Errorf("%d counted, %d kept of %d bytes", l.complained(), len(l.lines), len(l.lines[0]))
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"index":0,"codec_type":"video","codec_name":"h264","pix_fmt":"yuv420p","width":1920,"height":1080,
"sample_aspect_ratio":"4:3","avg_frame_rate":"30000/1001","r_frame_rate":"30/1","nb_frames":"60","duration":"2.0","start_time":"-0.1",
"side_data_list":[{"side_data_type":"Display Matrix","displaymatrix":"\n00000000: 0 65536 0\n00000001: -65536 0 0\n00000002: 0 0 1073741824\n"}]},
{"index":1,"codec_type":"audio","codec_name":"aac"}],"format":{"format_name":"mov","start_time":"0.0","duration":"2","tags":{"creation_time":"2024-05-17T18:30:00Z"}}}`))
	f.Add([]byte(`{"streams":[{"codec_type":"video","width":100000,"height":100000,"nb_frames":"1000000000000000000000","duration":"1e300","avg_frame_rate":"0/0"}]}`))
	f.Add([]byte(`{"streams":[{"codec_type":"video","width":42000000,"height":1,"sample_aspect_ratio":"8:1","duration":"NaN","start_time":"Inf"}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := parseProbe(data)
		if err != nil {
			return
		}
		if info.Width <= 0 || info.Height <= 0 || info.Width > MaxPixels/info.Height {
			t.Errorf("size %d × %d", info.Width, info.Height)
		}
		if info.RotationDeg%90 != 0 || info.RotationDeg < 0 || info.RotationDeg > 270 {
			t.Errorf("rotation %d", info.RotationDeg)
		}
		for _, v := range []float64{info.DurationS, info.MeanFPS, info.StartS, info.PixelAspect} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("not a number in %+v", info)
			}
		}
		if info.DurationS < 0 || info.MeanFPS < 0 || info.PixelAspect <= 0 || info.Frames < 0 || info.StreamIndex < 0 {
			t.Errorf("negative number in %+v", info)
		}
	})
}

func FuzzParsePacket(f *testing.F) {
	f.Add("0.033333,0.000000,K__")
	f.Add("N/A,0.1,KD_,")
	f.Add("nan,inf,")
	f.Fuzz(func(t *testing.T, line string) {
		if v, ok := parsePacket(line); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("time %g", v)
		}
	})
}
