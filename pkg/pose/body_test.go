package pose

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/spineflex/spineflex/pkg/recording"
)

// squatting returns n looks at a body of 100 px of trunk that squats once in
// so many seconds: rigid segments, the ankles on one spot.
func squatting(n int, seconds float64) []Look {
	looks := make([]Look, n)
	for i := range looks {
		time := seconds * float64(i) / float64(n-1)
		depth := (1 - math.Cos(2*math.Pi*time/seconds)) / 2
		shank, thigh, trunk := 0.6*depth, -1.5*depth, 0.1+0.7*depth // radians from upright
		up := func(p [2]float64, length, lean float64) [2]float64 {
			s, c := math.Sincos(lean)
			return [2]float64{p[0] + length*s, p[1] - length*c}
		}
		ankle := [2]float64{300, 500}
		knee := up(ankle, 78, shank)
		hip := up(knee, 75, thigh)
		shoulder := up(hip, 100, trunk)
		looks[i] = Look{Time: time, Tracking: recording.Tracked, Presence: 1, Region: Region{X: hip[0], Y: hip[1], Side: 430, Angle: trunk}}
		place(&looks[i], joints{shoulder, hip, knee, ankle})
	}
	return looks
}

// place puts both sides' landmarks on the joints.
func place(l *Look, j joints) {
	for left, p := range map[recording.Landmark][2]float64{
		recording.LeftShoulder: j.shoulder, recording.LeftHip: j.hip, recording.LeftKnee: j.knee, recording.LeftAnkle: j.ankle,
	} {
		l.Landmarks[left] = recording.Keypoint{X: p[0], Y: p[1], Visibility: 1}
		l.Landmarks[left+1] = l.Landmarks[left]
	}
}

// changed returns the looks with joints moved in the frames from a to b.
func changed(looks []Look, a, b int, move func(j joints) joints) []Look {
	looks = slices.Clone(looks)
	for i := a; i < b; i++ {
		place(&looks[i], move(looks[i].joints()))
	}
	return looks
}

// hipsOnHands is what the network makes of hips that hands or plates hide.
func hipsOnHands(j joints) joints {
	for k := range 2 {
		j.hip[k] = 0.35*j.hip[k] + 0.65*j.knee[k]
	}
	return j
}

func aside(j joints) joints {
	j.hip[0] += 40
	j.knee[0] += 20
	return j
}

// hipsBetween puts the hips part of the way to the middle of shoulders and knees.
func hipsBetween(j joints) joints {
	for k := range 2 {
		j.hip[k] = 0.4*j.hip[k] + 0.3*(j.shoulder[k]+j.knee[k])
	}
	return j
}

func TestDoubtful(t *testing.T) {
	for _, tc := range []struct {
		name  string
		looks []Look
		from  int // frames that are in doubt, first and last
		to    int
		none  bool
	}{
		{"a slow squat", squatting(90, 3), 0, 0, true},
		{"a fast squat", squatting(30, 1), 0, 0, true},
		{"few pictures", squatting(30, 3), 0, 0, true},
		{"hips on the hands", changed(squatting(90, 3), 40, 50, hipsOnHands), 40, 49, false},
		{"hips between shoulders and knees", changed(squatting(90, 3), 40, 50, hipsBetween), 40, 49, false},
		{"hips leap aside and back", changed(squatting(90, 3), 60, 70, aside), 60, 69, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := measureBuild(tc.looks)
			doubt := b.doubtful(tc.looks)
			first, last := slices.Index(doubt, true), -1
			for i, d := range doubt {
				if d {
					last = i
				}
			}
			if tc.none {
				if first >= 0 {
					t.Errorf("frames %d to %d of a sound body are in doubt", first, last)
				}
				return
			}
			near := int(math.Ceil(2 * surge * 30))
			if !(first >= tc.from-near && first <= tc.from && last >= tc.to && last <= tc.to+near) {
				t.Errorf("frames %d to %d are in doubt, want %d to %d and at most %d about them", first, last, tc.from, tc.to, near)
			}
		})
	}
}

