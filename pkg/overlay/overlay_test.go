package overlay

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/video"
)

var update = flag.Bool("update", false, "rewrite the golden pictures")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// squats is a constructed set in a w × h picture: a stick figure of height
// tall, its feet at x, facing right, that squats n times in 2 s each with
// half a second between, and leaves neutral at 70% of the depth in every rep.
func squats(w, h int, x, tall float64, n int) *analysis.Analysis {
	nan := math.NaN()
	const fps, repS, restS, onset, bend = 30.0, 2.0, 0.5, 0.7, 30.0
	a := &analysis.Analysis{
		Clip:     recording.Clip{File: "squat.mp4", Width: w, Height: h, MeanFPS: fps},
		Exercise: lift.Squat, Facing: lift.FacingRight,
		SafeRange: rom.SafeRange{Verdict: rom.Breaks, DepthPct: 100 * onset, DepthPctCI90: [2]float64{64, 75}, ThighDeg: 21, BoxHeightCM: nan, BlockHeightCM: nan, BrokenReps: n, Advice: "Squat to a box at this depth for three to four weeks."},
	}
	a.Clip.DurationS = restS + float64(n)*(repS+restS)
	a.Clip.Frames = int(a.Clip.DurationS * fps)
	for i := range n {
		t0 := restS + float64(i)*(repS+restS)
		a.Reps = append(a.Reps, analysis.Rep{
			Index: i + 1, StartS: t0, BottomS: t0 + repS/2, EndS: t0 + repS, PeakFlexionDeg: bend, PeakFlexionSDDeg: 2, PeakS: t0 + repS/2,
			Bottom:    lift.Posture{DepthPct: 100, ThighDeg: -5},
			Breakdown: &rom.Breakdown{Posture: lift.Posture{TimeS: t0 + repS/math.Pi*math.Asin(onset), DepthPct: 100 * onset, HipFlexion: nan}, Direction: lift.Down, Cause: rom.CauseKnee},
		})
	}
	ground := (float64(h) + tall) / 2
	for i := range a.Clip.Frames {
		f := analysis.Frame{Index: i, Time: float64(i) / fps, LumbarFlexionSD: 2, Confidence: 0.9, HipFlexion: nan}
		d := 0.0
		for k := range a.Reps {
			if r := &a.Reps[k]; f.Time >= r.StartS && f.Time <= r.EndS {
				d, f.Rep = math.Sin(math.Pi*(f.Time-r.StartS)/repS), r.Index
			}
		}
		f.DepthPct = 100 * d
		f.LumbarFlexion = bend / (1 - onset) * math.Max(0, d-onset)
		f.BeyondNeutral = d >= onset
		for l := range f.Landmarks {
			f.Landmarks[l] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: 0}
		}
		lean := 40 * d * math.Pi / 180
		ankle := point{X: x, Y: ground - 0.04*tall}
		knee := point{X: x + 0.14*tall*d, Y: ground - 0.27*tall + 0.03*tall*d}
		hip := point{X: x - 0.12*tall*d, Y: ground - 0.53*tall + 0.27*tall*d}
		shoulder := point{X: hip.X + 0.29*tall*math.Sin(lean), Y: hip.Y - 0.29*tall*math.Cos(lean)}
		for l, q := range map[recording.Landmark]point{
			recording.RightAnkle: ankle, recording.RightHeel: {X: ankle.X - 0.03*tall, Y: ground}, recording.RightFootIndex: {X: ankle.X + 0.1*tall, Y: ground},
			recording.RightKnee: knee, recording.RightHip: hip, recording.RightShoulder: shoulder,
			recording.RightElbow: {X: shoulder.X - 0.05*tall, Y: shoulder.Y + 0.14*tall}, recording.RightWrist: {X: shoulder.X + 0.03*tall, Y: shoulder.Y + 0.02*tall},
			recording.RightEar: {X: shoulder.X + 0.02*tall, Y: shoulder.Y - 0.1*tall}, recording.Nose: {X: shoulder.X + 0.07*tall, Y: shoulder.Y - 0.09*tall},
		} {
			f.Landmarks[l] = recording.Keypoint{X: q.X, Y: q.Y, Z: nan, Visibility: 0.95}
			if l > recording.Nose {
				f.Landmarks[mirror(l)] = recording.Keypoint{X: q.X + 0.01*tall, Y: q.Y, Z: nan, Visibility: 0.6}
			}
		}
		// The back is a curve behind the trunk that starts at the pelvis and
		// bends by its flexion against an arched neutral.
		curve := func(flexion float64) []point {
			const steps = 20
			c := []point{{X: hip.X - 0.07*tall, Y: hip.Y - 0.03*tall}}
			for k := range steps {
				u := (float64(k) + 0.5) / steps
				dir := lean - 10*math.Pi/180 + (flexion-25)*math.Pi/180*(u-0.5)
				q := c[len(c)-1]
				c = append(c, point{X: q.X + 0.15*tall/steps*math.Sin(dir), Y: q.Y - 0.15*tall/steps*math.Cos(dir)})
			}
			return c
		}
		f.Lumbar, f.NeutralCurve = curve(f.LumbarFlexion), curve(0)
		for k, q := range f.Lumbar {
			f.Dorsal = append(f.Dorsal, analysis.DorsalPoint{Point: q, Level: float64(k) / 20, Used: k < 16})
		}
		a.Frames = append(a.Frames, f)
	}
	return a
}

