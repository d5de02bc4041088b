package job

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
)

// finished reports whether folder holds a whole result.
func finished(folder string) bool {
	_, err := os.Lstat(filepath.Join(folder, report.AnalysisFile))
	return err == nil
}

// unfinish takes the mark of a finished result away before its parts change.
func unfinish(folder string) error {
	err := os.Remove(filepath.Join(folder, report.AnalysisFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Claim makes folder ready for a run: it refuses a finished result with
// [ErrExists] unless overwrite, makes the folder, and tries to write into it,
// so that a place that cannot be written to is known before minutes of work
// ([ErrNotWritable]). Release, called when the run is over however it went,
// takes away what a killed run left under temporary names, and the folders
// that Claim made and that are still empty.
func Claim(folder string, overwrite bool) (release func(), err error) {
	if !overwrite && finished(folder) {
		return nil, fmt.Errorf("%s %w", folder, ErrExists)
	}
	var made []string
	for dir := filepath.Clean(folder); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		made = append(made, dir)
	}
	release = func() {
		_ = remove(folder, unfinishedNames...) // the next run sweeps as well
		for _, dir := range made {
			if os.Remove(dir) != nil {
				return // not empty: a result
			}
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		release()
		return nil, fmt.Errorf("results folder %s %w: %w", folder, ErrNotWritable, err)
	}
	f, err := os.CreateTemp(folder, ".claim.*"+tmpSuffix)
	if err != nil {
		release()
		return nil, fmt.Errorf("results folder %s %w: %w", folder, ErrNotWritable, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		release()
		return nil, fmt.Errorf("results folder %s %w: %w", folder, ErrNotWritable, err)
	}
	return release, nil
}

// What unfinished files end with: reports and video. A recording's ends with a
// number.
const (
	tmpSuffix  = ".tmp"
	partSuffix = ".part"
)

// unfinishedNames match what is being written; a whole file has its own name.
var unfinishedNames = []string{
	".*" + tmpSuffix, ".*" + filepath.Ext(recording.FileName) + ".*", ".*" + partSuffix,
}

// sweep takes away the results of an earlier run and what a killed one left
// under temporary names, the mark of being finished first. Files that are no
// results stay.
func sweep(folder string) error {
	if err := unfinish(folder); err != nil {
		return err
	}
	if err := remove(folder, VideoFile, report.FramesFile, report.RepsFile, report.HTMLFile); err != nil {
		return err
	}
	if err := remove(folder, unfinishedNames...); err != nil {
		return err
	}
	return sweepExtras(folder)
}

// remove takes the files in folder away whose names match one of the patterns.
func remove(folder string, patterns ...string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		for _, pattern := range patterns {
			if match, _ := filepath.Match(pattern, e.Name()); !match { // the patterns are sound
				continue
			}
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// says reports whether the folder's files already hold what a says.
func says(folder string, a *analysis.Analysis) (bool, error) {
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{report.AnalysisFile, report.NewDocument(a).Encode},
		{report.FramesFile, func(w io.Writer) error { return report.WriteFrames(w, a) }},
	} {
		old, err := os.ReadFile(filepath.Join(folder, f.name))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		w := comparison{left: old}
		if err := f.write(&w); err != nil {
			return false, err
		}
		if w.differs || len(w.left) > 0 {
			return false, nil
		}
	}
	return true, nil
}

// comparison is a writer that compares what is written with what is left of a
// file.
type comparison struct {
	left    []byte
	differs bool
}

func (c *comparison) Write(p []byte) (int, error) {
	rest, same := bytes.CutPrefix(c.left, p)
	c.left, c.differs = rest, c.differs || !same
	return len(p), nil
}

// shellWord is a path as it can be pasted after a command.
func shellWord(path string) string {
	for _, r := range path {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,:@%", r) {
			return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
		}
	}
	return path
}
