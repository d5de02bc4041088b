package video

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// SinkOptions say what is written. Width and Height are needed; the rest has
// useful zero values.
type SinkOptions struct {
	Width, Height int    // of the pictures given to Write, pixels, at least 2
	Format        Format // of their bytes

	// FPS is about how many pictures a second there will be, 0 = 30. It guides the
	// encoder's rate control only: each picture is shown at the time it was written with.
	FPS float64
	// AudioFrom is a clip whose first sound is carried over, kept in step: time 0 of the
	// pictures is the Source's time 0 of that clip. AAC and MP3 are copied, anything
	// else becomes AAC. Empty, or a clip without sound: silent.
	AudioFrom string
	// AudioInfo is what Probe said of AudioFrom, if that is known already.
	AudioInfo *Info
	// Preset is x264's trade of speed for size, "ultrafast" … "veryslow"; empty = "veryfast".
	Preset string
	// CRF is x264's constant quality, 1 (best) … 51; 0 = 23.
	CRF int
	// Tuning are more of x264's parameters, "name=value:…", which count more than Preset.
	Tuning string
	// Threads the encoder may use, 0 = as many as there are cores.
	Threads int
	// MaxMemory bounds the encoder's address space in bytes, 0 = DefaultMaxMemory.
	MaxMemory int64
	// MaxBytes bounds the file's size; beyond it Close fails and nothing is left. 0 = no bound.
	MaxBytes int64
}

var presets = map[string]bool{
	"ultrafast": true, "superfast": true, "veryfast": true, "faster": true, "fast": true,
	"medium": true, "slow": true, "slower": true, "veryslow": true,
}

// Validate names the option that makes no sense.
func (o SinkOptions) Validate() error {
	switch {
	case o.Width < 2 || o.Height < 2 || o.Width > MaxPixels/o.Height:
		return fmt.Errorf("video: cannot encode pictures of %d × %d pixels", o.Width, o.Height)
	case !o.Format.known():
		return fmt.Errorf("video: unknown format %d", o.Format)
	case !(o.FPS >= 0 && o.FPS < 1e6):
		return fmt.Errorf("video: FPS %g is not a rate", o.FPS)
	case o.Preset != "" && !presets[o.Preset]:
		return fmt.Errorf("video: unknown preset %q", o.Preset)
	case o.CRF < 0 || o.CRF > 51:
		return fmt.Errorf("video: CRF %d is not in 1…51", o.CRF)
	case o.Threads < 0 || o.MaxMemory < 0 || o.MaxBytes < 0:
		return errors.New("video: Threads, MaxMemory and MaxBytes must not be negative")
	}
	return nil
}

// trackClock is the output's ticks per second. Pictures at 24, 25, 30, 50, 60, 120,
// 240 a second, and at 1000/1001 of 24, 30 and 60, fall on whole ticks.
const trackClock = 120_000

// Sink encodes pictures to an MP4 file: H.264, yuv420p, index in front, which plays in
// browsers and on phones. The file appears under its name in Close, whole, or never.
// A Sink is for one goroutine at a time.
type Sink struct {
	path, part string
	opts       SinkOptions
	cause      func() error // why NewSink's context ended, nil while it has not
	cancel     context.CancelFunc
	child      *child
	pipe       *os.File
	head       []byte
	last       float64 // time of the last picture
	written    int

	finish sync.Once
	err    error // of the first Close or Abort
}

// NewSink starts to encode to path, whose folder must exist; a file of that name
// is replaced when Close succeeds. The caller ends with Close, and may defer
// Abort, which then does nothing. Ending ctx kills the encoder; Close or Abort is
// still needed to clear up.
func NewSink(ctx context.Context, path string, opts SinkOptions) (*Sink, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if opts.AudioFrom != "" && opts.AudioInfo == nil {
		info, err := Probe(ctx, opts.AudioFrom)
		if err != nil {
			return nil, fmt.Errorf("sound of %w", err)
		}
		opts.AudioInfo = &info
	}
	part, err := createPart(path)
	if err != nil {
		return nil, err
	}
	s := &Sink{path: path, part: part, opts: opts, last: math.Inf(-1)}
	s.cause = func() error { return context.Cause(ctx) }
	if err := s.start(ctx); err != nil {
		os.Remove(part)
		return nil, fileError(path, err)
	}
	return s, nil
}

