package rom

func (a *assessment) advice(s *SafeRange, reps []RepResult) string { return s.Reason }

func (a *assessment) warnings(r *Assessment) []Warning { return nil }
