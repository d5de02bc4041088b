package corpus

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Seeds makes the whole clips in dir that [Mutate] damages, unless they are
// there, and returns their paths: a good second of the easy clip, tiny, in every
// kind of container.
func Seeds(ctx context.Context, easy *Easy, dir string) ([]string, error) {
	tiny := []string{"-t", "1.2", "-vf", "scale=180:320,fps=10", "-pix_fmt", "yuv420p"}
	var paths []string
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make whole clips: %w", err)
	}
	for _, s := range []struct {
		file string
		args []string
	}{
		{"front.mp4", []string{"-c:v", "libx264", "-movflags", "+faststart"}},
		{"back.mp4", []string{"-c:v", "libx264", "-bf", "2"}},
		{"fragments.mp4", []string{"-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov", "-g", "5"}},
		{"hevc.mov", []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0"}},
		{"h264.mkv", []string{"-c:v", "libx264"}},
		{"vp9.webm", []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"}},
		{"av1.mp4", []string{"-c:v", "libsvtav1", "-preset", "12", "-movflags", "+faststart"}},
		{"mjpeg.avi", []string{"-c:v", "mjpeg"}},
		{"mpeg2.ts", []string{"-c:v", "mpeg2video", "-r", "25"}},
		{"animated.gif", []string{"-pix_fmt", "rgb8"}},
	} {
		path := filepath.Join(dir, s.file)
		paths = append(paths, path)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := ffmpeg(ctx, []string{"-i", "file:" + easy.Path}, append(slices.Clone(tiny), s.args...), path); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// Mutant is one damaged clip.
type Mutant struct {
	Path   string
	Damage string // in a word
}

// Mutate writes damaged clip number i of the series seed into dir. The same
// numbers give the same clip.
func Mutate(seeds []string, dir string, seed uint64, i int) (Mutant, error) {
	rng := rand.New(rand.NewPCG(seed, uint64(i)))
	from := seeds[rng.IntN(len(seeds))]
	data, err := os.ReadFile(from)
	if err != nil {
		return Mutant{}, fmt.Errorf("damage a clip: %w", err)
	}
	other, err := os.ReadFile(seeds[rng.IntN(len(seeds))])
	if err != nil {
		return Mutant{}, fmt.Errorf("damage a clip: %w", err)
	}
	d := damages[rng.IntN(len(damages))]
	data = d.do(rng, data, other)
	m := Mutant{filepath.Join(dir, fmt.Sprintf("%d-%05d-%s-%s", seed, i, d.name, filepath.Base(from))), d.name}
	if err := os.WriteFile(m.Path, data, 0o644); err != nil {
		return Mutant{}, fmt.Errorf("damage a clip: %w", err)
	}
	return m, nil
}

var damages = []struct {
	name string
	do   func(rng *rand.Rand, data, other []byte) []byte
}{
	{"bits", func(rng *rand.Rand, data, _ []byte) []byte {
		for range 1 + rng.IntN(64) {
			data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
		}
		return data
	}},
	{"header", func(rng *rand.Rand, data, _ []byte) []byte {
		for range 1 + rng.IntN(8) {
			data[rng.IntN(min(len(data), 2048))] = byte(rng.Uint32())
		}
		return data
	}},
	{"cut", func(rng *rand.Rand, data, _ []byte) []byte { return data[:rng.IntN(len(data))] }},
	{"hole", func(rng *rand.Rand, data, _ []byte) []byte {
		a, b := span(rng, len(data))
		fill := byte([]int{0, 0xFF, int(rng.Uint32() & 0xFF)}[rng.IntN(3)])
		for i := a; i < b; i++ {
			data[i] = fill
		}
		return data
	}},
	{"missing", func(rng *rand.Rand, data, _ []byte) []byte {
		a, b := span(rng, len(data))
		return slices.Delete(data, a, b)
	}},
	{"twice", func(rng *rand.Rand, data, _ []byte) []byte {
		a, b := span(rng, len(data))
		return slices.Insert(data, b, slices.Clone(data[a:b])...)
	}},
	{"splice", func(rng *rand.Rand, data, other []byte) []byte {
		return append(data[:rng.IntN(len(data))], other[rng.IntN(len(other)):]...)
	}},
	{"boxes", resizeBoxes},
	{"words", func(rng *rand.Rand, data, _ []byte) []byte {
		// A count or an offset in an index that is absurd.
		at := max(0, bytes.Index(data, []byte("moov")))
		for range 1 + rng.IntN(4) {
			if i := at + 4*rng.IntN(200); i+4 <= len(data) {
				binary.BigEndian.PutUint32(data[i:], absurd(rng))
			}
		}
		return data
	}},
}

// span is a short stretch of a file.
func span(rng *rand.Rand, n int) (from, to int) {
	from = rng.IntN(n)
	return from, min(n, from+1+rng.IntN(4096))
}

// absurd is a number that arithmetic tends to forget.
func absurd(rng *rand.Rand) uint32 {
	return []uint32{0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF7, rng.Uint32()}[rng.IntN(9)]
}

// boxes are those of an MP4's index, whose sizes stand before their names.
var boxes = []string{
	"ftyp", "moov", "mvhd", "trak", "tkhd", "edts", "elst", "mdia", "mdhd", "hdlr", "minf", "stbl", "stsd", "avc1", "avcC",
	"hvc1", "av01", "stts", "ctts", "stsc", "stsz", "stco", "stss", "mdat", "moof", "traf", "trun", "tfhd",
}

// resizeBoxes changes the sizes of one to three boxes. A clip without boxes gets
// an absurd word instead.
func resizeBoxes(rng *rand.Rand, data, _ []byte) []byte {
	for range 1 + rng.IntN(3) {
		at := bytes.Index(data, []byte(boxes[rng.IntN(len(boxes))])) - 4
		if at < 0 {
			at = rng.IntN(max(1, len(data)-4))
		}
		if at+4 > len(data) {
			continue
		}
		size := binary.BigEndian.Uint32(data[at:])
		switch rng.IntN(3) {
		case 0:
			size = absurd(rng)
		case 1:
			size += uint32(rng.IntN(64)) - 32
		default:
			size *= 2
		}
		binary.BigEndian.PutUint32(data[at:], size)
	}
	return data
}
