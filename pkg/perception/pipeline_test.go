package perception

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/spineflex/spineflex/pkg/contour"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testPixels = 4 * 4 * 3

// film gives n pictures whose bytes are their index, in two buffers that it
// fills in turn, as a decoder does.
type film struct {
	n, next int
	fail    error // instead of the end
	spare   []byte
}

func (f *film) Next(dst *video.Frame) error {
	if f.next == f.n {
		if f.fail != nil {
			return f.fail
		}
		return io.EOF
	}
	buf := f.spare
	if buf == nil {
		buf = make([]byte, testPixels)
	}
	f.spare = dst.Pix
	for i := range buf {
		buf[i] = byte(f.next)
	}
	*dst = video.Frame{Index: f.next, Time: float64(f.next) / 30, Width: 4, Height: 4, Pix: buf}
	f.next++
	return nil
}

// follower returns its observations only every batch frames, in memory that it
// spoils at the next call, as the contract of pose.Tracker allows.
type follower struct {
	batch   int
	absent  func(index int) bool
	upright bool    // the lifter, and sure to be there
	moving  float64 // the same, but going down by so many pixels a frame; the trunk has 50
	lost    int     // the frame in which the lifter is lost for a moment
	fail    error
	waiting []pose.Observation
	given   []pose.Observation
	copies  [][]byte
}

func (f *follower) Next(img pose.Image, index int, time float64) ([]pose.Observation, error) {
	f.spoil()
	if f.fail != nil {
		return nil, f.fail
	}
	o := pose.Observation{Index: index, Time: time, Tracking: recording.Tracked}
	if f.absent != nil && f.absent(index) {
		o.Tracking = recording.Absent
	} else {
		o.Mask.P = make([]float32, pose.MaskSize*pose.MaskSize)
		for i := range o.Mask.P {
			o.Mask.P[i] = float32(index)
		}
		o.Mask.FromImage = pose.Affine{1, 0, 100, 0, 1, 100}
	}
	if f.lost > 0 && index == f.lost {
		o.Tracking = recording.Held
	}
	if f.upright || f.moving > 0 {
		o.Presence = 1
		for joint, y := range map[recording.Landmark]float64{recording.LeftShoulder: 0, recording.LeftHip: 50, recording.LeftKnee: 90, recording.LeftAnkle: 130} {
			y += f.moving * float64(index)
			o.Landmarks[joint] = recording.Keypoint{Y: y, Visibility: 1}
			o.Landmarks[joint+1] = o.Landmarks[joint]
		}
	}
	if len(f.waiting)+1 >= f.batch {
		o.Image = img // the caller's own picture
		f.given = slices.Concat(f.waiting, []pose.Observation{o})
		f.waiting = nil
		return f.given, nil
	}
	o.Image = img
	o.Image.Pix = append([]byte(nil), img.Pix...)
	f.copies = append(f.copies, o.Image.Pix)
	f.waiting = append(f.waiting, o)
	return nil, nil
}

func (f *follower) Flush() ([]pose.Observation, error) {
	f.spoil()
	f.given, f.waiting = f.waiting, nil
	return f.given, nil
}

func (f *follower) spoil() {
	for _, o := range f.given {
		clear(o.Mask.P)
	}
	if len(f.given) > 0 {
		for _, c := range f.copies { // the caller's own picture is not its to spoil
			clear(c)
		}
		f.copies = nil
	}
	f.given = nil
}

// reader notes which picture and which mask it was given.
type reader struct{}

func (reader) Extract(img contour.Image, m contour.Mask, _ *[recording.NumLandmarks]recording.Keypoint) recording.Trunk {
	return recording.Trunk{Hip: recording.Point{X: float64(img.Pix[0]), Y: m.At(1, 1)}, SeatY: float64(img.Pix[len(img.Pix)-1])}
}

func (r reader) Trace(img contour.Image, m contour.Mask, lm *[recording.NumLandmarks]recording.Keypoint, _ ...recording.Side) recording.Trunk {
	t := r.Extract(img, m, lm)
	t.Shoulder.X = 1 // traced
	return t
}

