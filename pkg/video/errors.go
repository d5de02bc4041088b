package video

import (
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// What can be wrong with a clip. Every error of this package that concerns one
// of these wraps it, is one line, and starts with the file's name. A file that is
// not there or may not be read wraps fs.ErrNotExist or fs.ErrPermission.
var (
	// ErrEmpty: the file has no bytes.
	ErrEmpty = errors.New("file is empty; copy the clip again")
	// ErrDirectory: the path is a folder.
	ErrDirectory = errors.New("is a folder, not a video; name the clips in it")
	// ErrNotRegular: a FIFO, socket or device, which may block for ever and
	// cannot be read twice.
	ErrNotRegular = errors.New("is not a regular file; save the clip to disk first")
	// ErrSymlinkLoop: the path's symbolic links lead in a circle.
	ErrSymlinkLoop = errors.New("symbolic links go round in a circle")
	// ErrNotVideo: no container format that carries video.
	ErrNotVideo = errors.New("not a video file; expected MP4, MOV, MKV, WebM, AVI or the like")
	// ErrTruncated: the index at the end of the file is missing.
	ErrTruncated = errors.New("video is cut off before its index (no moov atom); copy or export the clip again, whole")
	// ErrNoVideoStream: a media file that holds sound or a cover picture only.
	ErrNoVideoStream = errors.New("has no video stream, only sound or data")
	// ErrTooLarge: the picture has more than MaxPixels pixels.
	ErrTooLarge = fmt.Errorf("picture is larger than %d megapixels; scale the clip down first", MaxPixels/1_000_000)
	// ErrNoFrames: a video stream from which not one picture could be decoded.
	ErrNoFrames = errors.New("no picture could be decoded; the clip is damaged or its codec is unknown")
	// ErrDecode: the decoder stopped in the middle.
	ErrDecode = errors.New("decoding failed")
	// ErrEncode: the encoder stopped; nothing was written.
	ErrEncode = errors.New("encoding failed")
	// ErrNoProgram: ffmpeg or ffprobe is not installed.
	ErrNoProgram = errors.New("program not found; install it with: sudo apt-get install ffmpeg")
	// ErrOldProgram: the installed ffmpeg does not know an option this package needs.
	ErrOldProgram = errors.New("program is too old; version 5.1 or later is needed")
)

// ProgramError says how ffmpeg or ffprobe ended when not well.
type ProgramError struct {
	Program string // "ffmpeg" or "ffprobe"
	Status  string // "exit status 1", "signal: killed"
	Message string // the last line it printed, may be empty
}

// Error implements error.
func (e *ProgramError) Error() string {
	if e.Message == "" {
		return e.Program + ": " + e.Status
	}
	return e.Program + ": " + e.Message
}

// fileError puts the file's name in front of err.
func fileError(path string, err error) error {
	return fmt.Errorf("%s: %w", printable(path), err)
}

// printable returns a file's name as it may stand in a one-line message: quoted
// where it holds line breaks, control characters or bytes that are not UTF-8.
func printable(name string) string {
	if name == "" || !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return strconv.Quote(name)
		}
	}
	return name
}