// wall is an even picture with a gradient, so that blending shows.
func wall(w, h int) []byte {
	pix := make([]byte, 3*w*h)
	for y := range h {
		for x := range w {
			v := byte(90 + 60*y/h)
			copy(pix[3*(y*w+x):], []byte{v + 10, v, v - 10})
		}
	}
	return pix
}

func TestGoldenPictures(t *testing.T) {
	worst := func(a *analysis.Analysis) float64 { return a.Reps[0].BottomS + 0.01 }
	for name, c := range map[string]struct {
		a    *analysis.Analysis
		at   func(*analysis.Analysis) float64
		opts Options
		card bool
	}{
		"portrait":   {a: squats(360, 640, 180, 420, 3), at: worst},
		"landscape":  {a: squats(640, 360, 320, 290, 3), at: worst},
		"square":     {a: squats(480, 480, 240, 340, 3), at: worst},
		"between":    {a: squats(360, 640, 180, 420, 3), at: func(*analysis.Analysis) float64 { return 0.1 }},
		"unsure":     {a: unsure(squats(360, 640, 180, 420, 3)), at: worst},
		"spine-only": {a: squats(360, 640, 180, 420, 3), at: worst, opts: Options{Style: SpineOnly}},
		"card":       {a: squats(360, 640, 180, 420, 3), card: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, h := c.a.Clip.Width, c.a.Clip.Height
			p, err := NewPainter(c.a, w, h, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			pix := wall(w, h)
			if c.card {
				err = p.PaintCard(pix)
			} else {
				err = p.Paint(pix, c.at(c.a))
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, name, bgrImage(pix, w, h, image.Rect(0, 0, w, h)))
		})
	}
}

