// Package shard parts a batch among machines: each takes its share of the
// clips, and needs to know nothing of the others but how many they are.
//
// Which share is a machine's own is what the engine that started it says:
// a Kubernetes Indexed Job, a Slurm array, an AWS Batch array or a Cloud Run
// job, see [Detect].
package shard

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// Shard is one of Count shares, Index 0..Count-1. The zero value is everything.
type Shard struct{ Index, Count int }

// Whole reports whether there is only this share.
func (s Shard) Whole() bool { return s.Count <= 1 }

func (s Shard) String() string {
	if s.Whole() {
		return "0/1"
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Count)
}

// HasPath reports whether the clip of that path belongs to the share. It
// depends on nothing but the path, so a folder that grows while shards start one
// after another still has every clip in exactly one of them.
func (s Shard) HasPath(path string) bool {
	if s.Whole() {
		return true
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(path)) // never fails
	return bucket(mix(h.Sum64()), s.Count) == s.Index
}

// HasPosition reports whether the i-th clip (from 0) of a list that does not
// change belongs to the share. The shares are equal to within one clip, and
// neighbours, which are often of a length, go to different ones.
func (s Shard) HasPosition(i int) bool {
	return s.Whole() || i%s.Count == s.Index
}

// mix spreads the hash of names that differ in their last letter over all bits:
// the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func bucket(h uint64, n int) int { return int(h % uint64(n)) }

// Parse reads "i/n", i from 0 to n-1. "/n" leaves i to the engine: its index
// is found with lookup, see [Detect].
func Parse(text string, lookup func(string) (string, bool)) (Shard, error) {
	left, right, ok := strings.Cut(text, "/")
	if !ok {
		return Shard{}, fmt.Errorf("shard is I/N, such as 0/8, got %q", text)
	}
	n, err := strconv.Atoi(right)
	if err != nil || n < 1 {
		return Shard{}, fmt.Errorf("shard is I/N with N from 1, got %q", text)
	}
	if left == "" {
		e, i, err := engineIndex(lookup)
		switch {
		case err != nil:
			return Shard{}, err
		case e == nil:
			return Shard{}, fmt.Errorf("shard %q leaves the index to the engine, and none of %s is set", text, strings.Join(indexVariables(), ", "))
		case i >= n:
			return Shard{}, fmt.Errorf("%s says %d, and there are %d shards only (0 to %d)", e.index, i, n, n-1)
		}
		return Shard{i, n}, nil
	}
	i, err := strconv.Atoi(left)
	if err != nil || i < 0 || i >= n {
		return Shard{}, fmt.Errorf("shard is I/N with I from 0 to N-1, got %q", text)
	}
	return Shard{i, n}, nil
}
