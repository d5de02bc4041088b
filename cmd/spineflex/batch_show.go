package main

import (
	"path/filepath"
	"strings"
	"sync"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/store"
)

type (
	// listed: the clips are known, work begins.
	listed struct {
		Clips int `json:"clips"`
		Done  int `json:"done"` // before this run, failures among them
	}
	// concluded: the batch is over.
	concluded struct {
		summarized
		Skipped int    `json:"skipped"` // as they were before this run
		Shard   string `json:"shard"`
		Total   int    `json:"total"` // clips of all shards
		Out     string `json:"out"`
	}
)

func (listed) name() string    { return "plan" }
func (concluded) name() string { return "summary" }

// show tells a printer how a batch goes.
type show struct {
	printer printer
	mu      sync.Mutex
	clips   int
	begun   int
}

func (s *show) planned(t batch.Totals) {
	s.clips = t.Clips
	s.begun = t.Skipped
	s.printer.Print(listed{Clips: t.Clips, Done: t.Skipped})
}

// begin tells of a clip's start and returns what tells of its progress.
func (s *show) begin(t *batch.Task) (progress func(job.Stage, int, int), note func(string)) {
	s.mu.Lock()
	s.begun++
	index := s.begun
	s.mu.Unlock()
	clip := label(t.Item)
	s.printer.Print(started{Clip: clip, Index: index, Of: s.clips})
	return tellProgress(s.printer, clip), func(message string) {
		s.printer.Print(noted{Clip: clip, Message: message})
	}
}

// label names a clip as it was given; how its store is reached is no part of
// that.
func label(it batch.Item) string {
	if !store.IsURL(it.Source) {
		return it.Source
	}
	url, _, _ := strings.Cut(it.Source, "?")
	return url
}

func (s *show) ended(e batch.Ending) {
	state, clip := e.State, label(e.Item)
	result, measuredNow := e.Detail.(*job.Summary)
	switch {
	case measuredNow:
		// The folder may have been a place on the way to an object store.
		told := *result
		told.Folder = filepath.FromSlash(state.Name)
		if told.Video != "" {
			told.Video = filepath.Join(told.Folder, job.VideoFile)
		}
		s.printer.Print(measured{clip, told})
	case state.Status == batch.Failed:
		f := failed{Clip: clip, Code: exitError, Error: clip + ": " + state.Reason}
		if e.Skipped {
			f.Error += " (failed before; --retry-failed tries again)"
		}
		s.printer.Print(f)
	case state.Status == batch.Unmeasured && !e.Skipped:
		s.printer.Print(failed{Clip: clip, Code: exitNothing, Error: clip + ": " + state.Reason})
	}
}
