package infer

import (
	"slices"

	"golang.org/x/sys/cpu"
)

// ONNX Runtime computes as many channels at a time as the processor's vectors hold
// floats: 8, or 16, which takes as long for 8. The pose networks end in a mask whose
// last layers have 8 channels and most of their pixels, and the last of all has 1,
// which costs as much as a full vector of them: a third of a network's time. So the
// last layer gives blocks of pixels as channels; and with vectors of 16 the upper and
// the lower half of the picture are laid side by side as channels, a few rows over
// the seam. The sums are the same but for their order.
const (
	packChannels = 8
	packHeight   = 2 // of a block
	packWidth    = packChannels / packHeight
)

// packParts is how many parts of the picture this processor's vectors have room for
// side by side; 0 where nothing is known of them.
func packParts() int {
	switch {
	case cpu.X86.HasAVX512F:
		return 2
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return 1
	}
	return 0
}

// tail is the end of a graph that can be packed: it begins with a Resize and
// ends in a Conv to one channel.
type tail struct {
	first, last int // steps
	member      []bool
	rows        int // over the seam, before the Resize
}

// replace puts a graph in the model's place. What the file calls its values is no
// longer known in it.
func (n *prepared) replace(g *graph) {
	n.bytes, n.input, n.outputs = g.standard(), valueName(0), nil
	for _, v := range g.outputs {
		n.outputs = append(n.outputs, valueName(v))
	}
}

// packed returns the graph with its tail packed in so many parts, 1 or 2, or the
// graph itself if it has none that can be.
func (g *graph) packed(parts int) *graph {
	if t, ok := g.tail(); ok && parts > 0 {
		return g.pack(t, parts)
	}
	return g
}

// rest names what the head of a network in two parts leaves for the tail.
const rest = "rest"

// parted is a network's head and its tail, this packed where it is faster on this
// processor then, if it has one. What is no network is for the engine to judge.
func parted(model []byte) (head, tail *prepared, ok bool) {
	sig, err := readSignature(model)
	if err != nil {
		return nil, nil, false
	}
	g, err := readGraph(model, sig)
	if err != nil {
		return nil, nil, false
	}
	t, ok := g.tail()
	if !ok || g.steps[t.first].reads[0] == 0 {
		return nil, nil, false
	}
	first, last := g.cut(t)
	left := tensorInfo{name: rest, shape: last.input}
	given := slices.Index(g.outputs, t.last+1)
	head = &prepared{sig: signature{input: sig.input, outputs: append(slices.Delete(slices.Clone(sig.outputs), given, given+1), left)}}
	tail = &prepared{sig: signature{input: left, outputs: sig.outputs[given : given+1]}}
	head.replace(first)
	tail.replace(last.packed(packParts()))
	return head, tail, true
}

// cut returns what comes before the tail, with what that reads as its last output,
// and the tail.
func (g *graph) cut(t tail) (head, end *graph) {
	read := g.steps[t.first].reads[0]
	head, end = &graph{input: g.input}, &graph{input: g.shape(read)}
	now := make([]int, len(g.steps)+1) // value of g → value of head or end
	for i, s := range g.steps {
		to := head
		if t.member[i] {
			to = end
		}
		reads := make([]int, len(s.reads))
		for k, v := range s.reads {
			if i != t.first { // which reads end's input, value 0, and nothing else
				reads[k] = now[v]
			}
		}
		s.reads = reads
		to.steps = append(to.steps, s)
		now[i+1] = len(to.steps)
	}
	for _, v := range g.outputs {
		if v-1 != t.last {
			head.outputs = append(head.outputs, now[v])
		}
	}
	head.outputs = append(head.outputs, now[read])
	end.outputs = []int{now[t.last+1]}
	return head, end
}

