// Package recording is the wall between perception and measurement: one value
// that holds what was seen in a clip, frame by frame, and nothing that was
// concluded from it.
//
// Perception (video, pose, contour) fills a [Recording]; everything that
// measures (lift, spine, rom, analysis) reads one and needs no video, no
// network and no cgo. A recording is saved beside the results, so a threshold,
// the exercise or the neutral posture can be changed without running a network
// again.
//
// Conventions: seconds, pixels of the upright picture (x right, y down, pixel
// centres at .5), missing is NaN.
package recording

import "math"

// NumLandmarks is the number of body landmarks per frame, in BlazePose order.
const NumLandmarks = 33

// Landmark names a body landmark by its index in [Frame.Landmarks]
// (BlazePose order, Bazarevsky et al. 2020, arXiv:2006.10204). Left and right
// are the lifter's own.
type Landmark int

// The 33 landmarks.
const (
	Nose Landmark = iota
	LeftEyeInner
	LeftEye
	LeftEyeOuter
	RightEyeInner
	RightEye
	RightEyeOuter
	LeftEar
	RightEar
	MouthLeft
	MouthRight
	LeftShoulder
	RightShoulder
	LeftElbow
	RightElbow
	LeftWrist
	RightWrist
	LeftPinky
	RightPinky
	LeftIndex
	RightIndex
	LeftThumb
	RightThumb
	LeftHip
	RightHip
	LeftKnee
	RightKnee
	LeftAnkle
	RightAnkle
	LeftHeel
	RightHeel
	LeftFootIndex
	RightFootIndex
)

var landmarkNames = [NumLandmarks]string{
	"nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
	"left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
	"right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
	"left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
	"left_heel", "right_heel", "left_foot_index", "right_foot_index",
}

// The landmark network does not put the hip at the joint's centre but forward of
// it and down the thigh, by these shares of the trunk's length. Measured on
// rendered lifters of either sex, whose joint centres are known: each 3 cm, in
// squats and deadlifts alike.
const (
	HipAhead = 0.06
	HipAlong = 0.06
)

// String returns the landmark's name as the data files spell it, "left_hip".
func (l Landmark) String() string {
	if l < 0 || int(l) >= NumLandmarks {
		return "unknown"
	}
	return landmarkNames[l]
}

// Recording is what perception saw in one clip.
type Recording struct {
	Clip   Clip
	Model  Model
	Frames []Frame // analysed frames, times strictly increasing
}

// Clip says what the clip was.
type Clip struct {
	File        string // path as given
	SHA256      string // of the file's content, hexadecimal
	Width       int    // upright picture, pixels
	Height      int
	RotationDeg int     // clockwise turn that made the picture upright: 0, 90, 180, 270
	Mirrored    bool    // the display matrix mirrors the picture (already undone)
	DurationS   float64 // of the video stream, as filmed
	Frames      int     // in the clip, analysed or not
	MeanFPS     float64 // as filmed
	// Slowdown is how many times slower than it was filmed the clip plays; 0: it
	// plays as filmed. All times are as filmed.
	Slowdown float64
}

// PlayTime is where in the clip, as a player counts, the time t as filmed is.
func (c *Clip) PlayTime(t float64) float64 { return t * math.Max(1, c.Slowdown) }

// Model says which networks saw it and how often, so that a result can be
// repeated.
type Model struct {
	Program    string // spineflex version
	Quality    string // fast, balanced, accurate
	Engine     string // onnxruntime, opencv
	Detector   string // SHA-256 of the network file
	Landmarker string
	SampleHz   float64 // pictures a second that were asked for; a slower clip gave all it has
	Paced      bool    // fewer of a lifter at rest ([Between] has the others), and every second one without the networks where they were sure
	CaptureFPS float64 // pictures a second that the clip was said to be filmed at; 0: nothing was said
}

// Tracking says how the region the landmarks come from was found.
type Tracking uint8

const (
	// Absent: no lifter in this frame; landmarks and contour are NaN.
	Absent Tracking = iota
	// Held: the networks lost the lifter and the region was held or
	// interpolated from frames before and after; landmarks are less sure.
	Held
	// Tracked: seen by the landmark network in its own region.
	Tracked
)

// Point is a position in the upright picture, pixels.
type Point struct{ X, Y float64 }

// Keypoint is one body landmark in one frame.
type Keypoint struct {
	X, Y       float64 // pixels
	Z          float64 // pixels, towards the camera negative, about the hips' mid-point; a rough guess of the network
	Visibility float64 // 0..1, probability of being seen and not hidden
}

// Frame is what was seen in one frame.
type Frame struct {
	Index     int     // in the clip, from 0
	Time      float64 // presentation time, seconds from the clip's start
	Tracking  Tracking
	Presence  float64 // the landmark network's probability that a person fills the region
	Landmarks [NumLandmarks]Keypoint
	Trunk     Trunk
	Plate     Disc // the near plate of the lifter's bar, [NoDisc] if none is seen
	View      View // how the camera stands; NaN where it was not looked at
}

// View is how the camera stands in one frame against the clip's first, as the
// room behind the lifter shows it: what of the room is at p in this picture was
// at Zoom·R·p + (X, Y) in that one, R the rotation by Turn. Over a cut, and where
// else the picture loses all likeness to what was before, the camera is taken to
// have stood still.
type View struct {
	X, Y float64 // pixels
	Turn float64 // radians, from x towards y
	Zoom float64
	SD   float64 // standard deviation of where the lifter is put by it, pixels
}

