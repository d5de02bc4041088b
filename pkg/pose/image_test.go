package pose

import (
	"math"
	"math/rand/v2"
	"testing"
)

// plane is a picture whose blue, green and red are linear in x and y, so that
// bilinear sampling has an exact answer.
func plane(w, h int) (Image, func(x, y float64) [3]float64) {
	at := func(x, y float64) [3]float64 { // at continuous coordinates, centres at .5
		x, y = x-0.5, y-0.5
		return [3]float64{10 + x, 200 - y, 20 + 0.5*x + 0.5*y}
	}
	img := Image{Pix: make([]byte, 3*w*h), Width: w, Height: h}
	for y := range h {
		for x := range w {
			v := at(float64(x)+0.5, float64(y)+0.5)
			for c := range v {
				img.Pix[3*(y*w+x)+c] = byte(math.Floor(v[c]))
			}
		}
	}
	return img, at
}

func TestWarpSamplesALinearPictureExactly(t *testing.T) {
	img, at := plane(120, 100)
	const size = 32
	identity := linearTone(0, 255, 1)
	for _, tt := range []struct {
		name   string
		region Region
	}{
		{"upright at scale 1", Region{X: 60, Y: 50, Side: 32}},
		{"enlarged and shifted by half pixels", Region{X: 55.5, Y: 47.25, Side: 20}},
		{"shrunk and turned", Region{X: 60, Y: 50, Side: 60, Angle: 0.4}},
		{"upside down", Region{X: 60, Y: 50, Side: 40, Angle: math.Pi}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dst := make([]float32, 3*size*size)
			m := tt.region.ToImage(size)
			warp(dst, size, size, img, m, zero, identity)
			for i := range size * size {
				x, y := m.Apply(float64(i%size)+0.5, float64(i/size)+0.5)
				want := at(x, y)
				got := [3]float64{float64(dst[2*size*size+i]), float64(dst[size*size+i]), float64(dst[i])}
				for c := range want {
					// 0.5 was rounded off the third channel's pixels, weights have
					// 8 bits, tones are a quarter apart.
					if d := got[c] - want[c]; d > 0.3 || d < -0.9 {
						t.Fatalf("crop pixel %d,%d channel %d is %g, want %g", i%size, i/size, c, got[c], want[c])
					}
				}
			}
		})
	}
}

// The fast path for rows inside the picture and the careful one agree.
func TestWarpPathsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	small := Image{Pix: make([]byte, 3*64*64), Width: 64, Height: 64}
	for i := range small.Pix {
		small.Pix[i] = byte(rng.IntN(256))
	}
	// The same picture in the middle of a larger one, so that rows which reach
	// beyond the small one stay inside the large one.
	large := Image{Pix: make([]byte, 3*192*192), Width: 192, Height: 192}
	for y := range 192 {
		for x := range 192 {
			sx, sy := max(0, min(x-64, 63)), max(0, min(y-64, 63))
			copy(large.Pix[3*(192*y+x):][:3], small.Pix[3*(64*sy+sx):][:3])
		}
	}
	const size = 48
	a, b := make([]float32, 3*size*size), make([]float32, 3*size*size)
	tone := linearTone(0, 255, 1)
	for range 20 {
		r := Region{X: 64 * rng.Float64(), Y: 64 * rng.Float64(), Side: 20 + 60*rng.Float64(), Angle: 6 * rng.Float64()}
		warp(a, size, size, small, r.ToImage(size), replicate, tone)
		r.X += 64
		r.Y += 64
		warp(b, size, size, large, r.ToImage(size), replicate, tone)
		for i := range a {
			// Weights of 8 bits against exact ones, on noise of full contrast.
			if d := math.Abs(float64(a[i] - b[i])); d > 3 {
				t.Fatalf("region %+v: value %d is %g and %g", r, i, a[i], b[i])
			}
		}
	}
}

func TestWarpBorders(t *testing.T) {
	white := Image{Pix: make([]byte, 3*8*8), Width: 8, Height: 8}
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	outside := Region{X: -20, Y: -20, Side: 8}.ToImage(4)
	dst := make([]float32, 3*4*4)
	tone := linearTone(-1, 1, 1)
	for _, tt := range []struct {
		edge border
		want float32
	}{{zero, -1}, {replicate, 1}} {
		warp(dst, 4, 4, white, outside, tt.edge, tone)
		for i, v := range dst {
			if v != tt.want {
				t.Fatalf("border %d: value %d outside is %g, want %g", tt.edge, i, v, tt.want)
			}
		}
	}
}

func TestStrideIsRespected(t *testing.T) {
	img, _ := plane(50, 40)
	const stride = 3*50 + 7
	padded := Image{Pix: make([]byte, stride*40), Width: 50, Height: 40, Stride: stride}
	for i := range padded.Pix {
		padded.Pix[i] = 255
	}
	for y := range 40 {
		copy(padded.Pix[stride*y:], img.Pix[150*y:150*(y+1)])
	}
	a, b := make([]float32, 3*256), make([]float32, 3*256)
	m := Region{X: 25, Y: 20, Side: 45, Angle: 0.3}.ToImage(16)
	warp(a, 16, 16, img, m, replicate, linearTone(0, 1, 1))
	warp(b, 16, 16, padded, m, replicate, linearTone(0, 1, 1))
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("value %d is %g with padded rows, %g without", i, b[i], a[i])
		}
	}
}

func TestImageValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		img  Image
		ok   bool
	}{
		{"whole", Image{Pix: make([]byte, 12), Width: 2, Height: 2}, true},
		{"last row without padding", Image{Pix: make([]byte, 16), Width: 2, Height: 2, Stride: 10}, true},
		{"no size", Image{}, false},
		{"too few bytes", Image{Pix: make([]byte, 11), Width: 2, Height: 2}, false},
		{"rows shorter than the picture", Image{Pix: make([]byte, 12), Width: 2, Height: 2, Stride: 5}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.img.Validate(); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAffineInverse(t *testing.T) {
	a := Region{X: 321, Y: 123, Side: 400, Angle: 1.1}.ToImage(MaskSize)
	x, y := a.Inverse().Apply(a.Apply(17, 200))
	if math.Hypot(x-17, y-200) > 1e-9 {
		t.Errorf("there and back gives %g, %g", x, y)
	}
	if x, _ := (Affine{}).Inverse().Apply(1, 1); !math.IsNaN(x) {
		t.Errorf("a map without inverse has one: %g", x)
	}
}

func TestAffineAfter(t *testing.T) {
	a := Region{X: 321, Y: 123, Side: 400, Angle: 1.1}.ToImage(MaskSize)
	b := Region{X: -50, Y: 77, Side: 90, Angle: -2}.ToImage(MaskSize)
	x, y := a.Apply(b.Apply(12, 34))
	if gx, gy := a.After(b).Apply(12, 34); math.Abs(gx-x) > 1e-9 || math.Abs(gy-y) > 1e-9 {
		t.Errorf("(%g, %g), want (%g, %g)", gx, gy, x, y)
	}
}

// A mask that is moved says of a place what it said of where that was.
func TestMaskMoved(t *testing.T) {
	m := Mask{P: make([]float32, MaskSize*MaskSize), ToImage: Region{X: 500, Y: 400, Side: 512, Angle: 0.3}.ToImage(MaskSize)}
	m.FromImage = m.ToImage.Inverse()
	for i := range m.P {
		m.P[i] = float32(i%MaskSize) / MaskSize
	}
	to := Affine{0.8, -0.6, 30, 0.6, 0.8, -20}
	moved := m.Moved(to)
	for _, at := range [][2]float64{{560, 90}, {650, 90}, {600, 40}} {
		x, y := to.Apply(at[0], at[1])
		if got, want := moved.At(at[0], at[1]), m.At(x, y); want == 0 || math.Abs(got-want) > 1e-9 {
			t.Errorf("at %v: %g, want %g", at, got, want)
		}
		u, v := moved.FromImage.Apply(moved.ToImage.Apply(7, 9))
		if math.Abs(u-7) > 1e-9 || math.Abs(v-9) > 1e-9 {
			t.Errorf("there and back: (%g, %g)", u, v)
		}
	}
}

func TestMaskOf(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, logit := range []float32{
		-inf, -100, -maskLogit, math.Nextafter32(-maskLogit, 0), -3, -0.001, 0, 0.5, 7,
		math.Nextafter32(maskLogit, 0), maskLogit, math.Nextafter32(maskLogit, 100), 100, inf,
	} {
		if got, want := float64(maskOf(logit)), sigmoid(float64(logit)); !(math.Abs(got-want) < 0.0006) {
			t.Errorf("logit %g: %g, want %g", logit, got, want)
		}
	}
	if got := maskOf(float32(math.NaN())); got > 1e-5 {
		t.Errorf("logit NaN: %g, want nothing", got)
	}
}

func TestMaskAt(t *testing.T) {
	m := Mask{P: make([]float32, MaskSize*MaskSize), ToImage: Region{X: 500, Y: 400, Side: 512}.ToImage(MaskSize)}
	m.FromImage = m.ToImage.Inverse()
	for i := range m.P {
		if i%MaskSize >= MaskSize/2 {
			m.P[i] = 1
		}
	}
	for _, tt := range []struct{ x, y, want float64 }{
		{300, 400, 0}, {700, 400, 1}, {500, 400, 0.5}, // an edge lies where the probability passes ½
		{1200, 400, 0}, {700, 100, 0}, // outside
	} {
		if got := m.At(tt.x, tt.y); math.Abs(got-tt.want) > 1e-6 {
			t.Errorf("at %g, %g: %g, want %g", tt.x, tt.y, got, tt.want)
		}
	}
	if (&Mask{}).At(1, 1) != 0 {
		t.Error("an empty mask is somewhere")
	}
}

func BenchmarkWarp(b *testing.B) {
	img := Image{Pix: make([]byte, 3*1080*1920), Width: 1080, Height: 1920}
	dst := make([]float32, 3*cropSize*cropSize)
	tone := linearTone(0, 1, 1)
	m := Region{X: 540, Y: 960, Side: 1500, Angle: 0.3}.ToImage(cropSize)
	b.ReportAllocs()
	for b.Loop() {
		warp(dst, cropSize, cropSize, img, m, replicate, tone)
	}
}
