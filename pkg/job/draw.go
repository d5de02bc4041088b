package job

import (
	"context"
	"fmt"
	"image"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/overlay"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/video"
)

// draw makes the annotated video unless there is to be none, on the way the
// stills for the report, and what the look asks for besides.
func draw(ctx context.Context, clip string, info video.Info, folder string, a *analysis.Analysis, o *Options) ([]report.Still, error) {
	d := &drawing{clip: clip, info: &info, a: a, o: o}
	opts := overlay.Options{Style: o.Look.Style, Freeze: o.Look.Freeze, Card: !o.Look.NoCard, Instants: overlay.Instants(a)}
	if o.Look.Stills {
		opts.Whole = func(at overlay.Instant, img *image.RGBA) error { return saveStill(folder, at, img) }
	}
	out := ""
	if !o.NoVideo {
		out = filepath.Join(folder, VideoFile)
	}
	drawn, err := d.video(ctx, out, opts)
	if err != nil {
		return nil, err
	}
	stills, err := encode(drawn.Stills)
	if err != nil {
		return nil, err
	}
	switch n := o.Look.ClipRep; {
	case n > len(a.Reps):
		o.note("there is no rep %d in %s, which has %d", n, clip, len(a.Reps))
	case n > 0:
		_, err = d.video(ctx, filepath.Join(folder, RepVideo(n)), overlay.Options{Style: o.Look.Style, Freeze: o.Look.Freeze, ClipRep: n})
	}
	return stills, err
}

// maxStills is how many bytes a report's pictures may take: a megabyte and a
// half in all, a third of it for base64, and 0.2 MB for the rest.
const maxStills = 950_000

// encode compresses the pictures as far as they need to fit into a report.
func encode(pictures []overlay.Picture) ([]report.Still, error) {
	stills := make([]report.Still, len(pictures))
	for _, quality := range []int{82, 65, 45, 25} {
		total := 0
		for i := range pictures {
			p := &pictures[i]
			b, err := p.JPEG(quality)
			if err != nil {
				return nil, err
			}
			stills[i] = report.Still{Label: p.Label, RepIndex: p.Rep, TimeS: p.TimeS, JPEG: b}
			total += len(b)
		}
		if total <= maxStills {
			break
		}
	}
	return stills, nil
}

// drawing is what the videos of one clip have in common.
type drawing struct {
	clip string
	info *video.Info
	a    *analysis.Analysis
	o    *Options
}

// mostSide is the longest side of a video, pixels: browsers and phones decode no
// larger H.264, and encoding 8K takes more memory than a clip may have.
const mostSide = 4096

// tuning leaves out of x264 what costs more than it gives where the time counts:
// looking ahead for cuts and for how many pictures to predict from both sides,
// motion to fractions of a pixel, fading, and arithmetic coding.
const tuning = "scenecut=0:b-adapt=0:subme=0:weightp=0:cabac=0"

// video draws the clip into a file; "" draws its stills alone. The clip's sound
// comes along where the times are the clip's own.
func (d *drawing) video(ctx context.Context, out string, opts overlay.Options) (overlay.Result, error) {
	look, threads := d.o.Look, d.o.Perception.Threads
	slowdown := max(1, d.a.Clip.Slowdown)
	maxHeight := mostSide
	if look.MaxHeight > 0 {
		maxHeight = min(maxHeight, look.MaxHeight)
	}
	source, err := video.Open(ctx, d.clip, video.Options{
		Threads: threads, Info: d.info, Slowdown: slowdown, MaxWidth: mostSide, MaxHeight: maxHeight, Format: video.YUV,
	})
	if err != nil {
		return overlay.Result{}, err
	}
	defer source.Close()
	opts.Speed = 1 / slowdown // as the file plays
	if look.Speed > 0 {
		opts.Speed *= look.Speed
	}
	if d.o.Progress != nil {
		opts.Progress = func(pictures int, _ float64) { d.o.Progress(Drawing, pictures, d.a.Clip.Frames) }
	}
	if out == "" {
		drawn, err := overlay.Draw(ctx, source, nil, d.a, opts)
		if err != nil {
			return drawn, fmt.Errorf("stills of %s: %w", d.clip, err)
		}
		return drawn, nil
	}
	width, height := source.Size()
	to := video.SinkOptions{
		Width: width, Height: height, Format: video.YUV, FPS: d.info.MeanFPS, Threads: threads,
		// As near to the clip as veryfast at 23 is (SSIM), in less than half of the
		// time and twice the bytes, a fifth of what a phone makes of it.
		Preset: "superfast", Tuning: tuning, CRF: 24,
	}
	if look.asFilmed() && opts.ClipRep == 0 {
		to.AudioFrom, to.AudioInfo = d.clip, d.info
	}
	sink, err := video.NewSink(ctx, out, to)
	if err != nil {
		return overlay.Result{}, err
	}
	defer sink.Abort() // nothing after Close
	drawn, err := overlay.Draw(ctx, source, sink, d.a, opts)
	if err != nil {
		return drawn, fmt.Errorf("%s: %w", out, err)
	}
	return drawn, sink.Close()
}
