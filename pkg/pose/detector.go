package pose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/spineflex/spineflex/pkg/infer"
)

// The person detector's geometry: BlazePose's SSD head (Bazarevsky et al.
// 2020, arXiv:2006.10204; MediaPipe's pose_detection graph).
const (
	detectorSize    = 224
	detectorAnchors = 2254
	detectorColumns = 12 // cx, cy, w, h and 4 key points
	detectorPoints  = 4

	// minScore is MediaPipe's min_score_thresh.
	minScore = 0.5
	// suppressIoU is MediaPipe's min_suppression_threshold of its weighted
	// non-maximum suppression.
	suppressIoU = 0.3
	// scoreClip is MediaPipe's score_clipping_thresh: logits beyond it say no more.
	scoreClip = 100
)

// Person is one detection, in picture pixels.
type Person struct {
	Score float64
	// Box is the face's box: the detector finds people by their heads.
	Box struct{ X, Y, W, H float64 } // centre and size
	// Hip and Top give the region: the middle of the hips, and a point whose
	// distance is half the person's size and whose direction is the trunk's.
	Hip, Top [2]float64
}

// Region returns the square the landmark network wants.
func (p Person) Region() Region { return alignedRegion(p.Hip, p.Top) }

// regionScale is the margin round the person (MediaPipe: scale_x and scale_y).
const regionScale = 1.25

// alignedRegion is MediaPipe's AlignmentPointsRects and RectTransformation:
// the square about hip, twice as far out as top, turned so that top is up.
func alignedRegion(hip, top [2]float64) Region {
	dx, dy := top[0]-hip[0], top[1]-hip[1]
	return Region{
		X: hip[0], Y: hip[1],
		Side:  2 * math.Hypot(dx, dy) * regionScale,
		Angle: math.Remainder(math.Pi/2-math.Atan2(-dy, dx), 2*math.Pi),
	}
}

// detector finds people in a part of the picture.
type detector struct {
	net     infer.Network
	anchors [][2]float32
	scores  int // which output
	boxes   int
	found   []Person
}

func newDetector(rt *infer.Runtime, model []byte) (*detector, error) {
	net, err := rt.Open(model)
	if err != nil {
		return nil, fmt.Errorf("person detector: %w", err)
	}
	d := &detector{net: net, anchors: detectorAnchorCentres(), boxes: -1, scores: -1}
	for i := range net.Outputs() {
		switch len(net.Output(i)) {
		case detectorAnchors:
			d.scores = i
		case detectorAnchors * detectorColumns:
			d.boxes = i
		}
	}
	if d.boxes < 0 || d.scores < 0 || len(net.Input()) != 3*detectorSize*detectorSize {
		net.Close()
		return nil, fmt.Errorf("person detector: not a BlazePose detector (input %v, outputs %q)",
			net.InputShape(), net.Outputs())
	}
	return d, nil
}

// detectorAnchorCentres lists the anchors' centres, 0..1: two per cell at
// stride 8, two at 16, and six at 32.
func detectorAnchorCentres() [][2]float32 {
	centres := make([][2]float32, 0, detectorAnchors)
	for _, layer := range []struct{ stride, perCell int }{{8, 2}, {16, 2}, {32, 6}} {
		n := detectorSize / layer.stride
		for y := range n {
			for x := range n {
				for range layer.perCell {
					centres = append(centres, [2]float32{
						(float32(x) + 0.5) / float32(n),
						(float32(y) + 0.5) / float32(n),
					})
				}
			}
		}
	}
	return centres
}

// detect returns the people in the square region of the picture, best score
// first. The slice is reused by the next call.
func (d *detector) detect(img Image, area Region, t *tone) ([]Person, error) {
	toImage := area.ToImage(detectorSize)
	warp(d.net.Input(), detectorSize, detectorSize, img, toImage, zero, t)
	if err := d.net.Run(); err != nil {
		return nil, fmt.Errorf("detect person: %w", err)
	}
	d.found = d.decode(d.found[:0], toImage)
	return d.found, nil
}

// decode appends the detections in the network's outputs to dst.
func (d *detector) decode(dst []Person, toImage Affine) []Person {
	boxes, scores := d.net.Output(d.boxes), d.net.Output(d.scores)
	scale := math.Hypot(toImage[0], toImage[3])
	for i, logit := range scores {
		score := sigmoid(max(-scoreClip, min(float64(logit), scoreClip)))
		if !(score >= minScore) {
			continue
		}
		r := boxes[i*detectorColumns : (i+1)*detectorColumns]
		at := func(k int) (x, y float64) {
			return toImage.Apply(
				float64(r[k])+float64(d.anchors[i][0])*detectorSize,
				float64(r[k+1])+float64(d.anchors[i][1])*detectorSize)
		}
		p := Person{Score: score}
		p.Box.X, p.Box.Y = at(0)
		p.Box.W, p.Box.H = float64(r[2])*scale, float64(r[3])*scale
		p.Hip[0], p.Hip[1] = at(4)
		p.Top[0], p.Top[1] = at(6)
		if p.Region().valid() {
			dst = append(dst, p)
		}
	}
	return suppress(dst)
}

// suppress is MediaPipe's weighted non-maximum suppression: detections that
// overlap the best one are averaged with it, by score.
func suppress(people []Person) []Person {
	slices.SortStableFunc(people, func(a, b Person) int { return cmp.Compare(b.Score, a.Score) })
	kept := 0
	for rest := people; len(rest) > 0; {
		best := rest[0]
		sum := Person{}
		total := 0.0
		left := 0
		for _, p := range rest {
			if overlap(best, p) <= suppressIoU && p != best {
				rest[left] = p
				left++
				continue
			}
			w := p.Score
			total += w
			sum.Box.X += w * p.Box.X
			sum.Box.Y += w * p.Box.Y
			sum.Box.W += w * p.Box.W
			sum.Box.H += w * p.Box.H
			for k := range 2 {
				sum.Hip[k] += w * p.Hip[k]
				sum.Top[k] += w * p.Top[k]
			}
		}
		next := append([]Person(nil), rest[:left]...)
		sum.Score = best.Score
		sum.Box.X /= total
		sum.Box.Y /= total
		sum.Box.W /= total
		sum.Box.H /= total
		for k := range 2 {
			sum.Hip[k] /= total
			sum.Top[k] /= total
		}
		people[kept] = sum
		kept++
		rest = next
	}
	return people[:kept]
}

// overlap is the intersection over union of two detections' boxes.
func overlap(a, b Person) float64 {
	w := min(a.Box.X+a.Box.W/2, b.Box.X+b.Box.W/2) - max(a.Box.X-a.Box.W/2, b.Box.X-b.Box.W/2)
	h := min(a.Box.Y+a.Box.H/2, b.Box.Y+b.Box.H/2) - max(a.Box.Y-a.Box.H/2, b.Box.Y-b.Box.H/2)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (a.Box.W*a.Box.H + b.Box.W*b.Box.H - w*h)
}

func (d *detector) Close() error { return d.net.Close() }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