// Drawing on YUV is drawing on BGR and converting afterwards, to within what
// rounds twice: luma pixel by pixel, chroma by the mean of its cell but where
// edges of several shapes meet in it.
func TestYUVLooksTheSame(t *testing.T) {
	const levels = 3
	for name, c := range map[string]struct {
		a    *analysis.Analysis
		card bool
	}{
		"portrait":  {a: squats(360, 640, 180, 420, 3)},
		"landscape": {a: squats(641, 363, 320, 290, 3)}, // odd
		"card":      {a: squats(360, 640, 180, 420, 3), card: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, h := c.a.Clip.Width, c.a.Clip.Height
			var pix [2][]byte
			for i, format := range []video.Format{video.BGR, video.YUV} {
				p, err := NewPainter(c.a, w, h, Options{Format: format})
				if err != nil {
					t.Fatal(err)
				}
				pix[i] = wall(w, h)
				if format == video.YUV {
					pix[i] = asYUV(pix[i], w, h)
				}
				if c.card {
					err = p.PaintCard(pix[i])
				} else {
					err = p.Paint(pix[i], c.a.Reps[0].BottomS+0.01)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			mixed := 0
			for i, want := range asYUV(pix[0], w, h) {
				switch d := int(pix[1][i]) - int(want); {
				case d >= -levels && d <= levels:
				case i < w*h:
					t.Fatalf("luma %d of %d × %d: %d, want %d", i, w, h, pix[1][i], want)
				default:
					mixed++
				}
			}
			if share := float64(mixed) / float64(len(pix[1])-w*h); share > 0.01 {
				t.Errorf("chroma differs in %.1f %% of the cells", 100*share)
			}
			// And back, where the chroma of a cell is one.
			got, want := yuvImage(pix[1], w, h, image.Rect(8, 9, w, h)), bgrImage(pix[0], w, h, image.Rect(8, 9, w, h))
			off := 0.0
			for i := range want.Pix {
				off += math.Abs(float64(got.Pix[i]) - float64(want.Pix[i]))
			}
			if off /= float64(len(want.Pix)); off > 2 {
				t.Errorf("as RGB the pictures differ by %.1f levels", off)
			}
		})
	}
}

// asYUV converts a BGR picture.
func asYUV(pix []byte, w, h int) []byte {
	out := make([]byte, video.YUV.Size(w, h))
	var c chroma
	c.on(out[w*h:], w, h)
	for cell := range c.u {
		var sum [3]float64
		n := 0.0
		for k := range 4 {
			x, y := cell%c.w*2+k%2, cell/c.w*2+k/2
			if x >= w || y >= h {
				continue
			}
			q := pix[3*(y*w+x):]
			b, g, r := float64(q[0])/255, float64(q[1])/255, float64(q[2])/255
			out[y*w+x], _, _ = yuv(r, g, b, 1)
			sum[0], sum[1], sum[2], n = sum[0]+b, sum[1]+g, sum[2]+r, n+1
		}
		_, c.u[cell], c.v[cell] = yuv(sum[2]/n, sum[1]/n, sum[0]/n, 1)
	}
	return out
}

func unsure(a *analysis.Analysis) *analysis.Analysis {
	for i := range a.Frames {
		if f := &a.Frames[i]; f.Rep == 1 {
			f.Confidence, f.BeyondNeutral = 0.2, false
		}
	}
	return a
}

// compare holds a picture against testdata. Rasterizers round differently
// with and without SIMD, so a pixel may be off by 6 of 255 and one in ten
// thousand by more.
func compare(t *testing.T, name string, got *image.RGBA) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		var b bytes.Buffer
		if err := png.Encode(&b, got); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != got.Rect {
		t.Fatalf("picture is %v, want %v", got.Rect, want.Bounds())
	}
	off := 0
	for y := range got.Rect.Dy() {
		for x := range got.Rect.Dx() {
			r, g, b, _ := want.At(x, y).RGBA()
			p := got.Pix[got.PixOffset(x, y):]
			for i, v := range []uint32{r, g, b} {
				if d := int(v>>8) - int(p[i]); d > 6 || d < -6 {
					off++
					break
				}
			}
		}
	}
	if limit := got.Rect.Dx() * got.Rect.Dy() / 10000; off > limit {
		t.Errorf("%d pixels differ from %s, at most %d may: look at it, run with -update if it is meant", off, path, limit)
	}
}

