package lift

import (
	"math"
	"slices"

	"github.com/spineflex/spineflex/pkg/signal"
)

// Bounds that say what is a repetition. Lengths are shares of the leg (thigh +
// shank) or of the rep's own amplitude.
const (
	minSquatDrop    = 0.12 // of the leg: a quarter squat lowers the hip by about .15
	minDeadliftDrop = 0.15 // of the leg: a pull from a high rack
	minHingeDrop    = 0.25 // of the leg, the shoulders: bending by 50°
	// Movements below this share of the set's largest are not reps: unracking,
	// shifting the feet, breathing.
	minShareOfLargest = 0.4
	maxFootShift      = 0.45 // of the leg: feet that travel further walk
	maxHipShift       = 0.6  // of the leg: the hips go back by .2 in a squat, .35 in a deadlift
	nearTop           = 0.25 // of the amplitude
	maxSizeChange     = 0.3  // of the body's typical size: walks to the camera
	minStartShare     = 0.6  // of the whole reps' amplitude, for a rep that the clip cuts
	completeAscent    = 0.8  // of the descent: the lifter stood up again
	minReach          = 0.08 // of the leg, the hip above the ankle: lower the heel stops the buttock
	maxReach          = 1.25 // of the leg: more is another body's hip, or a shadow's
	edgeOfRep         = 0.04 // of the amplitude: has left the top, or the floor
	turnSeen          = 0.03 // of the amplitude: has come up again when the clip ends, so that the bottom was shown
	atRest            = 0.5  // of the fastest on the way up: slower than that at the clip's ends is near a turning point
	clipEdge          = 0.15 // s: what goes on so near to the clip's ends is cut by them
	fullTurn          = 0.03 // of the amplitude: counts as top or bottom
	speedHz           = 2.5  // cut-off for the speed: below it the landmarks' jitter is no movement
	settledSpeed      = 0.08 // of the fastest descent: the bar lies still
	settleTime        = 0.4  // s, at most, from the floor's depth to lying still
	longPause         = 1.5  // s at the floor after bending down: set up, not lowered
)

// set is the reps and what is relative to them.
type set struct {
	reps                          []Rep
	phase                         []Phase
	depth, barDrop                []float64 // per cent
	standing                      []bool
	standingHip, trunk, barTravel float64 // pixels
}

// turn is a top or a bottom of the movement.
type turn struct {
	at     int  // frame
	bottom bool //
	end    bool // the stretch starts or ends here, the lifter did not turn
}

// finder looks for reps in one depth signal, positive down, in leg lengths.
type finder struct {
	b     *body
	p     *poses
	d     []float64
	speed []float64 // of d without the landmarks' jitter, per second
	floor float64   // least amplitude
}

func newFinder(e Exercise, b *body, p *poses) *finder {
	f := &finder{b: b, p: p}
	n := len(b.t)
	switch e {
	case Deadlift:
		f.floor, f.d = minDeadliftDrop, p.barDepth(b)
	case Hinge:
		f.floor, f.d = minHingeDrop, below(p.shoulderHeight, b.leg)
	default:
		f.floor, f.d = minSquatDrop, below(p.hipHeight, b.leg)
	}
	for i := range f.d {
		reach := p.hipHeight[i] / b.leg
		if !(math.Abs(p.size[i]-1) <= maxSizeChange) || e != Deadlift && !(reach >= minReach && reach <= maxReach) {
			f.d[i] = math.NaN()
		}
	}
	f.speed = make([]float64, n)
	for _, h := range b.shots {
		t, d, v := b.t[h.from:h.to], f.d[h.from:h.to], f.speed[h.from:h.to]
		signal.FillGaps(d, t, d, bridgeGap)
		signal.Smooth(v, t, d, speedHz)
		signal.Derivative(v, t, v)
	}
	return f
}

// below turns heights into depths in leg lengths.
func below(height []float64, leg float64) []float64 {
	out := make([]float64, len(height))
	for i, h := range height {
		out[i] = -h / leg
	}
	return out
}

