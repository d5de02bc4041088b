package export

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
)

// body25 is OpenPose's BODY_25 (Cao et al. 2021, IEEE TPAMI 43:172) by the
// landmarks whose mean each keypoint is. Small toes are not seen by BlazePose.
var body25 = [25][]recording.Landmark{
	{recording.Nose},
	{recording.LeftShoulder, recording.RightShoulder}, // neck
	{recording.RightShoulder},
	{recording.RightElbow},
	{recording.RightWrist},
	{recording.LeftShoulder},
	{recording.LeftElbow},
	{recording.LeftWrist},
	{recording.LeftHip, recording.RightHip},
	{recording.RightHip},
	{recording.RightKnee},
	{recording.RightAnkle},
	{recording.LeftHip},
	{recording.LeftKnee},
	{recording.LeftAnkle},
	{recording.RightEye},
	{recording.LeftEye},
	{recording.RightEar},
	{recording.LeftEar},
	{recording.LeftFootIndex}, // big toe
	nil,
	{recording.LeftHeel},
	{recording.RightFootIndex},
	nil,
	{recording.RightHeel},
}

// openPosePeople is the layout that OpenPose's --write_json gives.
type openPosePeople struct {
	Version float64          `json:"version"`
	People  []openPosePerson `json:"people"`
}

type openPosePerson struct {
	PersonID []int     `json:"person_id"`
	Pose     []float64 `json:"pose_keypoints_2d"` // x, y, confidence by turns
	Face     []float64 `json:"face_keypoints_2d"`
	LeftHand []float64 `json:"hand_left_keypoints_2d"`
	Right    []float64 `json:"hand_right_keypoints_2d"`
	Pose3D   []float64 `json:"pose_keypoints_3d"`
}

// openPoseFiles are one file per frame of the grid, named and laid out as
// OpenPose does, in a folder of their own.
func openPoseFiles(g *grid, name string) []File {
	type keypoint struct{ x, y, v []float64 }
	var all [recording.NumLandmarks]keypoint
	for l := range all {
		all[l] = keypoint{
			g.series(func(f *analysis.Frame) float64 { return f.Landmarks[l].X }),
			g.series(func(f *analysis.Frame) float64 { return f.Landmarks[l].Y }),
			g.series(func(f *analysis.Frame) float64 { return f.Landmarks[l].Visibility }),
		}
	}
	files := make([]File, len(g.times))
	for i := range files {
		files[i] = File{fmt.Sprintf("openpose/%s_%012d_keypoints.json", name, i), func(w io.Writer) error {
			none := []float64{}
			p := openPosePerson{PersonID: []int{-1}, Face: none, LeftHand: none, Right: none, Pose3D: none}
			seen := false
			for _, from := range body25 {
				x, y, v := 0.0, 0.0, 1.0
				for _, l := range from {
					x += all[l].x[i] / float64(len(from))
					y += all[l].y[i] / float64(len(from))
					v = math.Min(v, all[l].v[i])
				}
				if len(from) == 0 || math.IsNaN(x+y+v) {
					x, y, v = 0, 0, 0
				}
				seen = seen || v > 0
				p.Pose = append(p.Pose, round(x, 2), round(y, 2), math.Max(0, math.Min(1, round(v, 3))))
			}
			people := openPosePeople{Version: 1.3, People: []openPosePerson{}}
			if seen {
				people.People = append(people.People, p)
			}
			return json.NewEncoder(w).Encode(people)
		}}
	}
	return files
}

func round(v float64, decimals int) float64 {
	k := math.Pow10(decimals)
	return math.Round(k*v)/k + 0
}
