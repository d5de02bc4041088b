package perception

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/pkg/camera"
	"github.com/spineflex/spineflex/pkg/contour"
	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/plate"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

// underWay is how many pictures are between decoder and recording at once: one
// being tracked, one being outlined, one between them, and before each of these
// those that are outlined only.
const underWay = 3 * (1 + pose.MostOutlined)

// decodedAhead is how many pictures wait to be looked at: the decoder has what
// the other stages leave of the cores, much of a lifter at rest and little of
// one who is bent.
const decodedAhead = 8

// mostAhead is the number of frames that room is made for on the container's
// word, which may be any; more are as welcome.
const mostAhead = 1 << 12

// Run watches the clip at path. Errors start with the clip's name and wrap
// those of package video, [ErrNoPerson] or [ErrTooShort]; an ended ctx stops
// the work at once.
func Run(ctx context.Context, path string, o Options) (*recording.Recording, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	rt, model, err := o.model()
	if err != nil {
		return nil, err
	}
	networks := load(rt, o.Quality)
	defer networks.close()
	probe := o.Info
	if probe == nil {
		probe = func() (video.Info, error) { return video.Probe(ctx, path) }
	}
	info, err := probe()
	if err != nil {
		return nil, err
	}
	slowdown, err := o.slowdown(path, info)
	if err != nil {
		return nil, err
	}
	filmedS := info.DurationS / slowdown
	if filmedS > 0 && filmedS < minSeconds {
		return nil, tooShort(path, filmedS)
	}
	if rt.Fallback() != nil && o.Note != nil {
		o.Note("ONNX Runtime not found, running on OpenCV, about three times slower; spineflex doctor says how to get it")
	}
	if slowdown >= slowMotion && o.CaptureFPS == 0 && o.Note != nil {
		o.Note(fmt.Sprintf("%s: plays %.3g times slower than filmed, as the file says; times are as filmed (--capture-fps %.4g takes it as it plays)", path, slowdown, info.MeanFPS))
	}
	rate, total := o.sampling(info, slowdown)
	clip, err := video.Open(ctx, path, video.Options{
		Threads: o.Threads, Info: &info, SampleHz: rate, Slowdown: slowdown, Latent: true, Ahead: decodedAhead,
	})
	if err != nil {
		return nil, err
	}
	defer clip.Close()
	tracker, err := networks.loaded()
	if err != nil {
		return nil, err
	}

	p := newPipeline(path, clip, tracker, contour.NewExtractor(), total, o.Progress)
	p.pace.Quality, p.everyFrame = o.Quality, !o.paced()
	var sum string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { sum, err = video.SHA256(gctx, path); return err })
	g.Go(func() error {
		if err := p.run(gctx); err != nil {
			return err
		}
		return p.lookAgain(gctx, tracker, info.Width, info.Height, func(longSide int) (source, error) {
			return video.Open(gctx, path, video.Options{
				Threads: o.Threads, Info: &info, SampleHz: rate, Slowdown: slowdown, Latent: true, MaxWidth: longSide, MaxHeight: longSide,
			})
		})
	})
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", path, context.Cause(ctx))
		}
		return nil, err
	}

	p.markPlate()
	p.fill()
	rec := &recording.Recording{
		Clip: recording.Clip{
			File: path, SHA256: sum, Width: info.Width, Height: info.Height,
			RotationDeg: info.RotationDeg, Mirrored: info.Mirrored,
			DurationS: filmedS, Frames: clip.Counts().Decoded, MeanFPS: info.MeanFPS * slowdown,
		},
		Model:  model,
		Frames: p.frames,
	}
	if slowdown > 1 {
		rec.Clip.Slowdown = slowdown
	}
	complete(&rec.Clip, rec.Frames)
	if missing := lost(info, clip.Counts()); missing != "" && o.Note != nil {
		o.Note(path + ": " + missing)
	}
	if rec.Clip.DurationS < minSeconds {
		return nil, tooShort(path, rec.Clip.DurationS)
	}
	tracked := 0
	for i := range rec.Frames {
		if rec.Frames[i].Tracking == recording.Tracked {
			tracked++
		}
	}
	if tracked < minTracked {
		return nil, fmt.Errorf("%s: %w", path, ErrNoPerson)
	}
	return rec, nil
}

// loading is a tracker whose networks are on their way into memory, which takes
// as long as to open a clip.
type loading struct {
	done    chan struct{}
	tracker *pose.Tracker
	err     error
}

