package traininglog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spineflex/spineflex/pkg/lift"
)

var (
	// ErrOtherLifter says that the clip is filed as another lifter's.
	ErrOtherLifter = errors.New("is filed already as a set of")
	// ErrNoSet says that no set has the number asked for.
	ErrNoSet = errors.New("no such set")
	// ErrDiffers says that an imported set is in the log with other values.
	ErrDiffers = errors.New("is in the log with other values")
)

// Outcome is what filing a set did.
type Outcome string

// Outcomes of filing.
const (
	New       Outcome = "new"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
)

// File files a set and gives its number. What makes it the same set is the clip's
// content and the exercise: filed again it changes nothing, or takes over what is
// measured differently now and what the lifter says now; what nothing is said about
// stays. The error wraps [ErrOtherLifter] if the clip is somebody else's.
func (l *Log) File(ctx context.Context, s Set) (int64, Outcome, error) {
	if err := s.Validate(); err != nil {
		return 0, "", fmt.Errorf("file %s: %w", s.Clip, err)
	}
	var id int64
	var done Outcome
	err := l.write(ctx, func(tx *sql.Tx) error {
		old, err := l.find(ctx, tx, &s)
		if err != nil {
			return err
		}
		if old == nil {
			done = New
			id, err = l.insert(ctx, tx, &s)
			return err
		}
		id, done = old.ID, Unchanged
		if sameName(old.Lifter) != sameName(s.Lifter) {
			return fmt.Errorf("%s %w %s (number %d)", s.Clip, ErrOtherLifter, old.Lifter, old.ID)
		}
		merged := merge(*old, s)
		if same(old, &merged) {
			return nil
		}
		done = Updated
		return l.update(ctx, tx, &merged)
	})
	return id, done, err
}

// find is the set that s is another filing of, nil if there is none: the same clip and
// exercise, or the same results measured as another exercise now.
func (l *Log) find(ctx context.Context, tx *sql.Tx, s *Set) (*Set, error) {
	found, err := l.query(ctx, tx, `WHERE clip_sha256 = ? AND (exercise = ? OR folder <> '' AND folder = ?)
		ORDER BY exercise = ? DESC LIMIT 1`, s.ClipSHA256, string(s.Exercise), s.Folder, string(s.Exercise))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// merge is the old set with what the new filing knows better.
func merge(old, now Set) Set {
	m := now
	m.ID, m.Lifter = old.ID, old.Lifter
	if now.DateFrom != DateGiven {
		m.At, m.DateFrom = old.At, old.DateFrom
	}
	for _, keep := range []struct{ to, from *float64 }{
		{&m.LoadKG, &old.LoadKG}, {&m.BlockM, &old.BlockM}, {&m.BoxM, &old.BoxM}, {&m.StatureM, &old.StatureM},
	} {
		if math.IsNaN(*keep.to) {
			*keep.to = *keep.from
		}
	}
	for _, keep := range []struct{ to, from *string }{{&m.Stance, &old.Stance}, {&m.Note, &old.Note}} {
		if *keep.to == "" {
			*keep.to = *keep.from
		}
	}
	return m
}

// same reports whether two sets have the same values, numbers aside.
func same(a, b *Set) bool {
	return !slices.ContainsFunc(columns, func(c column) bool { return c.text(a) != c.text(b) })
}

// Sets lists the sets of a lifter, "" of all, in the order they were lifted.
func (l *Log) Sets(ctx context.Context, lifter string) ([]Set, error) {
	where, args := "", []any{}
	if lifter != "" {
		where, args = "WHERE lifter.folded = ?", []any{sameName(lifter)}
	}
	sets, err := l.query(ctx, l.db, where, args...)
	if err != nil {
		return nil, err
	}
	sortSets(sets)
	return sets, nil
}

// sortSets puts sets in an order that does not depend on that of filing.
func sortSets(sets []Set) {
	slices.SortFunc(sets, func(a, b Set) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ClipSHA256+string(a.Exercise), b.ClipSHA256+string(b.Exercise))
	})
}

// Set gives the set of that number.
func (l *Log) Set(ctx context.Context, id int64) (Set, error) { return l.one(ctx, l.db, id) }

func (l *Log) one(ctx context.Context, q queryer, id int64) (Set, error) {
	sets, err := l.query(ctx, q, `WHERE "set".id = ?`, id)
	if err != nil {
		return Set{}, err
	}
	if len(sets) == 0 {
		return Set{}, fmt.Errorf("%w: number %d", ErrNoSet, id)
	}
	return sets[0], nil
}

// Edit changes a set. Its clip stays what it is.
func (l *Log) Edit(ctx context.Context, id int64, change func(*Set)) (Set, error) {
	var s Set
	err := l.write(ctx, func(tx *sql.Tx) error {
		var err error
		if s, err = l.one(ctx, tx, id); err != nil {
			return err
		}
		change(&s)
		s.ID = id
		if err := s.Validate(); err != nil {
			return fmt.Errorf("set %d: %w", id, err)
		}
		return l.update(ctx, tx, &s)
	})
	return s, err
}

// Remove takes sets out of the log, all of them or none.
func (l *Log) Remove(ctx context.Context, ids ...int64) error {
	return l.write(ctx, func(tx *sql.Tx) error {
		for _, id := range ids {
			result, err := tx.ExecContext(ctx, `DELETE FROM "set" WHERE id = ?`, id)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				return errors.Join(err, fmt.Errorf("%w: number %d", ErrNoSet, id))
			}
		}
		return nil
	})
}

