package overlay

import (
	"math"
	"sort"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
)

// maxGap is the longest time between two analysed frames that is interpolated
// over; in a longer one nothing is drawn, since nothing was seen.
const maxGap = 0.3 // s

// moment is what is drawn at one instant. Missing numbers are NaN.
type moment struct {
	time      float64
	seen      bool
	rep       int // the rep that is under way, or the last one finished; 0 before the first
	inRep     bool
	depth     float64
	flexion   float64
	sd        float64
	sure      float64 // confidence
	beyond    bool
	sinceLoss float64 // seconds since neutral was lost in this rep; NaN if it was not
	worst     bool    // about the frame of most flexion of the whole set
	landmarks [recording.NumLandmarks]recording.Keypoint
	dorsal    []analysis.DorsalPoint
	lumbar    []point
	neutral   []point
}

// isSure reports whether enough of the back was seen to be drawn as measured.
func (m *moment) isSure() bool { return m.sure >= leastSure && !math.IsNaN(m.flexion) }

// left reports whether the back is outside of the neutral range, and surely so.
func (m *moment) left() bool { return m.beyond && m.isSure() }

// track gives the state of the set at any time of the clip.
type track struct {
	a      *analysis.Analysis
	times  []float64
	worstS float64 // time of the most flexion of the set; NaN if there is none
}

// worstFor is how long the worst frame is marked, before and after it: long
// enough to be seen.
const worstFor = 0.25 // s

func newTrack(a *analysis.Analysis) *track {
	t := &track{a: a, times: make([]float64, len(a.Frames)), worstS: math.NaN()}
	if r := worstRep(a); r != nil {
		t.worstS = r.PeakS
	}
	for i := range a.Frames {
		t.times[i] = a.Frames[i].Time
	}
	return t
}

// worstRep is the rep with the most flexion, nil where none was measured.
func worstRep(a *analysis.Analysis) *analysis.Rep {
	var worst *analysis.Rep
	for i := range a.Reps {
		r := &a.Reps[i]
		if !math.IsNaN(r.PeakFlexionDeg+r.PeakS) && (worst == nil || r.PeakFlexionDeg > worst.PeakFlexionDeg) {
			worst = r
		}
	}
	return worst
}

// at fills m with the state at time s, interpolated between analysed frames.
func (t *track) at(s float64, m *moment) {
	nan := math.NaN()
	*m = moment{time: s, depth: nan, flexion: nan, sd: nan, sinceLoss: nan, lumbar: m.lumbar[:0], neutral: m.neutral[:0]}
	for i := range t.a.Reps {
		r := &t.a.Reps[i]
		if s < r.StartS {
			break
		}
		m.rep = r.Index
		m.inRep = s <= r.EndS
		m.sinceLoss = nan
		if b := r.Breakdown; b != nil && m.inRep && s >= b.TimeS {
			m.sinceLoss = s - b.TimeS
		}
	}
	// j is the first frame after s.
	j := sort.Search(len(t.times), func(i int) bool { return t.times[i] > s })
	i := j - 1
	switch {
	case len(t.times) == 0:
		return
	case i < 0: // before the first frame
		i = 0
		j = 0
	case j == len(t.times):
		j = i
	}
	f, g := &t.a.Frames[i], &t.a.Frames[j]
	w := 0.0
	if span := g.Time - f.Time; span > 0 {
		w = (s - f.Time) / span
		if span > maxGap {
			// Not between these two; the nearer one may still be near enough.
			if w > 0.5 {
				f = g
			}
			g, w = f, 0
		}
	}
	if f == g && math.Abs(s-f.Time) > maxGap/2 {
		return
	}
	m.depth = between(f.DepthPct, g.DepthPct, w)
	m.flexion = between(f.LumbarFlexion, g.LumbarFlexion, w)
	m.sd = between(f.LumbarFlexionSD, g.LumbarFlexionSD, w)
	m.sure = between(f.Confidence, g.Confidence, w)
	m.beyond = f.BeyondNeutral
	m.worst = math.Abs(s-t.worstS) <= worstFor
	for l := range m.landmarks {
		p, q := &f.Landmarks[l], &g.Landmarks[l]
		m.landmarks[l] = recording.Keypoint{
			X: between(p.X, q.X, w), Y: between(p.Y, q.Y, w), Z: nan,
			Visibility: between(p.Visibility, q.Visibility, w),
		}
		if v := m.landmarks[l]; v.Visibility > 0 && !math.IsNaN(v.X+v.Y) {
			m.seen = true
		}
	}
	m.lumbar = curveBetween(m.lumbar, f.Lumbar, g.Lumbar, w)
	m.neutral = curveBetween(m.neutral, f.NeutralCurve, g.NeutralCurve, w)
	m.dorsal = f.Dorsal
	if w > 0.5 {
		m.dorsal = g.Dorsal
	}
}

// between interpolates; where one end is missing the nearer end counts, as it
// does at the edge of what was seen.
func between(a, b, w float64) float64 {
	switch {
	case w == 0:
		return a
	case math.IsNaN(a) || math.IsNaN(b):
		if w < 0.5 {
			return a
		}
		return b
	}
	return a + w*(b-a)
}

// curvePoints is how many points a curve between two frames is drawn with.
const curvePoints = 32

// curveBetween appends the curve between a and b to dst.
func curveBetween(dst, a, b []point, w float64) []point {
	switch {
	case w == 0 || len(b) < 2 && w < 0.5:
		return append(dst, a...)
	case len(a) < 2 || len(b) < 2:
		if w < 0.5 {
			return dst
		}
		return append(dst, b...)
	case len(a) == len(b):
		for i := range a {
			dst = append(dst, lerp(a[i], b[i], w))
		}
		return dst
	}
	for i := range curvePoints {
		u := float64(i) / (curvePoints - 1)
		dst = append(dst, lerp(along(a, u), along(b, u), w))
	}
	return dst
}

// along is the point at fraction u of the curve's index range.
func along(c []point, u float64) point {
	x := u * float64(len(c)-1)
	i := min(int(x), len(c)-2)
	return lerp(c[i], c[i+1], x-float64(i))
}
