// Package spine measures lumbar flexion from the dorsal contour.
//
// # How
//
// The lifter's own back, standing in neutral, is the ruler. From the frames
// that show it a reference contour is made, from the buttock over the hollow of
// the back to the lower thorax, and joined to that of bodies in general by as
// much as clothes and soft tissue leave of it when the lifter bends. In every
// frame the reference is laid over the contour that is seen: shifted, pitched
// with the pelvis, and bent in the six lumbar joints by the one angle that is
// wanted, the sagittal rotation of the thorax about the sacrum. This is least
// squares over all samples between sacrum and T10 (design: displacement
// regressed on the lumbar-bend basis), so that noise averages out, and samples
// that no bend explains (an elbow, a plate, a fold of the shirt) lose their
// weight. Two more things move the contour and are part of the model: the
// buttock flattens as the hip flexes, and the skin lies behind the joints and is
// stretched.
//
// [Frame.Flexion] is that angle, relative to neutral, flexion positive.
// [Frame.Angle] is the angle of the skin itself between the chords S2–L4 and
// L2–T9: lordosis negative, flat 0, rounded positive.
//
// The standard deviation is that of the least-squares fit, with the edge's own
// noise, how much of the back is in view, and what the model cannot know.
package spine

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spineflex/spineflex/pkg/recording"
)

// ErrNoContour is returned when no frame shows enough of the back.
var ErrNoContour = errors.New("the lower back is not visible in any frame")

// ErrNoNeutral is returned when a clip that should show the neutral posture
// does not.
var ErrNoNeutral = errors.New("the clip does not show the neutral posture")

// Input is what the measurement needs to know of the movement. Slices have one
// value per frame of the recording.
type Input struct {
	Dorsal     recording.Side // the edge that is the back
	FacesRight bool
	TrunkPx    float64   // distance of the hip and shoulder joints, pixels
	Neutral    []bool    // frames that show the neutral posture; none: the least flexed frames stand in
	Near       []bool    // frames that pass so close by the neutral posture that they show it as well; nil: none
	ThighDeg   []float64 // thigh from vertical, forward positive, degrees; NaN unknown
	YawDeg     float64   // camera off the side view, degrees; NaN unknown
	BarOnBack  bool      // the bar lies on the shoulders: the plate goes where the thorax goes, and elbows stand out behind the back
	Own        *Neutral  // the lifter's neutral back learned from another clip; nil: learn it from this one
}

// Neutral is a lifter's own neutral back, learned from one clip to measure
// others by. It is in trunk lengths, so neither the camera's distance nor the
// side it looks from matters.
type Neutral struct {
	ref     *reference
	generic [gridSize]float64 // of the body that is most like it
}

// Learn makes the reference from the frames of rec that in marks as neutral.
func Learn(rec *recording.Recording, in Input) (*Neutral, error) {
	s := newSeries(rec, in)
	if !s.observe() {
		return nil, ErrNoContour
	}
	r := newRegistration(s)
	if len(r.neutral) == 0 {
		return nil, ErrNoNeutral
	}
	r.others = nil
	ref := r.reference()
	return &Neutral{ref: ref, generic: r.generic}, nil
}

// Frame is the measurement in one frame. NaN: not measurable.
type Frame struct {
	Flexion  float64 // degrees from neutral, filtered
	SD       float64 // standard deviation of Flexion, degrees
	Raw      float64 // degrees from neutral, this frame alone
	Angle    float64 // surface lumbar angle, degrees
	Coverage float64 // share of the contour from S2 to T12 that took part, 0..1
	Astray   bool    // what was measured was no back, and has been taken out

	Dorsal  []Point           // what was seen of the back
	Lumbar  []recording.Point // the fitted contour, S2 to T10, picture
	Neutral []recording.Point // the same stretch unbent: this pelvis, neutral lumbar spine
}

// Point is a sample of the dorsal contour in the picture.
type Point struct {
	recording.Point
	Level float64 // 0 = sacrum (S2) .. 1 = T10, beyond outside
	Used  bool    // took part in the measurement; otherwise hidden or doubtful
}

// Result is the measurement of a clip.
type Result struct {
	Frames       []Frame
	NeutralSeen  bool    // the clip shows neutral; otherwise flexion is counted from the least flexed frames
	NeutralDrift float64 // largest less smallest median flexion over the stretches that show neutral, degrees; NaN with fewer than two
	NeutralAngle float64 // surface lumbar angle in neutral, degrees
	ClothDeg     float64 // by how much the standing outline is flatter than any back, which clothing does, degrees: neutral is that much more lordotic; 0: none to be seen
	NeutralSD    float64 // spread of flexion over the neutral frames, degrees
	NeutralLooks int     // stretches of neutral frames
	Jumps        float64 // standard deviation of single frames' flexion while the trunk is still, degrees; NaN: too seldom to tell
	CutoffHz     float64
}

// nearNeutral reports whether frame i shows the neutral posture, at rest or in
// passing.
func (in *Input) nearNeutral(i int) bool {
	return in.Neutral[i] || in.Near != nil && in.Near[i]
}

// frame is one frame's contour on its way through the measurement.
type frame struct {
	index   int           // in the recording
	obs     []observation // clear samples of the dorsal edge
	station []int         // of each
	wts     []float64
	got     fitted
}