// Import adds sets, all of them or none; those that are there already are left.
// One that is there with other values is refused with [ErrDiffers], unless it is to be
// replaced. It returns how many were added or replaced.
func (l *Log) Import(ctx context.Context, sets []Set, replace bool) (int, error) {
	changed := 0
	err := l.write(ctx, func(tx *sql.Tx) error {
		for i := range sets {
			s := sets[i]
			if err := s.Validate(); err != nil {
				return fmt.Errorf("set %d: %w", i+1, err)
			}
			there, err := l.query(ctx, tx, "WHERE clip_sha256 = ? AND exercise = ?", s.ClipSHA256, string(s.Exercise))
			if err != nil {
				return err
			}
			switch {
			case len(there) == 0:
				_, err = l.insert(ctx, tx, &s)
			case same(&there[0], &s):
				continue
			case !replace:
				return fmt.Errorf("set %d (%s of %s, %s) %w (number %d)", i+1, s.Exercise, s.Lifter, s.At.Format(time.DateOnly), ErrDiffers, there[0].ID)
			default:
				s.ID = there[0].ID
				err = l.update(ctx, tx, &s)
			}
			if err != nil {
				return err
			}
			changed++
		}
		return nil
	})
	return changed, err
}

// Lifter is somebody in the log.
type Lifter struct {
	Name      string
	StatureM  float64 // NaN: never said
	Sets      int
	Exercises []lift.Exercise
}

// Lifters lists those with a set or a calibration, by name.
func (l *Log) Lifters(ctx context.Context) ([]Lifter, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT name, lifter.stature_m, count("set".id), coalesce(group_concat(DISTINCT exercise), '')
		FROM lifter LEFT JOIN "set" ON "set".lifter = lifter.id
		GROUP BY lifter.id HAVING count("set".id) > 0 OR lifter.id IN (SELECT lifter FROM calibration) ORDER BY folded`)
	if err != nil {
		return nil, l.explain(err)
	}
	defer rows.Close()
	var all []Lifter
	for rows.Next() {
		var x Lifter
		var stature sql.NullFloat64
		var exercises string
		if err := rows.Scan(&x.Name, &stature, &x.Sets, &exercises); err != nil {
			return nil, l.explain(err)
		}
		x.StatureM = math.NaN()
		if stature.Valid {
			x.StatureM = stature.Float64
		}
		for e := range strings.SplitSeq(exercises, ",") {
			if e != "" {
				x.Exercises = append(x.Exercises, lift.Exercise(e))
			}
		}
		slices.Sort(x.Exercises)
		all = append(all, x)
	}
	return all, l.explain(rows.Err())
}

// wholeSets are all columns of a set in the order of [columns]; the lifter is given by
// name.
var wholeSets = func() string {
	names := []string{`"set".id`, "lifter.name"}
	for _, c := range columns[1:] {
		names = append(names, `"set".`+c.name)
	}
	return "SELECT " + strings.Join(names, ", ") + ` FROM "set" JOIN lifter ON lifter.id = "set".lifter `
}()

func (l *Log) query(ctx context.Context, q queryer, where string, args ...any) ([]Set, error) {
	return l.read(ctx, q, wholeSets+where, args...)
}

// read gives the sets of a query for all columns, and with an error those before it.
func (l *Log) read(ctx context.Context, q queryer, query string, args ...any) ([]Set, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, l.explain(err)
	}
	defer rows.Close()
	var sets []Set
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return sets, l.explain(err)
		}
		sets = append(sets, s)
	}
	return sets, l.explain(rows.Err())
}

func scan(rows *sql.Rows) (Set, error) {
	s := blank()
	into := []any{&s.ID}
	for _, c := range columns {
		into = append(into, scanner{c, &s})
	}
	return s, rows.Scan(into...)
}

// lifterID is the row of that lifter, made where there is none. A stature that is
// known now is kept.
func (l *Log) lifterID(ctx context.Context, tx *sql.Tx, name string, statureM float64) (int64, error) {
	var stature any
	if statureM > 0 {
		stature = statureM
	}
	var id int64
	err := tx.QueryRowContext(ctx, `INSERT INTO lifter (name, folded, stature_m) VALUES (?, ?, ?)
		ON CONFLICT (folded) DO UPDATE SET stature_m = coalesce(excluded.stature_m, stature_m) RETURNING id`,
		strings.TrimSpace(name), sameName(name), stature).Scan(&id)
	return id, err
}

func (l *Log) insert(ctx context.Context, tx *sql.Tx, s *Set) (int64, error) {
	names, values, err := l.values(ctx, tx, s)
	if err != nil {
		return 0, err
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO "set" (`+strings.Join(names, ", ")+`) VALUES (?`+strings.Repeat(", ?", len(names)-1)+`)`, values...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (l *Log) update(ctx context.Context, tx *sql.Tx, s *Set) error {
	names, values, err := l.values(ctx, tx, s)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE "set" SET `+strings.Join(names, " = ?, ")+` = ? WHERE id = ?`, append(values, s.ID)...)
	return err
}

func (l *Log) values(ctx context.Context, tx *sql.Tx, s *Set) (names []string, values []any, err error) {
	lifter, err := l.lifterID(ctx, tx, s.Lifter, s.StatureM)
	if err != nil {
		return nil, nil, err
	}
	names, values = []string{"lifter"}, []any{lifter}
	for _, c := range columns[1:] {
		names, values = append(names, c.name), append(values, c.bind(s))
	}
	return names, values, nil
}
