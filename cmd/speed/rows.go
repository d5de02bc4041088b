package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// usage is what a command and its children took.
type usage struct {
	wall, cpu time.Duration
	peakMB    float64 // of the largest process
}

// measured runs a command to its end.
func measured(cmd *exec.Cmd) (usage, error) {
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, strings.TrimSpace(complaint.String()))
	}
	u := usage{wall: time.Since(begun), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peakMB = float64(r.Maxrss) / 1024 // kilobytes on Linux
	}
	return u, nil
}

// analyze measures one run on a clip.
func (b *bench) analyze(clip string, args ...string) (usage, error) {
	return measured(exec.Command(b.bin, b.args(clip, args...)...))
}

// args are the program's for a run on a clip.
func (b *bench) args(clip string, more ...string) []string {
	return append(append([]string{"analyze", "--quiet", "--overwrite", "-o", b.dir}, more...), clip)
}

// median of three runs.
func (b *bench) median(clip string, args ...string) (usage, error) {
	var all []usage
	for range 3 {
		u, err := b.analyze(clip, args...)
		if err != nil {
			return u, err
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(p, q usage) int { return cmp.Compare(p.wall, q.wall) })
	return all[1], nil
}

// ratios are a run's and what it is compared with.
type ratios struct {
	usage                     // the run's
	network, decode   float64 // of a frame, seconds of one core
	overhead, scaling float64
}

// beside runs the clip without video three times, and next to each run what it is
// compared with, since machines are quicker at one time than at another. Each number
// is the median of its own.
func (b *bench) beside() (ratios, error) {
	var wall, network, decode, overhead, scaling, peak []float64
	for range 3 {
		all, err := b.analyze(b.short, "--no-video")
		if err != nil {
			return ratios{}, err
		}
		n, d, err := b.parts()
		if err != nil {
			return ratios{}, err
		}
		one, err := measured(exec.Command("taskset", append([]string{"-c", "0", b.bin}, b.args(b.short, "--no-video")...)...))
		if err != nil {
			return ratios{}, err
		}
		took := all.wall.Seconds()
		wall, network, decode, peak = append(wall, took), append(network, n), append(decode, d), append(peak, all.peakMB)
		overhead = append(overhead, took/(shortS*fps*(n+d)/float64(runtime.NumCPU())))
		scaling = append(scaling, one.wall.Seconds()/took)
	}
	return ratios{
		usage:   usage{wall: time.Duration(middle(wall) * float64(time.Second)), peakMB: middle(peak)},
		network: middle(network), decode: middle(decode), overhead: middle(overhead), scaling: middle(scaling),
	}, nil
}

func (b *bench) rows() ([]row, error) {
	var rows []row
	add := func(what, target, format string, values ...any) {
		rows = append(rows, row{what, fmt.Sprintf(format, values...), target})
	}
	realTime := func(u usage) (times, perSecond float64) {
		return shortS / u.wall.Seconds(), shortS * fps / u.wall.Seconds()
	}
	full, err := b.beside()
	if err != nil {
		return nil, err
	}
	times, perSecond := realTime(full.usage)
	add("analyse 1080p30, full network, no video", "≥ 2.5× real time", "%.2f× (%.0f frames/s)", times, perSecond)
	drawn, err := b.median(b.short)
	if err != nil {
		return nil, err
	}
	times, perSecond = realTime(drawn)
	add("the same with the annotated video", "≥ 1.3×", "%.2f× (%.0f frames/s)", times, perSecond)
	lite, err := b.median(b.short, "--no-video", "--quality", "fast")
	if err != nil {
		return nil, err
	}
	times, perSecond = realTime(lite)
	add("lite network, no video", "≥ 3.5×", "%.2f× (%.0f frames/s)", times, perSecond)
	add("wall time over network and decoding perfectly spread", "≤ 1.25", "%.2f (network %.1f ms, decoding %.1f ms a frame)",
		full.overhead, 1000*full.network, 1000*full.decode)
	add("all cores over one", "≥ 1.8× on two", "%.2f×", full.scaling)

	long, err := b.analyze(b.long, "--no-video")
	if err != nil {
		return nil, err
	}
	uhd, err := b.analyze(b.uhd, "--no-video")
	if err != nil {
		return nil, err
	}
	add(fmt.Sprintf("cost of a frame, %d s over %d s", longS, shortS), "1", "%.2f", long.wall.Seconds()/longS/(full.wall.Seconds()/shortS))
	add(fmt.Sprintf("memory of the largest process, 1080p, %d s and %d s", shortS, longS), "≤ 600 MB, within 10 %", "%.0f and %.0f MB", full.peakMB, long.peakMB)
	add("the same, 4K", "≤ 1000 MB", "%.0f MB", uhd.peakMB)
	folder := filepath.Join(b.dir, "long")
	size, err := os.Stat(filepath.Join(folder, "recording.sfr"))
	if err != nil {
		return nil, err
	}
	add("recording, per second of clip", "≤ 20 KB", "%.1f KB", float64(size.Size())/longS/1000)
	again, err := often(func() (time.Duration, error) { return b.took("reanalyze", "--quiet", folder) })
	if err != nil {
		return nil, err
	}
	start, err := often(func() (time.Duration, error) { return b.took("version") })
	if err != nil {
		return nil, err
	}
	add(fmt.Sprintf("reanalyze, %d s clip", longS), "≤ 0.15 s", "%.2f s, of which start-up %.2f", again, start)
	first, err := often(b.firstFrame)
	if err != nil {
		return nil, err
	}
	add("start-up to the first frame measured", "≤ 0.5 s", "%.2f s", first)
	return rows, nil
}

// often is the median, in seconds, of what takes so little that one look is mostly
// chance.
func often(measure func() (time.Duration, error)) (seconds float64, err error) {
	var all []float64
	for range 5 {
		d, err := measure()
		if err != nil {
			return 0, err
		}
		all = append(all, d.Seconds())
	}
	return middle(all), nil
}

// took is the time of one run of the program.
func (b *bench) took(args ...string) (time.Duration, error) {
	u, err := measured(exec.Command(b.bin, args...))
	return u.wall, err
}

// firstFrame is the time from start to the first frame that is told as done.
func (b *bench) firstFrame() (time.Duration, error) {
	cmd := exec.Command(b.bin, "analyze", "--json", "--no-video", "--overwrite", "-o", b.dir, b.short)
	lines, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	took := time.Duration(math.MaxInt64)
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		var line struct{ Done int }
		if json.Unmarshal(scan.Bytes(), &line) == nil && line.Done > 0 {
			took = min(took, time.Since(begun))
		}
	}
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%s: %w", b.bin, err)
	}
	if took == math.MaxInt64 {
		return 0, fmt.Errorf("%s told of no frame", b.bin)
	}
	return took, nil
}
