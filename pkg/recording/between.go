package recording

import "math"

// Between is the frame at a time between a and b as these two suggest: what both
// show lies on the way from the one to the other, and of what only one shows the
// nearer decides. Its Tracking is that of the nearer, too.
func Between(a, b *Frame, index int, time float64) Frame {
	w := (time - a.Time) / (b.Time - a.Time)
	near := a
	if w >= 0.5 {
		near = b
	}
	point := func(p, q Point) Point { return Point{X: mix(p.X, q.X, w), Y: mix(p.Y, q.Y, w)} }
	f := *near
	f.Index, f.Time = index, time
	f.Presence = mix(a.Presence, b.Presence, w)
	f.Landmarks = LandmarksBetween(&a.Landmarks, &b.Landmarks, w)
	f.Trunk.Hip = point(a.Trunk.Hip, b.Trunk.Hip)
	f.Trunk.Shoulder = point(a.Trunk.Shoulder, b.Trunk.Shoulder)
	f.Trunk.SeatY = mix(a.Trunk.SeatY, b.Trunk.SeatY, w)
	edge := func(p, q, nearer Edge) Edge {
		if p == nil || q == nil {
			return nearer
		}
		e := make(Edge, len(nearer))
		for i, n := range nearer {
			if p[i].Occluder == Clear && q[i].Occluder == Clear {
				n.Offset, n.SD = mix(p[i].Offset, q[i].Offset, w), mix(p[i].SD, q[i].SD, w)
			}
			e[i] = n
		}
		return e
	}
	f.Trunk.Left = edge(a.Trunk.Left, b.Trunk.Left, near.Trunk.Left)
	f.Trunk.Right = edge(a.Trunk.Right, b.Trunk.Right, near.Trunk.Right)
	f.Plate = DiscBetween(a.Plate, b.Plate, w)
	f.View = ViewBetween(a.View, b.View, w)
	return f
}

// ViewBetween is the view at share w of the way from a to b, the nearer one if
// either is not known.
func ViewBetween(a, b View, w float64) View {
	return View{
		X: mix(a.X, b.X, w), Y: mix(a.Y, b.Y, w),
		Turn: mix(a.Turn, b.Turn, w), Zoom: mix(a.Zoom, b.Zoom, w), SD: mix(a.SD, b.SD, w),
	}
}

// DiscBetween is the disc at share w of the way from a to b, the nearer one if
// either is not known.
func DiscBetween(a, b Disc, w float64) Disc {
	switch {
	case a.Known() && b.Known():
		return Disc{
			X: mix(a.X, b.X, w), Y: mix(a.Y, b.Y, w), RX: mix(a.RX, b.RX, w), RY: mix(a.RY, b.RY, w),
			Support: mix(a.Support, b.Support, w),
		}
	case w < 0.5:
		return a
	}
	return b
}

// LandmarksBetween are landmarks at share w of the way from a to b; of one that
// only either has the nearer decides.
func LandmarksBetween(a, b *[NumLandmarks]Keypoint, w float64) (k [NumLandmarks]Keypoint) {
	for i := range k {
		p, q := &a[i], &b[i]
		k[i] = Keypoint{X: mix(p.X, q.X, w), Y: mix(p.Y, q.Y, w), Z: mix(p.Z, q.Z, w), Visibility: mix(p.Visibility, q.Visibility, w)}
	}
	return k
}

// mix is the value at share w of the way from p to q, the nearer one if either is
// missing.
func mix(p, q, w float64) float64 {
	switch v := p + w*(q-p); {
	case !math.IsNaN(v):
		return v
	case w < 0.5:
		return p
	}
	return q
}
