package unit

import (
	"math"
	"strings"
	"testing"
)

func TestParseLength(t *testing.T) {
	for _, c := range []struct {
		in   string
		want float64 // metres; NaN: refused
	}{
		{"10", 0.1},
		{"10cm", 0.1},
		{"10 cm", 0.1},
		{" 10 CM ", 0.1},
		{"0", 0},
		{"100mm", 0.1},
		{"0.1m", 0.1},
		{"4in", 0.1016},
		{"4 inches", 0.1016},
		{`4"`, 0.1016},
		{"12,5", 0.125},
		{"12.5 cm", 0.125},
		{"1ft", 0.3048},
		{"", math.NaN()},
		{"cm", math.NaN()},
		{"-4", math.NaN()},
		{"4kg", math.NaN()},
		{"4.5.6", math.NaN()},
		{"1e1", math.NaN()},
		{"nan", math.NaN()},
		{"inf", math.NaN()},
		{"400cm", math.NaN()},
		{"4 in 5", math.NaN()},
		{"1,000.5", math.NaN()},
	} {
		got, err := ParseLength(c.in)
		if (err != nil) != math.IsNaN(c.want) {
			t.Errorf("ParseLength(%q): %g, %v", c.in, got, err)
		} else if err == nil && math.Abs(got-c.want) > 1e-12 {
			t.Errorf("ParseLength(%q) = %g m, want %g", c.in, got, c.want)
		}
	}
}

func TestParseMass(t *testing.T) {
	for _, c := range []struct {
		in   string
		want float64
	}{
		{"80", 80},
		{"80kg", 80},
		{"180lb", 81.6466266},
		{"180 LBS", 81.6466266},
		{"82,5 kg", 82.5},
		{"80cm", math.NaN()},
		{"", math.NaN()},
		{"2000", math.NaN()},
		{"eighty", math.NaN()},
	} {
		got, err := ParseMass(c.in)
		if (err != nil) != math.IsNaN(c.want) {
			t.Errorf("ParseMass(%q): %g, %v", c.in, got, err)
		} else if err == nil && math.Abs(got-c.want) > 1e-9 {
			t.Errorf("ParseMass(%q) = %g kg, want %g", c.in, got, c.want)
		}
	}
}

func TestRefusalsSayWhatIsWanted(t *testing.T) {
	if _, err := ParseLength("4kg"); err == nil || !strings.Contains(err.Error(), "10cm or 4in") {
		t.Error(err)
	}
	if _, err := ParseMass("4cm"); err == nil || !strings.Contains(err.Error(), "80kg or 180lb") {
		t.Error(err)
	}
}

func TestWriting(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Length(0.1), "10 cm"},
		{Length(0.125), "12.5 cm"},
		{Length(0.1016), "10.2 cm"},
		{Length(0), "0 cm"},
		{Mass(81.6466266), "81.6 kg"},
		{Mass(80), "80 kg"},
		{Mass(math.NaN()), "? kg"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// Whatever is read is a finite number that can be meant.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"10", "4in", "180lb", "1e9", "-1", "..", "12,5 cm", "٣cm"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseLength(s); err == nil && !(v >= 0 && v <= maxMetres) {
			t.Errorf("ParseLength(%q) = %g", s, v)
		}
		if v, err := ParseMass(s); err == nil && !(v >= 0 && v <= maxKilograms) {
			t.Errorf("ParseMass(%q) = %g", s, v)
		}
	})
}
