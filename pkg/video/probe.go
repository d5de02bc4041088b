package video

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Info is what a clip's headers say. They may lie about duration and frames; only
// decoding tells.
type Info struct {
	Width       int       // upright picture with square pixels, pixels
	Height      int       //
	RotationDeg int       // clockwise turn that makes the stored picture upright: 0, 90, 180, 270
	Mirrored    bool      // after that turn, left and right are exchanged as well
	Codec       string    // ffmpeg's name, "h264", "hevc", "vp9" …
	PixelFormat string    // ffmpeg's name, "yuv420p", "yuv420p10le" …; may be empty
	DurationS   float64   // of the video stream, else of the file; seconds, 0 = not stated
	Frames      int       // as the file claims, else from duration and rate; 0 = not stated
	MeanFPS     float64   // frames per second, 0 = not stated
	CaptureFPS  float64   // frames per second when it was filmed, as some phones note with slow motion; 0 = not stated
	StartS      float64   // taken off the stream's presentation times, seconds; see FrameTimes
	HasAudio    bool      //
	AudioCodec  string    // of the first sound stream, "aac" …
	CreatedAt   time.Time // when it was filmed, as the file says; zero = not stated
	Container   string    // ffmpeg's name of the format, "mov,mp4,m4a,3gp,3g2,mj2"

	StreamIndex  int     // of the video stream in the file
	StoredWidth  int     // picture as stored, before the turn, pixels
	StoredHeight int     //
	PixelAspect  float64 // width over height of a stored pixel, 1 = square
	Interlaced   bool    //
	Transfer     string  // transfer curve, "bt709", "smpte2084" (PQ), "arib-std-b67" (HLG); may be empty
	ColorMatrix  string  // "bt709", "smpte170m", "bt2020nc" …; may be empty
	FullRange    bool    // brightness from 0 to 255, not from 16 to 235
}

// Probe reads what the clip at path is, from its headers. It decodes nothing beyond what
// ffprobe needs to know the codec.
func Probe(ctx context.Context, path string) (Info, error) {
	if err := checkFile(path); err != nil {
		return Info{}, err
	}
	args := []string{
		"-hide_banner", "-loglevel", "repeat+error",
		"-max_pixels", strconv.Itoa(MaxPixels),
		"-print_format", "json",
		"-show_entries", "format=format_name,start_time,duration" +
			":format_tags=creation_time,com.apple.quicktime.creationdate,com.android.capture.fps" +
			":stream=index,codec_type,codec_name,pix_fmt,width,height,sample_aspect_ratio,field_order" +
			",color_space,color_range,color_transfer,start_time,duration,avg_frame_rate,r_frame_rate,nb_frames" +
			":stream_disposition=default,attached_pic,timed_thumbnails,still_image" +
			":stream_tags=creation_time:stream_side_data=side_data_type,displaymatrix",
	}
	args = append(args, inputArgs(path)...)
	var out []byte
	log, err := runChild(ctx, "ffprobe", args, func(r io.Reader) (err error) {
		const most = 4 << 20 // thousands of streams
		out, err = io.ReadAll(io.LimitReader(r, most))
		return err
	})
	if ctx.Err() != nil {
		return Info{}, fileError(path, context.Cause(ctx))
	}
	if err != nil {
		return Info{}, fileError(path, classify(path, err, log))
	}
	info, err := parseProbe(out)
	if errors.Is(err, ErrNoFrames) {
		err = classify(path, err, log) // ffprobe may have said why there is no size
	}
	if err != nil {
		return Info{}, fileError(path, err)
	}
	return info, nil
}

// ProbeAhead begins to [Probe] at once. What it returns waits for the answer, which is
// the same however often it is asked for. Ending ctx ends it.
func ProbeAhead(ctx context.Context, path string) func() (Info, error) {
	probe := sync.OnceValues(func() (Info, error) { return Probe(ctx, path) })
	go func() { _, _ = probe() }()
	return probe
}

// checkFile refuses what must not be handed to a decoder at all.
func checkFile(path string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileError(path, fmt.Errorf("%w; check the path", fs.ErrNotExist))
	case errors.Is(err, fs.ErrPermission):
		return fileError(path, fmt.Errorf("%w; check who may read it", fs.ErrPermission))
	case errors.Is(err, syscall.ELOOP):
		return fileError(path, ErrSymlinkLoop)
	case err != nil:
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err // the name is in front already, and printable
		}
		return fileError(path, err)
	case st.IsDir():
		return fileError(path, ErrDirectory)
	case !st.Mode().IsRegular():
		return fileError(path, ErrNotRegular)
	case st.Size() == 0:
		return fileError(path, ErrEmpty)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return fileError(path, fmt.Errorf("%w; check who may read it", fs.ErrPermission))
	}
	if err != nil {
		return fileError(path, errors.Unwrap(err))
	}
	return f.Close()
}