// load begins to load the networks. The caller closes what it returns.
func load(rt *infer.Runtime, quality pose.Quality) *loading {
	l := &loading{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		var nets pose.Networks
		if nets, l.err = pose.LoadNetworks(quality); l.err == nil {
			l.tracker, l.err = pose.NewTracker(rt, nets)
		}
	}()
	return l
}

// loaded waits for the tracker, which is valid until close.
func (l *loading) loaded() (*pose.Tracker, error) {
	<-l.done
	return l.tracker, l.err
}

func (l *loading) close() {
	if tracker, err := l.loaded(); err == nil {
		tracker.Close()
	}
}

// lost says what of the clip could not be read; empty where all could. Containers
// miscount by a few frames, so a small gap is not worth a word.
func lost(info video.Info, c video.Counts) string {
	switch {
	case info.Frames > 0 && float64(c.Decoded) < 0.95*float64(info.Frames)-2:
		return fmt.Sprintf("cut off or damaged: %d of %d frames could be read", c.Decoded, info.Frames)
	case c.Complaints > 0:
		return "damaged: the decoder patched up some of its frames"
	}
	return ""
}

func tooShort(path string, seconds float64) error {
	return fmt.Errorf("%s: %w: %.1f s; film at least one whole repetition", path, ErrTooShort, seconds)
}

// complete fills in what the container did not state, or stated against what
// came out of the decoder.
func complete(c *recording.Clip, frames []recording.Frame) {
	n := len(frames)
	if n < 2 {
		c.DurationS = 0
		return
	}
	span := frames[n-1].Time - frames[0].Time
	step := span / float64(n-1)
	// A cut-off clip still claims its old duration.
	if seen := frames[n-1].Time + step; c.DurationS <= 0 || c.DurationS > seen+1 {
		c.DurationS = seen
	}
	if !(c.MeanFPS > 0) {
		c.MeanFPS = float64(frames[n-1].Index-frames[0].Index) / span
	}
}

// moment is when a frame that was left out was shown.
type moment struct {
	index int
	time  float64
}

// picture is one frame on its way through the stages. Its buffers are used
// again.
type picture struct {
	frame       video.Frame
	watched     bool             // by the networks
	observation pose.Observation // if watched
	left        []moment         // out before it
}

// The stages, as [video.Source], [pose.Tracker] and [contour.Extractor] are.
type (
	source interface {
		Next(*video.Frame) error
	}
	tracker interface {
		Next(img pose.Image, index int, time float64) ([]pose.Observation, error)
		Flush() ([]pose.Observation, error)
	}
	extractor interface {
		Extract(contour.Image, contour.Mask, *[recording.NumLandmarks]recording.Keypoint) recording.Trunk
		Trace(contour.Image, contour.Mask, *[recording.NumLandmarks]recording.Keypoint, ...recording.Side) recording.Trunk
	}
)

type pipeline struct {
	path       string // for errors
	source     source
	tracker    tracker
	extractor  extractor
	finder     *plate.Finder
	camera     camera.Follower
	heading    heading
	pace       pose.Pace
	everyFrame bool          // is watched
	leaving    []moment      // out, since the last picture that was tracked
	free       chan *picture // to be filled
	tracked    chan *picture // in order of time
	frames     []recording.Frame
	watched    []int              // which of frames the networks saw
	looks      []pose.Look        // of each frame, for a second look
	circles    [][]recording.Disc // of each watched frame, for the plate
	left       []moment           // out of frames
	// done counts pictures that are dealt with, the second looks too, and total
	// those that are to be; 0: unknown.
	done, total int
	progress    func(done, total int)
}

func newPipeline(path string, s source, t tracker, e extractor, total int, progress func(done, total int)) *pipeline {
	p := &pipeline{
		path: path, source: s, tracker: t, extractor: e, finder: plate.NewFinder(),
		free: make(chan *picture, underWay), tracked: make(chan *picture, underWay),
		frames: make([]recording.Frame, 0, max(0, min(total, mostAhead))),
		total:  total, progress: progress,
	}
	for range underWay {
		p.free <- new(picture)
	}
	return p
}

// run watches the clip to its end.
func (p *pipeline) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { defer close(p.tracked); return p.track(ctx) })
	g.Go(func() error { return p.outline(ctx) })
	return g.Wait()
}

