// Package perception watches a clip and records what it sees: it joins video,
// pose and contour into one pipeline whose result is a [recording.Recording].
//
//	clip ─▶ decode ─▶ track the lifter ─▶ trunk outline ─▶ recording
//
// The stages run at the same time, one goroutine each, with a few pictures
// under way between them; memory does not grow with the clip's pictures. Of a
// lifter at rest not every picture is looked at, and where the networks are sure
// they see every second or third one only ([pose.Pace]): in the others the outline is
// found by what they saw before and after. Where what was seen is nothing that a body can
// do, those frames are read again and tracked from the sound ones before and after
// them. What the numbers mean is for others to conclude.
package perception

import (
	"context"
	"errors"
	"fmt"

	"github.com/spineflex/spineflex/models"
	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/pose"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/video"
)

// What a clip may lack. Errors of [Run] that concern one of these wrap it.
var (
	// ErrNoPerson: nobody is in the picture long enough to be followed.
	ErrNoPerson = errors.New("no person found; film the whole lifter from the side, in good light")
	// ErrTooShort: the clip cannot hold a repetition.
	ErrTooShort = errors.New("too short")
	// ErrCaptureFPS: the clip is faster than it is said to have been filmed.
	ErrCaptureFPS = errors.New("capture rate does not fit")
)

const (
	// minSeconds is below the duration of the quickest loaded repetition,
	// down and up, that a clip could hold.
	minSeconds = 0.8
	// minTracked is the number of frames in which the networks must be sure of
	// somebody; a face on a poster lasts for less.
	minTracked = 10
)

// Options say how a clip is watched. The zero value takes the full network on
// the best engine there is.
type Options struct {
	Program     string       // version of the program, kept in the recording
	Quality     pose.Quality // "" is pose.Balanced
	Engine      infer.Engine // "" is infer.Auto
	LibraryPath string       // ONNX Runtime's library; "" searches
	Threads     int          // cores for each of the decoder and the networks; 0: all

	// SampleHz is how many pictures are analysed a second, or all that a slower
	// clip has, each by the networks; 0: 30, and fewer as [pose.Pace] has it, where
	// what they would see in the frames between is interpolated.
	SampleHz float64
	// CaptureFPS is the pictures a second that a clip in slow motion was filmed
	// at; its times are divided by as much as it plays slower. 0: as the file says.
	CaptureFPS float64

	// Info waits for what the clip is, where that has been asked already, as by
	// [video.ProbeAhead]; nil: [Run] asks.
	Info func() (video.Info, error)
	// Progress is called for every frame that is dealt with, one call at a time;
	// those that have to be looked at again add to the total. Total 0: unknown.
	// May be nil.
	Progress func(done, total int)
	Note     func(message string) // told what is worth knowing and no error. May be nil
}

// usualHz is the rate at which a clip is analysed. A wink of 0.3 s has nine
// pictures then, and the filters end at 6 Hz.
const usualHz = 30

const (
	// MinSampleHz is the lowest rate that can be asked for: a wink of 0.3 s has
	// three pictures then, and below it none may show it.
	MinSampleHz = 10
	// maxSampleHz is beyond the fastest slow motion of phones.
	maxSampleHz = 1000
)

// rate is how many pictures a second are asked for.
func (o Options) rate() float64 {
	if o.SampleHz == 0 {
		return usualHz
	}
	return o.SampleHz
}

// paced reports whether each picture gets the care that it needs and no more.
func (o Options) paced() bool { return o.SampleHz == 0 }

// sampling is the rate to ask of the source (0: every frame) and how many
// frames that gives, of a clip that plays so many times slower than filmed.
func (o Options) sampling(info video.Info, slowdown float64) (hz float64, frames int) {
	hz = o.rate()
	filmed := info.MeanFPS * slowdown
	if filmed < 1.4*hz {
		return 0, info.Frames
	}
	return hz, int(float64(info.Frames) * hz / filmed)
}

// slowMotion is the least that counts as slow motion: rates are written with
// rounding, and a phone's real rate falls short of the nominal one in the dark.
const slowMotion = 1.5

// slowdown is how many times slower than it was filmed a clip plays, 1 where
// nothing says so.
func (o Options) slowdown(path string, info video.Info) (float64, error) {
	if info.MeanFPS <= 0 {
		return 1, nil
	}
	if o.CaptureFPS == 0 {
		if s := info.CaptureFPS / info.MeanFPS; s >= slowMotion {
			return s, nil
		}
		return 1, nil
	}
	s := o.CaptureFPS / info.MeanFPS
	if s < 1/slowMotion {
		return 0, fmt.Errorf("%s: %w: it plays %.4g pictures a second and cannot have been filmed at %.4g", path, ErrCaptureFPS, info.MeanFPS, o.CaptureFPS)
	}
	return max(1, s), nil
}

// Validate names the field that cannot be used.
func (o Options) Validate() error {
	if _, err := o.Quality.Network(); err != nil {
		return err
	}
	if o.SampleHz != 0 && !(o.SampleHz >= MinSampleHz && o.SampleHz <= maxSampleHz) {
		return fmt.Errorf("sample rate must be from %d to %d pictures a second, or 0 for %d, got %g", MinSampleHz, maxSampleHz, usualHz, o.SampleHz)
	}
	if o.CaptureFPS != 0 && !(o.CaptureFPS >= 1 && o.CaptureFPS <= maxSampleHz) {
		return fmt.Errorf("capture rate must be from 1 to %d pictures a second, or 0 for what the file says, got %g", maxSampleHz, o.CaptureFPS)
	}
	return o.inference().Validate()
}

func (o Options) inference() infer.Options {
	return infer.Options{Engine: o.Engine, Threads: o.Threads, LibraryPath: o.LibraryPath}
}

// model is the engine and the networks that the options ask for, and what the
// recording says of them.
func (o Options) model() (*infer.Runtime, recording.Model, error) {
	network, err := o.Quality.Network()
	if err != nil {
		return nil, recording.Model{}, err
	}
	rt, err := infer.NewRuntime(o.inference())
	if err != nil {
		return nil, recording.Model{}, err
	}
	quality := o.Quality
	if quality == "" {
		quality = pose.Balanced
	}
	return rt, recording.Model{
		Program:    o.Program,
		Quality:    string(quality),
		Engine:     string(rt.Engine()),
		Detector:   models.Detector().SHA256(),
		Landmarker: network.SHA256(),
		SampleHz:   o.rate(),
		Paced:      o.paced(),
		CaptureFPS: o.CaptureFPS,
	}, nil
}

// Fits reports whether rec is what [Run] would make of the clip at path with
// these options: the same content, seen as often by the same networks of the
// same version.
func Fits(ctx context.Context, rec *recording.Recording, path string, o Options) (bool, error) {
	_, model, err := o.model()
	if err != nil {
		return false, err
	}
	if rec.Model != model {
		return false, nil
	}
	return SameClip(ctx, rec, path)
}

// SameClip reports whether rec was made from the content of the file at path.
func SameClip(ctx context.Context, rec *recording.Recording, path string) (bool, error) {
	sum, err := video.SHA256(ctx, path)
	return sum == rec.Clip.SHA256, err
}