// classify turns ffprobe's failure to open a clip into this package's words.
func classify(path string, err error, log *messageLog) error {
	if log == nil {
		return err
	}
	for _, c := range []struct {
		says string
		is   error
	}{
		{"moov atom not found", ErrTruncated},
		{"Picture size", ErrTooLarge}, // "Picture size 100000x2000 is invalid"
		{"Format not on whitelist", ErrNotVideo},
		{"Invalid data found when processing input", ErrNotVideo},
	} {
		if !log.contains(c.says) {
			continue
		}
		if c.is == ErrTruncated && !startsAsMP4(path) {
			return ErrNotVideo // taken for an MP4 by its name only
		}
		return c.is
	}
	return err
}

// startsAsMP4 tells whether a file begins with a box that an MP4 or MOV begins with.
func startsAsMP4(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [8]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return false
	}
	return slices.Contains([]string{"ftyp", "mdat", "wide", "free", "skip", "moov", "pnot"}, string(head[4:]))
}

// probeOutput is the part of ffprobe's JSON that is read. Numbers arrive as text
// ("0.033333", "30000/1001", "N/A") and any may be missing.
type probeOutput struct {
	Streams []probeStream `json:"streams"`
	Format  struct {
		Name      string    `json:"format_name"`
		StartTime string    `json:"start_time"`
		Duration  string    `json:"duration"`
		Tags      probeTags `json:"tags"`
	} `json:"format"`
}

type probeTags struct {
	CreationTime  string `json:"creation_time"`
	AppleCreation string `json:"com.apple.quicktime.creationdate"`
	CaptureFPS    string `json:"com.android.capture.fps"`
}

type probeStream struct {
	Index        int       `json:"index"`
	Type         string    `json:"codec_type"`
	Codec        string    `json:"codec_name"`
	PixFmt       string    `json:"pix_fmt"`
	Width        int       `json:"width"`
	Height       int       `json:"height"`
	SampleAspect string    `json:"sample_aspect_ratio"`
	FieldOrder   string    `json:"field_order"`
	ColorSpace   string    `json:"color_space"`
	ColorRange   string    `json:"color_range"`
	Transfer     string    `json:"color_transfer"`
	StartTime    string    `json:"start_time"`
	Duration     string    `json:"duration"`
	AvgRate      string    `json:"avg_frame_rate"`
	RealRate     string    `json:"r_frame_rate"`
	Frames       string    `json:"nb_frames"`
	Tags         probeTags `json:"tags"`
	Disposition  struct {
		Default    int `json:"default"`
		Attached   int `json:"attached_pic"`
		Thumbnails int `json:"timed_thumbnails"`
		Still      int `json:"still_image"`
	} `json:"disposition"`
	SideData []struct {
		Type   string `json:"side_data_type"`
		Matrix string `json:"displaymatrix"`
	} `json:"side_data_list"`
}

