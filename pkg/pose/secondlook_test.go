package pose_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

func looksOf(seen []pose.Observation) []pose.Look {
	looks := make([]pose.Look, len(seen))
	for i := range seen {
		looks[i] = seen[i].Look()
	}
	return looks
}

// lookAgain retracks all spans and returns which frames changed.
func lookAgain(t *testing.T, tracker *pose.Tracker, s *pose.Second, clip []video.Frame) map[int]bool {
	t.Helper()
	changed := map[int]bool{}
	for _, span := range s.Spans {
		var pictures []pose.Image
		for _, f := range clip[span.From:span.To] {
			pictures = append(pictures, view(f))
		}
		some, err := s.Retrack(t.Context(), tracker, span, pictures, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range some {
			changed[i] = true
		}
	}
	return changed
}

// off is how far two looks' hips are from each other, trunks.
func off(a, b pose.Look) float64 {
	ax, ay := middle(a.Landmarks, recording.LeftHip)
	bx, by := middle(b.Landmarks, recording.LeftHip)
	return math.Hypot(ax-bx, ay-by) / trunkLength(b.Landmarks)
}

// A sound clip is not looked at again; what misleads the first look is found
// out by the second.
func TestSecondLook(t *testing.T) {
	rt := newRuntime(t, infer.Auto, 0)
	clip := frames(t, bundledClip, 24, 3)
	tracker := newTracker(t, rt, pose.Balanced)
	right := looksOf(follow(t, tracker, clip, clipTime))
	if s := pose.NewSecond(right, 100); len(s.Spans) != 0 {
		t.Errorf("a sound clip is looked at again: %v", s.Spans)
	}

	// A plate before trunk and hips: there is nothing to see, but what is said
	// to be sure is right.
	t.Run("plate", func(t *testing.T) {
		hidden := append([]video.Frame(nil), clip...)
		for i := 10; i < 15; i++ {
			x, y := middle(right[i].Landmarks, recording.LeftHip)
			hidden[i] = covered(clip[i], x, y, 0.9*trunkLength(right[i].Landmarks))
		}
		tracker := newTracker(t, rt, pose.Balanced)
		looks := looksOf(follow(t, tracker, hidden, clipTime))
		wrong := func() (n int) {
			for i := range looks {
				if looks[i].Tracking == recording.Tracked && off(looks[i], right[i]) > 0.25 {
					n++
				}
			}
			return n
		}
		before := wrong()
		lookAgain(t, tracker, pose.NewSecond(looks, 100), hidden)
		t.Logf("sure and wrong: %d frames at first, %d after", before, wrong())
		if before == 0 {
			t.Fatal("the plate misleads nobody, this test is void")
		}
		if wrong() > 0 {
			t.Errorf("%d frames are sure and wrong, %d were at first", wrong(), before)
		}
		for i := range looks {
			if looks[i].Tracking == recording.Absent {
				t.Errorf("frame %d: lost", i)
			}
		}
	})

	// Who lifts shows late; the frames before are theirs too.
	t.Run("newcomer", func(t *testing.T) {
		looks := append([]pose.Look(nil), right...)
		for i := range 12 { // somebody beside
			for k := range looks[i].Landmarks {
				looks[i].Landmarks[k].X -= 300
			}
			looks[i].Region.X -= 300
		}
		looks[12].Newcomer = true
		s := pose.NewSecond(looks, 8)
		changed := lookAgain(t, tracker, s, clip)
		for i := range looks {
			switch {
			case i < 5:
				if looks[i].Tracking != recording.Absent {
					t.Errorf("frame %d, beyond the pictures that are kept: tracking %d", i, looks[i].Tracking)
				}
			case off(looks[i], right[i]) > 0.1:
				t.Errorf("frame %d: hips %.2f trunks off", i, off(looks[i], right[i]))
			}
			if changed[i] != (i < 12) {
				t.Errorf("frame %d: changed %v", i, changed[i])
			}
			o, err := tracker.Again(view(clip[i]), clip[i].Index, looks[i])
			if err != nil || o.Index != clip[i].Index || o.Tracking != looks[i].Tracking || o.Mask.Empty() != (o.Tracking == recording.Absent) {
				t.Errorf("frame %d observed again: index %d, tracking %d, %v", i, o.Index, o.Tracking, err)
			}
		}
	})

	t.Run("stops when told", func(t *testing.T) {
		looks := append([]pose.Look(nil), right...)
		looks[10].Tracking = recording.Held
		s := pose.NewSecond(looks, 3)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Retrack(ended, tracker, pose.Span{From: 9, To: 10}, []pose.Image{view(clip[9])}, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if _, err := s.Retrack(t.Context(), tracker, pose.Span{From: 9, To: 11}, []pose.Image{view(clip[9])}, 1); err == nil {
			t.Error("one picture for two frames is taken")
		}
	})
}