// Whatever the tracker keeps back and whoever reuses which buffer, each frame's
// outline is read from that frame's picture and mask, and the order is kept.
func TestPipelineKeepsPicturesAndMasksTogether(t *testing.T) {
	for _, tc := range []struct {
		name   string
		batch  int
		absent func(int) bool
	}{
		{"one by one", 1, nil},
		{"in batches", 7, nil},
		{"all at the end", 1000, nil},
		{"with gaps", 3, func(i int) bool { return i%4 == 1 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const n = 60
			told := 0
			p := newPipeline("clip", &film{n: n}, &follower{batch: tc.batch, absent: tc.absent}, reader{}, n,
				func(done, total int) {
					if told++; done != told || total != n {
						t.Errorf("progress %d of %d, want %d of %d", done, total, told, n)
					}
				})
			if err := p.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(p.frames) != n || told != n {
				t.Fatalf("%d frames, %d times told, want %d", len(p.frames), told, n)
			}
			for i, f := range p.frames {
				if f.Index != i || f.Time != float64(i)/30 {
					t.Errorf("frame %d is frame %d at %g s", i, f.Index, f.Time)
				}
				if tc.absent != nil && tc.absent(i) {
					if !math.IsNaN(f.Trunk.Hip.X) || f.Trunk.Left != nil {
						t.Errorf("frame %d shows nobody and has a trunk", i)
					}
					continue
				}
				want := float64(i)
				if f.Trunk.Hip.X != want || f.Trunk.Hip.Y != want || f.Trunk.SeatY != want {
					t.Errorf("frame %d was outlined in picture %g with mask %g", i, f.Trunk.Hip.X, f.Trunk.Hip.Y)
				}
			}
		})
	}
}

// Of a lifter who stands still every third picture is looked at, unless every
// one was asked for.
func TestPipelineTakesItsTime(t *testing.T) {
	for name, tc := range map[string]struct {
		everyFrame bool
		want       []int
	}{
		"as it suffices": {false, []int{0, 1, 4, 7, 10}},
		"every frame":    {true, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 11
			done := 0
			p := newPipeline("clip", &film{n: n}, &follower{batch: 1, upright: true}, reader{}, n, func(now, _ int) { done = now })
			p.everyFrame = tc.everyFrame
			if err := p.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, f := range p.frames {
				got = append(got, f.Index)
				if f.Trunk.Hip.X != float64(f.Index) {
					t.Errorf("frame %d was outlined in picture %g", f.Index, f.Trunk.Hip.X)
				}
			}
			if !slices.Equal(got, tc.want) || done != n {
				t.Errorf("looked at %v and told of %d, want %v and %d", got, done, tc.want, n)
			}
			// Those frames are found again for a second look.
			var again []byte
			err := p.read(t.Context(), func(int) (source, error) { return &film{n: n}, nil }, 0, [][]int{{1, 2}},
				func(_ int, pictures []pose.Image) error {
					for _, img := range pictures {
						again = append(again, img.Pix[0])
					}
					return nil
				})
			if err != nil || !slices.Equal(again, []byte{byte(tc.want[1]), byte(tc.want[2])}) {
				t.Errorf("a second look saw frames %v (%v), want %v", again, err, tc.want[1:3])
			}
			// The others are put between them.
			p.fill()
			for i, f := range p.frames {
				if f.Index != i || math.Abs(f.Time-float64(i)/30) > 1e-9 || math.Abs(f.Trunk.Hip.X-float64(i)) > 1e-9 {
					t.Errorf("frame %d is frame %d at %g s, its hip at %g", i, f.Index, f.Time, f.Trunk.Hip.X)
				}
			}
			if len(p.frames) != n {
				t.Errorf("%d frames in the end, want %d", len(p.frames), n)
			}
		})
	}
}

