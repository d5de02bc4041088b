package recording

import (
	"encoding/binary"
	"errors"
	"math"
)

// A column holds one quantity of all frames as whole numbers. A value is
// stored as its difference from a prediction, zig-zag and variable-length
// coded with 0 kept for "missing"; entropy coding is left to zstd.
type column struct {
	name  string
	width int // values per frame
	// alongToo predicts from the neighbour in the same frame as well as from
	// the frame before (v[t-1][k] + v[t][k-1] - v[t-1][k-1]): an outline moves
	// as a whole.
	alongToo bool
	ofEdges  bool // of samples of an edge, which must be there
	get      func(f *Frame, k int) int64
	set      func(f *Frame, k int, v int64)
}

// missing stands for NaN among a column's whole numbers.
const missing = math.MinInt64

// Resolutions. Positions are known to about a pixel, so 1/16 px loses nothing.
const (
	perPixel   = 16
	perPixelZ  = 2
	perUnit    = 255
	perTurn    = 1e5  // and zoom: a fiftieth of a pixel at the far end of an HD picture
	sdSteps    = 16   // per octave
	sdSmallest = -6.0 // log2 px
	maxTime    = 1e9  // s
	maxValue   = 1 << 40
)

var columns = []column{
	whole("index", func(f *Frame) int64 { return int64(f.Index) }, func(f *Frame, v int64) { f.Index = int(v) }),
	whole("time_us", func(f *Frame) int64 { return micros(f.Time) }, func(f *Frame, v int64) { f.Time = number(v, 1e6) }),
	whole("tracking", func(f *Frame) int64 { return int64(f.Tracking) }, func(f *Frame, v int64) { f.Tracking = Tracking(v) }),
	scalar("presence", 1, perUnit, func(f *Frame, _ int) *float64 { return &f.Presence }),
	scalar("landmark_x", NumLandmarks, perPixel, func(f *Frame, k int) *float64 { return &f.Landmarks[k].X }),
	scalar("landmark_y", NumLandmarks, perPixel, func(f *Frame, k int) *float64 { return &f.Landmarks[k].Y }),
	scalar("landmark_z", NumLandmarks, perPixelZ, func(f *Frame, k int) *float64 { return &f.Landmarks[k].Z }),
	scalar("landmark_visibility", NumLandmarks, perUnit, func(f *Frame, k int) *float64 { return &f.Landmarks[k].Visibility }),
	scalar("trunk_axis", 4, perPixel, func(f *Frame, k int) *float64 {
		return [4]*float64{&f.Trunk.Hip.X, &f.Trunk.Hip.Y, &f.Trunk.Shoulder.X, &f.Trunk.Shoulder.Y}[k]
	}),
	scalar("seat_y", 1, perPixel, func(f *Frame, _ int) *float64 { return &f.Trunk.SeatY }),
	scalar("plate", 4, perPixel, func(f *Frame, k int) *float64 {
		return [4]*float64{&f.Plate.X, &f.Plate.Y, &f.Plate.RX, &f.Plate.RY}[k]
	}),
	scalar("plate_support", 1, perUnit, func(f *Frame, _ int) *float64 { return &f.Plate.Support }),
	scalar("view_shift", 2, perPixel, func(f *Frame, k int) *float64 { return [2]*float64{&f.View.X, &f.View.Y}[k] }),
	scalar("view_turn", 1, perTurn, func(f *Frame, _ int) *float64 { return &f.View.Turn }),
	scalar("view_zoom", 1, perTurn, func(f *Frame, _ int) *float64 { return &f.View.Zoom }),
	scalar("view_sd", 1, perPixel, func(f *Frame, _ int) *float64 { return &f.View.SD }),
	whole("edges", edgesPresent, makeEdges),
	offsets("left_offset", Left), deviations("left_sd", Left), occluders("left_occluder", Left),
	offsets("right_offset", Right), deviations("right_sd", Right), occluders("right_occluder", Right),
}

func whole(name string, get func(f *Frame) int64, set func(f *Frame, v int64)) column {
	return column{
		name: name, width: 1,
		get: func(f *Frame, _ int) int64 { return get(f) },
		set: func(f *Frame, _ int, v int64) {
			if v != missing {
				set(f, v)
			}
		},
	}
}

func scalar(name string, width int, scale float64, at func(f *Frame, k int) *float64) column {
	return column{
		name: name, width: width,
		get: func(f *Frame, k int) int64 { return quantise(*at(f, k), scale) },
		set: func(f *Frame, k int, v int64) { *at(f, k) = number(v, scale) },
	}
}

// edgeColumn reads and writes one value of the samples of an edge that exists;
// the values of an edge that does not are missing.
func edgeColumn(name string, side Side, get func(Sample) int64, set func(*Sample, int64)) column {
	return column{
		name: name, width: NumStations, alongToo: true, ofEdges: true,
		get: func(f *Frame, k int) int64 {
			if e := f.Trunk.Edge(side); e != nil {
				return get(e[k])
			}
			return missing
		},
		set: func(f *Frame, k int, v int64) {
			if e := f.Trunk.Edge(side); e != nil {
				set(&e[k], v)
			}
		},
	}
}

