package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// bucketFolder is a prefix of an object store.
type bucketFolder struct {
	place   string
	bucket  *blob.Bucket
	prefix  string
	scratch *Scratch
}

func (b *bucketFolder) String() string { return b.place }

func (b *bucketFolder) key(name string) string { return join(b.prefix, name) }

// explain says what was being done, and makes "not found" what it is on disk.
func (b *bucketFolder) explain(doing, name string, err error) error {
	if err == nil {
		return nil
	}
	if gcerrors.Code(err) == gcerrors.NotFound {
		err = fs.ErrNotExist
	}
	return fmt.Errorf("%s %s in %s: %w", doing, name, b.place, err)
}

func (b *bucketFolder) Read(ctx context.Context, name string) ([]byte, error) {
	content, err := b.bucket.ReadAll(ctx, b.key(name))
	return content, b.explain("read", name, err)
}

// Write relies on what every object store gives: an object appears when its
// upload is complete.
func (b *bucketFolder) Write(ctx context.Context, name string, content []byte) error {
	return b.explain("write", name, b.bucket.WriteAll(ctx, b.key(name), content, nil))
}

func (b *bucketFolder) Remove(ctx context.Context, name string) error {
	err := b.bucket.Delete(ctx, b.key(name))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return b.explain("remove", name, err)
}

func (b *bucketFolder) Exists(ctx context.Context, name string) (bool, error) {
	there, err := b.bucket.Exists(ctx, b.key(name))
	return there, b.explain("look for", name, err)
}

func (b *bucketFolder) Files(ctx context.Context, under string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		objects := b.bucket.List(&blob.ListOptions{Prefix: slash(b.key(under))})
		for {
			o, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", b.explain("list", under, err))
				return
			}
			if !yield(strings.TrimPrefix(o.Key, slash(b.prefix)), nil) {
				return
			}
		}
	}
}

// slash ends a prefix so that it takes what is under it and not what merely
// begins alike.
func slash(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}

// Lock locks nothing: object stores have no locks that end with their holder.
// Shards keep runs apart; two that make the same results at the same time
// replace each file by its like.
func (b *bucketFolder) Lock(context.Context, string, bool) (func(), error) { return func() {}, nil }

func (b *bucketFolder) Stage(_ context.Context, name string) (Stage, error) {
	dir, err := b.scratch.tempDir()
	if err != nil {
		return nil, err
	}
	return &upload{b, name, dir}, nil
}

// upload is a stage whose files go to a bucket.
type upload struct {
	to   *bucketFolder
	name string
	dir  string
}

func (u *upload) Dir() string { return u.dir }

func (u *upload) Discard() { _ = os.RemoveAll(u.dir) }

func (u *upload) Fetch(ctx context.Context, files ...string) error {
	for _, file := range files {
		err := download(ctx, u.to.bucket, join(u.to.key(u.name), file), filepath.Join(u.dir, file))
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue
		}
		if err != nil {
			return u.to.explain("fetch", u.name+"/"+file, err)
		}
	}
	return nil
}

// Publish takes the mark of an older result away, makes the files those of Dir,
// and sets the mark.
func (u *upload) Publish(ctx context.Context, last string) error {
	if err := u.to.Remove(ctx, u.name+"/"+last); err != nil {
		return err
	}
	entries, err := os.ReadDir(u.dir)
	if err != nil {
		return err
	}
	made := map[string]bool{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		made[e.Name()] = true
		if e.Name() == last {
			continue
		}
		if err := u.send(ctx, e.Name()); err != nil {
			return err
		}
	}
	if err := u.removeStale(ctx, made); err != nil {
		return err
	}
	if made[last] {
		return u.send(ctx, last)
	}
	return nil
}

// removeStale takes away what an older result left and this one does not have.
// Subfolders are other clips' results.
func (u *upload) removeStale(ctx context.Context, made map[string]bool) error {
	objects := u.to.bucket.List(&blob.ListOptions{Prefix: slash(u.to.key(u.name)), Delimiter: "/"})
	for {
		o, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return u.to.explain("list", u.name, err)
		}
		base := strings.TrimPrefix(o.Key, slash(u.to.key(u.name)))
		if o.IsDir || made[base] {
			continue
		}
		if err := u.to.Remove(ctx, u.name+"/"+base); err != nil {
			return err
		}
	}
}

func (u *upload) send(ctx context.Context, file string) error {
	f, err := os.Open(filepath.Join(u.dir, file))
	if err != nil {
		return err
	}
	defer f.Close()
	name := u.name + "/" + file
	err = u.to.bucket.Upload(ctx, u.to.key(name), f, &blob.WriterOptions{ContentType: contentType(file)})
	return u.to.explain("upload", name, err)
}

// contentType lets a browser show results straight from a bucket.
func contentType(file string) string {
	switch filepath.Ext(file) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".json":
		return "application/json"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".mp4":
		return "video/mp4"
	case ".jpg":
		return "image/jpeg"
	}
	return "application/octet-stream"
}
