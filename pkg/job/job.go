// Package job takes one clip to its folder of results: perception, measurement,
// video and report, in an order that makes every interruption harmless.
//
// A results folder is written from the outside in: first the recordings, then
// the video and the tables, and analysis.json last. So a folder with an
// analysis.json is finished, and one without it is not; [Run] finishes such a
// folder, starting from its recording where that still fits the clip.
package job

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/export"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/video"
)

// VideoFile is the annotated video's name in a results folder.
const VideoFile = "annotated.mp4"

var (
	// ErrExists says that the folder holds a finished result already.
	ErrExists = errors.New("holds a finished result already")
	// ErrNotWritable says that the folder cannot be made or written to.
	ErrNotWritable = errors.New("cannot be written to")
)

// Stage is a part of the work that takes long enough to be watched.
type Stage string

// Stages.
const (
	Perceiving            Stage = "analysing"
	PerceivingNeutral     Stage = "analysing neutral clip"
	PerceivingFullFlexion Stage = "analysing full-flexion clip"
	Drawing               Stage = "drawing"
)

// Options say how a clip is taken to its results. The zero value makes
// everything with default settings.
type Options struct {
	Perception perception.Options
	Settings   analysis.Settings
	NoVideo    bool
	Look       Look                               // of the video
	Plots      bool                               // write figures for papers
	Export     []export.Format                    // write for other tools
	Overwrite  bool                               // replace a finished result
	Progress   func(stage Stage, done, total int) // may be nil
	Note       func(message string)               // may be nil; tells what is worth knowing and no error

	// Watch sees what is in a calibration clip; nil is [perception.Run].
	Watch func(ctx context.Context, clip string, o perception.Options) (*recording.Recording, error)
}

func (o *Options) progress(s Stage) func(done, total int) {
	if o.Progress == nil {
		return nil
	}
	return func(done, total int) { o.Progress(s, done, total) }
}

// check refuses what cannot be made for a lifter of that stature (0: unknown),
// before anything is begun.
func (o *Options) check(statureCM float64) error {
	for _, f := range o.Export {
		if f.NeedsStature() && statureCM == 0 {
			return fmt.Errorf("export %s: %w", f, export.ErrNoScale)
		}
	}
	return o.Look.Validate()
}

func (o *Options) note(format string, args ...any) {
	if o.Note != nil {
		o.Note(fmt.Sprintf(format, args...))
	}
}

// Result is a finished folder.
type Result struct {
	Folder   string
	Video    bool // the annotated video is there
	Analysis *analysis.Analysis
}

// Folder is where the results of a clip go: dir and the clip's name without
// extension.
func Folder(dir, clip string) string {
	base := filepath.Base(clip)
	// What is left of "...mp4" names another folder, dir's own or the one above.
	if name := strings.TrimSuffix(base, filepath.Ext(base)); strings.Trim(name, ".") != "" {
		base = name
	}
	return filepath.Join(dir, base)
}

// Run analyses a clip into folder. A finished folder is refused with
// [ErrExists] unless o.Overwrite; without a lifter in the clip nothing is left
// behind and the error wraps [perception.ErrNoPerson] or [perception.ErrTooShort].
func Run(ctx context.Context, clip, folder string, o Options) (*Result, error) {
	if err := o.check(o.Settings.StatureCM); err != nil {
		return nil, err
	}
	release, err := Claim(folder, o.Overwrite)
	if err != nil {
		return nil, err
	}
	defer release()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of the question, where nobody waits for its answer
	probe := video.ProbeAhead(ctx, clip)
	o.Perception.Info = probe
	if o.Settings.NeutralAtS > 0 {
		// Asked before minutes of work.
		info, err := probe()
		if err != nil {
			return nil, err
		}
		if err := shownIn(clip, info.DurationS, o.Settings); err != nil {
			return nil, err
		}
	}
	rec, err := perceive(ctx, clip, folder, &o)
	if err != nil {
		return nil, err
	}
	a, err := analysis.Analyze(rec, o.Settings)
	if err != nil {
		return nil, fmt.Errorf("measure %s: %w", clip, err)
	}
	if err := sweep(folder); err != nil {
		return nil, err
	}
	if err := recording.Write(filepath.Join(folder, recording.FileName), rec); err != nil {
		return nil, err
	}
	if err := saveCalibration(folder, o.Settings); err != nil {
		return nil, err
	}
	var stills []report.Still
	if !o.NoVideo || o.Look.Stills {
		info, err := probe()
		if err != nil {
			return nil, err
		}
		if stills, err = draw(ctx, clip, info, folder, a, &o); err != nil {
			return nil, err
		}
	}
	if err := extras(folder, a, &o); err != nil {
		return nil, err
	}
	if err := report.Write(folder, a, report.Options{Stills: stills}); err != nil {
		return nil, err
	}
	return &Result{Folder: folder, Video: !o.NoVideo, Analysis: a}, nil
}

