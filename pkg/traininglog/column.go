package traininglog

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// column is one value of a set under the name that it has in the database, in
// CSV and in JSON lines.
type column struct {
	name  string
	field func(*Set) any // *string, *int, *float64 or *time.Time
}

// columns are all there is of a set but its number in this log. lifter is a
// reference in the database.
var columns = []column{
	{"lifter", func(s *Set) any { return &s.Lifter }},
	{"at", func(s *Set) any { return &s.At }},
	{"date_from", func(s *Set) any { return (*string)(&s.DateFrom) }},
	{"exercise", func(s *Set) any { return (*string)(&s.Exercise) }},
	{"load_kg", func(s *Set) any { return &s.LoadKG }},
	{"block_m", func(s *Set) any { return &s.BlockM }},
	{"box_m", func(s *Set) any { return &s.BoxM }},
	{"stance", func(s *Set) any { return &s.Stance }},
	{"note", func(s *Set) any { return &s.Note }},
	{"clip", func(s *Set) any { return &s.Clip }},
	{"clip_sha256", func(s *Set) any { return &s.ClipSHA256 }},
	{"folder", func(s *Set) any { return &s.Folder }},
	{"stature_m", func(s *Set) any { return &s.StatureM }},
	{"verdict", func(s *Set) any { return (*string)(&s.Verdict) }},
	{"reason", func(s *Set) any { return &s.Reason }},
	{"reps", func(s *Set) any { return &s.Reps }},
	{"judged_reps", func(s *Set) any { return &s.JudgedReps }},
	{"broken_reps", func(s *Set) any { return &s.BrokenReps }},
	{"rounded_reps", func(s *Set) any { return &s.RoundedReps }},
	{"travel_pct", func(s *Set) any { return &s.TravelPct }},
	{"travel_m", func(s *Set) any { return &s.TravelM }},
	{"safe_depth_pct", func(s *Set) any { return &s.SafeDepthPct }},
	{"safe_depth_lo_pct", func(s *Set) any { return &s.SafeDepthLoPct }},
	{"safe_depth_hi_pct", func(s *Set) any { return &s.SafeDepthHiPct }},
	{"thigh_deg", func(s *Set) any { return &s.ThighDeg }},
	{"safe_box_m", func(s *Set) any { return &s.SafeBoxM }},
	{"safe_block_m", func(s *Set) any { return &s.SafeBlockM }},
	{"peak_flexion_deg", func(s *Set) any { return &s.PeakFlexionDeg }},
	{"peak_flexion_sd_deg", func(s *Set) any { return &s.PeakFlexionSD }},
	{"lumbar_share", func(s *Set) any { return &s.LumbarShare }},
	{"program", func(s *Set) any { return &s.Program }},
}

// timeLayout keeps the zone the set was lifted in.
const timeLayout = time.RFC3339Nano

// text writes the value as CSV and as the database's text do; a missing number
// is empty.
func (c column) text(s *Set) string {
	switch v := c.field(s).(type) {
	case *string:
		return *v
	case *int:
		return strconv.Itoa(*v)
	case *float64:
		if math.IsNaN(*v) {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	case *time.Time:
		return v.Format(timeLayout)
	}
	panic("column " + c.name + " has a type of its own")
}

// parse reads what text wrote.
func (c column) parse(s *Set, text string) error {
	var err error
	switch v := c.field(s).(type) {
	case *string:
		*v = text
	case *int:
		*v, err = strconv.Atoi(text)
	case *float64:
		*v = math.NaN()
		if text != "" {
			*v, err = strconv.ParseFloat(text, 64)
		}
		if math.IsInf(*v, 0) {
			err = strconv.ErrRange
		}
	case *time.Time:
		*v, err = time.Parse(timeLayout, text)
	}
	if err != nil {
		return fmt.Errorf("%s: cannot read %q", c.name, text)
	}
	return nil
}

// encode is the value as JSON.
func (c column) encode(s *Set) ([]byte, error) {
	switch v := c.field(s).(type) {
	case *float64:
		if math.IsNaN(*v) {
			return []byte("null"), nil
		}
		return []byte(strconv.FormatFloat(*v, 'g', -1, 64)), nil
	case *int:
		return []byte(strconv.Itoa(*v)), nil
	}
	return json.Marshal(c.text(s))
}

// decode reads what encode wrote.
func (c column) decode(s *Set, raw json.RawMessage) error {
	switch v := c.field(s).(type) {
	case *float64:
		*v = math.NaN()
		if string(raw) == "null" {
			return nil
		}
		return c.unmarshal(raw, v)
	case *int:
		return c.unmarshal(raw, v)
	}
	var text string
	if err := c.unmarshal(raw, &text); err != nil {
		return err
	}
	return c.parse(s, text)
}

func (c column) unmarshal(raw json.RawMessage, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: cannot read %s", c.name, raw)
	}
	return nil
}

// bind is the value as the database takes it.
func (c column) bind(s *Set) any {
	switch v := c.field(s).(type) {
	case *float64:
		if math.IsNaN(*v) {
			return nil
		}
		return *v
	case *int:
		return *v
	}
	return c.text(s)
}

// blank is a set of which nothing is known.
func blank() Set {
	var s Set
	for _, c := range columns {
		if v, ok := c.field(&s).(*float64); ok {
			*v = math.NaN()
		}
	}
	return s
}

// scanner takes one column out of a row.
type scanner struct {
	c column
	s *Set
}

// Scan implements [database/sql.Scanner]. A value of another type than was
// written is damage.
func (x scanner) Scan(src any) error {
	switch v := x.c.field(x.s).(type) {
	case *float64:
		switch src := src.(type) {
		case nil:
			*v = math.NaN()
			return nil
		case float64:
			*v = src
			return nil
		case int64:
			*v = float64(src)
			return nil
		}
	case *int:
		if src, ok := src.(int64); ok {
			*v = int(src)
			return nil
		}
	default:
		if src, ok := src.(string); ok {
			return x.c.parse(x.s, src)
		}
	}
	return fmt.Errorf("%w: %s holds %T", ErrDamaged, x.c.name, src)
}

// Field is one value of a set as text.
type Field struct{ Name, Value string }

// Fields are all there is of a set, under the names of the exports; empty where it is
// missing.
func (s Set) Fields() []Field {
	fields := make([]Field, len(columns))
	for i, c := range columns {
		fields[i] = Field{c.name, c.text(&s)}
	}
	return fields
}