// track is the stage from decoder to observations.
func (p *pipeline) track(ctx context.Context) error {
	pic, err := p.take(ctx)
	if err != nil {
		return err
	}
	var held *picture // to be outlined, if a frame follows that is watched
	watch := func() error {
		f := &pic.frame
		f.Develop()
		seen, err := p.tracker.Next(pose.Image{Pix: f.Pix, Width: f.Width, Height: f.Height}, f.Index, f.Time)
		if err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		pic, err = p.pass(ctx, pic, seen)
		return err
	}
	for {
		switch err := p.source.Next(&pic.frame); {
		case errors.Is(err, io.EOF):
			if held != nil {
				p.free <- pic
				pic = held
				if err := watch(); err != nil {
					return err
				}
			}
			seen, err := p.tracker.Flush()
			if err != nil {
				return fmt.Errorf("%s: %w", p.path, err)
			}
			_, err = p.pass(ctx, pic, seen)
			return err
		case err != nil:
			return err
		}
		if held != nil {
			if err := p.send(ctx, held); err != nil {
				return err
			}
			held = nil
		}
		care := pose.Watch
		if !p.everyFrame {
			care = p.pace.Care(pic.frame.Time)
		}
		switch care {
		case pose.Leave:
			p.leaving = append(p.leaving, moment{pic.frame.Index, pic.frame.Time})
		case pose.Outline:
			held = pic
			held.watched = false
			if pic, err = p.take(ctx); err != nil {
				return err
			}
		case pose.Watch:
			if err := watch(); err != nil {
				return err
			}
		}
	}
}

// pass hands observations on. What the tracker returns is valid until its next
// call only, so the mask is copied, and the picture too unless it is current's
// own. It returns the picture to fill next.
func (p *pipeline) pass(ctx context.Context, current *picture, seen []pose.Observation) (*picture, error) {
	for _, o := range seen {
		var next *picture
		if len(o.Image.Pix) > 0 && len(current.frame.Pix) > 0 && &o.Image.Pix[0] == &current.frame.Pix[0] {
			next = current
		}
		spare, err := p.take(ctx)
		if err != nil {
			return nil, err
		}
		if next == nil {
			next = spare
			next.frame.Width, next.frame.Height = o.Image.Width, o.Image.Height
			if !o.Mask.Empty() { // else nobody will look at it
				next.frame.Pix = append(next.frame.Pix[:0], o.Image.Pix...)
			}
		} else {
			current = spare
		}
		p.pace.Note(o.Look())
		next.watched = true
		old := next.observation.Mask
		next.observation = o
		next.observation.Image.Pix = next.frame.Pix
		next.observation.Mask = o.Mask.Copy(old)
		if err := p.send(ctx, next); err != nil {
			return nil, err
		}
	}
	return current, nil
}

