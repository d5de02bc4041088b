package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// batchPrinter picks the printer of a batch that fits the flags and where stderr
// goes.
func (t *talkFlags) batchPrinter(con console) (printer, error) {
	if t.json && t.quiet {
		return nil, usagef("--json and --quiet exclude each other")
	}
	var p printer
	lines := batchText{textPrinter: textPrinter(con)}
	switch f, ok := con.err.(*os.File); {
	case t.json:
		p = &sparingPrinter{printer: &jsonPrinter{out: con.out, err: con.err}, every: 500 * time.Millisecond, said: map[string]time.Time{}}
	case t.quiet:
		p = &quietPrinter{textPrinter: lines.textPrinter}
	case ok && term.IsTerminal(int(f.Fd())):
		p = &board{batchText: lines, width: func() int {
			w, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0
			}
			return w
		}}
	default:
		p = &batchLines{batchText: lines}
	}
	return &onceNoting{printer: p, said: map[string]bool{}}, nil
}

// sparingPrinter leaves progress of a clip out that follows too soon.
type sparingPrinter struct {
	printer
	every time.Duration
	mu    sync.Mutex
	said  map[string]time.Time
}

func (p *sparingPrinter) Print(e event) {
	switch e := e.(type) {
	case progressed:
		now := time.Now()
		p.mu.Lock()
		soon := now.Sub(p.said[e.Clip]) < p.every
		if !soon {
			p.said[e.Clip] = now
		}
		p.mu.Unlock()
		if soon {
			return
		}
	case measured:
		p.forget(e.Clip)
	case failed:
		p.forget(e.Clip)
	}
	p.printer.Print(e)
}

func (p *sparingPrinter) forget(clip string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.said, clip)
}

// batchText writes a line for each thing that is worth one.
type batchText struct{ textPrinter }

func (p *batchText) Print(e event) {
	switch e := e.(type) {
	case noted:
		if e.Clip != "" {
			e.Message = e.Clip + ": " + e.Message
		}
		p.textPrinter.Print(e)
	case listed:
		if e.Done > 0 {
			fmt.Fprintf(p.err, "%s, %d done already\n", count(e.Clips, "clip"), e.Done)
		} else {
			fmt.Fprintln(p.err, count(e.Clips, "clip"))
		}
	case measured:
		text := e.Headline
		if !e.Measured {
			text = "not measured: " + e.Reason
		}
		fmt.Fprintf(p.out, "%s: %s, %s. %s\n", e.Folder, exerciseName(e.Exercise), count(e.Reps, "rep"), text)
	case concluded:
		p.conclude(e)
	default:
		p.textPrinter.Print(e)
	}
}

func (p *batchText) conclude(e concluded) {
	clips := count(e.Clips, "clip")
	if e.Total != e.Clips {
		clips += fmt.Sprintf(" (shard %s of %d)", e.Shard, e.Total)
	}
	fmt.Fprintf(p.err, "%s in %s: %d measured, %d without anything to measure, %d failed", clips, clock(e.Seconds), e.Measured, e.Unmeasured, e.Failed)
	if e.Skipped > 0 {
		fmt.Fprintf(p.err, "; %d of them in earlier runs", e.Skipped)
	}
	fmt.Fprintln(p.err)
	switch {
	case e.Total != e.Clips || e.Shard != "0/1":
		fmt.Fprintf(p.err, "when all shards are done: spineflex summarize %s\n", e.Out)
	default:
		fmt.Fprintf(p.err, "summary: %s/summary.html\n", strings.TrimSuffix(e.Out, "/"))
	}
}

// gauge knows how far a batch is.
type gauge struct {
	clips, before int // of them done before this run
	ended, failed int // in this run
	begun         time.Time
	frames        float64             // of ended clips
	running       []*running          // in the order they began
	named         map[string]*running // by clip
}

// running is a clip under way.
type running struct {
	clip  string
	last  progressed
	count int // frames counted in all stages before the present one
}

func (g *gauge) take(e event, now time.Time) {
	switch e := e.(type) {
	case listed:
		*g = gauge{clips: e.Clips, before: e.Done, begun: now, named: map[string]*running{}}
	case started:
		r := &running{clip: e.Clip}
		g.running, g.named[e.Clip] = append(g.running, r), r
	case progressed:
		if r := g.named[e.Clip]; r != nil {
			if r.last.Stage != e.Stage {
				r.count += r.last.Done
			}
			r.last = e
		}
	case measured:
		g.end(e.Clip)
	case failed:
		if g.named != nil {
			g.failed++
			g.end(e.Clip)
		}
	}
}

