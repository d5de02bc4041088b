package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
	"github.com/spineflex/spineflex/pkg/traininglog"
	"github.com/spineflex/spineflex/pkg/unit"
	"github.com/spineflex/spineflex/pkg/video"
)

// saidFlags are the flags of what a lifter says about a set.
type saidFlags struct {
	lifter, date, load, block, box, stance, note string
}

var saidNames = []string{"lifter", "date", "load", "block", "box", "stance", "note"}

func (s *saidFlags) register(f *pflag.FlagSet) {
	f.StringVar(&s.lifter, "lifter", "", "whose set it is, by `NAME` (default: the only one in the log)")
	f.StringVar(&s.date, "date", "", "`WHEN` it was lifted, such as 2026-05-03 or \"2026-05-03 18:30\" (default: as the clip says)")
	f.StringVar(&s.load, "load", "", "the `LOAD`, such as 80, 80kg or 180lb")
	f.StringVar(&s.block, "block", "", "`HEIGHT` of the blocks under the plates, such as 10, 10cm or 4in (default: on the floor)")
	f.StringVar(&s.box, "box", "", "`HEIGHT` of the box squatted to")
	f.StringVar(&s.stance, "stance", "", "`TEXT` on stance or grip")
	f.StringVar(&s.note, "note", "", "`TEXT` to remember")
}

// parse reads what was said. A date is in this computer's zone, unless it names one.
func (s *saidFlags) parse(now time.Time) (traininglog.Filing, error) {
	out := traininglog.NothingSaid()
	out.Lifter, out.Stance, out.Note = strings.TrimSpace(s.lifter), s.stance, s.note
	for _, q := range []struct {
		flag, text string
		to         *float64
		parse      func(string) (float64, error)
	}{{"load", s.load, &out.LoadKG, unit.ParseMass}, {"block", s.block, &out.BlockM, unit.ParseLength}, {"box", s.box, &out.BoxM, unit.ParseLength}} {
		if q.text == "" {
			continue
		}
		v, err := q.parse(q.text)
		if err != nil {
			return out, usagef("--%s: %w", q.flag, err)
		}
		*q.to = v
	}
	if s.date != "" {
		at, err := parseDate("date", s.date, now)
		if err != nil {
			return out, err
		}
		out.At, out.DateFrom = at, traininglog.DateGiven
	}
	return out, nil
}

// parseDate reads a day, which stands for its noon, or a time.
func parseDate(flag, text string, now time.Time) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateOnly, text, now.Location())
	if err == nil {
		at = at.Add(12 * time.Hour)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", time.RFC3339Nano} {
		if err != nil {
			at, err = time.ParseInLocation(layout, text, now.Location())
		}
	}
	switch {
	case err != nil:
		return at, usagef("--%s is a day such as 2026-05-03 or a time such as \"2026-05-03 18:30\", got %q", flag, text)
	case traininglog.InFuture(at, now):
		return at, usagef("--%s %s is in the future", flag, text)
	case at.Year() < 1990:
		return at, usagef("--%s %s is before there were phones to film with", flag, text)
	}
	return at, nil
}

// filingFlags are the flags of a command that files what it measures.
type filingFlags struct {
	log   bool
	file  string
	said  saidFlags
	given func(flag string) bool
}

func (f *filingFlags) register(flags *pflag.FlagSet) {
	flags.BoolVar(&f.log, "log", false, "file the sets in the training log")
	registerLogFile(flags, &f.file)
	f.said.register(flags)
	f.given = flags.Changed
}

func registerLogFile(flags *pflag.FlagSet, file *string) {
	flags.StringVar(file, "log-file", "", "the training log's `FILE` (default: in your data folder)")
}

// logPath is the file given, or the one in the user's data folder.
func logPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	dir, err := dataFolder()
	if err != nil {
		return "", fmt.Errorf("training log: %w; --log-file names a file", err)
	}
	return filepath.Join(dir, "spineflex", "log.db"), nil
}

// filer files results. A nil filer does nothing.
type filer struct {
	log     *traininglog.Log
	said    traininglog.Filing
	stature float64 // of the lifter, metres; NaN: never said
	now     time.Time
	dates   map[string]dated // by clip
}

// dated is when a clip was filmed, and how that is known.
type dated struct {
	at   time.Time
	from traininglog.DateSource
	err  error
}

