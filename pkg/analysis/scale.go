package analysis

import (
	"math"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// Sources of a scale, as Quality.ScaleSource names them.
const (
	ScaleFromStature = "stature"
	ScaleFromPlate   = "plate"
)

// plateCM is the diameter of a full weight plate: IWF and IPF rules ask for
// 450 mm of all bumper plates and of the heaviest iron ones.
const plateCM = 45.0

const (
	// statureSDPct and plateSDPct are the standard deviations of the two scales.
	// Over rendered clips the body's height comes out 3 to 6 % too small in the
	// picture, and the plate's diameter about 2 % too large.
	statureSDPct, plateSDPct = 4.0, 2.5

	// A plate is nearer to the camera than the body, so it looks larger by a
	// sixth at 5 m and by a third at 3 m (measurement.md 3e), and by up to twice
	// where the phone lies on the next bench. What looks smaller or larger than
	// this before a body of the lifter's height is no full plate.
	minApparentCM, maxApparentCM = 44.0, 95.0
	usualStatureCM               = 172.0

	// minPlateShare is the share of the rep frames that must show the plate.
	minPlateShare = 0.3
)

// measureScale finds centimetres per pixel in the plane where the result is
// wanted, and stores it with its source; missing where there is none. A box
// stands in the plane of the body, where only the stature is known. A bar
// rises in the plane of its plates, where a full plate says it best.
func (a *Analysis) measureScale(rec *recording.Recording, move *lift.Movement, s Settings) {
	q := &a.Quality
	q.PersonHeightPx = move.PersonHeight
	q.ScaleCMPerPx, q.ScaleSDPct = math.NaN(), math.NaN()
	if r := plateRadius(rec, move, s.StatureCM); move.Exercise == lift.Deadlift && r > 0 {
		q.ScaleCMPerPx, q.ScaleSDPct, q.ScaleSource = plateCM/(2*r), plateSDPct, ScaleFromPlate
		return
	}
	if s.StatureCM > 0 && move.PersonHeight > 0 {
		q.ScaleCMPerPx, q.ScaleSDPct, q.ScaleSource = s.StatureCM/move.PersonHeight, statureSDPct, ScaleFromStature
	}
}

// plateRadius is the radius in pixels of the plate on the lifter's bar; NaN if
// too little of it is seen or if it is not a full plate.
func plateRadius(rec *recording.Recording, move *lift.Movement, statureCM float64) float64 {
	var radii []float64
	inReps := 0
	for i := range rec.Frames {
		if move.Frames[i].Rep == 0 {
			continue
		}
		inReps++
		if d := &rec.Frames[i].Plate; d.Known() && d.Support > 0 {
			radii = append(radii, d.Radius())
		}
	}
	r := signal.Median(radii)
	if statureCM <= 0 {
		statureCM = usualStatureCM
	}
	apparent := 2 * r * statureCM / move.PersonHeight
	if float64(len(radii)) < minPlateShare*float64(inReps) || !(apparent >= minApparentCM && apparent <= maxApparentCM) {
		return math.NaN()
	}
	return r
}

// heights is, per frame, what stops the movement short, in centimetres: the
// lowest edge of the buttocks above the floor in a squat, the bar above its
// lowest point in a deadlift.
func (a *Analysis) heights(rec *recording.Recording, move *lift.Movement) []float64 {
	out := make([]float64, len(rec.Frames))
	base := floorY(rec, move)
	y := func(i int) float64 { return rec.Frames[i].Trunk.SeatY }
	switch {
	case move.Exercise == lift.Deadlift && a.Quality.ScaleSource == ScaleFromPlate:
		y = func(i int) float64 { return rec.Frames[i].Plate.Y }
		base = lowest(move, y)
	case move.Exercise == lift.Deadlift:
		y = func(i int) float64 { return move.Frames[i].Wrist.Y }
		base = lowest(move, y)
	case move.Exercise != lift.Squat:
		base = math.NaN()
	}
	for i := range out {
		out[i] = (base - y(i)) * a.Quality.ScaleCMPerPx
	}
	return out
}

// lowest is where in the picture the bar comes down to in the set.
func lowest(move *lift.Movement, y func(i int) float64) float64 {
	var ys []float64
	for i := range move.Frames {
		if v := y(i); move.Frames[i].Rep > 0 && !math.IsNaN(v) {
			ys = append(ys, v)
		}
	}
	return signal.Quantile(ys, 0.98) // a single frame may be off
}
