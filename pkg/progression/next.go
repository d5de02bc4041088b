package progression

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/unit"
)

// Action is what to do in the coming session.
type Action string

// Actions.
const (
	Film    Action = "film"     // too little is known
	Start   Action = "start"    // go to the first depth that holds
	Repeat  Action = "repeat"   // the same again
	Stay    Action = "stay"     // the same, for some time
	Advance Action = "advance"  // deeper
	Back    Action = "back"     // put height back
	AddLoad Action = "add load" // the depth is all there
)

// Advice is what to do next and why. Missing numbers are NaN.
type Advice struct {
	Action   Action
	Exercise lift.Exercise
	HeightM  float64   // blocks or box; NaN: none are used
	DepthPct float64   // where nothing stops the movement, of the deepest known
	LoadKG   float64   // NaN: unknown, as last time
	Until    time.Time // stay at least until; zero: not bound to a day
	What     string    // a sentence
	Why      string    // a sentence
	Film     string    // what to film, where that is wanting; else empty
}

// Next is the rule: what to do on the day now after these sessions of one exercise. It
// never goes deeper after a session that did not hold, and never more than one step
// below what was measured to hold.
func Next(sessions []Session, s Settings, now time.Time) Advice {
	if len(sessions) == 0 {
		return Advice{
			Action: Film, HeightM: math.NaN(), DepthPct: math.NaN(), LoadKG: math.NaN(),
			What: "Film a set.", Why: "There is no session in the log yet.",
			Film: "Film three to five repetitions from the side, with the load and as deep as you train, and file them with analyze --log.",
		}
	}
	p := newPlan(sessions, s, now)
	last := p.last
	setbacks, _ := p.setbacks()
	switch {
	case !last.Verdict:
		return p.again(Film, fmt.Sprintf("The session of %s allows no verdict: %s.", day(last.At), strings.TrimSuffix(last.Reason, ".")),
			"Film the same again, square from the side, with the lower back in view.")
	case last.bad(s) && p.isLeap():
		return p.start()
	case last.bad(s) && setbacks >= s.Sessions:
		return p.back()
	case last.bad(s):
		return p.again(Repeat, fmt.Sprintf("In one session, that of %s, %s. One bad day decides nothing.", day(last.At), p.broke(last)), "")
	case last.Reps < minReps:
		return p.again(Film, fmt.Sprintf("Only %s of %s could be judged.", count(last.Reps, "repetition"), day(last.At)), "Film three to five repetitions.")
	case !last.good(s):
		return p.again(Repeat, fmt.Sprintf("On %s %s: too many to go deeper, too few to go back.", day(last.At), p.broke(last)), "")
	}
	return p.held()
}

// plan is the rule at work.
type plan struct {
	s     Settings
	now   time.Time
	all   []Session
	stage []Session // the latest ones, all at one height
	last  *Session
}

func newPlan(sessions []Session, s Settings, now time.Time) *plan {
	p := &plan{s: s, now: now, all: sessions, last: &sessions[len(sessions)-1]}
	first := len(sessions) - 1
	for first > 0 && p.sameHeight(&sessions[first-1], p.last) {
		first--
	}
	p.stage = sessions[first:]
	return p
}

// onSupport reports whether heights of blocks or box are the ruler.
func onSupport(s *Session) bool { return !math.IsNaN(s.HeightM) }

// sameHeight reports whether two sessions count as the same depth: lifters do not
// stop a free squat at the same depth to a hair.
func (p *plan) sameHeight(a, b *Session) bool {
	if onSupport(a) != onSupport(b) {
		return false
	}
	if onSupport(a) {
		return math.Abs(a.HeightM-b.HeightM) < sameHeight
	}
	return math.Abs(a.DepthPct-b.DepthPct) <= p.s.DepthPct
}

// deeper is by how many steps a went deeper than b; NaN if they cannot be compared.
func (p *plan) deeper(a, b *Session) float64 {
	if onSupport(a) != onSupport(b) {
		return math.NaN()
	}
	if onSupport(a) {
		return (b.HeightM - a.HeightM) / float64(p.s.Step)
	}
	return (a.DepthPct - b.DepthPct) / p.s.DepthPct
}

// asHeavy reports whether what held in s says something of the load of today.
func (p *plan) asHeavy(s *Session) bool {
	const about = 0.975
	return !(s.LoadKG < about*p.last.LoadKG)
}