func findSet(e Exercise, b *body, p *poses) *set {
	f := newFinder(e, b, p)
	s := &set{}
	threshold := f.floor
	for _, st := range f.stretches() {
		threshold = max(threshold, minShareOfLargest*f.largest(st, f.floor))
	}
	for _, st := range f.stretches() {
		turns := f.turns(st, threshold)
		if e == Deadlift {
			s.reps = append(s.reps, f.deadlifts(turns)...)
		} else {
			s.reps = append(s.reps, f.squats(f.cutByEnd(turns, st))...)
		}
	}
	if e != Deadlift {
		s.reps = f.dropCut(s.reps)
	}
	s.reps = slices.DeleteFunc(s.reps, f.tooFast)
	for i := range s.reps {
		s.reps[i].Index = i + 1
	}
	s.scale(e, f)
	return s
}

// tooFast reports whether nobody lifts in so little time: landmarks that are
// lost jump up and down within a few frames.
func (f *finder) tooFast(r Rep) bool {
	least := minSeconds
	if !r.CoversDescent || !r.CoversAscent {
		least /= 2
	}
	return f.b.t[r.End]-f.b.t[r.Start] < least
}

// dropCut removes a first squat whose way down is not in the clip, and a last
// one whose way up is not, when it is much smaller than the others: a lifter who
// gets into position or reaches for the phone, or a tracker that does.
func (f *finder) dropCut(reps []Rep) []Rep {
	size := func(r Rep) float64 {
		if r.CoversAscent {
			return f.d[r.Bottom] - f.d[r.End]
		}
		return f.d[r.Bottom] - f.d[r.Start]
	}
	var whole []float64
	for _, r := range reps {
		if r.CoversDescent && r.CoversAscent {
			whole = append(whole, size(r))
		}
	}
	least := minStartShare * signal.Median(whole)
	if n := len(reps); n > 0 && !reps[0].CoversDescent && size(reps[0]) < least {
		reps = reps[1:]
	}
	if n := len(reps); n > 0 && !reps[n-1].CoversAscent && size(reps[n-1]) < least {
		reps = reps[:n-1]
	}
	return reps
}

type stretch struct{ from, to int }

// stretches are the runs of frames with a depth, without a cut and long enough to
// hold a rep.
func (f *finder) stretches() []stretch {
	var out []stretch
	for i := 0; i < len(f.d); {
		if math.IsNaN(f.d[i]) {
			i++
			continue
		}
		s, end := stretch{from: i}, f.b.shot(i).to
		for i < end && !math.IsNaN(f.d[i]) {
			i++
		}
		if s.to = i; f.b.t[s.to-1]-f.b.t[s.from] >= minSeconds {
			out = append(out, s)
		}
	}
	return out
}

// largest is the largest rise in the stretch with the feet in place.
func (f *finder) largest(st stretch, least float64) float64 {
	m := 0.0
	t := f.turns(st, least)
	for i := 1; i < len(t); i++ {
		if t[i-1].bottom && f.planted(t[i-1].at, f.arrives(t[i-1].at, t[i].at)) {
			m = max(m, f.d[t[i-1].at]-f.d[t[i].at])
		}
	}
	return m
}

// turns are the alternating tops and bottoms that differ by at least threshold
// (a zigzag with hysteresis), with the stretch's first and last frame where they
// continue it.
func (f *finder) turns(st stretch, threshold float64) []turn {
	var out []turn
	lo, hi := st.from, st.from // highest position (least depth) and deepest since the last turn
	dir := 0                   // +1 going down, -1 going up
	for i := st.from; i < st.to; i++ {
		if f.d[i] < f.d[lo] {
			lo = i
		}
		if f.d[i] > f.d[hi] {
			hi = i
		}
		switch {
		case dir >= 0 && f.d[hi]-f.d[i] >= threshold: // came up from hi
			if dir == 0 {
				// What came before the first bottom: a descent too short to count, or none.
				out = append(out, turn{at: highest(f.d, st.from, hi), end: true})
			}
			out = append(out, turn{at: hi, bottom: true})
			lo, dir = i, -1
		case dir <= 0 && f.d[i]-f.d[lo] >= threshold: // went down from lo
			out = append(out, turn{at: lo})
			hi, dir = i, 1
		}
		if dir > 0 && f.d[i] >= f.d[hi] {
			hi = i
		}
		if dir < 0 && f.d[i] <= f.d[lo] {
			lo = i
		}
	}
	switch dir {
	case 1:
		out = append(out, turn{at: hi, bottom: true, end: true})
	case -1:
		out = append(out, turn{at: lo, end: true})
	}
	return out
}

