package infer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// LibraryEnv names the environment variable that holds the path of ONNX
// Runtime's library, a file or its folder.
const LibraryEnv = "SPINEFLEX_ONNXRUNTIME"

// modulePath tells this project's own source tree from any other when the
// library is looked for in it.
const modulePath = "github.com/spineflex/spineflex"

var errClosed = errors.New("network is closed")

// ONNX Runtime is one library per process and is never unloaded: sessions of
// several runtimes may be alive.
var loaded struct {
	sync.Mutex
	library string
}

// libraryNames are the file names of the library, the versioned one first.
func libraryNames() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"libonnxruntime.1.dylib", "libonnxruntime.dylib"}
	case "windows":
		return []string{"onnxruntime.dll"}
	}
	return []string{"libonnxruntime.so.1", "libonnxruntime.so"}
}

// FindLibrary lists where ONNX Runtime's library is to be had, best first:
// the path given (or else the environment variable [LibraryEnv]) and nothing
// besides; else beside the program, in lib and ../lib, in ../.deps/onnxruntime
// and in .deps/onnxruntime of the source tree the program is run in; last the
// bare names, for the system's own search.
func FindLibrary(path string) []string {
	if path == "" {
		path = os.Getenv(LibraryEnv)
	}
	if path != "" {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return within([]string{path})
		}
		return []string{path}
	}
	var dirs []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		dirs = append(dirs, dir, filepath.Join(dir, "lib"), filepath.Join(dir, "..", "lib"),
			filepath.Join(dir, "..", ".deps", "onnxruntime"))
	}
	if root, ok := sourceTree(); ok {
		dirs = append(dirs, filepath.Join(root, ".deps", "onnxruntime"))
	}
	return append(within(dirs), libraryNames()...)
}

// within returns the library files that exist in the folders.
func within(dirs []string) []string {
	var found []string
	for _, dir := range dirs {
		for _, name := range libraryNames() {
			file := filepath.Join(dir, name)
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
				found = append(found, file)
			}
		}
	}
	return found
}

// sourceTree returns the root of this module when the working directory lies
// in it, as with go test and go run.
func sourceTree() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			first, _, _ := strings.Cut(string(mod), "\n")
			return dir, strings.TrimSpace(first) == "module "+modulePath
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// forbidTelemetry must come before the library is started: from 1.29 on it
// otherwise reports its use to its makers, under an identifier that it keeps
// in the user's cache folder. ort.DisableTelemetry needs a started library and
// comes too late (github.com/microsoft/onnxruntime/pull/27379).
func forbidTelemetry() error {
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
		return fmt.Errorf("forbid ONNX Runtime's telemetry: %w", err)
	}
	return nil
}

// loadONNXRuntime loads the library once per process and says which and its
// version.
func loadONNXRuntime(path string) (library, version string, err error) {
	loaded.Lock()
	defer loaded.Unlock()
	candidates := FindLibrary(path)
	if loaded.library != "" && slices.Contains(candidates, loaded.library) {
		return loaded.library, ort.GetVersion(), nil
	}
	if err := forbidTelemetry(); err != nil {
		return "", "", err
	}
	var reasons []string
	for _, candidate := range candidates {
		if loaded.library != "" {
			reasons = append(reasons, fmt.Sprintf("%s cannot be loaded beside %s", candidate, loaded.library))
			break
		}
		ort.SetSharedLibraryPath(candidate)
		if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		loaded.library = candidate
		return candidate, ort.GetVersion(), nil
	}
	if len(reasons) == 0 {
		reasons = append(reasons, "no "+libraryNames()[0]+" in the folder named")
	}
	return "", "", fmt.Errorf("%w: %s", ErrNoONNXRuntime, reasons[0])
}

// ortNetwork is a network on ONNX Runtime.
type ortNetwork struct {
	session *ort.AdvancedSession
	sig     signature
	input   *ort.Tensor[float32]
	outputs []*ort.Tensor[float32]
}

func openONNXRuntime(p *prepared, threads int) (_ Network, err error) {
	sig := p.sig
	n := &ortNetwork{sig: sig}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if n.input, err = newORTTensor(sig.input); err != nil {
		return nil, err
	}
	outputs := make([]ort.Value, len(sig.outputs))
	for i, info := range sig.outputs {
		t, err := newORTTensor(info)
		if err != nil {
			return nil, err
		}
		n.outputs = append(n.outputs, t)
		outputs[i] = t
	}
	opts, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("set up onnx runtime: %w", err)
	}
	defer opts.Destroy()
	if err := errors.Join(
		opts.SetIntraOpNumThreads(threads),
		opts.SetInterOpNumThreads(1),
		// A thread without work must not burn the core that decoder and contour
		// need: with it a clip took 1.7 times the processor time.
		opts.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		opts.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
	); err != nil {
		return nil, fmt.Errorf("set up onnx runtime: %w", err)
	}
	n.session, err = ort.NewAdvancedSessionWithONNXData(p.bytes, []string{p.input}, p.outputs,
		[]ort.Value{n.input}, outputs, opts)
	if err != nil {
		return nil, fmt.Errorf("open network with onnx runtime: %w", err)
	}
	return n, nil
}

func newORTTensor(info tensorInfo) (*ort.Tensor[float32], error) {
	shape := make(ort.Shape, len(info.shape))
	for i, d := range info.shape {
		shape[i] = int64(d)
	}
	t, err := ort.NewEmptyTensor[float32](shape)
	if err != nil {
		return nil, fmt.Errorf("make tensor %q %v: %w", info.name, info.shape, err)
	}
	return t, nil
}

func (n *ortNetwork) Input() []float32       { return n.input.GetData() }
func (n *ortNetwork) InputShape() []int      { return n.sig.input.shape }
func (n *ortNetwork) Outputs() []string      { return n.sig.names() }
func (n *ortNetwork) Output(i int) []float32 { return n.outputs[i].GetData() }

func (n *ortNetwork) Run() error {
	if n.session == nil {
		return errClosed
	}
	if err := n.session.Run(); err != nil {
		return fmt.Errorf("run network with onnx runtime: %w", err)
	}
	return nil
}

func (n *ortNetwork) Close() error {
	var errs []error
	if n.session != nil {
		errs = append(errs, n.session.Destroy())
		n.session = nil
	}
	if n.input != nil {
		errs = append(errs, n.input.Destroy())
		n.input = nil
	}
	for _, t := range n.outputs {
		errs = append(errs, t.Destroy())
	}
	n.outputs = nil
	return errors.Join(errs...)
}
