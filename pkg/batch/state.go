package batch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/store"
)

// Names of what a batch keeps in its output beside the results.
const (
	folder       = ".spineflex"
	stateFolder  = folder + "/state"
	lockFolder   = folder + "/locks"
	problemsFile = folder + "/problems.json"
)

// stateSchema names the layout of a state file. One of another layout is as good
// as none.
const stateSchema = "spineflex.batch/1"

// Status is how it went with a clip.
type Status string

// What may have become of a clip.
const (
	Measured   Status = "measured"
	Unmeasured Status = "unmeasured" // there is nothing in it to measure
	Failed     Status = "failed"
)

// Keys say what a result was made with. Equal keys and equal content of the
// clip mean an equal result.
type Keys struct {
	Perception  string `json:"perception"`  // program, networks, and how they were run
	Measurement string `json:"measurement"` // settings and calibration
	Video       bool   `json:"video"`       // the annotated video is among the results
}

// cover reports whether a result made with k serves who wants one made with
// want.
func (k Keys) cover(want Keys) bool {
	return k.Perception == want.Perception && k.Measurement == want.Measurement && (k.Video || !want.Video)
}

// State is what is known about a clip that has been worked on.
type State struct {
	Schema   string     `json:"schema"`
	Name     string     `json:"name"`            // of its results folder, below the output
	Clip     string     `json:"clip"`            // where it lay: an absolute path or a URL
	Group    string     `json:"group,omitempty"` // whose it is
	Mark     store.Mark `json:"mark"`
	SHA256   string     `json:"sha256,omitempty"` // of its content; "" where it could not be read
	Keys     Keys       `json:"keys"`
	Status   Status     `json:"status"`
	Reason   string     `json:"reason,omitempty"` // why it is not measured
	Results  bool       `json:"results"`          // there is a folder of results
	Attempts int        `json:"attempts,omitempty"`
	Again    bool       `json:"again,omitempty"` // the failure may pass: try in the next run
	Seconds  float64    `json:"seconds"`         // that it took
}

// stateName is where the state of a clip is kept. The folders in between keep
// each from growing too large to be listed quickly.
func stateName(name string) string {
	key := key(name)
	return stateFolder + "/" + key[:2] + "/" + key + ".json"
}

func lockName(name string) string { return lockFolder + "/" + key(name) + ".lock" }

func key(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// readState returns nil where there is no state, or none that can be read.
func readState(ctx context.Context, out store.Folder, name string) (*State, error) {
	content, err := out.Read(ctx, stateName(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is known of %s: %w", name, err)
	}
	return decodeState(content), nil
}

func decodeState(content []byte) *State {
	var s State
	if json.Unmarshal(content, &s) != nil || s.Schema != stateSchema {
		return nil
	}
	return &s
}

func writeState(ctx context.Context, out store.Folder, s *State) error {
	s.Schema = stateSchema
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := out.Write(ctx, stateName(s.Name), append(content, '\n')); err != nil {
		return fmt.Errorf("note what became of %s: %w", s.Clip, err)
	}
	return nil
}

// States gives the state of every clip that an output knows, in no particular
// order.
func States(ctx context.Context, out store.Folder) iter.Seq2[*State, error] {
	return func(yield func(*State, error) bool) {
		for name, err := range out.Files(ctx, stateFolder) {
			if err != nil {
				yield(nil, err)
				return
			}
			if filepath.Ext(name) != ".json" {
				continue // being written, or left by a killed run
			}
			content, err := out.Read(ctx, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if s := decodeState(content); s != nil && !yield(s, nil) {
				return
			}
		}
	}
}

// Trouble is a place of the input that could not be looked into.
type Trouble struct {
	Place  string `json:"place"`
	Reason string `json:"reason"`
}

// writeTroubles keeps what could not be looked into, for the summary.
func writeTroubles(ctx context.Context, out store.Folder, problems []inventory.Problem) error {
	if len(problems) == 0 {
		return out.Remove(ctx, problemsFile)
	}
	troubles := make([]Trouble, len(problems))
	for i, p := range problems {
		troubles[i] = Trouble{p.Place, p.Err.Error()}
	}
	content, err := json.Marshal(troubles)
	if err != nil {
		return err
	}
	return out.Write(ctx, problemsFile, content)
}

// Troubles are the places that the last run could not look into.
func Troubles(ctx context.Context, out store.Folder) ([]Trouble, error) {
	content, err := out.Read(ctx, problemsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var troubles []Trouble
	if err := json.Unmarshal(content, &troubles); err != nil {
		return nil, fmt.Errorf("read %s: %w", problemsFile, err)
	}
	return troubles, nil
}
