package overlay

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"slices"

	"golang.org/x/image/draw"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/video"
)

// Instant is a moment of the set worth a picture.
type Instant struct {
	Label string // "set-up", "left neutral" or "back in neutral", "bottom", "most flexion"
	Rep   int    // 1..
	TimeS float64
}

// Picture is a still with the lifter cut out of the clip and the spine drawn.
type Picture struct {
	Instant
	Image *image.RGBA
}

// maxInstants is how many pictures anyone will look at.
const maxInstants = 40

// Instants picks the moments of each rep that show how it went: set-up, where
// neutral was lost, the bottom and the most flexion, no two closer than 0.15 s. In a
// long set the set-ups go first, then everything but the breakdowns.
func Instants(a *analysis.Analysis) []Instant {
	for _, kinds := range [][]string{{"set-up", "left neutral", "bottom", "most flexion"}, {"left neutral", "bottom", "most flexion"}, {"left neutral", "bottom"}, {"left neutral"}} {
		var all []Instant
		for i := range a.Reps {
			r := &a.Reps[i]
			at := map[string]float64{"set-up": r.StartS, "bottom": r.BottomS, "left neutral": math.NaN(), "most flexion": r.PeakS}
			if b := r.Breakdown; b != nil {
				at["left neutral"] = b.TimeS
			}
			if math.IsNaN(r.PeakFlexionDeg) {
				at["most flexion"] = math.NaN()
			}
			var of []Instant
			// A breakdown keeps its picture before one that is near it.
			for _, k := range []string{"left neutral", "bottom", "most flexion", "set-up"} {
				t := at[k]
				if !slices.Contains(kinds, k) || math.IsNaN(t) || tooNear(of, t) {
					continue
				}
				label := k
				if k == "left neutral" && r.Breakdown.Direction == lift.Up {
					label = "back in neutral"
				}
				of = append(of, Instant{label, r.Index, t})
			}
			slices.SortFunc(of, func(x, y Instant) int { return cmp.Compare(x.TimeS, y.TimeS) })
			all = append(all, of...)
		}
		if len(all) <= maxInstants {
			return all
		}
		if len(kinds) == 1 {
			return all[:maxInstants]
		}
	}
	return nil
}

func tooNear(list []Instant, t float64) bool {
	for _, x := range list {
		if math.Abs(x.TimeS-t) < 0.15 {
			return true
		}
	}
	return false
}

// A cut still is at most so tall, pixels: stillHeight, or manyHeight where
// there are more than fewStills.
const (
	stillHeight = 480
	manyHeight  = 360
	fewStills   = 16
)

// cut copies the lifter out of a drawn picture and shrinks it.
func (p *Painter) cut(pix []byte, at Instant, timeS float64) *Picture {
	r := p.bounds()
	img := p.image(pix, r)
	limit := stillHeight
	if len(p.opts.Instants) > fewStills {
		limit = manyHeight
	}
	if h := r.Dy(); h > limit {
		small := image.NewRGBA(image.Rect(0, 0, max(1, r.Dx()*limit/h), limit))
		draw.CatmullRom.Scale(small, small.Rect, img, img.Rect, draw.Src, nil)
		img = small
	}
	at.TimeS = timeS
	return &Picture{Instant: at, Image: img}
}

// JPEG encodes the picture for a report, with a quality of 1 to 100.
func (p *Picture) JPEG(quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p.Image, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode still %q of rep %d: %w", p.Label, p.Rep, err)
	}
	return b.Bytes(), nil
}

// image copies the part r of a picture.
func (p *Painter) image(pix []byte, r image.Rectangle) *image.RGBA {
	if p.opts.Format == video.YUV {
		return yuvImage(pix, p.layout.w, p.layout.h, r)
	}
	return bgrImage(pix, p.layout.w, p.layout.h, r)
}

// bgrImage copies the part r of a BGR picture.
func bgrImage(pix []byte, w, h int, r image.Rectangle) *image.RGBA {
	r = r.Intersect(image.Rect(0, 0, w, h))
	img := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		from := pix[3*((r.Min.Y+y)*w+r.Min.X):]
		to := img.Pix[y*img.Stride : y*img.Stride+4*r.Dx()]
		for i, j := 0, 0; i < len(to); i, j = i+4, j+3 {
			to[i], to[i+1], to[i+2], to[i+3] = from[j+2], from[j+1], from[j], 255
		}
	}
	return img
}
