// Command roughclips holds spineflex to clips that are hard or broken. It is a
// maintainers' tool.
//
//	roughclips corpus          make the corpus and say what becomes of each clip
//	roughclips fuzz -n 500     damage clips at random and count what becomes of them
//
// Both write what they find into docs/robustness.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "roughclips:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("name what to do: corpus or fuzz")
	}
	f := flag.NewFlagSet("roughclips "+args[0], flag.ContinueOnError)
	source := f.String("source", "testdata/squat.mp4", "the easy clip")
	doc := f.String("doc", "", "the page whose table is replaced; empty: none")
	switch args[0] {
	case "corpus":
		out := f.String("o", "bin/corpus", "folder for the clips")
		only := f.String("only", "", "clips whose group and name, as \"scene: camera cut\", contain this")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		return corpusRun(ctx, *source, *out, *only, *doc)
	case "fuzz":
		o := fuzzOptions{source: *source}
		f.IntVar(&o.n, "n", 500, "damaged clips")
		f.Uint64Var(&o.seed, "seed", 1, "series of damages")
		f.IntVar(&o.from, "from", 0, "number of the first")
		f.StringVar(&o.program, "spineflex", "bin/spineflex", "the program")
		f.StringVar(&o.keep, "keep", "bin/fuzz-clips", "folder for what crashed it, and for the tally")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		o.source, o.doc = *source, *doc
		return fuzzRun(ctx, o)
	}
	return fmt.Errorf("%q is neither corpus nor fuzz", args[0])
}

// replaceTable puts text between the marks of that name in a page.
func replaceTable(page, name, text string) error {
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no marks %q", page, name)
	}
	return os.WriteFile(page, []byte(before+begin+text+end+after), 0o644)
}
