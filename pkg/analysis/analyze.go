package analysis

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/signal"
	"github.com/spineflex/spineflex/pkg/spine"
)

// Warning codes of this package; lift and rom have their own.
const (
	WarnNoReps     = "no_reps"
	WarnNoSpine    = "spine_not_visible"
	WarnNeutral    = "neutral_not_shown"
	WarnCamera     = "camera_oblique"
	WarnCameraSide = "camera_not_side"
	WarnClothing   = "clothing_loose"
	WarnSmall      = "person_small"
	WarnCoverage   = "back_often_hidden"
	WarnHeld       = "lifter_often_lost"
	WarnMoving     = "camera_moves"
	WarnUnclear    = "back_unclear"
)

const (
	// smallPersonPx is the standing height below which the edge's own noise is
	// felt in the angle (measurement.md 3a: 900 px wanted, 600 px workable).
	smallPersonPx = 450
	// neutralWindowS is how long around Settings.NeutralAtS the lifter is taken
	// to show the neutral posture.
	neutralWindowS = 0.3
	// minNeutralS is for how long a lifter has to stand for a neutral, seconds,
	// and longestFrameS the most that one frame stands for.
	minNeutralS   = 0.15
	longestFrameS = 0.15
	// clothWarnDeg is how much of the standing lordosis clothing may hide before
	// it is worth a word.
	clothWarnDeg = 5
	// movedWarnShare is how far the camera may move before it is worth a word,
	// trunk lengths: 8 cm at the lifter.
	movedWarnShare = 0.15
	// lostEdge is the standard deviation of the back's edge, trunk lengths, from
	// which it is not the picture's but the coarse mask's, which tells no black
	// shirt from a dark wall and may be off by five of them: 4 pixels of a lifter
	// who is 900 tall, which makes 10° of a frame's angle (measurement.md 3a). By
	// day it is 0.003 to 0.009, by a third to an eighth of the light 0.008 to 0.019.
	lostEdge = 0.0154
	// hardlyClear is the same from which the edge is worth a word.
	hardlyClear = lostEdge / 2
	// mostJumps is the standard deviation of single frames while nothing moves,
	// degrees, beyond which no value is given. Plates and arms before a clear edge
	// make it up to 9, which the frames state of themselves. Where the edge is hardly
	// clear it is now here, now there: in dark clips that can be measured that makes
	// 0.3 to 1.4 (seven lifters), in the one that cannot 3.8 to 6.5 (six recordings).
	mostJumps        = 10.0
	mostUnclearJumps = 3.5
	// leanBackDeg is how far behind the usual lockout the trunk may be before
	// a lockout counts as leaned back, which is extension and not neutral.
	leanBackDeg = 4
	// nearLockoutPct is the depth of a deadlift, per cent, down to which a frame
	// shows the neutral posture within a degree or two: the plates, which hide
	// the sacrum of who stands, have left it there.
	nearLockoutPct = 7
)

// Analyze measures a recording. A set without repetitions, from the front or
// with the back hidden is still analysed as far as it goes, with the verdict
// inconclusive, the reason and a warning; errors are those of lift.Analyze
// (nobody seen, too short, unusable settings).
func Analyze(rec *recording.Recording, s Settings) (*Analysis, error) {
	seen := steady(rec)
	move, err := lift.Analyze(seen.Recording, lift.Options{Exercise: s.Exercise, Facing: s.Facing})
	if err != nil {
		return nil, err
	}
	a := &Analysis{
		Clip: rec.Clip, Model: rec.Model, Settings: s,
		Exercise: move.Exercise, Facing: move.Facing, Camera: move.Camera,
		Neutral: Neutral{LumbarAngleDeg: math.NaN(), SDDeg: math.NaN(), LimitDeg: rom.DefaultLimitDeg, FullFlexionDeg: math.NaN()},
	}
	for _, w := range move.Warnings {
		a.warn(w.Code, w.Message)
	}
	a.frames(rec, move)
	a.TravelPct = travel(move)
	a.measureScale(seen.Recording, move, s)
	if seen.moved > movedWarnShare*move.TrunkLength {
		a.warn(WarnMoving, "the camera moves; that is taken out as far as the room behind you shows it, but a phone that stands still is surer")
	}
	cal, err := calibrate(s)
	if err != nil {
		return nil, err
	}
	a.Neutral.LimitDeg, a.Neutral.FullFlexionDeg = cal.limit, cal.fullFlexion
	in := spineInput(seen.Recording, move, s)
	in.Own = cal.neutral
	back, err := a.measureSpine(seen, move, in)
	if err != nil {
		return nil, err
	}
	a.assess(seen.Recording, move, rom.Options{LimitDeg: cal.limit})
	a.framing(rec)
	a.quality(rec, back)
	return a, nil
}

