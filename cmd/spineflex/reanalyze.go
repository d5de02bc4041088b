package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/job"
)

type reanalyzeOptions struct {
	settings settingsFlags
	talk     talkFlags
	// which settings were given; the others stay as they were
	exerciseGiven, facingGiven, statureGiven bool
}

func newReanalyzeCommand(con console) *cobra.Command {
	var opts reanalyzeOptions
	cmd := &cobra.Command{
		Use:   "reanalyze DIR...",
		Short: "Measure again from what was seen, without the clip",
		Long: `Measure each folder of results again from its recording (recording.sfr). Nothing
is decoded and no network is run, so this takes a moment. Settings that are not
given stay as they were.`,
		Example: "  spineflex reanalyze --exercise deadlift spineflex-out/monday1",
		Args:    atLeastOne("folder of results"),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			opts.exerciseGiven = cmd.Flags().Changed("exercise")
			opts.facingGiven = cmd.Flags().Changed("facing")
			opts.statureGiven = cmd.Flags().Changed("stature")
			return runReanalyze(cmd.Context(), con, opts, dirs)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	opts.settings.register(f)
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
	return overClips(ctx, p, dirs, func(dir string, note func(string)) (*job.Result, error) {
		s, err := job.SavedSettings(dir)
		if err != nil {
			return nil, err
		}
		return job.Reanalyze(dir, opts.merge(s, given), job.Options{Note: note})
	})
}

func (o *reanalyzeOptions) merge(saved, given analysis.Settings) analysis.Settings {
	if o.exerciseGiven {
		saved.Exercise = given.Exercise
	}
	if o.facingGiven {
		saved.Facing = given.Facing
	}
	if o.statureGiven {
		saved.StatureCM = given.StatureCM
	}
	return saved
}
