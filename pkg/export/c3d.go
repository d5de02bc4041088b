package export

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A C3D file (c3d.org, "The C3D File Format", user guide 2008) is blocks of
// 512 bytes: a header, the parameters, the data. This one is little-endian
// ("Intel") with points as 32-bit floats and no analogue channels.
const (
	c3dBlock       = 512
	c3dMagic       = 0x50
	c3dIntel       = 84
	c3dMaxFrames   = 65535 // what the header's 16 bits hold
	c3dDescription = "by spineflex from one video; z unknown and 0"
)

// lumbarLabel is the point whose X is lumbar flexion, in degrees; angles are
// points in C3D (POINT:ANGLES).
const lumbarLabel = "lumbar_flexion"

// writeC3D writes the markers in millimetres and lumbar flexion. A point that
// is missing has the residual −1.
func writeC3D(out io.Writer, g *grid) error {
	points := g.markers()
	for _, c := range g.angles() {
		if c.name == lumbarLabel {
			points = append(points, track{lumbarLabel, c.values, make([]float64, len(c.values))})
		}
	}
	frames := len(g.times)
	if frames > c3dMaxFrames {
		return fmt.Errorf("export c3d: %d frames, the format has room for %d", frames, c3dMaxFrames)
	}
	labels := make([]string, len(points))
	for i, p := range points {
		labels[i] = p.name
	}

	var params c3dParameters
	params.group(1, "POINT", "marker positions")
	params.integer(1, "USED", len(points))
	params.integer(1, "FRAMES", frames)
	params.float(1, "SCALE", -1) // negative: the data are floats
	params.float(1, "RATE", float32(g.rate))
	dataStart := params.integer(1, "DATA_START", 0) // filled in below
	params.text(1, "UNITS", "mm")
	params.text(1, "X_SCREEN", "+X")
	params.text(1, "Y_SCREEN", "+Y")
	params.texts(1, "LABELS", labels)
	params.texts(1, "ANGLES", []string{lumbarLabel})
	params.text(1, "ANGLE_UNITS", "deg")
	params.group(2, "ANALOG", "none")
	params.integer(2, "USED", 0)
	params.group(3, "MANUFACTURER", "")
	params.text(3, "SOFTWARE", "spineflex")
	params.text(3, "DESCRIPTION", c3dDescription)
	params.end()
	blocks := (4 + len(params.b) + c3dBlock - 1) / c3dBlock
	if blocks > 255 {
		return fmt.Errorf("export c3d: parameters take %d blocks, the format has room for 255", blocks)
	}
	firstData := 2 + blocks
	binary.LittleEndian.PutUint16(params.b[dataStart:], uint16(firstData))

	w := bufio.NewWriter(out)
	put := func(b []byte) { _, _ = w.Write(b) } // w keeps the error for Flush
	head := make([]byte, c3dBlock)
	le := binary.LittleEndian
	head[0], head[1] = 2, c3dMagic // the parameters begin in the second block
	le.PutUint16(head[2:], uint16(len(points)))
	le.PutUint16(head[6:], 1) // first and last frame
	le.PutUint16(head[8:], uint16(frames))
	le.PutUint16(head[10:], uint16(math.Ceil(maxGap*g.rate)))
	le.PutUint32(head[12:], math.Float32bits(-1))
	le.PutUint16(head[16:], uint16(firstData))
	le.PutUint32(head[20:], math.Float32bits(float32(g.rate)))
	put(head)
	block := make([]byte, blocks*c3dBlock)
	copy(block, []byte{1, c3dMagic, byte(blocks), c3dIntel})
	copy(block[4:], params.b)
	put(block)

	written := 0
	for i := range frames {
		for _, p := range points {
			var b [16]byte
			residual := float32(-1)
			if !math.IsNaN(p.x[i] + p.y[i]) {
				le.PutUint32(b[0:], math.Float32bits(float32(p.x[i])))
				le.PutUint32(b[4:], math.Float32bits(float32(p.y[i])))
				residual = 0
			}
			le.PutUint32(b[12:], math.Float32bits(residual))
			put(b[:])
			written += len(b)
		}
	}
	if rest := written % c3dBlock; rest > 0 {
		put(make([]byte, c3dBlock-rest))
	}
	return w.Flush()
}

// c3dParameters builds the parameter section. Each entry is: length of its
// name, group number (negative for the group itself), name, offset to the next
// entry counted from the offset's own place, then its data and description.
type c3dParameters struct{ b []byte }

func (p *c3dParameters) entry(group int8, name string, body []byte) {
	p.b = append(p.b, byte(len(name)), byte(group))
	p.b = append(p.b, name...)
	p.b = binary.LittleEndian.AppendUint16(p.b, uint16(2+len(body)))
	p.b = append(p.b, body...)
}

func (p *c3dParameters) group(number int8, name, description string) {
	p.entry(-number, name, append([]byte{byte(len(description))}, description...))
}

// integer adds a 16-bit number and returns where in the section it stands.
func (p *c3dParameters) integer(group int8, name string, v int) int {
	p.entry(group, name, append(binary.LittleEndian.AppendUint16([]byte{2, 0}, uint16(v)), 0))
	return len(p.b) - 3
}

func (p *c3dParameters) float(group int8, name string, v float32) {
	p.entry(group, name, append(binary.LittleEndian.AppendUint32([]byte{4, 0}, math.Float32bits(v)), 0))
}

func (p *c3dParameters) text(group int8, name, s string) {
	body := append([]byte{0xff, 1, byte(len(s))}, s...)
	p.entry(group, name, append(body, 0))
}

// texts adds a list, its members filled with blanks to the same length.
func (p *c3dParameters) texts(group int8, name string, list []string) {
	longest := 0
	for _, s := range list {
		longest = max(longest, len(s))
	}
	body := []byte{0xff, 2, byte(longest), byte(len(list))}
	for _, s := range list {
		body = append(body, fmt.Sprintf("%-*s", longest, s)...)
	}
	p.entry(group, name, append(body, 0))
}

// end closes the section: an entry without a name.
func (p *c3dParameters) end() { p.b = append(p.b, 0, 0) }
