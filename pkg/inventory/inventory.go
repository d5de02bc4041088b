// Package inventory lists the clips of a batch: those in folders, under a
// prefix of an object store, or in a manifest, and gives each the name of its
// results folder.
package inventory

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/spineflex/spineflex/pkg/store"
)

// Clip is one clip to be analysed.
type Clip struct {
	Source string     // how it is opened: a path or a URL
	Path   string     // below what was named, with slashes, or the same as Source in short; its name and group come from it
	Root   string     // last part of the folder's name that Path is below; "" in a manifest
	Group  string     // whose clip it is, where a manifest says so
	Mark   store.Mark // "" where the listing does not tell

	Position int  // in the list, from 0
	Fixed    bool // the list is a manifest, which does not change while shards start
}

// Problem is a place that could not be looked into.
type Problem struct {
	Place string
	Err   error
}

// Options say which clips are taken.
type Options struct {
	Recursive bool     // also those in subfolders
	Include   []string // patterns; empty: files with the extension of a video
	Exclude   []string // patterns of files and folders
	Output    string   // folder that is not looked into, "" for none
}

// Validate refuses patterns that cannot be read.
func (o Options) Validate() error {
	for _, p := range append(append([]string{}, o.Include...), o.Exclude...) {
		if !doublestar.ValidatePattern(p) {
			return fmt.Errorf("%q is no pattern; write it like *.mp4 or monday/**", p)
		}
	}
	return nil
}

// Extensions are those of files taken for clips where no pattern is given.
var Extensions = []string{
	".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
	".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".webm", ".wmv",
}

// matches reports whether one of the patterns fits the path: those with a slash
// fit the whole of it, others its last part. Case does not count, as
// phones write IMG_1.MOV.
func matches(patterns []string, p string) bool {
	p = strings.ToLower(p)
	for _, pattern := range patterns {
		subject := p
		if !strings.Contains(pattern, "/") {
			subject = path.Base(p)
		}
		if doublestar.MatchUnvalidated(strings.ToLower(pattern), subject) {
			return true
		}
	}
	return false
}

// wanted reports whether a file found in a folder is a clip to take. What
// begins with a dot is not: desktops leave ._IMG_1.MOV beside IMG_1.MOV.
func (o Options) wanted(p string) bool {
	base := path.Base(p)
	if strings.HasPrefix(base, ".") || matches(o.Exclude, p) {
		return false
	}
	if len(o.Include) > 0 {
		return matches(o.Include, p)
	}
	ext := strings.ToLower(path.Ext(base))
	for _, e := range Extensions {
		if ext == e {
			return true
		}
	}
	return false
}

// entered reports whether a folder is looked into.
func (o Options) entered(p string) bool {
	return o.Recursive && !strings.HasPrefix(path.Base(p), ".") && !matches(o.Exclude, p)
}

// List gives the clips of the inputs to take, each once: of a folder (a path or
// URL) those in it, of anything else itself. Places that are not there or cannot
// be looked into are problems and do not stop it; its error is that of ctx or of
// the options.
func List(ctx context.Context, stores *store.Stores, inputs []string, o Options, take func(Clip)) ([]Problem, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	l := &lister{options: o, take: take, seen: map[string]bool{}}
	for _, input := range inputs {
		var err error
		if store.IsURL(input) {
			err = l.objects(ctx, stores, input)
		} else {
			err = l.local(ctx, input)
		}
		if err != nil {
			return l.problems, err
		}
	}
	return l.problems, nil
}

// lister collects what one call of List finds.
type lister struct {
	options  Options
	take     func(Clip)
	seen     map[string]bool // real paths and URLs of clips that more than one way may lead to
	root     string          // of the input that is being listed
	position int
	problems []Problem
}

func (l *lister) add(c Clip) {
	c.Position = l.position
	l.position++
	l.take(c)
}

// first reports whether a place is met for the first time.
func (l *lister) first(place string) bool {
	if l.seen[place] {
		return false
	}
	l.seen[place] = true
	return true
}

func (l *lister) problem(place string, err error) {
	l.problems = append(l.problems, Problem{place, err})
}

// objects lists what is under a URL, or takes the one object of that name.
func (l *lister) objects(ctx context.Context, stores *store.Stores, place string) error {
	results := "" // folder of results; its analysis comes before its video
	for o, err := range stores.Objects(ctx, place) {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			l.problem(place, err)
			continue
		case path.Base(o.Path) == analysisFile:
			results = path.Dir(o.Path)
		}
		dir, base := path.Split(o.Path)
		switch {
		case !o.Single && (!l.enters(path.Clean(dir)) || !l.options.wanted(o.Path)),
			base == videoFile && path.Clean(dir) == results,
			l.inOutput(o.URL), !l.first(o.URL):
			continue
		}
		l.add(Clip{Source: o.URL, Path: o.Path, Root: o.Root, Mark: o.Mark})
	}
	return nil
}

// What results folders hold; the video in them is no clip.
const (
	analysisFile = "analysis.json"
	videoFile    = "annotated.mp4"
)

// enters reports whether a folder and all those above it are looked into.
func (l *lister) enters(dir string) bool {
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if !l.options.entered(dir) {
			return false
		}
	}
	return true
}

// inOutput reports whether a URL lies in the output.
func (l *lister) inOutput(url string) bool {
	out := strings.TrimSuffix(strings.SplitN(l.options.Output, "?", 2)[0], "/")
	return out != "" && strings.HasPrefix(url, out+"/")
}
