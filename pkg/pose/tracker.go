package pose

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/recording"
)

// Observation is what was seen in one frame.
type Observation struct {
	Index     int
	Time      float64 // seconds
	Tracking  recording.Tracking
	Presence  float64                                    // the landmark network's probability that a person fills the region; 0 if Absent
	Landmarks [recording.NumLandmarks]recording.Keypoint // NaN if Absent; visibility is lowered if Held
	Region    Region                                     // that the network saw
	Mask      Mask                                       // to be developed; empty if Absent
	Image     Image                                      // the frame's picture
	Newcomer  bool                                       // another than before is followed from here on: the one who lifts
}

// maxBacklog bounds the bytes of pictures that wait while the lifter is being
// looked for: 40 pictures of 1080p, 10 of 4K.
const maxBacklog = 250 << 20

// While the lifter is lost or has never been seen:
const (
	// holdFor is how long a region is held without any sign of the lifter,
	// seconds.
	holdFor = 1.5
	// signOfLife is the presence below which the network sees nobody at all in
	// the region.
	signOfLife = 0.1
	// newcomerAfter is how long nobody must have been seen, seconds, until
	// somebody of another size or in another place is taken for the lifter.
	newcomerAfter = 0.6
	// surePresence is the presence from which the region needs no second look.
	surePresence = 0.95
	// cutOff is how much larger a wider region must show the person for the
	// narrower one to have cut them off. The mask's area depends on the
	// region's resolution by less than 0.05.
	cutOff = 1.15
	// trustedScore is the detector's score from which its turn of the trunk is
	// believed. Where it took plates for heads it scored up to 0.87; heads in
	// the dark 0.9 and more.
	trustedScore = 0.9
	// disagreement is the difference in turn, radians, from which the
	// detector's and the tracked region contradict each other.
	disagreement = 25 * math.Pi / 180
	// maxWaiting bounds the frames that wait, whatever their size.
	maxWaiting = 60
)

// Tracker follows one lifter through the frames of a clip. It is used by one
// goroutine.
type Tracker struct {
	quality    Quality
	detector   *detector
	landmarker *landmarker
	another    *landmarker // for second looks, nil until there is one
	signed     *tone       // the detector's input range
	brightened *tone       // the same with the shadows lifted
	unsigned   *tone       // the landmark network's

	steady   steady
	found    bool    // steady holds the lifter
	last     float64 // time of the frame before
	seen     float64 // when presence was last good
	sign     float64 // when there was last any sign of the lifter
	crowd    crowd
	newcomer bool // the frame looked at shows another than before
	tries    int  // searches since the lifter was lost
	waiting  []waiting
	given    [][]byte // memory of the pictures in out
	free     [][]byte // pictures' memory to use again
	out      []Observation
	masks    []Mask // memory of those in out
}

// waiting is a frame in which the lifter has not been found yet. It owns its
// picture.
type waiting struct {
	index int
	time  float64
	image Image
}

