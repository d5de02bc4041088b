package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/lift"
)

// event is one thing worth telling about a run. The fields are what programs
// read with --json.
type event interface{ name() string }

type (
	// started: work on a clip begins.
	started struct {
		Clip  string `json:"clip"`
		Index int    `json:"index"` // 1..Of
		Of    int    `json:"of"`
	}
	// progressed: some frames of a stage are done. Total is the container's
	// claim and may be off by a few frames.
	progressed struct {
		Clip  string    `json:"clip"`
		Stage job.Stage `json:"stage"`
		Done  int       `json:"done"`
		Total int       `json:"total"`
	}
	// noted: something to know about the run that is no error.
	noted struct {
		Clip    string `json:"clip,omitempty"`
		Message string `json:"message"`
	}
	// measured: the result is in its folder.
	measured struct {
		Clip string `json:"clip"`
		job.Summary
	}
	// failed: no result for this clip.
	failed struct {
		Clip  string `json:"clip"`
		Code  int    `json:"code"` // as exit status
		Error string `json:"error"`
	}
	// summarized: the run is over.
	summarized struct {
		Clips      int     `json:"clips"`
		Measured   int     `json:"measured"`
		Unmeasured int     `json:"unmeasured"`
		Failed     int     `json:"failed"`
		Seconds    float64 `json:"seconds"`
	}
)

func (started) name() string    { return "start" }
func (progressed) name() string { return "progress" }
func (noted) name() string      { return "note" }
func (measured) name() string   { return "result" }
func (failed) name() string     { return "error" }
func (summarized) name() string { return "summary" }

// printer tells how a run goes: to a person at a terminal, to a log, or to a
// program. Print may be called from several goroutines.
type printer interface{ Print(event) }

// newPrinter picks the printer that fits the flags and where stderr goes.
func newPrinter(con console, asJSON, quiet bool) printer {
	text := textPrinter(con)
	switch f, ok := con.err.(*os.File); {
	case asJSON:
		return &jsonPrinter{out: con.out, err: con.err}
	case quiet:
		return &quietPrinter{textPrinter: text}
	case ok && term.IsTerminal(int(f.Fd())):
		return &terminalPrinter{textPrinter: text, fd: int(f.Fd())}
	default:
		return &linePrinter{textPrinter: text}
	}
}

// onceNoting says once what concerns every clip.
type onceNoting struct {
	printer
	mu   sync.Mutex
	said map[string]bool
}

func (p *onceNoting) Print(e event) {
	if n, ok := e.(noted); ok {
		p.mu.Lock()
		again := p.said[n.Message]
		p.said[n.Message] = true
		p.mu.Unlock()
		if again {
			return
		}
	}
	p.printer.Print(e)
}

// textPrinter writes what people read after the work is done: results to out,
// troubles to err.
type textPrinter struct{ out, err io.Writer }

func (p *textPrinter) Print(e event) {
	switch e := e.(type) {
	case noted:
		fmt.Fprintf(p.err, "note: %s\n", e.Message)
	case failed:
		fmt.Fprintf(p.err, "spineflex: %s\n", e.Error)
	case measured:
		p.result(e)
	case summarized:
		if e.Clips > 1 {
			fmt.Fprintf(p.err, "%d clips in %s: %d measured, %d without anything to measure, %d failed\n",
				e.Clips, clock(e.Seconds), e.Measured, e.Unmeasured, e.Failed)
		}
	}
}

func (p *textPrinter) result(e measured) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, facing %s, %s. %s\n", shown(e.Clip), exerciseName(e.Exercise), e.Facing, count(e.Reps, "rep"), e.Headline)
	if !e.Measured {
		fmt.Fprintf(&b, "  not measured: %s\n", e.Reason)
	}
	if e.Measured && e.Advice != "" {
		fmt.Fprintf(&b, "  %s\n", e.Advice)
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&b, "  careful: %s\n", w)
	}
	fmt.Fprintf(&b, "  %s\n", shown(filepath.Join(e.Folder, "report.html")))
	if e.Video != "" {
		fmt.Fprintf(&b, "  %s\n", shown(e.Video))
	}
	fmt.Fprint(p.out, b.String())
}

