package job

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/export"
	"github.com/spineflex/spineflex/pkg/figure"
	"github.com/spineflex/spineflex/pkg/overlay"
	"github.com/spineflex/spineflex/pkg/report"
)

// Folders within a results folder, for what is made on request.
const (
	StillsFolder = "stills"
	PlotsFolder  = "plots"
	ExportFolder = "export"
)

// Look is how the video is drawn, and what is made of it besides. The zero
// value is everything drawn on the whole clip as it was filmed, with the
// summary at its end.
type Look struct {
	Style     overlay.Style // "": all of it
	Freeze    bool          // hold the picture for a second where a rep leaves neutral
	NoCard    bool          // no summary at the end
	Speed     float64       // of playback; 0: as filmed
	MaxHeight int           // shrink the video to this height, pixels; 0: as filmed
	ClipRep   int           // make a video of this rep alone, too (rep-N.mp4); 0: none
	Stills    bool          // write the drawn pictures of each rep as PNG
}

const (
	minHeight          = 160 // pixels; lower, and no number can be read
	minSpeed, maxSpeed = 0.05, 10.0
)

// asFilmed reports whether the drawn video's times are the clip's own, so that
// its sound fits.
func (l Look) asFilmed() bool { return !l.Freeze && (l.Speed == 0 || l.Speed == 1) }

// RepVideo is the name of the video of one rep.
func RepVideo(rep int) string { return fmt.Sprintf("rep-%d.mp4", rep) }

// saveStill writes a drawn picture of a rep.
func saveStill(folder string, at overlay.Instant, img *image.RGBA) error {
	name := fmt.Sprintf("rep-%d-%s.png", at.Rep, strings.ReplaceAll(at.Label, " ", "-"))
	return save(filepath.Join(folder, StillsFolder), artefact{name, func(w io.Writer) error { return png.Encode(w, img) }})
}

// artefact is a file made on request.
type artefact struct {
	Name  string // relative, with forward slashes
	Write func(io.Writer) error
}

// extras writes the figures and exports that o asks for.
func extras(folder string, a *analysis.Analysis, o *Options) error {
	if o.Plots {
		files, err := figure.Files(a)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := save(filepath.Join(folder, PlotsFolder), artefact(f)); err != nil {
				return err
			}
		}
	}
	if len(o.Export) == 0 {
		return nil
	}
	files, err := export.Files(a, o.Export...)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := save(filepath.Join(folder, ExportFolder), artefact(f)); err != nil {
			return err
		}
	}
	return nil
}

func save(dir string, f artefact) error {
	path := filepath.Join(dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make results folder: %w", err)
	}
	return report.WriteFile(path, f.Write)
}

// madeOnRequest are the names of what is, by the folder it lies in; a folder
// within another comes before it.
var madeOnRequest = []struct {
	folder string
	names  []string
}{
	{"", []string{"rep-*.mp4"}},
	{StillsFolder, []string{"rep-*.png"}},
	{PlotsFolder, []string{"flexion-*.png", "flexion-*.svg", "lumbar-hip-rhythm.*"}},
	{filepath.Join(ExportFolder, "openpose"), []string{"*_keypoints.json"}},
	{ExportFolder, []string{"*.trc", "*.mot", "*.c3d", "*.parquet"}},
}

// sweepExtras takes away what was made on request of an earlier measurement.
// Other files stay, and so does a folder that holds one.
func sweepExtras(folder string) error {
	for _, m := range madeOnRequest {
		dir := filepath.Join(folder, m.folder)
		err := remove(dir, slices.Concat(m.names, unfinishedNames)...)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if m.folder != "" {
			_ = os.Remove(dir) // if it is empty now
		}
	}
	return nil
}

// Validate names the part of the look that cannot be drawn.
func (l Look) Validate() error {
	if l.MaxHeight != 0 && l.MaxHeight < minHeight {
		return fmt.Errorf("a video of %d pixels is too low to read anything in: at least %d", l.MaxHeight, minHeight)
	}
	if math.IsNaN(l.Speed) || l.Speed != 0 && (l.Speed < minSpeed || l.Speed > maxSpeed) {
		return fmt.Errorf("a playback speed of %g is not between %g and %g", l.Speed, minSpeed, maxSpeed)
	}
	return overlay.Options{Style: l.Style, ClipRep: l.ClipRep}.Validate()
}
