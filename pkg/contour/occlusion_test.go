package contour

import (
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// outlineOf is an edge with the given offsets in trunk lengths of 200 pixels.
func outlineOf(offset func(u float64) float64) recording.Edge {
	edge := make(recording.Edge, recording.NumStations)
	for i := range edge {
		edge[i] = recording.Sample{Offset: 200 * offset(recording.Station(i)), SD: 0.5}
	}
	return edge
}

// back is an ordinary one in a deep squat: a buttock round about u = 0, the
// hollow above it, the ribs.
func back(u float64) float64 {
	return 0.2 + 0.1*math.Exp(-(u*u)/(2*0.12*0.12)) + 0.05*math.Exp(-(u-0.8)*(u-0.8)/(2*0.2*0.2))
}

func TestMarkCorners(t *testing.T) {
	const none = 2.0
	for _, c := range []struct {
		name      string
		offset    func(u float64) float64
		misplaced bool    // hips
		from, to  float64 // hidden; what lies within 0.1 of its ends may be either
		doubt     float64 // from here on the standard deviation is widened
	}{
		{"back", back, false, none, none, none},
		{"rounded back", func(u float64) float64 { return 0.15 + 0.15*math.Sin(2.4*u) }, false, none, none, none},
		{"strongly hollow back", func(u float64) float64 { return 0.1 + 0.58*math.Hypot(u-0.36, 0.055) }, false, none, none, 0.36},
		{"leaning against wrong landmarks", func(u float64) float64 { return 0.2 + 0.95*u }, false, none, none, none},
		{"elbow behind the back", func(u float64) float64 {
			if u > 0.5 {
				return back(u) + 0.12
			}
			return back(u)
		}, false, 0.5, 1.2, none},
		{"plate above the ribs", func(u float64) float64 { return back(u) + 1.3*math.Max(0, u-0.55) }, false, 0.55, 1.2, none},
		{"mask fills up to the elbow", func(u float64) float64 { return math.Max(back(u), 0.22+1.1*(u-0.2)) }, false, 0.25, 1.2, none},
		{"hair", func(u float64) float64 {
			if u > 0.95 {
				return back(u) + 0.15
			}
			return back(u)
		}, false, 0.95, 1.2, none},
		{"plate before the buttocks", func(u float64) float64 {
			if u < 0.25 {
				return 0.5
			}
			return back(u)
		}, false, none, none, none}, // the back goes on; the plate is marked as one
		{"hips taken to be on the plate", func(u float64) float64 {
			switch {
			case u < 0.25:
				return 0.2
			case u < 0.4:
				return math.NaN()
			}
			return 0.7 - 0.5*(u-0.4)
		}, true, -0.45, 0.25, none},
		{"bag behind the legs", func(u float64) float64 {
			if u < -0.2 {
				return 0.6
			}
			return back(u)
		}, false, -0.45, -0.2, none},
		{"a few samples off", func(u float64) float64 {
			if u > 0.4 && u < 0.45 {
				return 0.02
			}
			return back(u)
		}, false, 0.4, 0.45, none},
		{"an elbow after a few samples off", func(u float64) float64 {
			switch {
			case u > 0.45:
				return back(u) + 0.07
			case u > 0.4:
				return 0.45
			}
			return back(u)
		}, false, 0.4, 2, none},
		{"a hole in the outline", func(u float64) float64 {
			if u > 0.4 && u < 0.45 {
				return math.NaN()
			}
			return back(u)
		}, false, none, none, none},
		{"no outline", func(float64) float64 { return math.NaN() }, false, none, none, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			edge := outlineOf(c.offset)
			markCorners(edge, c.misplaced, 200)
			for i, e := range edge {
				u := recording.Station(i)
				hidden := e.Occluder != recording.Clear
				switch inside := u > c.from && u < c.to; {
				case math.Abs(u-c.from) < 0.1 || math.Abs(u-c.to) < 0.1:
					continue
				case inside && !hidden:
					t.Errorf("u = %.2f is not marked", u)
				case !inside && hidden:
					t.Errorf("u = %.2f is marked", u)
				}
				if wide := e.SD > 1; wide != (u > c.doubt) && math.Abs(u-c.doubt) > 0.1 && !math.IsNaN(e.Offset) {
					t.Errorf("u = %.2f: sd %.2f px", u, e.SD)
				}
			}
		})
	}
}

func TestMarkArms(t *testing.T) {
	trunk := recording.Trunk{Hip: recording.Point{X: 300, Y: 400}, Shoulder: recording.Point{X: 300, Y: 200}}
	var lm [recording.NumLandmarks]recording.Keypoint
	set := func(l recording.Landmark, x, y, visibility float64) {
		lm[l] = recording.Keypoint{X: x, Y: y, Visibility: visibility}
	}
	set(recording.LeftShoulder, 300, 200, 1)
	set(recording.LeftElbow, 250, 290, 1) // on the left edge at u = 0.55
	set(recording.LeftWrist, 270, 210, 1)
	set(recording.RightShoulder, 300, 200, 1)
	set(recording.RightElbow, 250, 390, 0.2) // not seen: not believed
	set(recording.RightWrist, 250, 400, 0.2)
	edge := outlineOf(func(float64) float64 { return 0.25 })
	markArms(edge, &trunk, recording.Left, armsOf(&lm, 200))
	for i, e := range edge {
		u := recording.Station(i)
		if on := math.Abs(u-0.55) < 0.09; on && e.Occluder != recording.Arm {
			t.Errorf("u = %.2f is on the elbow, but not marked", u)
		}
		if u < 0.4 && e.Occluder != recording.Clear {
			t.Errorf("u = %.2f is marked as %d", u, e.Occluder)
		}
	}
}
