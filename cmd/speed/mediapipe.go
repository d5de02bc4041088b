package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/video"
)

// Of the frames that both follow the lifter through, the first are not counted.
const warmUp, counted = 10, 150

//go:embed mediapipe.html
var mediapipePage string

// checkMediaPipe reports that a folder does not hold the package.
func checkMediaPipe(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "pose.js")); err != nil {
		return fmt.Errorf("look for MediaPipe: %w; unpack here what this fetches: npm pack @mediapipe/pose@0.5.1675469404", err)
	}
	return nil
}

// againstMediaPipe compares our tracker with MediaPipe's own, the npm package
// @mediapipe/pose in a folder, on the same frames and in turns.
func againstMediaPipe(folder, clip string) (row, error) {
	frames, err := decoded(clip, warmUp+counted)
	if err != nil {
		return row{}, err
	}
	// A network has half the cores of a runtime: one of two in an analysis,
	// where the other is for the outline, and all where only landmarks are wanted.
	var theirs, ours, alone []float64
	for range 3 {
		for _, of := range []struct {
			ms    *[]float64
			track func() ([]float64, error)
		}{
			{&theirs, func() ([]float64, error) { return trackTheirs(folder, frames) }},
			{&ours, func() ([]float64, error) { return trackOurs(frames, runtime.NumCPU()) }},
			{&alone, func() ([]float64, error) { return trackOurs(frames, 2*runtime.NumCPU()) }},
		} {
			took, err := of.track()
			if err != nil {
				return row{}, err
			}
			*of.ms = append(*of.ms, middle(took[warmUp:]))
		}
	}
	t, o, a := middle(theirs), middle(ours), middle(alone)
	return row{
		"MediaPipe's own solution over ours, landmarks only, a frame looked at",
		fmt.Sprintf("%.1f (%.1f ms over %.1f); our network on all cores %.1f (over %.1f)", t/o, t, o, t/a, a), "≥ 5",
	}, nil
}

func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// decoded reads a clip's first frames.
func decoded(clip string, n int) ([]video.Frame, error) {
	src, err := video.Open(context.Background(), clip, video.Options{})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	frames := make([]video.Frame, n)
	for i := range frames {
		if err := src.Next(&frames[i]); errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s has %d frames; %d are needed to compare", clip, i, n)
		} else if err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// trackOurs returns what each frame took, ms.
func trackOurs(frames []video.Frame, threads int) ([]float64, error) {
	rt, err := infer.NewRuntime(infer.Options{Threads: threads})
	if err != nil {
		return nil, err
	}
	nets, err := pose.LoadNetworks(pose.Balanced)
	if err != nil {
		return nil, err
	}
	tracker, err := pose.NewTracker(rt, nets)
	if err != nil {
		return nil, err
	}
	defer tracker.Close()
	took := make([]float64, len(frames))
	for i, f := range frames {
		begun := time.Now()
		if _, err := tracker.Next(pose.Image{Pix: f.Pix, Width: f.Width, Height: f.Height}, i, float64(i)/fps); err != nil {
			return nil, err
		}
		took[i] = 1000 * time.Since(begun).Seconds()
	}
	return took, nil
}

// trackTheirs does the same with MediaPipe in a browser of its own.
func trackTheirs(folder string, frames []video.Frame) ([]float64, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, mediapipePage) })
	mux.Handle("/package/", http.StripPrefix("/package/", http.FileServer(http.Dir(folder))))
	mux.HandleFunc("/frames/{i}", func(w http.ResponseWriter, r *http.Request) {
		if i, err := strconv.Atoi(r.PathValue("i")); err == nil && i < len(frames) {
			_, _ = w.Write(frames[i].Pix)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx,
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		return nil, fmt.Errorf("start a browser (Debian: apt-get install -y chromium): %w", err)
	}
	type answer struct {
		Took  []float64
		Found int
	}
	script := fmt.Sprintf("follow(%d, %d, %d, %d)", len(frames), frames[0].Width, frames[0].Height, fps)
	got, err := chromedp.Run(ctx, chromedp.Evaluate[answer](script, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("track with MediaPipe: %w", err)
	}
	if got.Found != len(frames) || len(got.Took) != len(frames) {
		return nil, fmt.Errorf("MediaPipe found the lifter in %d of %d frames", got.Found, len(frames))
	}
	return got.Took, nil
}