// parseProbe turns ffprobe's JSON into an Info. Its errors do not name the file.
func parseProbe(data []byte) (Info, error) {
	var out probeOutput
	if err := json.Unmarshal(data, &out); err != nil {
		return Info{}, fmt.Errorf("read ffprobe's answer: %w", err)
	}
	if len(out.Streams) == 0 {
		return Info{}, ErrNotVideo
	}
	s := pictureStream(out.Streams)
	if s == nil {
		return Info{}, ErrNoVideoStream
	}
	if s.Width <= 0 || s.Height <= 0 || s.Index < 0 {
		// The header names a video stream, but nothing in it says how large it is.
		return Info{}, ErrNoFrames
	}
	if s.Width > MaxPixels/s.Height {
		return Info{}, ErrTooLarge
	}
	info := Info{
		Codec:        s.Codec,
		PixelFormat:  s.PixFmt,
		Container:    out.Format.Name,
		StreamIndex:  s.Index,
		StoredWidth:  s.Width,
		StoredHeight: s.Height,
		PixelAspect:  parseAspect(s.SampleAspect),
		Interlaced:   slices.Contains([]string{"tt", "bb", "tb", "bt"}, s.FieldOrder),
		Transfer:     known(s.Transfer),
		ColorMatrix:  known(s.ColorSpace),
		FullRange:    s.ColorRange == "pc",
		CreatedAt:    parseCreation(out.Format.Tags.AppleCreation, out.Format.Tags.CreationTime, s.Tags.CreationTime),
	}
	for _, side := range s.SideData {
		if side.Matrix != "" {
			info.RotationDeg, info.Mirrored = parseMatrix(side.Matrix)
		}
	}
	info.Width, info.Height = uprightSize(s.Width, s.Height, info.PixelAspect, info.RotationDeg)
	if info.Width > MaxPixels/info.Height {
		return Info{}, ErrTooLarge
	}
	for _, a := range out.Streams {
		if a.Type == "audio" {
			info.HasAudio, info.AudioCodec = true, a.Codec
			break
		}
	}
	info.StartS = startOffset(parseSeconds(out.Format.StartTime), parseSeconds(s.StartTime))
	info.MeanFPS = parseRate(s.AvgRate)
	if info.MeanFPS == 0 {
		info.MeanFPS = parseRate(s.RealRate)
	}
	info.CaptureFPS = parseRate(out.Format.Tags.CaptureFPS + "/1")
	info.DurationS = max(0, parseSeconds(s.Duration))
	if info.DurationS == 0 {
		info.DurationS = max(0, parseSeconds(out.Format.Duration))
	}
	if n, err := strconv.Atoi(s.Frames); err == nil && n > 0 {
		info.Frames = n
	} else if f := math.Round(info.DurationS * info.MeanFPS); f < math.MaxInt32 {
		info.Frames = int(f)
	}
	return info, nil
}

// pictureStream picks the stream that is the film: not a cover picture, the one
// marked default, then the largest, then the first.
func pictureStream(streams []probeStream) *probeStream {
	var best *probeStream
	area := func(s *probeStream) float64 { return float64(s.Width) * float64(s.Height) }
	for i := range streams {
		s := &streams[i]
		if s.Type != "video" || s.Disposition.Attached+s.Disposition.Thumbnails+s.Disposition.Still > 0 {
			continue
		}
		if best == nil || s.Disposition.Default > best.Disposition.Default ||
			s.Disposition.Default == best.Disposition.Default && area(s) > area(best) {
			best = s
		}
	}
	return best
}

// uprightSize gives the picture's size once pixels are square and it stands upright.
// The shorter direction is stretched, so that no detail is lost.
func uprightSize(width, height int, aspect float64, rotation int) (w, h int) {
	w, h = width, height
	if aspect > 1 {
		w = int(math.Round(float64(width) * aspect))
	} else if aspect < 1 {
		h = int(math.Round(float64(height) / aspect))
	}
	if rotation == 90 || rotation == 270 {
		w, h = h, w
	}
	return w, h
}

// startOffset is what is taken off presentation times. Transport streams start
// at an arbitrary hour; a container that starts before zero (sound with encoder
// delay) does not move its picture, unless the picture itself starts before zero.
func startOffset(container, stream float64) float64 {
	if container > 0 {
		return container
	}
	return min(0, stream)
}

