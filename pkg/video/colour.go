package video

import "math"

// colours turn the planes that most clips are coded in ([YUV]'s layout, but of
// the clip's own matrix and range) into [BGR]: factors of 13 bits behind the
// point, to the same numbers as ffmpeg's own quick conversion on these
// processors, which gives every four pixels the colour that they share.
type colours struct {
	black       int16 // luma of black
	luma        int16
	red         int16 // of red difference
	greenOfBlue int16 // of blue difference
	greenOfRed  int16 // of red difference
	blue        int16 // of blue difference
}

// The luma of pure red and of pure blue (ITU-R BT.709-6, item 3.2; BT.601-7,
// item 2.5.1).
var lumaOf = map[string][2]float64{
	"bt709":     {0.2126, 0.0722},
	"smpte170m": {0.299, 0.114},
	"bt470bg":   {0.299, 0.114},
}

// colours returns how the clip's pictures become BGR, nil where they are not
// plain 4:2:0 of a common matrix.
func (info *Info) colours() *colours {
	if (info.PixelFormat != "yuv420p" && info.PixelFormat != "yuvj420p") || info.Transfer == "smpte2084" {
		return nil
	}
	matrix := info.ColorMatrix
	switch {
	case matrixOption(*info) != "":
		matrix = "bt709"
	case matrix == "":
		matrix = "smpte170m" // what ffmpeg takes
	}
	luma, ok := lumaOf[matrix]
	if !ok {
		return nil
	}
	full := info.FullRange || info.PixelFormat == "yuvj420p"
	// ffmpeg rounds twice.
	factor := func(v float64) int16 {
		f := int(math.Round(v * 255 / 224 * (1 << 16)))
		if full {
			f = f * 224 / 255
		}
		return int16((f + 4) >> 3)
	}
	r, b := luma[0], luma[1]
	c := &colours{
		black: 16, luma: 9539, // 255/219
		red: factor(2 * (1 - r)), blue: factor(2 * (1 - b)),
		greenOfBlue: factor(-2 * b * (1 - b) / (1 - r - b)), greenOfRed: factor(-2 * r * (1 - r) / (1 - r - b)),
	}
	if full {
		c.black, c.luma = 0, 1<<13
	}
	return c
}
