package infer

/*
#cgo CXXFLAGS: -std=c++17
#cgo pkg-config: opencv4
#include <stdlib.h>
#include "opencv.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"
)

// opencvNetwork is a network on OpenCV's DNN module. Its buffers are C memory.
type opencvNetwork struct {
	net     *C.dnn_net
	sig     signature
	input   []float32
	outputs [][]float32
}

func opencvVersion() string { return C.GoString(C.dnn_version()) }

// openOpenCV loads a model on OpenCV. The thread count is one for the whole
// process there; the last one set counts.
func openOpenCV(model []byte, sig signature, threads int) (Network, error) {
	rewritten, err := rewriteForOpenCV(model)
	if err != nil {
		return nil, fmt.Errorf("prepare onnx model for opencv: %w", err)
	}
	C.dnn_threads(C.int(threads))
	shape := make([]C.int, len(sig.input.shape))
	for i, d := range sig.input.shape {
		shape[i] = C.int(d)
	}
	var msg *C.char
	net := C.dnn_open((*C.char)(unsafe.Pointer(unsafe.SliceData(rewritten))), C.size_t(len(rewritten)),
		&shape[0], C.int(len(shape)), &msg)
	runtime.KeepAlive(rewritten)
	if net == nil {
		return nil, fmt.Errorf("open network with opencv: %w", takeError(msg))
	}
	n := &opencvNetwork{
		net:   net,
		sig:   sig,
		input: unsafe.Slice((*float32)(unsafe.Pointer(C.dnn_input(net))), sig.input.size()),
	}
	for _, out := range sig.outputs {
		name := C.CString(out.name)
		buf := C.dnn_add_output(net, name, C.size_t(out.size()))
		C.free(unsafe.Pointer(name))
		n.outputs = append(n.outputs, unsafe.Slice((*float32)(unsafe.Pointer(buf)), out.size()))
	}
	return n, nil
}

// takeError turns a C message into an error and frees it.
func takeError(msg *C.char) error {
	if msg == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(msg))
	// OpenCV's messages have line breaks and quote marks like a mail's.
	words := strings.Fields(strings.ReplaceAll(C.GoString(msg), "\n>", "\n"))
	return errors.New(strings.TrimPrefix(strings.Join(words, " "), "> "))
}

func (n *opencvNetwork) Input() []float32       { return n.input }
func (n *opencvNetwork) InputShape() []int      { return n.sig.input.shape }
func (n *opencvNetwork) Outputs() []string      { return n.sig.names() }
func (n *opencvNetwork) Output(i int) []float32 { return n.outputs[i] }

func (n *opencvNetwork) Run() error {
	if n.net == nil {
		return errClosed
	}
	if err := takeError(C.dnn_run(n.net)); err != nil {
		return fmt.Errorf("run network with opencv: %w", err)
	}
	return nil
}

func (n *opencvNetwork) Close() error {
	if n.net != nil {
		C.dnn_close(n.net)
		n.net, n.input, n.outputs = nil, nil, nil
	}
	return nil
}
