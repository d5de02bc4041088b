package infer

// gocv 0.31 cannot set OpenCV's threads; this is OpenCV's own C function, as
// core_c.h declares it (that header is for C++ alone by now).

// #cgo pkg-config: opencv4
// void cvSetNumThreads(int threads);
import "C"

import (
	"fmt"

	"gocv.io/x/gocv"
)

// opencvNetwork is a network on OpenCV's DNN module by way of gocv. gocv
// catches no C++ exception, each would end the process; that none is thrown is
// the business of [readGraph], which lets only graphs through that OpenCV runs.
type opencvNetwork struct {
	net    gocv.Net
	sig    signature
	output string   // the value that holds all outputs, see [graph.onnx]
	mat    gocv.Mat // the input
	input  []float32
	// The outputs lie in Go's memory: gocv gives a new header of OpenCV's own
	// buffer for each run, and only a copy outlives it.
	outputs [][]float32
	open    bool
	again   func() (Network, error)
}

func opencvVersion() string { return gocv.OpenCVVersion() }

// openOpenCV loads a model on OpenCV. The thread count is one for the whole
// process there; the last one set counts.
func openOpenCV(model []byte, sig signature, threads int) (_ Network, err error) {
	g, err := readGraph(model, sig)
	if err != nil {
		return nil, fmt.Errorf("prepare onnx model for opencv: %w", err)
	}
	if threads == 0 {
		threads = -1 // one per core; 0 would be none
	}
	C.cvSetNumThreads(C.int(threads))
	written, output := g.onnx()
	n := &opencvNetwork{sig: sig, output: output, open: true}
	n.again = func() (Network, error) { return openOpenCV(model, sig, threads) }
	if n.net, err = gocv.ReadNetFromONNXBytes(written); err != nil {
		return nil, fmt.Errorf("open network with opencv: %w", err)
	}
	n.mat = gocv.NewMatWithSizesWithScalar(sig.input.shape, gocv.MatTypeCV32F, gocv.Scalar{})
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if n.net.Empty() {
		return nil, fmt.Errorf("open network with opencv: the model holds no network")
	}
	if err := n.net.SetPreferableBackend(gocv.NetBackendOpenCV); err != nil {
		return nil, fmt.Errorf("open network with opencv: %w", err)
	}
	if err := n.net.SetPreferableTarget(gocv.NetTargetCPU); err != nil {
		return nil, fmt.Errorf("open network with opencv: %w", err)
	}
	if n.input, err = n.mat.DataPtrFloat32(); err != nil {
		return nil, fmt.Errorf("open network with opencv: %w", err)
	}
	for _, out := range sig.outputs {
		n.outputs = append(n.outputs, make([]float32, out.size()))
	}
	return n, nil
}

func (n *opencvNetwork) Input() []float32       { return n.input }
func (n *opencvNetwork) InputShape() []int      { return n.sig.input.shape }
func (n *opencvNetwork) Outputs() []string      { return n.sig.names() }
func (n *opencvNetwork) Output(i int) []float32 { return n.outputs[i] }

func (n *opencvNetwork) Another() (Network, error) {
	if !n.open {
		return nil, errClosed
	}
	return n.again()
}

func (n *opencvNetwork) Run() error {
	if !n.open {
		return errClosed
	}
	n.net.SetInput(n.mat, "")
	result := n.net.Forward(n.output)
	defer result.Close()
	values, err := result.DataPtrFloat32()
	if err != nil {
		return fmt.Errorf("run network with opencv: %w", err)
	}
	for i, out := range n.outputs {
		if len(values) < len(out) {
			return fmt.Errorf("run network with opencv: output %q has not the size its file says", n.sig.outputs[i].name)
		}
		copy(out, values)
		values = values[len(out):]
	}
	return nil
}

func (n *opencvNetwork) Close() error {
	if !n.open {
		return nil
	}
	n.open, n.input, n.outputs = false, nil, nil
	if err := n.mat.Close(); err != nil {
		return fmt.Errorf("close opencv's input: %w", err)
	}
	if err := n.net.Close(); err != nil {
		return fmt.Errorf("close opencv's network: %w", err)
	}
	return nil
}
