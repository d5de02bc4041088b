package infer

import (
	"slices"

	"golang.org/x/sys/cpu"
)

// ONNX Runtime computes 16 channels at a time where the processor has vectors
// of 16 floats, and as long for 8. The pose networks end in a mask whose last
// layers have 8 channels and most of their pixels, and the last of all has 1:
// a third of a network's time. So the upper and the lower half of the picture
// are laid side by side as channels for these layers, a few rows over the
// seam, and the last layer gives blocks of pixels as channels. The sums are the
// same but for their order.
const (
	packLanes  = 16
	packHalf   = packLanes / 2
	packHeight = 2 // of a block
	packWidth  = packHalf / packHeight
)

// tail is the end of a graph that can be packed: it begins with a Resize and
// ends in a Conv to one channel.
type tail struct {
	first, last int // steps
	member      []bool
	rows        int // over the seam, before the Resize
}

// pack puts the packed network in the model's place if it can be packed and is
// faster on this processor then. What the file calls its values is no longer
// known in it.
func (n *prepared) pack() {
	if !cpu.X86.HasAVX512F {
		return
	}
	g, err := readGraph(n.bytes, n.sig)
	if err != nil {
		return // for the engine to judge
	}
	if p := g.packed(); p != g {
		n.replace(p)
	}
}

// replace puts a graph in the model's place.
func (n *prepared) replace(g *graph) {
	n.bytes, n.input, n.outputs = g.standard(), valueName(0), nil
	for _, v := range g.outputs {
		n.outputs = append(n.outputs, valueName(v))
	}
}

// packed returns the graph with its tail packed, or the graph itself if it has
// none that can be.
func (g *graph) packed() *graph {
	for i := range g.steps {
		if t, ok := g.tailFrom(i); ok {
			return g.pack(t)
		}
	}
	return g
}

// tailFrom looks whether all that follows from step first can be packed.
func (g *graph) tailFrom(first int) (tail, bool) {
	t := tail{first: first, last: -1, member: make([]bool, len(g.steps))}
	s := g.steps[first]
	if s.op != "Resize" {
		return t, false
	}
	from := g.shape(s.reads[0])
	factor := s.shape[2] / from[2]
	if s.shape[1] != packHalf || factor != 2 || from[2]%2 != 0 || s.shape[3]%packWidth != 0 {
		return t, false
	}
	t.member[first] = true
	reach := factor / 2 // rows beside a seam that are wrong
	for i := first + 1; i < len(g.steps); i++ {
		s := g.steps[i]
		inside := 0
		for _, v := range s.reads {
			if v > 0 && t.member[v-1] {
				inside++
			}
		}
		if inside == 0 {
			continue
		}
		if inside != len(s.reads) || t.last >= 0 {
			return t, false
		}
		t.member[i] = true
		switch s.op {
		case "Add", "Clip", "Relu":
		case "Conv":
			c := s.conv()
			if c.stride != 1 || c.pad != c.kernel/2 || c.kernel%2 == 0 {
				return t, false
			}
			reach += c.pad
			switch {
			case c.out == 1 && c.in == packHalf && slices.Contains(g.outputs, i+1):
				t.last = i
			case c.out != packHalf || c.group != 1 && c.group != packHalf:
				return t, false
			}
		default:
			return t, false
		}
	}
	for _, v := range g.outputs {
		if v > 0 && t.member[v-1] && v-1 != t.last {
			return t, false
		}
	}
	// The blocks of the lower half begin with a whole one.
	t.rows = (reach + factor - 1) / factor
	t.rows += t.rows * factor % packHeight
	return t, t.last >= 0 && t.rows <= from[2]/2
}

// convolution is what a Conv does if both directions are alike; stride is 0 if
// they are not.
type convolution struct {
	in, out, group, kernel, stride, pad int
}

func (s *step) conv() convolution {
	w := s.constants[0].dims
	c := convolution{out: w[0], kernel: w[2]}
	for _, a := range s.attributes {
		same := len(a.ints) > 0 && slices.Min(a.ints) == slices.Max(a.ints)
		switch {
		case a.name == "group":
			c.group = int(a.whole)
		case a.name == "strides" && same && w[2] == w[3]:
			c.stride = int(a.ints[0])
		case a.name == "pads" && same:
			c.pad = int(a.ints[0])
		case a.name == "pads":
			c.pad = -1
		}
	}
	c.in = w[1] * c.group
	return c
}

