package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// folder is one to be looked into.
type folder struct {
	place string // as it is opened
	real  string // without symbolic links
	path  string // below the input, with slashes; "." is the input
}

// local lists a folder, or takes a file.
func (l *lister) local(ctx context.Context, input string) error {
	info, err := os.Stat(input)
	if err != nil {
		l.problem(input, bare(err))
		return nil
	}
	real, err := filepath.EvalSymlinks(input)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		l.problem(input, bare(err))
		return nil
	}
	if !info.IsDir() {
		// Whatever it is was asked for by name; what is no clip says so itself.
		if l.first(real) {
			l.add(Clip{Source: input, Path: filepath.Base(input), Root: rootName(filepath.Dir(input))})
		}
		return nil
	}
	// What symbolic links lead to comes after all that lies in the folder
	// itself, so that a clip has the path at which it lies.
	l.root = rootName(input)
	waiting := []folder{{input, real, "."}}
	for len(waiting) > 0 {
		next := waiting[0]
		waiting = waiting[1:]
		links, err := l.walk(ctx, next)
		if err != nil {
			return err
		}
		waiting = append(waiting, links...)
	}
	return nil
}

// walk takes the clips in a folder and those below it, and returns the folders
// that symbolic links in it lead to.
func (l *lister) walk(ctx context.Context, f folder) (links []folder, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// A folder that has been looked into is left out: a link that leads in a
	// circle ends here.
	if f.path != "." && f.real == l.output() || !l.first(f.real) {
		return nil, nil
	}
	entries, err := os.ReadDir(f.place)
	if err != nil {
		l.problem(f.place, bare(err))
	}
	results := false
	for _, e := range entries {
		results = results || e.Name() == analysisFile || strings.HasSuffix(e.Name(), ".sfr")
	}
	for _, e := range entries {
		below := folder{filepath.Join(f.place, e.Name()), filepath.Join(f.real, e.Name()), path.Join(f.path, e.Name())}
		mode := e.Type()
		linked := mode&fs.ModeSymlink != 0
		if linked {
			if !l.options.entered(below.path) && !l.options.wanted(below.path) {
				continue
			}
			if below.real, mode, err = follow(below.place); err != nil {
				l.problem(below.place, bare(err))
				continue
			}
		}
		switch {
		case mode.IsDir() && !l.options.entered(below.path):
		case mode.IsDir() && linked:
			links = append(links, below)
		case mode.IsDir():
			more, err := l.walk(ctx, below)
			if err != nil {
				return nil, err
			}
			links = append(links, more...)
		case !l.options.wanted(below.path) || results && e.Name() == videoFile:
		case !mode.IsRegular():
			l.problem(below.place, errors.New("is not a regular file"))
		case l.first(below.real):
			l.add(Clip{Source: below.place, Path: below.path, Root: l.root})
		}
	}
	return links, nil
}

// rootName is the last part of a folder's name, "" for that of the whole system.
func rootName(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	return strings.Trim(filepath.Base(abs), `/\`)
}

// follow says what a symbolic link leads to.
func follow(link string) (real string, mode fs.FileMode, err error) {
	if real, err = filepath.EvalSymlinks(link); err != nil {
		return "", 0, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", 0, err
	}
	real, err = filepath.Abs(real)
	return real, info.Mode().Type(), err
}

// output is the real path of the output, "" where there is none yet.
func (l *lister) output() string {
	if l.options.Output == "" {
		return ""
	}
	real, err := filepath.EvalSymlinks(l.options.Output)
	if err != nil {
		return ""
	}
	real, err = filepath.Abs(real)
	if err != nil {
		return ""
	}
	return real
}

// bare is an error of the system without the path, which the problem has.
func bare(err error) error {
	var p *fs.PathError
	switch {
	case errors.As(err, &p):
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	case err != nil && strings.Contains(err.Error(), "too many links"): // filepath.EvalSymlinks
		return errors.New("symbolic links go round in a circle")
	}
	return err
}