// deepestHeld is the deepest session that held under a load like today's, nil if none.
func (p *plan) deepestHeld() *Session {
	var best *Session
	for i := range p.all {
		if s := &p.all[i]; s.good(p.s) && p.asHeavy(s) && onSupport(s) == onSupport(p.last) && (best == nil || p.deeper(s, best) > 0) {
			best = s
		}
	}
	return best
}

// isLeap reports whether the last session was more than one step below all that
// ever held: the first film, or a jump. It is no session of training but a finding.
func (p *plan) isLeap() bool {
	held := p.deepestHeld()
	const slack = 0.3 // of a step
	return held == nil || p.deeper(p.last, held) > 1+slack
}

// setbacks counts the bad sessions of late at this height, and their clearly
// rounded reps.
func (p *plan) setbacks() (bad, rounded int) {
	late := p.stage[max(0, len(p.stage)-2*p.s.Sessions):]
	for i := range late {
		if late[i].bad(p.s) {
			bad++
			rounded += late[i].Rounded
		}
	}
	return bad, rounded
}

// silent reports whether a session says nothing, for or against.
func silent(s *Session) bool { return !s.Verdict || s.Reps < minReps && s.Broken == 0 }

// advice with the load and the depth of the last session.
func (p *plan) advice(a Action, why string) Advice {
	return Advice{Action: a, Exercise: p.last.Exercise, HeightM: p.last.HeightM, DepthPct: p.last.DepthPct, LoadKG: p.last.LoadKG, Why: why}
}

// again is the last session once more.
func (p *plan) again(action Action, why, film string) Advice {
	a := p.advice(action, why)
	a.Film = film
	a.What = fmt.Sprintf("Do the same again: %s%s.", p.at(&a), p.load(&a))
	return a
}

// start goes where the finding says that it holds, or back to where a session held
// before, whichever is higher.
func (p *plan) start() Advice {
	why := fmt.Sprintf("On %s %s", day(p.last.At), p.broke(p.last))
	a := p.advice(Start, why+"; this is where it was measured to hold.")
	a.HeightM, a.DepthPct = p.shallower(p.last.HeldM, p.last.HeldPct)
	if !onSupport(p.last) {
		a.HeightM = p.last.HeldM // a box ends the movement surer than the eye
	}
	if held := p.deepestHeld(); held != nil {
		a.Action = Back
		why += ", more than a step deeper than anything that held"
		a.Why = why + "; this is where it was measured to hold."
		measuredHigher := a.DepthPct < held.DepthPct
		if onSupport(p.last) {
			measuredHigher = a.HeightM > held.HeightM
		}
		if !measuredHigher {
			a.HeightM, a.DepthPct = held.HeightM, held.DepthPct
			a.Why = fmt.Sprintf("%s; on %s this held.", why, day(held.At))
		}
	}
	if onSupport(p.last) && math.IsNaN(a.HeightM) {
		a.Why = why + "."
		a.What = fmt.Sprintf("Go only to %.0f %% of your depth%s.", a.DepthPct, p.load(&a))
		a.Film = "With your height (--stature) the height of blocks or box is known in centimetres."
		return a
	}
	a.What = p.move("Start at", &a)
	if a.Action == Back {
		a.What = p.move("Go back to", &a)
	}
	return a
}

// shallower bounds a measured place by the one of the last session.
func (p *plan) shallower(heightM, depthPct float64) (h, d float64) {
	h, d = p.last.HeightM, p.last.DepthPct
	if onSupport(p.last) {
		return math.Max(h, heightM), math.Min(d, depthPct) // NaN stays NaN: unknown
	}
	return h, math.Min(d, depthPct)
}

// back puts height back: a step, or two where it was clear, and at least to where it
// was measured to hold.
func (p *plan) back() Advice {
	n := 1.0
	bad, rounded := p.setbacks()
	if rounded > 0 || p.last.broken() > 0.5 {
		n = 2
	}
	a := p.advice(Back, fmt.Sprintf("%s here did not hold; in the last, on %s, %s. Height put back now is depth won later.", capital(count(bad, "session")), day(p.last.At), p.broke(p.last)))
	if onSupport(p.last) {
		a.HeightM = p.s.steps(p.last.HeightM, n)
		a.HeightM = larger(a.HeightM, p.last.HeldM)
	} else {
		a.DepthPct = math.Max(0, p.last.DepthPct-n*p.s.DepthPct)
		if p.last.HeldPct < a.DepthPct {
			a.DepthPct = p.last.HeldPct
		}
	}
	a.Until = p.now.AddDate(0, 0, 7*p.s.Weeks)
	a.What = p.move("Go back up to", &a) + fmt.Sprintf(" Stay there for %d to %d weeks.", p.s.Weeks, p.s.Weeks+1)
	return a
}