func TestLayout(t *testing.T) {
	for name, c := range map[string]struct {
		w, h    int
		x, tall float64
		clear   bool // there is room for everything beside the lifter
	}{
		"portrait":            {720, 1280, 360, 840, true},
		"portrait, close":     {1080, 1920, 540, 1800, false},
		"portrait, left":      {720, 1280, 260, 820, true},
		"landscape":           {1920, 1080, 960, 900, true},
		"landscape, at right": {1920, 1080, 1500, 900, true},
		"landscape, at left":  {1920, 1080, 400, 900, true},
		"square":              {1080, 1080, 540, 700, true},
		"small":               {180, 320, 90, 200, true},
		"4k":                  {2160, 3840, 1080, 2500, true},
	} {
		t.Run(name, func(t *testing.T) {
			for _, facing := range []lift.Facing{lift.FacingLeft, lift.FacingRight} {
				a := squats(c.w, c.h, c.x, c.tall, 2)
				a.Facing = facing
				b := newBody(a, 1)
				l := newLayout(a, b, c.w, c.h)
				all := image.Rect(0, 0, c.w, c.h)
				panels := map[string]image.Rectangle{"readout": l.readout, "gauge": l.gauge, "strip": l.strip}
				for n, r := range panels {
					if r.Empty() || !r.In(all) {
						t.Errorf("%s %v is not in the picture %v", n, r, all)
					}
					for m, q := range panels {
						if n < m && r.Overlaps(q) {
							t.Errorf("%s %v lies over %s %v", n, r, m, q)
						}
					}
					if u := b.under(r); c.clear && u > 0.03 {
						t.Errorf("%s %v covers %.0f%% of the lifter", n, r, 100*u)
					}
				}
			}
		})
	}
}

func TestTrack(t *testing.T) {
	a := squats(360, 640, 180, 420, 1)
	a.Frames = slices.DeleteFunc(a.Frames, func(f analysis.Frame) bool { return f.Time > 1 && f.Time < 1.6 }) // nothing seen there
	a.Frames[0].LumbarFlexion, a.Frames[1].LumbarFlexion = 4, 10
	tr := newTrack(a)
	var m moment
	at := func(s float64) *moment { tr.at(s, &m); return &m }
	if got := at(a.Frames[0].Time).flexion; got != 4 {
		t.Errorf("flexion at a frame is %g, want its own 4", got)
	}
	if got := at(0.25 / 30).flexion; math.Abs(got-5.5) > 1e-9 {
		t.Errorf("flexion a quarter of the way to the next frame is %g, want 5.5", got)
	}
	if m := at(0.25 / 30); len(m.lumbar) != 21 || m.inRep || m.rep != 0 {
		t.Errorf("before the rep: %d curve points, rep %d, in rep %v", len(m.lumbar), m.rep, m.inRep)
	}
	if m := at(1.3); m.seen || !math.IsNaN(m.flexion) || len(m.lumbar) > 0 {
		t.Errorf("in a gap of 0.6 s there is flexion %g and %d curve points", m.flexion, len(m.lumbar))
	}
	if m := at(1.3); m.rep != 1 || !m.inRep || !(m.sinceLoss > 0) {
		t.Errorf("in the gap rep is %d, in rep %v, neutral lost %g s ago", m.rep, m.inRep, m.sinceLoss)
	}
	if m := at(99); m.seen || m.rep != 1 || m.inRep {
		t.Errorf("long after the set: seen %v, rep %d, in rep %v", m.seen, m.rep, m.inRep)
	}
}

// clip is a source of n plain pictures with uneven times, as phones film them.
type clip struct {
	n, w, h int
	next    int
	fail    error
}

func clipTime(i int) float64 { return float64(i)/30 + 0.004*float64(i%3) }

func (c *clip) Next(f *video.Frame) error {
	if c.next == c.n {
		if c.fail != nil {
			return c.fail
		}
		return io.EOF
	}
	*f = video.Frame{Index: c.next, Time: clipTime(c.next), Width: c.w, Height: c.h, Pix: wall(c.w, c.h)}
	c.next++
	return nil
}

type reel struct {
	times []float64
	fail  error
}

func (r *reel) Write(_ []byte, t float64) error {
	if n := len(r.times); n > 0 && t <= r.times[n-1] {
		return errors.New("times do not rise")
	}
	r.times = append(r.times, t)
	return r.fail
}

