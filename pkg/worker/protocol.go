package worker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/export"
	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/job"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/perception"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

// task is what a child is asked for.
type task string

const (
	taskRun    task = "run"
	taskRender task = "render"
	taskWatch  task = "watch"
)

// request is what a child reads, one gob on standard input. Gob carries every
// field of the options, names that are not UTF-8 and NaNs, and leaves functions
// out; it is no format for what comes back, since its decoder does not defend
// itself, and a child has read a stranger's file.
type request struct {
	Task      task
	Clip      string
	Folder    string
	Options   job.Options
	MaxMemory int64 // what the parent allows, bytes; not positive: any
}

func newRequest(t task, clip, folder string, o job.Options) request {
	o.Progress, o.Note, o.Watch = nil, nil, nil
	o.Perception.Info, o.Perception.Progress, o.Perception.Note = nil, nil, nil
	return request{Task: t, Clip: clip, Folder: folder, Options: o}
}

func writeRequest(w io.Writer, r *request) error { return gob.NewEncoder(w).Encode(r) }

func readRequest(r io.Reader) (*request, error) {
	var q request
	if err := gob.NewDecoder(r).Decode(&q); err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	return &q, nil
}

// answer is a line that a child writes, JSON on standard output: any number of
// progress and notes, then one of the others.
type answer struct {
	Progress  *progress    `json:"progress,omitempty"`
	Note      string       `json:"note,omitempty"`
	Summary   *job.Summary `json:"summary,omitempty"`
	Recording []byte       `json:"recording,omitempty"` // as recording.Encode writes it
	Failure   *failure     `json:"failure,omitempty"`
}

type progress struct {
	Stage job.Stage `json:"stage"`
	Done  int       `json:"done"`
	Total int       `json:"total"`
}

// last reports whether nothing comes after a.
func (a *answer) last() bool { return a.Summary != nil || a.Recording != nil || a.Failure != nil }

// summary is what the child said, of the folder as the parent named it: JSON
// does not carry every name.
func (a *answer) summary(folder string) *job.Summary {
	s := *a.Summary
	s.Folder = folder
	if s.Video != "" {
		s.Video = filepath.Join(folder, job.VideoFile)
	}
	return &s
}

func (a *answer) recording() (*recording.Recording, error) {
	return recording.Decode(bytes.NewReader(a.Recording))
}

// fits reports whether a can be the end of task t.
func (a *answer) fits(t task) bool {
	if a.Failure != nil {
		return true
	}
	return (a.Recording != nil) == (t == taskWatch) && (a.Summary != nil) == (t != taskWatch)
}

// failure is an error on its way to the parent.
type failure struct {
	Message string   `json:"message"`
	Kinds   []string `json:"kinds,omitempty"`
}

// kinds are the errors that a caller of a Runner may branch on.
var kinds = map[string]error{
	"no-person":          perception.ErrNoPerson,
	"too-short":          perception.ErrTooShort,
	"lift-no-person":     lift.ErrNoPerson,
	"lift-too-short":     lift.ErrTooShort,
	"calibration":        analysis.ErrCalibration,
	"exists":             job.ErrExists,
	"no-scale":           export.ErrNoScale,
	"not-writable":       job.ErrNotWritable,
	"no-onnxruntime":     infer.ErrNoONNXRuntime,
	"no-program":         video.ErrNoProgram,
	"old-program":        video.ErrOldProgram,
	"not-there":          fs.ErrNotExist,
	"permission":         fs.ErrPermission,
	"cancelled":          context.Canceled,
	"empty":              video.ErrEmpty,
	"not-video":          video.ErrNotVideo,
	"truncated":          video.ErrTruncated,
	"no-video-stream":    video.ErrNoVideoStream,
	"too-large":          video.ErrTooLarge,
	"no-frames":          video.ErrNoFrames,
	"decode":             video.ErrDecode,
	"encode":             video.ErrEncode,
	"directory":          video.ErrDirectory,
	"no-regular-file":    video.ErrNotRegular,
	"symbolic-link-loop": video.ErrSymlinkLoop,
}

func newFailure(err error) *failure {
	f := &failure{Message: err.Error()}
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			f.Kinds = append(f.Kinds, name)
		}
	}
	return f
}

// err is the error that the failure was made of, as far as its kinds tell.
func (f *failure) err() error {
	e := &relayed{message: f.Message}
	for _, name := range f.Kinds {
		if kind, ok := kinds[name]; ok {
			e.kinds = append(e.kinds, kind)
		}
	}
	return e
}

// relayed is an error that happened in a child.
type relayed struct {
	message string
	kinds   []error
}

func (e *relayed) Error() string   { return e.message }
func (e *relayed) Unwrap() []error { return e.kinds }

// maxLine is the length of the longest answer that is read, bytes. The
// recording of an hour at 30 pictures a second has about a quarter of it.
const maxLine = 512 << 20

// readAnswers hands each answer to take until the last, which it returns, or
// the end, where it returns nil. Lines that are no answers are of native
// libraries that talk, and skipped.
func readAnswers(r io.Reader, take func(*answer)) *answer {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue
		}
		if a.last() {
			return &a
		}
		take(&a)
	}
	return nil
}
