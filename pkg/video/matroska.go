package video

import (
	"encoding/binary"
	"math"
)

// Pictures go to the encoder as uncompressed Matroska, because ffmpeg has no
// raw input that carries times: a rawvideo pipe knows a constant rate only.
// Matroska's clock can be set to one microsecond, every cluster may state its own
// time, and the whole framing is a few bytes in front of each picture
// (RFC 8794 for EBML, RFC 9559 for Matroska).

// Element numbers, RFC 9559 section 27.1.
const (
	idEBML            = 0x1A45DFA3
	idDocType         = 0x4282
	idSegment         = 0x18538067
	idInfo            = 0x1549A966
	idTimestampScale  = 0x2AD7B1
	idMuxingApp       = 0x4D80
	idWritingApp      = 0x5741
	idTracks          = 0x1654AE6B
	idTrackEntry      = 0xAE
	idTrackNumber     = 0xD7
	idTrackUID        = 0x73C5
	idTrackType       = 0x83
	idFlagLacing      = 0x9C
	idDefaultDuration = 0x23E383
	idCodecID         = 0x86
	idVideo           = 0xE0
	idPixelWidth      = 0xB0
	idPixelHeight     = 0xBA
	idColourSpace     = 0x2EB524
	idCluster         = 0x1F43B675
	idTimestamp       = 0xE7
	idSimpleBlock     = 0xA3
)

// matroskaHeader opens a stream of pictures at about fps a second (a hint for
// the encoder's rate control; the times in the clusters hold).
func matroskaHeader(width, height int, format Format, fps float64) []byte {
	head := element(nil, idEBML, element(nil, idDocType, []byte("matroska")))
	head = appendID(head, idSegment)
	head = append(head, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF) // unknown size: until the stream ends

	const nanosecondsPerTick = 1000
	info := number(nil, idTimestampScale, nanosecondsPerTick)
	info = element(info, idMuxingApp, []byte("spineflex"))
	info = element(info, idWritingApp, []byte("spineflex"))
	head = element(head, idInfo, info)

	picture := number(nil, idPixelWidth, uint64(width))
	picture = number(picture, idPixelHeight, uint64(height))
	picture = element(picture, idColourSpace, format.fourCC())
	track := number(nil, idTrackNumber, 1)
	track = number(track, idTrackUID, 1)
	track = number(track, idTrackType, 1) // video
	track = number(track, idFlagLacing, 0)
	track = number(track, idDefaultDuration, uint64(math.Round(1e9/fps)))
	track = element(track, idCodecID, []byte("V_UNCOMPRESSED"))
	track = element(track, idVideo, picture)
	return element(head, idTracks, element(nil, idTrackEntry, track))
}

// matroskaPicture appends to b what goes in front of one picture of size bytes,
// shown at us microseconds: a cluster of its own.
func matroskaPicture(b []byte, us uint64, size int) []byte {
	const blockHead = 4 // track number 1, time within the cluster 0 (2 bytes), flag: keyframe
	timestamp := number(nil, idTimestamp, us)
	block := appendSize(appendID(nil, idSimpleBlock), uint64(blockHead+size))
	b = appendID(b, idCluster)
	b = appendSize(b, uint64(len(timestamp)+len(block)+blockHead+size))
	b = append(b, timestamp...)
	b = append(b, block...)
	return append(b, 0x81, 0, 0, 0x80)
}

func element(b []byte, id uint32, content []byte) []byte {
	b = appendSize(appendID(b, id), uint64(len(content)))
	return append(b, content...)
}

func number(b []byte, id uint32, v uint64) []byte {
	return element(b, id, binary.BigEndian.AppendUint64(nil, v))
}

// appendID writes an element's number, whose leading bits already say its length.
func appendID(b []byte, id uint32) []byte {
	full := binary.BigEndian.AppendUint32(nil, id)
	for len(full) > 1 && full[0] == 0 {
		full = full[1:]
	}
	return append(b, full...)
}

// appendSize writes a size in the eight-byte form: 0x01, then 56 bits.
func appendSize(b []byte, v uint64) []byte {
	return binary.BigEndian.AppendUint64(b, 1<<56|v)
}