// cutByEnd adds the top of a last squat of which the clip shows just the first
// of the way up: the bottom is behind the lifter, so it is a rep. Without any
// rise it is none; the lifter may be about to sit down.
func (f *finder) cutByEnd(turns []turn, st stretch) []turn {
	n := len(turns)
	if n < 2 || !turns[n-1].bottom || !f.reachesEnd(st.to-1) {
		return turns
	}
	bottom, before := turns[n-1].at, turns[n-2].at
	last := highest(f.d, bottom, st.to-1)
	if f.d[bottom]-f.d[last] < turnSeen*(f.d[bottom]-f.d[before]) {
		return turns
	}
	return append(turns, turn{at: last, end: true})
}

// reachesEnd reports whether frame i is the clip's last, or as good as.
func (f *finder) reachesEnd(i int) bool { return f.b.t[len(f.b.t)-1]-f.b.t[i] <= clipEdge }

// startsUnderWay reports whether the way up from bottom is in full swing at the
// stretch's first frame: the bottom itself was before the clip began.
func (f *finder) startsUnderWay(first, bottom, top int) bool {
	return f.risesFrom(first, bottom, top, clipEdge)
}

// risesFrom reports whether the stretch's first seconds rise as if in full swing.
func (f *finder) risesFrom(first, bottom, top int, seconds float64) bool {
	_, to := f.b.window(first, seconds)
	to = min(to-1, top)
	return bottom < to && f.rise(first, to) > atRest*f.fastestRise(bottom, top)
}

// endsUnderWay is the same for the way up to top at the clip's last frame.
func (f *finder) endsUnderWay(bottom, top int) bool {
	from, _ := f.b.window(top, clipEdge)
	return f.reachesEnd(top) && f.rise(max(from, bottom), top) > atRest*f.fastestRise(bottom, top)
}

// rise is the speed upwards over the frames from..to by a robust line, since
// landmarks jump and filters are least sure at a clip's ends.
func (f *finder) rise(from, to int) float64 {
	slope, _ := signal.TheilSen(f.b.t[from:to+1], f.d[from:to+1])
	return -slope
}

func (f *finder) fastestRise(from, to int) float64 {
	fastest := 0.0
	for i := from; i <= to; i++ {
		fastest = max(fastest, -f.speed[i])
	}
	return fastest
}

func highest(d []float64, from, to int) int {
	at := from
	for i := from; i <= to; i++ {
		if d[i] < d[at] {
			at = i
		}
	}
	return at
}

func deepest(d []float64, from, to int) int {
	at := from
	for i := from; i <= to; i++ {
		if d[i] > d[at] {
			at = i
		}
	}
	return at
}

// planted reports whether the lifter stays in place between two frames: the feet
// and, since those may be hidden while the lifter walks, the hips.
func (f *finder) planted(from, to int) bool {
	a, c := f.p.ankle.at(from), f.p.ankle.at(to)
	h, g := f.p.hip.at(from), f.p.hip.at(to)
	return math.Abs(a.X-c.X) <= maxFootShift*f.b.leg && math.Abs(h.X-g.X) <= maxHipShift*f.b.leg
}

