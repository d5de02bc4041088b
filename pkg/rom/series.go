package rom

import (
	"math"
	"slices"
	"sort"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/signal"
)

// way is the direction of travel.
type way int

const (
	wayDown way = iota
	wayUp
)

// binS is the width over which frames are averaged before the fit. Flexion is
// low-passed at 4–6 Hz, so 15 samples a second keep all of it, at any frame
// rate of the clip.
const binS = 1.0 / 15

// sample is the mean of the measured frames in one bin.
type sample struct {
	t      float64 // s
	depth  float64 // 0..1
	flex   float64 // degrees
	sd     float64 // degrees, random part
	stated float64 // degrees, as the frames state it
	way    way
}

// repSeries is what one rep offers to the fit.
type repSeries struct {
	rep     Rep
	frames  []int // indices into Input.Frames, in time order
	ways    []way // per frame of frames
	clean   []float64
	samples []sample
	deepest float64 // greatest depth of the rep, 0..1, flexion measured or not
	bottomS float64
	share   float64 // share of its frames with a flexion value
	reason  string  // why it cannot be judged; empty: it can
}

// collect groups the frames by rep, rejects spikes and averages into bins.
func collect(in Input, o Options) []repSeries {
	out := make([]repSeries, len(in.Reps))
	byIndex := make(map[int]int, len(in.Reps))
	for i, r := range in.Reps {
		out[i] = repSeries{rep: r, bottomS: r.BottomS}
		byIndex[r.Index] = i
	}
	for i, f := range in.Frames {
		if k, ok := byIndex[f.Rep]; ok && f.Rep != 0 && finite(f.TimeS, f.DepthPct) {
			out[k].frames = append(out[k].frames, i)
		}
	}
	for i := range out {
		out[i].prepare(in.Frames, o)
	}
	return out
}

func (s *repSeries) prepare(frames []Frame, o Options) {
	s.ways = ways(frames, s.frames)
	s.clean = despike(frames, s.frames)
	var all, measured [2]int // by way
	deepMeasured := 0.0
	s.deepest = math.NaN()
	for j, i := range s.frames {
		d := frames[i].DepthPct / 100
		if !(d <= s.deepest) {
			s.deepest = d
		}
		all[s.ways[j]]++
		if finite(s.clean[j]) {
			measured[s.ways[j]]++
			deepMeasured = math.Max(deepMeasured, d)
		}
	}
	seen := measured[wayDown] + measured[wayUp]
	if len(s.frames) > 0 {
		s.share = float64(seen) / float64(len(s.frames))
	}
	// One way tells it, as it does of a pull that begins or ends the clip.
	told := s.share
	for w, n := range all {
		if measured[w] >= minSamples {
			told = math.Max(told, float64(measured[w])/float64(n))
		}
	}
	s.bin(frames, o)
	switch {
	case seen == 0:
		s.reason = "the lower back was not measured"
	case len(s.samples) < minSamples:
		s.reason = "too few frames of the lower back"
	case longestLoss(frames, s.frames) >= maxLossS:
		s.reason = "the lifter was lost near the bottom"
	case s.deepest-deepMeasured > maxBlindDepth:
		s.reason = "the lower back was hidden at the bottom"
	case told < minShare:
		s.reason = "the lower back was hidden in most frames"
	case slices.ContainsFunc(s.frames, func(i int) bool { return frames[i].Astray }):
		s.reason = "plates, an arm or clothing passed for the lower back"
	}
}

// Coverage below which a rep is not judged. Depths 8 % short of the bottom are
// as far as a hinge may be extrapolated: a wink of 0.3 s lives there. In as long a
// time, and from as deep as lossDepth, a lifter can go to the bottom and come back,
// so that one who is lost for it may have been deeper than is known.
const (
	minSamples    = 8
	minShare      = 0.5
	maxBlindDepth = 0.08
	maxLossS      = 0.3
	lossDepth     = 0.6
)

