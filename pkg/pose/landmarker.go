package pose

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/recording"
)

// The landmark network's geometry (models' cards; MediaPipe's
// pose_landmark_by_roi graph).
const (
	cropSize      = 256
	networkPoints = 39 // 33 of the body, 2 for the next region, 4 unused
	pointColumns  = 5  // x, y, z in crop pixels, visibility and presence logits
	heatmapSize   = 64
	heatmapKernel = 7
	minHeat       = 0.5 // min_confidence_to_refine
	pointHip      = 33
	pointTop      = 34
	outLandmarks  = networkPoints * pointColumns
	outPresence   = 1
	outMask       = cropSize * cropSize
	outHeatmap    = networkPoints * heatmapSize * heatmapSize
	minPresence   = 0.5 // MediaPipe's min_tracking_confidence
)

// MaskSize is the side of a [Mask] in pixels.
const MaskSize = cropSize

// Mask is the probability of each pixel of a square region of the picture to
// belong to the person. Its own pixel centres lie at .5.
type Mask struct {
	P         []float32 // MaskSize×MaskSize, row by row; empty where nobody was found and until Develop
	ToImage   Affine    // mask pixels → picture pixels
	FromImage Affine    // picture pixels → mask pixels

	latent []float32 // what P is to be made of
	end    *maskEnd  // that makes it
}

// Develop fills P of a mask that a [Tracker] has given, in the memory that the Mask
// had before; the tracker need not wait for it, but must not be closed yet. Of others,
// and a second time, it does nothing.
func (m *Mask) Develop() error {
	if len(m.latent) == 0 {
		return nil
	}
	err := m.end.run(m.latent, m.read)
	m.latent = m.latent[:0]
	return err
}

// Empty reports whether nobody was found.
func (m *Mask) Empty() bool { return len(m.P) == 0 && len(m.latent) == 0 }

// Copy returns the mask in the memory of another, which is used up.
func (m *Mask) Copy(into Mask) Mask {
	into.P, into.latent = append(into.P[:0], m.P...), append(into.latent[:0], m.latent...)
	into.ToImage, into.FromImage, into.end = m.ToImage, m.FromImage, m.end
	return into
}

// read fills P.
func (m *Mask) read(logits []float32) {
	if m.P == nil {
		m.P = make([]float32, MaskSize*MaskSize)
	}
	m.P = m.P[:MaskSize*MaskSize]
	for i, logit := range logits {
		m.P[i] = maskOf(logit)
	}
}

// At interpolates the probability at a picture position bilinearly; it is 0
// outside the region.
func (m *Mask) At(x, y float64) float64 {
	if len(m.P) == 0 {
		return 0
	}
	u, v := m.FromImage.Apply(x, y)
	u -= 0.5
	v -= 0.5
	if !(u > -1 && v > -1 && u < MaskSize && v < MaskSize) {
		return 0
	}
	fu, fv := math.Floor(u), math.Floor(v)
	wu, wv := u-fu, v-fv
	i, j := int(fu), int(fv)
	if i >= 0 && j >= 0 && i+1 < MaskSize && j+1 < MaskSize { // as nearly everywhere
		p := (*[MaskSize + 2]float32)(m.P[j*MaskSize+i:])
		return (1-wv)*((1-wu)*float64(p[0])+wu*float64(p[1])) + wv*((1-wu)*float64(p[MaskSize])+wu*float64(p[MaskSize+1]))
	}
	return (1-wv)*((1-wu)*m.pixel(i, j)+wu*m.pixel(i+1, j)) + wv*((1-wu)*m.pixel(i, j+1)+wu*m.pixel(i+1, j+1))
}

// Moved returns the mask of a picture in which everything is moved: to shows
// where in this mask's picture it was. P is shared.
func (m *Mask) Moved(to Affine) Mask {
	from := m.FromImage.After(to)
	return Mask{P: m.P, ToImage: from.Inverse(), FromImage: from}
}

// pixel returns the probability at column i, row j, the nearest one outside.
func (m *Mask) pixel(i, j int) float64 {
	i, j = max(0, min(i, MaskSize-1)), max(0, min(j, MaskSize-1))
	return float64(m.P[j*MaskSize+i])
}

// sight is what the landmark network saw in one region.
type sight struct {
	region    Region
	presence  float64
	landmarks [recording.NumLandmarks]recording.Keypoint
	hip, top  [2]float64 // where the person is now: the points that make the next region
}

// landmarker runs the landmark network on a region.
type landmarker struct {
	net                                infer.Network
	end                                *maskEnd // nil if net gives the mask itself
	landmarks, presence, mask, heatmap int      // which outputs; mask is what end takes if there is one
	region                             Region   // of the last run
}

// maskEnd is the part of the landmark network that makes the mask of what the rest
// leaves for it. Tracking hardly ever needs the mask, so that whoever does can
// compute it meanwhile. It may be used by several goroutines.
type maskEnd struct {
	mu  sync.Mutex
	net infer.Network
}

// run makes a mask's logits, which are valid during use.
func (e *maskEnd) run(latent []float32, use func(logits []float32)) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	copy(e.net.Input(), latent)
	if err := e.net.Run(); err != nil {
		return fmt.Errorf("make the mask: %w", err)
	}
	use(e.net.Output(0))
	return nil
}

