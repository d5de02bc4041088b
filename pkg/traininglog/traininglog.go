// Package traininglog keeps what was measured over weeks: one row per analysed
// set, under the lifter who lifted it, with the load, the blocks or the box, and
// the answer of the analysis. It is one SQLite file that several programs may
// write to at once, and that a killed one leaves whole.
//
// [Open] gives a [Log]; [NewSet] makes a set of an analysis and [Log.File] files
// it, as often as one likes with the same result. [WriteCSV], [WriteJSONLines] and
// their readers take sets out and bring them back exactly.
//
// Everything is stored in SI units and read as such: metres, kilograms, degrees,
// and depths in per cent. A number that nobody gave or measured is NaN in memory
// and NULL, empty or null outside it.
package traininglog

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/rom"
)

// Set is one set of one lifter: what the lifter says of it, and what was measured.
type Set struct {
	ID int64 // in this log; 0 before it is filed

	Lifter   string
	At       time.Time // when it was lifted, in the zone it was lifted in
	DateFrom DateSource
	Exercise lift.Exercise
	LoadKG   float64
	BlockM   float64 // height of the blocks under the plates
	BoxM     float64 // height of the box squatted to
	Stance   string
	Note     string

	Clip       string // file as given
	ClipSHA256 string // of its content
	Folder     string // results folder, absolute; "" if there is none

	Measured
}

// Measured is what the analysis of a set says, see [report.Document].
type Measured struct {
	StatureM       float64 // as given to the analysis
	Verdict        rom.Verdict
	Reason         string // why inconclusive
	Reps           int
	JudgedReps     int
	BrokenReps     int
	RoundedReps    int     // of them clearly rounded
	TravelPct      float64 // what a depth of 100 % is, per cent of stature
	TravelM        float64 // the same in metres
	SafeDepthPct   float64
	SafeDepthLoPct float64 // 90 % interval of it
	SafeDepthHiPct float64
	ThighDeg       float64 // at the safe depth
	SafeBoxM       float64 // advised by the analysis, above the floor
	SafeBlockM     float64 // advised by the analysis, above where the bar lay
	PeakFlexionDeg float64
	PeakFlexionSD  float64
	LumbarShare    float64 // of the bend between trunk and thigh, the lower back's part at the bottom, 0..1
	Program        string  // version that measured it
}

// DateSource says where the date of a set comes from.
type DateSource string

// Date sources: the lifter, the clip's own creation time, the file's date.
const (
	DateGiven DateSource = "given"
	DateClip  DateSource = "clip"
	DateFile  DateSource = "file"
)

// Filing is what the lifter says about a set. NaN, "" and the zero time say
// nothing.
type Filing struct {
	Lifter               string
	At                   time.Time
	DateFrom             DateSource
	LoadKG, BlockM, BoxM float64
	Stance, Note         string
}

// NothingSaid is a Filing that says nothing.
func NothingSaid() Filing {
	nan := math.NaN()
	return Filing{LoadKG: nan, BlockM: nan, BoxM: nan}
}

// ErrNothingMeasured is returned for an analysis without repetitions: there is
// no set to file.
var ErrNothingMeasured = errors.New("no repetition to file")

// NewSet makes a set of an analysis in folder.
func NewSet(d *report.Document, folder string, f Filing) (Set, error) {
	if len(d.Reps) == 0 {
		return Set{}, ErrNothingMeasured
	}
	s := Set{
		Lifter: f.Lifter, At: f.At.Truncate(time.Microsecond), DateFrom: f.DateFrom, Exercise: lift.Exercise(d.Exercise),
		LoadKG: f.LoadKG, BlockM: f.BlockM, BoxM: f.BoxM, Stance: plain(f.Stance), Note: plain(f.Note),
		Clip: plain(d.Clip.File), ClipSHA256: d.Clip.SHA256, Folder: plain(folder),
		Measured: Measured{
			StatureM: float64(d.Settings.StatureCM) / 100, Verdict: rom.Verdict(d.SafeRange.Verdict), Reason: d.SafeRange.Reason,
			Reps: len(d.Reps), TravelPct: float64(d.TravelPct), TravelM: travelM(d),
			SafeDepthPct: float64(d.SafeRange.DepthPct), SafeDepthLoPct: float64(d.SafeRange.DepthPctCI90[0]), SafeDepthHiPct: float64(d.SafeRange.DepthPctCI90[1]),
			ThighDeg: float64(d.SafeRange.ThighDeg), SafeBoxM: float64(d.SafeRange.BoxHeightCM) / 100, SafeBlockM: float64(d.SafeRange.BlockHeightCM) / 100,
			PeakFlexionDeg: math.NaN(), PeakFlexionSD: math.NaN(), LumbarShare: lumbarShare(d), Program: d.Model.Program,
		},
	}
	for i := range d.Reps {
		r := &d.Reps[i]
		if !r.PeakFlexionDeg.IsMissing() {
			s.JudgedReps++
			if !(s.PeakFlexionDeg >= float64(r.PeakFlexionDeg)) {
				s.PeakFlexionDeg, s.PeakFlexionSD = float64(r.PeakFlexionDeg), float64(r.PeakFlexionSDDeg)
			}
		}
		if r.Breakdown != nil {
			s.BrokenReps++
			if r.Breakdown.ClearlyRounded {
				s.RoundedReps++
			}
		}
	}
	s.JudgedReps = max(s.JudgedReps, s.BrokenReps)
	return s, s.Validate()
}

