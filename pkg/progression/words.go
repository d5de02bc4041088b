package progression

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/unit"
)

// at names the place of an advice: "blocks of 10 cm", "from the floor".
func (p *plan) at(a *Advice) string {
	switch {
	case math.IsNaN(a.HeightM) && math.IsNaN(a.DepthPct):
		return "the same depth"
	case math.IsNaN(a.HeightM):
		return fmt.Sprintf("%.0f %% of your deepest%s", a.DepthPct, p.centimetres(a))
	case a.Exercise == lift.Deadlift && a.HeightM < sameHeight:
		return "from the floor"
	case a.Exercise == lift.Deadlift:
		return "blocks of " + unit.Length(a.HeightM)
	}
	return "a box of " + unit.Length(a.HeightM)
}

// centimetres says how far that is from the last session, where it is known.
func (p *plan) centimetres(a *Advice) string {
	change := (a.DepthPct - p.last.DepthPct) / 100 * p.last.FullM
	const tell = 0.005
	switch {
	case change > tell:
		return fmt.Sprintf(" (%s lower than last time)", unit.Length(math.Round(100*change)/100))
	case change < -tell:
		return fmt.Sprintf(" (%s higher than last time)", unit.Length(math.Round(-100*change)/100))
	}
	return ""
}

// move is a sentence that takes the lifter somewhere.
func (p *plan) move(verb string, a *Advice) string {
	return fmt.Sprintf("%s %s%s.", verb, p.at(a), p.load(a))
}

func (p *plan) load(a *Advice) string {
	if math.IsNaN(a.LoadKG) {
		return ", load unchanged"
	}
	return ", load unchanged at " + unit.Mass(a.LoadKG)
}

func underLoad(s *Session) string {
	if math.IsNaN(s.LoadKG) {
		return ""
	}
	return " with " + unit.Mass(s.LoadKG)
}

// broke says what a session showed: "4 of 5 reps left your neutral range, 2 of
// them clearly rounded".
func (p *plan) broke(s *Session) string {
	out := fmt.Sprintf("%d of %d reps left your neutral range", s.Broken, s.Reps)
	switch {
	case s.Rounded > 1:
		out += fmt.Sprintf(", %d of them clearly rounded", s.Rounded)
	case s.Rounded == 1:
		out += ", one of them clearly rounded"
	}
	return out
}

func day(t time.Time) string { return t.Format("2 January") }

// wholeDays counts calendar days.
func wholeDays(from, to time.Time) int {
	midnight := func(t time.Time) time.Time {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(to).Sub(midnight(from)).Hours() / 24)
}

func count(n int, noun string) string {
	words := []string{"no", "one", "two", "three", "four", "five"}
	number := fmt.Sprint(n)
	if n < len(words) {
		number = words[n]
	}
	if n != 1 {
		noun += "s"
	}
	return number + " " + noun
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
