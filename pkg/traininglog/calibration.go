package traininglog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/spineflex/spineflex/pkg/recording"
)

// Kind is what a lifter shows in a calibration clip.
type Kind string

// Kinds.
const (
	NeutralPosture Kind = "neutral"
	FullFlexion    Kind = "full-flexion"
)

// Calibration is what a lifter showed once and is used from then on.
type Calibration struct {
	Kind      Kind
	At        time.Time // when it was filmed
	Recording *recording.Recording
}

// Keep makes c the lifter's calibration of its kind. Earlier ones stay in the
// log. What was seen is kept in the log itself, so that clip and results may go.
func (l *Log) Keep(ctx context.Context, lifter string, statureM float64, c Calibration) error {
	if err := validName(lifter); err != nil {
		return err
	}
	var file bytes.Buffer
	if err := recording.Encode(&file, c.Recording); err != nil {
		return err
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		id, err := l.lifterID(ctx, tx, lifter, statureM)
		if err != nil {
			return err
		}
		// Shown again it becomes the latest.
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO calibration (lifter, kind, at, clip, clip_sha256, recording) VALUES (?, ?, ?, ?, ?, ?)`,
			id, string(c.Kind), c.At.Format(timeLayout), c.Recording.Clip.File, c.Recording.Clip.SHA256, file.Bytes())
		return err
	})
}

// Calibration gives the one of that kind that the lifter showed last, nil if none.
func (l *Log) Calibration(ctx context.Context, lifter string, kind Kind) (*Calibration, error) {
	var at string
	var file []byte
	err := l.db.QueryRowContext(ctx, `SELECT at, recording FROM calibration JOIN lifter ON lifter.id = calibration.lifter
		WHERE folded = ? AND kind = ? ORDER BY calibration.id DESC LIMIT 1`, sameName(lifter), string(kind)).Scan(&at, &file)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, l.explain(err)
	}
	c := &Calibration{Kind: kind}
	if c.At, err = time.Parse(timeLayout, at); err != nil {
		return nil, fmt.Errorf("training log %s %w: a calibration's date is %q", l.path, ErrDamaged, at)
	}
	if c.Recording, err = recording.Decode(bytes.NewReader(file)); err != nil {
		return nil, fmt.Errorf("training log %s %w: %s of %s: %w", l.path, ErrDamaged, kind, lifter, err)
	}
	return c, nil
}
