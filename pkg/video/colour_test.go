package video

import (
	"bytes"
	"path/filepath"
	"testing"
)

// TestColours: pictures have the colours that ffmpeg gives them when it is told
// what they are coded as, whoever turns them.
func TestColours(t *testing.T) {
	// None with ffmpeg 5.1 on amd64; others may round differently.
	const tolerance = 2 // levels
	x264 := func(pixels string, more ...string) []string {
		return append([]string{"-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-pix_fmt", pixels}, more...)
	}
	for _, tc := range []struct {
		name    string
		size    string
		code    []string
		in      string // what ffmpeg is told
		matrix  [9]int32
		turned  bool // by us, where this processor can
		maxSide int
	}{
		{name: "BT.709", size: "160x96", code: x264("yuv420p", "-colorspace", "bt709"), in: "in_color_matrix=bt709", turned: true},
		{name: "BT.601", size: "160x96", code: x264("yuv420p", "-colorspace", "bt470bg"), in: "in_color_matrix=bt601", turned: true},
		{name: "small and untold", size: "160x96", code: x264("yuv420p"), in: "in_color_matrix=bt601", turned: true},
		{name: "large and untold", size: "736x720", code: x264("yuv420p"), in: "in_color_matrix=bt709", turned: true},
		{name: "full range", size: "160x96", code: x264("yuvj420p", "-colorspace", "bt709"), in: "in_color_matrix=bt709:in_range=pc", turned: true},
		{name: "VP9 in full range", size: "160x96", code: []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-pix_fmt", "yuv420p", "-color_range", "pc", "-colorspace", "bt709"}, in: "in_color_matrix=bt709:in_range=pc", turned: true},
		{name: "lying down", size: "160x96", code: x264("yuv420p", "-colorspace", "bt709"), matrix: orientations[1].matrix, in: "in_color_matrix=bt709", turned: true},
		{name: "a width that is no multiple of 32", size: "150x98", code: x264("yuv420p", "-colorspace", "bt709"), in: "in_color_matrix=bt709", turned: true},
		{name: "narrow", size: "30x96", code: x264("yuv420p", "-colorspace", "bt709"), in: "in_color_matrix=bt709"},
		{name: "odd", size: "192x120", code: []string{"-vf", "format=rgb24,crop=161:97", "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-colorspace", "bt709"}, in: "in_color_matrix=bt709"},
		{name: "10 bits", size: "160x96", code: x264("yuv420p10le", "-colorspace", "bt709"), in: "in_color_matrix=bt709"},
		{name: "4:2:2", size: "160x96", code: x264("yuv422p", "-colorspace", "bt709"), in: "in_color_matrix=bt709"},
		{name: "another matrix", size: "160x96", code: x264("yuv420p", "-colorspace", "fcc"), in: "in_color_matrix=fcc"},
		{name: "shrunk", size: "160x96", code: x264("yuv420p", "-colorspace", "bt709"), in: "80:48:flags=area:in_color_matrix=bt709", maxSide: 80},
		{name: "wide pixels", size: "160x96", code: x264("yuv420p", "-colorspace", "bt709", "-aspect", "160:72"), in: "213:96:in_color_matrix=bt709"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "clip.mkv")
			if tc.matrix != [9]int32{} {
				path = filepath.Join(t.TempDir(), "clip.mp4")
			}
			ffmpeg(t, append(append([]string{"-f", "lavfi", "-i", "testsrc2=s=" + tc.size + ":r=30", "-vf", "noise=alls=30", "-frames:v", "2"}, tc.code...), path)...)
			want := rawFrame(t, path, "-vf", "scale="+tc.in)
			if tc.matrix != [9]int32{} {
				lying := path
				path = filepath.Join(t.TempDir(), "upright.mp4")
				patchTkhd(t, lying, path, tc.matrix)
				want = rawFrame(t, path, "-vf", "scale="+tc.in) // ffmpeg turns it first
			}
			opts := Options{MaxWidth: tc.maxSide, MaxHeight: tc.maxSide}
			frames, _ := readAll(t, path, opts)
			got := frames[0]
			if most := mostDifference(got.Pix, want); most > tolerance {
				t.Errorf("picture differs by up to %d levels from ffmpeg's", most)
			}
			opts.Latent = true
			frames, _ = readAll(t, path, opts)
			late := frames[0]
			if latent := late.Pix == nil; latent != (tc.turned && turns(got.Width, got.Height)) {
				t.Errorf("picture is latent: %v", latent)
			}
			for range 2 {
				if late.Develop(); !bytes.Equal(late.Pix, got.Pix) {
					t.Error("a picture developed is another than one that is not latent")
				}
			}
		})
	}
}

// mostDifference of two pictures, levels; 256 where they are not of one size.
func mostDifference(a, b []byte) int {
	if len(a) != len(b) {
		return 256
	}
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

// BenchmarkDevelop turns a picture of 1080p.
func BenchmarkDevelop(b *testing.B) {
	const width, height = 1920, 1080
	info := Info{PixelFormat: "yuv420p", ColorMatrix: "bt709"}
	if !turns(width, height) {
		b.Skip("ffmpeg does it on this processor")
	}
	f := Frame{Width: width, Height: height, planes: make([]byte, YUV.Size(width, height))}
	for b.Loop() {
		f.colours = info.colours()
		f.Develop()
	}
}
