package report

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/analysis"
)

// Names of the files that [Write] leaves in its folder.
const (
	AnalysisFile = "analysis.json"
	FramesFile   = "frames.csv"
	RepsFile     = "reps.csv"
	HTMLFile     = "report.html"
)

// Options add to a report what the analysis does not hold. The zero value is a
// report without pictures.
type Options struct {
	Stills []Still
}

// Still is a picture of one instant of the clip, with the spine drawn on it.
type Still struct {
	Label    string  // "set-up", "breakdown", "bottom", "worst"
	RepIndex int     // 1.. ; 0 for the whole set
	TimeS    float64 // clip time
	JPEG     []byte
}

// Write writes frames.csv, reps.csv, report.html and at last analysis.json
// into dir, which it makes when it is not there. Each file is written under
// another name and then renamed, so a killed run leaves no half file, and an
// analysis.json means that the others are there too.
func Write(dir string, a *analysis.Analysis, opts Options) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make report folder: %w", err)
	}
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{FramesFile, func(w io.Writer) error { return WriteFrames(w, a) }},
		{RepsFile, func(w io.Writer) error { return WriteReps(w, a) }},
		{HTMLFile, func(w io.Writer) error { return WriteHTML(w, a, opts) }},
		{AnalysisFile, NewDocument(a).Encode},
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := WriteFile(path, f.write); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile makes the file whole or not at all: it is written under another
// name beside it, which starts with a dot and ends in .tmp, and then renamed.
// Errors name the file.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	// The first one counts: a full disk fails them all.
	err = cmp.Or(write(w), w.Flush(), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
