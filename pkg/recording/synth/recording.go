package synth

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/interp"

	rec "github.com/spineflex/spineflex/pkg/recording"
)

// Noise makes the recording of a [Truth] less than faultless. The zero value
// adds none.
type Noise struct {
	LandmarkPx float64 // standard deviation of x and y of visible landmarks; hidden ones get twice as much
	EdgePx     float64 // standard deviation of the dorsal edge
	EdgeLength float64 // stations over which the edge's noise is correlated; 0: 4
	Seed       uint64
}

// Visibilities given to points that the renderer calls visible and hidden, as
// the landmark network typically rates them.
const (
	seenVisibility   = 0.97
	hiddenVisibility = 0.35
)

// skinLevels are the posterior-midline skin points from the sacrum up.
var skinLevels = []string{
	"skin_S2", "skin_L5S1", "skin_L4", "skin_L3", "skin_L2", "skin_L1", "skin_T12", "skin_T9", "skin_T6", "skin_T3", "skin_C7",
}

// Recording is what perception would record of the clip if it saw the joint
// centres and the midline of the back exactly (plus noise n). The hips alone lie
// where the landmark network puts them, in front of the joint.
//
// Landmarks that the truth does not have (mouth, fingers, corners of the eye)
// are placed plausibly from their neighbours. The dorsal edge runs through the
// skin points and is marked as covered by the plate or the arm where those are
// hidden; the ventral edge is unknown, and there is no edge below the sacrum.
func (t *Truth) Recording(n Noise) *rec.Recording {
	rng := rand.New(rand.NewPCG(n.Seed, 0x5f1ef1e7))
	out := &rec.Recording{
		Clip: rec.Clip{
			File: t.Name + ".mp4", Width: t.Width, Height: t.Height,
			DurationS: float64(len(t.Frames)) / t.FPS, Frames: len(t.Frames), MeanFPS: t.FPS,
		},
		Model:  rec.Model{Program: "truth", Quality: "truth", Engine: "truth"},
		Frames: make([]rec.Frame, len(t.Frames)),
	}
	for i := range t.Frames {
		out.Frames[i] = t.frame(&t.Frames[i], n, rng)
	}
	return out
}

func (t *Truth) frame(src *Frame, n Noise, rng *rand.Rand) rec.Frame {
	f := rec.Frame{Index: src.Index, Time: src.Time, Tracking: rec.Tracked, Presence: 1}
	for l := range rec.Landmark(rec.NumLandmarks) {
		f.Landmarks[l] = t.keypoint(src, l)
	}
	t.shiftHips(&f.Landmarks)
	fillUnknown(&f.Landmarks)
	f.Trunk = t.trunk(src, &f.Landmarks)
	if n.LandmarkPx > 0 {
		for l := range f.Landmarks {
			k := &f.Landmarks[l]
			sd := n.LandmarkPx
			if k.Visibility < 0.5 {
				sd *= 2
			}
			k.X += sd * rng.NormFloat64()
			k.Y += sd * rng.NormFloat64()
		}
	}
	if n.EdgePx > 0 {
		roughen(f.Trunk.Edge(t.DorsalSide()), n, rng)
	}
	return f
}

// keypoint is NaN with visibility 0 where the truth has no such point.
func (t *Truth) keypoint(src *Frame, l rec.Landmark) rec.Keypoint {
	p, ok := src.Points[l.String()]
	if !ok {
		return rec.Keypoint{X: math.NaN(), Y: math.NaN(), Z: math.NaN()}
	}
	v := hiddenVisibility
	if p[2] > 0 || alwaysSure(l) {
		v = seenVisibility
	}
	return rec.Keypoint{X: p[0], Y: p[1], Z: t.depth(l), Visibility: v}
}

// alwaysSure tells the landmarks that the network rates as seen whatever hides
// them: head, shoulders and hips.
func alwaysSure(l rec.Landmark) bool {
	return l <= rec.RightShoulder || l == rec.LeftHip || l == rec.RightHip
}

// Half distances between the joint centres of the two body sides as shares of
// stature, as the landmark network places them in frontal views.
const (
	halfShoulders = 0.108
	halfHips      = 0.072
	halfEars      = 0.043
)

