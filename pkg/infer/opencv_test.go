package infer

import (
	"strings"
	"testing"

	"github.com/spineflex/spineflex/models"
)

// An exception of C++ that reached Go would end the process.
func TestOpenCVsExceptionsAreErrors(t *testing.T) {
	model, err := models.Lite().Load()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := readSignature(model)
	if err != nil {
		t.Fatal(err)
	}
	g, err := readGraph(model, sig)
	if err != nil {
		t.Fatal(err)
	}
	written, output := g.onnx()
	for _, tt := range []struct {
		name   string
		model  []byte
		output string
	}{
		{"words for a network", []byte("no network"), output},
		{"cut off", written[:len(written)/2], output},
		{"a value that is not there", written, "v99999"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			net, err := readOpenCV(tt.model, tt.output, sig)
			if err == nil {
				defer net.Close()
				err = net.Run()
			}
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
			t.Log(err)
		})
	}
}
