package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// The npm package that carries the published weights.
const (
	packageName    = "@mediapipe/pose"
	packageVersion = "0.5.1675469404"
)

// maxPackageFile bounds what one file of the package may unpack to; the
// largest, the heavy network, has 27.7 MB.
const maxPackageFile = 64 << 20

// packageFiles are the package's files by base name.
type packageFiles map[string][]byte

// open returns a file whose SHA-256 is sum, in hexadecimal.
func (p packageFiles) open(name, sum string) ([]byte, error) {
	data, ok := p[name]
	if !ok {
		return nil, fmt.Errorf("%s is not in %s@%s", name, packageName, packageVersion)
	}
	if got := sha256Hex(data); got != sum {
		return nil, fmt.Errorf("%s has sha-256 %s, want %s: not the published weights", name, got, sum)
	}
	return data, nil
}

// openPackage reads the package from an archive as `npm pack` makes it, which
// npm fetches first when no archive is named.
func openPackage(ctx context.Context, archive string) (packageFiles, error) {
	if archive != "" {
		return readArchive(archive)
	}
	dir, err := os.MkdirTemp("", "modelgen-")
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", packageName, err)
	}
	defer os.RemoveAll(dir)
	if archive, err = fetchPackage(ctx, dir); err != nil {
		return nil, err
	}
	return readArchive(archive)
}

// fetchPackage has npm download the package into dir and returns the archive.
func fetchPackage(ctx context.Context, dir string) (string, error) {
	id := packageName + "@" + packageVersion
	var said bytes.Buffer
	npm := exec.CommandContext(ctx, "npm", "pack", "--loglevel=error", "--fetch-retries=1", "--pack-destination", dir, id)
	npm.Stderr = &said
	if err := npm.Run(); err != nil {
		reason, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
		return "", fmt.Errorf("npm pack %s: %w: %s (npm and its registry are needed, or -package with a copy)",
			id, err, reason)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("npm pack %s: left %d archives", id, len(found))
	}
	return found[0], nil
}

// readArchive unpacks a gzipped tar archive into memory, weights only.
func readArchive(name string) (packageFiles, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read package: %w", err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("read package %s: %w", name, err)
	}
	files := packageFiles{}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read package %s: %w", name, err)
		}
		base := path.Base(header.Name)
		if !strings.HasSuffix(base, ".tflite") && !strings.HasSuffix(base, ".data") {
			continue
		}
		if header.Size > maxPackageFile {
			return nil, fmt.Errorf("read package %s: %s has %d bytes, more than expected", name, base, header.Size)
		}
		if files[base], err = io.ReadAll(archive); err != nil {
			return nil, fmt.Errorf("read package %s: %s: %w", name, base, err)
		}
	}
}
