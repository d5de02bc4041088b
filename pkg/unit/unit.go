// Package unit reads the lengths and loads that lifters write, in the units of
// their plates and rulers, and turns them into metres and kilograms at once, so
// that nothing behind it ever asks which unit a number has.
package unit

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// What one of each unit is in metres or kilograms (international yard and pound
// agreement, 1959: exact).
var (
	metres = map[string]float64{
		"mm": 0.001, "cm": 0.01, "m": 1,
		"in": 0.0254, "inch": 0.0254, "inches": 0.0254, `"`: 0.0254, "″": 0.0254,
		"ft": 0.3048, "'": 0.3048, "′": 0.3048,
	}
	kilograms = map[string]float64{
		"g": 0.001, "kg": 1, "kgs": 1,
		"lb": 0.45359237, "lbs": 0.45359237,
	}
)

// Bounds on what can be meant; the heaviest lift ever is below 600 kg.
const (
	maxMetres    = 3
	maxKilograms = 1000
)

// ParseLength reads "10", "10cm", "4 in", "0.1 m" as metres. A bare number is in
// centimetres.
func ParseLength(s string) (float64, error) {
	v, err := parse(s, metres, "cm")
	if err != nil {
		return 0, fmt.Errorf("%w: want a length like 10cm or 4in", err)
	}
	if v > maxMetres {
		return 0, fmt.Errorf("%q is more than %d m", s, maxMetres)
	}
	return v, nil
}

// ParseMass reads "80", "80kg", "180 lb" as kilograms. A bare number is in
// kilograms.
func ParseMass(s string) (float64, error) {
	v, err := parse(s, kilograms, "kg")
	if err != nil {
		return 0, fmt.Errorf("%w: want a load like 80kg or 180lb", err)
	}
	if v > maxKilograms {
		return 0, fmt.Errorf("%q is more than %d kg", s, maxKilograms)
	}
	return v, nil
}

// parse splits a number from its unit. A decimal comma is as good as a point.
func parse(s string, units map[string]float64, bare string) (float64, error) {
	text := strings.TrimSpace(s)
	end := strings.IndexFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && r != '.' && r != ','
	})
	if end < 0 {
		end = len(text)
	}
	number, name := strings.Replace(text[:end], ",", ".", 1), strings.ToLower(strings.TrimSpace(text[end:]))
	if name == "" {
		name = bare
	}
	factor, known := units[name]
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !known {
		return 0, fmt.Errorf("cannot read %q", s)
	}
	return v * factor, nil
}

// Length writes metres for people: "10 cm", "12.5 cm".
func Length(metres float64) string { return short(100*metres) + " cm" }

// Mass writes kilograms for people: "80 kg", "81.6 kg".
func Mass(kilograms float64) string { return short(kilograms) + " kg" }

// short has one decimal where that is not zero.
func short(v float64) string {
	if math.IsNaN(v) {
		return "?"
	}
	return strconv.FormatFloat(math.Round(10*v)/10+0, 'f', -1, 64)
}
