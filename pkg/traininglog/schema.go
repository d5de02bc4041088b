package traininglog

import (
	"context"
	"database/sql"
	"fmt"
)

// applicationID marks the file as a training log ("spfx" in ASCII), so that
// another program's database is told from an old log.
const applicationID = 0x73706678

// migrations take a log from each version of the schema to the next; the file
// holds its version as PRAGMA user_version. Steps that were ever released are
// never changed: testdata keeps a file of each version.
var migrations = []string{
	// 1: lifters and their sets.
	`CREATE TABLE lifter (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL,
		folded TEXT NOT NULL UNIQUE -- the name as it is compared
	) STRICT;
	CREATE TABLE "set" (
		id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice
		lifter INTEGER NOT NULL REFERENCES lifter(id),
		at TEXT NOT NULL, -- RFC 3339, with the zone it was lifted in
		date_from TEXT NOT NULL,
		exercise TEXT NOT NULL,
		load_kg REAL, block_m REAL, box_m REAL,
		stance TEXT NOT NULL, note TEXT NOT NULL,
		clip TEXT NOT NULL, clip_sha256 TEXT NOT NULL, folder TEXT NOT NULL,
		stature_m REAL,
		verdict TEXT NOT NULL, reason TEXT NOT NULL,
		reps INTEGER NOT NULL, judged_reps INTEGER NOT NULL, broken_reps INTEGER NOT NULL, rounded_reps INTEGER NOT NULL,
		travel_pct REAL, safe_depth_pct REAL, safe_depth_lo_pct REAL, safe_depth_hi_pct REAL,
		thigh_deg REAL, safe_box_m REAL, safe_block_m REAL,
		peak_flexion_deg REAL, peak_flexion_sd_deg REAL,
		program TEXT NOT NULL,
		UNIQUE (clip_sha256, exercise)
	) STRICT;
	CREATE INDEX set_of_lifter ON "set"(lifter, exercise);`,

	// 2: how far the set went down in metres; how lower back and hips share the bend; what a lifter showed once and is
	// used from then on.
	`ALTER TABLE "set" ADD COLUMN lumbar_share REAL;
	ALTER TABLE "set" ADD COLUMN travel_m REAL;
	ALTER TABLE lifter ADD COLUMN stature_m REAL;
	CREATE TABLE calibration (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		lifter INTEGER NOT NULL REFERENCES lifter(id),
		kind TEXT NOT NULL,
		at TEXT NOT NULL,
		clip TEXT NOT NULL, clip_sha256 TEXT NOT NULL,
		recording BLOB NOT NULL, -- as a recording file
		UNIQUE (lifter, kind, clip_sha256)
	) STRICT;`,
}

// migrate brings the schema to the newest version. Two programs may try at the
// same time: the second finds it done.
func (l *Log) migrate(ctx context.Context) error {
	version, err := l.version(ctx, l.db)
	if err != nil || version == len(migrations) {
		return err
	}
	return l.write(ctx, func(tx *sql.Tx) error {
		version, err := l.version(ctx, tx)
		if err != nil {
			return err
		}
		for ; version < len(migrations); version++ {
			if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
				return fmt.Errorf("bring the schema to version %d: %w", version+1, err)
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version))
		return err
	})
}

// version is that of the file's schema, 0 for a new file. It refuses what is no
// training log and what a newer program wrote.
func (l *Log) version(ctx context.Context, q queryer) (int, error) {
	var application, version, tables int
	// In one statement, lest another program makes the tables in between.
	err := q.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &tables)
	if err != nil {
		return 0, l.explain(err)
	}
	switch {
	case version > len(migrations) && application == applicationID:
		return 0, fmt.Errorf("training log %s %w (version %d, this one knows %d): update spineflex", l.path, ErrNewer, version, len(migrations))
	case application != applicationID && (version != 0 || tables != 0):
		return 0, fmt.Errorf("%s %w; --log-file names another file", l.path, ErrForeign)
	}
	return version, nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}