// measureSpine fills in what the back's edge says, as far as that shows; without
// an error the result is nil where it does not.
func (a *Analysis) measureSpine(seen steadied, move *lift.Movement, in spine.Input) (*spine.Result, error) {
	unclear := unclearness(seen.Recording, move, in.TrunkPx)
	if unclear > lostEdge {
		a.warn(WarnUnclear, "your back cannot be told from what is behind it; film in more light, or in clothes that stand out from the wall")
		return nil, nil
	}
	back, err := spine.Measure(seen.Recording, in)
	if errors.Is(err, spine.ErrNoContour) {
		a.warn(WarnNoSpine, "the lower back is not visible; film from the side at hip height, with nothing between camera and back")
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("measure the spine: %w", err)
	}
	most := mostJumps
	if unclear > hardlyClear {
		most = mostUnclearJumps
	}
	if back.Jumps > most {
		a.warn(WarnUnclear, fmt.Sprintf("what is measured of your back jumps by %.0f° from picture to picture while you hold still; film in more light, closer, with the phone on something solid", back.Jumps))
		return nil, nil
	}
	a.spine(back, seen)
	if unclear > hardlyClear {
		a.warn(WarnUnclear, "your back can hardly be told from what is behind it; film in more light, or in clothes that stand out from the wall")
	}
	return back, nil
}

func (a *Analysis) warn(code, message string) {
	a.Warnings = append(a.Warnings, Warning{Code: code, Message: message})
}

// frames copies what the movement says of each frame.
func (a *Analysis) frames(rec *recording.Recording, move *lift.Movement) {
	a.Frames = make([]Frame, len(rec.Frames))
	for i := range a.Frames {
		k := &move.Frames[i]
		a.Frames[i] = Frame{
			Index: rec.Frames[i].Index, Time: rec.Frames[i].Time, Rep: k.Rep, Phase: k.Phase, DepthPct: k.DepthPct,
			LumbarFlexion: math.NaN(), LumbarFlexionSD: math.NaN(), LumbarAngle: math.NaN(),
			TrunkDeg: k.TrunkDeg, HipFlexion: k.HipFlexion, KneeFlexion: k.KneeFlexion, ThighDeg: k.ThighDeg,
			HipHeightPct: k.HipHeightPct, Landmarks: rec.Frames[i].Landmarks,
		}
	}
}

// travel is how far down the set went, per cent of stature, so that depths of
// different sets can be compared; NaN if there is no rep. As depth is, it is that of
// the bar in a deadlift, of the hip in a squat, and else of the shoulder.
func travel(move *lift.Movement) float64 {
	switch move.Exercise {
	case lift.Deadlift:
		return 100 * move.BarTravel / move.PersonHeight
	case lift.Squat:
		lowest := math.NaN() // hip above ankle, per cent of standing
		for _, r := range move.Reps {
			if h := move.At(r.Bottom).HipHeightPct; !(h >= lowest) {
				lowest = h
			}
		}
		return (100 - lowest) * move.StandingHipHeight / move.PersonHeight
	}
	var standing []float64
	for i, stands := range move.Standing {
		if stands {
			standing = append(standing, move.Frames[i].Shoulder.Y)
		}
	}
	lowest := math.NaN()
	for _, r := range move.Reps {
		if y := move.Frames[r.Bottom].Shoulder.Y; !(y <= lowest) {
			lowest = y
		}
	}
	return 100 * (lowest - signal.Median(standing)) / move.PersonHeight
}

