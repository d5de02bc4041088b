package overlay

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// typeface is a font at one size with every glyph that was drawn once kept as
// a mask, at four sub-pixel positions.
type typeface struct {
	face   font.Face
	size   float64
	glyphs map[glyphKey]*glyph
}

type glyphKey struct {
	r   rune
	sub uint8 // quarter pixels
}

type glyph struct {
	at   image.Point // of the mask from the whole-pixel origin
	w, h int
	mask []byte
}

// typefaces are the sizes that the overlay uses. The Go fonts are by Bigelow &
// Holmes, under the licence of golang.org/x/image.
type typefaces struct {
	small, label, body, strong, title, big *typeface
}

func newTypefaces(scale float64) (*typefaces, error) {
	medium, err := opentype.Parse(gomedium.TTF)
	if err != nil {
		return nil, fmt.Errorf("parse font Go Medium: %w", err)
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("parse font Go Bold: %w", err)
	}
	t := &typefaces{}
	for _, f := range []struct {
		to   **typeface
		font *opentype.Font
		size float64
	}{
		{&t.small, medium, 19},
		{&t.label, medium, 23},
		{&t.body, medium, 28},
		{&t.strong, bold, 26},
		{&t.title, bold, 40},
		{&t.big, bold, 76},
	} {
		size := math.Max(8, f.size*scale)
		face, err := opentype.NewFace(f.font, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return nil, fmt.Errorf("make font of %.0f px: %w", size, err)
		}
		*f.to = &typeface{face: face, size: size, glyphs: map[glyphKey]*glyph{}}
	}
	return t, nil
}

// width is how far s reaches, pixels.
func (t *typeface) width(s string) float64 {
	return float64(font.MeasureString(t.face, s)) / 64
}

// capHeight is the height of a capital letter; of the Go fonts it is 0.72 of the size.
func (t *typeface) capHeight() float64 { return 0.72 * t.size }

func (t *typeface) glyph(r rune, sub uint8) *glyph {
	key := glyphKey{r, sub}
	if g, ok := t.glyphs[key]; ok {
		return g
	}
	dr, mask, at, _, ok := t.face.Glyph(fixed.Point26_6{X: fixed.Int26_6(sub) * 16}, r)
	g := &glyph{}
	if ok {
		g.at, g.w, g.h = dr.Min, dr.Dx(), dr.Dy()
		g.mask = make([]byte, g.w*g.h)
		for y := range g.h {
			for x := range g.w {
				_, _, _, a := mask.At(at.X+x, at.Y+y).RGBA()
				g.mask[y*g.w+x] = uint8(a >> 8)
			}
		}
	}
	t.glyphs[key] = g
	return g
}

// text draws s with its baseline's left end at (x, y) and returns where it
// ends.
func (c *canvas) text(t *typeface, x, y float64, s string, k ink) float64 {
	prev := rune(-1)
	for _, r := range s {
		if prev >= 0 {
			x += float64(t.face.Kern(prev, r)) / 64
		}
		prev = r
		fx := math.Floor(x)
		g := t.glyph(r, uint8(4*(x-fx)))
		gx, gy := int(fx)+g.at.X, int(math.Round(y))+g.at.Y
		x0, x1 := max(0, -gx), min(g.w, c.w-gx)
		y0, y1 := max(0, -gy), min(g.h, c.h-gy)
		if x0 < x1 && y0 < y1 {
			c.lay(image.Rect(gx+x0, gy+y0, gx+x1, gy+y1), g.mask[y0*g.w+x0:], g.w, k)
		}
		if advance, ok := t.face.GlyphAdvance(r); ok {
			x += float64(advance) / 64
		}
	}
	return x
}

// textRight draws s so that it ends at x.
func (c *canvas) textRight(t *typeface, x, y float64, s string, k ink) {
	c.text(t, x-t.width(s), y, s, k)
}

// textCentre draws s centred on x.
func (c *canvas) textCentre(t *typeface, x, y float64, s string, k ink) {
	c.text(t, x-t.width(s)/2, y, s, k)
}
