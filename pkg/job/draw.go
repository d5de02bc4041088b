package job

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/overlay"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/video"
)

// draw makes the annotated video, with the clip's own timing and sound, and the
// stills for the report on the way.
func draw(ctx context.Context, clip, folder string, a *analysis.Analysis, o *Options) ([]report.Still, error) {
	info, err := video.Probe(ctx, clip)
	if err != nil {
		return nil, err
	}
	source, err := video.Open(ctx, clip, video.Options{Threads: o.Perception.Threads, Info: &info})
	if err != nil {
		return nil, err
	}
	defer source.Close()
	out := filepath.Join(folder, VideoFile)
	width, height := source.Size()
	sink, err := video.NewSink(ctx, out, video.SinkOptions{
		Width: width, Height: height, FPS: info.MeanFPS,
		AudioFrom: clip, AudioInfo: &info, Threads: o.Perception.Threads,
	})
	if err != nil {
		return nil, err
	}
	defer sink.Abort() // nothing after Close

	opts := overlay.Options{Instants: overlay.Instants(a)}
	if o.Progress != nil {
		opts.Progress = func(pictures int, _ float64) { o.Progress(Drawing, pictures, a.Clip.Frames) }
	}
	drawn, err := overlay.Draw(ctx, source, sink, a, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", out, err)
	}
	if err := sink.Close(); err != nil {
		return nil, err
	}
	stills := make([]report.Still, len(drawn.Stills))
	for i := range drawn.Stills {
		p := &drawn.Stills[i]
		stills[i] = report.Still{Label: p.Label, RepIndex: p.Rep, TimeS: p.TimeS}
		if stills[i].JPEG, err = p.JPEG(); err != nil {
			return nil, err
		}
	}
	return stills, nil
}
