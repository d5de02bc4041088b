package progress

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/progression"
	"github.com/spineflex/spineflex/pkg/rom"
	"github.com/spineflex/spineflex/pkg/traininglog"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var nan = math.NaN()

// pulled is a deadlift of a day, from blocks, that holds to the height; to the blocks
// where both are the same.
func pulled(day int, blockCM, heldCM float64) traininglog.Set {
	s := traininglog.Set{
		ID: int64(day + 1), Lifter: "Anna", At: time.Date(2026, 5, 3, 18, 30, 0, 0, time.UTC).AddDate(0, 0, day), DateFrom: traininglog.DateClip, Exercise: lift.Deadlift,
		LoadKG: 80, BlockM: blockCM / 100, BoxM: nan, ClipSHA256: fmt.Sprintf("%064x", day+1), Folder: fmt.Sprintf("/results/day %d", day),
		Measured: traininglog.Measured{
			StatureM: 1.7, Verdict: rom.Holds, Reps: 5, JudgedReps: 5, TravelM: (55 - blockCM) / 100, TravelPct: (55 - blockCM) / 1.7,
			SafeDepthPct: 100, SafeDepthLoPct: 100, SafeDepthHiPct: 100, ThighDeg: nan, SafeBoxM: nan, SafeBlockM: nan,
			PeakFlexionDeg: 25, PeakFlexionSD: 2, LumbarShare: 0.2,
		},
	}
	if heldCM > blockCM {
		s.Verdict, s.BrokenReps, s.PeakFlexionDeg = rom.Breaks, 4, 40
		s.SafeDepthPct = 100 * (55 - heldCM) / (55 - blockCM)
		s.SafeDepthLoPct, s.SafeDepthHiPct = s.SafeDepthPct-3, s.SafeDepthPct+3
	}
	return s
}

// squatted holds to a share of its own depth.
func squatted(day int, travelM, safePct float64) traininglog.Set {
	s := pulled(day, 0, 0)
	s.Exercise, s.BlockM, s.TravelM, s.TravelPct, s.SafeDepthPct = lift.Squat, nan, travelM, 100*travelM/1.7, safePct
	if safePct < 100 {
		s.Verdict, s.BrokenReps = rom.Breaks, 5
		s.SafeDepthLoPct, s.SafeDepthHiPct = safePct-3, safePct+3
	}
	return s
}

func with(s traininglog.Set, change func(*traininglog.Set)) traininglog.Set {
	change(&s)
	return s
}

