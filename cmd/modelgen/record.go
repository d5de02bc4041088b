package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// recordFile lists the networks' hashes as sha256sum writes and checks them.
const recordFile = "SHA256SUMS"

// record maps a network's file to its SHA-256 in hexadecimal.
type record map[string]string

// readRecord reads dir's record; a folder without one gives an empty record.
func readRecord(dir string) (record, error) {
	path := filepath.Join(dir, recordFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	r := record{}
	for line := range strings.Lines(string(text)) {
		sum, file, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok || len(sum) != 64 {
			return nil, fmt.Errorf("read record: %s: bad line %q", path, line)
		}
		r[file] = sum
	}
	return r, nil
}

// write stores the record in dir.
func (r record) write(dir string) error {
	var text strings.Builder
	for _, file := range slices.Sorted(maps.Keys(r)) {
		fmt.Fprintf(&text, "%s  %s\n", r[file], file)
	}
	return writeFile(filepath.Join(dir, recordFile), []byte(text.String()))
}
