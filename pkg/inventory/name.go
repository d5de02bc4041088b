package inventory

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spineflex/spineflex/pkg/store"
)

// Names gives each clip of a list the name of its results folder: its path
// without extension, as in monday/squat for monday/squat.mp4. Clips that would
// get the same are told apart, all of them: by the folder that was listed, then
// by their extension (squat.mov, squat.mp4), then by a hash of where they come
// from (squat.mp4~1f9a03bc). So a name depends on all clips of the list and not
// on their order.
//
// Every clip of the list is added, also those of other shards; then any can be
// named. Millions fit: what is kept is 24 bytes for each. The zero value is an
// empty list.
type Names struct {
	// Owns reports whether a folder of that name holds results of the clip
	// already: a clip keeps the name that it had before the one came along that
	// it collides with. nil: nobody owns any.
	Owns func(name string, c Clip) bool

	hashes [levels][]uint64 // of the names of all clips
	sorted bool
}

// The names that a clip may have, best first.
const (
	plain = iota
	rooted
	extended
	levels
)

// candidate is a clip's name of that level.
func candidate(c Clip, level int) string {
	switch level {
	case rooted:
		return plainName(c.Root + "/" + c.Path)
	case extended:
		return folderName(c.Path)
	}
	return plainName(c.Path)
}

// Add tells of a clip by its path and root.
func (n *Names) Add(c Clip) {
	for level := range n.hashes {
		n.hashes[level] = append(n.hashes[level], hash(candidate(c, level)))
	}
	n.sorted = false
}

// Of returns the name of a clip that was added.
func (n *Names) Of(c Clip) string {
	if !n.sorted {
		for level := range n.hashes {
			slices.Sort(n.hashes[level])
		}
		n.sorted = true
	}
	name := candidate(c, plain)
	if count(n.hashes[plain], hash(name)) == 1 || n.Owns != nil && n.Owns(name, c) {
		return name
	}
	for level := rooted; level < levels; level++ {
		if name = candidate(c, level); n.unique(name, level) {
			return name
		}
	}
	return name + "~" + shortHash(c.Source)
}

// unique reports whether no other clip can have the name of a level, not even on
// another level: squat.mp4 is also the plain name of squat.mp4.mov.
func (n *Names) unique(name string, level int) bool {
	h := hash(name)
	for l := range n.hashes {
		most := 0
		if l == level {
			most = 1
		}
		if count(n.hashes[l], h) > most {
			return false
		}
	}
	return true
}

// hash folds case: some file systems do.
func hash(name string) uint64 {
	sum := sha256.Sum256([]byte(strings.ToLower(name)))
	return binary.LittleEndian.Uint64(sum[:])
}

// count says how often v is in a sorted list.
func count(sorted []uint64, v uint64) int {
	from, there := slices.BinarySearch(sorted, v)
	if !there {
		return 0
	}
	to := from
	for to < len(sorted) && sorted[to] == v {
		to++
	}
	return to - from
}

func plainName(p string) string {
	dir, base := path.Split(p)
	// What is left of "...mp4" names another folder.
	if name := strings.TrimSuffix(base, path.Ext(base)); strings.Trim(name, ".") != "" {
		base = name
	}
	return folderName(path.Join(dir, base))
}

// longest is how much of a part of a path is kept, bytes; file systems take 255.
const longest = 200

// folderName makes each part of a path one that a folder can have beside what a
// batch writes.
func folderName(p string) string {
	parts := strings.Split(strings.Trim(path.Clean("/"+p), "/"), "/")
	for i, part := range parts {
		if len(part) > longest {
			part = strings.ToValidUTF8(part[:longest], "")
		}
		if reserved(part) {
			part += "~"
		}
		parts[i] = part
	}
	return strings.Join(parts, "/")
}

// reserved reports whether a batch, or a clip's results, may hold a file of that
// name.
func reserved(part string) bool {
	part = strings.ToLower(part)
	switch path.Ext(part) {
	case ".json", ".jsonl", ".csv", ".html", ".sfr", ".parquet", ".jpg":
		return true
	}
	return part == videoFile || strings.HasPrefix(part, ".spineflex")
}

// shortHash tells sources apart: for a path on disk, where it lies.
func shortHash(source string) string {
	if !store.IsURL(source) {
		if abs, err := filepath.Abs(source); err == nil {
			source = abs
		}
	}
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:4])
}
