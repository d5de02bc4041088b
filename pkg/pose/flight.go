package pose

import "fmt"

// mostApart is how far apart two frames may be, seconds, to be looked at at
// once, so that the second one's region is guessed from two frames before it
// and earlier. A slower clip needs no hurry.
const mostApart = 0.055

// flight is a frame whose landmarks are being located.
type flight struct {
	image Image
	index int
	time  float64
	net   *landmarker

	landed chan struct{}
	sight  sight // once landed
	err    error
}

// launch begins to look at a frame in the lifter's region as far as it is known
// by now. With one frame under way that is its region, and the next is where it
// leads: on rendered lifts the landmarks then differ from those of one frame
// after the other by no more than they do in a region one pixel aside, 1 % of
// the trunk; by 1.4 % without.
func (t *Tracker) launch(img Image, index int, time float64) *flight {
	f := &flight{image: img, index: index, time: time, net: t.pair[0], landed: make(chan struct{})}
	region := t.steady.region
	if before := t.flying; before != nil {
		region = t.steady.ahead(time - before.time)
		if before.net == f.net {
			f.net = t.pair[1]
		}
	}
	go func() {
		defer close(f.landed)
		f.sight, f.err = f.net.locate(img, region, t.unsigned)
	}()
	return f
}

// land waits for the frame under way, if there is one, and gives it out.
func (t *Tracker) land() error {
	f := t.flying
	if f == nil {
		return nil
	}
	<-f.landed
	t.flying, t.landmarker, t.astray = nil, f.net, false
	err := f.err
	if err == nil {
		err = t.track(f)
	}
	if err != nil {
		return fmt.Errorf("track frame %d: %w", f.index, err)
	}
	t.last = f.time
	return nil
}