// open prepares to file the sets of these clips, nil if that is not asked for. What
// cannot be filed is found out before minutes of work.
func (f *filingFlags) open(ctx context.Context, clips []string) (*filer, error) {
	if !f.log {
		for _, name := range append(saidNames, "log-file") {
			if f.given(name) {
				return nil, usagef("--%s is for the training log: give --log too", name)
			}
		}
		return nil, nil
	}
	now := time.Now()
	said, err := f.said.parse(now)
	if err != nil {
		return nil, err
	}
	x := &filer{said: said, now: now, dates: map[string]dated{}}
	for _, clip := range clips {
		d := x.date(ctx, clip)
		if errors.Is(d.err, errFuture) {
			return nil, d.err
		}
		x.dates[clip] = d
	}
	path, err := logPath(f.file)
	if err != nil {
		return nil, err
	}
	if x.log, err = traininglog.Open(ctx, path); err != nil {
		return nil, logHint(err)
	}
	if err := x.pickLifter(ctx); err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

func (x *filer) close() {
	if x != nil {
		x.log.Close()
	}
}

// defaultLifter is whose sets they are when nobody ever said.
const defaultLifter = "me"

func (x *filer) pickLifter(ctx context.Context) error {
	x.stature = math.NaN()
	known, err := x.log.Lifters(ctx)
	if err != nil {
		return err
	}
	if x.said.Lifter == "" {
		switch len(known) {
		case 0:
			x.said.Lifter = defaultLifter
		case 1:
			x.said.Lifter = known[0].Name
		default:
			return severalLifters(known)
		}
	}
	for _, k := range known {
		if strings.EqualFold(k.Name, x.said.Lifter) {
			x.said.Lifter, x.stature = k.Name, k.StatureM
		}
	}
	return nil
}

func severalLifters(known []traininglog.Lifter) error {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Name
	}
	return usagef("the training log has %d lifters (%s): say which with --lifter", len(known), strings.Join(names, ", "))
}

var errFuture = errors.New("is dated in the future")

// date finds out when a clip was filmed: as the lifter says, as the clip says, or as its
// file does.
func (x *filer) date(ctx context.Context, clip string) dated {
	if !x.said.At.IsZero() {
		return dated{at: x.said.At, from: x.said.DateFrom}
	}
	d := dated{from: traininglog.DateClip}
	if info, err := video.Probe(ctx, clip); err == nil && !info.CreatedAt.IsZero() {
		d.at = info.CreatedAt
		if d.at.Location() == time.UTC { // the clip knows the instant only
			d.at = d.at.In(x.now.Location())
		}
	} else {
		st, err := os.Stat(clip)
		if err != nil {
			return dated{err: fmt.Errorf("%s has no date: say when it was lifted with --date", clip)}
		}
		d.at, d.from = st.ModTime(), traininglog.DateFile
	}
	if traininglog.InFuture(d.at, x.now) {
		d.err = fmt.Errorf("%s %w (%s): say when it was lifted with --date", clip, errFuture, d.at.Format(time.DateOnly))
	}
	return d
}

// noCalibration in the place of a clip says to go without what the log has.
const noCalibration = "none"

// calibrate watches the calibration clips that are given, as [settingsFlags.calibrate]
// does, and keeps them; where none is given, what the lifter showed before counts.
func (x *filer) calibrate(ctx context.Context, p printer, s *settingsFlags, folders []string, o *job.Options) error {
	if x == nil {
		return s.calibrate(ctx, p, folders, o)
	}
	neutral, fullFlexion := s.neutralAt == 0, true // take it from the log
	for file, want := range map[*string]*bool{&s.calibration.Neutral: &neutral, &s.calibration.FullFlexion: &fullFlexion} {
		if *file == noCalibration {
			*file, *want = "", false
		}
	}
	if err := s.calibrate(ctx, p, folders, o); err != nil {
		return err
	}
	note := func(message string) { p.Print(noted{Message: message}) }
	x.fillStature(o, note)
	for _, c := range []struct {
		kind traininglog.Kind
		file string
		want bool
		rec  **recording.Recording
	}{
		{traininglog.NeutralPosture, s.calibration.Neutral, neutral, &o.Settings.NeutralClip},
		{traininglog.FullFlexion, s.calibration.FullFlexion, fullFlexion, &o.Settings.FullFlexionClip},
	} {
		var err error
		switch {
		case *c.rec != nil:
			err = x.keep(ctx, c.kind, c.file, *c.rec, o.Settings.StatureCM/100, note)
		case c.want:
			*c.rec, err = x.kept(ctx, c.kind, note)
		}
		if err != nil {
			return logHint(err)
		}
	}
	return o.Settings.Validate()
}

