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
	"sync/atomic"

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

// ortNetwork is a network on ONNX Runtime: buffers bound to a session.
type ortNetwork struct {
	session *ortSession // nil when closed
	sig     signature
	binding *ort.IoBinding
	input   *ort.Tensor[float32]
	outputs []*ort.Tensor[float32]
}

// ortSession is what networks with the same weights share. It runs for several
// at a time.
type ortSession struct {
	*ort.DynamicAdvancedSession
	sig     signature
	input   string // its name in the session
	outputs []string
	users   atomic.Int32
}

func openONNXRuntime(p *prepared, threads int) (Network, error) {
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
	s := &ortSession{sig: p.sig, input: p.input, outputs: p.outputs}
	s.DynamicAdvancedSession, err = ort.NewDynamicAdvancedSessionWithONNXData(p.bytes, []string{p.input}, p.outputs, opts)
	if err != nil {
		return nil, fmt.Errorf("open network with onnx runtime: %w", err)
	}
	return s.network()
}

// network binds new buffers to the session, which is closed with the last
// network that uses it.
func (s *ortSession) network() (_ Network, err error) {
	s.users.Add(1)
	n := &ortNetwork{session: s, sig: s.sig}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	if n.binding, err = s.CreateIoBinding(); err != nil {
		return nil, fmt.Errorf("bind buffers of onnx runtime: %w", err)
	}
	if n.input, err = newORTTensor(s.sig.input); err != nil {
		return nil, err
	}
	if err := n.binding.BindInput(s.input, n.input); err != nil {
		return nil, fmt.Errorf("bind input %q: %w", s.input, err)
	}
	for i, info := range s.sig.outputs {
		t, err := newORTTensor(info)
		if err != nil {
			return nil, err
		}
		n.outputs = append(n.outputs, t)
		if err := n.binding.BindOutput(s.outputs[i], t); err != nil {
			return nil, fmt.Errorf("bind output %q: %w", s.outputs[i], err)
		}
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

func (n *ortNetwork) Another() (Network, error) {
	if n.session == nil {
		return nil, errClosed
	}
	return n.session.network()
}

func (n *ortNetwork) Run() error {
	if n.session == nil {
		return errClosed
	}
	if err := n.session.RunWithBinding(n.binding); err != nil {
		return fmt.Errorf("run network with onnx runtime: %w", err)
	}
	return nil
}

func (n *ortNetwork) Close() error {
	if n.session == nil {
		return nil
	}
	var errs []error
	if n.binding != nil {
		errs = append(errs, n.binding.Destroy())
	}
	if n.input != nil {
		errs = append(errs, n.input.Destroy())
	}
	for _, t := range n.outputs {
		errs = append(errs, t.Destroy())
	}
	if n.session.users.Add(-1) == 0 {
		errs = append(errs, n.session.Destroy())
	}
	*n = ortNetwork{sig: n.sig}
	return errors.Join(errs...)
}
