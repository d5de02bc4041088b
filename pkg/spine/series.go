package spine

import (
	"math"

	"gonum.org/v1/gonum/stat"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

const (
	// gainError is the uncertainty of the angle's scale: levels of the joints,
	// shares of the segments, skin.
	gainError = 0.06
	// baseError, degrees, is what remains with everything in view and a contour that
	// the reference meets as well as those of rendered lifters: the reference itself.
	baseError = 1.5
	// hiddenError times the square of the hidden share of the contour is by how much
	// the zero of neutral frames may be off for that, degrees: a back of which only
	// the sacral end is seen takes its flexion from the buttock and from marks of
	// the thorax. What frames that move lose by it, the fit's own standard deviation
	// says.
	hiddenError = 20.0
	// yawError is what a camera off the side view adds, degrees per degree
	// beyond 5 (measurement.md 3g: the silhouette stops being the midline).
	yawError = 0.1
	// maxSD is the largest standard deviation, degrees, with which a value is
	// given at all: with more, rounded and flat backs cannot be told apart.
	maxSD = 10.0
	// usualChi2 is the mean square of the contour's residuals for which the fit's own
	// standard deviation is meant: the median over the frames of 43 rendered
	// lifters. Where the reference meets the contour less well, neighbouring samples
	// go astray together, and the error grows with the root of it.
	usualChi2 = 0.08
	// minCoverage is the least share of the contour between S2 and T12.
	minCoverage = 0.3
	// minSacral is the least share of the contour between S2 and L4 in frames that
	// move: without the sacrum nothing says how the pelvis is pitched. At a
	// lockout, where plates hide it, little pitch is known from the posture.
	minSacral = 0.35
	maxGapS   = 0.15
	// The cut-off of the low-pass, Hz: never below 4, so that a wink of 0.3 s
	// survives.
	minCutoff, maxCutoff = 4, 6
)

// result filters the series in time and puts it together.
func (s *series) result() *Result {
	n := len(s.frames)
	out := &Result{Frames: make([]Frame, n)}
	times, flex, angle := make([]float64, n), make([]float64, n), make([]float64, n)
	sd, fitSD := make([]float64, n), make([]float64, n) // as stated, and of the fit alone
	for i := range s.frames {
		times[i] = s.rec.Frames[i].Time
	}
	passes := passed(times)
	onCores(n, func(i int) {
		flex[i], angle[i], sd[i] = math.NaN(), math.NaN(), math.NaN()
		fr := s.frames[i]
		f := &out.Frames[i]
		if fr == nil || !fr.got.ok {
			return
		}
		var sacral float64
		f.Coverage, sacral = s.coverage(fr)
		fitSD[i] = s.fitSD(fr, 1) * passes
		doubt := s.doubt(fr)
		// What a frame is worth to the filter is another question than how far the
		// filtered value may be off.
		if f.Coverage < minCoverage || sacral < minSacral && !s.in.nearNeutral(i) || math.Hypot(fitSD[i], doubt) > maxSD {
			return
		}
		flex[i], sd[i] = degrees(fr.got.params[pFlexion]), math.Hypot(s.fitSD(fr, usualChi2)*passes, doubt)
		angle[i] = s.ref.surfaceAngle(fr.got.params[pFlexion], fr.got.params[pGluteal])
	})
	zero := s.neutral(out, flex, fitSD)
	for i := range flex {
		cloth := out.ClothDeg * s.hanging(i)
		flex[i] -= zero + cloth
		angle[i] -= cloth
		sd[i] = math.Hypot(sd[i], cloth)
	}
	raw := append([]float64(nil), flex...)
	course(times, flex)
	for i, v := range flex {
		if math.IsNaN(v) {
			angle[i] = math.NaN()
		}
	}
	out.CutoffHz = s.filter(times, flex)
	s.filter(times, angle)
	gone := astray(flex)
	signal.FillGaps(sd, times, sd, maxGapS)
	out.Jumps = s.jumps(times, raw)
	out.NeutralSD, out.NeutralLooks, out.NeutralDrift = s.neutralSpread(raw)
	shared := s.sharedError(out)
	rough := math.Max(roughness(raw, flex)*passes, s.unrest(times, flex))
	onCores(n, func(i int) {
		f := &out.Frames[i]
		f.Raw, f.Flexion, f.Angle, f.Astray = raw[i], flex[i], angle[i], gone[i]
		f.SD = math.Hypot(math.Hypot(math.Max(sd[i], rough), gainError*flex[i]), shared)
		if !(f.SD <= maxSD) {
			f.Flexion, f.Angle, f.SD = math.NaN(), math.NaN(), math.NaN()
		}
		if s.frames[i] != nil {
			s.draw(f, s.frames[i], radians(zero))
		}
	})
	return out
}

const (
	// mostExtension is how far beyond standing a back may seem to be bent backwards,
	// degrees. People reach 16 on average when they try to (Pearcy, Portek & Shepherd
	// 1984), and nobody tries under a bar.
	mostExtension = 20.0
	// astrayFrom is where the way there begins.
	astrayFrom = mostExtension / 2
)

// astray takes out of the series of flexion, degrees, what no back does: stretches
// in which it goes beyond mostExtension, from where they leave astrayFrom to where
// they are back. What was measured there is a plate's rim or an arm, and on the way
// there it was too. It reports which values are gone.
func astray(flex []float64) (gone []bool) {
	gone = make([]bool, len(flex))
	for i := range flex {
		if !(flex[i] < -mostExtension) {
			continue
		}
		from, to := i, i+1
		for from > 0 && flex[from-1] < -astrayFrom {
			from--
		}
		for to < len(flex) && flex[to] < -astrayFrom {
			to++
		}
		for k := from; k < to; k++ {
			flex[k], gone[k] = math.NaN(), true
		}
	}
	return gone
}

// hidden is how much less a neutral frame of which less is seen is worth, as a
// standard deviation, degrees.
func (f *Frame) hidden() float64 { return hiddenError * (1 - f.Coverage) * (1 - f.Coverage) }

// unrest is the standard deviation of the filtered series while the lifter
// stands still, degrees: errors that come and go more slowly than the low-pass
// takes away. What goes steadily one way is taken for movement: a lockout of a
// brisk set is no rest.
func (s *series) unrest(times, filtered []float64) float64 {
	var left residuals
	for i := 0; i <= len(filtered); i++ {
		if i < len(filtered) && s.in.Neutral[i] {
			left.add(times[i], filtered[i])
		} else {
			left.close()
		}
	}
	return orZero(left.sd())
}

const (
	// jumpS is a stretch in which nobody's lower back bends to and fro, seconds.
	jumpS = 0.4
	// stillDeg is how far the trunk's landmarks turn at most over it while the
	// lifter holds still, degrees.
	stillDeg = 4.0
	// leastStill is how many values at rest say how they jump: to a fifth.
	leastStill = 24
)

// jumps is the standard deviation of single frames' flexion about a straight
// course, degrees, over the stretches of jumpS in which the trunk keeps its
// direction; NaN of too few.
func (s *series) jumps(times, raw []float64) float64 {
	var left residuals
	for i := 0; i < len(raw); {
		least, most, end := math.Inf(1), math.Inf(-1), i
		for ; end < len(raw) && (end == i || times[end] < times[i]+jumpS); end++ {
			if fr := s.frames[end]; fr != nil {
				pitch := degrees(s.trunkPitch(fr))
				least, most = math.Min(least, pitch), math.Max(most, pitch)
			}
		}
		for ; i < end; i++ {
			if most-least < stillDeg {
				left.add(times[i], raw[i])
			}
		}
		left.close()
	}
	if len(left.all) < leastStill {
		return math.NaN()
	}
	return left.sd()
}

// residuals are those of straight lines through stretches of a series.
type residuals struct{ all, t, x []float64 }

// leastStretch is how many values say something of how they scatter.
const leastStretch = 4

// add adds a value to the present stretch, unless it is NaN.
func (r *residuals) add(t, x float64) {
	if !math.IsNaN(x) {
		r.t, r.x = append(r.t, t), append(r.x, x)
	}
}

// close ends the stretch.
func (r *residuals) close() {
	if len(r.t) >= leastStretch {
		a, b := stat.LinearRegression(r.t, r.x, nil, false)
		n := float64(len(r.t))
		whole := math.Sqrt(n / (n - 2)) // a line takes two of n degrees of freedom
		for k, t := range r.t {
			r.all = append(r.all, whole*(r.x[k]-a-b*t))
		}
	}
	r.t, r.x = r.t[:0], r.x[:0]
}

// sd is the robust standard deviation, NaN if there are too few.
func (r *residuals) sd() float64 {
	if len(r.all) < leastStretch {
		return math.NaN()
	}
	return signal.MAD(r.all)
}

// roughness is the standard deviation of single frames about the filtered
// series, degrees: what frames differ by without moving, whatever their fits say
// of themselves.
func roughness(raw, filtered []float64) float64 {
	var d []float64
	for i := range raw {
		if x := raw[i] - filtered[i]; !math.IsNaN(x) {
			d = append(d, x)
		}
	}
	if len(d) < 5 {
		return 0
	}
	return signal.MAD(d)
}

const (
	// leastLordosis is the flattest surface angle with which people stand, degrees
	// (20–50° of lordosis is usual, measurement.md 5.6). An outline that stands
	// flatter is that of a loose shirt, which hangs straight over the hollow.
	leastLordosis = -10
	// clothLies is from what lean of the trunk on such a shirt lies on the back,
	// degrees: weight presses it there.
	clothLies = 35.0
)

// neutral fills in what out says of the neutral posture, and returns the flexion of
// the reference there, degrees.
func (s *series) neutral(out *Result, flex, sd []float64) (zero float64) {
	zero, out.NeutralSeen = s.zero(out.Frames, flex, sd)
	out.NeutralAngle = s.ref.surfaceAngle(radians(zero), 0)
	if out.NeutralSeen {
		out.ClothDeg = math.Max(0, out.NeutralAngle-leastLordosis)
	}
	out.NeutralAngle -= out.ClothDeg
	return zero - out.ClothDeg
}

// hanging is the share of what a loose shirt hides of a standing back that it
// still hides in frame i, give or take as much.
func (s *series) hanging(i int) float64 {
	if s.frames[i] == nil {
		return 0
	}
	return math.Max(0, math.Min(1, 1-degrees(s.trunkLean(s.frames[i]))/clothLies))
}

// sharedError is the standard deviation of what all frames have in common,
// degrees: the reference, the neutral posture's own spread, the camera.
func (s *series) sharedError(r *Result) float64 {
	neutral := unseenNeutralSD
	if r.NeutralSeen {
		// the neutral frames of a rest are one look at it, not many
		neutral = r.NeutralSD / math.Sqrt(math.Max(1, float64(r.NeutralLooks)))
	}
	yaw := 0.0
	if s.in.YawDeg > 5 {
		yaw = yawError * (s.in.YawDeg - 5)
	}
	return math.Hypot(math.Hypot(baseError*s.mismatch(), neutral), yaw)
}

// passed is the share of a single frame's random error that the low-pass lets
// through.
func passed(times []float64) float64 {
	rate := signal.Rate(times)
	if !(rate > 2*maxCutoff) {
		return 1
	}
	return math.Sqrt(minCutoff / (rate / 2))
}

// leastFlexed is the share of the frames that stand in for neutral when the
// clip does not show it.
const leastFlexed = 0.1

// genericZeroSD is how far a body standing in its neutral posture may be from
// flexion 0 of the reference before its own frames are asked, degrees.
const genericZeroSD = 7

// zero is the flexion at which the reference stands in the lifter's neutral
// posture, degrees; seen is false where no frame shows that and the least flexed
// ones stand in. It is near 0, and the neutral frames say how near as far as they
// are to be believed: a lockout whose plates hide the sacrum says little.
func (s *series) zero(frames []Frame, flex, sd []float64) (zero float64, seen bool) {
	if s.in.Own != nil {
		return s.standing(s.in.Own.ref), true
	}
	var v, vSD []float64
	for i, f := range flex {
		if s.in.nearNeutral(i) && !math.IsNaN(f) {
			v, vSD = append(v, f), append(vSD, math.Hypot(sd[i], frames[i].hidden()))
		}
	}
	if len(v) == 0 {
		return orZero(signal.Quantile(flex, leastFlexed)), false
	}
	own, generic := 1/math.Pow(signal.Median(vSD), 2), 1.0/(genericZeroSD*genericZeroSD)
	return signal.Median(v) * own / (own + generic), true
}

// standing is the flexion at which the reference comes nearest to a neutral
// contour, degrees.
func (s *series) standing(neutral *reference) float64 {
	var obs []observation
	for i, p := range neutral.p {
		obs = append(obs, observation{x: -p, y: gridHeight(i), sd: math.Hypot(s.misfit, neutral.doubt[i])})
	}
	pr := prior{sd: params{pX: hipSD, pY: hipSD, pPitch: 0.25, pFlexion: radians(30), pGluteal: 0.02}}
	return degrees((&fitter{ref: s.ref}).fit(obs, &pr, params{}, make([]float64, len(obs))).params[pFlexion])
}

// unseenNeutralSD is how far the least flexed frames may be from neutral,
// degrees.
const unseenNeutralSD = 4.0

// neutralSpread is the spread of flexion over the neutral frames, or over the
// stretches of them if those differ more; how many stretches there are, and how
// far they differ.
func (s *series) neutralSpread(flex []float64) (sd float64, looks int, drift float64) {
	var all, stretch, medians []float64
	for i := 0; i <= len(flex); i++ {
		switch {
		case i < len(flex) && s.in.Neutral[i]:
			if !math.IsNaN(flex[i]) {
				all, stretch = append(all, flex[i]), append(stretch, flex[i])
			}
		case len(stretch) >= 3:
			medians = append(medians, signal.Median(stretch))
			fallthrough
		default:
			stretch = nil
		}
	}
	drift = math.NaN()
	if len(all) < 3 {
		return unseenNeutralSD, len(medians), drift
	}
	sd = signal.MAD(all)
	if len(medians) > 1 {
		drift = signal.Quantile(medians, 1) - signal.Quantile(medians, 0)
		sd = math.Max(sd, stat.StdDev(medians, nil))
	}
	return sd, len(medians), drift
}

// filter is the usual treatment in time: short gaps, outliers, then a zero-lag
// Butterworth whose cut-off comes from the residuals, never below 4 Hz: a wink
// of 0.3 s must survive.
func (s *series) filter(times, x []float64) (cutoff float64) {
	signal.FillGaps(x, times, x, maxGapS)
	signal.Hampel(x, x, 3, 3, 0.5)
	cutoff = minCutoff
	if c := signal.Cutoff(x, signal.Rate(times), minCutoff, maxCutoff); !math.IsNaN(c) {
		cutoff = c
	}
	signal.Smooth(x, times, x, cutoff)
	return cutoff
}

// fitSD is the random standard deviation of a single frame's flexion, degrees,
// where the contour meets the bent reference with residuals of that mean square.
func (s *series) fitSD(fr *frame, usual float64) float64 {
	misfit := math.Max(1, fr.got.chi2/usual)
	return degrees(math.Sqrt(fr.got.cov[pFlexion][pFlexion] * misfit))
}

// mismatch is by how much less well the reference meets the clip's contours than it
// usually does, as a factor of its error, 1 or more.
func (s *series) mismatch() float64 {
	var c []float64
	for _, fr := range s.frames {
		if fr != nil && fr.got.ok {
			c = append(c, fr.got.chi2)
		}
	}
	return math.Max(1, math.Sqrt(signal.Median(c)/usualChi2))
}

// coverage is the share of the neutral contour between S2 and T12 on which
// samples took part in the fit, and that of its sacral end, S2 to L4.
func (s *series) coverage(fr *frame) (all, sacral float64) {
	const bins, sacralBins = 20, 8 // as far as L4
	var hit [bins]bool
	var c curve
	p := &fr.got.params
	s.ref.bend(&c, p[pFlexion], p[pGluteal])
	cos, sin := math.Cos(p[pPitch]), math.Sin(p[pPitch])
	for k, o := range fr.obs {
		if fr.got.weights[k] < believed {
			continue
		}
		h, _ := toBody(o, p, cos, sin)
		l := (c.neutralHeight(h) - levelS2) / (levelT12 - levelS2)
		if b := int(l * bins); l >= 0 && b < bins {
			hit[b] = true
		}
	}
	n, low := 0, 0
	for k, h := range hit {
		if h {
			n++
			if k < sacralBins {
				low++
			}
		}
	}
	return float64(n) / bins, float64(low) / sacralBins
}

// drawnPoints is how many points a drawn curve has.
const drawnPoints = 31

// draw adds what a picture of the measurement needs; the reference stands in
// neutral at that flexion, radians.
func (s *series) draw(f *Frame, fr *frame, zero float64) {
	p := fr.got.params
	if !fr.got.ok {
		return
	}
	rec := &s.rec.Frames[fr.index]
	cos, sin := math.Cos(p[pPitch]), math.Sin(p[pPitch])
	sign := 1.0
	if !s.in.FacesRight {
		sign = -1
	}
	place := func(h, back float64) recording.Point {
		x, y := p[pX]+h*sin-back*cos, p[pY]+h*cos+back*sin
		return recording.Point{X: rec.Trunk.Hip.X + sign*x*s.in.TrunkPx, Y: rec.Trunk.Hip.Y - y*s.in.TrunkPx}
	}
	var bent, neutral curve
	s.ref.bend(&bent, p[pFlexion], p[pGluteal])
	s.ref.bend(&neutral, zero, p[pGluteal])
	if !math.IsNaN(f.Flexion) {
		f.Lumbar, f.Neutral = make([]recording.Point, 0, drawnPoints), make([]recording.Point, 0, drawnPoints)
		for h := levelS2; h <= levelT10+1e-9; h += 0.02 {
			f.Lumbar = append(f.Lumbar, place(bent.point(h)))
			f.Neutral = append(f.Neutral, place(neutral.point(h)))
		}
	}
	f.Dorsal = make([]Point, 0, len(fr.obs))
	for k, o := range fr.obs {
		h, _ := toBody(o, &p, cos, sin)
		h = bent.neutralHeight(h)
		st := fr.station[k]
		f.Dorsal = append(f.Dorsal, Point{
			Point: rec.Trunk.At(s.in.Dorsal, st, rec.Trunk.Edge(s.in.Dorsal)[st].Offset),
			Level: (h - levelS2) / (levelT10 - levelS2),
			Used:  fr.got.weights[k] >= believed && !(s.in.BarOnBack && h > elbows),
		})
	}
}