// Of a lifter who moves and of whom the networks are sure, every second picture, or
// two of three, are outlined by what they saw in those before and after. A picture
// without one after it is watched, and where the lifter was lost in that, it is left
// out.
func TestPipelineOutlinesBetween(t *testing.T) {
	for _, tc := range []struct {
		name string
		n    int
		move float64
		lost int
		want string // watched, traced; a dot for what is left out
	}{
		{"to the end", 8, 5, 0, "WWoWoWoW"},
		{"a last picture without a next", 9, 5, 0, "WWoWoWoWW"},
		{"lost for a moment", 12, 5, 5, "WWoW.WWWoWoW"},
		{"slowly", 11, 1, 0, "WWooWooWooW"},
		{"slowly, one picture after the last", 9, 1, 0, "WWooWooWW"},
		{"slowly, two pictures after the last", 10, 1, 0, "WWooWooWoW"},
		{"slowly, lost for a moment", 14, 1, 4, "WW..WWWooWooWW"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			done := 0
			p := newPipeline("clip", &film{n: tc.n}, &follower{batch: 1, moving: tc.move, lost: tc.lost}, reader{}, tc.n, func(now, _ int) { done = now })
			if err := p.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := bytes.Repeat([]byte("."), tc.n)
			for i, f := range p.frames {
				got[f.Index] = 'W'
				// Masks are their frames' numbers all over.
				if f.Trunk.Hip.X != float64(f.Index) || math.Abs(f.Trunk.Hip.Y-float64(f.Index)) > 1e-5 {
					t.Errorf("frame %d was outlined in picture %g with mask %g", f.Index, f.Trunk.Hip.X, f.Trunk.Hip.Y)
				}
				if y := f.Landmarks[recording.LeftHip].Y; math.Abs(y-50-tc.move*float64(f.Index)) > 1e-9 {
					t.Errorf("frame %d has its hip at %g", f.Index, y)
				}
				if f.Trunk.Shoulder.X == 1 {
					got[f.Index] = 'o'
				} else if !slices.Contains(p.watched, i) {
					t.Errorf("frame %d was neither watched nor traced", f.Index)
				}
			}
			if string(got) != tc.want || done != tc.n {
				t.Errorf("%s and told of %d, want %s and %d", got, done, tc.want, tc.n)
			}
			for i := range p.frames {
				if p.looks[i].Time != p.frames[i].Time {
					t.Errorf("look %d is at %g s, its frame at %g", i, p.looks[i].Time, p.frames[i].Time)
				}
			}
		})
	}
}

// With a frame that is outlined anew those beside it are that were outlined by it.
func TestPipelineSpreads(t *testing.T) {
	for changed, want := range map[int]string{0: "x........", 1: ".xx......", 3: "..xxx....", 8: "........x", 4: "....x...."} {
		p := newPipeline("clip", &film{n: 9}, &follower{batch: 1, moving: 5}, reader{}, 9, nil)
		if err := p.run(t.Context()); err != nil { // WWoWoWoWW
			t.Fatal(err)
		}
		for i := range p.looks {
			p.looks[i].Region = pose.Region{X: -1}
		}
		p.looks[changed] = pose.Look{Time: p.looks[changed].Time, Tracking: recording.Held, Region: pose.Region{X: 9}}
		again := make([]bool, len(p.frames))
		again[changed] = true
		p.spread(again)
		got := bytes.Repeat([]byte("."), len(again))
		for i, yes := range again {
			if !yes {
				continue
			}
			got[i] = 'x'
			if i == changed {
				continue
			}
			if l := &p.looks[i]; math.Abs(l.Region.X-4) > 1e-9 || l.Tracking != recording.Held {
				t.Errorf("frame %d is looked at in %+v (%v), want half way", i, l.Region, l.Tracking)
			}
		}
		if string(got) != want {
			t.Errorf("with frame %d change %s, want %s", changed, got, want)
		}
	}
}

func TestPipelineStops(t *testing.T) {
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		source source
		track  *follower
		want   error
	}{
		{"when the decoder fails", t.Context(), &film{n: 20, fail: broken}, &follower{batch: 1}, broken},
		{"when the tracker fails", t.Context(), &film{n: 20}, &follower{batch: 1, fail: broken}, broken},
		{"when told to", ended, &film{n: 20}, &follower{batch: 1}, context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPipeline("clip", tc.source, tc.track, reader{}, 20, nil)
			if err := p.run(tc.ctx); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func BenchmarkPipeline(b *testing.B) {
	b.ReportAllocs()
	p := newPipeline("clip", &film{n: b.N}, &follower{batch: 1}, reader{}, b.N, nil)
	if err := p.run(b.Context()); err != nil {
		b.Fatal(err)
	}
}