func TestDrawTiming(t *testing.T) {
	a := squats(90, 160, 45, 110, 2)
	n := len(a.Frames)
	var all []float64
	for i := range n {
		all = append(all, clipTime(i))
	}
	for name, c := range map[string]struct {
		opts  Options
		check func(t *testing.T, times []float64)
	}{
		"own timing": {Options{}, func(t *testing.T, times []float64) {
			if !slices.Equal(times, all) {
				t.Errorf("times %v\nwant the clip's own %v", times, all)
			}
		}},
		"half speed": {Options{Speed: 0.5}, func(t *testing.T, times []float64) {
			if len(times) != n || math.Abs(times[n-1]-2*all[n-1]) > 1e-9 {
				t.Errorf("%d pictures to %g s, want %d to %g", len(times), times[len(times)-1], n, 2*all[n-1])
			}
		}},
		"freeze": {Options{Freeze: true}, func(t *testing.T, times []float64) {
			if len(times) != n+2*30 || math.Abs(times[len(times)-1]-all[n-1]-2) > 1e-9 {
				t.Errorf("%d pictures to %g s, want a second more for each of two breakdowns", len(times), times[len(times)-1])
			}
		}},
		"card": {Options{Card: true}, func(t *testing.T, times []float64) {
			if d := times[len(times)-1] - all[n-1]; d < 1.9 || d > 2.01 {
				t.Errorf("the card stands for %g s, want 2", d)
			}
		}},
		"one rep, frozen": {Options{ClipRep: 2, Freeze: true}, func(t *testing.T, times []float64) {
			if d := times[len(times)-1]; math.Abs(d-4) > 0.1 {
				t.Errorf("%g s, want rep 2 with half a second around it, and a second of its own breakdown", d)
			}
		}},
		"one rep": {Options{ClipRep: 2}, func(t *testing.T, times []float64) {
			if d := times[len(times)-1]; times[0] > 0.05 || math.Abs(d-3) > 0.1 {
				t.Errorf("from %g to %g s, want rep 2 with half a second around it", times[0], d)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			sink := &reel{}
			r, err := Draw(context.Background(), &clip{n: n, w: 90, h: 160}, sink, a, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if r.Pictures != len(sink.times) {
				t.Errorf("%d pictures told, %d written", r.Pictures, len(sink.times))
			}
			c.check(t, sink.times)
		})
	}
}

func TestDrawFailures(t *testing.T) {
	a := squats(90, 160, 45, 110, 1)
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		src  Source
		sink Sink
		opts Options
		is   error
	}{
		"source fails": {context.Background(), &clip{n: 3, w: 90, h: 160, fail: broken}, &reel{}, Options{}, broken},
		"sink fails":   {context.Background(), &clip{n: 3, w: 90, h: 160}, &reel{fail: broken}, Options{}, broken},
		"cancelled":    {ended, &clip{n: 3, w: 90, h: 160}, &reel{}, Options{}, context.Canceled},
		"empty clip":   {context.Background(), &clip{}, &reel{}, Options{}, nil},
		"no such rep":  {context.Background(), &clip{n: 3, w: 90, h: 160}, &reel{}, Options{ClipRep: 9}, nil},
		"bad style":    {context.Background(), &clip{n: 3, w: 90, h: 160}, &reel{}, Options{Style: "loud"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Draw(c.ctx, c.src, c.sink, a, c.opts)
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error is %v, want %v", err, c.is)
			}
		})
	}
}

