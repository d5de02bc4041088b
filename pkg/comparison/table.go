package comparison

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
)

// WriteTable writes the table for people.
func (c *Comparison) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\t%s\t%s\tdifference\t\n", c.A.Name, c.B.Name)
	for _, r := range c.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Name, r.value(r.A), r.value(r.B), r.difference(), r.Verdict())
	}
	return t.Flush()
}

func (r *Row) value(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.0f%s", math.Round(v)+0, r.unit())
}

// unit as it follows a number.
func (r *Row) unit() string {
	if r.Unit == "%" {
		return " %"
	}
	return r.Unit
}

func (r *Row) difference() string {
	if d := r.B - r.A; !math.IsNaN(d) {
		return fmt.Sprintf("%+.0f%s", math.Round(d)+0, r.unit())
	}
	return ""
}

// Verdict says in words whether the difference can be told; it is empty for counts
// and for what is missing.
func (r *Row) Verdict() string {
	switch {
	case math.IsNaN(r.B-r.A) || math.IsNaN(r.Noise):
		return ""
	case r.Clear:
		return "clear"
	}
	return fmt.Sprintf("within noise (below %.0f%s)", math.Ceil(r.Noise), r.unit())
}

// WriteCSV writes the table for programs; what is missing is empty.
func (c *Comparison) WriteCSV(w io.Writer) error {
	number := func(v float64) string {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return ""
		}
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	t := csv.NewWriter(w)
	rows := [][]string{{"what", "unit", "a", "b", "difference", "noise", "clear", "detail"}}
	for _, r := range c.Rows {
		clear := ""
		if !math.IsNaN(r.Noise + r.B - r.A) {
			clear = strconv.FormatBool(r.Clear)
		}
		rows = append(rows, []string{r.Name, r.Unit, number(r.A), number(r.B), number(r.B - r.A), number(r.Noise), clear, r.Detail})
	}
	if err := t.WriteAll(rows); err != nil {
		return err
	}
	return t.Error()
}
