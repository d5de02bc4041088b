package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// errOutput says that the output is at fault, not the clip.
var errOutput = errors.New("output")

// make brings the clip here, has it worked on and takes the results away. It
// fills in what is learnt of the clip itself. Skipped says that the clip only
// looked changed and its old state, s, still holds.
func (r *run) make(ctx context.Context, it Item, s, next *State) (outcome Outcome, skipped bool, err error) {
	// Asked before the content is read: a clip that changes meanwhile looks
	// changed to the next run.
	if next.Mark, err = r.mark(ctx, it); err != nil {
		return outcome, false, passing(err)
	}
	file, release, err := r.stores.Fetch(ctx, it.Source)
	if err != nil {
		return outcome, false, passing(err)
	}
	defer release()
	if !missingContent(s) && s.Keys.cover(r.options.Keys) && r.settled(s) && r.whole(ctx, s) {
		sum, err := hash(ctx, file)
		if err == nil && sum == s.SHA256 {
			next.SHA256, next.Keys = sum, s.Keys
			return Outcome{Status: s.Status, Reason: s.Reason, SHA256: sum}, true, nil
		}
	}
	if s == nil {
		if err := r.foreign(ctx, it.Name, file); err != nil {
			return outcome, false, err
		}
	}
	stage, err := r.out.Stage(ctx, it.Name)
	if err != nil {
		return outcome, false, fmt.Errorf("%w %s: %w", errOutput, r.out, err)
	}
	defer stage.Discard()
	if s != nil && s.Results && s.Keys.Perception == r.options.Keys.Perception {
		if err := stage.Fetch(ctx, r.options.Reuse...); err != nil {
			return outcome, false, passing(err)
		}
	}
	// Without its mark a folder is one that was interrupted: what is there and
	// fits is used.
	if err := os.Remove(filepath.Join(stage.Dir(), r.options.Mark)); err != nil && !missing(err) {
		return outcome, false, fmt.Errorf("%w %s: %w", errOutput, r.out, err)
	}
	if outcome, err = r.compute(ctx, &Task{Item: it, File: file, Folder: stage.Dir()}); err == nil {
		if err = stage.Publish(ctx, r.options.Mark); err != nil {
			err = passing(err)
		}
	}
	if err != nil && ctx.Err() == nil {
		next.SHA256, _ = hash(ctx, file) // so that another clip in its place is told apart
		if s != nil && s.Results {
			err = errors.Join(err, r.out.Remove(ctx, it.Name+"/"+r.options.Mark))
		}
	}
	return outcome, false, err
}

// compute has the work done when one of the workers is free.
func (r *run) compute(ctx context.Context, t *Task) (Outcome, error) {
	select {
	case t.Worker = <-r.idle:
		defer func() { r.idle <- t.Worker }()
	case <-ctx.Done():
		return Outcome{}, context.Cause(ctx)
	}
	outcome, err := r.options.Work(ctx, t)
	if err != nil {
		err = &clipError{t.File, err}
	}
	return outcome, err
}

// clipError is an error of Work, which is told the clip as a file on this
// machine, perhaps a passing one.
type clipError struct {
	file string
	error
}

func (e *clipError) Error() string {
	return strings.ReplaceAll(strings.TrimPrefix(e.error.Error(), e.file+": "), e.file, "the clip")
}

func (e *clipError) Unwrap() error { return e.error }

func missingContent(s *State) bool { return s == nil || s.SHA256 == "" }

// whole reports whether the results that a state tells of are there.
func (r *run) whole(ctx context.Context, s *State) bool {
	if !s.Results {
		return true
	}
	there, err := r.out.Exists(ctx, s.Name+"/"+r.options.Mark)
	return err == nil && there
}

// foreign refuses to replace a result that no batch made and that is of another
// clip.
func (r *run) foreign(ctx context.Context, name, file string) error {
	content, err := r.out.Read(ctx, name+"/"+r.options.Mark)
	if missing(err) {
		return nil
	}
	if err != nil {
		return passing(err)
	}
	var result struct {
		Clip struct {
			SHA256 string `json:"sha256"`
		} `json:"clip"`
	}
	sum, err := hash(ctx, file)
	if err != nil {
		return err
	}
	if json.Unmarshal(content, &result) == nil && result.Clip.SHA256 != sum {
		return fmt.Errorf("%s/%s holds the result of another clip; move it away or name another output with -o: %w", r.out, name, ErrPassing)
	}
	return nil
}

// passing classes an error as one that may pass.
func passing(err error) error { return fmt.Errorf("%w: %w", err, ErrPassing) }

// hash is the SHA-256 of a file's content.
func hash(ctx context.Context, file string) (string, error) {
	// Opening a FIFO would wait for somebody to write to it.
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file", file)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	buffer := make([]byte, 1<<20)
	for {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n, err := f.Read(buffer)
		h.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
