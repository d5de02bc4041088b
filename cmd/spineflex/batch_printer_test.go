package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spineflex/spineflex/pkg/job"
)

// batchEvents are those of a batch of four clips, one done before, two under way
// at a time.
func batchEvents() []event {
	at := func(clip string, stage job.Stage, done int) progressed {
		return progressed{Clip: clip, Stage: stage, Done: done, Total: 300}
	}
	return []event{
		listed{Clips: 4, Done: 1},
		started{Clip: "in/a.mp4", Index: 2, Of: 4},
		started{Clip: "in/b.mp4", Index: 3, Of: 4},
		at("in/a.mp4", job.Perceiving, 150),
		at("in/b.mp4", job.Perceiving, 30),
		noted{Clip: "in/b.mp4", Message: "damaged"},
		at("in/a.mp4", job.Perceiving, 300),
		at("in/a.mp4", job.Drawing, 150),
		measured{"in/a.mp4", job.Summary{Folder: "a", Measured: true, Exercise: "squat", Reps: 3, Headline: "Neutral all the way down."}},
		failed{Clip: "in/b.mp4", Code: exitError, Error: "in/b.mp4: crashed"},
		started{Clip: "in/c.mp4", Index: 4, Of: 4},
		measured{"in/c.mp4", job.Summary{Folder: "c", Reason: "not from the side"}},
		concluded{summarized: summarized{Clips: 4, Measured: 2, Unmeasured: 1, Failed: 1, Seconds: 61}, Skipped: 1, Shard: "0/1", Total: 4, Out: "out"},
	}
}

const batchStdout = "a: squat, 3 reps. Neutral all the way down.\nc: , 0 reps. not measured: not from the side\n"

func TestBatchLines(t *testing.T) {
	var out, errs bytes.Buffer
	p := &batchLines{batchText: batchText{textPrinter{&out, &errs}}}
	for _, e := range batchEvents() {
		p.Print(e)
	}
	if out.String() != batchStdout {
		t.Errorf("stdout:\n%s", out.String())
	}
	want := `4 clips, 1 done already
note: in/b.mp4: damaged
spineflex: in/b.mp4: crashed
4 clips in 1 min 01 s: 2 measured, 1 without anything to measure, 1 failed; 1 of them in earlier runs
summary: out/summary.html
`
	if errs.String() != want {
		t.Errorf("stderr:\n%s\nwant:\n%s", errs.String(), want)
	}
}

func TestBatchLinesOfAShard(t *testing.T) {
	var out, errs bytes.Buffer
	(&batchText{textPrinter{&out, &errs}}).Print(concluded{summarized: summarized{Clips: 4, Measured: 4, Seconds: 1}, Shard: "1/3", Total: 12, Out: "s3://lab/out"})
	want := "4 clips (shard 1/3 of 12) in 1 s: 4 measured, 0 without anything to measure, 0 failed\nwhen all shards are done: spineflex summarize s3://lab/out\n"
	if errs.String() != want {
		t.Errorf("stderr:\n%s\nwant:\n%s", errs.String(), want)
	}
}

// screen plays what is written to a terminal and gives the lines that are seen.
func screen(t *testing.T, text string) []string {
	t.Helper()
	lines, row, column := []string{""}, 0, 0
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= 'A' })
			n := 0
			for _, d := range rest[:end] {
				n = 10*n + int(d-'0')
			}
			switch rest[end] {
			case 'A':
				row -= n
			case 'J':
				lines = lines[:row+1]
				lines[row] = string([]rune(lines[row])[:column])
			default:
				t.Fatalf("unexpected %q", rest[:end+1])
			}
			if row < 0 {
				t.Fatal("the cursor leaves the screen")
			}
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			column = 0
		case '\n':
			row, column = row+1, 0
			if row == len(lines) {
				lines = append(lines, "")
			}
		default:
			line := []rune(lines[row])
			lines[row] = string(append(line[:column:column], r))
			column++
		}
	}
	return lines
}

func TestBoard(t *testing.T) {
	var terminal bytes.Buffer
	b := &board{batchText: batchText{textPrinter{&terminal, &terminal}}, width: func() int { return 60 }}
	events := batchEvents()
	for _, e := range events[:6] {
		b.drawn = time.Time{}
		b.Print(e)
	}
	lines := screen(t, terminal.String())
	if len(lines) != 5 || lines[0] != "4 clips, 1 done already" || lines[1] != "note: in/b.mp4: damaged" ||
		!strings.HasPrefix(lines[2], "█░░░░░░░ 1 of 4 clips, ") || // 0.6 (1/2 + 1/10) of 3
		lines[3] != "  analysing in/a.mp4: 50 %" || lines[4] != "  analysing in/b.mp4: 10 %" {
		t.Errorf("under way:\n%s", strings.Join(lines, "\n"))
	}
	for _, line := range lines[2:] {
		if n := len([]rune(line)); n > 59 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, e := range events[6:] {
		b.Print(e)
	}
	want := "4 clips, 1 done already\nnote: in/b.mp4: damaged\n" + strings.SplitAfter(batchStdout, "\n")[0] + "spineflex: in/b.mp4: crashed\n" +
		strings.SplitAfter(batchStdout, "\n")[1] +
		"4 clips in 1 min 01 s: 2 measured, 1 without anything to measure, 1 failed; 1 of them in earlier runs\nsummary: out/summary.html\n"
	if got := strings.Join(screen(t, terminal.String()), "\n"); got != want {
		t.Errorf("in the end:\n%s\nwant:\n%s", got, want)
	}
}

func TestGaugeLine(t *testing.T) {
	var g gauge
	now := time.Unix(1000, 0)
	for _, e := range batchEvents()[:8] {
		g.take(e, now)
	}
	// a has been watched and is half drawn (0.8), b is at a tenth (0.06), of three.
	if got, want := g.line(now.Add(10*time.Second)), "1 of 4 clips, 48 frames/s, 25 s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, e := range batchEvents()[8:10] {
		g.take(e, now)
	}
	if got, want := g.line(now.Add(21*time.Second)), "3 of 4 clips, 1 failed, 23 frames/s, 11 s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJSONOfSeveralClipsIsSparing(t *testing.T) {
	var out, errs bytes.Buffer
	p := &sparingPrinter{printer: &jsonPrinter{out: &out, err: &errs}, every: time.Hour, said: map[string]time.Time{}}
	for i := range 100 {
		p.Print(progressed{Clip: "a", Done: i, Total: 100})
		p.Print(progressed{Clip: "b", Done: i, Total: 100})
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines of progress, want 2", n)
	}
}

func TestCrew(t *testing.T) {
	for _, tc := range []struct{ workers, threads, cores, clips, w, t int }{
		{0, 0, 2, 20, 2, 1},
		{0, 0, 1, 20, 1, 1},
		{0, 2, 2, 20, 1, 2},
		{2, 0, 2, 20, 2, 1},
		{3, 4, 2, 20, 3, 4},
		{0, 0, 4, 1, 1, 4},
		{0, 0, 2, 0, 1, 2},
	} {
		if w, threads := crew(tc.workers, tc.threads, tc.cores, tc.clips); w != tc.w || threads != tc.t {
			t.Errorf("%+v: %d workers of %d threads", tc, w, threads)
		}
	}
}