// parseMatrix reads the display matrix as ffprobe prints it,
//
//	00000000:            0       65536           0
//	00000001:       -65536           0           0
//	00000002:            0           0  1073741824
//
// (ISO/IEC 14496-12, 8.3.2: x' = a·x + c·y, y' = b·x + d·y with rows "a b u",
// "c d v"), and says which clockwise turn, followed by which exchange of left and
// right, comes closest. A matrix that says nothing sensible is no turn.
func parseMatrix(text string) (rotationDeg int, mirrored bool) {
	var rows [][]float64
	for line := range strings.Lines(text) {
		_, cells, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		var row []float64
		for _, cell := range strings.Fields(cells) {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return 0, false
			}
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	if len(rows) < 2 || len(rows[0]) < 2 || len(rows[1]) < 2 {
		return 0, false
	}
	a, b, c, d := rows[0][0], rows[0][1], rows[1][0], rows[1][1]
	if a*d-b*c == 0 {
		return 0, false
	}
	mirrored = a*d-b*c < 0
	if mirrored { // undo the exchange, which comes last: x' = −x'
		a, c = -a, -c
	}
	// What is left turns x into (a, b); y grows down, so the angle is clockwise.
	turns := math.Round(math.Atan2(b-c, a+d) / (math.Pi / 2))
	return (int(turns)*90 + 360) % 360, mirrored
}

// parseAspect reads "4:3"; unknown ("0:1", "N/A") and absurd ones are square, and so
// are those within half a per cent of it: scaling an odd-sized clip leaves
// 1349:1350 behind, and resampling a picture for that would only blur it.
func parseAspect(s string) float64 {
	num, den, ok := strings.Cut(s, ":")
	if !ok {
		return 1
	}
	n, err1 := strconv.ParseFloat(num, 64)
	d, err2 := strconv.ParseFloat(den, 64)
	const absurd, square = 8, 0.005
	aspect := n / d
	if err1 != nil || err2 != nil || !(aspect >= 1.0/absurd && aspect <= absurd) || math.Abs(aspect-1) < square {
		return 1
	}
	return aspect
}

// parseRate reads "30000/1001"; 0 for unknown or absurd.
func parseRate(s string) float64 {
	num, den, ok := strings.Cut(s, "/")
	if !ok {
		return 0
	}
	n, err1 := strconv.ParseFloat(num, 64)
	d, err2 := strconv.ParseFloat(den, 64)
	const absurd = 100_000 // r_frame_rate is the time base where the rate is unknown
	if rate := n / d; err1 == nil && err2 == nil && rate > 0 && rate < absurd {
		return rate
	}
	return 0
}

// parseSeconds reads "1.400000"; 0 for unknown or absurd.
func parseSeconds(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	const absurd = 1e9 // 30 years
	if err != nil || !(math.Abs(v) < absurd) {
		return 0
	}
	return v
}

// known drops ffprobe's words for "not stated".
func known(s string) string {
	if s == "unknown" || s == "unspecified" || s == "reserved" {
		return ""
	}
	return s
}

// parseCreation takes the first date that makes sense. Cameras without a clock
// write the epoch of QuickTime (1904) or of Unix.
func parseCreation(dates ...string) time.Time {
	for _, s := range dates {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05"} {
			if t, err := time.Parse(layout, s); err == nil && t.Year() > 1971 && t.Year() < 3000 {
				return t
			}
		}
	}
	return time.Time{}
}

// FrameTimes lists the presentation times of a clip's pictures in seconds, less
// [Info.StartS], strictly increasing, without decoding: it reads the packets only, about a
// hundred times faster than playing. A damaged clip may decode to fewer.
func FrameTimes(ctx context.Context, path string, info Info) ([]float64, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	args := []string{
		"-hide_banner", "-loglevel", "repeat+error",
		"-select_streams", strconv.Itoa(info.StreamIndex),
		"-show_entries", "packet=pts_time,dts_time,flags",
		"-print_format", "csv=print_section=0",
	}
	args = append(args, inputArgs(path)...)
	var times []float64
	log, err := runChild(ctx, "ffprobe", args, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if t, ok := parsePacket(lines.Text()); ok {
				times = append(times, t-info.StartS)
			}
		}
		return lines.Err()
	})
	if ctx.Err() != nil {
		return nil, fileError(path, context.Cause(ctx))
	}
	if err != nil {
		return nil, fileError(path, classify(path, err, log))
	}
	slices.Sort(times) // packets come in decoding order
	return slices.Compact(times), nil
}

// parsePacket reads "pts_time,dts_time,flags"; a packet that an edit list leaves out
// (flag D) or that has no time is not shown.
func parsePacket(line string) (seconds float64, ok bool) {
	cells := strings.Split(line, ",")
	if len(cells) < 3 || strings.Contains(cells[2], "D") {
		return 0, false
	}
	t, err := strconv.ParseFloat(cells[0], 64)
	if err != nil { // AVI and raw streams have decoding times only
		t, err = strconv.ParseFloat(cells[1], 64)
	}
	return t, err == nil && !math.IsNaN(t) && !math.IsInf(t, 0)
}

// SHA256 returns the hash of a file's content, hexadecimal.
func SHA256(ctx context.Context, path string) (string, error) {
	if err := checkFile(path); err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	for {
		if ctx.Err() != nil {
			return "", fileError(path, context.Cause(ctx))
		}
		const step = 8 << 20 // between two looks at ctx
		_, err := io.CopyN(h, f, step)
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", fmt.Errorf("hash %s: %w", printable(path), err)
		}
	}
}
