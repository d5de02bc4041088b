package traininglog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrNewer says that a newer program wrote the log.
	ErrNewer = errors.New("was written by a newer spineflex")
	// ErrForeign says that the file is another program's database.
	ErrForeign = errors.New("is a database of another program")
	// ErrDamaged says that the file, or a part of it, cannot be read. [Salvage]
	// gets out what can.
	ErrDamaged = errors.New("is damaged")
	// ErrReadOnly says that the log cannot be written to.
	ErrReadOnly = errors.New("cannot be written to")
	// ErrNone says that there is no log yet.
	ErrNone = errors.New("there is no training log yet")
)

// Log is an open training log. It may be used from several goroutines, and the
// file by several programs, at the same time.
type Log struct {
	path     string
	db       *sql.DB
	readOnly bool
	scratch  string // folder of a copy that is read in the file's place; "": none
}

// How a file is opened. Every transaction takes the right to write at its
// start and waits for it, so that no two writers ever have to give up half way.
const (
	lockWait  = 30 * time.Second
	writeMode = "_txlock=immediate&_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	readMode  = "mode=ro&_pragma=busy_timeout(30000)"
	// A file on a disk that cannot be written to has no other users.
	frozenMode = readMode + "&immutable=1"
)

// Open opens the log at path to read and write, and makes it and its folder where
// there is none. Errors wrap [ErrNewer], [ErrForeign], [ErrDamaged] or
// [ErrReadOnly] where that is the reason.
func Open(ctx context.Context, path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("training log %s %w: %w", path, ErrReadOnly, err)
	}
	l, err := open(path, writeMode)
	if err != nil {
		return nil, err
	}
	if err := l.begin(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// begin makes the file a log of the newest version, unless it is damaged.
func (l *Log) begin(ctx context.Context) error {
	if err := l.lookFirst(ctx); err != nil {
		return err
	}
	// Two programs that make the same new log at once: SQLite does not wait
	// while the other one changes the journal's mode.
	for until := time.Now().Add(lockWait); ; time.Sleep(20 * time.Millisecond) {
		err := l.db.PingContext(ctx)
		if code(err) == sqlite3.SQLITE_BUSY && time.Now().Before(until) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return l.explain(err)
		}
		break
	}
	return l.migrate(ctx)
}

// lookFirst refuses a file that is none of ours, or damaged anywhere, before a byte of
// it is written: nothing is added to what is lost already.
func (l *Log) lookFirst(ctx context.Context) error {
	if st, err := os.Stat(l.path); err != nil || st.Size() == 0 {
		return nil
	}
	r, err := open(l.path, readMode)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := r.version(ctx, r.db); err != nil {
		if errors.Is(err, ErrReadOnly) {
			return nil // a log in use needs a file beside it even to be read; writing will tell
		}
		return err
	}
	var verdict string
	if err := r.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return r.explain(err)
	}
	if verdict != "ok" {
		return fmt.Errorf("training log %s %w (%s)", l.path, ErrDamaged, verdict)
	}
	return nil
}

// OpenToRead opens the log at path without ever writing to it, also where the
// disk would not allow it. Errors are those of [Open], and [ErrNone] where there is
// no file.
func OpenToRead(ctx context.Context, path string) (*Log, error) {
	switch st, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w at %s", ErrNone, path)
	case err != nil:
		return nil, fmt.Errorf("training log: %w", err)
	case st.IsDir():
		return nil, fmt.Errorf("training log %s is a folder", path)
	}
	l, err := openAsIs(path)
	if err != nil {
		return nil, err
	}
	l.readOnly = true
	version, err := l.version(ctx, l.db)
	if err == nil && version < len(migrations) {
		err = l.readMigrated(ctx)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// openAsIs opens a file that may lie on a disk that cannot be written to. Beside a
// log in use SQLite needs a file of shared memory; where none can be made nobody
// writes to the log either, and what the last writer left beside it is read in a copy.
func openAsIs(path string) (*Log, error) {
	if writable(filepath.Dir(path)) {
		return open(path, readMode)
	}
	if st, err := os.Stat(path + walSuffix); err != nil || st.Size() == 0 {
		return open(path, frozenMode)
	}
	return openCopy(path)
}

// walSuffix is what the file of what was written last is called.
const walSuffix = "-wal"

// openCopy opens a copy of the log, which is removed when it is closed.
func openCopy(path string) (*Log, error) {
	dir, err := os.MkdirTemp("", "spineflex-log-")
	if err != nil {
		return nil, err
	}
	copied, err := copyPadded(path, dir)
	if err == nil {
		var l *Log
		if l, err = open(copied, ""); err == nil {
			l.path, l.scratch = path, dir
			return l, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("copy training log %s to read it: %w", path, err), os.RemoveAll(dir))
}

// readMigrated goes on with a copy that has the newest schema; the file itself is left
// alone.
func (l *Log) readMigrated(ctx context.Context) error {
	c, err := openCopy(l.path)
	if err != nil {
		return err
	}
	if err := errors.Join(c.migrate(ctx), l.Close()); err != nil {
		return errors.Join(err, c.Close())
	}
	l.db, l.scratch = c.db, c.scratch
	return nil
}

func open(path, mode string) (*Log, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(abs), RawQuery: mode}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, fmt.Errorf("training log %s: %w", path, err)
	}
	return &Log{path: path, db: db}, nil
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".spineflex-*")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// Close closes the log.
func (l *Log) Close() error {
	err := l.db.Close()
	if l.scratch != "" {
		err = errors.Join(err, os.RemoveAll(l.scratch))
	}
	return err
}

// Path is the log's file.
func (l *Log) Path() string { return l.path }

// write runs f in a transaction that is kept whole or not at all.
func (l *Log) write(ctx context.Context, f func(*sql.Tx) error) error {
	if l.readOnly {
		return fmt.Errorf("training log %s %w: it is open to be read", l.path, ErrReadOnly)
	}
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return l.explain(err)
	}
	if err := f(tx); err != nil {
		return l.explain(errors.Join(err, tx.Rollback()))
	}
	return l.explain(tx.Commit())
}

// code is SQLite's primary result code of an error, 0 for others.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// explain puts SQLite's errors into this package's words.
func (l *Log) explain(err error) error {
	var reason error
	switch code(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		reason = ErrDamaged
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		reason = ErrReadOnly
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("training log %s is kept busy by another program: %w", l.path, err)
	default:
		return err
	}
	if errors.Is(err, reason) {
		return err // said already
	}
	return fmt.Errorf("training log %s %w: %w", l.path, reason, err)
}
