//go:build cgo

package video

// #include <stdint.h>
// int spineflex_turns(void);
// void spineflex_turn(uint8_t *bgr, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr, int width, int height,
//	int16_t black, int16_t y, int16_t red, int16_t green_cb, int16_t green_cr, int16_t blue);
import "C"

// turns reports whether this processor can turn pictures of a size.
func turns(width, height int) bool {
	return width >= 32 && width%2 == 0 && height%2 == 0 && C.spineflex_turns() != 0
}

// turn fills a picture in [BGR] from its planes, of a size for which [turns] is
// true.
func (c *colours) turn(bgr, planes []byte, width, height int) {
	n := width * height
	bgr, planes = bgr[:BGR.Size(width, height)], planes[:YUV.Size(width, height)]
	C.spineflex_turn((*C.uint8_t)(&bgr[0]), (*C.uint8_t)(&planes[0]), (*C.uint8_t)(&planes[n]), (*C.uint8_t)(&planes[n+n/4]),
		C.int(width), C.int(height), C.int16_t(c.black), C.int16_t(c.luma),
		C.int16_t(c.red), C.int16_t(c.greenOfBlue), C.int16_t(c.greenOfRed), C.int16_t(c.blue))
}
