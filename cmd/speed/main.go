// Command speed measures the program as its user meets it, whole runs on a
// clip of the repository scaled up to 1080p, and prints a Markdown table of
// ratios with the targets beside them.
//
//	speed -bin bin/spineflex -clip testdata/squat.mp4
//
// With -mediapipe our tracker is measured against MediaPipe's own, which is no
// part of this repository and runs in Chromium.
//
// Everything is measured in one run; compare tables only from the same machine
// with nothing else to do.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spineflex/spineflex/models"
	"github.com/spineflex/spineflex/pkg/infer"
)

const (
	shortS, longS = 10, 60 // the clips' lengths, seconds
	fps           = 30
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("speed", flag.ContinueOnError)
	bin := flags.String("bin", "bin/spineflex", "the program, a `FILE`")
	clip := flags.String("clip", "testdata/squat.mp4", "the clip to scale up, a `FILE`")
	mediapipe := flags.String("mediapipe", "", "compare with MediaPipe too: the `FOLDER` of its npm package @mediapipe/pose")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *mediapipe != "" {
		if err := checkMediaPipe(*mediapipe); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "spineflex-speed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(*bin, *clip, dir)
	if err != nil {
		return err
	}
	rows, err := b.rows()
	if err != nil {
		return err
	}
	if *mediapipe != "" {
		// Last, since a child's peak of memory counts from what its parent holds.
		r, err := againstMediaPipe(*mediapipe, *clip)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	fmt.Fprintf(out, "%d cores, %s/%s, ONNX Runtime: %t\n\n| what | measured | target |\n|---|---|---|\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.onnxruntime)
	for _, r := range rows {
		fmt.Fprintf(out, "| %s | %s | %s |\n", r.what, r.measured, r.target)
	}
	return nil
}

type row struct{ what, measured, target string }

type bench struct {
	bin, dir    string
	short, long string // clips of shortS and longS seconds, 1080p30
	uhd         string // shortS seconds of 4K
	onnxruntime bool
}

func newBench(bin, clip, dir string) (*bench, error) {
	b := &bench{
		bin: bin, dir: dir,
		short: filepath.Join(dir, "short.mp4"), long: filepath.Join(dir, "long.mp4"), uhd: filepath.Join(dir, "uhd.mp4"),
	}
	for _, c := range []struct {
		path    string
		seconds int
		scale   string
	}{{b.short, shortS, "1080:1920"}, {b.long, longS, "1080:1920"}, {b.uhd, shortS, "2160:3840"}} {
		if _, err := measured(exec.Command("ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", clip,
			"-t", fmt.Sprint(c.seconds), "-vf", "scale="+c.scale, "-r", fmt.Sprint(fps),
			"-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-an", c.path)); err != nil {
			return nil, fmt.Errorf("scale up %s: %w", clip, err)
		}
	}
	return b, nil
}

// parts is what a frame takes at least of one core: the full landmark network and
// decoding, seconds.
func (b *bench) parts() (network, decode float64, err error) {
	if network, b.onnxruntime, err = networkSeconds(); err != nil {
		return 0, 0, err
	}
	u, err := measured(exec.Command("ffmpeg", "-v", "error", "-i", b.short, "-f", "null", "-"))
	if err != nil {
		return 0, 0, fmt.Errorf("decode: %w", err)
	}
	return network, u.cpu.Seconds() / (shortS * fps), nil
}

// networkSeconds is how long the full landmark network takes for a picture on
// one core.
func networkSeconds() (seconds float64, onnxruntime bool, err error) {
	rt, err := infer.NewRuntime(infer.Options{Threads: 1})
	if err != nil {
		return 0, false, err
	}
	model, err := models.Full().Load()
	if err != nil {
		return 0, false, err
	}
	net, err := rt.OpenParts(model)
	if err != nil {
		return 0, false, err
	}
	defer net.Close()
	const warmUp, runs = 5, 60
	var begun time.Time
	for i := range warmUp + runs {
		if i == warmUp {
			begun = time.Now()
		}
		if err := net.Head.Run(); err != nil {
			return 0, false, err
		}
		if net.Tail == nil {
			continue
		}
		if err := net.Tail.Run(); err != nil {
			return 0, false, err
		}
	}
	return time.Since(begun).Seconds() / runs, rt.Fallback() == nil, nil
}