// arrives is where the movement from bottom to top (either may be earlier) comes
// to rest near the top. The top itself may be much further on: a lifter who racks
// the bar and walks up to the camera gets taller in the picture.
func (f *finder) arrives(bottom, top int) int {
	step := 1
	if top < bottom {
		step = -1
	}
	level := f.d[top] + nearTop*(f.d[bottom]-f.d[top])
	fastest := 0.0
	for i := bottom; i != top; i += step {
		speed := -float64(step) * f.speed[i] // upwards on the way to the top
		fastest = max(fastest, speed)
		if f.d[i] <= level && speed <= settledSpeed*fastest {
			return i
		}
	}
	return top
}

// squats makes reps of the turns: each bottom from which the lifter stood up
// again, or was about to when the clip ended.
func (f *finder) squats(turns []turn) []Rep {
	var out []Rep
	standing := f.standingDepth(turns)
	for i, bottom := range turns {
		if !bottom.bottom || i == 0 || i == len(turns)-1 {
			continue
		}
		before, after := f.arrives(bottom.at, turns[i-1].at), f.arrives(bottom.at, turns[i+1].at)
		if turns[i-1].end && f.startsUnderWay(turns[i-1].at, bottom.at, after) {
			continue // the clip starts on the way up
		}
		up, down := f.d[bottom.at]-f.d[after], f.d[bottom.at]-f.d[before]
		stood := up >= completeAscent*down || f.d[after] <= standing+(1-completeAscent)*up
		cut := turns[i+1].end && f.reachesEnd(turns[i+1].at)
		// The way down counts from near its top, since a walk-out may lead into it.
		sinks := f.leaves(bottom.at, before, f.d[before]+nearTop*down)
		if !stood && !cut || !f.planted(sinks, bottom.at) || !f.planted(bottom.at, after) {
			continue
		}
		r := Rep{Bottom: f.middle(bottom.at, 0.02*max(up, down)), CoversAscent: stood}
		// A clip that starts on the way down, or already at the bottom.
		r.CoversDescent = down >= completeAscent*up || !turns[i-1].end
		r.Start = f.leaves(bottom.at, before, f.d[before]+edgeOfRep*down)
		r.End = after
		if stood {
			r.End = f.leaves(bottom.at, after, f.d[after]+edgeOfRep*up)
		}
		out = append(out, r)
	}
	return out
}

// standingDepth is the set's usual top, with which a rep's end is compared when
// its own start is not to be trusted; -Inf with fewer than three tops.
func (f *finder) standingDepth(turns []turn) float64 {
	var tops []float64
	for _, t := range turns {
		if !t.bottom {
			tops = append(tops, f.d[t.at])
		}
	}
	if len(tops) < 3 {
		return math.Inf(-1)
	}
	return signal.Median(tops)
}

// middle is the middle of the stay at a turning point, where the single deepest
// frame is chance: of the frames about it within slack of its depth.
func (f *finder) middle(at int, slack float64) int {
	from, to := at, at
	for from > 0 && f.d[from-1] >= f.d[at]-slack {
		from--
	}
	for to+1 < len(f.d) && f.d[to+1] >= f.d[at]-slack {
		to++
	}
	return (from + to) / 2
}

// leaves walks from the frame from towards to and returns the first frame that
// is no deeper than level.
func (f *finder) leaves(from, to int, level float64) int {
	step := 1
	if to < from {
		step = -1
	}
	for i := from; i != to; i += step {
		if f.d[i] <= level {
			return i
		}
	}
	return to
}

// deadlifts makes reps of the turns: each lockout that the lifter pulled up to.
func (f *finder) deadlifts(turns []turn) []Rep {
	if f.fromLockout(turns) {
		return f.lowered(turns)
	}
	var out []Rep
	for i, top := range turns {
		if top.bottom || i == 0 {
			continue
		}
		start := turns[i-1]
		up := f.d[start.at] - f.d[top.at]
		lifted := f.lastOnFloor(start.at, top.at)
		if up < f.floor || !f.planted(lifted, f.arrives(start.at, top.at)) {
			continue
		}
		// Clips are cut to begin as the bar leaves the floor, so that it may lie
		// there for the first pictures only.
		if first := turns[0].at; f.startsUnderWay(first, start.at, top.at) && f.risesFrom(first, start.at, top.at, clipEdge/2) {
			continue // the clip starts in the midst of the pull
		}
		r := Rep{CoversAscent: !top.end || !f.endsUnderWay(lifted, top.at)}
		r.Start = lifted
		r.Bottom, r.End = r.Start, top.at
		if i+1 < len(turns) {
			end := turns[i+1]
			r.End = end.at
			if f.d[end.at]-f.d[top.at] >= completeAscent*up {
				r.CoversDescent = true
				r.Bottom = f.returned(top.at, end.at)
				r.End = r.Bottom
			}
		}
		out = append(out, r)
	}
	return out
}

