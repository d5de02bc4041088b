package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section is the README's text from one heading to the next.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(readme(t), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("README has no section %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// firstColumn lists what stands in backquotes in the first cell of each row
// of the tables that match.
func firstColumn(text, pattern string) []string {
	var cells []string
	inner := regexp.MustCompile(pattern)
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell := strings.SplitN(line, "|", 3)[1]
		for _, m := range inner.FindAllStringSubmatch(cell, -1) {
			cells = append(cells, m[1])
		}
	}
	return cells
}

func TestREADMEListsEveryFlagOfAnalyze(t *testing.T) {
	documented := firstColumn(section(t, "Commands"), "`--([a-z-]+)`")
	var flags []string
	newAnalyzeCommand(console{io.Discard, io.Discard}).Flags().VisitAll(func(f *pflag.Flag) {
		flags = append(flags, f.Name)
	})
	slices.Sort(documented)
	slices.Sort(flags)
	if !slices.Equal(documented, flags) {
		t.Errorf("README documents %v\nthe program has  %v", documented, flags)
	}
}

func TestREADMEStatesTheDefaults(t *testing.T) {
	flags := newAnalyzeCommand(console{io.Discard, io.Discard}).Flags()
	row := regexp.MustCompile("(?m)^\\|.*`--([a-z-]+)` \\| `([^`]+)` \\|")
	rows := row.FindAllStringSubmatch(section(t, "Commands"), -1)
	if len(rows) == 0 {
		t.Fatal("no defaults found in README")
	}
	for _, r := range rows {
		if f := flags.Lookup(r[1]); f == nil || f.DefValue != r[2] {
			t.Errorf("README gives --%s the default %q, the program has %v", r[1], r[2], f)
		}
	}
}

func TestREADMEListsEveryCommand(t *testing.T) {
	documented := firstColumn(section(t, "Commands"), "`spineflex ([a-z]+)")
	var commands []string
	for _, c := range newRootCommand(console{io.Discard, io.Discard}).Commands() {
		if !c.Hidden {
			commands = append(commands, c.Name())
		}
	}
	slices.Sort(documented)
	slices.Sort(commands)
	if !slices.Equal(documented, commands) {
		t.Errorf("README documents %v, the program has %v", documented, commands)
	}
}

func TestREADMEListsEveryOutputFile(t *testing.T) {
	documented := firstColumn(section(t, "Try it"), "`([a-z.0-9]+)`")
	written := []string{
		report.AnalysisFile, report.FramesFile, report.RepsFile, report.HTMLFile, recording.FileName, job.VideoFile,
	}
	slices.Sort(documented)
	slices.Sort(written)
	if !slices.Equal(documented, written) {
		t.Errorf("README documents %v, a run writes %v", documented, written)
	}
}

func TestExitCodesAreSaidTheSameEverywhere(t *testing.T) {
	text := strings.Join(strings.Fields(section(t, "Commands")), " ")
	row := regexp.MustCompile(`(?m)^  (\d+) +(.+)$`)
	rows := row.FindAllStringSubmatch(rootHelp, -1)
	if len(rows) != 6 {
		t.Fatalf("the long help lists %d exit codes, want 6", len(rows))
	}
	for _, r := range rows {
		if !strings.Contains(text, r[1]+" "+r[2]) {
			t.Errorf("README does not say %q", r[1]+" "+r[2])
		}
	}
}

// The README's library example is the body of an example function that the
// compiler checks.
func TestREADMELibraryExampleCompiles(t *testing.T) {
	_, block, ok := strings.Cut(section(t, "As a library"), "```go\n")
	if !ok {
		t.Fatal("README has no Go block")
	}
	block, _, _ = strings.Cut(block, "```")
	source, err := os.ReadFile(filepath.Join("..", "..", "pkg", "job", "example_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var unindented strings.Builder
	for line := range strings.Lines(string(source)) {
		unindented.WriteString(strings.TrimPrefix(line, "\t"))
	}
	if !strings.Contains(unindented.String(), block) {
		t.Errorf("pkg/job/example_test.go does not hold the README's example:\n%s", block)
	}
}
