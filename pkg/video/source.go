package video

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Options say how a clip is read. The zero value gives every picture at full size.
type Options struct {
	// SampleHz takes about this many pictures a second, those nearest to the ticks of
	// a clock, each with its own time. 0 takes all. A clip up to 1.2 times as
	// fast is taken whole.
	SampleHz float64
	// Slowdown is how many times slower than it was filmed the clip plays: 8 for
	// 240 pictures a second that play at 30. Times are as filmed then, and so is
	// SampleHz. 0 = 1.
	Slowdown float64
	// MaxWidth and MaxHeight bound the picture, which is shrunk to fit and
	// keeps its shape. 0 = no bound. It is never enlarged.
	MaxWidth, MaxHeight int
	// Format of the pictures' bytes.
	Format Format
	// Latent pictures have their Pix only after [Frame.Develop]. Who leaves
	// pictures out is spared their colours.
	Latent bool
	// Threads the decoder may use, 0 = one up to 1080p, else as many as there are cores.
	Threads int
	// Ahead is how many pictures are decoded before they are asked for, 0 = 3.
	Ahead int
	// MaxMemory bounds the decoder's address space in bytes, 0 = DefaultMaxMemory.
	MaxMemory int64
	// Info of the clip from [Probe], if there is one already.
	Info *Info
}

// Validate names the option that makes no sense.
func (o Options) Validate() error {
	switch {
	case !(o.SampleHz >= 0 && o.SampleHz < 1e6):
		return fmt.Errorf("video: SampleHz %g is not a rate", o.SampleHz)
	case o.Slowdown != 0 && !(o.Slowdown >= 1 && o.Slowdown < 1e4):
		return fmt.Errorf("video: Slowdown %g is not 1 or more", o.Slowdown)
	case !o.Format.known():
		return fmt.Errorf("video: unknown format %d", o.Format)
	case o.MaxWidth < 0 || o.MaxHeight < 0:
		return fmt.Errorf("video: MaxWidth %d × MaxHeight %d must not be negative", o.MaxWidth, o.MaxHeight)
	case o.Threads < 0:
		return fmt.Errorf("video: Threads %d must not be negative", o.Threads)
	case o.Ahead < 0:
		return fmt.Errorf("video: Ahead %d must not be negative", o.Ahead)
	case o.MaxMemory < 0:
		return fmt.Errorf("video: MaxMemory %d must not be negative", o.MaxMemory)
	}
	return nil
}

// slowdown is what times are divided by.
func (o Options) slowdown() float64 { return max(1, o.Slowdown) }

// Frame is one upright picture.
type Frame struct {
	Index  int     // among all pictures of the clip, from 0, sampled or not
	Time   float64 // presentation time, seconds, see the package comment
	Width  int     // pixels
	Height int     //
	Format Format  // of Pix
	Pix    []byte  // Format.Size(Width, Height) bytes

	planes  []byte   // a latent picture, as it is coded
	colours *colours // that it has to be given
}

// Develop fills Pix of a latent picture (see [Options]), in the memory that the
// Frame had before. Of others, and a second time, it does nothing.
func (f *Frame) Develop() {
	if f.colours == nil {
		return
	}
	size := f.Format.Size(f.Width, f.Height)
	if cap(f.Pix) < size {
		f.Pix = make([]byte, size)
	}
	f.Pix = f.Pix[:size]
	f.colours.turn(f.Pix, f.planes, f.Width, f.Height)
	f.colours = nil
}

// Counts says what became of a clip's pictures so far.
type Counts struct {
	Decoded    int // came out of the decoder
	Given      int // on their way to Next or returned by it
	Repeated   int // left out because their time did not come after the one before
	Complaints int // messages of the decoder about damage; 0 for a sound clip
}

// Source gives a clip's pictures in order. It is for one goroutine at a time.
type Source struct {
	info          Info
	path          string
	slowdown      float64
	width, height int
	format        Format
	piped         Format   // that ffmpeg hands on
	colours       *colours // of what is piped as coded, else nil
	latent        bool

	cancel context.CancelFunc
	child  *child
	ready  chan Frame  // decoded ahead
	free   chan []byte // buffers to decode into; as many as ready holds, plus one
	err    error       // why ready was closed; set before
	done   sync.WaitGroup

	closed atomic.Bool // by the caller
	mu     sync.Mutex
	counts Counts
}

