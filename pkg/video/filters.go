package video

import (
	"fmt"
	"math"
	"strings"
)

// decodeFilters is the ffmpeg filter chain from decoded pictures to upright ones
// of width × height, for a clip that is sampled at hz (0 = every picture).
//
// Two marks report on descriptor 3 as pictures pass: "a=1" for every decoded
// picture, "s=1" for each that goes on to the output, both under a line with its time in
// microseconds.
func decodeFilters(info Info, width, height int, hz float64, format Format) string {
	chain := []string{"settb=1/1000000", mark("a")}
	if info.Interlaced {
		chain = append(chain, "yadif=mode=send_frame")
	}
	chain = append(chain, "settb=1/1000000", selectFilter(info.MeanFPS, hz))
	// Turning before the conversion costs a third of turning packed BGR after it.
	chain = append(chain, turnFilters(info.RotationDeg, info.Mirrored)...)
	size := fmt.Sprintf("scale=%d:%d:flags=%s", width, height, scaler(info, width, height))
	scale := size + matrixOption(info)
	var corrections []string // of BGR
	if info.Transfer == "smpte2084" {
		corrections = append(corrections, toneMap())
	}
	if strings.HasPrefix(info.ColorMatrix, "bt2020") {
		corrections = append(corrections, wideColours)
	}
	switch {
	case format == coded:
		chain = append(chain, size, "format="+info.PixelFormat)
	case format == BGR:
		chain = append(append(chain, scale, "format=bgr24"), corrections...)
	case len(corrections) > 0:
		chain = append(append(chain, scale, "format=bgr24"), corrections...)
		chain = append(chain, "scale="+toYUV, "format=yuv420p")
	case info.isYUV(): // told of colours, the filter would compute every pixel anew
		chain = append(chain, size, "format=yuv420p")
	default:
		chain = append(chain, scale+":"+toYUV, "format=yuv420p")
	}
	chain = append(chain, mark("s"))
	return strings.Join(chain, ",")
}

// toYUV are the scale filter's options that make [YUV] of anything.
const toYUV = "out_color_matrix=bt709:out_range=tv"

func mark(key string) string {
	return fmt.Sprintf(`metadata=add:key=%[1]s:value=1,metadata=print:key=%[1]s:file='pipe\:3':direct=1`, key)
}

// selectFilter passes pictures whose time comes after the one before and, at hz,
// the picture nearest to each tick of a clock. Pictures left out are never converted.
func selectFilter(fps, hz float64) string {
	later := "gt(t,prev_selected_t)"
	// A clip that is hardly faster than asked for is taken whole: leaving out
	// every sixth picture would save little and make the rate uneven.
	if hz > 0 && (fps == 0 || fps > 1.2*hz) {
		half := 0.25 / hz // half a picture's interval, so that rounded times do not straddle a tick
		if fps > 0 {
			half = 0.5 / fps
		}
		tick := func(t string) string { return fmt.Sprintf("floor((%s+%.9f)*%.9f)", t, half, hz) }
		later = "gt(" + tick("t") + "," + tick("prev_selected_t") + ")"
	}
	return fmt.Sprintf("select='not(isnan(t))*(isnan(prev_selected_t)+%s)'", later)
}

// turnFilters turns clockwise by deg and then exchanges left and right.
// ffmpeg could do it by itself, but differently from version to version for
// mirrored clips.
func turnFilters(deg int, mirrored bool) []string {
	switch {
	case deg == 0 && !mirrored:
		return nil
	case deg == 0:
		return []string{"hflip"}
	case deg == 90 && !mirrored:
		return []string{"transpose=clock"}
	case deg == 90:
		return []string{"transpose=cclock_flip"}
	case deg == 180 && !mirrored:
		return []string{"hflip", "vflip"}
	case deg == 180:
		return []string{"vflip"}
	case !mirrored:
		return []string{"transpose=cclock"}
	default:
		return []string{"transpose=clock_flip"}
	}
}

// scaler averages areas when shrinking, where bicubic would alias.
func scaler(info Info, width, height int) string {
	if width < info.Width || height < info.Height {
		return "area"
	}
	return "bicubic"
}

// matrixOption says how YUV becomes RGB where the clip does not: as players do,
// BT.709 from 720 lines up.
func matrixOption(info Info) string {
	if info.ColorMatrix == "" && min(info.StoredWidth, info.StoredHeight) >= 720 && strings.HasPrefix(info.PixelFormat, "yuv") {
		return ":in_color_matrix=bt709"
	}
	return ""
}

// isYUV reports whether the clip's pictures are coded as [YUV] are.
func (info *Info) isYUV() bool {
	matrix := info.ColorMatrix == "bt709" || matrixOption(*info) != ""
	return matrix && info.PixelFormat == "yuv420p" && !info.FullRange
}

// unscaled reports whether upright pictures of that size have the clip's own pixels.
func (info *Info) unscaled(width, height int) bool {
	if info.RotationDeg%180 != 0 {
		width, height = height, width
	}
	return width == info.StoredWidth && height == info.StoredHeight
}

// toneMap brings PQ (SMPTE ST 2084, equations 4 and 5) down to a screen's range:
// nits over the reference white of 203 (ITU-R BT.2408), the extended Reinhard
// curve with white at 1000 nits, then a gamma of 2.2. One table per channel, so
// colours are only about right; the networks do not mind. HLG needs nothing: its lower
// half is an ordinary camera curve.
func toneMap() string {
	const (
		m1, m2     = 2610.0 / 16384, 2523.0 / 4096 * 128
		c1, c2, c3 = 3424.0 / 4096, 2413.0 / 4096 * 32, 2392.0 / 4096 * 32
		white      = 1000.0 / 203
	)
	table := make([]string, 3)
	for i, channel := range []string{"r", "g", "b"} {
		p := fmt.Sprintf("st(0,pow(min(val,255)/255,%.10f))", 1/m2)
		l := fmt.Sprintf("st(1,pow(max(ld(0)-%.7f,0)/(%.7f-%.7f*ld(0)),%.10f)*%.7f)", c1, c2, c3, 1/m1, 10000.0/203)
		y := fmt.Sprintf("min(255,255*pow(ld(1)*(1+ld(1)/%.7f)/(1+ld(1)),1/2.2))", white*white)
		table[i] = fmt.Sprintf("%s='%s;%s;%s'", channel, p, l, y)
	}
	return "lutrgb=" + strings.Join(table, ":")
}

// wideColours takes BT.2020's colours to BT.709's (ITU-R BT.2087, annex 2),
// without which they look washed out. The matrix is for light; on coded values
// it is only about right, and dearer filters that undo the coding first are not
// in every ffmpeg.
const wideColours = "colorchannelmixer=rr=1.6605:rg=-0.5876:rb=-0.0729:gr=-0.1246:gg=1.1329:gb=-0.0083:br=-0.0182:bg=-0.1006:bb=1.1188"

// fit shrinks w × h into maxW × maxH (0 = no bound), keeping its shape.
func fit(w, h, maxW, maxH int) (int, int) {
	scale := 1.0
	if maxW > 0 {
		scale = min(scale, float64(maxW)/float64(w))
	}
	if maxH > 0 {
		scale = min(scale, float64(maxH)/float64(h))
	}
	return max(1, int(math.Round(float64(w)*scale))), max(1, int(math.Round(float64(h)*scale)))
}
