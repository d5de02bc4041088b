package perception

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
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
	opts := Options{Program: "test", Quality: pose.Fast, SampleHz: 30}
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
		"other network":  {Program: "test", Quality: pose.Balanced, SampleHz: 30},
		"other version":  {Program: "other", Quality: pose.Fast, SampleHz: 30},
		"other rate":     {Program: "test", Quality: pose.Fast, SampleHz: 15},
		"as it suffices": {Program: "test", Quality: pose.Fast},
		"slow motion":    {Program: "test", Quality: pose.Fast, SampleHz: 30, CaptureFPS: 60},
	} {
		if same, err := Fits(t.Context(), rec, clip, o); err != nil || same {
			t.Errorf("%s: the recording fits (%v)", name, err)
		}
	}
	if same, err := Fits(t.Context(), rec, part(t, "1", "scale=180:320"), opts); err != nil || same {
		t.Errorf("other clip: the recording fits (%v)", err)
	}
}

// Pictures that the networks do not see give the outline that they would have.
func TestRunOutlinesBetween(t *testing.T) {
	clip := part(t, "2.4", "scale=360:640") // stands, and goes down
	opts := Options{Program: "test", Quality: pose.Fast}
	got, err := Run(t.Context(), clip, opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.SampleHz = 30
	want, err := Run(t.Context(), clip, opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Frames) != len(want.Frames) {
		t.Fatalf("%d frames, want %d", len(got.Frames), len(want.Frames))
	}
	between := 0
	var off []float64
	for i := 1; i+1 < len(got.Frames); i++ {
		f, w := &got.Frames[i], &want.Frames[i]
		hip := func(i int) float64 { return got.Frames[i].Landmarks[recording.LeftHip].Y }
		if _, lean := f.Trunk.Normal(recording.Left); lean == 0 || math.Abs(hip(i-1)+hip(i+1)-2*hip(i)) > 1e-9 || hip(i) == hip(i-1) {
			continue
		}
		between++
		_, trunk := w.Trunk.Normal(recording.Left)
		for _, side := range []recording.Side{recording.Left, recording.Right} {
			e, v := f.Trunk.Edge(side), w.Trunk.Edge(side)
			for k := range min(len(e), len(v)) {
				// The axes differ by the landmarks' jitter, so points are compared.
				p, q := f.Trunk.At(side, k, e[k].Offset), w.Trunk.At(side, k, v[k].Offset)
				if n, _ := w.Trunk.Normal(side); e[k].Occluder == recording.Clear && v[k].Occluder == recording.Clear && !math.IsNaN(p.X+q.X) {
					off = append(off, math.Abs((p.X-q.X)*n.X+(p.Y-q.Y)*n.Y)/trunk)
				}
			}
		}
	}
	if between < 10 {
		t.Fatalf("%d pictures were left to the outline", between)
	}
	slices.Sort(off)
	if n := len(off); n < 50*between || off[n/2] > 0.01 || off[9*n/10] > 0.05 {
		t.Errorf("of %d samples in %d pictures half are off by %.4f trunks and a tenth by %.4f", n, between, off[n/2], off[9*n/10])
	} else {
		t.Logf("%d samples in %d pictures: half are off by %.4f trunks, a tenth by %.4f", n, between, off[n/2], off[9*n/10])
	}
}

// A clip that plays four times slower than it was filmed, and is said to or
// says so itself, is seen as the clip that plays as filmed.
func TestSlowMotionIsSeenAsItWasFilmed(t *testing.T) {
	normal := part(t, "1", "scale=180:320")
	dir := t.TempDir()
	opts := Options{Quality: pose.Fast, SampleHz: 15}
	want, err := Run(t.Context(), normal, opts)
	if err != nil {
		t.Fatal(err)
	}
	slow := func(name string, args ...string) string {
		path := filepath.Join(dir, name)
		args = append([]string{"-v", "error", "-i", normal, "-c", "copy", "-bsf:v", "setts=pts=4*PTS:dts=4*DTS:duration=4*DURATION"}, args...)
		if out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v: %s", err, out)
		}
		return path
	}
	silent := slow("silent.mp4")
	tagged := slow("android.mp4", "-movflags", "use_metadata_tags", "-metadata", "com.android.capture.fps=30")
	for _, tc := range []struct {
		name, clip string
		capture    float64
		scale      float64 // of the times
	}{
		{"said to be", silent, 30, 1},
		{"says so itself", tagged, 0, 1},
		{"taken as it plays", tagged, 7.5, 4},
		{"not said", silent, 0, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := opts
			o.CaptureFPS = tc.capture
			got, err := Run(t.Context(), tc.clip, o)
			if err != nil {
				t.Fatal(err)
			}
			if d := got.Clip.DurationS - tc.scale*want.Clip.DurationS; math.Abs(d) > 0.01 {
				t.Errorf("%.3f s, want %g times %.3f s", got.Clip.DurationS, tc.scale, want.Clip.DurationS)
			}
			if play := got.Clip.PlayTime(got.Clip.DurationS); math.Abs(play-4*want.Clip.DurationS) > 0.01 {
				t.Errorf("plays %.3f s, want four times %.3f s", play, want.Clip.DurationS)
			}
			if tc.scale != 1 {
				return
			}
			if len(got.Frames) != len(want.Frames) {
				t.Fatalf("%d frames, want %d", len(got.Frames), len(want.Frames))
			}
			for i := range got.Frames {
				g, w := &got.Frames[i], &want.Frames[i]
				gh, wh := g.Landmarks[recording.LeftHip], w.Landmarks[recording.LeftHip]
				if math.Abs(g.Time-w.Time) > 1e-5 || g.Index != w.Index || math.Hypot(gh.X-wh.X, gh.Y-wh.Y) > 0.5 { // times differ by nanoseconds
					t.Fatalf("frame %d is number %d at %.6f s with the hip at %.2f, want number %d at %.6f s at %.2f", i, g.Index, g.Time, gh, w.Index, w.Time, wh)
				}
			}
		})
	}
}

