// Package corpus makes hard clips out of an easy one: turned, mirrored, at odd
// rates, in other codecs, in a bad light, broken. Of each it says what has to
// become of it: the easy clip's result, or a refusal in so many words.
//
// Ffmpeg makes them, so nothing large needs to be kept. "make corpus" writes
// them all and holds the program to them; the tests of this package do the same
// with the ones that are quick.
package corpus

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Group is a kind of difficulty.
type Group string

// Groups.
const (
	Orientation Group = "orientation"
	Time        Group = "time"
	Codec       Group = "codec"
	Scene       Group = "scene"
	Broken      Group = "broken file"
)

// Clip is a hard clip that can be made, and what has to become of it.
type Clip struct {
	Name  string
	Group Group
	File  string // its name, which says the container

	CaptureFPS float64 // to be told to the program; 0: nothing
	Flipped    bool    // left and right are exchanged against the easy clip

	// Refused is the end of the error's message; empty: the clip has the easy
	// one's result.
	Refused string
	// Within is how far the flexion may be from the easy clip's, degrees; 0: 8.
	Within float64
	// Loses is set where repetitions may be missing, but none may be wrong.
	Loses bool
	// Slow clips are left to "make corpus": they take long, or the tests of
	// package video already hold their pictures and times to ffmpeg's own.
	Slow bool

	input []string                          // options before the easy clip
	args  []string                          // and after it
	after func(data []byte) ([]byte, error) // what is done to the file
}

// PlainSeconds is how much of the source [Plain] takes: one repetition.
const PlainSeconds = 5

// Plain makes the easy clip of the bundled one: its first repetition, small.
func Plain(ctx context.Context, source, path string) error {
	return ffmpeg(ctx, []string{"-i", "file:" + source}, append([]string{
		"-t", fmt.Sprint(PlainSeconds), "-vf", "scale=360:640",
	}, h264...), path)
}

// Make writes the clip into dir, from the easy clip at plain, and returns its path.
func (c *Clip) Make(ctx context.Context, plain, dir string) (string, error) {
	path := filepath.Join(dir, c.File)
	input := append(append([]string{}, c.input...), "-i", "file:"+plain)
	if err := ffmpeg(ctx, input, c.args, path); err != nil {
		return "", fmt.Errorf("make clip %q: %w", c.Name, err)
	}
	if c.after == nil {
		return path, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("make clip %q: %w", c.Name, err)
	}
	if data, err = c.after(data); err != nil {
		return "", fmt.Errorf("make clip %q: %w", c.Name, err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return "", fmt.Errorf("make clip %q: %w", c.Name, err)
	}
	return path, nil
}

func ffmpeg(ctx context.Context, input, args []string, path string) error {
	all := append([]string{"-nostdin", "-v", "error", "-y"}, input...)
	all = append(append(all, args...), "file:"+path)
	out, err := exec.CommandContext(ctx, "ffmpeg", all...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg %s: %w: %s", strings.Join(all, " "), err, out)
	}
	return nil
}

// h264 is how clips are coded unless the coding is what makes them hard. Phones
// use B-frames.
var h264 = []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-bf", "2", "-pix_fmt", "yuv420p"}

// filtered is the easy clip through a filter chain, in H.264.
func filtered(chain string) []string { return append([]string{"-vf", chain}, h264...) }

// composed is the easy clip through a filter graph with output [out], in H.264.
func composed(graph string) []string {
	return append([]string{"-filter_complex", graph, "-map", "[out]"}, h264...)
}
