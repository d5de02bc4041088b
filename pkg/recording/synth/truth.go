// Package synth reads the ground truth of rendered clips and turns it into the
// recording that a faultless perception would have made, so that the measuring
// half can be developed and tested without a network, and so that an error can
// be told apart: with the truth's own points what remains is the measurement's.
package synth

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
)

// Truth is a rendered clip's ground truth, NAME.truth.json of the renderer.
// Angles are degrees, flexion positive; fractions are of 1.
type Truth struct {
	Name        string  `json:"name"`
	Exercise    string  `json:"exercise"` // squat, deadlift
	FPS         float64 `json:"fps"`
	Width       int     `json:"width"`
	Height      int     `json:"height"`
	AzimuthDeg  float64 `json:"camera_azimuth_deg"` // off a pure side view, + towards the lifter's front
	DistanceM   float64 `json:"camera_distance_m"`
	FocalPx     float64 `json:"focal_px"`
	StatureM    float64 `json:"stature_m"`
	FacingSide  string  `json:"facing_side"`     // side of the picture the lifter looks to
	NearSide    int     `json:"near_side_index"` // 0: the left body side is nearer to the camera, 1: the right
	StandingHip float64 `json:"standing_hip_height_m"`
	Frames      []Frame `json:"frames"`
	Reps        []Rep   `json:"reps"`
	Scenario    struct {
		Motion struct {
			PlateDiameterM float64 `json:"plate_d_m"`
		} `json:"motion"`
	} `json:"scenario"`
}

// Frame is the truth of one frame.
type Frame struct {
	Index           int                   `json:"i"`
	Time            float64               `json:"t"`
	Rep             int                   `json:"rep"`        // from 0, -1 before the first
	Phase           string                `json:"phase"`      // top, descent, bottom, ascent
	DepthFrac       float64               `json:"depth_frac"` // of the clip's largest descent of the hip (squat) or bar (deadlift)
	LumbarFlexion   float64               `json:"lumbar_flexion"`
	ExcessFlexion   float64               `json:"excess_flexion"`
	SurfaceAngle    float64               `json:"surface_lumbar_angle"`
	SurfaceFlexion  float64               `json:"surface_flexion"`
	ThoracicFlexion float64               `json:"thoracic_flexion"`
	PelvisPitch     float64               `json:"pelvis_pitch"`
	ThoraxPitch     float64               `json:"thorax_pitch"`
	TrunkDeg        float64               `json:"trunk_incl"`
	HipFlexion      [2]float64            `json:"hip_flexion"`  // left, right
	KneeFlexion     [2]float64            `json:"knee_flexion"` // left, right
	ThighVertical   [2]float64            `json:"thigh_from_vertical"`
	HipHeightM      float64               `json:"hip_height_m"` // above the floor
	HipHeightFrac   float64               `json:"hip_height_frac"`
	BarHeightM      float64               `json:"bar_height_m"`
	Points          map[string][3]float64 `json:"px"` // x, y, visible
}

// Rep is the truth of one repetition; frames are indices into [Truth.Frames].
type Rep struct {
	Start            int              `json:"start_frame"`
	End              int              `json:"end_frame"`
	Bottom           int              `json:"bottom_frame"`
	MaxLumbarFlexion float64          `json:"max_lumbar_flexion"`
	MaxExcessFlexion float64          `json:"max_excess_flexion"`
	OnsetDescent     *Event           `json:"onset_descent"`
	OnsetAscent      *Event           `json:"onset_ascent"`
	CrossDescent     map[string]Event `json:"threshold_cross_descent"`
	CrossAscent      map[string]Event `json:"threshold_cross_ascent"`
}

// Event is an instant of a repetition.
type Event struct {
	Frame         int     `json:"frame"`
	Time          float64 `json:"t"`
	DepthFrac     float64 `json:"depth_frac"`
	LumbarFlexion float64 `json:"lumbar_flexion"`
}

// Load reads a truth file, plain or gzipped.
func Load(path string) (*Truth, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read truth: %w", err)
	}
	var t Truth
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read truth %s: %w", path, err)
		}
		err = json.NewDecoder(z).Decode(&t)
		if err != nil {
			return nil, fmt.Errorf("read truth %s: %w", path, err)
		}
	} else if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("read truth %s: %w", path, err)
	}
	if len(t.Frames) == 0 {
		return nil, fmt.Errorf("read truth %s: no frames", path)
	}
	return &t, nil
}