// depth is the z of a landmark in pixels, towards the camera negative: the near
// body side in front of the far one.
func (t *Truth) depth(l rec.Landmark) float64 {
	half := halfHips
	if l >= rec.LeftShoulder && l <= rec.RightThumb {
		half = halfShoulders
	} else if l < rec.LeftShoulder {
		half = halfEars
	}
	z := half * t.StatureM * t.FocalPx / t.DistanceM * math.Cos(t.AzimuthDeg*math.Pi/180)
	side, ok := sideOf(l)
	switch {
	case !ok:
		return 0
	case side == t.NearSide:
		return -z
	}
	return z
}

// sideOf is 0 for the left body side, 1 for the right.
func sideOf(l rec.Landmark) (side int, ok bool) {
	switch {
	case l == rec.Nose:
		return 0, false
	case l <= rec.LeftEyeOuter:
		return 0, true
	case l <= rec.RightEyeOuter:
		return 1, true
	}
	return 1 - int(l)%2, true // from the ears on, left is odd
}

// shiftHips moves the joint centres to where the landmark network puts the hip:
// a recording holds the network's landmarks.
func (t *Truth) shiftHips(k *[rec.NumLandmarks]rec.Keypoint) {
	mid := func(l rec.Landmark) (x, y float64) { return (k[l].X + k[l+1].X) / 2, (k[l].Y + k[l+1].Y) / 2 }
	hx, hy := mid(rec.LeftHip)
	sx, sy := mid(rec.LeftShoulder)
	kx, ky := mid(rec.LeftKnee)
	trunk, thigh := math.Hypot(sx-hx, sy-hy), math.Hypot(kx-hx, ky-hy)
	dx, dy := trunk*rec.HipAlong*(kx-hx)/thigh, trunk*rec.HipAlong*(ky-hy)/thigh
	if t.FacingSide == "left" {
		dx -= trunk * rec.HipAhead
	} else {
		dx += trunk * rec.HipAhead
	}
	for _, l := range []rec.Landmark{rec.LeftHip, rec.RightHip} {
		k[l].X, k[l].Y = k[l].X+dx, k[l].Y+dy
	}
}

// fillUnknown places the landmarks that the truth lacks.
func fillUnknown(k *[rec.NumLandmarks]rec.Keypoint) {
	between := func(dst, a, b rec.Landmark, w float64) {
		k[dst] = rec.Keypoint{
			X: k[a].X + w*(k[b].X-k[a].X), Y: k[a].Y + w*(k[b].Y-k[a].Y),
			Z: k[a].Z, Visibility: min(k[a].Visibility, k[b].Visibility),
		}
	}
	between(rec.LeftEyeInner, rec.LeftEye, rec.Nose, 0.2)
	between(rec.RightEyeInner, rec.RightEye, rec.Nose, 0.2)
	between(rec.LeftEyeOuter, rec.LeftEye, rec.LeftEar, 0.2)
	between(rec.RightEyeOuter, rec.RightEye, rec.RightEar, 0.2)
	between(rec.MouthLeft, rec.Nose, rec.LeftShoulder, 0.3)
	between(rec.MouthRight, rec.Nose, rec.RightShoulder, 0.3)
	for side := range rec.Landmark(2) {
		elbow, wrist := rec.LeftElbow+side, rec.LeftWrist+side
		between(rec.LeftPinky+side, wrist, elbow, -0.3)
		between(rec.LeftIndex+side, wrist, elbow, -0.33)
		between(rec.LeftThumb+side, wrist, elbow, -0.2)
	}
}

// DorsalSide is the trunk edge that is the lifter's back.
func (t *Truth) DorsalSide() rec.Side {
	if t.FacingSide == "left" {
		return rec.Right
	}
	return rec.Left
}

func (t *Truth) trunk(src *Frame, k *[rec.NumLandmarks]rec.Keypoint) rec.Trunk {
	mid := func(a, b rec.Landmark) rec.Point {
		return rec.Point{X: (k[a].X + k[b].X) / 2, Y: (k[a].Y + k[b].Y) / 2}
	}
	tr := rec.Trunk{Hip: mid(rec.LeftHip, rec.RightHip), Shoulder: mid(rec.LeftShoulder, rec.RightShoulder), SeatY: math.NaN()}
	side := t.DorsalSide()
	edge := t.dorsalEdge(src, &tr, side)
	if side == rec.Left {
		tr.Left = edge
	} else {
		tr.Right = edge
	}
	return tr
}