func (fr *frame) weights() []float64 {
	if cap(fr.wts) < len(fr.obs) {
		fr.wts = make([]float64, len(fr.obs))
	}
	return fr.wts[:len(fr.obs)]
}

// How well the bent reference follows the contour beyond the edge's own noise,
// T: skin folds, muscle, clothing. It is taken from the clip's own residuals
// between these bounds.
const (
	usualMisfit = 0.006
	leastMisfit = 0.002
	mostMisfit  = 0.015
)

// believed is the robust weight from which a sample counts as part of the
// back: its residual is under three of its standard deviations.
const believed = 0.4

// minSamples is the least number of samples a fit may rest on.
const minSamples = 14

// Measure measures every frame of rec.
func Measure(rec *recording.Recording, in Input) (*Result, error) {
	s := newSeries(rec, in)
	if !s.observe() {
		return nil, ErrNoContour
	}
	r := newRegistration(s)
	r.temper(r.own())
	s.misfit = r.misfit()
	s.settle()
	s.weigh()
	s.run()
	return s.result(), nil
}

// series is the measurement of a clip under way.
type series struct {
	in     Input
	rec    *recording.Recording
	frames []*frame // nil: too little of the back
	ref    *reference
	misfit float64 // see usualMisfit
	// mark is what holds the thorax where arm and plate hide the back, and
	// where it sits on this lifter's neutral thorax.
	mark             mark
	thoraxH, thoraxP float64
}

func newSeries(rec *recording.Recording, in Input) *series {
	return &series{in: in, rec: rec, misfit: usualMisfit, thoraxH: usualShoulderH, thoraxP: usualShoulderP}
}

// observe turns the dorsal edges into observations in trunk lengths about the
// hip landmark, as if the lifter faced right. It reports whether any frame
// shows enough.
func (s *series) observe() bool {
	s.frames = make([]*frame, len(s.rec.Frames))
	onCores(len(s.frames), func(i int) {
		f := &s.rec.Frames[i]
		edge := f.Trunk.Edge(s.in.Dorsal)
		if !f.Seen() || edge == nil {
			return
		}
		station := make([]int, 0, recording.NumStations)
		for k, e := range edge {
			if !math.IsNaN(e.Offset) && e.Occluder == recording.Clear {
				station = append(station, k)
			}
		}
		if len(station) < minSamples {
			return
		}
		fr := &frame{index: i, station: slices.Clone(station), obs: make([]observation, len(station))}
		for j, k := range station {
			x, y := s.body(f, f.Trunk.At(s.in.Dorsal, k, edge[k].Offset))
			fr.obs[j] = observation{x: x, y: y, sd: s.sd(edge[k])}
		}
		s.frames[i] = fr
	})
	return slices.ContainsFunc(s.frames, func(fr *frame) bool { return fr != nil })
}

// weigh gives the observations the standard deviations of the present misfit.
func (s *series) weigh() {
	for i, fr := range s.frames {
		if fr == nil {
			continue
		}
		edge := s.rec.Frames[i].Trunk.Edge(s.in.Dorsal)
		for k := range fr.obs {
			fr.obs[k].sd = s.sd(edge[fr.station[k]])
		}
	}
}

// sd is a sample's standard deviation, T.
func (s *series) sd(e recording.Sample) float64 { return math.Hypot(e.SD/s.in.TrunkPx, s.misfit) }

// body maps a picture position to trunk lengths about the hip landmark, x
// forward, y up.
func (s *series) body(f *recording.Frame, p recording.Point) (x, y float64) {
	x = (p.X - f.Trunk.Hip.X) / s.in.TrunkPx
	if !s.in.FacesRight {
		x = -x
	}
	return x, -(p.Y - f.Trunk.Hip.Y) / s.in.TrunkPx
}

// trunkLean is how far the landmarks' trunk leans forward, radians.
func (s *series) trunkLean(fr *frame) float64 {
	f := &s.rec.Frames[fr.index]
	x, y := s.body(f, f.Trunk.Shoulder)
	return math.Atan2(x, y)
}

// trunkPitch is the pitch of the pelvis that the landmarks suggest.
func (s *series) trunkPitch(fr *frame) float64 { return 0.85 * s.trunkLean(fr) }

// run fits every frame, from where the registration left it or from the
// landmarks.
func (s *series) run() {
	onCores(len(s.frames), func(i int) {
		if s.frames[i] != nil {
			s.fit(&fitter{ref: s.ref}, s.frames[i])
		}
	})
}

// onCores does 0 … n−1, which do not depend on each other, shared among the
// cores.
func onCores(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
}

func (s *series) fit(fit *fitter, fr *frame) {
	trunk := s.trunkPitch(fr)
	pitch := trunk
	if fr.got.ok {
		pitch = fr.got.params[pPitch]
	}
	for range 2 { // the second time with the hip flexion of the first
		pr := s.believe(fr, pitch)
		pr.mean[pPitch] = trunk
		start := pr.mean
		start[pPitch] = pitch
		fr.got = fit.fit(fr.obs, &pr, start, fr.weights())
		if !fr.got.ok {
			return
		}
		pitch = fr.got.params[pPitch]
	}
}

func orZero(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}
