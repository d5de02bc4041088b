package progress

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/progression"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/unit"
)

// Sentence says plainly what has changed.
func (s *Series) Sentence() string {
	c, ok := s.Change()
	days := s.days()
	switch {
	case !ok && len(days) == 1:
		return fmt.Sprintf("Your %s holds neutral %s%s; that is from one day, %s.", s.Exercise, s.place(days[0]), load(days[0]), date(days[0].At, time.Time{}))
	case !ok:
		return fmt.Sprintf("No set of your %s allows a verdict yet.", s.Exercise)
	case !c.Clear:
		return fmt.Sprintf("No clear change since %s: your %s holds neutral %s%s.", date(c.First.At, c.Last.At), s.Exercise, s.place(c.Last), s.loads(c))
	}
	direction := "lower"
	if c.Deeper < 0 {
		direction = "less deep"
	}
	return fmt.Sprintf("Since %s your %s holds neutral %s %s%s.", date(c.First.At, c.Last.At), s.Exercise, s.amount(math.Abs(c.Deeper)), direction, s.loads(c))
}

// FlexionSentence says what became of the peak flexion.
func (s *Series) FlexionSentence() string {
	c, ok := s.Change()
	switch {
	case !ok || math.IsNaN(c.Flexion):
		return ""
	case !c.FlexedClear:
		return fmt.Sprintf("Peak flexion: %s then, %s now: no clear change (one phone cannot resolve less than %.0f° between days).", degrees(c.First.PeakFlexionDeg), degrees(c.Last.PeakFlexionDeg), ResolutionDeg)
	case c.Flexion < 0:
		return fmt.Sprintf("Peak flexion: %s then, %s now.", degrees(c.First.PeakFlexionDeg), degrees(c.Last.PeakFlexionDeg))
	}
	return fmt.Sprintf("Peak flexion rose: %s then, %s now.", degrees(c.First.PeakFlexionDeg), degrees(c.Last.PeakFlexionDeg))
}

// place says how deep a set held.
func (s *Series) place(p Point) string {
	least := ""
	if p.AtLeast {
		least = "at least "
	}
	switch {
	case !s.InCM:
		return fmt.Sprintf("to %s%.0f %% of your deepest", least, p.Depth)
	case s.Exercise == lift.Deadlift && p.AtLeast && progression.Height(&p.Set) < 0.005:
		return "down to the floor"
	case s.Exercise == lift.Deadlift && p.AtLeast:
		return "down to blocks of " + unit.Length(progression.Height(&p.Set))
	case s.Exercise == lift.Deadlift:
		return fmt.Sprintf("to %s above the floor", s.amount(-p.Depth))
	}
	return fmt.Sprintf("until your %s are %s%s below standing", s.joint(), least, s.amount(p.Depth))
}

// joint is what depth is of, where no bar says it.
func (s *Series) joint() string {
	if s.Exercise == lift.Squat {
		return "hips"
	}
	return "shoulders"
}

// amount of depth, in words.
func (s *Series) amount(v float64) string {
	if s.InCM {
		return fmt.Sprintf("%.0f cm", v)
	}
	return fmt.Sprintf("%.0f %% of your depth", v)
}

func load(p Point) string {
	if math.IsNaN(p.LoadKG) {
		return ""
	}
	return " at " + unit.Mass(p.LoadKG)
}

// loads says under which load, and if it was another one then.
func (s *Series) loads(c Change) string {
	now, then := c.Last.LoadKG, c.First.LoadKG
	switch {
	case math.IsNaN(now):
		return ""
	case !math.IsNaN(then) && unit.Mass(now) != unit.Mass(then):
		return fmt.Sprintf("; at %s (%s then)", unit.Mass(now), unit.Mass(then))
	}
	return "; at " + unit.Mass(now)
}

// date says a day; with the year where it is not that of the other.
func date(t, other time.Time) string {
	if t.Year() == other.Year() {
		return t.Format("2 January")
	}
	return t.Format("2 January 2006")
}

func degrees(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strings.Replace(fmt.Sprintf("%.0f°", math.Round(v)+0), "-", "−", 1)
}

// Row is a set as the tables have it; a cell of what is missing is empty.
type Row struct {
	Number, Date, Load, Support, Reps, Verdict, Held, Interval, Peak, Share string
}

// Head names the columns of [Row] for this series.
func (s *Series) Head() Row {
	support := "box"
	if s.Exercise == lift.Deadlift {
		support = "blocks"
	}
	held := "neutral to"
	if s.InCM {
		held = s.joint() + " below standing"
		if s.Exercise == lift.Deadlift {
			held = "bar above the floor"
		}
	}
	return Row{"no.", "date", "load", support, "neutral reps", "verdict", held, "90 % range", "peak flexion", "lower back's share"}
}

// Row writes a point.
func (s *Series) Row(p Point) Row {
	r := Row{Number: fmt.Sprint(p.ID), Date: p.At.Format("2006-01-02"), Reps: fmt.Sprintf("%d of %d", p.JudgedReps-p.BrokenReps, p.JudgedReps), Verdict: string(p.Verdict), Peak: degrees(p.PeakFlexionDeg)}
	if !math.IsNaN(p.LoadKG) {
		r.Load = unit.Mass(p.LoadKG)
	}
	if h := progression.Height(&p.Set); !math.IsNaN(h) {
		r.Support = unit.Length(h)
		if h < 0.005 {
			r.Support = "floor"
		}
	}
	if p.Verdict == rom.Inconclusive {
		r.Reps = fmt.Sprint(p.Reps)
	}
	if !math.IsNaN(p.LumbarShare) {
		r.Share = percent(100 * p.LumbarShare)
	}
	if known(&p.Set) && !math.IsNaN(p.Depth) {
		r.Held = s.value(p.Depth)
		if p.AtLeast {
			r.Held = "all of it"
			if s.Exercise != lift.Deadlift || !s.InCM { // else the blocks say it
				r.Held += ", " + s.value(p.Depth)
			}
		} else if lo, hi := s.value(p.Range[0]), s.value(p.Range[1]); !math.IsNaN(p.Range[0]+p.Range[1]) && lo != hi {
			r.Interval = lo + " to " + hi
		}
	}
	return r
}

// value writes a depth; a bar's as its height above the floor.
func (s *Series) value(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	if s.InCM {
		return s.axisLabel(v) + " cm"
	}
	return s.axisLabel(v)
}

// axisLabel is a depth without the unit that the axis has in its name.
func (s *Series) axisLabel(v float64) string {
	switch {
	case !s.InCM:
		return percent(v)
	case s.Exercise == lift.Deadlift:
		v = -v
	}
	return fmt.Sprintf("%.0f", v+0)
}
