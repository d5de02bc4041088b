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
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spineflex/spineflex/pkg/recording/synth"
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
	// Within is how far the flexion may be from the truth, degrees; 0: the usual 7.
	Within float64
	// Loses is set where repetitions may be missing, but none may be wrong.
	Loses bool
	// Slow clips are left to "make corpus": they take long, or the tests of
	// package video already hold their pictures and times to ffmpeg's own.
	Slow bool

	// Hides is set where the back is hidden or in doubt: no verdict is right, too.
	Hides bool

	input []string                          // options before the easy clip
	args  []string                          // and after it
	paint func(*canvas)                     // instead: what is painted over each picture
	after func(data []byte) ([]byte, error) // what is done to the file
}

// The easy clip.
const (
	// PlainSeconds is how much of the bundled clip it is: one repetition.
	PlainSeconds            = 5
	plainWidth, plainHeight = 360, 640
)

// Easy is the clip that hard ones are made of.
type Easy struct {
	Path  string
	Truth *synth.Truth // of the clip that it was made of
}

// NewEasy makes the easy clip at path of the bundled one at source, beside which
// is its truth: its first repetition, small.
func NewEasy(ctx context.Context, source, path string) (*Easy, error) {
	truth, err := synth.Load(strings.TrimSuffix(source, filepath.Ext(source)) + ".truth.json")
	if err != nil {
		return nil, err
	}
	err = ffmpeg(ctx, []string{"-i", "file:" + source}, append([]string{
		"-t", fmt.Sprint(PlainSeconds), "-vf", fmt.Sprintf("scale=%d:%d", plainWidth, plainHeight),
	}, h264...), path)
	return &Easy{Path: path, Truth: truth}, err
}

// PeakFlexion is the greatest flexion of the easy clip's repetition, degrees.
func (e *Easy) PeakFlexion() float64 {
	peak := math.Inf(-1)
	for i := range e.frames() {
		peak = max(peak, e.Truth.Frames[i].LumbarFlexion)
	}
	return peak
}

// HipHeightPct is how high the hip is above the ankle where it is lowest, per
// cent of standing.
func (e *Easy) HipHeightPct() float64 {
	highest, lowest := math.Inf(-1), math.Inf(1)
	for i := range e.frames() {
		p := e.Truth.Frames[i].Points
		h := p["right_ankle"][1] - p["right_hip"][1]
		highest, lowest = max(highest, h), min(lowest, h)
	}
	return 100 * lowest / highest
}

// frames is how many of the bundled clip's are in it.
func (e *Easy) frames() int { return int(PlainSeconds * e.Truth.FPS) }

// Make writes the clip into dir and returns its path.
func (c *Clip) Make(ctx context.Context, easy *Easy, dir string) (string, error) {
	path := filepath.Join(dir, c.File)
	var err error
	if c.paint != nil {
		err = easy.paintOver(ctx, c.paint, path)
	} else {
		err = ffmpeg(ctx, append(append([]string{}, c.input...), "-i", "file:"+easy.Path), c.args, path)
	}
	if err != nil {
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
	cmd := command(ctx, input, args, path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return nil
}

func command(ctx context.Context, input, args []string, path string) *exec.Cmd {
	all := append([]string{"-nostdin", "-v", "error", "-y"}, input...)
	return exec.CommandContext(ctx, "ffmpeg", append(append(all, args...), "file:"+path)...)
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
