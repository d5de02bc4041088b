// Command accuracy shows where the error of lumbar flexion comes from: it
// measures rendered clips again with one part after the other replaced by the
// truth, and draws what was measured beside what is true.
//
//	accuracy -results DIR -truth DIR [-figure FILE.svg]
//
// DIR of -results holds one results folder per clip, as "spineflex analyze -o"
// writes it; DIR of -truth a NAME.truth.json or NAME.truth.json.gz for each
// rendered one. Clips without truth are passed over. The table goes to standard
// output, as Markdown.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/recording/synth"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("accuracy", flag.ContinueOnError)
	results := flags.String("results", "", "`DIR` with a results folder per clip")
	truths := flags.String("truth", "", "`DIR` with the truth of rendered clips")
	figure := flags.String("figure", "", "draw the courses into this SVG `FILE`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	clips, err := load(*results, *truths)
	if err != nil {
		return err
	}
	if len(clips) == 0 {
		return fmt.Errorf("no results in %q have their truth in %q; give -results and -truth", *results, *truths)
	}
	var budgets []budget
	for _, c := range clips {
		b, err := c.budget()
		if err != nil {
			return fmt.Errorf("measure %s: %w", c.name, err)
		}
		budgets = append(budgets, b)
	}
	if err := writeBudgets(out, budgets); err != nil {
		return err
	}
	if *figure == "" {
		return nil
	}
	return drawCourses(*figure, budgets)
}

// clip is a rendered clip: what was seen of it and what is true.
type clip struct {
	name  string
	rec   *recording.Recording
	truth *synth.Truth
}

// load finds the clips that have both, by name.
func load(results, truths string) ([]clip, error) {
	var out []clip
	recordings, err := filepath.Glob(filepath.Join(results, "*", "recording.sfr"))
	if err != nil {
		return nil, err
	}
	for _, path := range recordings {
		name := filepath.Base(filepath.Dir(path))
		truth, err := truthOf(truths, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rec, err := recording.Read(path)
		if err != nil {
			return nil, err
		}
		out = append(out, clip{name, rec, truth})
	}
	return out, nil
}

func truthOf(dir, name string) (*synth.Truth, error) {
	truth, err := synth.Load(filepath.Join(dir, name+".truth.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return synth.Load(filepath.Join(dir, name+".truth.json.gz"))
	}
	return truth, err
}
