// Package infer runs neural networks stored as ONNX on the CPU.
//
// Two engines stand behind one small interface: ONNX Runtime, which is fast
// and is loaded at run time when its library is there, and OpenCV's DNN
// module, which every installation has. A [Runtime] is chosen once; it then
// opens any number of networks:
//
//	rt, err := infer.NewRuntime(infer.Options{})
//	...
//	net, err := rt.Open(model)
//	...
//	defer net.Close()
//	fill(net.Input())
//	if err := net.Run(); err != nil { ... }
//	use(net.Output(0))
//
// Buffers belong to the network and are reused: running one allocates nothing.
// A network is used by one goroutine at a time; several networks may run at
// the same time.
package infer

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// Engine names what runs the networks.
type Engine string

// The engines. Auto takes ONNX Runtime if its library can be loaded and
// OpenCV otherwise.
const (
	Auto        Engine = "auto"
	ONNXRuntime Engine = "onnxruntime"
	OpenCV      Engine = "opencv"
)

// Engines lists the allowed names in the order help texts show them.
func Engines() []Engine { return []Engine{Auto, ONNXRuntime, OpenCV} }

// ErrNoONNXRuntime says that no ONNX Runtime library could be loaded.
var ErrNoONNXRuntime = errors.New("onnx runtime not found")

// Options choose and set up an engine. The zero value takes the best engine
// there is, on all cores.
type Options struct {
	Engine      Engine // "" is Auto
	Threads     int    // cores to use, 0: all; of ONNX Runtime's each network takes half, see [Runtime]
	LibraryPath string // ONNX Runtime's library, a file or its folder; "" searches, see [FindLibrary]
}

// Validate names the field that cannot be used.
func (o Options) Validate() error {
	switch o.Engine {
	case "", Auto, ONNXRuntime, OpenCV:
	default:
		names := make([]string, 0, len(Engines()))
		for _, e := range Engines() {
			names = append(names, string(e))
		}
		return fmt.Errorf("unknown engine %q (one of %s)", o.Engine, strings.Join(names, ", "))
	}
	if o.Threads < 0 {
		return fmt.Errorf("threads must not be negative, got %d", o.Threads)
	}
	return nil
}

// Network is one loaded network with its buffers.
type Network interface {
	// Input returns the buffer that Run reads, in the network's own layout
	// (NCHW for pictures). It keeps its address until Close.
	Input() []float32
	// InputShape returns the input's dimensions, batch first.
	InputShape() []int
	// Run computes the outputs from the input.
	Run() error
	// Outputs returns the names of the outputs in the file's order.
	Outputs() []string
	// Output returns output i of the last Run, valid until the next Run.
	Output(i int) []float32
	// Another returns the same network with buffers of its own, which may run
	// at the same time. With ONNX Runtime the two share their weights. Either
	// may be closed first.
	Another() (Network, error)
	// Close frees the network. Its buffers must not be used afterwards.
	Close() error
}

// Runtime opens networks on one engine.
//
// OpenCV's networks share all threads. ONNX Runtime's each have their own, half
// as many as there are cores: within a network they wait for each other at each
// of some 200 layers, so that a second one costs a tenth more processor time, and
// two networks can run at the same time.
type Runtime struct {
	engine   Engine
	threads  int
	library  string
	version  string
	fallback error
}

// NewRuntime chooses the engine. With Auto a missing ONNX Runtime is not an
// error but is told by [Runtime.Fallback]; with Engine ONNXRuntime it is
// [ErrNoONNXRuntime].
func NewRuntime(opts Options) (*Runtime, error) {
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	r := &Runtime{engine: opts.Engine, threads: opts.Threads}
	if r.engine == "" {
		r.engine = Auto
	}
	if r.engine != OpenCV {
		library, version, err := loadONNXRuntime(opts.LibraryPath)
		switch {
		case err == nil:
			r.engine, r.library, r.version = ONNXRuntime, library, version
			return r, nil
		case r.engine == ONNXRuntime:
			return nil, err
		}
		r.fallback = err
	}
	r.engine, r.version = OpenCV, opencvVersion()
	return r, nil
}

// Engine returns the engine in use: ONNXRuntime or OpenCV.
func (r *Runtime) Engine() Engine { return r.engine }

// Version returns the engine's own version, "1.30.0".
func (r *Runtime) Version() string { return r.version }

// Library returns the ONNX Runtime library in use, "" with OpenCV.
func (r *Runtime) Library() string { return r.library }

// Fallback says why Auto did not take ONNX Runtime; nil if it did or if OpenCV
// was asked for.
func (r *Runtime) Fallback() error { return r.fallback }

// Open loads a network from an ONNX file's content. It must have one float
// input and float outputs, all of fixed shape (a first dimension that is
// unknown counts as 1).
func (r *Runtime) Open(model []byte) (Network, error) {
	sig, err := readSignature(model)
	if err != nil {
		return nil, fmt.Errorf("read onnx model: %w", err)
	}
	if r.engine != ONNXRuntime {
		return openOpenCV(model, sig, r.threads)
	}
	p := prepared{bytes: model, sig: sig, input: sig.input.name, outputs: sig.names()}
	return openONNXRuntime(&p, r.each())
}

// Parts are a network in two parts, of which the second may be run later, by
// somebody else, or not at all.
type Parts struct {
	// Head gives all outputs but Tail's, in the file's order, and as its last the
	// input of Tail.
	Head Network
	// Tail gives one output. It is nil where Head gives all.
	Tail Network
}

// OpenParts loads a network as [Runtime.Open] does, and apart from the rest what
// only its mask needs, a fifth to a third of the work of a pose network. OpenCV's
// networks and those without such an end stay whole.
func (r *Runtime) OpenParts(model []byte) (Parts, error) {
	if r.engine == ONNXRuntime {
		if head, tail, ok := parted(model); ok {
			return r.openParts(head, tail)
		}
	}
	whole, err := r.Open(model)
	return Parts{Head: whole}, err
}

func (r *Runtime) openParts(head, tail *prepared) (p Parts, err error) {
	if p.Head, err = openONNXRuntime(head, r.each()); err != nil {
		return Parts{}, err
	}
	if p.Tail, err = openONNXRuntime(tail, r.each()); err != nil {
		return Parts{}, errors.Join(err, p.Head.Close())
	}
	return p, nil
}

// Close frees both parts.
func (p Parts) Close() error {
	err := p.Head.Close()
	if p.Tail != nil {
		err = errors.Join(err, p.Tail.Close())
	}
	return err
}

// each is how many threads a network of ONNX Runtime has.
func (r *Runtime) each() int {
	cores := r.threads
	if cores == 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	return max(1, cores/2)
}

// prepared is a network made ready for ONNX Runtime.
type prepared struct {
	sig     signature // as its file has it
	bytes   []byte    // ONNX
	input   string    // its name in bytes
	outputs []string  // their names in bytes
}

// tensorInfo is the name and the shape of a network's input or output.
type tensorInfo struct {
	name  string
	shape []int
}

// size returns the number of elements.
func (t tensorInfo) size() int {
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// signature is what a network takes and gives.
type signature struct {
	input   tensorInfo
	outputs []tensorInfo
}

// names returns the outputs' names.
func (s signature) names() []string {
	names := make([]string, len(s.outputs))
	for i, o := range s.outputs {
		names[i] = o.name
	}
	return names
}
