package recording

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// FileName is the name a recording has in a results folder.
const FileName = "recording.sfr"

// ErrFormat is wrapped by [Decode] and [Read] when the input is not a
// recording, is damaged, or was written by a version that this one cannot read.
var ErrFormat = errors.New("not a readable recording")

// A recording file is
//
//	magic "spineflex\n" · version u16 · header length u32 · header (JSON) ·
//	compressed length u32 · columns (zstd) · CRC-32C u32 of all before
//
// little endian. The header lists the columns by name and size, so that a
// later version may append columns: a reader skips the names that it does not
// know and leaves as missing what it does not find. The version only rises
// when that is not enough.
const (
	magic   = "spineflex\n"
	version = 1
)

// Bounds on what a hostile file can make the reader allocate.
const (
	maxHeader     = 1 << 20
	maxColumns    = 256
	maxWidth      = 4096
	maxFrames     = 1 << 17 // 73 min at 30 fps
	maxFrameBytes = 1 << 13 // of all columns, uncompressed, per frame
	maxCompressed = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type fileHeader struct {
	Clip    clipHeader    `json:"clip"`
	Model   modelHeader   `json:"model"`
	Frames  int           `json:"frames"`
	Columns []columnEntry `json:"columns"`
}

type columnEntry struct {
	Name  string `json:"name"`
	Width int    `json:"width"` // values per frame
	Bytes int    `json:"bytes"` // uncompressed
}

type clipHeader struct {
	File        string   `json:"file"`
	SHA256      string   `json:"sha256"`
	Width       int      `json:"width"`
	Height      int      `json:"height"`
	RotationDeg int      `json:"rotation_deg"`
	Mirrored    bool     `json:"mirrored"`
	DurationS   *float64 `json:"duration_s"`
	Frames      int      `json:"frames"`
	MeanFPS     *float64 `json:"mean_fps"`
	Slowdown    float64  `json:"slowdown,omitempty"`
}

type modelHeader struct {
	Program    string  `json:"program"`
	Quality    string  `json:"quality"`
	Engine     string  `json:"engine"`
	Detector   string  `json:"detector_sha256"`
	Landmarker string  `json:"landmarker_sha256"`
	SampleHz   float64 `json:"sample_hz"`
	Paced      bool    `json:"paced,omitempty"`
	CaptureFPS float64 `json:"capture_fps,omitempty"`
}

// Encode writes rec to w. What it keeps: times to 1 µs, positions to 1/32 px,
// z to 1/4 px, visibility, presence and support to 1/510, edge standard deviations to
// 2.2 %, the view's turn and zoom to 1/200000. It refuses frames whose times do not increase and edges whose length
// is not [NumStations].
func Encode(w io.Writer, rec *Recording) error {
	if err := rec.check(); err != nil {
		return fmt.Errorf("encode recording: %w", err)
	}
	h := fileHeader{Clip: newClipHeader(rec.Clip), Model: modelHeader(rec.Model), Frames: len(rec.Frames)}
	var raw []byte
	for _, c := range columns {
		before := len(raw)
		raw = c.append(raw, rec.Frames)
		h.Columns = append(h.Columns, columnEntry{c.name, c.width, len(raw) - before})
	}
	header, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode recording: %w", err)
	}
	if len(header) > maxHeader {
		return fmt.Errorf("encode recording: header of %d bytes is too long", len(header))
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return fmt.Errorf("encode recording: %w", err)
	}
	body := enc.EncodeAll(raw, nil)
	if err := enc.Close(); err != nil {
		return fmt.Errorf("encode recording: %w", err)
	}

	out := make([]byte, 0, len(magic)+len(header)+len(body)+16)
	out = append(out, magic...)
	out = binary.LittleEndian.AppendUint16(out, version)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(header)))
	out = append(out, header...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
	out = append(out, body...)
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

// Decode reads a recording from r. Its errors wrap [ErrFormat] unless r failed.
func Decode(r io.Reader) (*Recording, error) {
	sum := crc32.New(castagnoli)
	in := io.TeeReader(r, sum)
	var fixed [len(magic) + 6]byte
	if _, err := io.ReadFull(in, fixed[:]); err != nil {
		return nil, readError("start", err)
	}
	if string(fixed[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: wrong first bytes", ErrFormat)
	}
	if v := binary.LittleEndian.Uint16(fixed[len(magic):]); v != version {
		return nil, fmt.Errorf("%w: written in version %d of the format, this program reads version %d", ErrFormat, v, version)
	}
	header, err := readBlock(in, int64(binary.LittleEndian.Uint32(fixed[len(magic)+2:])), maxHeader, "header")
	if err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, readError("columns", err)
	}
	body, err := readBlock(in, int64(binary.LittleEndian.Uint32(length[:])), maxCompressed, "columns")
	if err != nil {
		return nil, err
	}
	want := sum.Sum32()
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, readError("checksum", err)
	}
	if binary.LittleEndian.Uint32(length[:]) != want {
		return nil, fmt.Errorf("%w: checksum differs, the file is damaged", ErrFormat)
	}
	return decode(header, body)
}

