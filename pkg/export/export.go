// Package export writes an [analysis.Analysis] in the formats that other tools
// of movement analysis read.
//
//	files, err := export.Files(a, export.TRC, export.MOT)
//	for _, f := range files { … f.Write(w) … }
//
// # Time
//
// Phones film at a variable rate, these formats know a constant one. So
// everything is put on an even grid: it starts with the first analysed frame, goes
// on at [Rate] frames a second, and lies within each run of seen frames on a
// local cubic through them ([signal.Resample]). Where nothing was seen for
// longer than a tenth of a second nothing is made up. Time 0 is the first
// analysed frame; in [Parquet], which has a column for it, the clip's start.
//
// # Units and signs
//
// Angles are degrees as in frames.csv: lumbar flexion, hip flexion, knee
// flexion and trunk inclination grow as the lifter goes down, and are those of
// a lifter who faces right.
//
// Positions in [TRC] and [C3D] are millimetres in the lifter's sagittal plane:
// x the way the lifter faces, y up from the floor on which the lower foot
// stands, z 0, since one camera sees no depth; x is 0 at the ankles in the first
// frame. Millimetres need the lifter's stature ([ErrNoScale]). Positions
// in [OpenPose] and [Parquet] are pixels of the upright picture, x right and y
// down.
//
// Missing is a blank field in TRC, NaN in MOT, a negative residual in C3D, null
// in Parquet and three zeros in OpenPose's JSON, as each format has it.
package export

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
)

// Format is a file format.
type Format string

// Formats.
const (
	TRC      Format = "trc"           // marker positions, OpenSim and Motion Analysis
	MOT      Format = "mot"           // joint angles, OpenSim's storage format
	C3D      Format = "c3d"           // markers and lumbar angle, c3d.org
	Parquet  Format = "parquet"       // the table of frames.csv, Apache Parquet
	OpenPose Format = "openpose-json" // BODY_25 keypoints, one file per frame
)

// Formats lists all formats.
func Formats() []Format { return []Format{TRC, MOT, C3D, Parquet, OpenPose} }

// Parse is the format of that name.
func Parse(name string) (f Format, ok bool) {
	return Format(name), slices.Contains(Formats(), Format(name))
}

var (
	// ErrNoScale says that a format in millimetres was asked for and the size of the
	// lifter is not known.
	ErrNoScale = errors.New("millimetres need the lifter's stature")
	// ErrNoFrames says that too little was seen to put it on a grid.
	ErrNoFrames = errors.New("fewer than two frames were analysed")
)

// NeedsStature reports whether the format's positions are millimetres.
func (f Format) NeedsStature() bool { return f == TRC || f == C3D }

// File is one file to be written.
type File struct {
	Name  string // relative, with forward slashes
	Write func(io.Writer) error
}

// Files returns the files of those formats, named after the clip. The errors
// are [ErrNoScale], [ErrNoFrames] and that of an unknown format.
func Files(a *analysis.Analysis, formats ...Format) ([]File, error) {
	g, err := newGrid(a)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	name := strings.TrimSuffix(filepath.Base(a.Clip.File), filepath.Ext(a.Clip.File))
	var files []File
	for _, f := range formats {
		if f.NeedsStature() && !(a.Settings.StatureCM > 0 && a.Quality.PersonHeightPx > 0) {
			return nil, fmt.Errorf("export %s: %w", f, ErrNoScale)
		}
		file := File{Name: name + "." + string(f)}
		switch f {
		case TRC:
			file.Write = func(w io.Writer) error { return writeTRC(w, g, file.Name) }
		case MOT:
			file.Write = func(w io.Writer) error { return writeMOT(w, g, name) }
		case C3D:
			file.Write = func(w io.Writer) error { return writeC3D(w, g) }
		case Parquet:
			file.Write = func(w io.Writer) error { return writeParquet(w, g) }
		case OpenPose:
			files = append(files, openPoseFiles(g, name)...)
			continue
		default:
			return nil, fmt.Errorf("export: %q is none of %v", f, Formats())
		}
		files = append(files, file)
	}
	return files, nil
}
