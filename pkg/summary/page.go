package summary

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"path"
	"strings"

	"github.com/spineflex/spineflex/pkg/batch"
	"github.com/spineflex/spineflex/pkg/report"
)

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/summary.html"))

// mostPictures bounds the pictures in a page, bytes: browsers open 30 MB well.
const mostPictures = 24 << 20

// page is what the template shows; every word of it is ready.
type page struct {
	Style     template.CSS
	Script    template.JS
	Headline  string
	Tiles     []tile
	Failures  []failureRow
	Groups    []group
	Grouped   bool     // there is more than one
	Exercises []string // that occur
	Zero      float64  // height of neutral in a sparkline
	Width     int
	Height    int
}

type tile struct{ Value, Label string }

type failureRow struct{ Clip, Reason, Note string }

type group struct {
	Name, Text string
	Rows       []row
}

// row is one clip. Numbers to sort by are empty where they are missing.
type row struct {
	Name, Link, Exercise, Exact string
	Picture                     template.URL
	Verdict, Badge              string // css class and word
	Depth, DepthNote            string
	DepthSort                   string
	DepthBar                    float64
	Peak, PeakSort              string
	Reps, RepsNote              string
	RepCount                    int
	Curve, Beyond               string
	Warnings                    []report.Warning
	Words                       string // to search in
}

func writeHTML(b *bytes.Buffer, s *Summary) error {
	p, err := newPage(s)
	if err != nil {
		return err
	}
	return pageTemplate.Execute(b, p)
}

func newPage(s *Summary) (*page, error) {
	common, err := report.Style()
	if err != nil {
		return nil, err
	}
	own, err := pageFiles.ReadFile("page/summary.css")
	if err != nil {
		return nil, err
	}
	script, err := pageFiles.ReadFile("page/summary.js")
	if err != nil {
		return nil, err
	}
	p := &page{
		Style: template.CSS(common + string(own)), Script: template.JS(script),
		Width: sparkWidth, Height: sparkHeight, Zero: sparkHeight * (1 - (0.0-lowDeg)/(highDeg-lowDeg)),
	}
	room := mostPictures
	exercises := map[string]bool{}
	var holds, breaks, none, reps int
	for i := range s.Results {
		r := &s.Results[i]
		if len(p.Groups) == 0 || p.Groups[len(p.Groups)-1].Name != r.Group {
			p.Groups = append(p.Groups, group{Name: r.Group})
		}
		w := newRow(r, &room)
		switch w.Verdict {
		case "holds":
			holds++
		case "breaks":
			breaks++
		default:
			none++
		}
		reps += w.RepCount
		exercises[w.Exercise] = true
		g := &p.Groups[len(p.Groups)-1]
		g.Rows = append(g.Rows, w)
	}
	for i := range p.Groups {
		p.Groups[i].Text = groupText(p.Groups[i].Rows)
	}
	p.Grouped = len(p.Groups) > 1
	for _, e := range []string{"Squat", "Deadlift", "Lift"} {
		if exercises[e] {
			p.Exercises = append(p.Exercises, e)
		}
	}
	p.Headline = headline(len(s.Results), holds, breaks, len(s.Failures))
	p.Tiles = []tile{
		{fmt.Sprint(holds), "stayed neutral all the way"},
		{fmt.Sprint(breaks), "left neutral"},
		{fmt.Sprint(none), "without a verdict"},
		{fmt.Sprint(reps), "reps"},
	}
	if p.Grouped {
		p.Tiles = append(p.Tiles, tile{fmt.Sprint(len(p.Groups)), "groups"})
	}
	for _, f := range s.Failures {
		p.Failures = append(p.Failures, newFailureRow(f))
	}
	return p, nil
}

func newFailureRow(f Failure) failureRow {
	w := failureRow{Clip: f.Clip, Reason: f.Reason}
	switch {
	case f.Again:
		w.Note = "the next run tries again"
	case f.Status == string(batch.Failed) && f.Attempts > 0:
		w.Note = "--retry-failed tries again"
	}
	return w
}

