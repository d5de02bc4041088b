package corpus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// What the program says of clips that it cannot read.
const (
	saysNotVideo  = "not a video file; expected MP4, MOV, MKV, WebM, AVI or the like"
	saysEmpty     = "file is empty; copy the clip again"
	saysTruncated = "video is cut off before its index (no moov atom); copy or export the clip again, whole"
	saysTooLarge  = "picture is larger than 42 megapixels; scale the clip down first"
)

func broken() []Clip {
	front := append([]string{"-movflags", "+faststart"}, "-c", "copy")
	back := []string{"-c", "copy"}
	text := bytes.Repeat([]byte("Monday: squats, 5 x 5.\n"), 400)
	return []Clip{
		{Name: "zero bytes", File: "empty.mp4", args: back, Refused: saysEmpty, after: become(nil)},
		{Name: "one byte", File: "byte.mp4", args: back, Refused: saysNotVideo, after: become([]byte{0})},
		{Name: "text", File: "text.mp4", args: back, Refused: saysNotVideo, after: become(text)},
		{Name: "playlist of other files", File: "concat.mp4", args: back, Refused: saysNotVideo, after: become([]byte("ffconcat version 1.0\nfile plain.mp4\n"))},
		{Name: "playlist of addresses", File: "hls.mp4", args: back, Refused: saysNotVideo, after: become([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"))},
		{Name: "cut off, index at the end", File: "cutoff.mp4", args: back, Refused: saysTruncated, after: keep(0.6)},
		{Name: "moov atom missing", File: "nomoov.mp4", args: front, Refused: saysTruncated, after: rename("moov", "skip")},
		{Name: "header 65535 pixels wide and high", File: "wide.gif", args: append([]string{"-f", "mp4"}, back...), Refused: saysTooLarge, after: become(wideGIF())},
		{Name: "wrong extension", File: "squat.txt", Slow: true, args: append([]string{"-f", "mp4"}, back...)},
		{Name: "cut off, index in front", File: "cutfront.mp4", args: front, after: keep(0.9), Loses: true},
		// The decoder patches up half a second about the bottom, and says so: the back
		// may be measured in it or not.
		{Name: "corrupt in the middle", File: "corrupt.mp4", args: front, after: scratch(0.45, 0.5), Loses: true, Hides: true, Within: 8},
		{Name: "claims to last for days", File: "days.mp4", args: front, after: lastForDays},
		{Name: "rubbish behind the end", File: "tail.mp4", Slow: true, args: front, after: func(data []byte) ([]byte, error) {
			return append(data, bytes.Repeat([]byte{0xA5}, 4096)...), nil
		}},
	}
}

func become(data []byte) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) { return data, nil }
}

func keep(share float64) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) { return data[:int(share*float64(len(data)))], nil }
}

// scratch damages one byte in 97 between two shares of the file.
func scratch(from, to float64) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		for i := int(from * float64(len(data))); i < int(to*float64(len(data))); i += 97 {
			data[i] ^= 0x5A
		}
		return data, nil
	}
}

func rename(box, to string) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		i := bytes.Index(data, []byte(box))
		if i < 0 {
			return nil, fmt.Errorf("no %s box", box)
		}
		copy(data[i:], to)
		return data, nil
	}
}

// displayed overwrites the display matrix of an MP4's first track with
// a, b, c, d (ISO/IEC 14496-12, 8.3.2).
func displayed(a, b, c, d int32) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		at := bytes.Index(data, []byte("tkhd"))
		if at < 0 || at+80 > len(data) || data[at+4] != 0 {
			return nil, errors.New("no tkhd box of version 0")
		}
		for i, v := range [9]int32{a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30} {
			binary.BigEndian.PutUint32(data[at+44+4*i:], uint32(v))
		}
		return data, nil
	}
}

// lastForDays has movie and track headers claim the longest duration there is.
func lastForDays(data []byte) ([]byte, error) {
	for _, box := range []struct {
		name string
		at   int // of the duration after the name, version 0
	}{{"mvhd", 20}, {"tkhd", 24}, {"mdhd", 20}} {
		i := bytes.Index(data, []byte(box.name))
		if i < 0 || data[i+4] != 0 {
			return nil, fmt.Errorf("no %s box of version 0", box.name)
		}
		binary.BigEndian.PutUint32(data[i+box.at:], 0x7FFFFFFF)
	}
	return data, nil
}

// wideGIF is a picture of 65535 × 65535 pixels in 40 bytes.
func wideGIF() []byte {
	b := []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff")
	return append(b, ",\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00;"...)
}
