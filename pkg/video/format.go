package video

// Format is how a picture's bytes lie.
type Format uint8

const (
	// BGR is rows of pixels of blue, green and red, without padding.
	BGR Format = iota
	// YUV is what most clips hold and encoders take, half as many bytes: a plane
	// of luma, then the planes of blue and of red difference at half the width
	// and height, rounded up; without padding. ITU-R BT.709, luma 16…235 and
	// chroma 16…240 about 128. Known as I420 and yuv420p.
	YUV
	// coded is laid out as YUV, in the clip's own matrix and range. It only
	// comes through the decoder's pipe.
	coded
)

// Size is how many bytes a picture has.
func (f Format) Size(width, height int) int {
	if f != BGR {
		return width*height + 2*((width+1)/2)*((height+1)/2)
	}
	return 3 * width * height
}

func (f Format) known() bool { return f <= YUV }

// pixelFormat is ffmpeg's name for pictures of a clip.
func (f Format) pixelFormat(clip Info) string {
	switch f {
	case YUV:
		return "yuv420p"
	case coded:
		return clip.PixelFormat
	}
	return "bgr24"
}

// fourCC is Matroska's colour space.
func (f Format) fourCC() []byte {
	if f == YUV {
		return []byte("I420")
	}
	return []byte{'B', 'G', 'R', 24}
}
