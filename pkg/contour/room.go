package contour

import (
	"math"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// room is what the picture shows where nobody stands: the background, learned
// while the clip goes by. The camera stands still, so a pixel that was wall
// before the lifter bent in front of it is known to be that wall. With it the
// gap between an arm and the back, which the mask fills, can be told from the
// lifter, and so can a back from a wall of nearly the same colour.
//
// Each pixel keeps one colour and how often it was confirmed. What moves
// through (a plate, a hand that the mask missed) is outvoted; what stays takes
// over. Pictures of another size start a new room.
type room struct {
	width, height int
	mean          []uint16 // 1/256 of a grey level, blue, green, red
	count         []uint8  // confirmations; below settledAt the pixel is not known
	cols, rows    int      // of blocks
	blocks        []block
	person        []float32 // mask at the blocks' centres, this frame
	wide          []float32 // largest of neighbours
	tick          int
	colours       palette    // of what is known of it
	gain          [3]float64 // brightness of this picture against the room's
	noise         float64    // standard deviation of a channel about the room
	grain         float64    // side of the patch of picture that carries one independent deviation, pixels
	power         [grainLags + 1]float64
	ratios        [3][]float64 // scratch
	variances     []float64    // the same
	findings      []finding    // the same
}

type block struct {
	visits   uint8
	restless bool    // much of it was something else at the last visit
	variance float32 // of the picture about the room, per channel
}

const (
	// blockPx is the side of the squares in which the room is learned.
	blockPx = 8
	// settledAt is how often a pixel's colour has to have been seen.
	settledAt = 3
	// surestCount bounds the memory of a pixel: after so many confirmations
	// the newest weighs 1/16, and five contradictions make it forget.
	surestCount = 16
	// soughtOut is how often a block is looked at whenever nobody stands before
	// it; then it is known well enough to be left to its turn.
	soughtOut = 8
	// revisit is after how many frames a known block is looked at again.
	revisit = 12
	// absence is the mask's probability below which nobody stands there.
	absence = 0.1
	// clearance is how far from the mask a pixel must lie to be learned, trunk
	// lengths: hands, hair and loose cloth reach beyond the mask (1.5 cm).
	clearance = 0.03
	// firstNoise and firstGrain are believed until the room says better:
	// a phone's daylight video after H.264.
	firstNoise = 5.0
	firstGrain = 3.0
	// grainLags is the number of neighbours that the grain is measured over.
	grainLags = 4
)

func (r *room) reset(width, height int) {
	*r = room{
		width: width, height: height,
		mean: make([]uint16, 3*width*height), count: make([]uint8, width*height),
		cols: (width + blockPx - 1) / blockPx, rows: (height + blockPx - 1) / blockPx,
		gain: [3]float64{1, 1, 1}, noise: firstNoise, grain: firstGrain,
	}
	n := r.cols * r.rows
	r.blocks, r.person, r.wide = make([]block, n), make([]float32, n), make([]float32, n)
}

// learn looks at the picture round the trunk t of the given length wherever
// the mask says that nobody is there.
func (r *room) learn(img Image, mask Mask, t *recording.Trunk, length float64) {
	if r.width != img.Width || r.height != img.Height {
		r.reset(img.Width, img.Height)
	}
	r.tick++
	reach := (maxReach + 0.2) * length
	x0 := min(t.Hip.X, t.Shoulder.X) - reach
	x1 := max(t.Hip.X, t.Shoulder.X) + reach
	y0 := min(t.Hip.Y, t.Shoulder.Y) - reach
	y1 := max(t.Hip.Y, t.Shoulder.Y) + reach
	if !(x1 > 0 && y1 > 0 && x0 < float64(r.width) && y0 < float64(r.height)) {
		return
	}
	c0, c1 := max(0, int(x0)/blockPx), min(r.cols, int(x1)/blockPx+1)
	r0, r1 := max(0, int(y0)/blockPx), min(r.rows, int(y1)/blockPx+1)
	far := 1 + int(max(clearance*length, 1.5*mask.PixelSize()))/blockPx
	r.look(mask, c0, c1, r0, r1, far)
	r.expose(img, c0, c1, r0, r1)
	for by := r0; by < r1; by++ {
		for bx := c0; bx < c1; {
			from := bx
			for ; bx < c1 && r.due(bx, by); bx++ {
				if (bx+by)%4 == 0 {
					r.overhear(img, bx, by)
				}
			}
			if from == bx {
				bx++
				continue
			}
			r.visit(img, from, bx, by)
			for ; from < bx; from++ {
				r.collect(img, from, by)
			}
		}
	}
	r.listen()
}

// due reports whether a block is to be looked at: nobody stands before it, and it is
// not known yet or it is its row's turn. Rows, since pixels that lie side by side
// are quicker to come by than others.
func (r *room) due(bx, by int) bool {
	i := by*r.cols + bx
	b := &r.blocks[i]
	return r.wide[i] < absence && (b.visits < soughtOut || b.restless || (by+r.tick)%revisit == 0)
}

// look reads the mask at the blocks' centres and spreads each value over far
// blocks in every direction.
func (r *room) look(mask Mask, c0, c1, r0, r1, far int) {
	for by := r0; by < r1; by++ {
		for bx := c0; bx < c1; bx++ {
			r.person[by*r.cols+bx] = float32(mask.At((float64(bx)+0.5)*blockPx, (float64(by)+0.5)*blockPx))
		}
	}
	for by := r0; by < r1; by++ { // along rows into wide
		for bx := c0; bx < c1; bx++ {
			m := float32(0)
			for k := max(c0, bx-far); k < min(c1, bx+far+1); k++ {
				m = max(m, r.person[by*r.cols+k])
			}
			r.wide[by*r.cols+bx] = m
		}
	}
	copy(r.person, r.wide)
	for by := r0; by < r1; by++ {
		for bx := c0; bx < c1; bx++ {
			m := float32(0)
			for k := max(r0, by-far); k < min(r1, by+far+1); k++ {
				m = max(m, r.person[k*r.cols+bx])
			}
			r.wide[by*r.cols+bx] = m
		}
	}
}

// expose estimates this picture's brightness against the room's: phones change
// exposure and white balance when a dark plate comes near. The median over
// blocks does not mind a few that are hidden.
func (r *room) expose(img Image, c0, c1, r0, r1 int) {
	for ch := range r.ratios {
		r.ratios[ch] = r.ratios[ch][:0]
	}
	for by := r0; by < r1; by++ {
		for bx := c0 + by%2; bx < c1; bx += 2 {
			i := by*r.cols + bx
			if r.wide[i] >= absence || r.blocks[i].visits < soughtOut {
				continue
			}
			x, y := min(bx*blockPx+blockPx/2, r.width-1), min(by*blockPx+blockPx/2, r.height-1)
			o := y*r.width + x
			if r.count[o] < settledAt {
				continue
			}
			for ch := range r.ratios {
				if m := r.mean[3*o+ch]; m > 12<<8 {
					r.ratios[ch] = append(r.ratios[ch], float64(img.Pix[3*o+ch])*256/float64(m))
				}
			}
		}
	}
	for ch, ratios := range r.ratios {
		if len(ratios) >= 30 {
			r.gain[ch] = max(0.5, min(2, signal.Nth(ratios, len(ratios)/2)))
		}
	}
}

// finding is what a visit finds in a block.
type finding struct {
	odd, known int   // pixels that show something else, and that show what is known
	squares    int64 // sum over known, of the three channels' deviations, 1/256 grey levels
}

// visit updates the blocks from bx to end of one row.
func (r *room) visit(img Image, bx, end, by int) {
	// What a pixel of the same thing deviates by, the three channels together.
	limit := int32(256 * (12 + 4*r.noise))
	var gain, inverse [3]int32 // 1/256
	for ch := range gain {
		gain[ch] = int32(256 * r.gain[ch])
		inverse[ch] = int32(65536 / r.gain[ch])
	}
	r.findings = resize(r.findings, end-bx)
	clear(r.findings)
	for y := by * blockPx; y < min((by+1)*blockPx, r.height); y++ {
		for k := range r.findings {
			x0 := (bx + k) * blockPx
			o, n := y*r.width+x0, min(blockPx, r.width-x0)
			counts, pix, mean := r.count[o:o+n], img.Pix[3*o:3*(o+n)], r.mean[3*o:3*(o+n)]
			t := &r.findings[k]
			for x := range counts {
				p, m := pix[3*x:3*x+3:3*x+3], mean[3*x:3*x+3:3*x+3]
				d0 := int32(p[0])<<8 - int32(m[0])*gain[0]>>8
				d1 := int32(p[1])<<8 - int32(m[1])*gain[1]>>8
				d2 := int32(p[2])<<8 - int32(m[2])*gain[2]>>8
				count := int32(counts[x])
				switch {
				case count == 0:
				case max(d0, -d0)+max(d1, -d1)+max(d2, -d2) > limit:
					t.odd++
					if count > 3 {
						counts[x] = uint8(count - 3)
						continue
					}
					count = 0
				case count >= settledAt:
					t.known++
					t.squares += int64(d0)*int64(d0) + int64(d1)*int64(d1) + int64(d2)*int64(d2)
				}
				share := 65536 / (count + 1)
				m[0] = towards(m[0], int32(p[0])*inverse[0]>>8, share)
				m[1] = towards(m[1], int32(p[1])*inverse[1]>>8, share)
				m[2] = towards(m[2], int32(p[2])*inverse[2]>>8, share)
				counts[x] = uint8(min(count+1, surestCount))
			}
		}
	}
	for k := range r.findings {
		r.blocks[by*r.cols+bx+k].note(&r.findings[k])
	}
}

// note takes what a visit found.
func (b *block) note(t *finding) {
	b.restless = t.odd > blockPx*blockPx/4
	b.visits = min(b.visits+1, 255)
	if t.known >= blockPx*blockPx/2 {
		v := float32(float64(t.squares) / float64(3*t.known) / 65536)
		if b.variance == 0 {
			b.variance = v
		}
		b.variance += (v - b.variance) / 4
	}
}

// collect adds the colour in the middle of a block to those of the room.
func (r *room) collect(img Image, bx, by int) {
	x, y := min(bx*blockPx+blockPx/2, r.width-1), min(by*blockPx+blockPx/2, r.height-1)
	if o := y*r.width + x; r.count[o] >= settledAt {
		r.colours.add(img.Pix[3*o], img.Pix[3*o+1], img.Pix[3*o+2])
	}
}

// towards is share/65536 of the way from m to v, which is not negative.
func towards(m uint16, v, share int32) uint16 {
	return uint16(min(65535, int64(m)+int64(v-int32(m))*int64(share)>>16))
}

// overhear adds one row of a settled block to the measurement of the grain.
func (r *room) overhear(img Image, bx, by int) {
	o := min(by*blockPx+blockPx/2, r.height-1)*r.width + bx*blockPx
	if bx == r.cols-1 {
		return
	}
	var d [blockPx]float64
	for k := range d {
		if r.count[o+k] < settledAt {
			return
		}
		d[k] = float64(img.Pix[3*(o+k)+1]) - float64(r.mean[3*(o+k)+1])*r.gain[1]/256
		if math.Abs(d[k]) > 12+4*r.noise {
			return
		}
	}
	for lag := range r.power {
		for k := lag; k < blockPx; k++ {
			r.power[lag] += d[k] * d[k-lag] * blockPx / float64(blockPx-lag)
		}
	}
}

// listen measures noise and grain from what the blocks showed so far.
func (r *room) listen() {
	if r.tick%revisit != 0 {
		return
	}
	r.variances = r.variances[:0]
	for i := range r.blocks {
		if v := r.blocks[i].variance; v > 0 {
			r.variances = append(r.variances, float64(v))
		}
	}
	if len(r.variances) < 50 || r.power[0] == 0 {
		return
	}
	r.noise = math.Sqrt(signal.Nth(r.variances, len(r.variances)/2))
	side := 1.0
	for lag := 1; lag <= grainLags; lag++ {
		side += 2 * max(0, r.power[lag]/r.power[0])
	}
	r.grain = side
	for k := range r.power { // forget slowly
		r.power[k] *= 0.9
	}
}

// at gives the room's colour at a picture position as this picture would show
// it, and the variance about it. It reports false where the room is not known.
func (r *room) at(x, y float64, c *[3]float64) (variance float64, ok bool) {
	x, y = x-0.5, y-0.5
	ix, iy := int(x), int(y)
	if x < 0 || y < 0 || ix+1 >= r.width || iy+1 >= r.height {
		return 0, false
	}
	o := iy*r.width + ix
	count := min(r.count[o], r.count[o+1], r.count[o+r.width], r.count[o+r.width+1])
	if count < settledAt {
		return 0, false
	}
	fx, fy := x-float64(ix), y-float64(iy)
	up, down := r.mean[3*o:3*o+6], r.mean[3*(o+r.width):3*(o+r.width)+6]
	for k := range c {
		a := float64(up[k])*(1-fx) + float64(up[k+3])*fx
		b := float64(down[k])*(1-fx) + float64(down[k+3])*fx
		c[k] = (a*(1-fy) + b*fy) / 256 * r.gain[k]
	}
	v := float64(r.blocks[iy/blockPx*r.cols+ix/blockPx].variance)
	// The room's own colour is the mean of so many noisy ones.
	return max(v, r.noise*r.noise) * (1 + 1/float64(count)), true
}