// held is what follows a session that held.
func (p *plan) held() Advice {
	const stale = 42 // days after which depth is no longer taken for granted
	if days := wholeDays(p.last.At, p.now); days > stale {
		return p.again(Film, fmt.Sprintf("The last session was %d weeks ago.", days/7), "Film one at the depth of then before you go deeper.")
	}
	// Sessions that count towards the next step: those since the last that did not
	// hold, under no lighter load.
	first, n := len(p.stage)-1, 0
	for i := len(p.stage) - 1; i >= 0 && (p.stage[i].good(p.s) || silent(&p.stage[i])) && p.asHeavy(&p.stage[i]); i-- {
		if p.stage[i].good(p.s) {
			first = i
			n++
		}
	}
	counted := p.stage[first:]
	if until := p.stayUntil(); p.now.Before(until) {
		a := p.again(Stay, fmt.Sprintf("Height was put back on %s; what is won needs its weeks. It holds: stay until %s.", day(p.stage[0].At), day(until)), "")
		a.Until = until
		return a
	}
	if n < p.s.Sessions {
		return p.again(Stay, fmt.Sprintf("It held on %s%s. %s must hold before the next step.", day(p.last.At), underLoad(p.last), capital(count(p.s.Sessions, "session"))), "")
	}
	if days := wholeDays(counted[0].At, p.last.At); days < p.s.Days {
		until := counted[0].At.AddDate(0, 0, p.s.Days)
		a := p.again(Stay, fmt.Sprintf("It held in %d sessions, but within %s; the next step wants %d days between them: hold it once more on %s or later.", n, count(days, "day"), p.s.Days, day(until)), "")
		a.Until = until
		return a
	}
	why := fmt.Sprintf("It held in %d sessions from %s to %s.", n, day(counted[0].At), day(p.last.At))
	if p.deepEnough() {
		a := p.advice(AddLoad, why+" This is the whole depth, and it is neutral.")
		a.LoadKG = math.Floor(2*p.last.LoadKG*(1+p.s.LoadPct/100)) / 2
		a.What = fmt.Sprintf("Keep the depth (%s) and add at most %.0f %% of load.", p.at(&a), p.s.LoadPct)
		if !math.IsNaN(a.LoadKG) {
			a.What = fmt.Sprintf("Keep the depth (%s) and add load: %s at most.", p.at(&a), unit.Mass(a.LoadKG))
		}
		return a
	}
	a := p.advice(Advance, why)
	if onSupport(p.last) {
		a.HeightM = p.s.steps(p.last.HeightM, -1)
	} else {
		for i := range counted { // what all of them reached
			a.DepthPct = math.Min(a.DepthPct, counted[i].DepthPct)
		}
		a.DepthPct += p.s.DepthPct
	}
	a.What = p.move("Go deeper:", &a)
	return a
}

// stayUntil is the day up to which this height is kept because it was put back,
// zero if it was not.
func (p *plan) stayUntil() time.Time {
	before := len(p.all) - len(p.stage) - 1
	if before < 0 || !p.all[before].bad(p.s) {
		return time.Time{}
	}
	from, here := &p.all[before], &p.stage[0]
	// The way up from the first film is no setback.
	was := newPlan(p.all[:before+1], p.s, from.At)
	if !(p.deeper(from, here) > 0) || was.isLeap() {
		return time.Time{}
	}
	return here.At.AddDate(0, 0, 7*p.s.Weeks)
}

// deepEnough reports whether there is nothing to win below: the floor in a deadlift,
// thighs clearly below parallel in a squat.
func (p *plan) deepEnough() bool {
	const belowParallel = -5 // degrees of the thigh (measurement of depth: docs/breakdown.md)
	switch p.last.Exercise {
	case lift.Deadlift:
		return p.last.HeightM < sameHeight
	case lift.Squat:
		return p.last.ThighDeg <= belowParallel
	}
	return p.last.HeldPct >= 95 // a hinge goes to the floor, and that is all of it
}