func TestSentence(t *testing.T) {
	unscaled := func(s *traininglog.Set) { s.TravelM = nan }
	for _, c := range []struct {
		name string
		sets []traininglog.Set
		want string
	}{
		{"lower", []traininglog.Set{pulled(0, 0, 14), pulled(30, 10, 10), pulled(60, 5, 5)}, "Since 3 May your deadlift holds neutral 9 cm lower; at 80 kg."},
		{"lower with more load", []traininglog.Set{pulled(0, 0, 14), with(pulled(60, 5, 5), func(s *traininglog.Set) { s.LoadKG = 90 })}, "Since 3 May your deadlift holds neutral 9 cm lower; at 90 kg (80 kg then)."},
		{"load unknown", []traininglog.Set{pulled(0, 0, 14), with(pulled(60, 5, 5), func(s *traininglog.Set) { s.LoadKG = nan })}, "Since 3 May your deadlift holds neutral 9 cm lower."},
		{"less deep", []traininglog.Set{pulled(0, 5, 5), pulled(30, 5, 15)}, "Since 3 May your deadlift holds neutral 10 cm less deep; at 80 kg."},
		{"less than one phone can tell", []traininglog.Set{pulled(0, 0, 10), pulled(30, 0, 8)}, "No clear change since 3 May: your deadlift holds neutral to 8 cm above the floor; at 80 kg."},
		{"within its own intervals", []traininglog.Set{
			with(pulled(0, 0, 14), func(s *traininglog.Set) { s.SafeDepthLoPct, s.SafeDepthHiPct = 50, 95 }),
			with(pulled(30, 0, 5), func(s *traininglog.Set) { s.SafeDepthLoPct, s.SafeDepthHiPct = 70, 100 }),
		}, "No clear change since 3 May: your deadlift holds neutral to 5 cm above the floor; at 80 kg."},
		{"higher blocks say nothing of less", []traininglog.Set{pulled(0, 5, 5), pulled(30, 20, 20)}, "No clear change since 3 May: your deadlift holds neutral down to blocks of 20 cm; at 80 kg."},
		{"the floor", []traininglog.Set{pulled(0, 0, 0), pulled(10, 0, 0)}, "No clear change since 3 May: your deadlift holds neutral down to the floor; at 80 kg."},
		{"the least of a day", []traininglog.Set{pulled(0, 0, 14), pulled(60, 5, 14), with(pulled(60, 5, 5), func(s *traininglog.Set) { s.At = s.At.Add(time.Hour) })}, "No clear change since 3 May: your deadlift holds neutral to 14 cm above the floor; at 80 kg."},
		{"one day", []traininglog.Set{pulled(0, 0, 14)}, "Your deadlift holds neutral to 14 cm above the floor at 80 kg; that is from one day, 3 May 2026."},
		{"no verdict", []traininglog.Set{with(pulled(0, 0, 14), func(s *traininglog.Set) { s.Verdict, s.SafeDepthPct = rom.Inconclusive, nan })}, "No set of your deadlift allows a verdict yet."},
		{"another year", []traininglog.Set{pulled(0, 0, 14), pulled(300, 5, 5)}, "Since 3 May 2026 your deadlift holds neutral 9 cm lower; at 80 kg."},
		{"without a scale", []traininglog.Set{with(pulled(0, 0, 14), unscaled), with(pulled(60, 0, 5), unscaled)}, "Since 3 May your deadlift holds neutral 16 % of your depth lower; at 80 kg."},
		{"squat", []traininglog.Set{squatted(0, 0.6, 70), squatted(60, 0.5, 100)}, "Since 3 May your squat holds neutral 8 cm lower; at 80 kg."},
		{"squat, one day", []traininglog.Set{squatted(0, 0.5, 100)}, "Your squat holds neutral until your hips are at least 50 cm below standing at 80 kg; that is from one day, 3 May 2026."},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSeries(c.sets)
			if got := s.Sentence(); got != c.want {
				t.Errorf("%q\nwant %q", got, c.want)
			}
		})
	}
}

