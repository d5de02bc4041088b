//go:build !cgo || !amd64

package video

// turns reports that ffmpeg has to turn pictures into [BGR] here.
func turns(int, int) bool { return false }

func (c *colours) turn(_, _ []byte, _, _ int) { panic("video: no quick way to turn colours") }