func (g *gauge) end(clip string) {
	for i, r := range g.running {
		if r.clip == clip {
			g.frames += float64(r.count + r.last.Done)
			g.running = slices.Delete(g.running, i, i+1)
			delete(g.named, clip)
			g.ended++
			return
		}
	}
}

// watching is how much of the work on a clip that is drawn, too, is done when it
// has been watched.
const watching = 0.6

// share is how much of this run's work is done, 0..1.
func (g *gauge) share() float64 {
	done := float64(g.ended)
	for _, r := range g.running {
		if r.last.Total > 0 {
			part := math.Min(1, float64(r.last.Done)/float64(r.last.Total))
			if r.count == 0 {
				done += watching * part
			} else {
				done += watching + (1-watching)*part
			}
		}
	}
	return done / float64(max(1, g.clips-g.before))
}

// line is "126 of 200 clips, 3 failed, 59 frames/s, 12 min 05 s left".
func (g *gauge) line(now time.Time) string {
	text := fmt.Sprintf("%d of %s", g.before+g.ended, count(g.clips, "clip"))
	if g.failed > 0 {
		text += fmt.Sprintf(", %d failed", g.failed)
	}
	frames := g.frames
	for _, r := range g.running {
		frames += float64(r.count + r.last.Done)
	}
	seconds := now.Sub(g.begun).Seconds()
	if rate := frames / seconds; rate > 0 && !math.IsInf(rate, 0) {
		text += fmt.Sprintf(", %.0f frames/s", rate)
	}
	if share := g.share(); share > 0.01 && share < 1 {
		text += fmt.Sprintf(", %s left", clock(seconds*(1-share)/share))
	}
	return text
}

// board keeps a bar and a line for each clip under way at the bottom of the
// terminal.
type board struct {
	batchText
	width func() int // columns of the terminal, 0: unknown

	mu    sync.Mutex
	gauge gauge
	drawn time.Time
	lines int // on the screen
}

func (b *board) Print(e event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.gauge.take(e, now)
	switch e.(type) {
	case started, progressed:
		if now.Sub(b.drawn) < 100*time.Millisecond {
			return
		}
		b.clear()
	default:
		b.clear()
		b.batchText.Print(e)
	}
	if len(b.gauge.running) > 0 {
		b.draw(now)
	}
}

// clear takes the lines away and leaves the cursor where the first one was.
func (b *board) clear() {
	if b.lines == 0 {
		return
	}
	up := ""
	if b.lines > 1 {
		up = fmt.Sprintf("\x1b[%dA", b.lines-1)
	}
	fmt.Fprint(b.err, "\r"+up+"\x1b[J")
	b.lines = 0
}

func (b *board) draw(now time.Time) {
	width, columns := b.width(), 24
	if width > 0 && width < 90 {
		columns = 8
	}
	lines := []string{bar(b.gauge.share(), columns) + " " + b.gauge.line(now)}
	for _, r := range b.gauge.running {
		line := "  " + r.clip
		if r.last.Stage != "" {
			line = fmt.Sprintf("  %s %s", r.last.Stage, r.clip)
		}
		if r.last.Total > 0 {
			line += fmt.Sprintf(": %.0f %%", 100*math.Min(1, float64(r.last.Done)/float64(r.last.Total)))
		}
		lines = append(lines, line)
	}
	for i, l := range lines {
		if r := []rune(l); width > 1 && len(r) > width-1 {
			lines[i] = string(r[:width-1])
		}
	}
	fmt.Fprint(b.err, strings.Join(lines, "\n"))
	b.drawn, b.lines = now, len(lines)
}

// bar is a share as a bar of that many columns.
func bar(share float64, columns int) string {
	full := int(math.Round(math.Max(0, math.Min(1, share)) * float64(columns)))
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// batchLines writes whole lines, now and then how far it is: for logs.
type batchLines struct {
	batchText
	mu    sync.Mutex
	gauge gauge
	said  time.Time
}

func (p *batchLines) Print(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.gauge.take(e, now)
	switch e.(type) {
	case listed:
		p.said = now
	case started:
		return
	case progressed:
		if now.Sub(p.said) >= 30*time.Second {
			p.said = now
			fmt.Fprintln(p.err, p.gauge.line(now))
		}
		return
	}
	p.batchText.Print(e)
}
