// Package plate finds the weight plate at the near end of the lifter's bar.
//
// Seen from the side the near plate is a circle, a little narrower if the
// camera does not look along the bar. It hides the buttocks at a deadlift's
// lockout and the upper back in a squat, and the person mask takes it in, so
// that its rim passes for the back unless it is known where the plate is. Its
// centre is the bar's height, and its diameter, 450 mm where it is a full
// plate, a scale.
//
// A [Finder] looks at one picture and names the circles near the lifter's
// hands, without deciding which of them is the plate: rings within a plate,
// plates on a rack and logos on a wall are circles too. [Track] decides over
// the whole clip: the plate moves with the hands, and it keeps its size.
//
// The search is the classic one. Every edge pixel votes for the centres along
// its own gradient (Kimme, Ballard & Sklansky, "Finding circles by an array of
// accumulators", Commun. ACM 18:120, 1975), for all radii at once, so that
// the accumulator is a plane and concentric rings help each other. At each
// peak the radii follow from how much of the circumference shows an edge
// across the radius. What is found so on a small copy of the surroundings is
// then fitted to the full picture, on rays through the rim.
package plate

import (
	"cmp"
	"math"
	"slices"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Image is a view of a picture: packed 8-bit BGR, Width·Height·3 bytes.
type Image struct {
	Pix           []byte
	Width, Height int
}

// Lengths below are in trunk lengths T, mid-hip to mid-shoulder in the
// picture, about half a metre. What is nearer to the camera appears larger:
// the near plate by a fifth to a third.
const (
	minRadius = 0.28 // a plate of 23 cm; heads and most kettlebells are smaller
	maxRadius = 0.95 // a plate of 45 cm before a short lifter and a near camera

	// Where the centre may lie about the hands: perspective moves it away from
	// the picture's middle, a turned camera moves it sideways, and the hands'
	// landmarks are guesses where the plate hides them.
	reachX  = 0.75
	reachUp = 0.95
	reachDn = 1.15
)

// maxCandidates is how many circles a picture may offer.
const maxCandidates = 6

// maxFits is how many circles of the small copy are fitted to the picture.
const maxFits = 16

// minTrunkPx is the shortest trunk worth looking at.
const minTrunkPx = 24

// A Finder finds circles near the lifter's hands in the pictures of one clip,
// given in order of time: landmarks that the plate hides may be far off, so it
// looks where it saw a circle last as well. It serves one goroutine.
type Finder struct {
	trunk float64        // the trunk's length, lately
	last  recording.Disc // the best circle of the picture before
	crop  crop
	votes []float32
	blur  []float32
	polar polar
	rim   rim
}

const (
	// shrinks is how fast the trunk may become shorter, per picture: a lifter
	// walks away from the camera slowly, while hidden landmarks jump.
	shrinks = 0.99
	// grows is the same for longer.
	grows = 1.10
	// sure is the support from which a circle is looked for again at its place,
	// and follow how far it may have moved, in trunk lengths.
	sure   = 0.70
	follow = 0.25
)

// NewFinder returns a Finder.
func NewFinder() *Finder { return &Finder{last: recording.NoDisc()} }

// Find returns the circles near the hands that may be the plate, the best
// supported first; none if there are none or the landmarks are missing. The
// result is the caller's.
func (f *Finder) Find(img Image, lm *[recording.NumLandmarks]recording.Keypoint) []recording.Disc {
	body, ok := bodyOf(lm)
	if !ok || img.Width < 8 || img.Height < 8 {
		return nil
	}
	if f.trunk > 0 {
		body.trunk = max(min(body.trunk, grows*f.trunk), shrinks*f.trunk)
	}
	f.trunk = body.trunk
	win := body.window()
	if f.last.Support >= sure {
		win = win.including(f.last, follow*body.trunk)
	}
	f.last = recording.NoDisc()
	if !f.crop.take(img, win, body.trunk) {
		return nil
	}
	var rough []circle
	for _, c := range f.centres(win) {
		rough = append(rough, f.polar.circles(&f.crop, c)...)
	}
	slices.SortFunc(rough, func(a, b circle) int { return cmp.Compare(b.support, a.support) })
	var found []recording.Disc
	for _, c := range rough[:min(len(rough), maxFits)] {
		if len(found) == maxCandidates {
			break
		}
		x, y := f.crop.toPicture(c.x, c.y)
		d, ok := f.rim.fit(img, recording.Disc{X: x, Y: y, RX: c.r * f.crop.step, RY: c.r * f.crop.step})
		if !ok || !win.holds(d.X, d.Y) || d.Radius() < minRadius*body.trunk || d.Radius() > maxRadius*body.trunk {
			continue
		}
		if !slices.ContainsFunc(found, func(e recording.Disc) bool { return same(d, e) }) {
			found = append(found, d)
		}
	}
	slices.SortStableFunc(found, func(a, b recording.Disc) int { return cmp.Compare(b.Support, a.Support) })
	if len(found) > 0 {
		f.last = found[0]
	}
	return found
}

// same reports whether two fits are of one circle.
func same(a, b recording.Disc) bool {
	tol := 0.03 * a.Radius()
	return math.Hypot(a.X-b.X, a.Y-b.Y) < tol && math.Abs(a.RX-b.RX) < tol && math.Abs(a.RY-b.RY) < tol
}

// body is what of the lifter says where the plate may be, pixels.
type body struct {
	wrist, shoulder, hip recording.Point
	trunk                float64 // mid-hip to mid-shoulder, as long as it looks upright
}

// trunkPerLeg is the trunk's length over that of thigh and shank, .288 and .49
// of the stature (Drillis & Contini, in Winter, Biomechanics and Motor Control
// of Human Movement, 4th ed., fig. 4.1), rounded down.
const trunkPerLeg = 0.56

func bodyOf(lm *[recording.NumLandmarks]recording.Keypoint) (body, bool) {
	mid := func(a, b recording.Landmark) recording.Point {
		return recording.Point{X: (lm[a].X + lm[b].X) / 2, Y: (lm[a].Y + lm[b].Y) / 2}
	}
	b := body{
		wrist:    mid(recording.LeftWrist, recording.RightWrist),
		shoulder: mid(recording.LeftShoulder, recording.RightShoulder),
		hip:      mid(recording.LeftHip, recording.RightHip),
	}
	b.trunk = distance(b.hip, b.shoulder)
	// A bent trunk looks short, and hips that the plate hides are guesses; the
	// leg does not shorten seen from the side.
	for _, leg := range [2][3]recording.Landmark{
		{recording.LeftHip, recording.LeftKnee, recording.LeftAnkle},
		{recording.RightHip, recording.RightKnee, recording.RightAnkle},
	} {
		hip, knee, ankle := lm[leg[0]], lm[leg[1]], lm[leg[2]]
		length := math.Hypot(hip.X-knee.X, hip.Y-knee.Y) + math.Hypot(knee.X-ankle.X, knee.Y-ankle.Y)
		if byLeg := trunkPerLeg * length; byLeg > b.trunk && byLeg < 1.7*b.trunk {
			b.trunk = byLeg
		}
	}
	sum := b.trunk + b.wrist.X + b.wrist.Y
	return b, b.trunk >= minTrunkPx && !math.IsInf(sum, 0) && !math.IsNaN(sum)
}

func distance(a, b recording.Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }

// window is where the plate's centre may lie.
type window struct{ x0, y0, x1, y1 float64 }

func (w window) holds(x, y float64) bool { return x >= w.x0 && x <= w.x1 && y >= w.y0 && y <= w.y1 }

// including returns the window grown to hold the places within margin of d's
// centre, unless that is far from it.
func (w window) including(d recording.Disc, margin float64) window {
	wide := window{w.x0 - 2*margin, w.y0 - 2*margin, w.x1 + 2*margin, w.y1 + 2*margin}
	if !wide.holds(d.X, d.Y) {
		return w
	}
	return window{min(w.x0, d.X-margin), min(w.y0, d.Y-margin), max(w.x1, d.X+margin), max(w.y1, d.Y+margin)}
}

// window spans hands and shoulders: the bar hangs in the hands or lies on the
// back.
func (b body) window() window {
	t := b.trunk
	return window{
		min(b.wrist.X, b.shoulder.X) - reachX*t, min(b.wrist.Y, b.shoulder.Y) - reachUp*t,
		max(b.wrist.X, b.shoulder.X) + reachX*t, max(b.wrist.Y, b.shoulder.Y) + reachDn*t,
	}
}
