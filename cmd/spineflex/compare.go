package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/comparison"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
)

// Files of a comparison.
const (
	compareOut   = "spineflex-compare"
	compareVideo = "compare.mp4"
	comparePNG   = "flexion-depth.png"
	compareSVG   = "flexion-depth.svg"
	compareCSV   = "differences.csv"
)

type compareOptions struct {
	out          string
	clipA, clipB string
	noVideo      bool
	maxHeight    int
	threads      int
}

func newCompareCommand(con console) *cobra.Command {
	var opts compareOptions
	cmd := &cobra.Command{
		Use:   "compare DIR-A DIR-B",
		Short: "Put two analysed sets side by side",
		Long: `Put two folders of results side by side: a table of what differs and whether one
phone can tell (` + compareCSV + `), flexion against depth in one figure (` + comparePNG + `,
` + compareSVG + `), and both clips in one video, in step where the reps are
deepest (` + compareVideo + `). Both are measured again from their recordings, so that it is
one program that measured them.`,
		Example: "  spineflex compare spineflex-out/may spineflex-out/october",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			return runCompare(cmd.Context(), con, opts, dirs)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVarP(&opts.out, "out", "o", compareOut, "put the results into `DIR`")
	f.StringVar(&opts.clipA, "clip-a", "", "the first clip, if it is no longer where it was analysed")
	f.StringVar(&opts.clipB, "clip-b", "", "the second clip")
	f.BoolVar(&opts.noVideo, "no-video", false, "do not make the video")
	f.IntVar(&opts.maxHeight, "max-height", 0, "shrink the clips to this height in `PIXELS` (0: 720)")
	f.IntVar(&opts.threads, "threads", 0, "use `N` processor cores (0: all)")
	return cmd
}

func runCompare(ctx context.Context, con console, opts compareOptions, dirs []string) error {
	if opts.maxHeight != 0 && opts.maxHeight < 120 || opts.threads < 0 {
		return usagef("--max-height is 120 or more and --threads not negative, got %d and %d", opts.maxHeight, opts.threads)
	}
	var sets [2]comparison.Set
	var recs [2]*recording.Recording
	for i, dir := range dirs {
		var err error
		if sets[i], recs[i], err = readSet(dir); err != nil {
			return err
		}
	}
	nameApart(&sets, dirs)
	c, err := comparison.New(sets[0], sets[1])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(opts.out, 0o755); err != nil {
		return fmt.Errorf("compare: %w; -o names another place", err)
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{compareCSV, c.WriteCSV},
		{comparePNG, func(w io.Writer) error { return c.WriteFigure(w, "png") }},
		{compareSVG, func(w io.Writer) error { return c.WriteFigure(w, "svg") }},
	} {
		if err := report.WriteFile(filepath.Join(opts.out, f.name), f.write); err != nil {
			return err
		}
	}
	made := []string{comparePNG}
	if !opts.noVideo {
		if err := drawCompared(ctx, c, recs, opts); err != nil {
			return err
		}
		made = append(made, compareVideo)
	}
	fmt.Fprintf(con.out, "%s\n\n", c.Sentence())
	if err := c.WriteTable(con.out); err != nil {
		return err
	}
	fmt.Fprintln(con.out)
	for _, name := range made {
		fmt.Fprintln(con.out, filepath.Join(opts.out, name))
	}
	return nil
}

// readSet measures a folder again from its recording.
func readSet(dir string) (comparison.Set, *recording.Recording, error) {
	rec, err := recording.Read(filepath.Join(dir, recording.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return comparison.Set{}, nil, fmt.Errorf("%s is no results folder: it has no %s", dir, recording.FileName)
	}
	if err != nil {
		return comparison.Set{}, nil, err
	}
	s, err := job.SavedSettings(dir)
	if err != nil {
		return comparison.Set{}, nil, err
	}
	a, err := analysis.Analyze(rec, s)
	if err != nil {
		return comparison.Set{}, nil, fmt.Errorf("measure %s again: %w", dir, err)
	}
	return comparison.Set{Name: filepath.Base(filepath.Clean(dir)), Analysis: a}, rec, nil
}

// nameApart tells two folders of the same name apart.
func nameApart(sets *[2]comparison.Set, dirs []string) {
	if sets[0].Name != sets[1].Name {
		return
	}
	for i := range sets {
		sets[i].Name = filepath.Join(filepath.Base(filepath.Dir(filepath.Clean(dirs[i]))), sets[i].Name)
	}
	if sets[0].Name == sets[1].Name {
		sets[0].Name, sets[1].Name = "A", "B"
	}
}

func drawCompared(ctx context.Context, c *comparison.Comparison, recs [2]*recording.Recording, opts compareOptions) error {
	clips := [2]string{opts.clipA, opts.clipB}
	for i, flag := range []string{"--clip-a", "--clip-b"} {
		if clips[i] == "" {
			clips[i] = recs[i].Clip.File
		}
		same, err := perception.SameClip(ctx, recs[i], clips[i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the clip is no longer at %s: say where with %s FILE, or go without with --no-video", clips[i], flag)
		case err != nil:
			return err
		case !same:
			return fmt.Errorf("%s is not the clip that was measured", clips[i])
		}
	}
	return c.Draw(ctx, clips, filepath.Join(opts.out, compareVideo), comparison.VideoOptions{MaxHeight: opts.maxHeight, Threads: opts.threads})
}