// longestLoss is the longest time for which the lifter was lost deep in the rep,
// seconds.
func longestLoss(frames []Frame, idx []int) float64 {
	longest, from := 0.0, -1
	for j, i := range idx {
		f := &frames[i]
		if !f.Lost || f.DepthPct < 100*lossDepth {
			from = -1
			continue
		}
		if from < 0 {
			from = max(0, j-1)
		}
		longest = math.Max(longest, f.TimeS-frames[idx[from]].TimeS)
	}
	return longest
}

// ways gives every frame its direction; frames at the bottom, which have none,
// take that of the nearest frame that moves, so that the pause before a pull
// belongs to the way up.
func ways(frames []Frame, idx []int) []way {
	out := make([]way, len(idx))
	known := make([]int, 0, len(idx))
	for j, i := range idx {
		switch frames[i].Phase {
		case lift.Up:
			out[j] = wayUp
			known = append(known, j)
		case lift.Down, lift.Top:
			known = append(known, j)
		}
	}
	for j, i := range idx {
		if p := frames[i].Phase; p == lift.Up || p == lift.Down || p == lift.Top || len(known) == 0 {
			continue
		}
		k := sort.SearchInts(known, j)
		switch {
		case k == len(known):
			k--
		case k > 0 && j-known[k-1] <= known[k]-j:
			k--
		}
		out[j] = out[known[k]]
	}
	return out
}

// despike returns the flexion of the frames with NaN in place of excursions
// too short to be a movement: those that leave the median of their neighbours
// within ±minDurationS by more than the spine can bend in that time.
func despike(frames []Frame, idx []int) []float64 {
	const leastJump = 8.0 // degrees; a wink of 25° in 0.3 s stays 6° from its running median
	out := make([]float64, len(idx))
	var near []float64
	lo, hi := 0, 0
	for j, i := range idx {
		f := frames[i]
		out[j] = f.LumbarFlexion
		if !finite(f.LumbarFlexion) {
			out[j] = math.NaN()
			continue
		}
		for frames[idx[lo]].TimeS < f.TimeS-minDurationS-1e-9 {
			lo++
		}
		for hi < len(idx) && frames[idx[hi]].TimeS <= f.TimeS+minDurationS+1e-9 {
			hi++
		}
		near = near[:0]
		for k := lo; k < hi; k++ {
			if v := frames[idx[k]].LumbarFlexion; finite(v) {
				near = append(near, v)
			}
		}
		jump := leastJump
		if finite(f.LumbarFlexionSD) {
			jump = math.Max(jump, 4*f.LumbarFlexionSD)
		}
		if len(near) >= 3 && math.Abs(f.LumbarFlexion-signal.Median(near)) > jump {
			out[j] = math.NaN()
		}
	}
	return out
}

// bin averages the clean frames into samples, never across ways.
func (s *repSeries) bin(frames []Frame, o Options) {
	var acc sample
	n, key := 0, 0
	flush := func() {
		if n > 0 {
			k := float64(n)
			s.samples = append(s.samples, sample{acc.t / k, acc.depth / k, acc.flex / k, acc.sd / k, acc.stated / k, acc.way})
		}
		acc, n = sample{}, 0
	}
	for j, i := range s.frames {
		v := s.clean[j]
		if !finite(v) {
			continue
		}
		f := frames[i]
		b := int(math.Floor((f.TimeS-s.rep.StartS)/binS + 1e-6))
		if n > 0 && (b != key || s.ways[j] != acc.way) {
			flush()
		}
		key = b
		acc.t += f.TimeS
		acc.depth += f.DepthPct / 100
		acc.flex += v
		acc.sd += randomSD(f.LumbarFlexionSD, o.SystematicDeg)
		acc.stated += statedSD(f.LumbarFlexionSD)
		acc.way = s.ways[j]
		n++
	}
	flush()
}

// statedSD is a frame's sd, or a usual one where it states none.
func statedSD(sd float64) float64 {
	if !finite(sd) || sd <= 0 {
		return 4
	}
	return sd
}

// randomSD takes the systematic part, which all frames share, out of a frame's
// sd. What is left is only a start: the fit scales it to the residuals.
func randomSD(sd, systematic float64) float64 {
	sd = statedSD(sd)
	return math.Sqrt(math.Max(sd*sd-systematic*systematic, 0.16*sd*sd))
}

func finite(vs ...float64) bool {
	for _, v := range vs {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
