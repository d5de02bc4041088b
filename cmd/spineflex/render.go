package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/worker"
)

type renderOptions struct {
	clip   string
	look   lookFlags
	extras extraFlags
	talk   talkFlags
}

func newRenderCommand(con console) *cobra.Command {
	var opts renderOptions
	cmd := &cobra.Command{
		Use:   "render DIR...",
		Short: "Draw annotated.mp4 again from what is saved",
		Long: `Draw the annotated video of each folder of results again, from its recording and
the clip. Nothing is measured by a network.`,
		Example: "  spineflex render --freeze --speed 0.5 spineflex-out/monday1\n  spineflex render --clip-rep 3 --style spine-only spineflex-out/monday1",
		Args:    atLeastOne("folder of results"),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			return runRender(cmd.Context(), con, opts, dirs)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&opts.clip, "clip", "", "the clip, if it is no longer where it was analysed")
	opts.look.register(f)
	opts.extras.register(f)
	opts.talk.register(f)
	return cmd
}

func runRender(ctx context.Context, con console, opts renderOptions, dirs []string) error {
	if opts.clip != "" && len(dirs) > 1 {
		return usagef("--clip goes with one folder, got %d", len(dirs))
	}
	look, err := opts.look.validate()
	if err != nil {
		return err
	}
	o := job.Options{Look: look}
	if err := opts.extras.into(&o); err != nil {
		return err
	}
	p, err := opts.talk.printer(con)
	if err != nil {
		return err
	}
	var runner worker.Runner
	return overClips(ctx, p, dirs, func(dir string, note func(string)) (*job.Summary, error) {
		o := o
		o.Progress, o.Note = tellProgress(p, dir), note
		return runner.Render(ctx, dir, opts.clip, o)
	})
}
