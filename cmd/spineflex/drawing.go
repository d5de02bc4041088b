package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/export"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/overlay"
)

// lookFlags are the flags of how the video is drawn.
type lookFlags struct{ look job.Look }

func (l *lookFlags) register(f *pflag.FlagSet) {
	f.Var(newChoice(&l.look.Style, overlay.Full, overlay.Full, overlay.Minimal, overlay.SpineOnly), "style", "how much is drawn on the video")
	f.BoolVar(&l.look.Freeze, "freeze", false, "hold the picture for a second where a rep leaves neutral (no sound)")
	f.BoolVar(&l.look.NoCard, "no-card", false, "do not end the video with two seconds of summary")
	f.Float64Var(&l.look.Speed, "speed", 1, "play at `X` times the speed, 0.5 is half (no sound unless 1)")
	f.IntVar(&l.look.MaxHeight, "max-height", 0, "shrink the video to at most `PIXELS` of height (0: as filmed)")
	f.IntVar(&l.look.ClipRep, "clip-rep", 0, "write a video of rep `N` alone, too (rep-N.mp4)")
	f.BoolVar(&l.look.Stills, "still", false, "write set-up, breakdown, bottom and worst frame of each rep as pictures (stills/)")
}

func (l *lookFlags) validate() (job.Look, error) {
	if err := l.look.Validate(); err != nil {
		return job.Look{}, usagef("%w", err)
	}
	return l.look, nil
}

// extraFlags are the flags of what is written besides the results.
type extraFlags struct {
	plots  bool
	export []string
}

func (e *extraFlags) register(f *pflag.FlagSet) {
	f.BoolVar(&e.plots, "plots", false, "write figures for papers, PNG and SVG (plots/)")
	f.StringSliceVar(&e.export, "export", nil, "write `FORMATS` for other tools (export/): "+formatList())
}

// into sets what the flags ask for.
func (e *extraFlags) into(o *job.Options) error {
	o.Plots = e.plots
	for _, word := range e.export {
		format, ok := export.Parse(word)
		if !ok {
			return usagef("--export: %q is none of %s", word, formatList())
		}
		o.Export = append(o.Export, format)
	}
	return nil
}

func formatList() string {
	var words []string
	for _, f := range export.Formats() {
		words = append(words, string(f))
	}
	return strings.Join(words, ",")
}
