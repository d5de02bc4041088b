package pose

import (
	"math"
	"slices"
)

// lifterRank orders people by how likely they are to be the lifter from one
// picture alone: large, in the middle, and surely a person.
func lifterRank(p Person, width, height int) float64 {
	r := p.Region()
	off := math.Hypot(r.X/float64(width)-0.5, 0.5*(r.Y/float64(height)-0.5))
	return p.Score * r.Side * math.Exp(-2*off*off/(0.35*0.35))
}

// likeliest returns the person of the highest rank.
func likeliest(people []Person, width, height int) (best Person, ok bool) {
	rank := 0.0
	for _, p := range people {
		if r := lifterRank(p, width, height); r > rank {
			best, rank, ok = p, r, true
		}
	}
	return best, ok
}

// Who lifts shows in who moves up and down. Others are watched at watchEvery
// seconds, and one of them is taken for the lifter when, in the last
// watchWindow seconds, the hips of that one travelled at least moverTravel of
// their size and those of the one followed at most stillTravel.
const (
	watchEvery  = 0.4
	watchWindow = 4.0
	moverTravel = 0.14
	stillTravel = 0.05
	// maxWatched bounds how many others are watched.
	maxWatched = 8
)

// rival is somebody else in the picture, by sparse detections.
type rival struct {
	last Person
	path []moment // hips' heights in the window
	size float64  // pixels, rival's region
}

// moment is a height at a time.
type moment struct{ time, y float64 }

// crowd watches the one followed and the others.
type crowd struct {
	next   float64 // time of the next look
	lifter []moment
	others []rival
}

// due reports whether it is time to look round.
func (c *crowd) due(time float64) bool { return time >= c.next }

// note remembers the hips of the one followed.
func (c *crowd) note(time float64, s sight) {
	c.lifter = append(trim(c.lifter, time), moment{time, s.hip[1]})
}

// look takes the people seen at a time, of whom those that overlap the region
// are the one followed, and returns another who should be followed instead.
func (c *crowd) look(time float64, people []Person, followed Region) (Person, bool) {
	c.next = time + watchEvery
	for _, p := range people {
		r := p.Region()
		if math.Hypot(r.X-followed.X, r.Y-followed.Y) < 0.25*followed.Side {
			continue
		}
		c.watch(time, p, r)
	}
	c.others = slices.DeleteFunc(c.others, func(o rival) bool {
		return len(o.path) == 0 || time-o.path[len(o.path)-1].time > watchWindow
	})
	if len(c.lifter) == 0 || c.lifter[0].time > time-0.8*watchWindow ||
		travel(c.lifter) > stillTravel*followed.Side {
		return Person{}, false
	}
	for _, o := range c.others {
		if o.path[len(o.path)-1].time == time && len(o.path) >= 4 &&
			travel(o.path) > moverTravel*o.size && o.size > 0.6*followed.Side {
			return o.last, true
		}
	}
	return Person{}, false
}

// watch adds a detection to the rival it belongs to, or as a new one.
func (c *crowd) watch(time float64, p Person, r Region) {
	for i := range c.others {
		o := &c.others[i]
		// Someone who lifts stays in place: those who walk by make new rivals
		// over and over and never a path that is long enough.
		if math.Abs(r.X-o.last.Hip[0]) < 0.15*o.size && math.Abs(r.Y-o.last.Hip[1]) < 0.4*o.size {
			o.path = append(trim(o.path, time), moment{time, r.Y})
			o.last = p
			o.size = max(0.98*o.size, r.Side)
			return
		}
	}
	if len(c.others) < maxWatched {
		c.others = append(c.others, rival{last: p, path: []moment{{time, r.Y}}, size: r.Side})
	}
}

// trim drops what is older than the window.
func trim(path []moment, time float64) []moment {
	old := 0
	for old < len(path) && path[old].time < time-watchWindow {
		old++
	}
	return append(path[:0], path[old:]...)
}

// travel is the range of heights.
func travel(path []moment) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, m := range path {
		lo, hi = min(lo, m.y), max(hi, m.y)
	}
	return max(0, hi-lo)
}