// quietPrinter says only what went wrong.
type quietPrinter struct{ textPrinter }

func (p *quietPrinter) Print(e event) {
	if f, ok := e.(failed); ok {
		p.textPrinter.Print(f)
	}
}

// meter turns a stage's counts into a rate and the time left.
type meter struct {
	clip  string
	stage job.Stage
	begun time.Time
	said  time.Time
}

// due reports whether it is time to speak: at the start and at the end of a
// stage, and every so often between.
func (m *meter) due(e progressed, now time.Time, every time.Duration) bool {
	if m.clip != e.Clip || m.stage != e.Stage {
		*m = meter{clip: e.Clip, stage: e.Stage, begun: now, said: now}
		return true
	}
	if now.Sub(m.said) < every && e.Done < e.Total {
		return false
	}
	m.said = now
	return true
}

// line is "analysing squat.mp4: 45 %, 120 of 267 frames, 61/s, 2 s left".
func (m *meter) line(e progressed, now time.Time) string {
	line := fmt.Sprintf("%s %s", e.Stage, shown(e.Clip))
	if e.Total > 0 {
		line += fmt.Sprintf(": %3.0f %%, %d of %d frames", 100*math.Min(1, float64(e.Done)/float64(e.Total)), e.Done, e.Total)
	} else {
		line += fmt.Sprintf(": %d frames", e.Done)
	}
	rate := float64(e.Done) / now.Sub(m.begun).Seconds()
	if math.IsInf(rate, 0) || !(rate > 0) {
		return line
	}
	line += fmt.Sprintf(", %.0f/s", rate)
	if left := float64(e.Total-e.Done) / rate; left > 0 {
		line += fmt.Sprintf(", %s left", clock(left))
	}
	return line
}

// terminalPrinter keeps one live line at the bottom of the terminal.
type terminalPrinter struct {
	textPrinter
	fd    int
	mu    sync.Mutex
	meter meter
	live  bool
}

const clearLine = "\r\x1b[K"

func (p *terminalPrinter) Print(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if e, ok := e.(progressed); ok {
		if p.meter.due(e, now, 100*time.Millisecond) {
			line := []rune(p.meter.line(e, now))
			if width, _, err := term.GetSize(p.fd); err == nil && width > 1 && len(line) > width-1 {
				line = line[:width-1]
			}
			fmt.Fprint(p.err, clearLine+string(line))
			p.live = true
		}
		return
	}
	if p.live {
		fmt.Fprint(p.err, clearLine)
		p.live = false
	}
	p.textPrinter.Print(e)
}

// linePrinter writes whole lines, now and then: for logs.
type linePrinter struct {
	textPrinter
	mu    sync.Mutex
	meter meter
}

func (p *linePrinter) Print(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case started:
		if e.Of > 1 {
			fmt.Fprintf(p.err, "clip %d of %d: %s\n", e.Index, e.Of, shown(e.Clip))
		}
	case progressed:
		if now := time.Now(); p.meter.due(e, now, 5*time.Second) {
			fmt.Fprintln(p.err, p.meter.line(e, now))
		}
	default:
		p.textPrinter.Print(e)
	}
}

// clock is a number of seconds as people say it: "8 s", "2 min 05 s".
func clock(seconds float64) string {
	s := int(math.Ceil(seconds))
	if s < 60 {
		return fmt.Sprintf("%d s", s)
	}
	return fmt.Sprintf("%d min %02d s", s/60, s%60)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shown is a file's name as a terminal may be given it: a name can hold line
// breaks and commands to terminals.
func shown(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(name, "?"))
}

func exerciseName(exercise string) string {
	if exercise == string(lift.UnknownExercise) {
		return "unknown exercise"
	}
	return exercise
}
