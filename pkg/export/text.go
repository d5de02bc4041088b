package export

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
)

// writeTRC writes marker positions as Motion Analysis Corporation's track row
// column, the way OpenSim reads it (OpenSim documentation, "Marker (.trc)
// Files"): three lines of header, two of names, a blank one, then a line per
// frame, tabs between the fields.
func writeTRC(out io.Writer, g *grid, name string) error {
	w := bufio.NewWriter(out)
	markers := g.markers()
	rate := strconv.FormatFloat(g.rate, 'f', -1, 64)
	n := len(g.times)
	fmt.Fprintf(w, "PathFileType\t4\t(X/Y/Z)\t%s\n", name)
	fmt.Fprint(w, "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n")
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\tmm\t%s\t1\t%d\n", rate, rate, n, len(markers), rate, n)
	fmt.Fprint(w, "Frame#\tTime")
	for _, m := range markers {
		fmt.Fprintf(w, "\t%s\t\t", m.name)
	}
	fmt.Fprint(w, "\n\t")
	for i := range markers {
		fmt.Fprintf(w, "\tX%d\tY%d\tZ%d", i+1, i+1, i+1)
	}
	fmt.Fprint(w, "\n\n")
	for i := range g.times {
		// The grid's own times: a reader checks them against the rate.
		fmt.Fprintf(w, "%d\t%s", i+1, seconds(float64(i)/g.rate))
		for _, m := range markers {
			if math.IsNaN(m.x[i] + m.y[i]) {
				fmt.Fprint(w, "\t\t\t")
				continue
			}
			fmt.Fprintf(w, "\t%.3f\t%.3f\t0.000", m.x[i]+0, m.y[i]+0)
		}
		fmt.Fprint(w, "\n")
	}
	return w.Flush()
}

// writeMOT writes joint angles as OpenSim's storage (OpenSim documentation,
// "Storage (.sto) Files"). What stands between the keys and endheader is free
// text, and says what the columns mean.
func writeMOT(out io.Writer, g *grid, name string) error {
	w := bufio.NewWriter(out)
	angles := g.angles()
	fmt.Fprintf(w, "%s\nversion=1\nnRows=%d\nnColumns=%d\ninDegrees=yes\n\n", name, len(g.times), len(angles)+1)
	fmt.Fprint(w, `Measured by spineflex from one side-on video. Flexion is positive in all columns.
lumbar_flexion: lower thorax relative to pelvis, from the lifter's own neutral; OpenSim's lumbar_extension is its negative.
lumbar_flexion_sd: its standard deviation. lumbar_surface_angle: of the skin, lordosis negative.
hip_flexion: trunk relative to thigh, so the lumbar spine's part is in it. knee_flexion: 0 straight.
trunk_inclination: hip to shoulder from vertical, forward positive. thigh_inclination: from horizontal, positive with the hip above the knee.
nan: not measured.
endheader
`)
	fmt.Fprint(w, "time")
	for _, c := range angles {
		fmt.Fprintf(w, "\t%s", c.name)
	}
	fmt.Fprint(w, "\n")
	for i := range g.times {
		fmt.Fprint(w, seconds(float64(i)/g.rate))
		for _, c := range angles {
			if v := c.values[i]; math.IsNaN(v) {
				fmt.Fprint(w, "\tnan")
			} else {
				fmt.Fprintf(w, "\t%.4f", v+0)
			}
		}
		fmt.Fprint(w, "\n")
	}
	return w.Flush()
}

func seconds(t float64) string { return strconv.FormatFloat(t, 'f', 6, 64) }
