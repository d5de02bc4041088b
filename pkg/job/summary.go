package job

import (
	"math"
	"path/filepath"
	"slices"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/report"
)

// Summary is what there is to say about a result in a few lines. Its JSON is
// what programs read from --json and what crosses from a worker to its parent.
type Summary struct {
	Folder   string   `json:"folder"`
	Measured bool     `json:"measured"`         // false: it holds no verdict because there was nothing to judge
	Reason   string   `json:"reason,omitempty"` // why it is not measured
	Exercise string   `json:"exercise"`
	Facing   string   `json:"facing"`
	Reps     int      `json:"reps"`
	Headline string   `json:"headline"`
	Verdict  string   `json:"verdict"`
	DepthPct *float64 `json:"depth_pct"` // nil: missing
	PeakDeg  *float64 `json:"peak_flexion_deg"`
	Advice   string   `json:"advice"`
	Warnings []string `json:"warnings"`
	Video    string   `json:"video,omitempty"`
}

// Summary says in short what the folder holds.
func (r *Result) Summary() *Summary {
	a := r.Analysis
	s := &Summary{
		Folder: r.Folder, Reason: r.Unmeasured(),
		Exercise: string(a.Exercise), Facing: string(a.Facing), Reps: len(a.Reps), Headline: report.Headline(a),
		Verdict: string(a.SafeRange.Verdict), DepthPct: finite(a.SafeRange.DepthPct), Advice: a.SafeRange.Advice,
		Warnings: []string{},
	}
	s.Measured = s.Reason == ""
	peak := math.NaN()
	for _, rep := range a.Reps {
		if !(rep.PeakFlexionDeg <= peak) {
			peak = rep.PeakFlexionDeg
		}
	}
	s.PeakDeg = finite(peak)
	for _, w := range a.Warnings {
		s.Warnings = append(s.Warnings, w.Message)
	}
	if r.Video {
		s.Video = filepath.Join(r.Folder, VideoFile)
	}
	return s
}

// Unmeasured says why the analysis holds no measurement at all: the camera
// does not look from the side, or there is no repetition. It is empty for
// every other result, an inconclusive one too.
func (r *Result) Unmeasured() string {
	a := r.Analysis
	for _, w := range a.Warnings {
		if w.Code == analysis.WarnUpperBody {
			return w.Message
		}
	}
	switch {
	case a.Camera.Verdict == lift.CameraUnusable:
		return "not filmed from the side; put the camera level with the hips, square to the lifter"
	case len(a.Reps) == 0:
		return "no repetition of a squat or deadlift found"
	case !slices.ContainsFunc(a.Reps, func(rep analysis.Rep) bool { return rep.MeasuredShare > 0 }):
		return "the lower back is hidden in every repetition"
	}
	return ""
}

// finite is v for JSON, nil where it is missing.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
