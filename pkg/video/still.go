package video

import (
	"context"
	"fmt"
	"io"
	"strconv"
)

// mostStill bounds a still, bytes; one of 4K has about 2 MB.
const mostStill = 16 << 20

// Still returns a JPEG, upright and of that height in pixels, of the picture shown
// at a time of the clip, seconds.
func Still(ctx context.Context, path string, atS float64, height int) ([]byte, error) {
	args := []string{"-v", "error", "-nostdin", "-threads", "1", "-ss", strconv.FormatFloat(max(0, atS), 'f', 3, 64)}
	args = append(args, inputArgs(path)...)
	args = append(args, "-an", "-sn", "-dn", "-frames:v", "1", "-vf", fmt.Sprintf("scale=w=-2:h=%d:flags=area,setsar=1", height),
		"-pix_fmt", "yuvj420p", "-q:v", "5", "-threads", "1", "-f", "mjpeg", "pipe:1")
	var picture []byte
	log, err := runChild(ctx, "ffmpeg", args, func(r io.Reader) (err error) {
		picture, err = io.ReadAll(io.LimitReader(r, mostStill))
		return err
	})
	switch {
	case ctx.Err() != nil:
		return nil, fileError(path, context.Cause(ctx))
	case err != nil:
		return nil, fileError(path, classify(path, err, log))
	case len(picture) == 0:
		return nil, fileError(path, fmt.Errorf("no picture at %.1f s: %w", atS, ErrNoFrames))
	}
	return picture, nil
}
