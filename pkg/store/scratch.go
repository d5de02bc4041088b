package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/gofrs/flock"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/semaphore"
)

// Scratch is local disk for clips that come from an object store and results
// that go to one. The zero value is the system's temporary folder without a
// limit.
type Scratch struct {
	Dir      string // "" is the system's temporary folder
	MaxBytes int64  // of clips that lie there at once; 0: any

	once sync.Once
	err  error
	own  string // this process' part of Dir
	lock *flock.Flock
	room *semaphore.Weighted
}

const (
	scratchPrefix = "spineflex-scratch-"
	scratchLock   = ".lock"
)

// open makes this process' own folder, and takes away those of processes that
// were killed.
func (s *Scratch) open() error {
	s.once.Do(func() {
		dir := s.Dir
		if dir == "" {
			dir = os.TempDir()
		}
		if s.err = os.MkdirAll(dir, 0o755); s.err != nil {
			s.err = fmt.Errorf("make scratch folder: %w", s.err)
			return
		}
		sweepScratch(dir)
		if s.own, s.err = os.MkdirTemp(dir, scratchPrefix); s.err != nil {
			s.err = fmt.Errorf("make scratch folder: %w", s.err)
			return
		}
		s.lock = flock.New(filepath.Join(s.own, scratchLock))
		if err := s.lock.Lock(); err != nil {
			s.err = fmt.Errorf("lock scratch folder: %w", err)
		}
		if s.MaxBytes > 0 {
			s.room = semaphore.NewWeighted(s.MaxBytes)
		}
	})
	return s.err
}

// sweepScratch takes away scratch folders whose owner is no more.
func sweepScratch(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, scratchPrefix+"*"))
	for _, own := range left {
		// A folder without the file is just being made.
		if _, err := os.Lstat(filepath.Join(own, scratchLock)); err != nil {
			continue
		}
		l := flock.New(filepath.Join(own, scratchLock))
		if ok, err := l.TryLock(); err == nil && ok {
			_ = os.RemoveAll(own)
			_ = l.Close()
		}
	}
}

func (s *Scratch) clear() {
	if s.own == "" {
		return
	}
	_ = os.RemoveAll(s.own)
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

func (s *Scratch) tempDir() (string, error) {
	if err := s.open(); err != nil {
		return "", err
	}
	return os.MkdirTemp(s.own, "")
}

// Mark tells one version of a file from another without reading it. Equal marks
// mean equal content; unequal ones mean nothing.
type Mark string

// Mark returns the mark of a clip, a path on disk or a URL.
func (s *Stores) Mark(ctx context.Context, clip string) (Mark, error) {
	if !IsURL(clip) {
		info, err := os.Stat(clip)
		if err != nil {
			return "", err
		}
		return diskMark(info), nil
	}
	b, key, err := s.bucket(ctx, clip)
	if err != nil {
		return "", err
	}
	a, err := b.Attributes(ctx, key)
	if err != nil {
		return "", notFound("look at", clip, err)
	}
	return objectMark(a.Size, a.ModTime, a.MD5), nil
}

// objectMark leaves fractions of a second out: stores give them in listings and
// not when asked about one object.
func objectMark(size int64, modified time.Time, md5 []byte) Mark {
	return Mark(fmt.Sprintf("object %d %d %x", size, modified.Unix(), md5))
}

func notFound(doing, clip string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = fs.ErrNotExist
	}
	return fmt.Errorf("%s %s: %w", doing, clip, err)
}

// Fetch gives a clip as a file on this machine until release is called: a path
// on disk is that file already. It waits until there is room for it.
func (s *Stores) Fetch(ctx context.Context, clip string) (file string, release func(), err error) {
	if !IsURL(clip) {
		return clip, func() {}, nil
	}
	b, key, err := s.bucket(ctx, clip)
	if err != nil {
		return "", nil, err
	}
	a, err := b.Attributes(ctx, key)
	if err != nil {
		return "", nil, notFound("fetch", clip, err)
	}
	scratch := s.scratch()
	dir, err := scratch.tempDir()
	if err != nil {
		return "", nil, err
	}
	free := func() {}
	if scratch.room != nil {
		if a.Size > scratch.MaxBytes {
			return "", nil, fmt.Errorf("fetch %s: %s are more than the scratch folder may hold, %s",
				clip, humanize.IBytes(uint64(a.Size)), humanize.IBytes(uint64(scratch.MaxBytes)))
		}
		if err := scratch.room.Acquire(ctx, a.Size); err != nil {
			return "", nil, err
		}
		free = func() { scratch.room.Release(a.Size) }
	}
	release = func() {
		_ = os.RemoveAll(dir)
		free()
	}
	// Reports name the clip by its file.
	file = filepath.Join(dir, path.Base("/"+key))
	if err := download(ctx, b, key, file); err != nil {
		release()
		return "", nil, notFound("fetch", clip, err)
	}
	return file, release, nil
}

// tries is how often an interrupted transfer is begun, on top of what the
// drivers repeat by themselves.
const tries = 4

// download copies an object to a file. A transfer that breaks off is taken up
// where it broke.
func download(ctx context.Context, b *blob.Bucket, key, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var have int64
	var first *blob.Reader // says which version of the object it is
	for try := 1; ; try++ {
		r, err := b.NewRangeReader(ctx, key, have, -1, nil)
		if err == nil {
			if first == nil {
				first = r
			} else if !r.ModTime().Equal(first.ModTime()) || r.Size() != first.Size() {
				r.Close()
				return fmt.Errorf("%s changed while it was read", key)
			}
			var n int64
			n, err = io.Copy(f, r)
			have += n
			r.Close()
			if err == nil && have == first.Size() {
				return f.Close()
			}
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
		}
		var onDisk *fs.PathError
		if ctx.Err() != nil || try == tries || gcerrors.Code(err) == gcerrors.NotFound || errors.As(err, &onDisk) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Duration(try*try) * 250 * time.Millisecond):
		}
	}
}