// Open starts to decode the clip at path. The caller closes the Source; ending ctx kills
// the decoder. Errors are those of [Probe].
func Open(ctx context.Context, path string, opts Options) (*Source, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	var info Info
	if opts.Info != nil {
		info = *opts.Info
		if err := checkFile(path); err != nil {
			return nil, err
		}
	} else {
		var err error
		if info, err = Probe(ctx, path); err != nil {
			return nil, err
		}
	}
	if info.Width <= 0 || info.Height <= 0 || info.Width > MaxPixels/info.Height {
		return nil, fileError(path, ErrTooLarge)
	}
	s := &Source{info: info, path: path, slowdown: opts.slowdown(), format: opts.Format, piped: opts.Format, latent: opts.Latent}
	s.width, s.height = fit(info.Width, info.Height, opts.MaxWidth, opts.MaxHeight)
	if c := info.colours(); c != nil && s.format == BGR && info.unscaled(s.width, s.height) && turns(s.width, s.height) {
		s.colours, s.piped = c, coded
	}
	run, cancel := context.WithCancel(ctx)
	s.cancel = cancel

	pictures, childOut, err := newStream()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("make a stream: %w", err)
	}
	marks, childMarks, err := os.Pipe()
	if err != nil {
		cancel()
		pictures.Close()
		childOut.Close()
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	// Decoding is ahead of whoever looks at the pictures, and is not to take the
	// core from them.
	s.child, err = startChild(run, childSpec{
		program: "ffmpeg", args: s.args(opts), stdout: childOut, fd3: childMarks, maxMemory: opts.MaxMemory, givesWay: true,
	})
	if err != nil {
		cancel()
		pictures.Close()
		marks.Close()
		return nil, fileError(path, err)
	}

	ahead := opts.Ahead
	if ahead == 0 {
		ahead = 3
	}
	s.ready = make(chan Frame, ahead)
	s.free = make(chan []byte, ahead+1)
	for range ahead + 1 {
		s.free <- nil // made when first needed
	}
	// The times of at most a few pictures are under way between the last filter and
	// the output; a full channel could only ever make ffmpeg wait for the
	// pictures to be read.
	stamps := make(chan stamp, 4096)
	s.done.Go(func() { s.readMarks(run, marks, stamps) })
	s.done.Go(func() { s.readPictures(ctx, run, pictures, stamps) })
	return s, nil
}

// quickPixels is what one thread decodes several times faster than anybody looks
// at it or draws on it: 1080p. More threads take a tenth more processor time.
const quickPixels = 1920 * 1088

func (s *Source) args(opts Options) []string {
	threads := opts.Threads
	if threads == 0 && s.info.Width*s.info.Height <= quickPixels {
		threads = 1
	}
	args := []string{
		"-nostdin", "-hide_banner", "-nostats", "-loglevel", "repeat+error",
		"-max_error_rate", "1", // damaged pictures are patched up and counted, not fatal
		"-filter_threads", strconv.Itoa(threads),
		"-threads", strconv.Itoa(threads),
		"-max_pixels", strconv.Itoa(MaxPixels),
		"-noautorotate", "-copyts",
	}
	args = append(args, inputArgs(s.path)...)
	return append(args,
		"-map", "0:"+strconv.Itoa(s.info.StreamIndex),
		"-vf", decodeFilters(s.info, s.width, s.height, opts.SampleHz/s.slowdown, s.piped),
		"-fps_mode", "passthrough", // no picture is doubled or left out to keep a rate
		"-enc_time_base", "1:1000000", // or two pictures may fall on one tick of the mean rate
		"-c:v", "rawvideo", "-pix_fmt", s.piped.pixelFormat(s.info), "-f", "rawvideo", "pipe:1",
	)
}

// Info returns what the clip is.
func (s *Source) Info() Info { return s.info }

// Size returns the size of the pictures that Next gives, pixels.
func (s *Source) Size() (width, height int) { return s.width, s.height }

// Counts may be called at any time; the numbers are final after Next returned an error.
func (s *Source) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Complaints = s.child.log.complained()
	return c
}

// Next stores the next picture in dst, and returns io.EOF after the last.
//
// The picture is the caller's until the caller passes the same Frame to Next again: Next
// exchanges dst's memory for a filled buffer and decodes into the old one later. So
// one Frame in a loop allocates nothing, and several Frames may be held at once.
func (s *Source) Next(dst *Frame) error {
	frame, ok := <-s.ready
	if !ok {
		return s.err
	}
	old := dst.Pix
	if s.colours != nil {
		old, frame.Pix = dst.planes, dst.Pix
	}
	*dst = frame
	s.free <- old // has room: it holds what ready and the reader do not
	if !s.latent {
		dst.Develop()
	}
	return nil
}

// Close stops the decoder and waits until it is gone. It may be called twice.
func (s *Source) Close() error {
	s.closed.Store(true)
	s.cancel()
	s.done.Wait()
	return nil
}

// stamp is the index and time of one picture on its way through the pipe.
type stamp struct {
	index int
	time  float64
}

