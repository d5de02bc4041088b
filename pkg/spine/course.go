package spine

import "math"

const (
	// fastest is how fast a lower back bends at most, degrees per second: 141 in
	// the briskest of 43 rendered lifters.
	fastest = 150.0
	// jumpDeg is by how much two frames may differ that show the same: three
	// standard deviations of the difference where single frames err by 2°, as they
	// do in most clips (see mostJumps in package analysis).
	jumpDeg = 8.5
)

// course drops from flexion, to NaN, what no back can pass through: a plate on
// a rack behind the lifter, taken for the back for a few frames, bends it to and
// fro within a tenth of a second, and no median knows of that. Most frames that
// can follow one another are kept.
func course(times, flexion []float64) {
	var at []int // of the values
	least, most := math.Inf(1), math.Inf(-1)
	for i, v := range flexion {
		if !math.IsNaN(v) {
			at = append(at, i)
			least, most = math.Min(least, v), math.Max(most, v)
		}
	}
	// The longest chain that ends with each value, and what it has before that; end
	// is where the longest of all ends, far where the longest does that ends so far
	// back that any value can follow.
	length, before := make([]int, len(at)), make([]int, len(at))
	end, far, next := -1, -1, 0
	for k, i := range at {
		for ; times[i]-times[at[next]] > (most-least)/fastest; next++ {
			if far < 0 || length[next] > length[far] {
				far = next
			}
		}
		before[k] = far
		for j := next; j < k; j++ {
			can := math.Abs(flexion[i]-flexion[at[j]]) <= fastest*(times[i]-times[at[j]])+jumpDeg
			if can && (before[k] < 0 || length[j] > length[before[k]]) {
				before[k] = j
			}
		}
		length[k] = 1
		if before[k] >= 0 {
			length[k] += length[before[k]]
		}
		if end < 0 || length[k] >= length[end] {
			end = k
		}
	}
	for k := len(at) - 1; k >= 0; k-- {
		if k == end {
			end = before[k]
		} else {
			flexion[at[k]] = math.NaN()
		}
	}
}