// createPart makes the temporary file beside path. Making it here and not in ffmpeg gives a
// good error early.
func createPart(path string) (string, error) {
	dir, base := filepath.Split(path)
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return "", fileError(path, errors.New("is a folder; cannot write a video there"))
	}
	const longest = 200 // of the 255 bytes a name may have
	if len(base) > longest {
		base = base[:longest]
	}
	part := filepath.Join(dir, "."+base+"."+rand.Text()[:8]+".part")
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return "", fileError(path, fmt.Errorf("cannot write here: %w", err))
	}
	return part, f.Close()
}

func (s *Sink) start(ctx context.Context) error {
	childIn, pipe, err := newStream()
	if err != nil {
		return fmt.Errorf("make a stream: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	c, err := startChild(ctx, childSpec{
		program: "ffmpeg", args: s.args(), stdin: childIn,
		maxMemory: s.opts.MaxMemory, maxFile: s.opts.MaxBytes,
	})
	if err != nil {
		cancel()
		pipe.Close()
		return err
	}
	s.cancel, s.child, s.pipe = cancel, c, pipe
	return nil
}

func (s *Sink) args() []string {
	o := s.opts
	preset, crf := o.Preset, o.CRF
	if preset == "" {
		preset = "veryfast"
	}
	if crf == 0 {
		crf = 23
	}
	clock := strconv.Itoa(trackClock)
	args := []string{
		"-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+error", "-y",
		"-copyts",              // pictures and sound keep the times they come with
		"-max_error_rate", "1", // damaged sound is no reason to lose the picture
		"-filter_threads", strconv.Itoa(o.Threads),
		// The header says all: do not read ahead to guess.
		"-f", "matroska", "-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0",
		"-protocol_whitelist", "pipe", "-i", "pipe:0",
	}
	// A sound codec that ffmpeg cannot name it can neither copy nor convert.
	audio := o.AudioFrom != "" && o.AudioInfo.HasAudio && o.AudioInfo.AudioCodec != ""
	if audio {
		args = append(args, "-itsoffset", strconv.FormatFloat(-o.AudioInfo.StartS, 'f', 6, 64))
		args = append(args, inputArgs(o.AudioFrom)...)
	}
	args = append(args, "-map", "0:v:0")
	if audio {
		args = append(args, "-map", "1:a:0")
		switch o.AudioInfo.AudioCodec {
		case "aac", "mp3":
			args = append(args, "-c:a", "copy")
		default:
			args = append(args, "-c:a", "aac", "-b:a", "160k")
		}
	}
	// H.264 of this kind wants even sizes. The odd last column or row is cut, which
	// moves no picture coordinate.
	filters := fmt.Sprintf("crop=%d:%d:0:0", o.Width&^1, o.Height&^1)
	if o.Format != YUV {
		filters += ",scale=" + toYUV + ",format=yuv420p"
	}
	args = append(args,
		"-vf", filters,
		"-fps_mode", "passthrough", "-enc_time_base", "1:"+clock, "-video_track_timescale", clock,
		"-c:v", "libx264", "-preset", preset, "-crf", strconv.Itoa(crf), "-x264-params", o.Tuning, "-threads", strconv.Itoa(o.Threads),
		"-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
		"-map_metadata", "-1", "-movflags", "+faststart",
		"-f", "mp4", "file:"+s.part,
	)
	return args
}