// trueEdgeSD is the standard deviation stated for an edge without noise, px.
const trueEdgeSD = 0.5

func (t *Truth) dorsalEdge(src *Frame, tr *rec.Trunk, side rec.Side) rec.Edge {
	edge := make(rec.Edge, rec.NumStations)
	for i := range edge {
		edge[i] = rec.Sample{Offset: math.NaN(), SD: math.NaN()}
	}
	var s, xs, ys []float64
	var hidden []bool
	for _, name := range skinLevels {
		p, ok := src.Points[name]
		if !ok {
			continue
		}
		at := 0.0
		if m := len(s); m > 0 {
			at = s[m-1] + math.Hypot(p[0]-xs[m-1], p[1]-ys[m-1])
			if at == s[m-1] {
				continue
			}
		}
		s, xs, ys, hidden = append(s, at), append(xs, p[0]), append(ys, p[1]), append(hidden, p[2] == 0)
	}
	if len(s) < 4 {
		return edge
	}
	var fx, fy interp.AkimaSpline // local: one odd vertex does not ring along the back
	if fx.Fit(s, xs) != nil || fy.Fit(s, ys) != nil {
		return edge
	}
	normal, length := tr.Normal(side)
	ax, ay := (tr.Shoulder.X-tr.Hip.X)/length, (tr.Shoulder.Y-tr.Hip.Y)/length
	const step = 0.5 // px along the back
	lastU, lastOff := math.NaN(), math.NaN()
	level := 0
	for at := 0.0; at <= s[len(s)-1]; at += step {
		x, y := fx.Predict(at), fy.Predict(at)
		dx, dy := x-tr.Hip.X, y-tr.Hip.Y
		u, off := (dx*ax+dy*ay)/length, dx*normal.X+dy*normal.Y
		for level+2 < len(s) && s[level+1] < at {
			level++
		}
		for i := firstStation(min(u, lastU)); i < rec.NumStations && rec.Station(i) <= max(u, lastU); i++ {
			w := (rec.Station(i) - lastU) / (u - lastU)
			o := lastOff + w*(off-lastOff)
			// where the back folds over itself the outline is the outermost part
			if !math.IsNaN(edge[i].Offset) && edge[i].Offset >= o {
				continue
			}
			edge[i] = rec.Sample{Offset: o, SD: trueEdgeSD}
			if hidden[level] || hidden[level+1] {
				edge[i].Occluder = t.occluder(src, x, y)
			}
		}
		lastU, lastOff = u, off
	}
	return edge
}

// firstStation is the index of the first station at or above u; past the end
// for NaN.
func firstStation(u float64) int {
	if math.IsNaN(u) {
		return rec.NumStations
	}
	return max(0, int(math.Ceil((u-rec.StationMin)/rec.StationStep-1e-9)))
}

// occluder names what hides a point of the back: the plate where that is, the
// arm otherwise.
func (t *Truth) occluder(src *Frame, x, y float64) rec.Occluder {
	c, ok := src.Points["bar_near_plate"]
	radius := t.Scenario.Motion.PlateDiameterM / 2 * t.FocalPx / t.DistanceM * 1.3 // the plate is nearer than the body
	if ok && math.Hypot(x-c[0], y-c[1]) <= radius {
		return rec.Plate
	}
	return rec.Arm
}

// roughen adds noise correlated along the edge, as an outline has.
func roughen(e rec.Edge, n Noise, rng *rand.Rand) {
	length := n.EdgeLength
	if length <= 0 {
		length = 4
	}
	rho := math.Exp(-1 / length)
	v := rng.NormFloat64()
	for i := range e {
		v = rho*v + math.Sqrt(1-rho*rho)*rng.NormFloat64()
		e[i].Offset += n.EdgePx * v
		if !math.IsNaN(e[i].Offset) {
			e[i].SD = math.Hypot(trueEdgeSD, n.EdgePx)
		}
	}
}
