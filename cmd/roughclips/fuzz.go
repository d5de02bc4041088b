package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/corpus"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/video"
)

type fuzzOptions struct {
	source, program, keep, doc string
	n, from                    int
	seed                       uint64
}

// tally counts what became of damaged clips.
type tally struct {
	Tried         int `json:"tried"`
	Refused       int `json:"refused"`
	Measured      int `json:"measured"`
	Limited       int `json:"limited"`
	ChildCrashed  int `json:"child_crashed"`
	ParentCrashed int `json:"parent_crashed"`
	Hung          int `json:"hung"`
	HalfWritten   int `json:"half_written"`
}

const (
	// together is how many clips one process is given: fewer take longer for
	// starting it, more hide which of them ended it.
	together = 10
	// clipTimeout is what one clip may take, and hungAfter when the program that
	// should have ended it by then is taken to hang.
	clipTimeout = time.Minute
	hungAfter   = together*clipTimeout + time.Minute
)

// fuzzRun runs the program on damaged clips and adds what becomes of them to
// the tally in o.keep, so that many runs can share the work.
func fuzzRun(ctx context.Context, o fuzzOptions) error {
	if err := os.MkdirAll(o.keep, 0o755); err != nil {
		return err
	}
	tallyFile := filepath.Join(o.keep, "tally.json")
	var t tally
	if b, err := os.ReadFile(tallyFile); err == nil {
		if err := json.Unmarshal(b, &t); err != nil {
			return fmt.Errorf("%s: %w", tallyFile, err)
		}
	}
	work, err := os.MkdirTemp("", "roughclips")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	plain := filepath.Join(work, "plain.mp4")
	easy, err := corpus.NewEasy(ctx, o.source, plain)
	if err != nil {
		return err
	}
	seeds, err := corpus.Seeds(ctx, easy, filepath.Join(o.keep, "whole"))
	if err != nil {
		return err
	}
	for from := o.from; from < o.from+o.n; from += together {
		dir, err := os.MkdirTemp(work, "batch")
		if err != nil {
			return err
		}
		var clips []corpus.Mutant
		for i := from; i < min(from+together, o.from+o.n); i++ {
			m, err := corpus.Mutate(seeds, dir, o.seed, i)
			if err != nil {
				return err
			}
			clips = append(clips, m)
		}
		if err := t.run(ctx, o, dir, clips); err != nil {
			return err
		}
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if err := os.WriteFile(tallyFile, b, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s\n", b)
		os.RemoveAll(dir)
	}
	if o.doc != "" {
		if err := replaceTable(o.doc, "fuzz-clips", t.table()); err != nil {
			return err
		}
	}
	if t.ParentCrashed+t.Hung+t.HalfWritten > 0 {
		return errors.New("the program crashed, hung, or left half a file; see above")
	}
	return nil
}

// run has the program analyse clips and counts what it says of each.
func (t *tally) run(ctx context.Context, o fuzzOptions, dir string, clips []corpus.Mutant) error {
	out := filepath.Join(dir, "out")
	args := []string{
		"analyze", "--json", "--quality", "fast", "--sample-hz", "10", "--overwrite",
		"--timeout", clipTimeout.String(), "--max-memory", "1500MB", "-o", out,
	}
	limited, cancel := context.WithTimeout(ctx, hungAfter)
	defer cancel()
	for _, c := range clips {
		args = append(args, c.Path)
	}
	cmd := exec.CommandContext(limited, o.program, args...)
	var events, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &events, &complaints
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.Tried += len(clips)
	var exit *exec.ExitError
	switch {
	case limited.Err() != nil:
		t.Hung++
		fmt.Printf("HUNG on one of %v\n", clips)
	case err != nil && !errors.As(err, &exit):
		return err
	case !endsWell(cmd.ProcessState):
		t.ParentCrashed++
		fmt.Printf("CRASHED on one of %v: %s: %s\n", clips, cmd.ProcessState, complaints.Bytes())
	}
	for line := range bytes.Lines(events.Bytes()) {
		var e struct{ Event, Clip, Error, Folder string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.ParentCrashed++
			fmt.Printf("NO JSON: %s\n", line)
			continue
		}
		switch {
		case e.Event == "result":
			t.Measured++
			if err := whole(ctx, e.Folder); err != nil {
				t.HalfWritten++
				fmt.Printf("HALF WRITTEN %s: %v\n", e.Clip, err)
			}
		case e.Event != "error":
		case strings.Contains(e.Error, ": crashed: "):
			t.ChildCrashed++
			fmt.Printf("child crashed: %s\n", e.Error)
			if err := os.Rename(e.Clip, filepath.Join(o.keep, filepath.Base(e.Clip))); err != nil {
				return err
			}
		case strings.Contains(e.Error, "--timeout") || strings.Contains(e.Error, "--max-memory") || strings.Contains(e.Error, "standstill"):
			t.Limited++
			fmt.Printf("limit: %s\n", e.Error)
		default:
			t.Refused++
		}
	}
	return t.leftovers(out)
}

// endsWell: one of the exit statuses that the program lists.
func endsWell(state *os.ProcessState) bool {
	switch state.ExitCode() {
	case 0, 1, 3, 4:
		return true
	}
	return false
}

// whole checks that a folder holds a result that can be read to its end.
func whole(ctx context.Context, folder string) error {
	if _, err := report.Read(filepath.Join(folder, report.AnalysisFile)); err != nil {
		return err
	}
	if _, err := recording.Read(filepath.Join(folder, recording.FileName)); err != nil {
		return err
	}
	for _, name := range []string{report.FramesFile, report.RepsFile, report.HTMLFile} {
		if st, err := os.Stat(filepath.Join(folder, name)); err != nil || st.Size() == 0 {
			return fmt.Errorf("%s is missing or empty", name)
		}
	}
	_, err := video.Probe(ctx, filepath.Join(folder, job.VideoFile))
	return err
}

// leftovers counts files under temporary names, and folders without a result.
func (t *tally) leftovers(out string) error {
	folders, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil // every clip was refused
	}
	if err != nil {
		return err
	}
	for _, f := range folders {
		files, err := os.ReadDir(filepath.Join(out, f.Name()))
		if err != nil {
			return err
		}
		finished := false
		for _, file := range files {
			finished = finished || file.Name() == report.AnalysisFile
			if strings.HasPrefix(file.Name(), ".") {
				t.HalfWritten++
				fmt.Printf("LEFT BEHIND %s/%s\n", f.Name(), file.Name())
			}
		}
		// A recording without a result is finished by the next run; anything else is not.
		if !finished && len(files) != 1 {
			t.HalfWritten++
			fmt.Printf("LEFT BEHIND %s with %v\n", f.Name(), files)
		}
	}
	return nil
}

func (t *tally) table() string {
	var b strings.Builder
	fmt.Fprint(&b, "| damaged clips | |\n|---|---:|\n")
	for _, row := range []struct {
		what string
		n    int
	}{
		{"tried", t.Tried},
		{"refused cleanly", t.Refused},
		{"measured, as far as they could be read", t.Measured},
		{"stopped at the limit of time or memory", t.Limited},
		{"crashed in the child", t.ChildCrashed},
		{"crashed in the parent", t.ParentCrashed},
		{"hung", t.Hung},
		{"half-written outputs", t.HalfWritten},
	} {
		fmt.Fprintf(&b, "| %s | %d |\n", row.what, row.n)
	}
	return b.String()
}
