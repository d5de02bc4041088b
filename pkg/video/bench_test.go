package video

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
)

// benchClip is ten seconds of moving, slightly noisy 1080p at phone-like 12 Mbit/s.
func benchClip(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "hd.mp4")
	ffmpeg(b, "-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30:d=10", "-vf", "noise=alls=8:allf=t",
		"-c:v", "libx264", "-preset", "veryfast", "-b:v", "12M", "-pix_fmt", "yuv420p", path)
	return path
}

// BenchmarkDecode reads 300 pictures of 1080p; upright is portrait when the clip is
// laid down, as phones store it.
func BenchmarkDecode(b *testing.B) {
	path := benchClip(b)
	portrait := path + ".portrait.mp4"
	patchTkhd(b, path, portrait, orientations[1].matrix)
	for _, bc := range []struct {
		name, path string
		opts       Options
	}{
		{"whole", path, Options{}},
		{"portrait", portrait, Options{}},
		{"two threads", path, Options{Threads: 2}},
		{"third of the pictures", path, Options{SampleHz: 10}},
		{"480 rows", path, Options{MaxHeight: 480}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			var user float64
			for range b.N {
				src, err := Open(b.Context(), bc.path, bc.opts)
				if err != nil {
					b.Fatal(err)
				}
				var f Frame
				for err = src.Next(&f); err == nil; err = src.Next(&f) {
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				src.Close()
				n += src.Counts().Decoded
				user += (src.child.cmd.ProcessState.UserTime() + src.child.cmd.ProcessState.SystemTime()).Seconds()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(1000*user/float64(n), "child-cpu-ms/frame")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	path := benchClip(b)
	src, err := Open(b.Context(), path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	pictures := make([]Frame, 60)
	for i := range pictures {
		if err := src.Next(&pictures[i]); err != nil {
			b.Fatal(err)
		}
	}
	src.Close()
	for _, preset := range []string{"ultrafast", "superfast", "veryfast"} {
		b.Run(preset, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			var user float64
			for range b.N {
				sink, err := NewSink(b.Context(), filepath.Join(b.TempDir(), "out.mp4"),
					SinkOptions{Width: 1920, Height: 1080, Preset: preset})
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range pictures {
					if err := sink.Write(f.Pix, f.Time); err != nil {
						b.Fatal(err)
					}
				}
				if err := sink.Close(); err != nil {
					b.Fatal(err)
				}
				n += len(pictures)
				user += (sink.child.cmd.ProcessState.UserTime() + sink.child.cmd.ProcessState.SystemTime()).Seconds()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(1000*user/float64(n), "child-cpu-ms/frame")
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	path := benchClip(b)
	info, err := Probe(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"Probe":      func() error { _, err := Probe(b.Context(), path); return err },
		"FrameTimes": func() error { _, err := FrameTimes(b.Context(), path, info); return err },
		"SHA256":     func() error { _, err := SHA256(b.Context(), path); return err },
	} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			for range b.N {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