// tail looks for a tail that can be packed.
func (g *graph) tail() (tail, bool) {
	for i := range g.steps {
		if t, ok := g.tailFrom(i); ok {
			return t, true
		}
	}
	return tail{}, false
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
	if s.shape[1] != packChannels || factor != 2 || from[2]%2 != 0 || s.shape[3]%packWidth != 0 {
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
			case c.out == 1 && c.in == packChannels && slices.Contains(g.outputs, i+1):
				t.last = i
			case c.out != packChannels || c.group != 1 && c.group != packChannels:
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

// pack lays the parts of a tail side by side.
func (g *graph) pack(t tail, parts int) *graph {
	if parts == 1 {
		t.rows = 0 // there is no seam
	}
	p := &graph{input: g.input}
	add := func(s step) int {
		p.steps = append(p.steps, s)
		return len(p.steps)
	}
	slice := func(v int, axis, from, to int) int {
		shape := slices.Clone(p.shape(v))
		if from == 0 && to == shape[axis] {
			return v
		}
		shape[axis] = to - from
		return add(step{op: "Slice", reads: []int{v}, shape: shape, constants: []constant{
			shapeConstant([]int{from}), shapeConstant([]int{to}), shapeConstant([]int{axis}),
		}})
	}
	join := func(axis int, values ...int) int {
		if len(values) == 1 {
			return values[0]
		}
		shape := slices.Clone(p.shape(values[0]))
		for _, v := range values[1:] {
			shape[axis] += p.shape(v)[axis]
		}
		along := attribute{name: "axis", kind: attrTypeInt, whole: int64(axis)}
		return add(step{op: "Concat", reads: values, shape: shape, attributes: []attribute{along}})
	}
	// bounds is where part k of a picture of so many rows begins and ends, with
	// what is over the seams.
	bounds := func(k, rows int) (from, to int) {
		return max(0, k*rows/parts-t.rows), min(rows, (k+1)*rows/parts+t.rows)
	}
	now := make([]int, len(g.steps)+1) // value of g → value of p
	for i, s := range g.steps {
		reads := make([]int, len(s.reads))
		for k, v := range s.reads {
			reads[k] = now[v]
		}
		s.reads = reads
		if t.member[i] {
			rows := s.shape[2]/parts + 2*t.rows // of a part: twice as many over the seam, now that it is enlarged
			switch {
			case i == t.first:
				var side []int
				for k := range parts {
					from, to := bounds(k, p.shape(reads[0])[2])
					side = append(side, slice(reads[0], 2, from, to))
				}
				v := join(1, side...)
				s.reads = []int{add(passed(v, p.shape(v)))}
			case i == t.last:
				full := s.shape
				// A pixel's channels side by side, as ONNX Runtime's own layout has
				// them: packWidth of them are a stretch of a line.
				last := attribute{name: "perm", kind: attrTypeInts, ints: []int64{0, 2, 3, 1}}
				v := add(step{
					op: "Transpose", reads: []int{add(s.blocks(reads[0], rows, parts))}, attributes: []attribute{last},
					shape: []int{1, rows / packHeight, full[3] / packWidth, parts * packChannels},
				})
				high := full[2] / parts / packHeight // blocks of a part without what is over the seam
				var side []int
				for k := range parts {
					from := k * (rows/packHeight - high)
					part := slice(v, 1, from, from+high)
					var lines []int // every packHeight-th one
					for y := range packHeight {
						channel := k*packChannels + y*packWidth
						lines = append(lines, add(reshaped(slice(part, 3, channel, channel+packWidth), 1, high, 1, full[3])))
					}
					side = append(side, join(2, lines...))
				}
				now[i+1] = add(reshaped(join(1, side...), full...))
				continue
			case s.op == "Conv":
				s = s.beside(parts)
			case s.op == "Clip" && p.steps[reads[0]-1].op != "Conv":
				s.reads = []int{add(passed(reads[0], p.shape(reads[0])))}
			}
			s.shape = []int{1, parts * packChannels, rows, s.shape[3]}
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
	channels := shape[1]
	return step{
		op: "Conv", reads: []int{v}, shape: shape,
		constants: []constant{{dims: []int{channels, 1, 1, 1}, floats: slices.Repeat([]float32{1}, channels)}},
		attributes: []attribute{
			{name: "kernel_shape", kind: attrTypeInts, ints: []int64{1, 1}},
			{name: "group", kind: attrTypeInt, whole: int64(channels)},
		},
	}
}

// beside is a Conv that does with each part of its channels what s does.
func (s step) beside(parts int) step {
	c := s.conv()
	w := s.constants[0]
	lanes := parts * packChannels
	all := constant{dims: slices.Clone(w.dims)}
	all.dims[0] = lanes
	if c.group == 1 {
		all.dims[1] = lanes
		size := c.kernel * c.kernel
		all.floats = make([]float32, lanes*lanes*size)
		for k := range parts {
			for o := range packChannels {
				to := ((k*packChannels+o)*lanes + k*packChannels) * size
				copy(all.floats[to:], w.floats[o*packChannels*size:(o+1)*packChannels*size])
			}
		}
	} else {
		all.floats = slices.Repeat(w.floats, parts)
	}
	constants := []constant{all}
	for _, b := range s.constants[1:] {
		constants = append(constants, constant{dims: []int{lanes}, floats: slices.Repeat(b.floats, parts)})
	}
	s.constants = constants
	s.attributes = slices.Clone(s.attributes)
	for i := range s.attributes {
		if a := &s.attributes[i]; a.name == "group" && c.group > 1 {
			a.whole = int64(lanes)
		}
	}
	return s
}

// blocks is the Conv that computes from a packed value of so many rows what s
// does, as blocks of pixels of one part after the other.
func (s step) blocks(v, rows, parts int) step {
	c := s.conv()
	lanes := parts * packChannels
	high, wide := c.kernel+packHeight-1, c.kernel+packWidth-1
	w := constant{dims: []int{lanes, lanes, high, wide}, floats: make([]float32, lanes*lanes*high*wide)}
	for k := range parts {
		for y := range packHeight {
			for x := range packWidth {
				o := k*packChannels + y*packWidth + x
				for ch := range packChannels {
					for dy := range c.kernel {
						for dx := range c.kernel {
							w.floats[((o*lanes+k*packChannels+ch)*high+y+dy)*wide+x+dx] = s.constants[0].floats[(ch*c.kernel+dy)*c.kernel+dx]
						}
					}
				}
			}
		}
	}
	constants := []constant{w}
	for _, b := range s.constants[1:] {
		constants = append(constants, constant{dims: []int{lanes}, floats: slices.Repeat(b.floats, lanes)})
	}
	pad := int64(c.pad)
	return step{
		op: "Conv", reads: []int{v}, constants: constants, shape: []int{1, lanes, rows / packHeight, s.shape[3] / packWidth},
		attributes: []attribute{
			{name: "kernel_shape", kind: attrTypeInts, ints: []int64{int64(high), int64(wide)}},
			{name: "strides", kind: attrTypeInts, ints: []int64{packHeight, packWidth}},
			{name: "pads", kind: attrTypeInts, ints: []int64{pad, pad, pad, pad}},
			{name: "group", kind: attrTypeInt, whole: 1},
		},
	}
}
