package pose

// Turn turns the tracked region, as a wrong guess does.
func (t *Tracker) Turn(angle float64) { t.steady.region.Angle += angle }
