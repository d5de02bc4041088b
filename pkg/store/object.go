package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"path"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Object is a file in an object store.
type Object struct {
	URL    string
	Path   string // below the place that was listed, with slashes
	Root   string // last part of the name of the folder that Path is below
	Single bool   // the place named the object itself
	Mark   Mark
}

// Objects lists what is under the URL of a place, or the one object of that
// name. It ends after an error; nothing there is an error that wraps
// [fs.ErrNotExist].
func (s *Stores) Objects(ctx context.Context, place string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		b, prefix, err := s.bucket(ctx, place)
		if err != nil {
			yield(Object{}, err)
			return
		}
		none := true
		objects := b.List(&blob.ListOptions{Prefix: slash(prefix)})
		for {
			o, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				yield(Object{}, fmt.Errorf("list %s: %w", place, err))
				return
			}
			none = false
			found := Object{
				URL: objectURL(place, o.Key), Path: strings.TrimPrefix(o.Key, slash(prefix)), Root: lastPart(prefix),
				Mark: objectMark(o.Size, o.ModTime, o.MD5),
			}
			if !yield(found, nil) {
				return
			}
		}
		if !none {
			return
		}
		a, err := b.Attributes(ctx, prefix)
		switch {
		case prefix == "" || gcerrors.Code(err) == gcerrors.NotFound:
			yield(Object{}, fmt.Errorf("nothing is under %s: %w", place, fs.ErrNotExist))
		case err != nil:
			yield(Object{}, fmt.Errorf("look at %s: %w", place, err))
		default:
			yield(Object{URL: place, Path: path.Base(prefix), Root: lastPart(path.Dir(prefix)), Single: true, Mark: objectMark(a.Size, a.ModTime, a.MD5)}, nil)
		}
	}
}

// lastPart is the name of a prefix, "" for the bucket itself.
func lastPart(prefix string) string {
	if prefix == "" || prefix == "." {
		return ""
	}
	return path.Base(prefix)
}

// objectURL is the URL of a key in the bucket of a place.
func objectURL(place, key string) string {
	u, err := url.Parse(place)
	if err != nil {
		return place // it has been parsed before
	}
	u.Path, u.RawPath = "/"+key, ""
	return u.String()
}
