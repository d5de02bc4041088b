package main

import (
	"fmt"
	"strings"

	"github.com/spineflex/spineflex/cmd/modelgen/internal/convert"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/onnx"
	"github.com/spineflex/spineflex/cmd/modelgen/internal/tflite"
)

// network is one published network and what it becomes.
type network struct {
	name    string
	source  string // file in the npm package
	sha256  string // of source
	output  string
	doc     string
	input   onnx.Value
	outputs []onnx.Value
}

// landmarkOutputs are the landmark networks' outputs in the files' order.
var landmarkOutputs = []onnx.Value{
	{Name: "landmarks", Dims: []int{1, 195}},
	{Name: "presence", Dims: []int{1, 1}},
	{Name: "mask", Dims: []int{1, 1, 256, 256}},
	{Name: "heatmap", Dims: []int{1, 39, 64, 64}},
	{Name: "world", Dims: []int{1, 117}},
}

// networks lists what can be made. The detector's file in the package is a
// bundle of assets that holds only pose_detection.tflite.
var networks = []network{
	{
		name:   "detector",
		source: "pose_solution_packed_assets.data",
		sha256: "a63c614bef30d35947f13be361820b1e4e3bec9cfeebf4d11216a18373108e85",
		output: "pose_detection.onnx",
		doc:    "BlazePose person detector",
		input:  onnx.Value{Name: "image", Dims: []int{1, 3, 224, 224}},
		outputs: []onnx.Value{
			{Name: "regressors", Dims: []int{1, 2254, 12}},
			{Name: "scores", Dims: []int{1, 2254, 1}},
		},
	},
	landmarker("lite", "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61"),
	landmarker("full", "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"),
	landmarker("heavy", "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"),
}

func landmarker(size, sum string) network {
	return network{
		name:    size,
		source:  "pose_landmark_" + size + ".tflite",
		sha256:  sum,
		output:  "pose_landmark_" + size + ".onnx",
		doc:     "BlazePose landmarks, " + size,
		input:   onnx.Value{Name: "image", Dims: []int{1, 3, 256, 256}},
		outputs: landmarkOutputs,
	}
}

func networkByName(name string) (network, error) {
	var known []string
	for _, n := range networks {
		if n.name == name {
			return n, nil
		}
		known = append(known, n.name)
	}
	return network{}, fmt.Errorf("unknown network %q (choose from %s)", name, strings.Join(known, ", "))
}

// convert checks the network's source and returns the ONNX file.
func (n network) convert(files packageFiles) ([]byte, error) {
	source, err := files.open(n.source, n.sha256)
	if err != nil {
		return nil, err
	}
	model, err := tflite.Read(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.source, err)
	}
	return convert.Network(model, convert.Spec{
		Name: strings.TrimSuffix(n.output, ".onnx"),
		Doc:  n.doc + ", converted from TensorFlow Lite by spineflex modelgen",
		Properties: []onnx.Property{
			{Key: "license", Value: "Apache-2.0"},
			{Key: "copyright", Value: "Google LLC"},
			{Key: "source_package", Value: "npm:" + packageName + "@" + packageVersion},
			{Key: "source_file", Value: n.source},
			{Key: "source_sha256", Value: n.sha256},
		},
		Input:   n.input,
		Outputs: n.outputs,
	})
}