func TestFlexionBelowTenDegreesIsNoClearChange(t *testing.T) {
	for _, c := range []struct {
		from, to, sd float64
		want         string
	}{
		{40, 31, 1, "Peak flexion: 40° then, 31° now: no clear change (one phone cannot resolve less than 10° between days)."},
		{40, 29, 1, "Peak flexion: 40° then, 29° now."},
		{29, 40, 1, "Peak flexion rose: 29° then, 40° now."},
		{40, 29, 8, "Peak flexion: 40° then, 29° now: no clear change (one phone cannot resolve less than 10° between days)."},
		{40, nan, 1, ""},
	} {
		peak := func(v float64) func(*traininglog.Set) {
			return func(s *traininglog.Set) { s.PeakFlexionDeg, s.PeakFlexionSD = v, c.sd }
		}
		s := NewSeries([]traininglog.Set{with(pulled(0, 0, 14), peak(c.from)), with(pulled(60, 5, 5), peak(c.to))})
		if got := s.FlexionSentence(); got != c.want {
			t.Errorf("%g to %g: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestDepthsAreOnOneScale(t *testing.T) {
	// The same height above the floor, from the floor and from blocks.
	s := NewSeries([]traininglog.Set{pulled(0, 0, 12), pulled(1, 7.5, 12), pulled(2, 12, 12)})
	for _, p := range s.Points {
		if math.Abs(p.Depth+12) > 1e-9 {
			t.Errorf("held to %g", p.Depth)
		}
	}
	if !s.InCM || math.Abs(s.Full-55) > 1e-9 {
		t.Errorf("full depth %g", s.Full)
	}
	// Without a scale in one of them, all are in per cent.
	s = NewSeries([]traininglog.Set{pulled(0, 0, 12), with(pulled(1, 0, 12), func(s *traininglog.Set) { s.TravelM = nan })})
	if s.InCM || math.Abs(s.Points[0].Depth-s.Points[1].Depth) > 1e-9 || s.Full != 100 {
		t.Errorf("%+v", s)
	}
}

// course is a small history with all there is to draw.
func course() []traininglog.Set {
	return []traininglog.Set{
		pulled(0, 0, 14), pulled(4, 17.5, 17.5), pulled(11, 17.5, 17.5),
		with(pulled(18, 15, 15), func(s *traininglog.Set) { s.BrokenReps, s.SafeDepthPct = 1, 92 }),
		with(pulled(22, 15, 15), func(s *traininglog.Set) {
			s.Verdict, s.SafeDepthPct, s.Reason = rom.Inconclusive, nan, "the camera does not look from the side"
		}),
		with(pulled(30, 10, 10), func(s *traininglog.Set) { s.Lifter, s.Note = "Anna", `<script>alert("no")</script>` }),
	}
}

func writePage(t *testing.T, sets []traininglog.Set, dir string) string {
	t.Helper()
	var b bytes.Buffer
	part := Part{NewSeries(sets), progression.Next(progression.Sessions(sets), progression.DefaultSettings(), sets[len(sets)-1].At.AddDate(0, 0, 2))}
	if err := WriteHTML(&b, dir, []Part{part}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page without the style sheet, which it shares with the report.
func TestPage(t *testing.T) {
	page := writePage(t, course(), "/home/anna")
	head, rest, _ := strings.Cut(page, "<style>")
	_, body, _ := strings.Cut(rest, "</style>")
	got := head + body
	path := filepath.Join("testdata", "progress.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got), run with -update if that is meant:\n%s", path, d)
	}
	for _, bad := range []string{"NaN", "http:", "https:", "<script", "%!", "ZgotmplZ"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page has %q in it", bad)
		}
	}
}

func TestPointsLinkToTheReportsThatAreThere(t *testing.T) {
	root := t.TempDir()
	there := filepath.Join(root, "results", "#1: a&b 50%")
	if err := os.MkdirAll(there, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(there, "report.html"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	sets := course()
	sets[0].Folder = there
	page := writePage(t, sets, filepath.Join(root, "pages"))
	const link = `href="../results/%231:%20a&amp;b%2050%25/report.html"`
	if n := strings.Count(page, link); n != 5 { // four charts and the table
		t.Errorf("%d links to the report that is there, want 5", n)
	}
	if n := strings.Count(page, "report.html"); n != 5 {
		t.Errorf("%d links to reports, want 5", n)
	}
}

func TestThousandsOfSetsFitOnAPage(t *testing.T) {
	var sets []traininglog.Set
	for i := range 3000 {
		sets = append(sets, with(pulled(i, 10, 10), func(s *traininglog.Set) { s.Folder = "" }))
	}
	page := writePage(t, sets, "/")
	const most = 2 << 20
	if len(page) > most || strings.Count(page, "<tr") > maxRows+2 {
		t.Errorf("%d bytes, %d rows", len(page), strings.Count(page, "<tr"))
	}
}

func BenchmarkPage10000(b *testing.B) {
	var sets []traininglog.Set
	for i := range 10_000 {
		sets = append(sets, pulled(i/10, 10, 10))
	}
	for b.Loop() {
		advice := progression.Next(progression.Sessions(sets), progression.DefaultSettings(), sets[len(sets)-1].At)
		var out bytes.Buffer
		if err := WriteHTML(&out, "/", []Part{{NewSeries(sets), advice}}); err != nil {
			b.Fatal(err)
		}
	}
}