func newLandmarker(rt *infer.Runtime, model []byte) (*landmarker, error) {
	parts, err := rt.OpenParts(model)
	if err != nil {
		return nil, fmt.Errorf("landmark network: %w", err)
	}
	l := &landmarker{net: parts.Head, landmarks: -1, presence: -1, mask: -1, heatmap: -1}
	for i := range l.net.Outputs() {
		switch len(l.net.Output(i)) {
		case outLandmarks:
			l.landmarks = i
		case outPresence:
			l.presence = i
		case outMask:
			l.mask = i
		case outHeatmap:
			l.heatmap = i
		}
	}
	if parts.Tail != nil && len(parts.Tail.Output(0)) == outMask {
		l.end = &maskEnd{net: parts.Tail}
		l.mask = len(l.net.Outputs()) - 1
	}
	if min(l.landmarks, l.presence, l.mask, l.heatmap) < 0 || len(l.net.Input()) != 3*cropSize*cropSize {
		defer parts.Close()
		return nil, fmt.Errorf("landmark network: not a BlazePose landmark network (input %v, outputs %q)",
			l.net.InputShape(), l.net.Outputs())
	}
	return l, nil
}

// twin returns a landmarker of the same network that may run at the same time.
func (l *landmarker) twin() (*landmarker, error) {
	net, err := l.net.Another()
	if err != nil {
		return nil, fmt.Errorf("landmark network: %w", err)
	}
	other := *l
	other.net = net
	if l.end != nil {
		if net, err = l.end.net.Another(); err != nil {
			return nil, errors.Join(fmt.Errorf("landmark network: %w", err), other.net.Close())
		}
		other.end = &maskEnd{net: net}
	}
	return &other, nil
}

// locate runs the network on a region of the picture.
func (l *landmarker) locate(img Image, r Region, t *tone) (sight, error) {
	toImage := r.ToImage(cropSize)
	warp(l.net.Input(), cropSize, cropSize, img, toImage, replicate, t)
	if err := l.net.Run(); err != nil {
		return sight{}, fmt.Errorf("locate landmarks: %w", err)
	}
	l.region = r
	s := sight{region: r, presence: float64(l.net.Output(l.presence)[0])}
	raw, heat := l.net.Output(l.landmarks), l.net.Output(l.heatmap)
	scale := r.Side / cropSize
	at := func(i int) (x, y float64) {
		x, y = refine(heat, i, float64(raw[pointColumns*i]), float64(raw[pointColumns*i+1]))
		return toImage.Apply(x, y)
	}
	for i := range s.landmarks {
		k := &s.landmarks[i]
		k.X, k.Y = at(i)
		k.Z = float64(raw[pointColumns*i+2]) * scale
		k.Visibility = sigmoid(float64(raw[pointColumns*i+3]))
	}
	s.hip[0], s.hip[1] = at(pointHip)
	s.top[0], s.top[1] = at(pointTop)
	return s, nil
}

// refine moves landmark i from crop position (x, y) to the weighted mean of
// its heat map round it, as MediaPipe's RefineLandmarksFromHeatmap does.
func refine(heat []float32, i int, x, y float64) (float64, float64) {
	const cell = cropSize / heatmapSize
	col, row := int(math.Floor(x/cell)), int(math.Floor(y/cell))
	if col < 0 || row < 0 || col >= heatmapSize || row >= heatmapSize || math.IsNaN(x+y) {
		return x, y
	}
	const reach = (heatmapKernel - 1) / 2
	plane := heat[i*heatmapSize*heatmapSize:]
	var sum, sumX, sumY, best float64
	for r := max(0, row-reach); r <= min(heatmapSize-1, row+reach); r++ {
		for c := max(0, col-reach); c <= min(heatmapSize-1, col+reach); c++ {
			p := sigmoid(float64(plane[r*heatmapSize+c]))
			best = max(best, p)
			sum += p
			sumX += p * float64(c)
			sumY += p * float64(r)
		}
	}
	if best < minHeat {
		return x, y
	}
	// The cell's own index and not its centre: the network was trained so.
	return sumX / sum * cell, sumY / sum * cell
}

// area is the person's part of the picture in the last run's mask, in square
// pixels of the picture.
func (l *landmarker) area() (float64, error) {
	n := 0
	count := func(logits []float32) {
		for _, logit := range logits {
			if logit > 0 {
				n++
			}
		}
	}
	if l.end == nil {
		count(l.net.Output(l.mask))
	} else if err := l.end.run(l.net.Output(l.mask), count); err != nil {
		return 0, err
	}
	pixel := l.region.Side / cropSize
	return float64(n) * pixel * pixel, nil
}

// readMask fills m from the last run: P, or what Develop makes it of.
func (l *landmarker) readMask(m *Mask) {
	m.ToImage = l.region.ToImage(MaskSize)
	m.FromImage = m.ToImage.Inverse()
	m.P, m.end = m.P[:0], l.end
	if l.end == nil {
		m.read(l.net.Output(l.mask))
	} else {
		m.latent = append(m.latent[:0], l.net.Output(l.mask)...)
	}
}

// maskOf is the probability that a mask's logit stands for. NaN counts as not the
// person: it fails both comparisons.
func maskOf(logit float32) float32 {
	const last = len(maskProbability) - 1
	switch {
	case logit >= maskLogit:
		return maskProbability[last]
	case logit > -maskLogit:
		// Just below maskLogit the sum rounds up to the table's end.
		return maskProbability[min(int((logit+maskLogit)*maskSteps), last)]
	}
	return maskProbability[0]
}

// maskProbability is the sigmoid of -maskLogit..maskLogit in steps of
// 1/maskSteps, at the steps' middles: exact to 0.0005, and much faster than
// 65536 exponentials a frame.
var maskProbability = func() (table [2 * maskLogit * maskSteps]float32) {
	for i := range table {
		table[i] = float32(sigmoid((float64(i)+0.5)/maskSteps - maskLogit))
	}
	return table
}()

const (
	maskLogit = 12
	maskSteps = 256
)

func (l *landmarker) Close() error {
	err := l.net.Close()
	if l.end != nil {
		err = errors.Join(err, l.end.net.Close())
	}
	return err
}