func decode(header, body []byte) (*Recording, error) {
	var h fileHeader
	if err := json.Unmarshal(header, &h); err != nil {
		return nil, fmt.Errorf("%w: header: %v", ErrFormat, err)
	}
	size, err := h.rawSize()
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	defer dec.Close()
	// One byte more than announced, to notice a body that is longer.
	var columnData bytes.Buffer
	columnData.Grow(int(min(size, readAhead)) + bytes.MinRead)
	if _, err := columnData.ReadFrom(io.LimitReader(dec, size+1)); err != nil {
		return nil, fmt.Errorf("%w: columns: %v", ErrFormat, err)
	}
	raw := columnData.Bytes()
	if int64(len(raw)) != size {
		return nil, fmt.Errorf("%w: columns do not have the announced size", ErrFormat)
	}
	stored := map[string]columnEntry{}
	data := map[string][]byte{}
	for _, c := range h.Columns {
		if _, twice := stored[c.Name]; twice {
			return nil, fmt.Errorf("%w: column %q twice", ErrFormat, c.Name)
		}
		stored[c.Name] = c
		data[c.Name], raw = raw[:c.Bytes], raw[c.Bytes:]
	}
	rec := &Recording{Clip: h.Clip.clip(), Model: Model(h.Model), Frames: make([]Frame, h.Frames)}
	for i := range rec.Frames {
		rec.Frames[i] = missingFrame()
	}
	for _, c := range columns {
		if s, ok := stored[c.name]; ok && s.Width != c.width {
			return nil, fmt.Errorf("%w: column %q has %d values a frame, not %d", ErrFormat, c.name, s.Width, c.width)
		}
	}
	// Which edges there are comes before the edges; else columns do not meet.
	for _, ofEdges := range []bool{false, true} {
		var g errgroup.Group
		for _, c := range columns {
			if values, ok := data[c.name]; ok && c.ofEdges == ofEdges {
				g.Go(func() error {
					if err := c.decode(values, rec.Frames); err != nil {
						return fmt.Errorf("%w: column %q: %v", ErrFormat, c.name, err)
					}
					return nil
				})
			}
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	if err := rec.check(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	return rec, nil
}

// readAhead bounds the room that is made for columns before they arrive, bytes:
// enough for minutes of frames.
const readAhead = 16 << 20

// rawSize checks the announced sizes against the bounds before anything of
// that size is allocated: every stored value takes at least one byte.
func (h *fileHeader) rawSize() (int64, error) {
	if h.Frames < 0 || h.Frames > maxFrames {
		return 0, fmt.Errorf("%w: %d frames", ErrFormat, h.Frames)
	}
	if len(h.Columns) > maxColumns {
		return 0, fmt.Errorf("%w: %d columns", ErrFormat, len(h.Columns))
	}
	var size int64
	for _, c := range h.Columns {
		if c.Width < 1 || c.Width > maxWidth || c.Bytes < 0 {
			return 0, fmt.Errorf("%w: column %q of %d×%d", ErrFormat, c.Name, c.Width, c.Bytes)
		}
		if int64(c.Bytes) < int64(c.Width)*int64(h.Frames) {
			return 0, fmt.Errorf("%w: column %q is too short for %d frames", ErrFormat, c.Name, h.Frames)
		}
		size += int64(c.Bytes)
		if size > int64(h.Frames)*maxFrameBytes {
			return 0, fmt.Errorf("%w: columns are too long for %d frames", ErrFormat, h.Frames)
		}
	}
	if h.Frames > 0 && size == 0 {
		return 0, fmt.Errorf("%w: %d frames without columns", ErrFormat, h.Frames)
	}
	return size, nil
}

// readBlock reads n bytes; memory grows only with what really arrives.
func readBlock(r io.Reader, n, limit int64, what string) ([]byte, error) {
	if n > limit {
		return nil, fmt.Errorf("%w: %s of %d bytes", ErrFormat, what, n)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, n); err != nil {
		return nil, readError(what, err)
	}
	return b.Bytes(), nil
}

func readError(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: ends in the %s", ErrFormat, what)
	}
	return fmt.Errorf("read recording: %w", err)
}

// Write stores rec at path, under a temporary name in the same folder first,
// so that a killed run leaves no half recording.
func Write(path string, rec *Recording) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write recording %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := Encode(f, rec); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := f.Chmod(0o644); err != nil { // CreateTemp makes it private
		return fmt.Errorf("write recording %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write recording %s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write recording %s: %w", path, err)
	}
	return nil
}

// Read loads the recording at path. A file that is not one gives an error that
// wraps [ErrFormat].
func Read(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	defer f.Close()
	rec, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rec, nil
}

func (rec *Recording) check() error {
	if len(rec.Frames) > maxFrames {
		return fmt.Errorf("%d frames, at most %d fit", len(rec.Frames), maxFrames)
	}
	last := int64(math.MinInt64)
	for i := range rec.Frames {
		f := &rec.Frames[i]
		if math.IsNaN(f.Time) || math.Abs(f.Time) > maxTime {
			return fmt.Errorf("frame %d: time %v", i, f.Time)
		}
		t := micros(f.Time)
		if t <= last {
			return fmt.Errorf("frame %d: time %.6f s does not increase", i, f.Time)
		}
		last = t
		for _, e := range [2]Edge{f.Trunk.Left, f.Trunk.Right} {
			if e != nil && len(e) != NumStations {
				return fmt.Errorf("frame %d: edge of %d samples, not %d", i, len(e), NumStations)
			}
		}
	}
	return nil
}

func newClipHeader(c Clip) clipHeader {
	return clipHeader{
		File: c.File, SHA256: c.SHA256, Width: c.Width, Height: c.Height, RotationDeg: c.RotationDeg,
		Mirrored: c.Mirrored, DurationS: finite(c.DurationS), Frames: c.Frames, MeanFPS: finite(c.MeanFPS),
		Slowdown: c.Slowdown,
	}
}

func (h clipHeader) clip() Clip {
	return Clip{
		File: h.File, SHA256: h.SHA256, Width: h.Width, Height: h.Height, RotationDeg: h.RotationDeg,
		Mirrored: h.Mirrored, DurationS: orNaN(h.DurationS), Frames: h.Frames, MeanFPS: orNaN(h.MeanFPS),
		Slowdown: h.Slowdown,
	}
}

// finite is v for JSON, which has no NaN.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