// fillStature takes the lifter's height from the log where it is not given.
func (x *filer) fillStature(o *job.Options, note func(string)) {
	switch cm := o.Settings.StatureCM; {
	case !(x.stature > 0):
	case cm == 0:
		o.Settings.StatureCM = 100 * x.stature
		note(fmt.Sprintf("%s is %s tall, says the training log", x.said.Lifter, unit.Length(x.stature)))
	case math.Abs(cm-100*x.stature) > 2:
		note(fmt.Sprintf("%s is %s tall in the training log and %g cm now: is it somebody else's set?", x.said.Lifter, unit.Length(x.stature), cm))
	}
}

// keep makes what was shown in file the lifter's from now on.
func (x *filer) keep(ctx context.Context, kind traininglog.Kind, file string, rec *recording.Recording, stature float64, note func(string)) error {
	d := (&filer{now: x.now}).date(ctx, file) // when it was shown, not when the set was lifted
	if d.err != nil {
		return d.err
	}
	note(fmt.Sprintf("%s clip %s of %s is kept for %s and used from now on", kind, file, d.at.Format(time.DateOnly), x.said.Lifter))
	return x.log.Keep(ctx, x.said.Lifter, stature, traininglog.Calibration{Kind: kind, At: d.at, Recording: rec})
}

// kept is what the lifter showed last, nil if nothing.
func (x *filer) kept(ctx context.Context, kind traininglog.Kind, note func(string)) (*recording.Recording, error) {
	c, err := x.log.Calibration(ctx, x.said.Lifter, kind)
	if err != nil || c == nil {
		return nil, err
	}
	note(fmt.Sprintf("using the %s clip that %s showed on %s (%s); --%s-clip none goes without", kind, x.said.Lifter, c.At.Format(time.DateOnly), filepath.Base(c.Recording.Clip.File), kind))
	return c.Recording, nil
}

// add files the results in folder.
func (x *filer) add(ctx context.Context, clip, folder string, note func(string)) error {
	if x == nil {
		return nil
	}
	doc, err := report.Read(filepath.Join(folder, report.AnalysisFile))
	if err != nil {
		return err
	}
	said := x.said
	d, known := x.dates[clip]
	if !known {
		d = x.date(ctx, clip)
	}
	if d.err != nil {
		return fmt.Errorf("not filed: %w", d.err)
	}
	said.At, said.DateFrom = d.at, d.from
	abs, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	set, err := traininglog.NewSet(doc, abs, said)
	if errors.Is(err, traininglog.ErrNothingMeasured) {
		note("not filed: " + err.Error())
		return nil
	}
	if err != nil {
		return fmt.Errorf("not filed: %w", err)
	}
	id, outcome, err := x.log.File(ctx, set)
	if err != nil {
		return fmt.Errorf("not filed: %w", logHint(err))
	}
	words := map[traininglog.Outcome]string{traininglog.New: "filed", traininglog.Updated: "filed again, with what is new", traininglog.Unchanged: "was filed already"}
	message := fmt.Sprintf("%s as number %d: %s of %s, %s", words[outcome], id, set.Exercise, x.said.Lifter, set.At.Format(time.DateOnly))
	if outcome == traininglog.New && set.DateFrom == traininglog.DateFile {
		message += " (the file's date, since the clip has none; --date says otherwise)"
	}
	note(message)
	return nil
}

// logHint adds to an error of the log what to do about it.
func logHint(err error) error {
	switch {
	case errors.Is(err, traininglog.ErrDamaged):
		return hinted{err, "it is left as it is; save what can be read with: spineflex log export -o saved.jsonl, import that into a new --log-file"}
	case errors.Is(err, traininglog.ErrReadOnly):
		return hinted{err, "--log-file names another place"}
	case errors.Is(err, traininglog.ErrNone):
		return hinted{err, "file sets with: spineflex analyze --log"}
	case errors.Is(err, traininglog.ErrOtherLifter):
		return hinted{err, "say so with --lifter, or move it with: spineflex log edit"}
	}
	return err
}
