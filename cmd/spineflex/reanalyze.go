package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/worker"
)

type reanalyzeOptions struct {
	settings settingsFlags
	extras   extraFlags
	talk     talkFlags
	changed  func(flag string) bool // whether it was given; settings that were not stay as they were
}

func newReanalyzeCommand(con console) *cobra.Command {
	var opts reanalyzeOptions
	cmd := &cobra.Command{
		Use:   "reanalyze DIR...",
		Short: "Measure again from what was seen, without the clip",
		Long: `Measure each folder of results again from its recording (recording.sfr). The clip
is not decoded and no network is run on it, so this takes a moment. Settings that
are not given stay as they were, and calibration clips too.`,
		Example: "  spineflex reanalyze --exercise deadlift spineflex-out/monday1",
		Args:    atLeastOne("folder of results"),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			opts.changed = cmd.Flags().Changed
			return runReanalyze(cmd.Context(), con, opts, dirs)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	opts.settings.register(f)
	opts.extras.register(f)
	opts.talk.register(f)
	return cmd
}

func runReanalyze(ctx context.Context, con console, opts reanalyzeOptions, dirs []string) error {
	given, err := opts.settings.validate()
	if err != nil {
		return err
	}
	p, err := opts.talk.printer(con)
	if err != nil {
		return err
	}
	calibrated := job.Options{Perception: perception.Options{Program: programVersion()}, Settings: given, Watch: new(worker.Runner).Watch}
	if err := opts.settings.calibrate(ctx, p, nil, &calibrated); err != nil {
		return err
	}
	var o job.Options
	if err := opts.extras.into(&o); err != nil {
		return err
	}
	return overClips(ctx, p, dirs, func(dir string, note func(string)) (*job.Summary, error) {
		s, err := job.SavedSettings(dir)
		if err != nil {
			return nil, err
		}
		o := o
		o.Note = note
		result, err := job.Reanalyze(dir, mergeSettings(s, calibrated.Settings, opts.changed), o)
		if err != nil {
			return nil, err
		}
		return result.Summary(), nil
	})
}
