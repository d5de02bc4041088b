package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording"
)

// Names in a results folder of what was seen in the calibration clips.
const (
	NeutralFile     = "neutral.sfr"
	FullFlexionFile = "full-flexion.sfr"
)

// Calibration names what the lifter shows outside the set: clips, or
// recordings of clips (.sfr). "" is none.
type Calibration struct {
	Neutral     string // holds the neutral posture
	FullFlexion string // bends as far as it goes
}

// Calibrate watches the clips of c with o.Perception and puts what it saw into
// o.Settings. One calibration serves many clips; folders are those that their
// results go to, where an interrupted run may have left its recordings. Errors
// wrap [analysis.ErrCalibration] where the clip was read but does not show what
// it should.
func Calibrate(ctx context.Context, c Calibration, folders []string, o *Options) error {
	for _, show := range shows(&o.Settings) {
		file := show.file(c)
		if file == "" {
			continue
		}
		rec, err := watch(ctx, file, show, folders, o)
		if err != nil {
			return err
		}
		*show.rec = rec
	}
	return o.Settings.Validate()
}

// show is one of the things that a lifter can show in a clip of its own.
type show struct {
	stage Stage
	saved string // file in the results folder
	file  func(Calibration) string
	rec   **recording.Recording
}

func shows(s *analysis.Settings) []show {
	return []show{
		{PerceivingNeutral, NeutralFile, func(c Calibration) string { return c.Neutral }, &s.NeutralClip},
		{PerceivingFullFlexion, FullFlexionFile, func(c Calibration) string { return c.FullFlexion }, &s.FullFlexionClip},
	}
}

// watch gives what is to be seen in file.
func watch(ctx context.Context, file string, show show, folders []string, o *Options) (*recording.Recording, error) {
	if filepath.Ext(file) == filepath.Ext(recording.FileName) {
		return recording.Read(file)
	}
	opts := o.Perception
	opts.Progress, opts.Note = o.progress(show.stage), o.Note
	for _, folder := range folders {
		if finished(folder) {
			continue
		}
		rec, err := recording.Read(filepath.Join(folder, show.saved))
		if err != nil {
			continue // none there, or none that is any good
		}
		same, err := perception.Fits(ctx, rec, file, opts)
		if err != nil {
			return nil, err
		}
		if same {
			rec.Clip.File = file
			return rec, nil
		}
	}
	look := o.Watch
	if look == nil {
		look = perception.Run
	}
	rec, err := look(ctx, file, opts)
	switch {
	case errors.Is(err, perception.ErrNoPerson) || errors.Is(err, perception.ErrTooShort):
		// Nothing to see here does not mean that the set shows nothing.
		return nil, fmt.Errorf("%w: %w", analysis.ErrCalibration, err)
	case err != nil:
		return nil, err
	}
	return asSaved(rec)
}

// saveCalibration makes the calibration recordings in folder those of s.
func saveCalibration(folder string, s analysis.Settings) error {
	for _, show := range shows(&s) {
		path := filepath.Join(folder, show.saved)
		if *show.rec != nil {
			if err := recording.Write(path, *show.rec); err != nil {
				return err
			}
		} else if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readCalibration puts the calibration recordings in folder into s.
func readCalibration(folder string, s *analysis.Settings) error {
	for _, show := range shows(s) {
		rec, err := recording.Read(filepath.Join(folder, show.saved))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		*show.rec = rec
	}
	return nil
}

// shownIn refuses a neutral posture that is to be shown after the clip's end.
func shownIn(clip string, durationS float64, s analysis.Settings) error {
	if s.NeutralAtS > 0 && durationS > 0 && s.NeutralAtS > durationS {
		return fmt.Errorf("%w: neutral cannot be shown at %g s in %s, which lasts %.1f s", analysis.ErrCalibration, s.NeutralAtS, clip, durationS)
	}
	return nil
}