func TestStills(t *testing.T) {
	a := squats(360, 640, 180, 420, 2)
	want := Instants(a)
	if len(want) != 6 { // the most flexion is at the bottom, so one of the two
		t.Fatalf("%d instants, want set-up, left neutral, bottom of two reps: %v", len(want), want)
	}
	var whole []Instant
	r, err := Draw(context.Background(), &clip{n: len(a.Frames), w: 360, h: 640}, nil, a, Options{Instants: want, Whole: func(at Instant, img *image.RGBA) error {
		if size := img.Rect.Size(); size != image.Pt(360, 640) {
			t.Errorf("the whole picture at %g s is %v", at.TimeS, size)
		}
		whole = append(whole, at)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(whole, want) {
		t.Errorf("whole pictures of %v, want %v", whole, want)
	}
	if r.Pictures != 0 || len(r.Stills) != len(want) {
		t.Fatalf("%d pictures written and %d stills, want 0 and %d", r.Pictures, len(r.Stills), len(want))
	}
	total := 0
	for i, s := range r.Stills {
		if math.Abs(s.TimeS-want[i].TimeS) > 1.0/30 || s.Label != want[i].Label {
			t.Errorf("still %d is %q at %g s, want %q at %g", i, s.Label, s.TimeS, want[i].Label, want[i].TimeS)
		}
		b, err := s.JPEG(82)
		if err != nil {
			t.Fatal(err)
		}
		total += len(b)
	}
	if total > 300<<10 {
		t.Errorf("six stills take %d kB", total>>10)
	}
	for _, n := range []int{5, 10, 30, 100} {
		if got := Instants(squats(360, 640, 180, 420, n)); len(got) > maxInstants || len(got) < min(n, maxInstants) {
			t.Errorf("%d instants of %d reps, want at most %d and one of each rep that fits", len(got), n, maxInstants)
		}
	}
}

// Whatever is missing, a picture comes out, and what was not measured is not
// drawn as if it were.
func TestPaintNothing(t *testing.T) {
	for name, a := range map[string]*analysis.Analysis{
		"empty":     {},
		"no frames": {Reps: squats(90, 160, 45, 110, 2).Reps, Clip: recording.Clip{Width: 90, Height: 160, DurationS: 5}},
		"all missing": func() *analysis.Analysis {
			a := squats(90, 160, 45, 110, 2)
			for i := range a.Frames {
				f := &a.Frames[i]
				nan := math.NaN()
				f.LumbarFlexion, f.LumbarFlexionSD, f.DepthPct, f.Confidence = nan, nan, nan, nan
				f.Lumbar, f.NeutralCurve = []point{{X: nan, Y: nan}, {X: nan, Y: 3}}, []point{{X: math.Inf(1), Y: 0}, {X: 1, Y: nan}}
				f.Dorsal = []analysis.DorsalPoint{{Point: point{X: nan, Y: 1}, Used: true}, {Point: point{X: math.Inf(-1), Y: 1}}}
				for l := range f.Landmarks {
					f.Landmarks[l] = recording.Keypoint{X: nan, Y: nan, Z: nan, Visibility: nan}
				}
			}
			return a
		}(),
		"far away": func() *analysis.Analysis {
			a := squats(90, 160, 45, 110, 2)
			for i := range a.Frames {
				for k := range a.Frames[i].Lumbar {
					a.Frames[i].Lumbar[k].X = 1e12
				}
			}
			return a
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := NewPainter(a, 90, 160, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []float64{0, 1.4, 1e9, -1} {
				if err := p.Paint(wall(90, 160), s); err != nil {
					t.Error(err)
				}
			}
			if err := p.PaintCard(wall(90, 160)); err != nil {
				t.Error(err)
			}
		})
	}
	p, err := NewPainter(&analysis.Analysis{}, 90, 160, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Paint(make([]byte, 5), 0); err == nil {
		t.Error("a picture of five bytes is drawn on")
	}
}

func TestShapes(t *testing.T) {
	area := func(s *shape) float64 {
		c := newLayer(200, 200)
		c.fill(s, white)
		sum := 0
		for i := 3; i < len(c.pix); i += 4 {
			sum += int(c.pix[i])
		}
		return float64(sum) / 255
	}
	for name, c := range map[string]struct {
		draw func(*shape)
		want float64
	}{
		"circle":        {func(s *shape) { s.circle(point{X: 100, Y: 100}, 30) }, math.Pi * 900},
		"ring":          {func(s *shape) { s.ring(point{X: 100, Y: 100}, 30, 6) }, 2 * math.Pi * 30 * 6},
		"line":          {func(s *shape) { s.stroke([]point{{X: 50, Y: 50}, {X: 130, Y: 110}}, 8) }, 800 + math.Pi*16},
		"line, reverse": {func(s *shape) { s.stroke([]point{{X: 130, Y: 110}, {X: 50, Y: 50}}, 8) }, 800 + math.Pi*16},
		"bent line":     {func(s *shape) { s.stroke([]point{{X: 50, Y: 50}, {X: 50, Y: 100}, {X: 100, Y: 100}}, 8) }, 800 + math.Pi*16 - 16 + math.Pi*4},
		"round rect":    {func(s *shape) { s.roundRect(20, 20, 100, 60, 10) }, 6000 - (4-math.Pi)*100},
		"crossing out":  {func(s *shape) { s.roundRect(-100, -100, 150, 150, 0) }, 2500},
		"dashes":        {func(s *shape) { s.dashes([]point{{X: 10, Y: 100}, {X: 110, Y: 100}}, 2, 10, 10) }, 5 * (20 + math.Pi)},
		"dot":           {func(s *shape) { s.stroke([]point{{X: 50, Y: 50}, {X: 50, Y: 50}}, 8) }, math.Pi * 16},
	} {
		t.Run(name, func(t *testing.T) {
			var s shape
			c.draw(&s)
			// Flattening to 0.1 px and 8-bit coverage: well within 2%.
			if got := area(&s); math.Abs(got-c.want) > 0.02*c.want {
				t.Errorf("area is %.1f, want %.1f", got, c.want)
			}
		})
	}
}

// Blending must not depend on whether a layer lies between: what is drawn
// straight and what is drawn on a layer and copied look the same.
func TestLayerLooksTheSame(t *testing.T) {
	var s shape
	s.roundRect(5, 5, 40, 30, 9)
	direct, copied := wall(60, 50), wall(60, 50)
	var c canvas
	c.on(direct, 60, 50, video.BGR)
	c.fill(&s, panel)
	l := newLayer(60, 50)
	l.fill(&s, panel)
	c.on(copied, 60, 50, video.BGR)
	c.putAll(l, 0, 0)
	for i := range direct {
		if d := int(direct[i]) - int(copied[i]); d < -2 || d > 2 { // rounding twice
			t.Fatalf("byte %d is %d drawn straight, %d by way of a layer", i, direct[i], copied[i])
		}
	}
	c.putAll(l, -30, 40) // partly outside
	c.putAll(l, 500, 500)
}

// The ends of the flexion scale, and the two states, stay far apart for
// people without red or green cones (Machado et al. 2009, IEEE TVCG 15:1291).
func TestColoursForTheColourBlind(t *testing.T) {
	protan := [9]float64{0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998}
	deutan := [9]float64{0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881}
	see := func(k ink, m [9]float64) [3]float64 {
		lin := func(v uint8) float64 { return math.Pow(float64(v)/255, 2.2) }
		r, g, b := lin(k.r), lin(k.g), lin(k.b)
		var o [3]float64
		for i := range o {
			o[i] = 255 * math.Pow(math.Max(0, m[3*i]*r+m[3*i+1]*g+m[3*i+2]*b), 1/2.2)
		}
		return o
	}
	for name, m := range map[string][9]float64{"protan": protan, "deutan": deutan} {
		steps := []float64{0, 18, 28, 40}
		for i := 1; i < len(steps); i++ {
			p, q := see(usualLimit.ink(steps[i-1], true), m), see(usualLimit.ink(steps[i], true), m)
			d := math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
			if d < 40 { // of 441
				t.Errorf("%s: %g° and %g° are only %.0f apart", name, steps[i-1], steps[i], d)
			}
		}
	}
}

func BenchmarkPaint(b *testing.B) {
	for _, c := range []struct {
		name string
		w, h int
		tall float64
	}{{"720x1280", 720, 1280, 840}, {"1080x1920", 1080, 1920, 1260}, {"1920x1080", 1920, 1080, 900}, {"2160x3840", 2160, 3840, 2500}} {
		b.Run(c.name, func(b *testing.B) {
			a := squats(c.w, c.h, float64(c.w)/2, c.tall, 5)
			p, err := NewPainter(a, c.w, c.h, Options{Format: video.YUV})
			if err != nil {
				b.Fatal(err)
			}
			pix := asYUV(wall(c.w, c.h), c.w, c.h)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := p.Paint(pix, a.Frames[i%len(a.Frames)].Time); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
