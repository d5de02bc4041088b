package tflite

import (
	"errors"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Sparsity says how a sparse tensor's stored values spread over its shape
// (the schema's SparsityParameters).
//
// The tensor is split into blocks along the dimensions named in BlockMap, then
// stored level by level in the order of Traversal, whose entries from rank on
// stand for the dimensions inside a block. A level is dense (all indices) or
// compressed as in CSR: Segments[i]..Segments[i+1] are the entries of Indices
// that belong to the i-th position of the level above.
type Sparsity struct {
	Traversal []int
	BlockMap  []int
	Levels    []Level
}

// Level is one stored dimension (the schema's DimensionMetadata).
type Level struct {
	Compressed bool
	Size       int   // dense: number of indices
	Segments   []int // compressed
	Indices    []int // compressed
}

// sparsity reads SparsityParameters: traversal_order 0, block_map 1,
// dim_metadata 2; and DimensionMetadata: format 0, dense_size 1,
// array_segments 2 (kind) and 3, array_indices 4 (kind) and 5.
func (d *decoder) sparsity(t table) (*Sparsity, error) {
	var s Sparsity
	var err error
	if s.Traversal, err = d.ints(t, 0); err != nil {
		return nil, err
	}
	if s.BlockMap, err = d.ints(t, 1); err != nil {
		return nil, err
	}
	levels, err := d.tables(t, 2)
	if err != nil {
		return nil, err
	}
	for i, l := range levels {
		level := Level{Compressed: l.byte(0) == 1, Size: l.int32(1, 0)}
		if level.Compressed {
			if level.Segments, err = d.indexVector(l, 2); err != nil {
				return nil, fmt.Errorf("sparsity level %d: segments: %w", i, err)
			}
			if level.Indices, err = d.indexVector(l, 4); err != nil {
				return nil, fmt.Errorf("sparsity level %d: indices: %w", i, err)
			}
		}
		s.Levels = append(s.Levels, level)
	}
	return &s, nil
}

// indexVector reads the union SparseIndexVector, kind at id and value at id+1:
// 1 Int32Vector, 2 Uint16Vector, 3 Uint8Vector, each with values 0.
func (d *decoder) indexVector(t table, id int) ([]int, error) {
	holder, ok := t.child(id + 1)
	if !ok {
		return nil, errors.New("missing")
	}
	kind := t.byte(id)
	if kind == 1 {
		return d.ints(holder, 0)
	}
	size := map[byte]int{2: 2, 3: 1}[kind]
	if size == 0 {
		return nil, fmt.Errorf("index vector kind %d", kind)
	}
	start, n, err := d.vector(holder, 0, size)
	if err != nil {
		return nil, err
	}
	out := make([]int, n)
	for i := range out {
		at := start + flatbuffers.UOffsetT(i*size)
		if size == 2 {
			out[i] = int(holder.GetUint16(at))
		} else {
			out[i] = int(holder.GetByte(at))
		}
	}
	return out, nil
}

// Dense is the tensor's data with zeros where a sparse tensor stores nothing;
// for a dense tensor it is Data itself.
func (t *Tensor) Dense() ([]byte, error) {
	if t.Sparsity == nil {
		return t.Data, nil
	}
	e := expansion{tensor: t, Sparsity: t.Sparsity}
	if err := e.prepare(); err != nil {
		return nil, fmt.Errorf("densify %q: %w", t.Name, err)
	}
	if err := e.level(0, 0); err != nil {
		return nil, fmt.Errorf("densify %q: %w", t.Name, err)
	}
	if e.next != len(t.Data) {
		return nil, fmt.Errorf("densify %q: %d of %d stored bytes used", t.Name, e.next, len(t.Data))
	}
	return e.out, nil
}

// expansion walks the levels of a sparse tensor depth first, which is the
// order the values are stored in.
type expansion struct {
	*Sparsity
	tensor *Tensor
	step   []int // elements in the dense tensor between neighbours of each level
	out    []byte
	offset int // element of out the path so far points to
	next   int // first unread byte of tensor.Data
}

// prepare computes each level's step. A block of size b along dimension k
// makes that dimension's outer step b times as long; the inner level keeps the
// dimension's own step.
func (e *expansion) prepare() error {
	rank := len(e.tensor.Shape)
	n := rank + len(e.BlockMap)
	if len(e.BlockMap) > rank {
		return fmt.Errorf("%d block dimensions in a tensor of %d", len(e.BlockMap), rank)
	}
	if len(e.Traversal) != n || len(e.Levels) != n {
		return fmt.Errorf("%d levels in traversal order, %d described, want %d", len(e.Traversal), len(e.Levels), n)
	}
	size := make([]int, n) // by logical dimension: rank outer ones, then the block's
	seen := make([]bool, n)
	for level, dim := range e.Traversal {
		if dim < 0 || dim >= n || seen[dim] {
			return fmt.Errorf("traversal order %v is no permutation", e.Traversal)
		}
		seen[dim] = true
		size[dim] = e.Levels[level].Size
	}
	step := make([]int, n)
	for dim, s := rank-1, 1; dim >= 0; dim-- {
		step[dim] = s
		s *= e.tensor.Shape[dim]
	}
	extent := append([]int(nil), e.tensor.Shape...)
	for i, dim := range e.BlockMap {
		block := size[rank+i]
		if dim < 0 || dim >= rank || block < 1 || extent[dim]%block != 0 {
			return fmt.Errorf("block of %d along dimension %d of shape %v", block, dim, e.tensor.Shape)
		}
		step[rank+i] = step[dim]
		step[dim] *= block
		extent[dim] /= block
		extent = append(extent, block)
	}
	e.step = make([]int, n)
	for level, dim := range e.Traversal {
		e.step[level] = step[dim]
		if l := &e.Levels[level]; !l.Compressed && l.Size != extent[dim] {
			return fmt.Errorf("dense level %d has size %d, dimension %d has %d", level, l.Size, dim, extent[dim])
		} else if l.Compressed {
			if dim >= rank {
				return fmt.Errorf("level %d inside a block is compressed", level)
			}
			for _, index := range l.Indices {
				if index < 0 || index >= extent[dim] {
					return fmt.Errorf("index %d in dimension %d of %d", index, dim, extent[dim])
				}
			}
		}
	}
	e.out = make([]byte, e.tensor.Elements()*e.tensor.Type.Size())
	return nil
}

// level copies everything below one position of the level above; parent
// numbers that position among all positions stored there.
func (e *expansion) level(depth, parent int) error {
	if depth == len(e.Levels) {
		width := e.tensor.Type.Size()
		if e.next+width > len(e.tensor.Data) {
			return errors.New("stored values run out")
		}
		copy(e.out[e.offset*width:(e.offset+1)*width], e.tensor.Data[e.next:])
		e.next += width
		return nil
	}
	l := &e.Levels[depth]
	from, to := parent*l.Size, (parent+1)*l.Size
	if l.Compressed {
		if parent+1 >= len(l.Segments) {
			return fmt.Errorf("level %d has no segment %d", depth, parent)
		}
		from, to = l.Segments[parent], l.Segments[parent+1]
		if from < 0 || to < from || to > len(l.Indices) {
			return fmt.Errorf("level %d: segment %d..%d of %d indices", depth, from, to, len(l.Indices))
		}
	}
	start := e.offset
	for position := from; position < to; position++ {
		index := position - from
		if l.Compressed {
			index = l.Indices[position]
		}
		e.offset = start + index*e.step[depth]
		if err := e.level(depth+1, position); err != nil {
			return err
		}
	}
	e.offset = start
	return nil
}