// What is doubted depends on nothing but the body: not on where it is in the
// picture, how large it is, nor on which side it looks to.
func TestDoubtIsTheBodysOwn(t *testing.T) {
	looks := changed(changed(squatting(90, 3), 20, 26, aside), 44, 52, hipsOnHands)
	want := measureBuild(looks).doubtful(looks)
	for name, m := range map[string]Affine{
		"moved": {1, 0, 350, 0, 1, -80}, "enlarged": {3, 0, 0, 0, 3, 0}, "mirrored": {-1, 0, 720, 0, 1, 0},
	} {
		other := changed(looks, 0, len(looks), func(j joints) joints {
			for _, p := range []*[2]float64{&j.shoulder, &j.hip, &j.knee, &j.ankle} {
				p[0], p[1] = m.Apply(p[0], p[1])
			}
			return j
		})
		if got := measureBuild(other).doubtful(other); !slices.Equal(got, want) {
			t.Errorf("%s: doubts are %v, want %v", name, got, want)
		}
	}
}

// The lifter's own proportions are found though most of the clip is wrong.
func TestBuildOfFewSoundLooks(t *testing.T) {
	looks := squatting(90, 3)
	want := measureBuild(looks)
	got := measureBuild(changed(looks, 20, 90, hipsOnHands))
	if math.Abs(got.thigh-want.thigh) > 0.05*want.thigh || math.Abs(got.trunk-want.trunk) > 0.05*want.trunk {
		t.Errorf("trunk %.0f, thigh %.0f, want %.0f and %.0f", got.trunk, got.thigh, want.trunk, want.thigh)
	}
	if measureBuild(changed(looks, 0, 90, hipsOnHands)).known() {
		t.Error("a build is known from looks that no body has")
	}
}

func TestSpansHoldEveryDoubt(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		looks := squatting(300, 10)
		for range rng.IntN(6) {
			a := rng.IntN(290)
			looks = changed(looks, a, a+1+rng.IntN(9), hipsOnHands)
		}
		for i := range looks {
			if rng.IntN(100) == 0 {
				looks[i] = Look{Time: looks[i].Time, Landmarks: missing()}
			}
		}
		most := 20 + rng.IntN(200)
		s := NewSecond(looks, most)
		held := make([]int, len(looks))
		end := 0
		for _, span := range s.Spans {
			if span.From < end || span.To <= span.From || span.To > len(looks) || span.To-span.From > most {
				t.Fatalf("span %v after %d, at most %d long", span, end, most)
			}
			end = span.To
			for i := span.From; i < span.To; i++ {
				held[i]++
			}
		}
		for i, d := range s.doubt {
			if d && held[i] != 1 {
				t.Fatalf("frame %d is in doubt and in %d of the spans %v", i, held[i], s.Spans)
			}
		}
	}
}

// Of a course that leaves the body and one that stays with it, the latter is
// taken, whichever of them was first; and sound ends stay as they were.
func TestEasiestStaysWithTheBody(t *testing.T) {
	true1 := squatting(90, 3)
	b := measureBuild(true1)
	for name, move := range map[string]func(joints) joints{"hips on the hands": hipsOnHands, "hips aside": aside} {
		wrong := changed(true1, 30, 60, move)
		late := changed(true1, 55, 90, move) // goes wrong where the other comes right
		doubt := b.doubtful(wrong)
		for i, c := range b.easiest([][]Look{wrong, late}, doubt) {
			off := i >= 30 && i < 55 && c == 0 || i >= 60 && c == 1
			if off {
				t.Errorf("%s: frame %d takes the wrong course %d", name, i, c)
			}
		}
		for i, c := range b.easiest([][]Look{true1, late}, make([]bool, 90)) {
			if c != 0 {
				t.Errorf("%s: frame %d of a sound course is exchanged", name, i)
			}
		}
	}
}

func TestBetween(t *testing.T) {
	looks := squatting(90, 3)
	looks = changed(looks, 40, 50, hipsOnHands)
	s := NewSecond(looks, 100)
	for i := range looks {
		r, ok := s.between(i)
		if ok != s.doubt[i] {
			t.Fatalf("frame %d: region %v, doubt %v", i, ok, s.doubt[i])
		}
		if ok && math.Hypot(r.X-looks[i].Region.X, r.Y-looks[i].Region.Y) > 25 {
			t.Errorf("frame %d: the region between is %.0f, %.0f, the hips are at %.0f, %.0f", i, r.X, r.Y, looks[i].Region.X, looks[i].Region.Y)
		}
	}
	if m := RegionBetween(Region{Angle: 3}, Region{Angle: -3}, 0.5); math.Abs(math.Abs(m.Angle)-math.Pi) > 1e-9 {
		t.Errorf("half way between turns of 3 and -3 is %g, want the shorter way by π", m.Angle)
	}
}