func offsets(name string, side Side) column {
	return edgeColumn(name, side,
		func(s Sample) int64 { return quantise(s.Offset, perPixel) },
		func(s *Sample, v int64) { s.Offset = number(v, perPixel) })
}

func deviations(name string, side Side) column {
	return edgeColumn(name, side,
		func(s Sample) int64 {
			if math.IsNaN(s.SD) || s.SD < 0 {
				return missing
			}
			v := math.Round((math.Log2(s.SD) - sdSmallest) * sdSteps)
			return int64(min(max(v, 0), 255)) // an SD of 0 or infinity becomes the smallest or largest
		},
		func(s *Sample, v int64) {
			switch {
			case v == missing:
				s.SD = math.NaN()
			case v >= 0 && v < int64(len(deviationOf)):
				s.SD = deviationOf[v]
			default: // no encoder of ours wrote it
				s.SD = deviation(v)
			}
		})
}

// deviation is the standard deviation stored as v.
func deviation(v int64) float64 { return math.Exp2(float64(v)/sdSteps + sdSmallest) }

// deviationOf holds all that are written.
var deviationOf = func() (of [256]float64) {
	for v := range of {
		of[v] = deviation(int64(v))
	}
	return of
}()

func occluders(name string, side Side) column {
	return edgeColumn(name, side,
		func(s Sample) int64 { return int64(s.Occluder) },
		func(s *Sample, v int64) {
			if v != missing {
				s.Occluder = Occluder(v)
			}
		})
}

func edgesPresent(f *Frame) int64 {
	var v int64
	if f.Trunk.Left != nil {
		v |= 1
	}
	if f.Trunk.Right != nil {
		v |= 2
	}
	return v
}

func makeEdges(f *Frame, v int64) {
	if v&1 != 0 {
		f.Trunk.Left = missingEdge()
	}
	if v&2 != 0 {
		f.Trunk.Right = missingEdge()
	}
}

func missingEdge() Edge {
	e := make(Edge, NumStations)
	for i := range e {
		e[i] = Sample{Offset: math.NaN(), SD: math.NaN()}
	}
	return e
}

// missingFrame is a frame of which nothing is known.
func missingFrame() Frame {
	nan := math.NaN()
	f := Frame{Time: nan, Presence: nan}
	for i := range f.Landmarks {
		f.Landmarks[i] = Keypoint{nan, nan, nan, nan}
	}
	f.Trunk = Trunk{Hip: Point{nan, nan}, Shoulder: Point{nan, nan}, SeatY: nan}
	f.Plate = NoDisc()
	f.View = NoView()
	return f
}

func micros(t float64) int64 { return int64(math.Round(t * 1e6)) }

func quantise(v, scale float64) int64 {
	v = math.Round(v * scale)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return missing
	}
	return int64(min(max(v, -maxValue), maxValue))
}

func number(v int64, scale float64) float64 {
	if v == missing {
		return math.NaN()
	}
	return float64(v) / scale
}

// predictor follows the values of one column as they are written or read.
type predictor struct {
	last      []int64 // newest value that was not missing, per k
	row, prev []int64 // this frame's and the one's before, with missing
	along     bool
}

func newPredictor(c *column) *predictor {
	p := &predictor{last: make([]int64, c.width), row: make([]int64, c.width), prev: make([]int64, c.width), along: c.alongToo}
	for k := range p.row {
		p.row[k] = missing
	}
	return p
}

func (p *predictor) nextFrame() { p.row, p.prev = p.prev, p.row }

func (p *predictor) predict(k int) int64 {
	if p.along && k > 0 && p.row[k-1] != missing {
		if p.prev[k] != missing && p.prev[k-1] != missing {
			return p.prev[k] + p.row[k-1] - p.prev[k-1]
		}
		return p.row[k-1]
	}
	return p.last[k]
}

func (p *predictor) saw(k int, v int64) {
	p.row[k] = v
	if v != missing {
		p.last[k] = v
	}
}

func (c *column) append(dst []byte, frames []Frame) []byte {
	p := newPredictor(c)
	for i := range frames {
		p.nextFrame()
		for k := range c.width {
			v := c.get(&frames[i], k)
			if v == missing {
				dst = append(dst, 0)
			} else {
				dst = binary.AppendUvarint(dst, zigzag(v-p.predict(k))+1)
			}
			p.saw(k, v)
		}
	}
	return dst
}

var errColumn = errors.New("values do not fit")

func (c *column) decode(src []byte, frames []Frame) error {
	p := newPredictor(c)
	for i := range frames {
		p.nextFrame()
		for k := range c.width {
			u, n := binary.Uvarint(src)
			if n <= 0 {
				return errColumn
			}
			src = src[n:]
			v := int64(missing)
			if u != 0 {
				v = p.predict(k) + unzigzag(u-1)
				if v < -maxValue || v > maxValue {
					if c.name != "time_us" || math.Abs(float64(v)) > 1e6*maxTime {
						return errColumn
					}
				}
			}
			c.set(&frames[i], k, v)
			p.saw(k, v)
		}
	}
	if len(src) != 0 {
		return errColumn
	}
	return nil
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }
