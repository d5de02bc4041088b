package pose_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

// mirror returns a frame's mirror image.
func mirror(f video.Frame) video.Frame {
	m := f
	m.Pix = make([]byte, len(f.Pix))
	for y := range f.Height {
		for x := range f.Width {
			copy(m.Pix[3*(y*f.Width+f.Width-1-x):][:3], f.Pix[3*(y*f.Width+x):][:3])
		}
	}
	return m
}

// blank returns a grey frame of the same size and time.
func blank(f video.Frame) video.Frame {
	b := f
	b.Pix = make([]byte, len(f.Pix))
	for i := range b.Pix {
		b.Pix[i] = 110
	}
	return b
}

// covered returns the frame with a black disc about a point.
func covered(f video.Frame, cx, cy, radius float64) video.Frame {
	c := f
	c.Pix = slices.Clone(f.Pix)
	for y := range f.Height {
		for x := range f.Width {
			if math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy) < radius {
				copy(c.Pix[3*(y*f.Width+x):][:3], []byte{24, 22, 22})
			}
		}
	}
	return c
}

// truthPoints are the true positions of joints per frame, pixels.
func truthPoints(t *testing.T) []map[string][3]float64 {
	t.Helper()
	b, err := os.ReadFile("../../testdata/squat.truth.json")
	if err != nil {
		t.Fatal(err)
	}
	var truth struct {
		Frames []struct{ Px map[string][3]float64 }
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	points := make([]map[string][3]float64, len(truth.Frames))
	for i, f := range truth.Frames {
		points[i] = f.Px
	}
	return points
}

func truthMiddle(px map[string][3]float64, joint string) (x, y float64) {
	l, r := px["left_"+joint], px["right_"+joint]
	return (l[0] + r[0]) / 2, (l[1] + r[1]) / 2
}

// Landmarks lie near the joints. The network's hips lie some 10 % of the
// trunk in front of and below the joints' centres, its ankles above: that is
// how people marked its training pictures, so the bounds are wide.
func TestLandmarksLieNearTheJoints(t *testing.T) {
	truth := truthPoints(t)
	rt := newRuntime(t, infer.Auto, 0)
	seen := follow(t, newTracker(t, rt, pose.Balanced), frames(t, bundledClip, 45, 3), clipTime)
	for _, tt := range []struct {
		joint string
		left  recording.Landmark
		most  float64 // median, per cent of the trunk's length
	}{
		{"shoulder", recording.LeftShoulder, 16},
		{"hip", recording.LeftHip, 16},
		{"knee", recording.LeftKnee, 8},
		{"ankle", recording.LeftAnkle, 16},
	} {
		var apart []float64
		for _, o := range seen {
			if o.Tracking != recording.Tracked {
				t.Fatalf("frame %d is not tracked", o.Index)
			}
			px := truth[o.Index]
			sx, sy := truthMiddle(px, "shoulder")
			hx, hy := truthMiddle(px, "hip")
			x, y := truthMiddle(px, tt.joint)
			lx, ly := middle(o.Landmarks, tt.left)
			apart = append(apart, 100*math.Hypot(lx-x, ly-y)/math.Hypot(sx-hx, sy-hy))
		}
		slices.Sort(apart)
		t.Logf("%s: median %.1f %%", tt.joint, apart[len(apart)/2])
		if !(apart[len(apart)/2] <= tt.most) {
			t.Errorf("%s lies %.1f %% of the trunk off, want at most %g", tt.joint, apart[len(apart)/2], tt.most)
		}
	}
}

// A copy of a mask can be developed when the tracker is elsewhere.
func TestMaskDevelopsLater(t *testing.T) {
	tracker := newTracker(t, newRuntime(t, infer.Auto, 0), pose.Balanced)
	var at, later pose.Mask
	for i, f := range frames(t, bundledClip, 15, 15) {
		seen, err := tracker.Next(view(f), f.Index, f.Time)
		if err != nil || len(seen) != 1 {
			t.Fatalf("frame %d: %d observations, %v", f.Index, len(seen), err)
		}
		if m := seen[0].Mask; i == 0 {
			later = m.Copy(pose.Mask{})
			if err := m.Develop(); err != nil {
				t.Fatal(err)
			}
			at = m.Copy(pose.Mask{})
		}
	}
	for range 2 { // the second time it changes nothing
		if err := later.Develop(); err != nil {
			t.Fatal(err)
		}
		if later.Empty() || !slices.Equal(later.P, at.P) {
			t.Fatal("differs from the mask developed at once")
		}
	}
}

func TestMaskCoversTheLifterOnly(t *testing.T) {
	truth := truthPoints(t)
	tracker := newTracker(t, newRuntime(t, infer.Auto, 0), pose.Balanced)
	for _, f := range frames(t, bundledClip, 6, 15) {
		seen, err := tracker.Next(view(f), f.Index, f.Time)
		if err != nil || len(seen) != 1 {
			t.Fatalf("frame %d: %d observations, %v", f.Index, len(seen), err)
		}
		m := seen[0].Mask
		if err := m.Develop(); err != nil {
			t.Fatal(err)
		}
		px := truth[f.Index]
		hx, hy := truthMiddle(px, "hip")
		kx, ky := truthMiddle(px, "knee")
		for _, u := range []float64{0, 0.25, 0.5} { // along the thigh
			if p := m.At(hx+u*(kx-hx), hy+u*(ky-hy)); p < 0.8 {
				t.Errorf("frame %d: %g down the thigh is the person with probability %.2f", f.Index, u, p)
			}
		}
		for _, dx := range []float64{-250, 250} {
			if p := m.At(hx+dx, hy); p > 0.2 {
				t.Errorf("frame %d: %g px beside the hips is the person with probability %.2f", f.Index, dx, p)
			}
		}
	}
}

// A mirrored clip gives mirrored landmarks, left and right exchanged. The
// network was not built so that this is exact.
func TestMirroredClip(t *testing.T) {
	rt := newRuntime(t, infer.Auto, 0)
	clip := frames(t, bundledClip, 6, 4)
	mirrored := make([]video.Frame, len(clip))
	for i, f := range clip {
		mirrored[i] = mirror(f)
	}
	a := follow(t, newTracker(t, rt, pose.Balanced), clip, clipTime)
	b := follow(t, newTracker(t, rt, pose.Balanced), mirrored, clipTime)
	for i := range a {
		trunk := trunkLength(a[i].Landmarks)
		for _, l := range []recording.Landmark{recording.LeftShoulder, recording.LeftHip, recording.LeftKnee, recording.LeftAnkle} {
			ax, ay := middle(a[i].Landmarks, l)
			bx, by := middle(b[i].Landmarks, l)
			if d := math.Hypot(float64(clip[i].Width)-bx-ax, by-ay); d > 0.1*trunk {
				t.Errorf("frame %d: %s is %.0f %% of the trunk from its mirror image", i, l, 100*d/trunk)
			}
		}
	}
}

func TestEnginesGiveTheSameLandmarks(t *testing.T) {
	clip := frames(t, bundledClip, 5, 6)
	a := follow(t, newTracker(t, newRuntime(t, infer.OpenCV, 0), pose.Fast), clip, clipTime)
	b := follow(t, newTracker(t, newRuntime(t, infer.ONNXRuntime, 0), pose.Fast), clip, clipTime)
	same, all := 0, 0
	for i := range a {
		trunk := trunkLength(a[i].Landmarks)
		for k := range a[i].Landmarks {
			p, q := a[i].Landmarks[k], b[i].Landmarks[k]
			d := math.Hypot(p.X-q.X, p.Y-q.Y)
			all++
			if d < 0.5 {
				same++
			}
			// A landmark on the border between two cells of its heat map, or
			// between refined and not, may jump.
			if d > 0.08*trunk {
				t.Errorf("frame %d: %s differs by %.2f px", i, recording.Landmark(k), d)
			}
		}
	}
	if 100*same < 97*all {
		t.Errorf("%d of %d landmarks are the same within half a pixel, want 97 %%", same, all)
	}
}

// A plate before head and shoulders does not lose the lifter: the region stays
// on them and the mask shows them. (Where the network then takes the hips to be
// is its own guess.)
func TestHeadAndShouldersHidden(t *testing.T) {
	truth := truthPoints(t)
	tracker := newTracker(t, newRuntime(t, infer.Auto, 0), pose.Balanced)
	for i, f := range frames(t, bundledClip, 26, 4) {
		px := truth[f.Index]
		sx, sy := truthMiddle(px, "shoulder")
		hx, hy := truthMiddle(px, "hip")
		if i >= 4 {
			f = covered(f, sx+0.1*(sx-hx), sy+0.1*(sy-hy), 0.55*math.Hypot(sx-hx, sy-hy))
		}
		seen, err := tracker.Next(view(f), f.Index, f.Time)
		if err != nil || len(seen) != 1 {
			t.Fatalf("frame %d: %d observations, %v", f.Index, len(seen), err)
		}
		o := seen[0]
		if o.Tracking == recording.Absent {
			t.Errorf("frame %d: lost", f.Index)
			continue
		}
		if err := o.Mask.Develop(); err != nil {
			t.Fatal(err)
		}
		toCrop := o.Region.ToImage(1).Inverse()
		for _, joint := range []string{"shoulder", "hip", "knee", "ankle"} {
			x, y := toCrop.Apply(truthMiddle(px, joint))
			if min(x, y) < 0.02 || max(x, y) > 0.98 {
				t.Errorf("frame %d: the region cuts off the %s (at %.2f, %.2f of it)", f.Index, joint, x, y)
			}
		}
		if p := o.Mask.At(hx, hy); p < 0.5 {
			t.Errorf("frame %d: the mask shows the hip with probability %.2f", f.Index, p)
		}
	}
}

// A region that is turned wrongly is found out, though the landmark network
// may be sure of what it sees in it.
func TestWrongTurnIsFoundOut(t *testing.T) {
	rt := newRuntime(t, infer.Auto, 0)
	clip := frames(t, bundledClip, 16, 2)
	want := follow(t, newTracker(t, rt, pose.Balanced), clip, clipTime)
	for _, degrees := range []float64{-100, 100, 170} {
		tracker := newTracker(t, rt, pose.Balanced)
		follow(t, tracker, clip[:4], clipTime)
		tracker.Turn(degrees * math.Pi / 180)
		seen := follow(t, tracker, clip[4:], clipTime)
		// By then the detector has looked, every 0.3 s.
		last, right := seen[len(seen)-1], want[len(want)-1]
		x, y := middle(last.Landmarks, recording.LeftHip)
		rx, ry := middle(right.Landmarks, recording.LeftHip)
		if off := math.Hypot(x-rx, y-ry) / trunkLength(right.Landmarks); last.Tracking != recording.Tracked || off > 0.1 {
			t.Errorf("turned by %g degrees: tracking %d, hips off by %.0f %% of the trunk", degrees, last.Tracking, 100*off)
		}
	}
}

// Frames before the lifter can be found are looked at again from where they
// are; a picture in them that shows nobody stays empty.
func TestStartIsTrackedBackwards(t *testing.T) {
	clip := frames(t, bundledClip, 12, 2)
	for i := range clip {
		switch {
		case i < 3:
			clip[i] = blank(clip[i])
		case i < 7:
			// The detector does not find those whose head is hidden.
			clip[i] = covered(clip[i], 360, 380, 130)
		}
	}
	tracker := newTracker(t, newRuntime(t, infer.Auto, 0), pose.Balanced)
	seen := follow(t, tracker, clip, clipTime)
	for i, o := range seen {
		want := recording.Tracked
		if i < 3 {
			want = recording.Absent
		}
		if o.Tracking != want {
			t.Errorf("frame %d: tracking %d, want %d (presence %.2f)", i, o.Tracking, want, o.Presence)
		}
		if o.Tracking == recording.Absent && !math.IsNaN(o.Landmarks[0].X) {
			t.Errorf("frame %d: nobody there has a nose", i)
		}
	}
}

// A lifter who leaves is Held for a moment and then Absent; what
// waits meanwhile does not grow without bound.
func TestLifterLeaves(t *testing.T) {
	first := frames(t, bundledClip, 1, 1)[0]
	var clip []video.Frame
	for i := range 40 {
		f := first
		if i >= 3 {
			f = blank(first)
		}
		f.Index, f.Time = i, float64(i)/10
		clip = append(clip, f)
	}
	seen := follow(t, newTracker(t, newRuntime(t, infer.Auto, 0), pose.Fast), clip, clipTime)
	for _, o := range seen {
		switch {
		case o.Index < 3 && o.Tracking != recording.Tracked,
			o.Index >= 3 && o.Tracking == recording.Tracked,
			o.Time > 2 && o.Tracking != recording.Absent:
			t.Errorf("frame %d at %.2f s: tracking %d", o.Index, o.Time, o.Tracking)
		}
		if o.Tracking == recording.Held && o.Landmarks[recording.LeftHip].Visibility > 0.5 {
			t.Errorf("frame %d: held, but sure of the hip (%.2f)", o.Index, o.Landmarks[recording.LeftHip].Visibility)
		}
	}
}

// The tracker keeps no hold of the caller's picture between calls.
func TestCallersPictureMayBeReused(t *testing.T) {
	rt := newRuntime(t, infer.Auto, 0)
	clip := frames(t, bundledClip, 6, 2)
	for i := range 3 {
		clip[i] = blank(clip[i])
	}
	want := follow(t, newTracker(t, rt, pose.Fast), clip, clipTime)
	tracker := newTracker(t, rt, pose.Fast)
	buf := make([]byte, len(clip[0].Pix))
	var got []pose.Observation
	for _, f := range clip {
		copy(buf, f.Pix)
		seen, err := tracker.Next(pose.Image{Pix: buf, Width: f.Width, Height: f.Height}, f.Index, f.Time)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range seen {
			if !slices.Equal(o.Image.Pix, clip[len(got)].Pix) {
				t.Errorf("observation %d carries another frame's picture", len(got))
			}
			got = append(got, o)
		}
	}
	for i := range want {
		if got[i].Tracking != want[i].Tracking || got[i].Presence != want[i].Presence {
			t.Errorf("frame %d: %d %.3f, want %d %.3f", i, got[i].Tracking, got[i].Presence, want[i].Tracking, want[i].Presence)
		}
	}
}

func TestNextRefusesBrokenPictures(t *testing.T) {
	tracker := newTracker(t, newRuntime(t, infer.Auto, 0), pose.Fast)
	if _, err := tracker.Next(pose.Image{Pix: make([]byte, 10), Width: 100, Height: 100}, 4, 0); err == nil ||
		err.Error() != "track frame 4: picture has fewer bytes than its size says" {
		t.Errorf("got %v", err)
	}
}

func TestNewTrackerRefusesOtherNetworks(t *testing.T) {
	rt := newRuntime(t, infer.Auto, 0)
	nets, err := pose.LoadNetworks(pose.Fast)
	if err != nil {
		t.Fatal(err)
	}
	nets.Detector, nets.Landmarker = nets.Landmarker, nets.Detector
	if _, err := pose.NewTracker(rt, nets); err == nil {
		t.Error("exchanged networks were taken")
	}
	if _, err := pose.LoadNetworks("best"); err == nil || err.Error() != `unknown quality "best" (one of fast, balanced, accurate)` {
		t.Errorf("got %v", err)
	}
}

func BenchmarkTrack(b *testing.B) {
	clip := frames(b, bundledClip, 30, 2)
	for _, engine := range []infer.Engine{infer.ONNXRuntime, infer.OpenCV} {
		for _, q := range []pose.Quality{pose.Fast, pose.Balanced} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", engine, q, threads), func(b *testing.B) {
					tracker := newTracker(b, newRuntime(b, engine, threads), q)
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						f := clip[i%len(clip)]
						if _, err := tracker.Next(view(f), i, float64(i)/15); err != nil {
							b.Fatal(err)
						}
						i++
					}
				})
			}
		}
	}
}
