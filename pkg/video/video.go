// Package video reads clips as upright pictures with true presentation times,
// and writes H.264. It knows nothing about people.
//
// [Probe] says what a clip is, [Open] gives its pictures one after another, and
// [NewSink] writes pictures and, if wanted, another clip's sound:
//
//	src, err := video.Open(ctx, "squat.mp4", video.Options{})
//	if err != nil { … }
//	defer src.Close()
//	var frame video.Frame
//	for {
//		err := src.Next(&frame)
//		if err == io.EOF { break }
//		if err != nil { … }
//		// frame.Pix holds frame.Width × frame.Height pixels in frame.Format, frame.Time seconds.
//	}
//
// # Upright
//
// Whatever the file says about how it is to be shown has been done to the
// pictures: the display matrix (phones store portrait video lying down, and some
// front cameras store it mirrored), non-square pixels, interlacing, more than
// 8 bits, and the PQ curve of HDR. So x grows right and y grows down as the
// viewer sees it, and left is left.
//
// # Time
//
// Times are the stream's own presentation times in seconds, not a frame number
// over an average rate: phones film at a variable rate. They are
// what ffprobe prints as pts_time, less [Info.StartS], which is 0 for every
// ordinary MP4 and MOV. They are strictly increasing; a picture whose time does
// not come after the one before is left out and counted.
//
// # Why child processes
//
// Decoding and encoding run in the programs ffmpeg and ffprobe (5.1 or later).
// A clip comes from anywhere, and a decoder that crashes, hangs or eats memory
// on it becomes an error for that clip. OpenCV's own reader turns some portrait
// clips upside-down (opencv#22088) and gives no time for the last
// frames of a clip with B-frames (opencv#22141). No shell is involved, a file's
// name cannot become an option, a protocol or a pattern, and the decoder may
// open that one local file and nothing else: no playlist, no network.
package video
