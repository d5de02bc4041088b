package infer

// OpenCV is called by a few functions of our own, in opencv.cpp. A binding of
// all of OpenCV would have the program load some 260 libraries, windows and
// cameras among them, 0.15 s at every start; of those that pkg-config names
// the linker keeps what is called, and 25 are loaded in 10 ms.

// #cgo pkg-config: opencv4
// #cgo linux LDFLAGS: -Wl,--as-needed
// #include <stdlib.h>
// #include "opencv.h"
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// opencvNetwork is a network on OpenCV's DNN module.
type opencvNetwork struct {
	net     *C.opencv_network
	sig     signature
	output  *C.char // the value that holds all outputs, see [graph.onnx]
	input   []float32
	outputs [][]float32 // OpenCV's own memory, of the last run
}

func opencvVersion() string { return C.GoString(C.opencv_version()) }

// openOpenCV loads a model on OpenCV. The thread count is one for the whole
// process there; the last one set counts.
func openOpenCV(model []byte, sig signature, threads int) (Network, error) {
	g, err := readGraph(model, sig)
	if err != nil {
		return nil, fmt.Errorf("prepare onnx model for opencv: %w", err)
	}
	if threads == 0 {
		threads = -1 // one per core; 0 would be none
	}
	C.opencv_set_threads(C.int(threads))
	written, output := g.onnx()
	return readOpenCV(written, output, sig)
}

// readOpenCV opens a model that OpenCV's importer reads, of which it is to
// compute the value named output.
func readOpenCV(model []byte, output string, sig signature) (Network, error) {
	shape := make([]C.int, len(sig.input.shape))
	for i, d := range sig.input.shape {
		shape[i] = C.int(d)
	}
	n := &opencvNetwork{sig: sig, outputs: make([][]float32, len(sig.outputs))}
	if err := opencvError(C.opencv_open(unsafe.Pointer(&model[0]), C.size_t(len(model)), &shape[0], C.int(len(shape)), &n.net)); err != nil {
		return nil, fmt.Errorf("open network with opencv: %w", err)
	}
	n.output = C.CString(output)
	n.input = unsafe.Slice((*float32)(C.opencv_input(n.net)), sig.input.size())
	for i, out := range sig.outputs {
		n.outputs[i] = make([]float32, out.size()) // before the first run
	}
	return n, nil
}

// opencvError makes an error of a message and frees it.
func opencvError(message *C.char) error {
	if message == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(message))
	return errors.New(C.GoString(message))
}

func (n *opencvNetwork) Input() []float32       { return n.input }
func (n *opencvNetwork) InputShape() []int      { return n.sig.input.shape }
func (n *opencvNetwork) Outputs() []string      { return n.sig.names() }
func (n *opencvNetwork) Output(i int) []float32 { return n.outputs[i] }

func (n *opencvNetwork) Run() error {
	if n.net == nil {
		return errClosed
	}
	if err := opencvError(C.opencv_run(n.net, n.output)); err != nil {
		return fmt.Errorf("run network with opencv: %w", err)
	}
	values := unsafe.Slice((*float32)(C.opencv_output(n.net)), int(C.opencv_output_size(n.net)))
	for i, out := range n.sig.outputs {
		size := out.size()
		if len(values) < size {
			return fmt.Errorf("run network with opencv: output %q has not the size its file says", out.name)
		}
		n.outputs[i], values = values[:size:size], values[size:]
	}
	return nil
}

func (n *opencvNetwork) Close() error {
	if n.net == nil {
		return nil
	}
	C.opencv_close(n.net)
	C.free(unsafe.Pointer(n.output))
	*n = opencvNetwork{sig: n.sig}
	return nil
}