// send hands a picture on, and with it what was left out before it.
func (p *pipeline) send(ctx context.Context, pic *picture) error {
	pic.left, p.leaving = append(pic.left[:0], p.leaving...), p.leaving[:0]
	select {
	case p.tracked <- pic:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pipeline) take(ctx context.Context) (*picture, error) {
	select {
	case pic := <-p.free:
		return pic, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// outline is the stage from observations to frames of the recording.
func (p *pipeline) outline(ctx context.Context) error {
	var before pose.Observation // of the last watched frame; its picture is gone
	var held []*picture         // between that and the next
	for pic := range p.tracked {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		o := &pic.observation
		if pic.watched {
			if err := o.Mask.Develop(); err != nil {
				return fmt.Errorf("%s: %w", p.path, err)
			}
			for _, h := range held {
				p.between(&h.frame, &before, o)
				p.free <- h // has room for all there are
			}
			held = held[:0]
		}
		if n := len(pic.left); n > 0 {
			p.left = append(p.left, pic.left...)
			p.tell(n)
		}
		if !pic.watched {
			held = append(held, pic)
			continue
		}
		p.watched = append(p.watched, len(p.frames))
		p.circles = append(p.circles, p.round(o))
		if o.Tracking == recording.Tracked {
			p.heading.note(&o.Landmarks)
		}
		f := p.see(o)
		f.View = p.stands(o)
		p.add(f, o)
		before, pic.observation = *o, before // with the masks' memory
		p.free <- pic
	}
	return nil
}

// add adds a frame to the recording that was observed so.
func (p *pipeline) add(f recording.Frame, o *pose.Observation) {
	p.frames = append(p.frames, f)
	p.looks = append(p.looks, o.Look())
	p.tell(1)
}

// between outlines the lifter in a frame between two that were watched. Where the
// lifter was lost in either, the frame is left out.
func (p *pipeline) between(f *video.Frame, a, b *pose.Observation) {
	if a.Tracking != recording.Tracked || b.Tracking != recording.Tracked || b.Newcomer {
		p.left = append(p.left, moment{f.Index, f.Time})
		p.tell(1)
		return
	}
	w := (f.Time - a.Time) / (b.Time - a.Time)
	f.Develop()
	o := pose.Observation{
		Index: f.Index, Time: f.Time, Tracking: recording.Tracked, Presence: min(a.Presence, b.Presence),
		Landmarks: recording.LandmarksBetween(&a.Landmarks, &b.Landmarks, w),
		Region:    pose.RegionBetween(a.Region, b.Region, w),
		Image:     pose.Image{Pix: f.Pix, Width: f.Width, Height: f.Height},
	}
	frame := frameOf(&o)
	frame.Trunk = p.extractor.Trace(contourImage(&o), blendOf(&o.Landmarks, a, b, w), &o.Landmarks, p.heading.backs()...)
	p.add(frame, &o)
}

// tell says that n more pictures have been dealt with.
func (p *pipeline) tell(n int) {
	p.done += n
	if p.progress != nil {
		p.progress(p.done, p.total)
	}
}

// see outlines the lifter in a frame that was watched.
func (p *pipeline) see(o *pose.Observation) recording.Frame {
	f := frameOf(o)
	if o.Tracking == recording.Absent || o.Mask.Empty() {
		nowhere := recording.Point{X: math.NaN(), Y: math.NaN()}
		f.Trunk = recording.Trunk{Hip: nowhere, Shoulder: nowhere, SeatY: math.NaN()}
		return f
	}
	f.Trunk = p.extractor.Extract(contourImage(o), mask{&o.Mask}, &f.Landmarks)
	return f
}

func contourImage(o *pose.Observation) contour.Image {
	return contour.Image{Pix: o.Image.Pix, Width: o.Image.Width, Height: o.Image.Height}
}

// frameOf is a frame of which only the landmarks are known.
func frameOf(o *pose.Observation) recording.Frame {
	return recording.Frame{
		Index: o.Index, Time: o.Time, Tracking: o.Tracking, Presence: o.Presence, Landmarks: o.Landmarks,
		Plate: recording.NoDisc(), View: recording.NoView(),
	}
}

// stands says how the camera stands, in frames that show the lifter.
func (p *pipeline) stands(o *pose.Observation) recording.View {
	if o.Tracking == recording.Absent || o.Image.Pix == nil {
		return recording.NoView()
	}
	return p.camera.Follow(camera.Image{Pix: o.Image.Pix, Width: o.Image.Width, Height: o.Image.Height}, camera.Around(&o.Landmarks))
}

// round returns what is round near the lifter's hands.
func (p *pipeline) round(o *pose.Observation) []recording.Disc {
	if o.Tracking == recording.Absent || o.Image.Pix == nil {
		return nil
	}
	return p.finder.Find(plate.Image{Pix: o.Image.Pix, Width: o.Image.Width, Height: o.Image.Height}, &o.Landmarks)
}

// markPlate decides which of the circles is the plate, now that the whole clip
// is seen, and where it hides the trunk. Of frames that were not watched plate and
// view follow from those before and after.
func (p *pipeline) markPlate() {
	watched := make([]recording.Frame, len(p.watched))
	for k, i := range p.watched {
		watched[k] = p.frames[i]
	}
	plate.Track(watched, p.circles)
	for k, i := range p.watched {
		b := &watched[k]
		p.frames[i].Plate = b.Plate
		for j := i - 1; k > 0 && j > p.watched[k-1]; j-- {
			a, f := &watched[k-1], &p.frames[j]
			w := (f.Time - a.Time) / (b.Time - a.Time)
			f.Plate, f.View = recording.DiscBetween(a.Plate, b.Plate, w), recording.ViewBetween(a.View, b.View, w)
		}
	}
	for i := range p.frames {
		contour.MarkPlates(&p.frames[i])
	}
}

// fill puts what was left out of a lifter at rest between the other frames.
func (p *pipeline) fill() {
	if len(p.left) == 0 {
		return
	}
	all := make([]recording.Frame, 0, len(p.frames)+len(p.left))
	left := p.left
	for i := range p.frames {
		b := &p.frames[i]
		for ; len(left) > 0 && left[0].index < b.Index; left = left[1:] {
			if a := &p.frames[i-1]; a.Tracking == recording.Tracked && b.Tracking == recording.Tracked {
				all = append(all, recording.Between(a, b, left[0].index, left[0].time))
			}
		}
		all = append(all, *b)
	}
	p.frames = all
}
