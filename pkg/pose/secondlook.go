package pose

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/pkg/recording"
)

// The landmark network sees the trunk turned as its region is, and a region
// follows what was seen. So there are two stable ways to see a fast descent:
// the right one, and one in which the trunk stays up while the hips go astray.
// Coming from the other side in time, the right one is usually the nearer.
// What no body can do is looked at a second time: forwards, backwards and in
// the region between the sound frames; and of all that the course is kept that
// is the easiest for the lifter's body.

const (
	// runUp is how long before and after a doubtful frame the second look
	// begins, seconds: a slow phase of a repetition lies within.
	runUp = 1.0
	// roomToGrow is how much larger than the standing lifter's a region may be.
	roomToGrow = 1.1
	// littleFaith is what is left of the landmarks' visibility where the network
	// is sure and the body is none.
	littleFaith = 0.5
	// changeOfCourse keeps courses that hardly differ from being mixed frame by
	// frame; a strained look costs as much.
	changeOfCourse = 1.0
)

// Span is a range of frames, From included and To not.
type Span struct{ From, To int }

// Second is a second look at what cannot be right of a clip.
type Second struct {
	build build
	looks []Look
	doubt []bool
	Spans []Span // to be looked at, in order; empty if all is as a body can be
	Saw   func() // told of each look at a picture, one at a time; may be nil

	lifter int // the frame from which on the lifter is followed, and not somebody else
}

// NewSecond finds what has to be looked at again. Spans are at most most frames
// long. It keeps looks, and changes them as [Second.Retrack] finds better ones.
func NewSecond(looks []Look, most int) *Second {
	s := &Second{looks: looks}
	for i := range looks {
		if looks[i].Newcomer {
			s.lifter = i
		}
	}
	s.build = measureBuild(looks[s.lifter:])
	s.doubt = append(make([]bool, s.lifter), s.build.doubtful(looks[s.lifter:])...)
	if s.lifter > 0 {
		s.Spans = append(s.Spans, Span{max(0, s.lifter+1-most), s.lifter + 1})
	}
	for i, d := range s.doubt {
		if !d {
			continue
		}
		from, to := i, i+1
		for from > 0 && looks[i].Time-looks[from-1].Time <= runUp && looks[from-1].Tracking != recording.Absent {
			from--
		}
		for to < len(looks) && looks[to].Time-looks[i].Time <= runUp && looks[to].Tracking != recording.Absent {
			to++
		}
		from = max(from, s.lifter)
		if n := len(s.Spans); n > 0 && s.Spans[n-1].From >= s.lifter && from <= s.Spans[n-1].To && to-s.Spans[n-1].From <= most {
			s.Spans[n-1].To = to
			continue
		} else if n > 0 {
			from = max(from, s.Spans[n-1].To)
		}
		if from < to {
			s.Spans = append(s.Spans, Span{from, min(to, from+most)})
		}
	}
	return s
}

// Most is how many looks at pictures all spans together take at most.
func (s *Second) Most() int {
	n := 0
	for _, span := range s.Spans {
		n += 3 * (span.To - span.From) // forwards, backwards and between
	}
	return n
}

// scaled returns the region in a picture of another size.
func (r Region) scaled(k float64) Region {
	r.X *= k
	r.Y *= k
	r.Side *= k
	return r
}

// seeing looks at picture i of a span in a region of the full-sized one.
type seeing func(ctx context.Context, i int, r Region) (sight, error)

