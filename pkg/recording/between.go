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
	mix := func(p, q, nearer float64) float64 {
		if v := p + w*(q-p); !math.IsNaN(v) {
			return v
		}
		return nearer
	}
	point := func(p, q, nearer Point) Point {
		return Point{X: mix(p.X, q.X, nearer.X), Y: mix(p.Y, q.Y, nearer.Y)}
	}
	f := *near
	f.Index, f.Time = index, time
	f.Presence = mix(a.Presence, b.Presence, near.Presence)
	for i := range f.Landmarks {
		p, q, n := &a.Landmarks[i], &b.Landmarks[i], &near.Landmarks[i]
		f.Landmarks[i] = Keypoint{
			X: mix(p.X, q.X, n.X), Y: mix(p.Y, q.Y, n.Y), Z: mix(p.Z, q.Z, n.Z),
			Visibility: mix(p.Visibility, q.Visibility, n.Visibility),
		}
	}
	f.Trunk.Hip = point(a.Trunk.Hip, b.Trunk.Hip, near.Trunk.Hip)
	f.Trunk.Shoulder = point(a.Trunk.Shoulder, b.Trunk.Shoulder, near.Trunk.Shoulder)
	f.Trunk.SeatY = mix(a.Trunk.SeatY, b.Trunk.SeatY, near.Trunk.SeatY)
	edge := func(p, q, nearer Edge) Edge {
		if p == nil || q == nil {
			return nearer
		}
		e := make(Edge, len(nearer))
		for i, n := range nearer {
			if p[i].Occluder == Clear && q[i].Occluder == Clear {
				n.Offset, n.SD = mix(p[i].Offset, q[i].Offset, n.Offset), mix(p[i].SD, q[i].SD, n.SD)
			}
			e[i] = n
		}
		return e
	}
	f.Trunk.Left = edge(a.Trunk.Left, b.Trunk.Left, near.Trunk.Left)
	f.Trunk.Right = edge(a.Trunk.Right, b.Trunk.Right, near.Trunk.Right)
	if p, q, n := &a.Plate, &b.Plate, &near.Plate; p.Known() && q.Known() {
		f.Plate = Disc{
			X: mix(p.X, q.X, n.X), Y: mix(p.Y, q.Y, n.Y), RX: mix(p.RX, q.RX, n.RX), RY: mix(p.RY, q.RY, n.RY),
			Support: mix(p.Support, q.Support, n.Support),
		}
	}
	p, q, n := &a.View, &b.View, &near.View
	f.View = View{
		X: mix(p.X, q.X, n.X), Y: mix(p.Y, q.Y, n.Y),
		Turn: mix(p.Turn, q.Turn, n.Turn), Zoom: mix(p.Zoom, q.Zoom, n.Zoom), SD: mix(p.SD, q.SD, n.SD),
	}
	return f
}