// spineInput selects what the spine's measurement needs.
func spineInput(rec *recording.Recording, move *lift.Movement, s Settings) spine.Input {
	in := spine.Input{
		Dorsal: move.Dorsal, FacesRight: move.Facing == lift.FacingRight,
		TrunkPx: trunkPx(rec, move), YawDeg: move.Camera.YawDeg, BarOnBack: barOnBack(rec, move),
		Neutral: neutralFrames(rec, move, s), ThighDeg: make([]float64, len(rec.Frames)),
	}
	if move.Exercise == lift.Deadlift && s.NeutralAtS == 0 && slices.Contains(in.Neutral, true) {
		in.Near = make([]bool, len(rec.Frames))
		for i := range in.Near {
			k := &move.Frames[i]
			in.Near[i] = k.Rep > 0 && k.DepthPct < nearLockoutPct
		}
	}
	for i := range in.ThighDeg {
		in.ThighDeg[i] = 90 - move.Frames[i].ThighDeg
	}
	return in
}

// unclearness is the usual standard deviation of the back's edge during reps,
// trunk lengths; NaN if there is no edge.
func unclearness(rec *recording.Recording, move *lift.Movement, trunkPx float64) float64 {
	var usual, sds []float64
	for i := range rec.Frames {
		if move.Frames[i].Rep == 0 {
			continue
		}
		sds = sds[:0]
		for k, e := range rec.Frames[i].Trunk.Edge(move.Dorsal) {
			if u := recording.Station(k); u >= 0 && u <= lumbarEnd && !math.IsNaN(e.Offset) && e.Occluder == recording.Clear {
				sds = append(sds, e.SD)
			}
		}
		if len(sds) > 0 {
			usual = append(usual, signal.Median(sds)/trunkPx)
		}
	}
	return signal.Median(usual)
}

// lumbarEnd is a station above T12 and below what a plate on the shoulders hides.
const lumbarEnd = 0.6

// trunkShare is the distance of the network's hip and shoulder landmarks over
// that of the joints, both seen from the side during reps: 0.97 ± 0.03 over
// rendered squats and deadlifts. Standing it is no good: plates at the hips
// drag the hip landmark down by a tenth of the trunk and more.
const trunkShare = 0.97

// trunkPx is the distance of the hip joint from the shoulder joint.
func trunkPx(rec *recording.Recording, move *lift.Movement) float64 {
	var during, all []float64
	for i := range rec.Frames {
		if _, l := rec.Frames[i].Trunk.Normal(recording.Left); l > 0 {
			all = append(all, l)
			if k := &move.Frames[i]; k.Rep > 0 && k.DepthPct > 15 {
				during = append(during, l)
			}
		}
	}
	if len(during) == 0 {
		during = all
	}
	return signal.Median(during) / trunkShare
}

// neutralFrames are the frames that show the neutral posture: where the user
// says, or standing with the load, without leaned-back lockouts. None if there
// are too few to rely on.
func neutralFrames(rec *recording.Recording, move *lift.Movement, s Settings) []bool {
	out := make([]bool, len(rec.Frames))
	if s.NeutralAtS > 0 {
		for i := range rec.Frames {
			out[i] = math.Abs(rec.Clip.PlayTime(rec.Frames[i].Time)-s.NeutralAtS) <= neutralWindowS
		}
		return out
	}
	var lean []float64
	for i, standing := range move.Standing {
		if standing {
			lean = append(lean, move.Frames[i].TrunkDeg)
		}
	}
	usual, stood := signal.Median(lean), 0.0
	for i, standing := range move.Standing {
		out[i] = standing && !(move.Frames[i].TrunkDeg < usual-leanBackDeg)
		if out[i] && i > 0 {
			stood += math.Min(rec.Frames[i].Time-rec.Frames[i-1].Time, longestFrameS)
		}
	}
	if stood < minNeutralS {
		clear(out)
	}
	return out
}

