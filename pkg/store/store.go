// Package store reads and writes folders of files wherever they are: on disk,
// or under a prefix of an object store (s3, gs, azblob, file, mem) by way of
// gocloud.dev/blob.
//
// A [Folder] is named by a path or a URL. Every write to it is whole or not
// there at all. The drivers of the object stores stand in package drivers, so
// that whoever only needs folders on disk does not link them.
package store

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"gocloud.dev/blob"
)

// Folder is a tree of files. Names are relative to it, with slashes. A file
// that is not there gives an error that wraps [fs.ErrNotExist].
type Folder interface {
	// String is the path or URL that the folder was opened with.
	String() string
	// Read returns the content of a small file.
	Read(ctx context.Context, name string) ([]byte, error)
	// Write makes a small file, whole or not at all.
	Write(ctx context.Context, name string, content []byte) error
	// Remove takes a file away; one that is not there is no error.
	Remove(ctx context.Context, name string) error
	// Exists reports whether there is such a file.
	Exists(ctx context.Context, name string) (bool, error)
	// Files gives every file under a subfolder ("" is all) in no particular
	// order. It ends after an error.
	Files(ctx context.Context, under string) iter.Seq2[string, error]
	// Lock keeps others, also other processes, from what the name stands for,
	// until unlock is called or the process ends. With wait it waits for its
	// turn, otherwise it returns [ErrLocked] at once.
	Lock(ctx context.Context, name string, wait bool) (unlock func(), err error)
	// Stage gives a folder on this machine to make the results of name in.
	Stage(ctx context.Context, name string) (Stage, error)
}

// Stage is a place on disk where one folder of results is made.
type Stage interface {
	// Dir is where the results are made.
	Dir() string
	// Fetch brings those files that are there already into Dir.
	Fetch(ctx context.Context, files ...string) error
	// Publish makes the files of Dir those of the folder, the one called last
	// at last: where it is, the others are too.
	Publish(ctx context.Context, last string) error
	// Discard gives the place back; what was published stays.
	Discard()
}

// IsURL reports whether a place is the URL of an object store; every other is
// a path.
func IsURL(place string) bool {
	scheme, _, ok := strings.Cut(place, "://")
	return ok && scheme != "" && !strings.ContainsAny(scheme, `/\ `)
}

// Stores opens places. It keeps the buckets that it has opened; the zero value
// is ready, Close when nothing of it is in use any more.
type Stores struct {
	// Scratch is where what is brought from or made for an object store lies
	// meanwhile; nil is a temporary folder without a limit.
	Scratch *Scratch

	mu      sync.Mutex
	buckets map[string]*blob.Bucket
}

// Open opens a folder: a path on disk, or the URL of a bucket and a prefix in
// it, such as s3://bucket/clips?region=eu-central-1.
func (s *Stores) Open(ctx context.Context, place string) (Folder, error) {
	if !IsURL(place) {
		return &disk{root: filepath.Clean(place)}, nil
	}
	bucket, prefix, err := s.bucket(ctx, place)
	if err != nil {
		return nil, err
	}
	return &bucketFolder{place: place, bucket: bucket, prefix: prefix, scratch: s.scratch()}, nil
}

func (s *Stores) scratch() *Scratch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Scratch == nil {
		s.Scratch = &Scratch{}
	}
	return s.Scratch
}

// bucket opens the bucket of a URL, once, and gives the key that the URL's path
// stands for.
func (s *Stores) bucket(ctx context.Context, place string) (*blob.Bucket, string, error) {
	name, key, err := splitURL(place)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.buckets[name]; ok {
		return b, key, nil
	}
	b, err := blob.OpenBucket(ctx, name)
	if err != nil {
		return nil, "", fmt.Errorf("open %s: %w", place, err)
	}
	if s.buckets == nil {
		s.buckets = map[string]*blob.Bucket{}
	}
	s.buckets[name] = b
	return b, key, nil
}

// splitURL parts the URL of a place in a bucket into the bucket's own, with
// its parameters, and the key.
func splitURL(place string) (bucket, key string, err error) {
	u, err := url.Parse(place)
	if err != nil {
		return "", "", fmt.Errorf("%s is no URL: %w", place, err)
	}
	key = strings.Trim(path.Clean("/"+u.Path), "/")
	u.Path, u.RawPath = "", ""
	if u.Scheme == "file" {
		if u.Host != "" {
			return "", "", fmt.Errorf("%s names a host: a file URL has three slashes, file:///folder", place)
		}
		// The driver would else make its temporary files in the system's own
		// folder and could not rename them across file systems, and would put
		// a second file beside each.
		q := u.Query()
		q.Set("no_tmp_dir", "true")
		q.Set("metadata", "skip")
		u.Path, u.RawQuery = "/", q.Encode()
	}
	return u.String(), key, nil
}

// Close closes every bucket and takes the scratch folder away.
func (s *Stores) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first error
	for _, b := range s.buckets {
		if err := b.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.buckets = nil
	if s.Scratch != nil {
		s.Scratch.clear()
	}
	return first
}

// join is prefix/name without a slash at either end.
func join(prefix, name string) string { return strings.Trim(path.Join(prefix, name), "/") }
