// Package models holds the pose networks: a person detector and three sizes of
// the same landmark network. Detector, Lite and Full are part of the binary;
// Heavy is a file that `make models-heavy` makes and Load looks for.
//
// README.md in this folder is their model card: what goes in, what comes out,
// where the weights come from, their licence and their limits.
package models

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed pose_detection.onnx pose_landmark_lite.onnx pose_landmark_full.onnx
var embedded embed.FS

// sums is the record of all networks' hashes, as sha256sum writes it.
//
//go:embed SHA256SUMS
var sums string

// ErrNotInstalled says that a network which is not part of the binary was
// found in none of the folders searched.
var ErrNotInstalled = errors.New("network is not installed")

// Value is a float32 input or output, row-major.
type Value struct {
	Name  string
	Shape []int
}

// Network is one ONNX file. The zero value is no network.
type Network struct {
	Name    string // short name, as in "detector" or "full"
	File    string // base name of the ONNX file
	Input   Value
	Outputs []Value
}

// Detector finds people in a 224x224 image, RGB in [-1, 1].
//
// Of its 2254 anchors each gives a box with four key points (regressors, in
// pixels from the anchor's centre) and a score (scores, a logit).
func Detector() Network {
	return Network{
		Name:  "detector",
		File:  "pose_detection.onnx",
		Input: Value{"image", []int{1, 3, 224, 224}},
		Outputs: []Value{
			{"regressors", []int{1, 2254, 12}},
			{"scores", []int{1, 2254, 1}},
		},
	}
}

// Lite is the smallest landmark network; see Full.
func Lite() Network { return landmarker("lite") }

// Full is the middle landmark network. All landmark networks read a 256x256
// region with one person upright, RGB in [0, 1], and give 39 landmarks
// (landmarks: x, y, z in pixels of the region, visibility and presence as
// logits), the probability that a person is present, the person's mask
// (logits), a heat map for each landmark (logits) and the landmarks in metres
// about the hips (world: x, y, z).
func Full() Network { return landmarker("full") }

// Heavy is the largest landmark network; see Full. It is not embedded.
func Heavy() Network { return landmarker("heavy") }

func landmarker(size string) Network {
	return Network{
		Name:  size,
		File:  "pose_landmark_" + size + ".onnx",
		Input: Value{"image", []int{1, 3, 256, 256}},
		Outputs: []Value{
			{"landmarks", []int{1, 195}},
			{"presence", []int{1, 1}},
			{"mask", []int{1, 1, 256, 256}},
			{"heatmap", []int{1, 39, 64, 64}},
			{"world", []int{1, 117}},
		},
	}
}

// All lists the networks, embedded ones first.
func All() []Network { return []Network{Detector(), Lite(), Full(), Heavy()} }

// SHA256 is the recorded hash of the network's file in lower-case hexadecimal.
func (n Network) SHA256() string {
	for line := range strings.Lines(sums) {
		if sum, file, ok := strings.Cut(strings.TrimSpace(line), "  "); ok && file == n.File {
			return sum
		}
	}
	return ""
}

// Embedded reports whether the network is part of the binary.
func (n Network) Embedded() bool {
	_, err := fs.Stat(embedded, n.File)
	return err == nil
}

// Load returns the ONNX file. A network that is not embedded is looked for in
// dirs, then in Dirs; the first file found must have the recorded hash. The
// error is ErrNotInstalled when there is none.
func (n Network) Load(dirs ...string) ([]byte, error) {
	if data, err := embedded.ReadFile(n.File); err == nil {
		return data, nil
	}
	path, err := n.Find(dirs...)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load network %s: %w", n.Name, err)
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != n.SHA256() {
		return nil, fmt.Errorf("load network %s: %s has sha-256 %s, want %s (make it again: make models-%s)",
			n.Name, path, got, n.SHA256(), n.Name)
	}
	return data, nil
}

// Find is the path of the file that Load reads for a network that is not
// embedded. The error is ErrNotInstalled when there is none.
func (n Network) Find(dirs ...string) (string, error) {
	searched := append(append([]string(nil), dirs...), Dirs()...)
	for _, dir := range searched {
		path := filepath.Join(dir, n.File)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: %s: no %s in %s (make it: make models-%s)",
		ErrNotInstalled, n.Name, n.File, strings.Join(searched, ", "), n.Name)
}

// Dirs are the folders searched for networks that are not embedded: beside the
// binary, models beside it and models one folder up, where the repository has
// it (bin/spineflex, models/).
func Dirs() []string {
	binary, err := os.Executable()
	if err != nil {
		return nil
	}
	if target, err := filepath.EvalSymlinks(binary); err == nil {
		binary = target
	}
	dir := filepath.Dir(binary)
	return []string{dir, filepath.Join(dir, "models"), filepath.Join(filepath.Dir(dir), "models")}
}
