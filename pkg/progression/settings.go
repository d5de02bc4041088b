package progression

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/spineflex/spineflex/pkg/unit"
)

// Settings are the numbers of the rule.
type Settings struct {
	Step     Length  `toml:"step"`           // lower blocks or box by
	DepthPct float64 `toml:"depth_step_pct"` // or go deeper by, of the deepest known
	Sessions int     `toml:"sessions"`       // that must hold before the next step, or break before height is put back
	Days     int     `toml:"days_apart"`     // between the first and the last that hold
	GoodPct  float64 `toml:"good_reps_pct"`  // a session holds with so many unbroken repetitions
	BadPct   float64 `toml:"bad_reps_pct"`   // and is bad with so many broken ones, or a clearly rounded one
	Weeks    int     `toml:"stay_weeks"`     // stay so long where height was put back
	LoadPct  float64 `toml:"load_step_pct"`  // once the depth is all there
}

// DefaultSettings are the seed rule's (docs/progression.md).
func DefaultSettings() Settings {
	return Settings{Step: 0.025, DepthPct: 5, Sessions: 2, Days: 7, GoodPct: 90, BadPct: 30, Weeks: 3, LoadPct: 5}
}

// Length is in metres and reads "2.5cm" or "1in".
type Length float64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *Length) UnmarshalText(text []byte) error {
	v, err := unit.ParseLength(string(text))
	*l = Length(v)
	return err
}

// Validate names the setting that it refuses.
func (s Settings) Validate() error {
	for _, v := range []struct {
		name         string
		v, low, high float64
	}{
		{"step (in cm)", 100 * float64(s.Step), 0.5, 20},
		{"depth_step_pct", s.DepthPct, 1, 30},
		{"sessions", float64(s.Sessions), 1, 20},
		{"days_apart", float64(s.Days), 0, 90},
		{"good_reps_pct", s.GoodPct, 50, 100},
		{"bad_reps_pct", s.BadPct, 1, 100},
		{"stay_weeks", float64(s.Weeks), 0, 26},
		{"load_step_pct", s.LoadPct, 0, 20},
	} {
		if !(v.v >= v.low && v.v <= v.high) {
			return fmt.Errorf("%s = %g is not between %g and %g", v.name, v.v, v.low, v.high)
		}
	}
	if s.GoodPct+s.BadPct <= 100 {
		return fmt.Errorf("good_reps_pct = %g and bad_reps_pct = %g would call one session both good and bad", s.GoodPct, s.BadPct)
	}
	return nil
}

// ReadSettings reads a TOML file; what it does not name stays the default. A key that
// there is not is refused with the nearest there is. Without a file the error wraps
// [os.ErrNotExist].
func ReadSettings(path string) (Settings, error) {
	f, err := os.Open(path)
	if err != nil {
		return Settings{}, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return Settings{}, errors.Join(err, fmt.Errorf("read settings %s: not a regular file", path))
	}
	s, err := DecodeSettings(f)
	if err != nil {
		return Settings{}, fmt.Errorf("settings %s: %w", path, err)
	}
	return s, nil
}

// DecodeSettings reads TOML as [ReadSettings] does.
func DecodeSettings(r io.Reader) (Settings, error) {
	const most = 1 << 20
	s := DefaultSettings()
	d := toml.NewDecoder(io.LimitReader(r, most))
	err := d.DisallowUnknownFields().Decode(&s)
	var strict *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		e := &strict.Errors[0]
		line, _ := e.Position()
		key := strings.Join(e.Key(), ".")
		return Settings{}, fmt.Errorf("line %d: no setting %q; did you mean %q?", line, key, nearest(key))
	case errors.As(err, &bad):
		line, _ := bad.Position()
		return Settings{}, fmt.Errorf("line %d: %w", line, err)
	case err != nil:
		return Settings{}, err
	}
	return s, s.Validate()
}

// Keys are the names of the settings.
func Keys() []string {
	var keys []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		keys = append(keys, f.Tag.Get("toml"))
	}
	return keys
}

// nearest is the setting whose name differs least.
func nearest(key string) string {
	return slices.MinFunc(Keys(), func(a, b string) int { return distance(key, a) - distance(key, b) })
}

// distance counts the letters to be changed, left out or put in to make b of a
// (Levenshtein 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// steps is a whole number of steps from a height, kept at or above the floor.
func (s Settings) steps(fromM float64, n float64) float64 {
	const mm = 1000 // heights are given to the millimetre
	return math.Max(0, math.Round((fromM+n*float64(s.Step))*mm)/mm)
}