// Retrack looks again at a span, given its pictures, which may be scale times
// as large as those that were looked at first, and puts the better looks in
// the place of the first ones. It returns which have changed. The courses are
// independent of each other, and two networks take turns on them.
func (s *Second) Retrack(ctx context.Context, t *Tracker, span Span, pictures []Image, scale float64) ([]int, error) {
	first := s.looks[span.From:span.To]
	if len(pictures) != len(first) {
		return nil, fmt.Errorf("second look at %d frames: %d pictures", len(first), len(pictures))
	}
	n := len(first)
	if t.another == nil {
		var err error
		if t.another, err = t.landmarker.twin(); err != nil {
			return nil, fmt.Errorf("second look: %w", err)
		}
	}
	idle := make(chan *landmarker, 2)
	idle <- t.landmarker
	idle <- t.another
	var telling sync.Mutex
	see := func(ctx context.Context, i int, r Region) (sight, error) {
		l := <-idle
		defer func() { idle <- l }()
		if ctx.Err() != nil {
			return sight{}, ctx.Err()
		}
		if s.Saw != nil {
			telling.Lock()
			s.Saw()
			telling.Unlock()
		}
		return l.locate(pictures[i], r.scaled(scale), t.unsigned)
	}
	if span.From < s.lifter {
		return s.findLifter(ctx, span, scale, see)
	}
	var forwards, backwards []Look
	between := slices.Clone(first)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { forwards, err = s.follow(ctx, first, 0, 1, scale, see); return err })
	g.Go(func() (err error) { backwards, err = s.follow(ctx, first, n-1, -1, scale, see); return err })
	g.Go(func() error {
		for i := range first {
			r, ok := s.between(span.From + i)
			if !ok {
				continue
			}
			v, err := see(ctx, i, r)
			if err != nil {
				return err
			}
			between[i] = v.look(first[i].Time, scale)
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("second look: %w", err)
	}
	courses := [][]Look{first, forwards, backwards, between}

	var changed []int
	for i, c := range s.build.easiest(courses, s.doubt[span.From:span.To]) {
		best := courses[c][i]
		if c == 0 && (best.Tracking != recording.Tracked || s.build.holds(best.joints().segments())) {
			continue
		}
		if !s.build.holds(best.joints().segments()) || best.Presence < minPresence {
			// None of them is a body: what the region between the sound frames
			// shows, and little faith in it.
			best = between[i]
			best.Tracking = recording.Held
		}
		changed = append(changed, span.From+i)
		s.looks[span.From+i] = best
	}
	return changed, nil
}

// findLifter follows the lifter back from where they were known to be the one
// who lifts, through the frames in which somebody else was followed.
func (s *Second) findLifter(ctx context.Context, span Span, scale float64, see seeing) ([]int, error) {
	course, err := s.follow(ctx, s.looks[span.From:span.To], span.To-span.From-1, -1, scale, see)
	if err != nil {
		return nil, fmt.Errorf("second look: %w", err)
	}
	var changed []int
	for i := range s.lifter {
		l := Look{Time: s.looks[i].Time, Landmarks: missing()}
		if k := i - span.From; k >= 0 && course[k].Presence >= signOfLife {
			l = course[k]
		}
		s.looks[i] = l
		changed = append(changed, i)
	}
	return changed, nil
}

// follow tracks through the span from one of its ends.
func (s *Second) follow(ctx context.Context, first []Look, from, step int, scale float64, see seeing) ([]Look, error) {
	course := make([]Look, len(first))
	var st steady
	start := first[from].Region
	start.Side = min(start.Side, roomToGrow*s.build.size)
	st.start(start, s.build.size)
	for i := from; i >= 0 && i < len(first); i += step {
		v, err := see(ctx, i, st.region)
		if err != nil {
			return nil, err
		}
		course[i] = v.look(first[i].Time, scale)
		if next := i + step; next >= 0 && next < len(first) && v.presence >= minPresence {
			for k := range 2 {
				v.hip[k] /= scale
				v.top[k] /= scale
			}
			st.follow(v, math.Abs(first[next].Time-first[i].Time))
			st.size = s.build.size
			st.region.Side = min(st.region.Side, roomToGrow*s.build.size)
		}
	}
	return course, nil
}

// Again observes a frame in the region that a second look has found. What it
// returns is valid until the tracker's next call.
func (t *Tracker) Again(img Image, index int, l Look) (Observation, error) {
	if err := img.Validate(); err != nil {
		return Observation{}, fmt.Errorf("second look at frame %d: %w", index, err)
	}
	t.reset()
	if l.Tracking == recording.Absent {
		return Observation{Index: index, Time: l.Time, Landmarks: missing(), Image: img}, nil
	}
	v, err := t.landmarker.locate(img, l.Region, t.unsigned)
	if err != nil {
		return Observation{}, fmt.Errorf("second look at frame %d: %w", index, err)
	}
	t.emit(img, index, l.Time, l.Tracking, v)
	o := t.out[0]
	if o.Tracking == recording.Held && o.Presence >= minPresence {
		// The network is surer of what it sees than a body allows.
		for i := range o.Landmarks {
			o.Landmarks[i].Visibility *= littleFaith
		}
	}
	return o, nil
}

// look returns a sight in a picture scale times as large as it was at first.
func (v *sight) look(time, scale float64) Look {
	l := Look{Time: time, Tracking: recording.Held, Presence: v.presence, Landmarks: v.landmarks, Region: v.region.scaled(1 / scale)}
	if v.presence >= minPresence {
		l.Tracking = recording.Tracked
	}
	for i := range l.Landmarks {
		k := &l.Landmarks[i]
		k.X /= scale
		k.Y /= scale
		k.Z /= scale
	}
	return l
}

// between is the region of a doubtful frame as the sound ones before and after
// have it.
func (s *Second) between(i int) (Region, bool) {
	if !s.doubt[i] {
		return Region{}, false
	}
	sound := func(i int) bool { return !s.doubt[i] && s.looks[i].Tracking == recording.Tracked }
	a, b := i, i
	for a >= 0 && !sound(a) {
		a--
	}
	for b < len(s.looks) && !sound(b) {
		b++
	}
	switch {
	case a < 0 && b == len(s.looks):
		return Region{}, false
	case a < 0:
		return s.looks[b].Region, true
	case b == len(s.looks):
		return s.looks[a].Region, true
	}
	p, q := s.looks[a], s.looks[b]
	w := (s.looks[i].Time - p.Time) / (q.Time - p.Time)
	return RegionBetween(p.Region, q.Region, w), true
}

// RegionBetween is the region at share w of the way from p to q.
func RegionBetween(p, q Region, w float64) Region {
	turn := math.Remainder(q.Angle-p.Angle, 2*math.Pi)
	return Region{
		X: p.X + w*(q.X-p.X), Y: p.Y + w*(q.Y-p.Y), Side: p.Side + w*(q.Side-p.Side),
		Angle: math.Remainder(p.Angle+w*turn, 2*math.Pi),
	}
}

// easiest returns which of the courses to take in each frame so that all in all
// the body is strained least (Viterbi). Ends that were not in doubt are kept.
func (b build) easiest(courses [][]Look, doubt []bool) []int {
	n, m := len(doubt), len(courses)
	if n == 0 {
		return nil
	}
	cost := make([]float64, m)
	from := make([][]int, n)
	path := make([][]joints, m)
	for c := range courses {
		path[c] = make([]joints, n)
		for i := range courses[c] {
			path[c][i] = courses[c][i].joints()
		}
	}
	strain := func(c, i int) float64 {
		if c > 0 && !doubt[i] && (i == 0 || i == n-1) {
			return math.Inf(1)
		}
		return b.strain(&courses[c][i])
	}
	for c := range cost {
		cost[c] = strain(c, 0)
	}
	for i := 1; i < n; i++ {
		from[i] = make([]int, m)
		next := make([]float64, m)
		dt := courses[0][i].Time - courses[0][i-1].Time
		for c := range next {
			next[c] = math.Inf(1)
			for p := range cost {
				v := cost[p] + b.effort(path[p][i-1], path[c][i], dt)
				if p != c {
					v += changeOfCourse
				}
				if v < next[c] {
					next[c], from[i][c] = v, p
				}
			}
			next[c] += strain(c, i)
		}
		cost = next
	}
	best := 0
	for c := range cost {
		if cost[c] < cost[best] {
			best = c
		}
	}
	taken := make([]int, n)
	for i := n - 1; i >= 0; i-- {
		taken[i] = best
		if i > 0 {
			best = from[i][best]
		}
	}
	return taken
}