// spine copies the spine's measurement, places as they are in the picture.
func (a *Analysis) spine(back *spine.Result, seen steadied) {
	a.Neutral.LumbarAngleDeg, a.Neutral.SDDeg, a.Neutral.Source = back.NeutralAngle, back.NeutralSD, a.neutralSource(back)
	a.Quality.FilterCutoffHz = back.CutoffHz
	if back.ClothDeg > clothWarnDeg {
		a.warn(WarnClothing, "your clothing hangs over the hollow of the lower back while you stand, so flexion is counted from the flattest back that people stand with, and may be more; tuck the shirt in or wear something fitted")
	}
	for i := range a.Frames {
		f, b := &a.Frames[i], &back.Frames[i]
		f.LumbarFlexion, f.LumbarFlexionSD, f.LumbarAngle = b.Flexion, b.SD, b.Angle
		f.Astray, f.Confidence = b.Astray, b.Coverage
		f.Lumbar, f.NeutralCurve = seen.drawn(i, b.Lumbar), seen.drawn(i, b.Neutral)
		f.Dorsal = b.Dorsal
		for k := range f.Dorsal {
			f.Dorsal[k].Point = seen.inPicture(i, f.Dorsal[k].Point)
		}
	}
}

func (a *Analysis) neutralSource(back *spine.Result) string {
	switch {
	case a.Settings.NeutralClip != nil:
		return "neutral clip " + filepath.Base(a.Settings.NeutralClip.Clip.File)
	case !back.NeutralSeen:
		a.warn(WarnNeutral, "the clip never shows you standing still, so flexion is counted from the least flexed frames; start or end the clip standing tall for two seconds")
		return "least flexed frames"
	case a.Settings.NeutralAtS > 0:
		return fmt.Sprintf("shown at %.1f s", a.Settings.NeutralAtS)
	case a.Exercise == lift.Deadlift:
		return "lockouts"
	}
	return "standing with the load"
}

// assess finds breakdown and safe range.
func (a *Analysis) assess(rec *recording.Recording, move *lift.Movement, limits rom.Options) {
	in := rom.Input{Exercise: a.Exercise, Camera: a.Camera.Verdict, NeutralSDDeg: a.Neutral.SDDeg, ScaleSDPct: a.Quality.ScaleSDPct, Frames: make([]rom.Frame, len(a.Frames))}
	height := a.heights(rec, move)
	for i := range a.Frames {
		f := &a.Frames[i]
		in.Frames[i] = rom.Frame{
			Posture: move.At(i), Rep: f.Rep, Phase: f.Phase, Lost: rec.Frames[i].Tracking != recording.Tracked, Astray: f.Astray,
			LumbarFlexion: f.LumbarFlexion, LumbarFlexionSD: f.LumbarFlexionSD, LumbarAngle: f.LumbarAngle,
			HeightCM: height[i],
		}
	}
	for _, r := range move.Reps {
		in.Reps = append(in.Reps, rom.Rep{Index: r.Index, StartS: rec.Frames[r.Start].Time, BottomS: rec.Frames[r.Bottom].Time, EndS: rec.Frames[r.End].Time})
	}
	got, err := rom.Assess(in, limits)
	if err != nil {
		panic(err) // calibrate gives valid limits only
	}
	a.SafeRange = got.SafeRange
	for _, w := range got.Warnings {
		a.warn(w.Code, w.Message)
	}
	for i := range got.Frames {
		a.Frames[i].BeyondNeutral = got.Frames[i].BeyondNeutral
	}
	for i, r := range move.Reps {
		g := got.Reps[i]
		a.Reps = append(a.Reps, Rep{
			Index: r.Index, StartS: in.Reps[i].StartS, BottomS: in.Reps[i].BottomS, EndS: in.Reps[i].EndS,
			Bottom:         move.At(r.Bottom),
			PeakFlexionDeg: g.PeakFlexionDeg, PeakFlexionSDDeg: a.peakSD(&g), PeakS: g.PeakS, PeakLumbarAngleDeg: g.PeakLumbarAngleDeg,
			MeasuredShare: g.MeasuredShare, Breakdown: g.Breakdown, ExcessAtBottomDeg: g.ExcessAtBottomDeg, CoversDescent: r.CoversDescent, CoversAscent: r.CoversAscent,
		})
	}
	if len(move.Reps) == 0 {
		a.warn(WarnNoReps, "no repetition found; film at least one whole squat or deadlift, from standing to standing")
	}
}