// travelM is how far the bar or the hip went, NaN without a scale. A scale from a
// plate holds in the plane of the bar only.
func travelM(d *report.Document) float64 {
	if cm := float64(d.Quality.ScaleCMPerPx); cm > 0 && lift.Exercise(d.Exercise) == lift.Deadlift {
		return float64(d.TravelPct) / 100 * float64(d.Quality.PersonHeightPx) * cm / 100
	}
	return float64(d.TravelPct) / 100 * float64(d.Settings.StatureCM) / 100
}

// lumbarShare is the median over the reps of the lower back's part in the bend
// between trunk and thigh (lumbo-pelvic rhythm; Esola et al. 1996, Spine 21:71,
// have 42 of 111° in a forward bend).
func lumbarShare(d *report.Document) float64 {
	var shares []float64
	for i := range d.Reps {
		r := &d.Reps[i]
		const leastBend = 30 // degrees; of less bend a share says nothing
		if bend := float64(r.Bottom.HipFlexionDeg); bend >= leastBend && !r.PeakFlexionDeg.IsMissing() {
			shares = append(shares, float64(r.PeakFlexionDeg)/bend)
		}
	}
	if len(shares) == 0 {
		return math.NaN()
	}
	slices.Sort(shares)
	return shares[len(shares)/2]
}

// Bounds on what a set can be.
const (
	maxLoadKG  = 1000
	maxHeightM = 3
	maxText    = 2000 // runes of a note
	maxName    = 80
)

// Validate names what a set cannot be.
func (s *Set) Validate() error {
	if err := validName(s.Lifter); err != nil {
		return err
	}
	switch {
	case s.At.IsZero() || s.At.Year() < 1970 || s.At.Year() > 9999:
		return errors.New("a set needs the date it was lifted on")
	case !slices.Contains([]DateSource{DateGiven, DateClip, DateFile}, s.DateFrom):
		return fmt.Errorf("date source %q is none of given, clip, file", s.DateFrom)
	case s.Exercise == "" || strings.ContainsFunc(string(s.Exercise), unicode.IsSpace):
		return fmt.Errorf("exercise %q is none", s.Exercise)
	case !isSHA256(s.ClipSHA256):
		return fmt.Errorf("clip hash %q is no SHA-256", s.ClipSHA256)
	case !slices.Contains([]rom.Verdict{rom.Holds, rom.Breaks, rom.Inconclusive}, s.Verdict):
		return fmt.Errorf("verdict %q is none of %s, %s, %s", s.Verdict, rom.Holds, rom.Breaks, rom.Inconclusive)
	case s.Reps < 1 || s.RoundedReps < 0 || s.RoundedReps > s.BrokenReps || s.BrokenReps > s.JudgedReps || s.JudgedReps > s.Reps:
		return fmt.Errorf("%d reps, %d judged, %d broken, %d rounded do not go together", s.Reps, s.JudgedReps, s.BrokenReps, s.RoundedReps)
	}
	for _, n := range []struct {
		name     string
		v        float64
		from, to float64
	}{
		{"load", s.LoadKG, 0, maxLoadKG},
		{"block height", s.BlockM, 0, maxHeightM},
		{"box height", s.BoxM, 0, maxHeightM},
		{"stature", s.StatureM, 0, maxHeightM},
		{"travel", s.TravelPct, 0, 200},
		{"travel", s.TravelM, 0, maxHeightM},
		{"safe depth", s.SafeDepthPct, 0, 200},
		{"low end of the safe depth", s.SafeDepthLoPct, 0, 200},
		{"high end of the safe depth", s.SafeDepthHiPct, 0, 200},
		{"thigh angle", s.ThighDeg, -180, 180},
		{"safe box height", s.SafeBoxM, 0, maxHeightM},
		{"safe block height", s.SafeBlockM, 0, maxHeightM},
		{"peak flexion", s.PeakFlexionDeg, -360, 360},
		{"sd of the peak flexion", s.PeakFlexionSD, 0, 1000},
		{"lumbar share", s.LumbarShare, -20, 20},
	} {
		if !math.IsNaN(n.v) && !(n.v >= n.from && n.v <= n.to) {
			return fmt.Errorf("%s %g is not between %g and %g", n.name, n.v, n.from, n.to)
		}
	}
	for _, text := range []string{s.Lifter, s.Stance, s.Note, s.Clip, s.Folder, s.Reason, s.Program, string(s.Exercise)} {
		if n := len([]rune(text)); n > maxText {
			return fmt.Errorf("a text of %d characters is too long, %d are allowed", n, maxText)
		}
		if text != plain(text) {
			return fmt.Errorf("text %q has characters that a table cannot hold", text)
		}
	}
	return nil
}

// plain is a text as every format gives it back: CSV drops carriage returns,
// JSON what is not UTF-8, and file names may have either.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r", " ")
}

func validName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("a lifter needs a name")
	case len([]rune(name)) > maxName:
		return fmt.Errorf("a lifter's name has at most %d characters", maxName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("lifter's name %q has control characters", name)
	}
	return nil
}

// sameName folds what people do not tell names apart by.
func sameName(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

func isSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// InFuture reports whether t's calendar day, where it was, is still to come; a
// wrong clock of some hours is nobody's fault.
func InFuture(t, now time.Time) bool {
	y, m, d := now.In(t.Location()).Date()
	return !t.Before(time.Date(y, m, d+1, 0, 0, 0, 0, t.Location()))
}
