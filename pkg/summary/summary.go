// Package summary makes one table of all results in an output folder, for
// people (summary.html) and for programs (summary.csv, summary.parquet with a
// row per clip, summary-reps.csv, summary-reps.parquet with a row per
// repetition, failures.jsonl). It concludes nothing of its own.
//
// It reads what each clip left and what the batch knows of it, so it may be
// made at any time, of the results of one batch, of many shards, or of clips
// that were analysed one by one.
package summary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/store"
)

// Names of the files that [Write] leaves in the output.
const (
	HTMLFile      = "summary.html"
	ClipsFile     = "summary.csv"
	RepsFile      = "summary-reps.csv"
	ClipsParquet  = "summary.parquet"
	RepsParquet   = "summary-reps.parquet"
	FailuresFile  = "failures.jsonl"
	ThumbnailFile = "thumbnail.jpg" // in a clip's folder, where there is one
	digestFile    = ".spineflex/summary"
	layout        = "1" // of these files' layout
)

// Options say how results are summed up.
type Options struct {
	GroupBy *regexp.Regexp // nil: as the batch did, else by folder
}

// Result is one clip's folder of results.
type Result struct {
	Name      string // of the folder, below the output
	Group     string
	Document  *report.Document
	Curve     curve
	Thumbnail []byte // JPEG; nil if there is none
}

// Failure is a clip without results, or a place that could not be looked into.
type Failure struct {
	Clip     string `json:"clip"`
	Name     string `json:"name,omitempty"` // of the folder its results would have
	Group    string `json:"group,omitempty"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Attempts int    `json:"attempts,omitempty"`
	Again    bool   `json:"again"` // the next run tries it again by itself
	SHA256   string `json:"sha256,omitempty"`
}

// Summary is everything in an output folder.
type Summary struct {
	Results  []Result  // by group and name
	Failures []Failure // by clip
}

// Write reads the output and writes the summary of it. Equal digests (see
// [batch.Totals]) have equal summaries: one that is there already is left as it
// is. "" writes in any case.
func Write(ctx context.Context, out store.Folder, digest string, o Options) error {
	if digest != "" {
		digest += fmt.Sprintf(" %s %v", layout, o.GroupBy)
		if upToDate(ctx, out, digest) {
			return nil
		}
	}
	s, err := Read(ctx, out, o)
	if err != nil {
		return fmt.Errorf("sum up %s: %w", out, err)
	}
	// Whoever reads the page finds what it is about.
	for _, f := range []struct {
		name  string
		write func(*bytes.Buffer, *Summary) error
	}{
		{FailuresFile, writeFailures},
		{ClipsFile, func(b *bytes.Buffer, s *Summary) error { return writeCSV(b, s.clipRows()) }},
		{RepsFile, func(b *bytes.Buffer, s *Summary) error { return writeCSV(b, s.repRows()) }},
		{ClipsParquet, func(b *bytes.Buffer, s *Summary) error { return writeParquet(b, s.clipRows()) }},
		{RepsParquet, func(b *bytes.Buffer, s *Summary) error { return writeParquet(b, s.repRows()) }},
		{HTMLFile, writeHTML},
	} {
		var b bytes.Buffer
		if err := f.write(&b, s); err != nil {
			return fmt.Errorf("make %s: %w", f.name, err)
		}
		if err := out.Write(ctx, f.name, b.Bytes()); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	if digest == "" {
		return out.Remove(ctx, digestFile)
	}
	return out.Write(ctx, digestFile, []byte(digest))
}

// upToDate reports whether the summary of that digest is there, whole.
func upToDate(ctx context.Context, out store.Folder, digest string) bool {
	written, err := out.Read(ctx, digestFile)
	if err != nil || string(written) != digest {
		return false
	}
	for _, name := range []string{HTMLFile, ClipsFile, RepsFile, ClipsParquet, RepsParquet, FailuresFile} {
		if there, err := out.Exists(ctx, name); err != nil || !there {
			return false
		}
	}
	return true
}

// Read reads all results in an output, and what failed.
func Read(ctx context.Context, out store.Folder, o Options) (*Summary, error) {
	states := map[string]*batch.State{}
	for s, err := range batch.States(ctx, out) {
		if err != nil {
			return nil, err
		}
		states[s.Name] = s
	}
	var names []string
	for file, err := range out.Files(ctx, "") {
		if err != nil {
			return nil, err
		}
		if path.Base(file) == report.AnalysisFile && file != report.AnalysisFile {
			names = append(names, path.Dir(file))
		}
	}
	s := &Summary{}
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for _, name := range names {
		g.Go(func() error {
			r, err := readResult(gctx, out, name)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // taken away meanwhile
			}
			if gctx.Err() != nil {
				return context.Cause(gctx)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil { // one damaged result is no reason to have none
				s.Failures = append(s.Failures, Failure{Clip: name, Name: name, Status: string(batch.Failed), Reason: err.Error()})
				return nil
			}
			r.Group = groupOf(name, states[name], o.GroupBy)
			s.Results = append(s.Results, *r)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := s.addFailures(ctx, out, states, o); err != nil {
		return nil, err
	}
	slices.SortFunc(s.Results, func(a, b Result) int {
		if c := strings.Compare(a.Group, b.Group); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	slices.SortFunc(s.Failures, func(a, b Failure) int { return strings.Compare(a.Clip, b.Clip) })
	return s, nil
}

// addFailures adds the clips of which the batch knows no results.
func (s *Summary) addFailures(ctx context.Context, out store.Folder, states map[string]*batch.State, o Options) error {
	for name, st := range states {
		if st.Status == batch.Measured || st.Results {
			continue
		}
		s.Failures = append(s.Failures, Failure{
			Clip: st.Clip, Name: name, Group: groupOf(name, st, o.GroupBy), Status: string(st.Status),
			Reason: st.Reason, Attempts: st.Attempts, SHA256: st.SHA256,
			Again: st.Again && st.Attempts < batch.MaxAttempts,
		})
	}
	troubles, err := batch.Troubles(ctx, out)
	if err != nil {
		return err
	}
	for _, t := range troubles {
		s.Failures = append(s.Failures, Failure{Clip: t.Place, Status: string(batch.Failed), Reason: t.Reason, Again: true})
	}
	return nil
}

// groupOf says whose clip it is.
func groupOf(name string, s *batch.State, by *regexp.Regexp) string {
	if by == nil && s != nil {
		return s.Group
	}
	return batch.Group(inventory.Clip{Path: name}, by)
}

func readResult(ctx context.Context, out store.Folder, name string) (*Result, error) {
	content, err := out.Read(ctx, name+"/"+report.AnalysisFile)
	if err != nil {
		return nil, err
	}
	r := &Result{Name: name}
	if r.Document, err = report.Decode(bytes.NewReader(content)); err != nil {
		return nil, fmt.Errorf("read %s: %w", name+"/"+report.AnalysisFile, err)
	}
	// A curve or a picture that cannot be had is not worth a word.
	if frames, err := out.Read(ctx, name+"/"+report.FramesFile); err == nil {
		r.Curve = readCurve(frames)
	}
	if picture, err := out.Read(ctx, name+"/"+ThumbnailFile); err == nil {
		r.Thumbnail = picture
	}
	return r, ctx.Err()
}