// peakSD is the standard deviation of a rep's peak flexion, degrees. What its
// frames have in common, the neutral posture they are counted from above all,
// is no doubt about a rep beside the others, but about the number it is.
func (a *Analysis) peakSD(r *rom.RepResult) float64 {
	own, nearest := math.NaN(), math.Inf(1)
	for i := range a.Frames { // the peak's own frame may lack a value
		f := &a.Frames[i]
		if d := math.Abs(f.Time - r.PeakS); d < nearest && !math.IsNaN(f.LumbarFlexionSD) {
			own, nearest = f.LumbarFlexionSD, d
		}
	}
	if own > r.PeakFlexionSDDeg {
		return own
	}
	return r.PeakFlexionSDDeg
}

// floorY is the height of the near foot's sole in the picture.
func floorY(rec *recording.Recording, move *lift.Movement) float64 {
	heel, toe := recording.LeftHeel, recording.LeftFootIndex
	if move.Near == lift.RightSide {
		heel, toe = recording.RightHeel, recording.RightFootIndex
	}
	var ys []float64
	for i := range rec.Frames {
		if rec.Frames[i].Tracking == recording.Tracked {
			ys = append(ys, math.Max(rec.Frames[i].Landmarks[heel].Y, rec.Frames[i].Landmarks[toe].Y))
		}
	}
	return signal.Median(ys)
}

// quality sums up the footage and says what to film differently.
func (a *Analysis) quality(rec *recording.Recording, back *spine.Result) {
	q := &a.Quality
	var inReps, measured, held int
	var sd []float64
	for i := range a.Frames {
		if rec.Frames[i].Tracking == recording.Held {
			held++
		}
		if a.Frames[i].Rep == 0 {
			continue
		}
		inReps++
		if !math.IsNaN(a.Frames[i].LumbarFlexion) {
			measured++
			sd = append(sd, a.Frames[i].LumbarFlexionSD)
		}
	}
	q.RepCoverage, q.MedianSDDeg = math.NaN(), signal.Median(sd)
	if inReps > 0 {
		q.RepCoverage = float64(measured) / float64(inReps)
	}
	q.HeldShare = float64(held) / float64(max(1, len(a.Frames)))
	q.NeutralDriftDeg = math.NaN()
	if back != nil {
		q.NeutralDriftDeg = back.NeutralDrift
	}
	switch a.Camera.Verdict {
	case lift.CameraOblique:
		a.warn(WarnCamera, fmt.Sprintf("the camera looks about %.0f° off the side; put it level with your hip, at a right angle to your feet", a.Camera.YawDeg))
	case lift.CameraUnusable:
		a.warn(WarnCameraSide, "this is not a side view; put the camera level with your hip, at a right angle to your feet, 3.5 m away")
	case lift.CameraOK:
	}
	if q.PersonHeightPx < smallPersonPx {
		a.warn(WarnSmall, fmt.Sprintf("you are only %.0f pixels tall in the picture; film closer, upright, or at 1080p or 4K so that you fill the frame", q.PersonHeightPx))
	}
	if q.RepCoverage < 0.8 {
		a.warn(WarnCoverage, fmt.Sprintf("the lower back could be measured in only %.0f %% of the frames; keep arms, plates, racks and people out of the line between camera and back", 100*q.RepCoverage))
	}
	if q.HeldShare > 0.25 {
		a.warn(WarnHeld, fmt.Sprintf("you were lost in %.0f %% of the frames; film with more light and with head and shoulders in view", 100*q.HeldShare))
	}
}