// readMarks follows the marks that the filters write (see decodeFilters).
func (s *Source) readMarks(run context.Context, marks *os.File, stamps chan<- stamp) {
	defer marks.Close()
	defer close(stamps)
	decoded := func(repeated bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counts.Decoded++
		if repeated {
			s.counts.Repeated++
		}
	}
	err := parseMarks(marks, decoded, func(index int, us int64) error {
		select {
		case stamps <- stamp{index, (float64(us)/1e6 - s.info.StartS) / s.slowdown}:
			return nil
		case <-run.Done():
			return run.Err()
		}
	})
	if err != nil {
		s.cancel() // nobody would read the marks, and ffmpeg would wait for ever
	}
}

// parseMarks reads lines of the form
//
//	frame:12   pts:400000  pts_time:0.4
//	a=1
//
// and calls decoded for each picture that left the decoder, and given, with its
// index and time in microseconds, for each that goes on to the output.
func parseMarks(r io.Reader, decoded func(repeated bool), given func(index int, us int64) error) error {
	type entry struct {
		index int
		us    int64
	}
	var (
		waiting []entry // decoded, not yet known to be given or left out
		count   int
		us      int64
		timed   bool
		latest  int64 = math.MinInt64
	)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "frame:"):
			us, timed = parseStamp(line)
		case line == "a=1":
			decoded(!timed || us <= latest)
			if timed && us > latest {
				waiting = append(waiting, entry{count, us})
				latest = us
			}
			count++
		case line == "s=1" && timed:
			for len(waiting) > 0 && waiting[0].us < us {
				waiting = waiting[1:]
			}
			index := count - 1 // of a repeated picture that passed anew-built filters
			if len(waiting) > 0 && waiting[0].us == us {
				index = waiting[0].index
				waiting = waiting[1:]
			}
			if err := given(index, us); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// parseStamp reads the time in microseconds from "frame:0    pts:33333   pts_time:0.033333".
func parseStamp(line string) (us int64, ok bool) {
	_, rest, ok := strings.Cut(line, " pts:")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, " ")
	us, err := strconv.ParseInt(digits, 10, 64)
	return us, err == nil // "NOPTS" is no time
}

// readPictures reads raw pictures, joins each with its time and says at the end
// how it went.
func (s *Source) readPictures(ctx, run context.Context, pictures *os.File, stamps <-chan stamp) {
	err := s.pump(run, pictures, stamps)
	pictures.Close()
	if err != nil {
		s.cancel() // ffmpeg may still be there, and nobody reads what it writes
	}
	exit := s.child.wait()
	given := s.Counts().Given
	switch {
	case err == nil && exit == nil && given > 0:
		s.err = io.EOF
	case ctx.Err() != nil:
		s.err = fileError(s.path, context.Cause(ctx))
	case s.closed.Load():
		s.err = fileError(s.path, os.ErrClosed)
	case errors.Is(exit, ErrOldProgram):
		s.err = fileError(s.path, exit)
	case given == 0:
		s.err = fileError(s.path, because(ErrNoFrames, exit))
	default:
		s.err = fileError(s.path, because(fmt.Errorf("%w after %d pictures", ErrDecode, given), cmp.Or(exit, err)))
	}
	close(s.ready)
}

// because joins an error with its cause, if there is one.
func because(err, cause error) error {
	if cause == nil {
		return err
	}
	return fmt.Errorf("%w (%w)", err, cause)
}

// errShort: the pipe ended within a picture, or there were times without pictures.
var errShort = errors.New("the pictures ended before their times")

// pump joins pictures and times until the pictures end. It returns nil when each
// picture had its time and each time its picture.
func (s *Source) pump(run context.Context, pictures io.Reader, stamps <-chan stamp) error {
	size := s.piped.Size(s.width, s.height)
	for last := math.Inf(-1); ; {
		var buf []byte
		select {
		case buf = <-s.free:
		case <-run.Done():
			return run.Err()
		}
		if cap(buf) < size {
			buf = make([]byte, size)
		}
		buf = buf[:size]
		st, err := nextPicture(pictures, buf, stamps)
		// The select filter keeps times in order, but where the picture's size changes
		// in mid-clip ffmpeg builds the filters anew and they forget.
		for err == nil && st.time <= last {
			st, err = nextPicture(pictures, buf, stamps)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		last = st.time
		s.mu.Lock()
		s.counts.Given++
		s.mu.Unlock()
		frame := Frame{Index: st.index, Time: st.time, Width: s.width, Height: s.height, Format: s.format, Pix: buf}
		if s.colours != nil {
			frame.Pix, frame.planes, frame.colours = nil, buf, s.colours
		}
		select {
		case s.ready <- frame:
		case <-run.Done():
			return run.Err()
		}
	}
}

func nextPicture(pictures io.Reader, buf []byte, stamps <-chan stamp) (stamp, error) {
	_, err := io.ReadFull(pictures, buf)
	if err != nil && err != io.EOF {
		return stamp{}, errShort
	}
	st, ok := <-stamps
	if ok != (err == nil) {
		return stamp{}, errShort
	}
	return st, err
}