// Frames in which something hides the lifter are read a second time, and take
// their own places in the recording.
func TestRunLooksAgain(t *testing.T) {
	const size = "scale=450:800"
	opts := Options{Program: "test", Quality: pose.Fast, SampleHz: 30}
	calls, last, total := 0, 0, 0
	opts.Progress = func(done, of int) {
		calls++
		if done != last+1 || of < done {
			t.Errorf("progress %d of %d after %d", done, of, last)
		}
		last, total = done, of
	}
	want, err := Run(t.Context(), part(t, "1", size), opts)
	if err != nil {
		t.Fatal(err)
	}
	if calls != len(want.Frames) || total != calls {
		t.Errorf("%d calls, of %d in the end, want one for each of %d frames", calls, total, len(want.Frames))
	}
	calls, last = 0, 0
	got, err := Run(t.Context(), part(t, "1", size+",drawbox=x=50:y=120:w=350:h=560:color=gray:t=fill:enable='between(n,12,17)'"), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Frames) != len(want.Frames) {
		t.Fatalf("%d frames, want %d", len(got.Frames), len(want.Frames))
	}
	// Each look at the 6 frames that are hidden is a sign of life, and so is each
	// frame that is read on the way to them.
	if least := len(got.Frames) + 18 + 6; calls < least {
		t.Errorf("%d calls, want at least %d", calls, least)
	}
	hip := func(f *recording.Frame) (x, y float64) {
		l, r := f.Landmarks[recording.LeftHip], f.Landmarks[recording.RightHip]
		return (l.X + r.X) / 2, (l.Y + r.Y) / 2
	}
	held := 0
	for i := range got.Frames {
		f, g := &want.Frames[i], &got.Frames[i]
		if f.Index != g.Index || f.Time != g.Time {
			t.Errorf("frame %d is %d at %g s, want %d at %g s", i, g.Index, g.Time, f.Index, f.Time)
		}
		if g.Tracking == recording.Held {
			held++
			continue
		}
		x, y := hip(f)
		gx, gy := hip(g)
		if _, trunk := f.Trunk.Normal(recording.Left); math.Hypot(gx-x, gy-y) > 0.25*trunk {
			t.Errorf("frame %d: sure of hips %.2f trunks off", i, math.Hypot(gx-x, gy-y)/trunk)
		}
	}
	if held == 0 || held > 12 {
		t.Errorf("%d frames are held, want about the 6 in which the lifter is hidden", held)
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
		{"faster than filmed", t.Context(), part(t, "1", "scale=180:320"), Options{CaptureFPS: 10}, ErrCaptureFPS, "plays 30 pictures a second and cannot have been filmed at 10"},
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
	for _, o := range []Options{{Quality: "best"}, {Engine: "gpu"}, {Threads: -1}, {SampleHz: 5}, {SampleHz: math.NaN()}, {CaptureFPS: -1}, {CaptureFPS: math.NaN()}} {
		if o.Validate() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
