package infer_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/spineflex/spineflex/models"
	"github.com/spineflex/spineflex/pkg/infer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runtimes returns every engine that this machine has; OpenCV always.
func runtimes(t testing.TB, opts infer.Options) []*infer.Runtime {
	t.Helper()
	opts.Engine = infer.OpenCV
	cv, err := infer.NewRuntime(opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Engine = infer.ONNXRuntime
	onnx, err := infer.NewRuntime(opts)
	if errors.Is(err, infer.ErrNoONNXRuntime) {
		t.Log("without ONNX Runtime (scripts/fetch-onnxruntime.sh gets it)")
		return []*infer.Runtime{cv}
	}
	if err != nil {
		t.Fatal(err)
	}
	return []*infer.Runtime{cv, onnx}
}

func load(t testing.TB, n models.Network) []byte {
	t.Helper()
	model, err := n.Load()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func open(t testing.TB, rt *infer.Runtime, model []byte) infer.Network {
	t.Helper()
	net, err := rt.Open(model)
	if err != nil {
		t.Fatalf("%s: %v", rt.Engine(), err)
	}
	t.Cleanup(func() {
		if err := net.Close(); err != nil {
			t.Errorf("%s: close: %v", rt.Engine(), err)
		}
	})
	return net
}

// blobs fills a picture with smooth random shapes, which excite a network
// more than noise does.
func blobs(dst []float32, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	side := int(math.Sqrt(float64(len(dst) / 3)))
	for c := range 3 {
		fx, fy, phase := 1+4*rng.Float64(), 1+4*rng.Float64(), 6*rng.Float64()
		for i := range side * side {
			x, y := float64(i%side)/float64(side), float64(i/side)/float64(side)
			dst[c*side*side+i] = float32(0.5 + 0.5*math.Sin(fx*6*x+phase)*math.Cos(fy*6*y-phase))
		}
	}
}

// engineTolerance is how far the engines' outputs may lie apart, as a share of
// an output's largest magnitude. Both compute in float32 but sum in different
// orders; over the some 60 layers in a row that costs about 1e-5. A wrong
// padding or resize mode costs more than 1e-2.
const engineTolerance = 1e-3

func TestEnginesAgree(t *testing.T) {
	rts := runtimes(t, infer.Options{})
	if len(rts) < 2 {
		t.Skip("needs both engines")
	}
	for _, m := range []models.Network{models.Detector(), models.Lite(), models.Full()} {
		t.Run(m.Name, func(t *testing.T) {
			model := load(t, m)
			nets := []infer.Network{open(t, rts[0], model), open(t, rts[1], model)}
			for _, net := range nets {
				if !slices.Equal(net.InputShape(), m.Input.Shape) {
					t.Fatalf("input shape %v, want %v", net.InputShape(), m.Input.Shape)
				}
				blobs(net.Input(), 7)
				if err := net.Run(); err != nil {
					t.Fatal(err)
				}
			}
			for i, out := range m.Outputs {
				if nets[0].Outputs()[i] != out.Name || nets[1].Outputs()[i] != out.Name {
					t.Fatalf("output %d is %q and %q, want %q", i, nets[0].Outputs()[i], nets[1].Outputs()[i], out.Name)
				}
				a, b := nets[0].Output(i), nets[1].Output(i)
				if len(a) != len(b) {
					t.Fatalf("%s: %d and %d values", out.Name, len(a), len(b))
				}
				largest, apart := 0.0, 0.0
				for k := range a {
					largest = max(largest, math.Abs(float64(a[k])))
					apart = max(apart, math.Abs(float64(a[k]-b[k])))
				}
				t.Logf("%-10s largest %8.3g apart %.2g", out.Name, largest, apart/largest)
				if !(apart <= engineTolerance*largest) || largest == 0 {
					t.Errorf("%s: engines lie %g apart, largest value %g", out.Name, apart, largest)
				}
			}
		})
	}
}

func TestOpenRefusesBadModels(t *testing.T) {
	lite := load(t, models.Lite())
	garbled := slices.Clone(lite)
	for i := 5000; i < len(garbled); i += 977 {
		garbled[i] ^= 0x55
	}
	for _, rt := range runtimes(t, infer.Options{}) {
		for _, tt := range []struct {
			name  string
			model []byte
		}{
			{"empty", nil},
			{"text", []byte("not a network at all, just words")},
			{"zeros", make([]byte, 4096)},
			{"truncated in the weights", lite[:len(lite)/2]},
			{"truncated at the start", lite[:40]},
			{"garbled", garbled},
		} {
			t.Run(string(rt.Engine())+"/"+tt.name, func(t *testing.T) {
				net, err := rt.Open(tt.model)
				if err == nil {
					net.Close()
					t.Fatal("opened")
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("message %q", err)
				}
			})
		}
	}
}

func TestRunAfterClose(t *testing.T) {
	for _, rt := range runtimes(t, infer.Options{Threads: 1}) {
		net, err := rt.Open(load(t, models.Lite()))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // closing twice does no harm
			if err := net.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := net.Run(); err == nil {
			t.Errorf("%s: a closed network ran", rt.Engine())
		}
	}
}

// Several networks run at the same time and give what each gives alone.
func TestNetworksRunConcurrently(t *testing.T) {
	for _, rt := range runtimes(t, infer.Options{Threads: 1}) {
		t.Run(string(rt.Engine()), func(t *testing.T) {
			model := load(t, models.Lite())
			const many = 3
			alone := make([][]float32, many)
			nets := make([]infer.Network, many)
			for i := range nets {
				nets[i] = open(t, rt, model)
				blobs(nets[i].Input(), uint64(i))
				if err := nets[i].Run(); err != nil {
					t.Fatal(err)
				}
				alone[i] = slices.Clone(nets[i].Output(0))
			}
			if slices.Equal(alone[0], alone[1]) {
				t.Fatal("different pictures gave the same landmarks")
			}
			var wg sync.WaitGroup
			for i, net := range nets {
				wg.Go(func() {
					for range 3 {
						if err := net.Run(); err != nil {
							t.Error(err)
							return
						}
						if !slices.Equal(net.Output(0), alone[i]) {
							t.Errorf("network %d gave something else beside others", i)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestRunAllocatesNoBuffers(t *testing.T) {
	for _, rt := range runtimes(t, infer.Options{Threads: 1}) {
		net := open(t, rt, load(t, models.Lite()))
		allocs := testing.AllocsPerRun(3, func() {
			if err := net.Run(); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 0 {
			t.Errorf("%s: a run makes %v allocations, want 0", rt.Engine(), allocs)
		}
	}
}

// Another of the same network runs at the same time, gives the same, and lives on
// when the first is closed.
func TestAnother(t *testing.T) {
	for _, rt := range runtimes(t, infer.Options{Threads: 1}) {
		t.Run(string(rt.Engine()), func(t *testing.T) {
			first, err := rt.Open(load(t, models.Lite()))
			if err != nil {
				t.Fatal(err)
			}
			second, err := first.Another()
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			for i := range first.Input() {
				first.Input()[i] = float32(i%251) / 251
				second.Input()[i] = float32(i%241) / 241
			}
			run := func(nets ...infer.Network) {
				var g errgroup.Group
				for _, n := range nets {
					g.Go(n.Run)
				}
				if err := g.Wait(); err != nil {
					t.Fatal(err)
				}
			}
			run(first, second)
			want := slices.Clone(first.Output(0))
			if slices.Equal(second.Output(0), want) {
				t.Error("another input gave the same output")
			}
			copy(second.Input(), first.Input())
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := first.Another(); err == nil {
				t.Error("there is another of a closed network")
			}
			run(second)
			if !slices.Equal(second.Output(0), want) {
				t.Error("another network gave another output")
			}
		})
	}
}

// residentMB is the process' resident memory.
func residentMB(t *testing.T) float64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs /proc")
	}
	var size, resident float64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * float64(os.Getpagesize()) / (1 << 20)
}

// An open lite network holds some 20 MB; 12 that were not freed would show.
func TestCloseFreesMemory(t *testing.T) {
	for _, rt := range runtimes(t, infer.Options{Threads: 1}) {
		model := load(t, models.Lite())
		cycle := func(n int) {
			for range n {
				net, err := rt.Open(model)
				if err != nil {
					t.Fatal(err)
				}
				if err := net.Run(); err != nil {
					t.Fatal(err)
				}
				net.Close()
			}
		}
		cycle(4) // the allocators' own caches fill
		before := residentMB(t)
		cycle(12)
		if grown := residentMB(t) - before; grown > 60 {
			t.Errorf("%s: memory grew by %.0f MB over 12 networks", rt.Engine(), grown)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts infer.Options
		want string
	}{
		{"zero value", infer.Options{}, ""},
		{"auto", infer.Options{Engine: infer.Auto}, ""},
		{"unknown engine", infer.Options{Engine: "tpu"}, `unknown engine "tpu" (one of auto, onnxruntime, opencv)`},
		{"negative threads", infer.Options{Threads: -1}, "threads must not be negative, got -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.opts.Validate()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAutoFallsBackToOpenCV(t *testing.T) {
	empty := t.TempDir()
	rt, err := infer.NewRuntime(infer.Options{LibraryPath: empty})
	if err != nil {
		t.Fatal(err)
	}
	if rt.Engine() != infer.OpenCV || !errors.Is(rt.Fallback(), infer.ErrNoONNXRuntime) {
		t.Errorf("engine %s, fallback %v", rt.Engine(), rt.Fallback())
	}
	if _, err := infer.NewRuntime(infer.Options{Engine: infer.ONNXRuntime, LibraryPath: empty}); !errors.Is(err, infer.ErrNoONNXRuntime) {
		t.Errorf("asked for by name: %v", err)
	}
	notALibrary := filepath.Join(empty, "libonnxruntime.so.1")
	if err := os.WriteFile(notALibrary, []byte("words"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(infer.LibraryEnv, notALibrary)
	if rt, err := infer.NewRuntime(infer.Options{}); err != nil || rt.Engine() != infer.OpenCV {
		t.Errorf("broken library: %v, %v", rt, err)
	}
	if rt, err := infer.NewRuntime(infer.Options{Engine: infer.OpenCV}); err != nil || rt.Fallback() != nil {
		t.Errorf("OpenCV asked for by name is no fallback: %v, %v", rt, err)
	}
}

func TestFindLibrary(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "libonnxruntime.so.1")
	if err := os.WriteFile(lib, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(infer.LibraryEnv, "")
	if got := infer.FindLibrary(dir); !slices.Equal(got, []string{lib}) {
		t.Errorf("folder: %v", got)
	}
	if got := infer.FindLibrary(lib); !slices.Equal(got, []string{lib}) {
		t.Errorf("file: %v", got)
	}
	if got := infer.FindLibrary(""); len(got) == 0 || got[len(got)-1] != "libonnxruntime.so" {
		t.Errorf("search does not end at the system's: %v", got)
	}
	t.Setenv(infer.LibraryEnv, dir)
	if got := infer.FindLibrary(""); !slices.Equal(got, []string{lib}) {
		t.Errorf("environment: %v", got)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, rt := range runtimes(b, infer.Options{Threads: threads}) {
			for _, m := range []models.Network{models.Detector(), models.Lite(), models.Full()} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", rt.Engine(), m.Name, threads), func(b *testing.B) {
					net := open(b, rt, load(b, m))
					blobs(net.Input(), 1)
					if err := net.Run(); err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					for b.Loop() {
						if err := net.Run(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
