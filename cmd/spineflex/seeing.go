package main

import (
	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/pose"
)

// seeingFlags are the flags of how clips are watched.
type seeingFlags struct {
	quality  pose.Quality
	engine   infer.Engine
	library  string
	threads  int
	sampleHz float64
	capture  float64
}

func (s *seeingFlags) register(f *pflag.FlagSet) {
	f.Var(newChoice(&s.quality, pose.Balanced, pose.Qualities()...), "quality",
		"landmark network: fast is the lite one, balanced the full one, accurate the heavy one (make models-heavy)")
	f.Var(newChoice(&s.engine, infer.Auto, infer.Engines()...), "engine",
		"what runs the networks; auto takes ONNX Runtime where it is installed")
	f.StringVar(&s.library, "onnxruntime", "", "ONNX Runtime's library `FILE`, if it is not where it is looked for ("+infer.LibraryEnv+" does the same)")
	f.IntVar(&s.threads, "threads", 0, "use `N` processor cores for a clip (0: all)")
	f.Float64Var(&s.sampleHz, "sample-hz", 0, "analyse `HZ` pictures a second, each by the networks (0: about 30, with less work where the lifter rests or is plainly seen)")
	f.Float64Var(&s.capture, "capture-fps", 0, "the clips are in slow motion, filmed at `FPS` pictures a second (0: as the files say)")
}

func (s *seeingFlags) validate() (perception.Options, error) {
	switch {
	case s.threads < 0:
		return perception.Options{}, usagef("--threads must not be negative, got %d", s.threads)
	case s.sampleHz != 0 && !(s.sampleHz >= perception.MinSampleHz):
		return perception.Options{}, usagef("--sample-hz must be at least %d, got %g", perception.MinSampleHz, s.sampleHz)
	case s.capture != 0 && !(s.capture >= 1 && s.capture <= 1000):
		return perception.Options{}, usagef("--capture-fps must be from 1 to 1000, got %g", s.capture)
	}
	return perception.Options{
		Program: programVersion(), Quality: s.quality, Engine: s.engine,
		LibraryPath: s.library, Threads: s.threads, SampleHz: s.sampleHz, CaptureFPS: s.capture,
	}, nil
}