// pack lays the halves of a tail side by side.
func (g *graph) pack(t tail) *graph {
	p := &graph{input: g.input}
	add := func(s step) int {
		p.steps = append(p.steps, s)
		return len(p.steps)
	}
	slice := func(v int, axis, from, to int) int {
		shape := slices.Clone(p.shape(v))
		shape[axis] = to - from
		return add(step{op: "Slice", reads: []int{v}, shape: shape, constants: []constant{
			shapeConstant([]int{from}), shapeConstant([]int{to}), shapeConstant([]int{axis}),
		}})
	}
	join := func(a, b, axis int) int {
		shape := slices.Clone(p.shape(a))
		shape[axis] += p.shape(b)[axis]
		along := attribute{name: "axis", kind: attrTypeInt, whole: int64(axis)}
		return add(step{op: "Concat", reads: []int{a, b}, shape: shape, attributes: []attribute{along}})
	}
	now := make([]int, len(g.steps)+1) // value of g → value of p
	for i, s := range g.steps {
		reads := make([]int, len(s.reads))
		for k, v := range s.reads {
			reads[k] = now[v]
		}
		s.reads = reads
		if t.member[i] {
			half := s.shape[2]/2 + 2*t.rows
			switch {
			case i == t.first:
				v, height := reads[0], p.shape(reads[0])[2]
				v = join(slice(v, 2, 0, height/2+t.rows), slice(v, 2, height/2-t.rows, height), 1)
				s.reads = []int{add(passed(v, p.shape(v)))}
			case i == t.last:
				full := s.shape
				// A pixel's channels side by side, as ONNX Runtime's own layout has
				// them: packWidth of them are a stretch of a line.
				last := attribute{name: "perm", kind: attrTypeInts, ints: []int64{0, 2, 3, 1}}
				v := add(step{
					op: "Transpose", reads: []int{add(s.blocks(reads[0], half))}, attributes: []attribute{last},
					shape: []int{1, half / packHeight, full[3] / packWidth, packLanes},
				})
				rows := full[2] / 2 / packHeight
				lines := func(from, channel int) int { // every second one
					l := slice(slice(v, 1, from, from+rows), 3, channel, channel+packWidth)
					return add(reshaped(l, 1, rows, 1, full[3]))
				}
				upper := join(lines(0, 0), lines(0, packWidth), 2)
				below := half/packHeight - rows
				lower := join(lines(below, packHalf), lines(below, packHalf+packWidth), 2)
				now[i+1] = add(reshaped(join(upper, lower, 1), full...))
				continue
			case s.op == "Conv":
				s = s.twice()
			case s.op == "Clip" && p.steps[reads[0]-1].op != "Conv":
				s.reads = []int{add(passed(reads[0], p.shape(reads[0])))}
			}
			s.shape = []int{1, packLanes, half, s.shape[3]}
		}
		now[i+1] = add(s)
	}
	for _, v := range g.outputs {
		p.outputs = append(p.outputs, now[v])
	}
	return p
}

func reshaped(v int, dims ...int) step {
	return step{op: "Reshape", reads: []int{v}, shape: dims, constants: []constant{shapeConstant(dims)}}
}

// passed is a Conv that changes nothing. ONNX Runtime enlarges and clips in its
// own layout only what comes out of one, and it costs less than to change the
// layout.
func passed(v int, shape []int) step {
	return step{
		op: "Conv", reads: []int{v}, shape: shape,
		constants: []constant{{dims: []int{packLanes, 1, 1, 1}, floats: slices.Repeat([]float32{1}, packLanes)}},
		attributes: []attribute{
			{name: "kernel_shape", kind: attrTypeInts, ints: []int64{1, 1}},
			{name: "group", kind: attrTypeInt, whole: packLanes},
		},
	}
}

// twice is a Conv that does with each half of its channels what s does.
func (s step) twice() step {
	c := s.conv()
	w := s.constants[0]
	both := constant{dims: slices.Clone(w.dims)}
	both.dims[0] = packLanes
	if c.group == 1 {
		both.dims[1] = packLanes
		size := c.kernel * c.kernel
		both.floats = make([]float32, packLanes*packLanes*size)
		for half := range 2 {
			for o := range packHalf {
				to := ((half*packHalf+o)*packLanes + half*packHalf) * size
				copy(both.floats[to:], w.floats[o*packHalf*size:(o+1)*packHalf*size])
			}
		}
	} else {
		both.floats = slices.Concat(w.floats, w.floats)
	}
	constants := []constant{both}
	for _, b := range s.constants[1:] {
		constants = append(constants, constant{dims: []int{packLanes}, floats: slices.Concat(b.floats, b.floats)})
	}
	s.constants = constants
	s.attributes = slices.Clone(s.attributes)
	for i := range s.attributes {
		if a := &s.attributes[i]; a.name == "group" && c.group > 1 {
			a.whole = packLanes
		}
	}
	return s
}

// blocks is the Conv that computes from a packed value of so many rows what s
// does, as blocks of pixels of the upper half and then of the lower.
func (s step) blocks(v, rows int) step {
	c := s.conv()
	high, wide := c.kernel+packHeight-1, c.kernel+packWidth-1
	w := constant{dims: []int{packLanes, packLanes, high, wide}, floats: make([]float32, packLanes*packLanes*high*wide)}
	for half := range 2 {
		for y := range packHeight {
			for x := range packWidth {
				o := half*packHalf + y*packWidth + x
				for ch := range packHalf {
					for dy := range c.kernel {
						for dx := range c.kernel {
							w.floats[((o*packLanes+half*packHalf+ch)*high+y+dy)*wide+x+dx] = s.constants[0].floats[(ch*c.kernel+dy)*c.kernel+dx]
						}
					}
				}
			}
		}
	}
	constants := []constant{w}
	for _, b := range s.constants[1:] {
		constants = append(constants, constant{dims: []int{packLanes}, floats: slices.Repeat(b.floats, packLanes)})
	}
	pad := int64(c.pad)
	return step{
		op: "Conv", reads: []int{v}, constants: constants, shape: []int{1, packLanes, rows / packHeight, s.shape[3] / packWidth},
		attributes: []attribute{
			{name: "kernel_shape", kind: attrTypeInts, ints: []int64{int64(high), int64(wide)}},
			{name: "strides", kind: attrTypeInts, ints: []int64{packHeight, packWidth}},
			{name: "pads", kind: attrTypeInts, ints: []int64{pad, pad, pad, pad}},
			{name: "group", kind: attrTypeInt, whole: 1},
		},
	}
}
