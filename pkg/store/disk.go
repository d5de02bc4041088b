package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked says that somebody else holds the lock.
var ErrLocked = errors.New("is being worked on by another run")

// disk is a folder on this machine, or on a file system that several share.
type disk struct{ root string }

func (d *disk) String() string { return d.root }

func (d *disk) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *disk) Read(_ context.Context, name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

func (d *disk) Write(_ context.Context, name string, content []byte) (err error) {
	path := d.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (d *disk) Remove(_ context.Context, name string) error {
	if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *disk) Exists(_ context.Context, name string) (bool, error) {
	_, err := os.Lstat(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (d *disk) Files(ctx context.Context, under string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(d.path(under), func(path string, e fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // taken away meanwhile
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case e.IsDir():
				return nil
			}
			name, err := filepath.Rel(d.root, path)
			if err != nil {
				return err
			}
			if !yield(filepath.ToSlash(name), nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", err)
		}
	}
}

// lockPoll is how often a lock that somebody else holds is tried again.
const lockPoll = 250 * time.Millisecond

// Lock takes flock(2) on a file of that name, which is there only while
// somebody holds it. The kernel drops the lock of a process that dies.
func (d *disk) Lock(ctx context.Context, name string, wait bool) (func(), error) {
	path := d.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	for {
		l := flock.New(path)
		ok, err := l.TryLock()
		switch {
		case err != nil:
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case ok && current(l, path):
			return func() {
				// Removed while held: whoever opened it before finds out that
				// it is no longer current.
				_ = os.Remove(path)
				_ = l.Close()
			}, nil
		case ok: // its last holder took it away between opening and locking
			_ = l.Close()
			continue
		}
		_ = l.Close()
		if !wait {
			return nil, fmt.Errorf("%s %w", name, ErrLocked)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// current reports whether the locked file is still the one at path.
func current(l *flock.Flock, path string) bool {
	held, err := l.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(held, there)
}

// Stage is the results folder itself: whoever makes results there writes each
// file whole, the one that says that all are there at last.
func (d *disk) Stage(_ context.Context, name string) (Stage, error) {
	return inPlace(d.path(name)), nil
}

// inPlace is a stage that is the results folder.
type inPlace string

func (p inPlace) Dir() string                            { return string(p) }
func (p inPlace) Fetch(context.Context, ...string) error { return nil }
func (p inPlace) Publish(context.Context, string) error  { return nil }
func (p inPlace) Discard()                               {}
