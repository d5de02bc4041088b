package perception

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
)

// part cuts a piece out of the bundled squat.
func part(t *testing.T, seconds, filter string) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join("..", "..", "testdata", "squat.mp4"),
		"-t", seconds, "-vf", filter, clip).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return clip
}

func TestRunRecordsTheClip(t *testing.T) {
	clip := part(t, "1.5", "scale=360:640")
	opts := Options{Program: "test", Quality: pose.Fast}
	calls := 0
	opts.Progress = func(done, total int) { calls++ }
	rec, err := Run(t.Context(), clip, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Frames) != 45 || calls != 45 || rec.Clip.Frames != 45 || rec.Clip.Width != 360 || rec.Clip.Height != 640 {
		t.Errorf("%d frames, %d calls, clip %+v", len(rec.Frames), calls, rec.Clip)
	}
	if rec.Model.Quality != "fast" || rec.Model.Program != "test" || len(rec.Model.Landmarker) != 64 {
		t.Errorf("model %+v", rec.Model)
	}
	outlined := 0
	for i := range rec.Frames {
		f := &rec.Frames[i]
		if i > 0 && !(f.Time > rec.Frames[i-1].Time) {
			t.Errorf("frame %d at %g s comes after %g s", i, f.Time, rec.Frames[i-1].Time)
		}
		if len(f.Trunk.Left) == recording.NumStations && len(f.Trunk.Right) == recording.NumStations {
			outlined++
		}
	}
	if outlined < 43 {
		t.Errorf("the trunk was outlined in %d of 45 frames", outlined)
	}

	if same, err := Fits(t.Context(), rec, clip, opts); err != nil || !same {
		t.Errorf("the recording does not fit its own clip: %v", err)
	}
	for name, o := range map[string]Options{
		"other network": {Program: "test", Quality: pose.Balanced},
		"other version": {Program: "other", Quality: pose.Fast},
		"other rate":    {Program: "test", Quality: pose.Fast, SampleHz: 15},
	} {
		if same, err := Fits(t.Context(), rec, clip, o); err != nil || same {
			t.Errorf("%s: the recording fits (%v)", name, err)
		}
	}
	if same, err := Fits(t.Context(), rec, part(t, "1", "scale=180:320"), opts); err != nil || same {
		t.Errorf("other clip: the recording fits (%v)", err)
	}
}

func TestRunRefuses(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		clip string
		opts Options
		is   error
		says string
	}{
		{"too short", t.Context(), part(t, "0.4", "scale=180:320"), Options{}, ErrTooShort, "too short: 0.4 s"},
		{"nobody there", t.Context(), part(t, "1", "crop=160:560:560:720"), Options{Quality: pose.Fast}, ErrNoPerson, "no person found"},
		{"no file", t.Context(), filepath.Join(t.TempDir(), "none.mp4"), Options{}, fs.ErrNotExist, "none.mp4"},
		{"ended context", ended, part(t, "1", "scale=180:320"), Options{}, context.Canceled, ""},
		{"unknown quality", t.Context(), "clip.mp4", Options{Quality: "best"}, nil, `unknown quality "best" (one of fast, balanced, accurate)`},
		{"unknown engine", t.Context(), "clip.mp4", Options{Engine: "gpu"}, nil, `unknown engine "gpu"`},
		{"too few pictures", t.Context(), "clip.mp4", Options{SampleHz: 5}, nil, "sample rate must be from 10 to 1000"},
		{"no library", t.Context(), "clip.mp4", Options{Engine: infer.ONNXRuntime, LibraryPath: t.TempDir()}, infer.ErrNoONNXRuntime, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec, err := Run(tc.ctx, tc.clip, tc.opts)
			if err == nil || rec != nil {
				t.Fatalf("got %v, %v", rec, err)
			}
			if tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("%v is not %v", err, tc.is)
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q does not say %q", err, tc.says)
			}
		})
	}
}

func TestOptionsValidate(t *testing.T) {
	if err := (Options{}).Validate(); err != nil {
		t.Errorf("the zero options: %v", err)
	}
	for _, o := range []Options{{Quality: "best"}, {Engine: "gpu"}, {Threads: -1}, {SampleHz: 5}, {SampleHz: math.NaN()}} {
		if o.Validate() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