func headline(results, holds, breaks, failures int) string {
	var text string
	switch judged := holds + breaks; {
	case results == 0:
		text = "No results yet"
	case judged == 0:
		text = fmt.Sprintf("%s, none with a verdict", plural(results, "clip"))
	default:
		text = fmt.Sprintf("%s: %d of %d with a verdict stayed neutral all the way", plural(results, "clip"), holds, judged)
	}
	if failures > 0 {
		text += fmt.Sprintf("; %d could not be measured", failures)
	}
	return text + "."
}

// groupText says how it went in a group.
func groupText(rows []row) string {
	broken, judged := 0, 0
	shallowest := math.Inf(1)
	for i := range rows {
		switch rows[i].Verdict {
		case "breaks":
			broken++
			if rows[i].DepthSort != "" {
				shallowest = min(shallowest, rows[i].DepthBar)
			}
		case "holds":
		default:
			continue
		}
		judged++
	}
	text := plural(len(rows), "clip")
	switch {
	case judged == 0:
		return text + ", no verdict"
	case broken == 0:
		return text + ", neutral held"
	case math.IsInf(shallowest, 1):
		return fmt.Sprintf("%s, %d left neutral", text, broken)
	}
	return fmt.Sprintf("%s, %d left neutral, at the shallowest %s", text, broken, percent(shallowest))
}

func newRow(r *Result, room *int) row {
	d := r.Document
	w := row{
		Name: path.Base(r.Name), Exact: r.Name, Link: (&url.URL{Path: "./" + r.Name + "/" + report.HTMLFile}).String(),
		Exercise: exerciseName(d.Exercise), Warnings: d.Warnings, RepCount: len(d.Reps),
		Words: strings.ToLower(r.Name + " " + r.Group + " " + d.Exercise),
	}
	if n := base64.StdEncoding.EncodedLen(len(r.Thumbnail)); n > 0 && n <= *room && bytes.HasPrefix(r.Thumbnail, []byte("\xff\xd8")) {
		*room -= n
		w.Picture = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(r.Thumbnail))
	}
	s := &d.SafeRange
	switch {
	case len(d.Reps) == 0:
		w.Verdict, w.Badge = "unknown", "No reps"
	case s.Verdict == "holds":
		w.Verdict, w.Badge = "holds", "Neutral held"
		w.setDepth(100)
		w.DepthNote = "to the bottom"
	case s.Verdict == "breaks":
		w.Verdict, w.Badge = "breaks", "Left neutral"
		w.setDepth(float64(s.DepthPct))
		if lo, hi := s.DepthPctCI90[0], s.DepthPctCI90[1]; !lo.IsMissing() && !hi.IsMissing() {
			w.DepthNote = fmt.Sprintf("%.0f to %s", float64(lo), percent(float64(hi)))
		}
	default:
		w.Verdict, w.Badge = "unknown", "No verdict"
		w.DepthNote = s.Reason
	}
	if v, sd := peak(d); !v.IsMissing() {
		w.Peak, w.PeakSort = fmt.Sprintf("%.0f°", float64(v)), fmt.Sprintf("%.1f", float64(v))
		if !sd.IsMissing() {
			w.Peak += fmt.Sprintf(" ± %.0f°", math.Ceil(float64(sd)))
		}
	}
	w.Reps = fmt.Sprint(len(d.Reps))
	if s.BrokenReps > 0 {
		w.RepsNote = fmt.Sprintf("%d left neutral", s.BrokenReps)
	}
	w.Curve, w.Beyond = r.Curve.paths()
	return w
}

func (w *row) setDepth(pct float64) {
	if math.IsNaN(pct) {
		w.Depth = "–"
		return
	}
	w.Depth, w.DepthBar, w.DepthSort = percent(pct), math.Round(min(max(pct, 0), 100)), fmt.Sprintf("%.1f", pct)
}

func exerciseName(e string) string {
	switch e {
	case "squat":
		return "Squat"
	case "deadlift":
		return "Deadlift"
	}
	return "Lift"
}

// percent is written as the report writes it.
func percent(v float64) string { return fmt.Sprintf("%.0f %%", v) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
