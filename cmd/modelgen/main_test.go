package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// makePackage writes an archive as `npm pack` makes it.
func makePackage(t *testing.T, files packageFiles) string {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	for name, data := range files {
		header := &tar.Header{Name: "package/" + name, Mode: 0o644, Size: int64(len(data))}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pose.tgz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRunRefuses(t *testing.T) {
	tampered := makePackage(t, packageFiles{"pose_landmark_lite.tflite": []byte("not the weights"), "pose.js": nil})
	cut := filepath.Join(t.TempDir(), "cut.tgz")
	whole, err := os.ReadFile(tampered)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown network", []string{"medium"}, `unknown network "medium" (choose from detector, lite, full, heavy)`},
		{"no such package", []string{"-package", "nowhere.tgz", "lite"}, "nowhere.tgz"},
		{"package cut short", []string{"-package", cut, "lite"}, "read package"},
		{"not a package", []string{"-package", "main.go", "lite"}, "read package main.go"},
		{"weights that were changed", []string{"-package", tampered, "lite"}, "not the published weights"},
		{"weights that are missing", []string{"-package", tampered, "full"}, "pose_landmark_full.tflite is not in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "models")
			err := run(context.Background(), append([]string{"-o", dir}, tt.args...), io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// TestRunKeepsTheRecord makes the smallest network and checks that a result
// which differs from the record is refused, unless -update says to take it.
func TestRunKeepsTheRecord(t *testing.T) {
	archive := makePackage(t, requirePackage(t))
	dir := t.TempDir()
	convertLite := func(flags ...string) error {
		args := append([]string{"-o", dir, "-package", archive}, flags...)
		return run(context.Background(), append(args, "lite"), io.Discard, io.Discard)
	}
	const file = "pose_landmark_lite.onnx"
	expectRecord := func(want string) {
		t.Helper()
		rec, err := readRecord(dir)
		if err != nil {
			t.Fatal(err)
		}
		if rec[file] != want {
			t.Errorf("record has %q, want %q", rec[file], want)
		}
	}

	if err := convertLite(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	expectRecord(sha256Hex(data))

	other := strings.Repeat("0", 64)
	if err := (record{file: other}).write(dir); err != nil {
		t.Fatal(err)
	}
	if err := convertLite(); err == nil || !strings.Contains(err.Error(), "-update") {
		t.Errorf("error %v, want one that names -update", err)
	}
	expectRecord(other)
	if err := convertLite("-update"); err != nil {
		t.Fatal(err)
	}
	expectRecord(sha256Hex(data))
}

func TestReadRecordRefusesWhatIsNoRecord(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, recordFile), []byte("abc  file\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readRecord(dir); err == nil {
		t.Error("no error")
	}
}
