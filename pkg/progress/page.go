package progress

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/progression"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/rom"
)

// FileName is the page's name where nobody gives it another.
const FileName = "progress.html"

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.ParseFS(pageFiles, "page/progress.html"))

// Part is one exercise on the page, and what to do next in it.
type Part struct {
	Series *Series
	Advice progression.Advice
}

// page is what the template shows.
type page struct {
	Title, Lifter string
	Style         template.CSS
	Parts         []part
}

type part struct {
	ID, Class, Exercise, Span, Sentence, Flexion string
	What, Why, Film                              string
	Charts                                       []*chart
	Head                                         []string
	Left                                         string // how many rows were left out
	Rows                                         []row
}

type row struct {
	Class string
	Href  template.URL
	Cells []string
}

// maxRows bounds the table; the log itself has them all.
const maxRows = 300

// WriteHTML writes the page: one file that asks for nothing outside itself. Its links to
// the sets' reports are relative to dir, the folder it is to lie in.
func WriteHTML(w io.Writer, dir string, parts []Part) error {
	look, err := report.Style()
	if err != nil {
		return err
	}
	own, err := pageFiles.ReadFile("page/progress.css")
	if err != nil {
		return err
	}
	p := page{Style: template.CSS(look + string(own))}
	for i, x := range parts {
		p.Parts = append(p.Parts, newPart(fmt.Sprintf("e%d", i+1), dir, x))
		p.Lifter = x.Series.Lifter
	}
	p.Title = p.Lifter + " · spineflex progress"
	return pageTemplate.Execute(w, p)
}

func newPart(id, dir string, x Part) part {
	s := x.Series
	out := part{
		ID: id, Exercise: strings.ToUpper(string(s.Exercise[:1])) + string(s.Exercise[1:]), Class: "unknown",
		Sentence: s.Sentence(), Flexion: s.FlexionSentence(), What: x.Advice.What, Why: x.Advice.Why, Film: x.Advice.Film,
	}
	switch x.Advice.Action {
	case progression.Advance, progression.AddLoad, progression.Stay:
		out.Class = "holds"
	case progression.Back, progression.Start, progression.Repeat:
		out.Class = "breaks"
	case progression.Film:
	}
	links := newLinks(dir, s.Points)
	first, last := s.Points[0].At, s.Points[len(s.Points)-1].At
	out.Span = fmt.Sprintf("%d sets, %s to %s", len(s.Points), date(first, last), date(last, time.Time{}))
	if len(s.Points) == 1 {
		out.Span = "one set, " + date(first, time.Time{})
	}
	out.Charts = s.charts(id, links)
	h := s.Head()
	out.Head = h.cells()
	shown := s.Points
	if len(shown) > maxRows {
		out.Left = fmt.Sprintf("The last %d of %d sets; spineflex log list has them all.", maxRows, len(shown))
		shown = shown[len(shown)-maxRows:]
	}
	for i := len(shown) - 1; i >= 0; i-- { // the latest first
		r := s.Row(shown[i])
		class := ""
		if shown[i].Verdict == rom.Breaks {
			class = "breaks"
		}
		out.Rows = append(out.Rows, row{class, links[shown[i].Folder], r.cells()})
	}
	return out
}

func (r Row) cells() []string {
	return []string{r.Date, r.Load, r.Support, r.Reps, r.Held, r.Verdict, r.Interval, r.Peak, r.Share}
}

// newLinks finds the reports that are there, by the folder of results.
func newLinks(dir string, points []Point) map[string]template.URL {
	links := map[string]template.URL{}
	for _, p := range points {
		if _, asked := links[p.Folder]; asked || p.Folder == "" {
			continue
		}
		links[p.Folder] = ""
		file := filepath.Join(p.Folder, report.HTMLFile)
		if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
			continue
		}
		if relative, err := filepath.Rel(dir, file); err == nil {
			file = relative
		}
		// A colon in the first part would be taken for a scheme.
		u := url.URL{Path: filepath.ToSlash(file)}
		links[p.Folder] = template.URL(u.String())
	}
	return links
}
