package export

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/recording"
)

// writeParquet writes the table of frames.csv at a constant rate, one row per
// frame of the grid. Numbers are float64 and null where nothing was measured;
// rep and phase are those of the nearest analysed frame. The file's metadata
// says rate, units and where it comes from.
func writeParquet(w io.Writer, g *grid) error {
	type F = analysis.Frame
	type column struct {
		name   string
		values []float64
	}
	var columns []column
	add := func(name string, value func(*F) float64) {
		columns = append(columns, column{name, g.series(value)})
	}
	add("depth_pct", func(f *F) float64 { return f.DepthPct })
	for _, c := range g.angles() {
		name, ok := tableNames[c.name]
		if !ok {
			return fmt.Errorf("export: no column for angle %s", c.name)
		}
		columns = append(columns, column{name, c.values})
	}
	add("hip_height_pct", func(f *F) float64 { return f.HipHeightPct })
	add("confidence", func(f *F) float64 { return f.Confidence })
	for l := range recording.Landmark(recording.NumLandmarks) {
		add(l.String()+"_x", func(f *F) float64 { return f.Landmarks[l].X })
		add(l.String()+"_y", func(f *F) float64 { return f.Landmarks[l].Y })
		add(l.String()+"_v", func(f *F) float64 { return f.Landmarks[l].Visibility })
	}

	group := parquet.Group{
		"frame":  parquet.Int(32), // of the grid, from 0
		"time_s": parquet.Leaf(parquet.DoubleType),
		"rep":    parquet.Int(32),
		"phase":  parquet.String(),
	}
	for _, c := range columns {
		group[c.name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
	}
	schema := parquet.NewSchema("frames", group)
	a := g.a
	file := parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd),
		parquet.KeyValueMetadata("spineflex.rate_hz", strconv.FormatFloat(g.rate, 'f', -1, 64)),
		parquet.KeyValueMetadata("spineflex.units", "seconds of the clip; degrees, flexion positive, lordosis negative, as if the lifter faced right; pixels of the upright picture, x right, y down; per cent of the set's depth"),
		parquet.KeyValueMetadata("spineflex.clip_sha256", a.Clip.SHA256),
		parquet.KeyValueMetadata("spineflex.exercise", string(a.Exercise)),
		parquet.KeyValueMetadata("spineflex.program", a.Model.Program),
	)
	at := func(name string) int {
		leaf, _ := schema.Lookup(name)
		return leaf.ColumnIndex
	}
	width := len(schema.Columns())
	rows := make([]parquet.Row, len(g.times))
	for i := range rows {
		row := make(parquet.Row, width)
		put := func(name string, v parquet.Value, defined int) {
			k := at(name)
			row[k] = v.Level(0, defined, k)
		}
		f := &a.Frames[g.nearest[i]]
		put("frame", parquet.Int32Value(int32(i)), 0)
		put("time_s", parquet.DoubleValue(g.times[i]), 0)
		put("rep", parquet.Int32Value(int32(f.Rep)), 0)
		put("phase", parquet.ByteArrayValue([]byte(f.Phase)), 0)
		for _, c := range columns {
			if v := c.values[i]; math.IsNaN(v) {
				put(c.name, parquet.NullValue(), 0)
			} else {
				put(c.name, parquet.DoubleValue(v), 1)
			}
		}
		rows[i] = row
	}
	if _, err := file.WriteRows(rows); err != nil {
		return fmt.Errorf("write parquet rows: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("finish parquet file: %w", err)
	}
	return nil
}

// tableNames are the angles' names in frames.csv.
var tableNames = map[string]string{
	"lumbar_flexion":       "lumbar_flexion_deg",
	"lumbar_flexion_sd":    "lumbar_flexion_sd_deg",
	"lumbar_surface_angle": "lumbar_angle_deg",
	"trunk_inclination":    "trunk_deg",
	"hip_flexion":          "hip_flexion_deg",
	"knee_flexion":         "knee_flexion_deg",
	"thigh_inclination":    "thigh_deg",
}