// NoView is a view of which nothing is known.
func NoView() View {
	nan := math.NaN()
	return View{nan, nan, nan, nan, nan}
}

// Known reports whether it is known how the camera stands.
func (v View) Known() bool { return v.Zoom > 0 && !math.IsNaN(v.X+v.Y+v.Turn) }

// Apply returns where p of this picture was in the first one.
func (v View) Apply(p Point) Point {
	sin, cos := math.Sincos(v.Turn)
	return Point{v.Zoom*(cos*p.X-sin*p.Y) + v.X, v.Zoom*(sin*p.X+cos*p.Y) + v.Y}
}

// From returns how the camera stands against another view.
func (v View) From(o View) View {
	at := o.Undo(Point{v.X, v.Y})
	return View{X: at.X, Y: at.Y, Turn: v.Turn - o.Turn, Zoom: v.Zoom / o.Zoom, SD: v.SD / o.Zoom}
}

// Undo returns where p of the first picture is in this one.
func (v View) Undo(p Point) Point {
	sin, cos := math.Sincos(v.Turn)
	x, y := (p.X-v.X)/v.Zoom, (p.Y-v.Y)/v.Zoom
	return Point{cos*x + sin*y, cos*y - sin*x}
}

// Disc is the picture of a weight plate, an ellipse whose axes lie along the
// picture's: a camera that looks at the bar's end from the side shortens the
// width, one that looks from above or below the height.
type Disc struct {
	X, Y    float64 // centre, pixels
	RX, RY  float64 // half axes, pixels
	Support float64 // 0..1, share of the rim that shows as an edge across the radius; 0 where interpolated
}

// NoDisc is a disc of which nothing is known.
func NoDisc() Disc {
	nan := math.NaN()
	return Disc{nan, nan, nan, nan, nan}
}

// Known reports whether there is a disc.
func (d Disc) Known() bool { return d.RX > 0 && d.RY > 0 }

// Radius returns the length of the half axis that a turn of the camera does
// not shorten, pixels. A plate's diameter over twice of it is the scale in the
// plate's plane.
func (d Disc) Radius() float64 { return math.Max(d.RX, d.RY) }

// Within reports whether p lies inside the disc or within margin pixels of
// its rim.
func (d Disc) Within(p Point, margin float64) bool {
	x, y := (p.X-d.X)/(d.RX+margin), (p.Y-d.Y)/(d.RY+margin)
	return x*x+y*y <= 1
}

// Stations are where a trunk edge is sampled: u = StationMin + i·StationStep
// along the trunk axis from mid-hip (0) to mid-shoulder (1).
const (
	NumStations = 110
	StationMin  = -0.45
	StationStep = 0.015
)

// Station returns u of sample i.
func Station(i int) float64 { return StationMin + StationStep*float64(i) }

// Trunk is the outline of the trunk: both edges, since which of them is the
// back is decided later over the whole clip, or only the one that will surely be
// it.
type Trunk struct {
	Hip, Shoulder Point   // ends of the axis that the stations refer to
	Left, Right   Edge    // as seen looking from Hip to Shoulder in the picture; nil where there was none
	SeatY         float64 // lowest point of the person's mask behind and below the hips (the buttock), picture y, NaN if unknown
}

// Occluder says what lies over an edge sample, so that it is not the trunk's
// own outline.
type Occluder uint8

// Occluders.
const (
	Clear Occluder = iota
	Arm
	Plate // bar or plate
	Other
)

// Sample is one point of an edge.
type Sample struct {
	Offset   float64  // pixels from the axis along the edge's outward normal; NaN: no edge found
	SD       float64  // standard deviation of Offset, pixels
	Occluder Occluder // other than Clear: not to be used as the trunk's outline
}

// Edge is one side of the trunk at the NumStations stations.
type Edge []Sample

// Side selects an edge of the trunk.
type Side int

// Sides, as seen looking from hip to shoulder. A lifter who faces right has
// the back on the Left.
const (
	Left Side = iota
	Right
)

// Edge returns the edge of that side.
func (t *Trunk) Edge(s Side) Edge {
	if s == Left {
		return t.Left
	}
	return t.Right
}

// Normal returns the outward unit normal of side s in the picture and the
// axis' length in pixels. The normal is NaN for an axis without length.
func (t *Trunk) Normal(s Side) (n Point, length float64) {
	dx, dy := t.Shoulder.X-t.Hip.X, t.Shoulder.Y-t.Hip.Y
	length = math.Hypot(dx, dy)
	n = Point{dy / length, -dx / length}
	if s == Right {
		n = Point{-n.X, -n.Y}
	}
	return n, length
}

// At returns the picture position of station i of side s displaced outward by
// offset pixels.
func (t *Trunk) At(s Side, i int, offset float64) Point {
	n, _ := t.Normal(s)
	u := Station(i)
	return Point{
		t.Hip.X + u*(t.Shoulder.X-t.Hip.X) + offset*n.X,
		t.Hip.Y + u*(t.Shoulder.Y-t.Hip.Y) + offset*n.Y,
	}
}

// Seen reports whether the frame shows the lifter at all.
func (f *Frame) Seen() bool { return f.Tracking != Absent }
