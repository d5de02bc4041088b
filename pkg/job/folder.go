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

// claim makes folder and tries to write into it, so that a place that cannot
// be written to is known before minutes of work. The function it returns takes
// away the folders it made that are still empty.
func claim(folder string) (undo func(), err error) {
	var made []string
	for dir := filepath.Clean(folder); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		made = append(made, dir)
	}
	undo = func() {
		for _, dir := range made {
			if os.Remove(dir) != nil {
				return // not empty: a result
			}
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		undo()
		return nil, fmt.Errorf("results folder %s %w: %w", folder, ErrNotWritable, err)
	}
	f, err := os.CreateTemp(folder, ".claim.*"+tmpSuffix)
	if err != nil {
		undo()
		return nil, fmt.Errorf("results folder %s %w: %w", folder, ErrNotWritable, err)
	}
	return undo, errors.Join(f.Close(), os.Remove(f.Name()))
}

// What unfinished files end with: reports and video. A recording's ends with a
// number.
const (
	tmpSuffix  = ".tmp"
	partSuffix = ".part"
)

// sweep takes away the results of an earlier run and what a killed one left
// under temporary names, the mark of being finished first. Files that are no
// results stay.
func sweep(folder string) error {
	if err := unfinish(folder); err != nil {
		return err
	}
	var stale []string
	for _, pattern := range []string{
		VideoFile, report.FramesFile, report.RepsFile, report.HTMLFile,
		".*" + tmpSuffix, ".*" + filepath.Ext(recording.FileName) + ".*", ".*" + partSuffix,
	} {
		found, err := filepath.Glob(filepath.Join(globEscape(folder), pattern))
		if err != nil {
			return err
		}
		stale = append(stale, found...)
	}
	for _, path := range stale {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// globEscape keeps the folder's own brackets and stars from being a pattern.
func globEscape(path string) string {
	var b bytes.Buffer
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
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
		var now bytes.Buffer
		if err := f.write(&now); err != nil {
			return false, err
		}
		if !bytes.Equal(old, now.Bytes()) {
			return false, nil
		}
	}
	return true, nil
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
