package lift

import (
	"math"
	"sync"

	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/signal"
)

// Smoothing of landmarks. Lifts move below 3 Hz; 6 Hz is movement analysis'
// usual cut-off and leaves a fast rep alone.
const (
	maxGap         = 0.15 // s, filled before filtering
	outlierSeconds = 0.12 // half width of the outlier filter
	cutoffHz       = 6.0
	// A lifter that is lost for longer than bridgeGap ends what is going on.
	bridgeGap = 1.0
)

// track is a path in the picture, pixels; NaN where unknown.
type track struct{ x, y []float64 }

func newTrack(n int) track { return track{make([]float64, n), make([]float64, n)} }

func (k track) at(i int) recording.Point { return recording.Point{X: k.x[i], Y: k.y[i]} }

func (k track) set(i int, p recording.Point) { k.x[i], k.y[i] = p.X, p.Y }

// body is the landmarks as paths over the clip.
type body struct {
	t          []float64
	rate       float64
	half       int                               // window of the outlier filter, frames to both sides
	mark       [recording.NumLandmarks]track     // smoothed
	z          [recording.NumLandmarks][]float64 // as recorded
	vis        [recording.NumLandmarks][]float64 // 0 where absent
	discs      []recording.Disc                  // the near plate, as recorded
	confidence []float64
	shots      []shot
	trunk      float64 // typical length of the upright trunk, pixels
	leg        float64 // typical thigh + shank, pixels
	height     float64 // of the person, estimated
}

func newBody(rec *recording.Recording) *body {
	n := len(rec.Frames)
	b := &body{t: make([]float64, n), confidence: make([]float64, n), discs: make([]recording.Disc, n)}
	for l := range b.mark {
		b.mark[l], b.z[l], b.vis[l] = newTrack(n), make([]float64, n), make([]float64, n)
	}
	for i := range rec.Frames {
		f := &rec.Frames[i]
		b.t[i] = f.Time
		for l, k := range f.Landmarks {
			if !f.Seen() || math.IsNaN(k.X) || math.IsNaN(k.Y) {
				k = recording.Keypoint{X: math.NaN(), Y: math.NaN(), Z: math.NaN()}
			}
			b.mark[l].set(i, recording.Point{X: k.X, Y: k.Y})
			b.z[l][i] = k.Z
			if !math.IsNaN(k.Visibility) {
				b.vis[l][i] = k.Visibility
			}
		}
		b.confidence[i], b.discs[i] = confidence(f), f.Plate
	}
	b.rate = signal.Rate(b.t)
	b.half = max(3, int(math.Round(outlierSeconds*b.rate)))
	trunk := b.rawTrunk()
	b.shots = b.findShots(trunk)
	var wg sync.WaitGroup
	for _, path := range b.mark {
		wg.Go(func() { b.smooth(path, trunk) })
	}
	wg.Wait()
	b.measure()
	b.scaleShots()
	return b
}

// smooth removes a path's outliers and jitter, shot by shot.
func (b *body) smooth(k track, trunk float64) {
	for _, h := range b.shots {
		t := b.t[h.from:h.to]
		for _, s := range [][]float64{k.x[h.from:h.to], k.y[h.from:h.to]} {
			signal.FillGaps(s, t, s, maxGap)
			signal.Hampel(s, s, b.half, 3, 0.02*trunk)
			signal.Smooth(s, t, s, cutoffHz)
		}
	}
}

// confidence is how surely the joints that the angles need were seen: the mean
// over shoulder, hip, knee and ankle of the better side's visibility, halved
// while the region was held.
func confidence(f *recording.Frame) float64 {
	if !f.Seen() {
		return 0
	}
	sum := 0.0
	for _, l := range []recording.Landmark{recording.LeftShoulder, recording.LeftHip, recording.LeftKnee, recording.LeftAnkle} {
		v := math.Max(f.Landmarks[l].Visibility, f.Landmarks[l+1].Visibility)
		if !math.IsNaN(v) {
			sum += v / 4
		}
	}
	if f.Tracking == recording.Held {
		sum /= 2
	}
	return sum
}

// rawTrunk is the typical hip–shoulder distance before any smoothing.
func (b *body) rawTrunk() float64 {
	var d []float64
	for i := range b.t {
		h, s := b.mid(recording.LeftHip, i), b.mid(recording.LeftShoulder, i)
		d = append(d, math.Hypot(h.X-s.X, h.Y-s.Y))
	}
	return signal.Median(d)
}

// measure sets the body's typical lengths. The trunk shortens in the picture
// when it rounds and the legs when they turn out of the plane, so upper
// quantiles are taken; not the maxima, which are the network's mistakes.
func (b *body) measure() {
	var trunk, leg []float64
	for i := range b.t {
		s, h, k, a := b.mid(recording.LeftShoulder, i), b.mid(recording.LeftHip, i), b.mid(recording.LeftKnee, i), b.mid(recording.LeftAnkle, i)
		trunk = append(trunk, distance(s, h))
		leg = append(leg, distance(h, k)+distance(k, a))
	}
	b.trunk, b.leg = signal.Quantile(trunk, 0.8), signal.Quantile(leg, 0.7)
	// Shoulder to ankle is .779 of stature (Drillis & Contini, Winter fig. 4.1).
	b.height = (b.trunk + b.leg) / 0.779
}

// hidden is how surely the plate is in front of the place p, 0 to 1.
func (b *body) hidden(p recording.Point, i int) float64 {
	d := b.discs[i]
	if !d.Known() || math.IsNaN(p.X) {
		return 0
	}
	const rim = 0.25 // of the radius: what a joint's flesh needs to be seen beside the plate
	inside := 1 + rim - math.Hypot((p.X-d.X)/d.RX, (p.Y-d.Y)/d.RY)
	return min(max(inside/rim, 0), 1)
}

// mid is half-way between a landmark of the left side and its right one.
func (b *body) mid(left recording.Landmark, i int) recording.Point {
	l, r := b.mark[left].at(i), b.mark[left+1].at(i)
	return recording.Point{X: (l.X + r.X) / 2, Y: (l.Y + r.Y) / 2}
}

// weighted is the mean of a left landmark and its right one by visibility.
func (b *body) weighted(left recording.Landmark, i int) recording.Point {
	l, r := b.mark[left].at(i), b.mark[left+1].at(i)
	wl, wr := b.vis[left][i]+0.01, b.vis[left+1][i]+0.01
	switch {
	case math.IsNaN(l.X):
		return r
	case math.IsNaN(r.X):
		return l
	}
	return recording.Point{X: (wl*l.X + wr*r.X) / (wl + wr), Y: (wl*l.Y + wr*r.Y) / (wl + wr)}
}

func distance(a, b recording.Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }

// window is the half-open range of frames within half seconds of frame i.
func (b *body) window(i int, half float64) (from, to int) {
	for from = i; from > 0 && b.t[i]-b.t[from-1] <= half; from-- {
	}
	for to = i + 1; to < len(b.t) && b.t[to]-b.t[i] <= half; to++ {
	}
	return from, to
}

// near is the part of that window that lies in the frame's own shot.
func (b *body) near(i int, half float64) (from, to int) {
	from, to = b.window(i, half)
	s := b.shot(i)
	return max(from, s.from), min(to, s.to)
}
