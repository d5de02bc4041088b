package pose

import (
	"errors"
	"fmt"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/recording"
)

// Observation is what was seen in one frame.
type Observation struct {
	Index     int
	Time      float64 // seconds
	Tracking  recording.Tracking
	Presence  float64                                    // the landmark network's probability that a person fills the region; 0 if Absent
	Landmarks [recording.NumLandmarks]recording.Keypoint // NaN if Absent
	Region    Region                                     // that the network saw
	Mask      Mask                                       // valid until the next call; P is nil if Absent
	Image     Image                                      // the frame's picture, valid until the next call
}

// Tracker follows one lifter through the frames of a clip. It is used by one
// goroutine.
type Tracker struct {
	detector   *detector
	landmarker *landmarker
	signed     *tone // detector's input range
	unsigned   *tone // landmark network's

	region Region // of the next frame
	locked bool   // region holds the lifter
	filter [4]oneEuro
	last   float64 // time of the frame before
	out    []Observation
	mask   Mask
}

// NewTracker opens the networks.
func NewTracker(rt *infer.Runtime, nets Networks) (*Tracker, error) {
	d, err := newDetector(rt, nets.Detector)
	if err != nil {
		return nil, err
	}
	l, err := newLandmarker(rt, nets.Landmarker)
	if err != nil {
		d.Close()
		return nil, err
	}
	return &Tracker{
		detector: d, landmarker: l,
		signed: linearTone(-1, 1, 1), unsigned: linearTone(0, 1, 1),
	}, nil
}

// Next takes the clip's next frame and returns what is known by now, in the
// frames' order: as a rule this frame's observation, none while the lifter is
// being looked for, and several once found. What it returns, the pictures
// included, is valid until the next call; the picture given may be changed
// after that.
func (t *Tracker) Next(img Image, index int, time float64) ([]Observation, error) {
	if err := img.Validate(); err != nil {
		return nil, fmt.Errorf("track frame %d: %w", index, err)
	}
	dt := time - t.last
	t.last = time
	o := Observation{Index: index, Time: time, Image: img}
	tracking := recording.Tracked
	if !t.locked {
		people, err := t.detector.detect(img, wholePicture(img), t.signed)
		if err != nil {
			return nil, fmt.Errorf("track frame %d: %w", index, err)
		}
		switch {
		case len(people) > 0:
			t.region = people[0].Region()
			t.filter = [4]oneEuro{}
		case t.region.valid():
			tracking = recording.Held
		default:
			tracking = recording.Absent
		}
	}
	if tracking == recording.Absent {
		o.Landmarks = missing()
		t.out = append(t.out[:0], o)
		return t.out, nil
	}
	s, err := t.landmarker.locate(img, t.region, t.unsigned)
	if err != nil {
		return nil, fmt.Errorf("track frame %d: %w", index, err)
	}
	t.locked = s.presence >= minPresence
	if !t.locked {
		tracking = recording.Held
	}
	o.Tracking, o.Presence, o.Landmarks, o.Region = tracking, s.presence, s.landmarks, t.region
	t.landmarker.readMask(&t.mask, t.region)
	o.Mask = t.mask
	if t.locked {
		t.region = t.follow(s, dt)
	}
	t.out = append(t.out[:0], o)
	return t.out, nil
}

// Flush returns what is left when the clip has ended.
func (t *Tracker) Flush() ([]Observation, error) { return nil, nil }

// follow returns the region for the next frame.
func (t *Tracker) follow(s sight, dt float64) Region {
	size := 2 * distance(s.hip, s.top)
	hip, top := s.hip, s.top
	for k := range 2 {
		hip[k] = t.filter[k].next(hip[k], size, dt)
		top[k] = t.filter[2+k].next(top[k], size, dt)
	}
	return alignedRegion(hip, top)
}

// Close frees the networks.
func (t *Tracker) Close() error { return errors.Join(t.detector.Close(), t.landmarker.Close()) }

// wholePicture is the square that holds the picture.
func wholePicture(img Image) Region {
	return Region{X: float64(img.Width) / 2, Y: float64(img.Height) / 2, Side: float64(max(img.Width, img.Height))}
}
