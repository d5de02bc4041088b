package main

import (
	"context"
	"errors"
	"math"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/lift"
)

// settingsFlags are the flags of what the lifter knows about the set.
type settingsFlags struct {
	exercise    lift.Exercise
	facing      lift.Facing
	stature     float64
	neutralAt   float64
	calibration job.Calibration
}

const auto = "auto"

func (s *settingsFlags) register(f *pflag.FlagSet) {
	f.Var(newChoice(&s.exercise, auto, auto, lift.Squat, lift.Deadlift, lift.Hinge), "exercise", "which lift it is")
	f.Var(newChoice(&s.facing, auto, auto, lift.FacingLeft, lift.FacingRight), "facing", "side of the picture the lifter looks to")
	f.Float64Var(&s.stature, "stature", 0, "the lifter's height in `CM`, for box and block heights")
	f.Float64Var(&s.neutralAt, "neutral-at", 0, "the lifter shows the neutral posture at `SECONDS` of the clip (0: found)")
	f.StringVar(&s.calibration.Neutral, "neutral-clip", "", "`FILE` in which the lifter holds the neutral posture: a clip from the side, or a recording of one (.sfr)")
	f.StringVar(&s.calibration.FullFlexion, "full-flexion-clip", "", "`FILE` in which the lifter rounds as far as it goes (toe touch): a clip from the side, or a recording of one (.sfr)")
}

// validate gives the settings that need no file to be read.
func (s *settingsFlags) validate() (analysis.Settings, error) {
	// The tallest and the smallest adults known, with room to spare.
	if s.stature != 0 && !(s.stature >= 50 && s.stature <= 280) {
		return analysis.Settings{}, usagef("--stature is in cm, from 50 to 280, got %g", s.stature)
	}
	if !(s.neutralAt >= 0) || math.IsInf(s.neutralAt, 0) {
		return analysis.Settings{}, usagef("--neutral-at is in seconds from the start of the clip, got %g", s.neutralAt)
	}
	if s.neutralAt > 0 && s.calibration.Neutral != "" {
		return analysis.Settings{}, usagef("--neutral-at and --neutral-clip exclude each other")
	}
	a := analysis.Settings{StatureCM: s.stature, NeutralAtS: s.neutralAt}
	if s.exercise != auto {
		a.Exercise = s.exercise
	}
	if s.facing != auto {
		a.Facing = s.facing
	}
	return a, nil
}

// calibrate watches the calibration clips into o.Settings. A clip that cannot
// be used concerns every clip that is to be measured with it, so none is begun.
func (s *settingsFlags) calibrate(ctx context.Context, p printer, folders []string, o *job.Options) error {
	if s.calibration == (job.Calibration{}) {
		return nil
	}
	watching := *o
	watching.Progress = func(stage job.Stage, done, total int) {
		file := s.calibration.Neutral
		if stage == job.PerceivingFullFlexion {
			file = s.calibration.FullFlexion
		}
		p.Print(progressed{Clip: file, Stage: stage, Done: done, Total: total})
	}
	watching.Note = func(message string) { p.Print(noted{Message: message}) }
	err := job.Calibrate(ctx, s.calibration, folders, &watching)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.Print(failed{Code: exitError, Error: oneLine(withHint(err))})
		return statusError(exitError)
	}
	o.Settings = watching.Settings
	return nil
}

// mergeSettings replaces those of the saved settings whose flags were given.
func mergeSettings(saved, given analysis.Settings, changed func(flag string) bool) analysis.Settings {
	if changed("exercise") {
		saved.Exercise = given.Exercise
	}
	if changed("facing") {
		saved.Facing = given.Facing
	}
	if changed("stature") {
		saved.StatureCM = given.StatureCM
	}
	// Neutral is shown in one place.
	if changed("neutral-at") || changed("neutral-clip") {
		saved.NeutralAtS, saved.NeutralClip = given.NeutralAtS, given.NeutralClip
	}
	if changed("full-flexion-clip") {
		saved.FullFlexionClip = given.FullFlexionClip
	}
	return saved
}

// talkFlags are the flags of how a command reports.
type talkFlags struct{ json, quiet bool }

func (t *talkFlags) register(f *pflag.FlagSet) {
	f.BoolVar(&t.json, "json", false, "write progress and results as JSON lines to standard output")
	f.BoolVar(&t.quiet, "quiet", false, "say only what went wrong")
}

func (t *talkFlags) printer(con console) (printer, error) {
	if t.json && t.quiet {
		return nil, usagef("--json and --quiet exclude each other")
	}
	return &onceNoting{printer: newPrinter(con, t.json, t.quiet), said: map[string]bool{}}, nil
}

func atLeastOne(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New("name at least one " + what)
		}
		return nil
	}
}
