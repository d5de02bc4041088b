package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/models"
	"github.com/spineflex/spineflex/pkg/infer"
	"github.com/spineflex/spineflex/pkg/video"
)

type doctorOptions struct {
	library string
}

func newDoctorCommand(con console) *cobra.Command {
	var opts doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is installed, what is missing, and the command that fixes it",
		Long: `Say which programs, libraries and networks are installed, which of them are used,
and for each that is missing the command that installs it. The exit status is 1
if something is missing that spineflex cannot do without.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), con, opts)
		},
	}
	cmd.Flags().StringVar(&opts.library, "onnxruntime", "", "ONNX Runtime's library `FILE`, if it is not where it is looked for ("+infer.LibraryEnv+" does the same)")
	return cmd
}

// finding is one line of the doctor's.
type finding struct {
	what   string
	detail string
	fix    string // empty: it is there
	needed bool   // nothing works without it
}

func runDoctor(ctx context.Context, con console, opts doctorOptions) error {
	findings := []finding{
		{what: "spineflex", detail: fmt.Sprintf("%s (%s, %s/%s)", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)},
		examineProgram(ctx, "ffmpeg", "makes annotated.mp4"),
		examineProgram(ctx, "ffprobe", "reads clips"),
		examineEncoder(ctx),
	}
	engines, err := examineEngines(opts.library)
	if err != nil {
		return err
	}
	findings = append(findings, engines...)
	for _, n := range models.All() {
		findings = append(findings, examineNetwork(n))
	}

	missing := 0
	for _, f := range findings {
		mark := "ok"
		switch {
		case f.fix != "" && f.needed:
			mark = "MISSING"
			missing++
		case f.fix != "":
			mark = "absent"
		}
		fmt.Fprintf(con.out, "%-8s %-18s %s\n", mark, f.what, f.detail)
		if f.fix != "" {
			fmt.Fprintf(con.out, "%-8s %-18s fix: %s\n", "", "", f.fix)
		}
	}
	if missing > 0 {
		return fmt.Errorf("%s missing that spineflex needs; the list above says how to get it", count(missing, "thing"))
	}
	return nil
}

const installFFmpeg = "sudo apt-get install -y ffmpeg"

func examineProgram(ctx context.Context, name, purpose string) finding {
	program, err := video.FindProgram(ctx, name)
	if err != nil {
		return finding{what: name, detail: oneLine(err) + " (it " + purpose + ")", fix: installFFmpeg, needed: true}
	}
	return finding{what: name, detail: fmt.Sprintf("%s (%s)", program.Version, program.Path), needed: true}
}

func examineEncoder(ctx context.Context) finding {
	f := finding{what: "H.264 encoder", detail: "libx264", needed: true}
	out, err := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-encoders").Output()
	if err != nil || !bytes.Contains(out, []byte(" libx264 ")) {
		f.detail, f.fix = "ffmpeg has no libx264; annotated.mp4 cannot be made (--no-video does without)", installFFmpeg
	}
	return f
}

// examineEngines looks at both engines and says which one runs the networks.
func examineEngines(library string) ([]finding, error) {
	cv, err := infer.NewRuntime(infer.Options{Engine: infer.OpenCV})
	if err != nil {
		return nil, err
	}
	opencv := finding{what: "OpenCV", detail: cv.Version()}
	onnx := finding{what: "ONNX Runtime"}
	used := finding{what: "engine", detail: "onnxruntime"}
	rt, err := infer.NewRuntime(infer.Options{Engine: infer.ONNXRuntime, LibraryPath: library})
	switch {
	case err == nil:
		onnx.detail = fmt.Sprintf("%s (%s)", rt.Version(), rt.Library())
	case errors.Is(err, infer.ErrNoONNXRuntime):
		onnx.detail = oneLine(err)
		onnx.fix = "scripts/fetch-onnxruntime.sh (needs npm: sudo apt-get install -y npm)"
		used.detail = "opencv, about three times slower than onnxruntime"
	default:
		return nil, err
	}
	return []finding{opencv, onnx, used}, nil
}

func examineNetwork(n models.Network) finding {
	f := finding{what: "network " + n.Name, detail: "sha256 " + n.SHA256(), needed: n.Embedded()}
	if n.Embedded() {
		f.detail += " (built in)"
		return f
	}
	if _, err := n.Load(); err != nil {
		f.detail = oneLine(err)
		f.fix = "make models-" + n.Name
		return f
	}
	if path, err := n.Find(); err == nil {
		f.detail += " (" + path + ")"
	}
	return f
}