// NewTracker opens the networks. The caller closes the tracker.
func NewTracker(rt *infer.Runtime, nets Networks) (*Tracker, error) {
	t := &Tracker{quality: nets.Quality, signed: linearTone(-1, 1, 1), brightened: linearTone(-1, 1, 0.5), unsigned: linearTone(0, 1, 1)}
	var g errgroup.Group
	g.Go(func() (err error) { t.detector, err = newDetector(rt, nets.Detector); return err })
	g.Go(func() (err error) { t.landmarker, err = newLandmarker(rt, nets.Landmarker); return err })
	if err := g.Wait(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close frees the networks.
func (t *Tracker) Close() error {
	var errs []error
	if t.detector != nil {
		errs = append(errs, t.detector.Close())
	}
	for _, l := range []*landmarker{t.landmarker, t.another} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// Next takes the clip's next frame and returns what is known by now, in the
// frames' order: as a rule this frame's observation; none while the lifter is
// being looked for, and then several, since the frames before the first good
// one are looked at again from there. What it returns, pictures and masks
// included, is valid until the next call; the picture given may be changed
// after that.
func (t *Tracker) Next(img Image, index int, time float64) ([]Observation, error) {
	if err := img.Validate(); err != nil {
		return nil, fmt.Errorf("track frame %d: %w", index, err)
	}
	t.reset()
	var err error
	if t.found {
		err = t.track(img, index, time)
	} else {
		err = t.search(img, index, time)
	}
	if err != nil {
		return nil, fmt.Errorf("track frame %d: %w", index, err)
	}
	t.last = time
	return t.out, nil
}

// Flush returns what is left when the clip has ended.
func (t *Tracker) Flush() ([]Observation, error) {
	t.reset()
	t.giveUp(len(t.waiting))
	return t.out, nil
}

// reset takes back the memory of what was returned last.
func (t *Tracker) reset() {
	for i := range t.out {
		if m := t.out[i].Mask; !m.Empty() {
			t.masks = append(t.masks, m)
		}
	}
	t.out = t.out[:0]
	t.free = append(t.free, t.given...)
	t.given = nil
	if len(t.waiting) == 0 {
		t.free = nil
	}
}

// track looks at a frame in the lifter's region.
func (t *Tracker) track(img Image, index int, time float64) error {
	dt := time - t.last
	due := t.crowd.due(time)
	var people []Person
	detect := func() (err error) { people, err = t.detector.detect(img, wholePicture(img), t.signed); return err }
	var g errgroup.Group
	if due {
		g.Go(detect)
	}
	best, err := t.landmarker.locate(img, t.steady.region, t.unsigned)
	if err := errors.Join(err, g.Wait()); err != nil {
		return err
	}
	lost := best.presence < minPresence
	if lost && !due {
		if err := detect(); err != nil {
			return err
		}
	}
	if lost || due {
		if !lost {
			if p, ok := t.crowd.look(time, people, t.steady.region); ok {
				t.start(p.Region(), 0, time)
				t.newcomer = true
				if best, err = t.landmarker.locate(img, t.steady.region, t.unsigned); err != nil {
					return err
				}
			} else if best, err = t.verify(img, people, best); err != nil {
				return err
			}
			if best.presence < surePresence {
				if best, err = t.widen(img, best); err != nil {
					return err
				}
				t.steady.region = best.region
			} else if t.quality.plain(&best.landmarks) {
				t.crowd.calm(time)
			}
		} else if best, err = t.recover(img, people, best, time); err != nil {
			return err
		}
	}
	if best.presence < surePresence {
		t.crowd.alarm(time)
	}
	if best.presence >= signOfLife {
		t.sign = time
	}
	if time-t.sign > holdFor {
		// Nobody is there any more.
		t.found = false
		t.crowd = crowd{}
		return t.search(img, index, time)
	}
	tracking := recording.Held
	if best.presence >= minPresence {
		tracking = recording.Tracked
		t.seen = time
		t.crowd.note(time, best)
	}
	t.emit(img, index, time, tracking, best)
	t.out[len(t.out)-1].Newcomer = t.newcomer
	t.newcomer = false
	if tracking == recording.Tracked {
		t.steady.follow(best, dt)
	}
	return nil
}

// verify compares the tracked region with a sure detection of the lifter. The
// landmark network tends to see the trunk turned as its region is, and so can
// stay with a wrong turn for long and be sure of it.
func (t *Tracker) verify(img Image, people []Person, tracked sight) (sight, error) {
	for _, p := range people {
		r := t.steady.sized(p.Region())
		if p.Score < trustedScore || !t.steady.fits(p, 0) || turned(r, t.steady.region) < disagreement {
			continue
		}
		s, err := t.landmarker.locate(img, r, t.unsigned)
		if err != nil {
			return tracked, err
		}
		if s.presence >= minPresence && turned(alignedRegion(s.hip, s.top), r) < disagreement {
			t.steady.start(r, t.steady.size)
			return s, nil
		}
		return t.landmarker.locate(img, tracked.region, t.unsigned)
	}
	return tracked, nil
}

// recover makes second guesses when the region shows nobody, and returns the
// sight of the first that shows the lifter, or else the one it was given.
func (t *Tracker) recover(img Image, people []Person, lost sight, time float64) (sight, error) {
	ago := time - t.seen
	var sure, likely, newcomers []Region
	for _, p := range people {
		switch {
		case t.steady.fits(p, ago) && p.Score >= trustedScore:
			sure = append(sure, t.steady.sized(p.Region()))
		case t.steady.fits(p, ago):
			likely = append(likely, t.steady.bounded(p.Region(), ago))
		case ago >= newcomerAfter && lost.presence < signOfLife:
			newcomers = append(newcomers, p.Region())
		}
	}
	// The detector finds people by their heads, which plates may hide; the
	// network may know the legs in a region of the right size that is not
	// turned wrongly. So this comes before a doubtful detection.
	guesses := append(append(sure, t.steady.recentred(lost.hip)), likely...)
	for i, r := range append(guesses, newcomers...) {
		s, err := t.landmarker.locate(img, r, t.unsigned)
		if err != nil {
			return lost, err
		}
		if s.presence < minPresence {
			continue
		}
		if i < len(guesses) {
			t.steady.start(r, t.steady.size)
		} else {
			t.start(r, 0, time)
		}
		return s, nil
	}
	// The mask that is given out is the last run's.
	return t.landmarker.locate(img, lost.region, t.unsigned)
}

// start puts the region on the lifter.
func (t *Tracker) start(r Region, size, time float64) {
	t.steady.start(r, size)
	t.found = true
	t.tries = 0
	t.seen, t.sign = time, time
	t.crowd = crowd{next: time + watchEvery}
}

// search looks for the lifter anywhere in a frame, and on success tracks back
// through the frames that wait.
func (t *Tracker) search(img Image, index int, time float64) error {
	area, tone := t.searchArea(img)
	t.tries++
	people, err := t.detector.detect(img, area, tone)
	if err != nil {
		return err
	}
	p, ok := likeliest(people, img.Width, img.Height)
	if !ok {
		t.wait(img, index, time)
		return nil
	}
	s, err := t.landmarker.locate(img, p.Region(), t.unsigned)
	if err != nil {
		return err
	}
	if s, err = t.widen(img, s); err != nil {
		return err
	}
	if s.presence < minPresence {
		t.wait(img, index, time)
		return nil
	}
	t.start(s.region, 0, time)
	if len(t.waiting) > 0 {
		if err := t.trackBack(s.region, time); err != nil {
			return err
		}
		if s, err = t.landmarker.locate(img, s.region, t.unsigned); err != nil {
			return err
		}
	}
	t.emit(img, index, time, recording.Tracked, s)
	t.steady.follow(s, 0)
	return nil
}

// widen looks whether the region cuts the person off, as it does where a plate
// before the shoulders passes for the whole trunk, and returns the better
// sight.
func (t *Tracker) widen(img Image, narrow sight) (sight, error) {
	area, err := t.landmarker.area()
	if err != nil {
		return narrow, err
	}
	wide := narrow.region
	wide.Side *= 1.5
	wide.Y += 0.15 * narrow.region.Side
	s, err := t.landmarker.locate(img, wide, t.unsigned)
	if err != nil {
		return narrow, err
	}
	if s.presence >= max(minPresence, narrow.presence) {
		whole, err := t.landmarker.area()
		if err != nil {
			return narrow, err
		}
		if whole > cutOff*area {
			if s, err = t.landmarker.locate(img, alignedRegion(s.hip, s.top), t.unsigned); err != nil {
				return narrow, err
			}
			if s.presence >= max(minPresence, narrow.presence) {
				return s, nil
			}
		}
	}
	return t.landmarker.locate(img, narrow.region, t.unsigned)
}

// searchArea returns where to search next: the whole picture, the same with
// its shadows lifted, and its middle enlarged, in turn.
func (t *Tracker) searchArea(img Image) (Region, *tone) {
	area := wholePicture(img)
	switch t.tries % 4 {
	case 1:
		return area, t.brightened
	case 2:
		area.Side = float64(min(img.Width, img.Height))
	case 3:
		area.Side = 0.7 * float64(max(img.Width, img.Height))
		return area, t.brightened
	}
	return area, t.signed
}

// wait keeps a frame until the lifter is found, and gives up on the oldest
// ones when they become too many.
func (t *Tracker) wait(img Image, index int, time float64) {
	size := 3 * img.Width * img.Height
	most := max(1, min(maxWaiting, maxBacklog/size))
	if n := len(t.waiting) + 1 - most; n > 0 {
		t.giveUp(n)
	}
	var buf []byte
	if n := len(t.free); n > 0 && cap(t.free[n-1]) >= size {
		buf, t.free = t.free[n-1][:size], t.free[:n-1]
	} else {
		buf = make([]byte, size)
	}
	for y := range img.Height {
		copy(buf[3*img.Width*y:3*img.Width*(y+1)], img.Pix[img.stride()*y:])
	}
	t.waiting = append(t.waiting, waiting{index, time, Image{Pix: buf, Width: img.Width, Height: img.Height}})
}

// giveUp gives out the n oldest frames that wait as Absent.
func (t *Tracker) giveUp(n int) {
	for _, w := range t.waiting[:n] {
		t.out = append(t.out, Observation{Index: w.index, Time: w.time, Landmarks: missing(), Image: w.image})
		t.given = append(t.given, w.image.Pix)
	}
	t.waiting = append(t.waiting[:0], t.waiting[n:]...)
}

// trackBack follows the lifter from a region at a time backwards through the
// frames that wait, and gives them all out.
func (t *Tracker) trackBack(r Region, time float64) error {
	var back steady
	back.start(r, 0)
	first := len(t.waiting) // the earliest frame with the lifter
	sights := make([]Observation, 0, len(t.waiting))
	for i := len(t.waiting) - 1; i >= 0; i-- {
		w := t.waiting[i]
		s, err := t.landmarker.locate(w.image, back.region, t.unsigned)
		if err != nil {
			return err
		}
		if s.presence < minPresence {
			break
		}
		first = i
		sights = append(sights, t.observe(w.image, w.index, w.time, recording.Tracked, s))
		back.follow(s, time-w.time)
		time = w.time
	}
	t.giveUp(first)
	for i := len(sights) - 1; i >= 0; i-- {
		t.out = append(t.out, sights[i])
	}
	for _, w := range t.waiting {
		t.given = append(t.given, w.image.Pix)
	}
	t.waiting = t.waiting[:0]
	return nil
}

// emit gives out a frame.
func (t *Tracker) emit(img Image, index int, time float64, tracking recording.Tracking, s sight) {
	t.out = append(t.out, t.observe(img, index, time, tracking, s))
}

// observe makes an observation of the landmark network's last run.
func (t *Tracker) observe(img Image, index int, time float64, tracking recording.Tracking, s sight) Observation {
	o := Observation{
		Index: index, Time: time, Tracking: tracking,
		Presence: s.presence, Landmarks: s.landmarks, Region: s.region, Image: img,
	}
	if n := len(t.masks); n > 0 {
		o.Mask, t.masks = t.masks[n-1], t.masks[:n-1]
	}
	t.landmarker.readMask(&o.Mask)
	if tracking == recording.Held {
		doubt := min(1, s.presence/minPresence)
		for i := range o.Landmarks {
			o.Landmarks[i].Visibility *= doubt
		}
	}
	return o
}

// wholePicture is the square that holds the picture.
func wholePicture(img Image) Region {
	return Region{X: float64(img.Width) / 2, Y: float64(img.Height) / 2, Side: float64(max(img.Width, img.Height))}
}
