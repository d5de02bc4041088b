package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/spineflex/spineflex/pkg/job"
)

func everyEvent() []event {
	depth, peak := 64.2, 31.0
	return []event{
		started{Clip: "a.mp4", Index: 1, Of: 2},
		progressed{Clip: "a.mp4", Stage: job.Perceiving, Done: 30, Total: 60},
		progressed{Clip: "a.mp4", Stage: job.Perceiving, Done: 60, Total: 60},
		noted{Clip: "a.mp4", Message: "slow engine"},
		measured{"a.mp4", job.Summary{
			Folder: "out/a", Measured: true, Exercise: "squat", Facing: "right", Reps: 3, Headline: "Neutral to 64 % of your depth.", Verdict: "breaks",
			DepthPct: &depth, PeakDeg: &peak, Advice: "Stop at 64 % of your depth.", Warnings: []string{"camera is 12° off"},
			Video: "out/a/annotated.mp4",
		}},
		failed{Clip: "b.mp4", Code: exitError, Error: "b.mp4: file is empty"},
		summarized{Clips: 2, Measured: 1, Failed: 1, Seconds: 3.5},
	}
}

func TestJSONPrinterWritesOneObjectPerLine(t *testing.T) {
	var out, errs bytes.Buffer
	p := newPrinter(console{&out, &errs}, true, false)
	for _, e := range everyEvent() {
		p.Print(e)
	}
	var kinds []string
	for line := range strings.Lines(out.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		kinds = append(kinds, object["event"].(string))
		if object["event"] == "result" && object["depth_pct"] != 64.2 {
			t.Errorf("result has depth_pct %v, want 64.2", object["depth_pct"])
		}
	}
	if got, want := strings.Join(kinds, " "), "start progress progress note result error summary"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	if got, want := errs.String(), "spineflex: b.mp4: file is empty\n"; got != want {
		t.Errorf("stderr %q, want %q", got, want)
	}
}

func TestJSONResultHasNullForMissing(t *testing.T) {
	var out bytes.Buffer
	newPrinter(console{&out, &out}, true, false).Print(measured{"a", job.Summary{Warnings: []string{}}})
	if !strings.Contains(out.String(), `"depth_pct":null`) {
		t.Errorf("%s has no null depth", out.String())
	}
}

func TestLinePrinter(t *testing.T) {
	var out, errs bytes.Buffer
	p := newPrinter(console{&out, &errs}, false, false)
	for _, e := range everyEvent() {
		p.Print(e)
	}
	wantOut := `a.mp4: squat, facing right, 3 reps. Neutral to 64 % of your depth.
  Stop at 64 % of your depth.
  careful: camera is 12° off
  out/a/report.html
  out/a/annotated.mp4
`
	if out.String() != wantOut {
		t.Errorf("stdout:\n%s\nwant:\n%s", out.String(), wantOut)
	}
	for _, want := range []string{
		"clip 1 of 2: a.mp4\n", "analysing a.mp4: 100 %, 60 of 60 frames", "note: slow engine\n",
		"spineflex: b.mp4: file is empty\n", "2 clips in 4 s: 1 measured, 0 without anything to measure, 1 failed\n",
	} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("stderr lacks %q:\n%s", want, errs.String())
		}
	}
}

func TestQuietPrinterSaysOnlyWhatWentWrong(t *testing.T) {
	var out, errs bytes.Buffer
	p := newPrinter(console{&out, &errs}, false, true)
	for _, e := range everyEvent() {
		p.Print(e)
	}
	if out.Len() != 0 || errs.String() != "spineflex: b.mp4: file is empty\n" {
		t.Errorf("stdout %q, stderr %q", out.String(), errs.String())
	}
}

func TestTerminalPrinterLeavesNoLiveLineBehind(t *testing.T) {
	var out, errs bytes.Buffer
	p := &terminalPrinter{textPrinter: textPrinter{&out, &errs}, fd: -1}
	for _, e := range everyEvent() {
		p.Print(e)
	}
	screen := errs.String()
	live := strings.LastIndex(screen, "frames")
	if live < 0 || !strings.HasPrefix(screen[strings.Index(screen[live:], clearLine)+live:], clearLine+"note: slow engine") {
		t.Errorf("the note is not written over the live line: %q", screen)
	}
}

func TestMeterLine(t *testing.T) {
	begun := time.Unix(1000, 0)
	at := func(done, total int) progressed {
		return progressed{Clip: "a.mp4", Stage: job.Perceiving, Done: done, Total: total}
	}
	for _, tc := range []struct {
		name string
		e    progressed
		s    float64
		want string
	}{
		{"half way", at(120, 240), 2, "analysing a.mp4:  50 %, 120 of 240 frames, 60/s, 2 s left"},
		{"minutes left", at(60, 6060), 1, "analysing a.mp4:   1 %, 60 of 6060 frames, 60/s, 1 min 40 s left"},
		{"more frames than claimed", at(12, 10), 1, "analysing a.mp4: 100 %, 12 of 10 frames, 12/s"},
		{"total unknown", at(30, 0), 1, "analysing a.mp4: 30 frames, 30/s"},
		{"no time yet", at(0, 10), 0, "analysing a.mp4:   0 %, 0 of 10 frames"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := meter{begun: begun}
			if got := m.line(tc.e, begun.Add(time.Duration(tc.s*float64(time.Second)))); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestNamesCannotCommandTheTerminal(t *testing.T) {
	for name, want := range map[string]string{
		"Kniebeuge ä.mp4":       "Kniebeuge ä.mp4",
		"a\nb.mp4":              "a?b.mp4",
		"\x1b[2Jgone\xff\u202e": "?[2Jgone??",
	} {
		if got := shown(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
		var out, errs bytes.Buffer
		p := newPrinter(console{&out, &errs}, false, false)
		p.Print(started{Clip: name, Index: 1, Of: 2})
		p.Print(progressed{Clip: name, Stage: job.Perceiving})
		p.Print(measured{name, job.Summary{Folder: name}})
		if said := out.String() + errs.String(); strings.ContainsAny(said, "\x1b\xff") || strings.Contains(said, "\nb") {
			t.Errorf("%q gets through: %q", name, said)
		}
	}
}