// fromLockout reports whether the bar was in the hands at the start: the clip
// starts and ends up, and the first bottom is a turn and not a pause in which
// the lifter grips the bar.
func (f *finder) fromLockout(turns []turn) bool {
	if len(turns) < 3 || turns[0].bottom || turns[len(turns)-1].bottom {
		return false
	}
	if f.d[turns[1].at]-f.d[turns[0].at] < completeAscent*(f.d[turns[1].at]-f.d[turns[2].at]) {
		return false // the clip starts on the way down
	}
	level := f.d[turns[1].at] - edgeOfRep*(f.d[turns[1].at]-f.d[turns[2].at])
	from, to := turns[1].at, turns[1].at
	for from > turns[0].at && f.d[from-1] >= level {
		from--
	}
	for to < turns[2].at && f.d[to+1] >= level {
		to++
	}
	return f.b.t[to]-f.b.t[from] < longPause
}

// lowered makes reps that go from lockout to lockout.
func (f *finder) lowered(turns []turn) []Rep {
	var out []Rep
	for i := 1; i+1 < len(turns); i += 2 {
		bottom := turns[i].at
		before, after := f.arrives(bottom, turns[i-1].at), f.arrives(bottom, turns[i+1].at)
		up, down := f.d[bottom]-f.d[after], f.d[bottom]-f.d[before]
		stood := up >= completeAscent*down
		if !stood && !(turns[i+1].end && f.reachesEnd(after)) || !f.planted(before, after) {
			continue
		}
		r := Rep{
			Start: f.leaves(bottom, before, f.d[before]+edgeOfRep*down), Bottom: bottom, End: after,
			CoversAscent: stood, CoversDescent: true,
		}
		if stood {
			r.End = f.leaves(bottom, after, f.d[after]+edgeOfRep*up)
		}
		out = append(out, r)
	}
	return out
}

// lastOnFloor is the last frame before the bar rises from bottom to top.
func (f *finder) lastOnFloor(bottom, top int) int {
	level := f.floorLevel(bottom, top) - edgeOfRep*(f.d[bottom]-f.d[top])
	for i := top; i > bottom; i-- {
		if f.d[i] >= level {
			return i
		}
	}
	return bottom
}

// returned is the first frame at which the bar is down again after top: at the
// floor's depth and no longer sinking.
func (f *finder) returned(top, bottom int) int {
	level := f.floorLevel(bottom, top) - edgeOfRep*(f.d[bottom]-f.d[top])
	fastest := 0.0
	for i := top; i < bottom; i++ {
		fastest = max(fastest, f.speed[i])
		if f.d[i] < level {
			continue
		}
		from := i
		for i < bottom && f.speed[i] > settledSpeed*fastest && f.b.t[i]-f.b.t[from] < settleTime {
			i++
		}
		return i
	}
	return bottom
}

// floorLevel is the depth of the bar lying on the floor about the turn at
// bottom: of the stay within a fifth of the amplitude, a little above the median,
// which is the floor after a pause and the turn's own depth without one.
func (f *finder) floorLevel(bottom, top int) float64 {
	level := f.d[bottom] - 0.2*(f.d[bottom]-f.d[top])
	var s []float64
	for i := bottom; i >= 0 && f.d[i] >= level; i-- {
		s = append(s, f.d[i])
	}
	for i := bottom + 1; i < len(f.d) && f.d[i] >= level; i++ {
		s = append(s, f.d[i])
	}
	return signal.Quantile(s, 0.6)
}
