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
// their size upright and at most moverDrift sideways, and those of the one
// followed at most stillTravel. One who has lifted is not given up for another.
//
// Hips in a squat to parallel travel 0.2 of the region's side; sparse looks
// miss some of it. Walking they bob by 0.03.
const (
	watchEvery = 0.3
	// watchLifter is how often the detector looks round once the one followed has
	// lifted and is plainly seen: all that it is wanted for then is a region that
	// has gone astray.
	watchLifter = 1.0
	watchWindow = 4.0
	moverTravel = 0.1
	moverDrift  = 0.3
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

// moment is where hips are at a time.
type moment struct{ time, x, y float64 }

// crowd watches the one followed and the others.
type crowd struct {
	next   float64 // time of the next look
	lifter []moment
	lifted bool // the one followed has moved up and down
	others []rival
}

// due reports whether it is time to look round.
func (c *crowd) due(time float64) bool { return time >= c.next }

// calm puts the next look off, if the one followed has lifted.
func (c *crowd) calm(time float64) {
	if c.lifted {
		c.next = time + watchLifter
	}
}

// alarm takes calm back.
func (c *crowd) alarm(time float64) { c.next = min(c.next, time+watchEvery) }

// note remembers the hips of the one followed.
func (c *crowd) note(time float64, s sight) {
	c.lifter = append(trim(c.lifter, time), moment{time, s.hip[0], s.hip[1]})
	up, aside := travel(c.lifter)
	if up > moverTravel*s.region.Side && aside < moverDrift*s.region.Side {
		c.lifted = true
	}
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
	if c.lifted || len(c.lifter) == 0 || c.lifter[0].time > time-0.8*watchWindow {
		return Person{}, false
	}
	if up, _ := travel(c.lifter); up > stillTravel*followed.Side {
		return Person{}, false
	}
	for _, o := range c.others {
		if o.path[len(o.path)-1].time != time || len(o.path) < 4 || o.size < 0.6*followed.Side {
			continue
		}
		if up, aside := travel(o.path); up > moverTravel*o.size && aside < moverDrift*o.size {
			return o.last, true
		}
	}
	return Person{}, false
}

// watch adds a detection to the rival it belongs to, or as a new one.
func (c *crowd) watch(time float64, p Person, r Region) {
	for i := range c.others {
		o := &c.others[i]
		if math.Abs(r.X-o.last.Hip[0]) < 0.15*o.size && math.Abs(r.Y-o.last.Hip[1]) < 0.4*o.size {
			o.path = append(trim(o.path, time), moment{time, r.X, r.Y})
			o.last = p
			o.size = max(0.98*o.size, r.Side)
			return
		}
	}
	if len(c.others) < maxWatched {
		c.others = append(c.others, rival{last: p, path: []moment{{time, r.X, r.Y}}, size: r.Side})
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

// travel is the range of heights and of sideways positions.
func travel(path []moment) (up, aside float64) {
	if len(path) == 0 {
		return 0, 0
	}
	lo, hi := path[0], path[0]
	for _, m := range path {
		lo.x, hi.x = min(lo.x, m.x), max(hi.x, m.x)
		lo.y, hi.y = min(lo.y, m.y), max(hi.y, m.y)
	}
	return hi.y - lo.y, hi.x - lo.x
}