// Write encodes one picture of the sink's format, to be shown at t seconds: at
// least 0 and later than the picture before. It returns when the encoder has
// taken the picture; pix may be reused then.
func (s *Sink) Write(pix []byte, t float64) error {
	if want := s.opts.Format.Size(s.opts.Width, s.opts.Height); len(pix) != want {
		return fileError(s.path, fmt.Errorf("picture %d has %d bytes, want %d", s.written, len(pix), want))
	}
	const latest = 1e9 // 30 years, and far from overflow
	if !(t >= 0 && t < latest && t > s.last) {
		return fileError(s.path, fmt.Errorf("picture %d at %g s does not come after the one at %g s", s.written, t, s.last))
	}
	s.head = s.head[:0]
	if s.written == 0 {
		fps := s.opts.FPS
		if fps == 0 {
			fps = 30
		}
		s.head = append(s.head, matroskaHeader(s.opts.Width, s.opts.Height, s.opts.Format, fps)...)
	}
	s.head = matroskaPicture(s.head, uint64(math.Round(t*1e6)), len(pix))
	for _, b := range [][]byte{s.head, pix} {
		if _, err := s.pipe.Write(b); err != nil {
			s.end(failed)
			return s.err
		}
	}
	s.last = t
	s.written++
	return nil
}

// Close finishes the file and gives it its name. On any error nothing is left.
func (s *Sink) Close() error {
	s.end(complete)
	return s.err
}

// Abort stops the encoder and leaves nothing. After Close it does nothing.
func (s *Sink) Abort() {
	s.end(aborted)
}

// ending is how a Sink comes to its end; only the first counts.
type ending int

const (
	complete ending = iota // all pictures are written
	failed                 // the encoder no longer takes pictures
	aborted                // the caller does not want the file
)

func (s *Sink) end(how ending) {
	s.finish.Do(func() {
		if err := s.shutDown(how); err != nil {
			os.Remove(s.part)
			s.err = fileError(s.path, err)
		}
	})
}

func (s *Sink) shutDown(how ending) error {
	defer s.cancel()
	empty := how == complete && s.written == 0
	if how == aborted || empty {
		s.cancel() // before the pipe closes, or ffmpeg would take it for the end of the film
	}
	closeErr := s.pipe.Close()
	exit := s.child.wait()
	switch {
	case how == aborted:
		return fmt.Errorf("writing was given up: %w", os.ErrClosed)
	case s.cause() != nil:
		return s.cause()
	case empty:
		return fmt.Errorf("%w (no picture was written)", ErrEncode)
	case exit != nil || how == failed:
		return because(ErrEncode, exit)
	case closeErr != nil:
		return because(ErrEncode, closeErr)
	case s.child.log.contains("Error writing trailer"): // ffmpeg 5 and 6 exit with 0 all the same
		return because(ErrEncode, errors.New(s.child.log.last()))
	}
	if err := settle(s.part); err != nil {
		return because(ErrEncode, err)
	}
	if err := os.Rename(s.part, s.path); err != nil {
		return fmt.Errorf("give the finished file its name: %w", errors.Unwrap(err))
	}
	return nil
}

// settle makes sure that the finished file is whole and on the disk.
func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := checkBoxes(f); err != nil {
		return err
	}
	return f.Sync()
}

// checkBoxes walks an MP4's outermost boxes (ISO/IEC 14496-12, 4.2): they
// must fill the file exactly, with the index (moov) before the data (mdat).
func checkBoxes(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	var order []string
	for at := int64(0); at < st.Size(); {
		var head [16]byte
		if n, err := f.ReadAt(head[:], at); n < 8 {
			return fmt.Errorf("read the finished file: %w", err)
		}
		size := int64(binary.BigEndian.Uint32(head[:4]))
		if size == 1 {
			size = int64(binary.BigEndian.Uint64(head[8:]))
		}
		if size < 8 || size > st.Size()-at {
			return errors.New("the finished file is cut off")
		}
		order = append(order, string(head[4:8]))
		at += size
	}
	index, data := slices.Index(order, "moov"), slices.Index(order, "mdat")
	if index < 0 || data < index {
		return errors.New("the finished file has no index in front")
	}
	return nil
}