// perceive takes the recording from an interrupted run where it is of the same
// clip and the same networks; else it watches the clip.
func perceive(ctx context.Context, clip, folder string, o *Options) (*recording.Recording, error) {
	opts := o.Perception
	opts.Progress, opts.Note = o.progress(Perceiving), o.Note
	if !finished(folder) {
		if rec, err := recording.Read(filepath.Join(folder, recording.FileName)); err == nil {
			same, err := perception.Fits(ctx, rec, clip, opts)
			if err != nil {
				return nil, err
			}
			if same {
				o.note("finishing %s from the recording of an interrupted run", folder)
				rec.Clip.File = clip
				return rec, nil
			}
		}
	}
	rec, err := perception.Run(ctx, clip, opts)
	if err != nil {
		return nil, err
	}
	return asSaved(rec)
}

// asSaved rounds a recording as saving it does, so that measuring it now and
// measuring its file later give the same.
func asSaved(rec *recording.Recording) (*recording.Recording, error) {
	var file bytes.Buffer
	if err := recording.Encode(&file, rec); err != nil {
		return nil, err
	}
	return recording.Decode(&file)
}

// Reanalyze measures a results folder again from its recording, without a
// network or the clip. Where nothing changes nothing is touched; else a video
// that no longer shows what was measured is removed, and [Render] draws it
// again.
func Reanalyze(folder string, s analysis.Settings, o Options) (*Result, error) {
	rec, err := read(folder)
	if err != nil {
		return nil, err
	}
	if err := shownIn(folder, rec.Clip.PlayTime(rec.Clip.DurationS), s); err != nil {
		return nil, err
	}
	a, err := analysis.Analyze(rec, s)
	if err != nil {
		return nil, fmt.Errorf("measure %s again: %w", folder, err)
	}
	if err := o.check(s.StatureCM); err != nil {
		return nil, err
	}
	drawn := filepath.Join(folder, VideoFile)
	same, err := says(folder, a)
	if err != nil {
		return nil, err
	}
	if same {
		if err := extras(folder, a, &o); err != nil {
			return nil, err
		}
		_, err := os.Stat(drawn)
		return &Result{Folder: folder, Video: err == nil, Analysis: a}, nil
	}
	if _, err := os.Stat(drawn); err == nil {
		o.note("%s showed the old measurement and is removed; draw it again with: spineflex render %s", drawn, shellWord(folder))
	}
	if err := sweep(folder); err != nil {
		return nil, err
	}
	if err := saveCalibration(folder, s); err != nil {
		return nil, err
	}
	if err := extras(folder, a, &o); err != nil {
		return nil, err
	}
	if err := report.Write(folder, a, report.Options{}); err != nil {
		return nil, err
	}
	return &Result{Folder: folder, Analysis: a}, nil
}

// Render draws a results folder's video again from what is saved. Clip names
// the clip where it is not where it was analysed; "" takes it from there.
func Render(ctx context.Context, folder, clip string, o Options) (*Result, error) {
	rec, err := read(folder)
	if err != nil {
		return nil, err
	}
	s, err := SavedSettings(folder)
	if err != nil {
		return nil, err
	}
	if clip == "" {
		clip = rec.Clip.File
	}
	same, err := perception.SameClip(ctx, rec, clip)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the clip is no longer at %s: say where with --clip FILE", clip)
	case err != nil:
		return nil, err
	case !same:
		return nil, fmt.Errorf("%s is not the clip that %s was made from", clip, folder)
	}
	a, err := analysis.Analyze(rec, s)
	if err != nil {
		return nil, fmt.Errorf("measure %s again: %w", folder, err)
	}
	if err := o.check(s.StatureCM); err != nil {
		return nil, err
	}
	info, err := video.Probe(ctx, clip)
	if err != nil {
		return nil, err
	}
	if err := unfinish(folder); err != nil {
		return nil, err
	}
	stills, err := draw(ctx, clip, info, folder, a, &o)
	if err != nil {
		return nil, err
	}
	if err := extras(folder, a, &o); err != nil {
		return nil, err
	}
	if err := report.Write(folder, a, report.Options{Stills: stills}); err != nil {
		return nil, err
	}
	return &Result{Folder: folder, Video: true, Analysis: a}, nil
}

func read(folder string) (*recording.Recording, error) {
	rec, err := recording.Read(filepath.Join(folder, recording.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no results folder: it has no %s", folder, recording.FileName)
	}
	return rec, err
}

// SavedSettings are the settings that a folder's analysis was made with, its
// calibration recordings included; these alone where it was never finished.
func SavedSettings(folder string) (analysis.Settings, error) {
	var s analysis.Settings
	if err := readCalibration(folder, &s); err != nil {
		return s, err
	}
	d, err := report.Read(filepath.Join(folder, report.AnalysisFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, err
	}
	if d.Settings.Exercise != "auto" {
		s.Exercise = lift.Exercise(d.Settings.Exercise)
	}
	if d.Settings.Facing != "auto" {
		s.Facing = lift.Facing(d.Settings.Facing)
	}
	if !d.Settings.StatureCM.IsMissing() {
		s.StatureCM = float64(d.Settings.StatureCM)
	}
	if t := float64(d.Settings.NeutralAtS); t > 0 {
		s.NeutralAtS = t
	}
	return s, nil
}
