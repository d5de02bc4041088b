package inventory_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "gocloud.dev/blob/fileblob"

	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/store"
)

// plant makes empty files below a new folder; "a -> b" makes a link.
func plant(t testing.TB, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		name, target, linked := strings.Cut(f, " -> ")
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch {
		case err != nil:
		case linked:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// list gives the paths that are found, and the problems below root.
func list(t *testing.T, root string, o inventory.Options, inputs ...string) (paths, problems []string) {
	t.Helper()
	stores := &store.Stores{}
	t.Cleanup(func() { _ = stores.Close() })
	if len(inputs) == 0 {
		inputs = []string{root}
	}
	troubles, err := inventory.List(t.Context(), stores, inputs, o, func(c inventory.Clip) {
		if c.Position != len(paths) {
			t.Errorf("clip %d says it is number %d", len(paths), c.Position)
		}
		paths = append(paths, c.Path)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range troubles {
		problems = append(problems, strings.TrimPrefix(p.Place, root+"/")+": "+p.Err.Error())
	}
	return paths, problems
}

func TestList(t *testing.T) {
	for _, tc := range []struct {
		name     string
		files    []string
		options  inventory.Options
		want     []string
		problems []string
	}{
		{"videos only, in any case", []string{"a.mp4", "b.MOV", "c.txt", "d", "e.mp4.part"}, inventory.Options{}, []string{"a.mp4", "b.MOV"}, nil},
		{"empty", nil, inventory.Options{}, nil, nil},
		{"subfolders only when asked", []string{"a.mp4", "mon/b.mp4"}, inventory.Options{}, []string{"a.mp4"}, nil},
		{"subfolders", []string{"a.mp4", "mon/b.mp4", "mon/x/c.mp4", "tue/b.mp4"}, inventory.Options{Recursive: true}, []string{"a.mp4", "mon/b.mp4", "mon/x/c.mp4", "tue/b.mp4"}, nil},
		{"hidden files and folders", []string{"._a.mp4", ".trash/b.mp4", "c.mp4"}, inventory.Options{Recursive: true}, []string{"c.mp4"}, nil},
		{"include replaces the extensions", []string{"a.mp4", "b.dat"}, inventory.Options{Include: []string{"*.dat"}}, []string{"b.dat"}, nil},
		{"include by path", []string{"mon/a.mp4", "tue/a.mp4", "tue/x/a.mp4"}, inventory.Options{Recursive: true, Include: []string{"tue/**"}}, []string{"tue/a.mp4", "tue/x/a.mp4"}, nil},
		{"exclude files", []string{"a.mp4", "a_slow.MP4"}, inventory.Options{Exclude: []string{"*_slow.*"}}, []string{"a.mp4"}, nil},
		{"exclude folders", []string{"old/a.mp4", "x/old/a.mp4", "new/a.mp4"}, inventory.Options{Recursive: true, Exclude: []string{"old"}}, []string{"new/a.mp4"}, nil},
		{"linked clip once", []string{"a.mp4", "b.mp4 -> a.mp4"}, inventory.Options{}, []string{"a.mp4"}, nil},
		{"linked folder once, where it lies", []string{"a -> real", "real/x.mp4"}, inventory.Options{Recursive: true}, []string{"real/x.mp4"}, nil},
		{"link to the folder above", []string{"a.mp4", "sub/b.mp4", "sub/up -> .."}, inventory.Options{Recursive: true}, []string{"a.mp4", "sub/b.mp4"}, nil},
		{"links in a circle", []string{"a.mp4", "x.mp4 -> y.mp4", "y.mp4 -> x.mp4"}, inventory.Options{}, []string{"a.mp4"}, []string{"x.mp4: symbolic links go round in a circle", "y.mp4: symbolic links go round in a circle"}},
		{"link to nowhere", []string{"x.mp4 -> gone.mp4"}, inventory.Options{}, nil, []string{"x.mp4: lstat: no such file or directory"}},
		{"link to nowhere that is no clip", []string{"x -> gone"}, inventory.Options{}, nil, nil},
		{"videos of other results", []string{"out/a/annotated.mp4", "out/a/analysis.json", "out/b/annotated.mp4", "out/b/recording.sfr", "c/annotated.mp4"}, inventory.Options{Recursive: true}, []string{"c/annotated.mp4"}, nil},
		{"odd names", []string{"-rf.mp4", "a b.mp4", "q\"\n.mp4", "\xff.mp4"}, inventory.Options{}, []string{"-rf.mp4", "a b.mp4", "q\"\n.mp4", "\xff.mp4"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := plant(t, tc.files...)
			got, problems := list(t, root, tc.options)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error("clips (-want +got):\n" + d)
			}
			if d := cmp.Diff(tc.problems, problems); d != "" {
				t.Error("problems (-want +got):\n" + d)
			}
		})
	}
}

func TestOutputInsideInput(t *testing.T) {
	root := plant(t, "a.mp4", "results/a/copy.mp4", "sub/b.mp4")
	o := inventory.Options{Recursive: true, Output: filepath.Join(root, "results")}
	if got, _ := list(t, root, o); !slices.Equal(got, []string{"a.mp4", "sub/b.mp4"}) {
		t.Errorf("got %q", got)
	}
	// Asked for by name, and the folder itself may be both.
	o.Output = root
	if got, _ := list(t, root, o); !slices.Equal(got, []string{"a.mp4", "results/a/copy.mp4", "sub/b.mp4"}) {
		t.Errorf("output is input: got %q", got)
	}
}

func TestInputsMayOverlap(t *testing.T) {
	root := plant(t, "a.mp4", "sub/b.mp4", "c.txt")
	t.Chdir(root)
	got, problems := list(t, root, inventory.Options{Recursive: true}, "sub", "a.mp4", ".", "./a.mp4", "c.txt", "gone.mp4")
	if !slices.Equal(got, []string{"b.mp4", "a.mp4", "c.txt"}) {
		t.Errorf("got %q", got)
	}
	if !slices.Equal(problems, []string{"gone.mp4: stat: no such file or directory"}) {
		t.Errorf("problems %q", problems)
	}
}

func TestWhatIsNoFileIsAProblem(t *testing.T) {
	root := plant(t, "a.mp4")
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.mp4"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, problems := list(t, root, inventory.Options{})
	if !slices.Equal(got, []string{"a.mp4"}) || !slices.Equal(problems, []string{"pipe.mp4: is not a regular file"}) {
		t.Errorf("got %q, problems %q", got, problems)
	}
}

// A folder whose path is longer than the system opens stands for every one
// that cannot be read: permissions do not keep root out.
func TestUnreadableFolderIsAProblem(t *testing.T) {
	root := plant(t, "a.mp4", "z.mp4")
	dir, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 250)
	for range 17 { // PATH_MAX is 4096
		if err := dir.Mkdir(long, 0o755); err != nil {
			t.Fatal(err)
		}
		below, err := dir.OpenRoot(long)
		if err != nil {
			t.Fatal(err)
		}
		dir.Close()
		dir = below
	}
	dir.Close()
	got, problems := list(t, root, inventory.Options{Recursive: true})
	if !slices.Equal(got, []string{"a.mp4", "z.mp4"}) {
		t.Errorf("got %q", got)
	}
	if len(problems) != 1 || !strings.HasSuffix(problems[0], "open: file name too long") {
		t.Errorf("problems %q", problems)
	}
}

func TestPatternsAreChecked(t *testing.T) {
	_, err := inventory.List(t.Context(), &store.Stores{}, nil, inventory.Options{Exclude: []string{"[a"}}, nil)
	if err == nil || !strings.Contains(err.Error(), `"[a" is no pattern`) {
		t.Errorf("got %v", err)
	}
}

func TestObjectStoreIsListedLikeAFolder(t *testing.T) {
	root := plant(t, "clips/a.mp4", "clips/sub/b.mov", "clips/.x/c.mp4", "clips/n.txt", "clips2/d.mp4",
		"clips/out/a/analysis.json", "clips/out/a/annotated.mp4", "clips/res/a/copy.mp4")
	url := "file://" + root + "/clips"
	o := inventory.Options{Recursive: true, Output: url + "/res"}
	if got, problems := list(t, root, o, url); !slices.Equal(got, []string{"a.mp4", "sub/b.mov"}) || problems != nil {
		t.Errorf("got %q, problems %q", got, problems)
	}
	if got, _ := list(t, root, inventory.Options{}, url); !slices.Equal(got, []string{"a.mp4"}) {
		t.Errorf("not recursive: got %q", got)
	}
	if got, _ := list(t, root, inventory.Options{}, url+"/sub/b.mov", url+"/n.txt"); !slices.Equal(got, []string{"b.mov", "n.txt"}) {
		t.Errorf("single objects: got %q", got)
	}
	_, problems := list(t, root, inventory.Options{}, url+"/none")
	if len(problems) != 1 || !strings.Contains(problems[0], "nothing is under") {
		t.Errorf("problems %q", problems)
	}
}

func TestFiftyThousandClips(t *testing.T) {
	root := t.TempDir()
	const clips, folders = 50_000, 50
	for f := range folders {
		dir := filepath.Join(root, fmt.Sprintf("lifter%02d", f))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		first := filepath.Join(dir, "IMG_0000.MOV")
		if err := os.WriteFile(first, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for i := 1; i < clips/folders; i++ {
			if err := os.Link(first, filepath.Join(dir, fmt.Sprintf("IMG_%04d.MOV", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	paths, problems := list(t, root, inventory.Options{Recursive: true})
	if len(paths) != clips || len(problems) != 0 {
		t.Fatalf("%d clips, problems %q", len(paths), problems)
	}
	var names inventory.Names
	for _, p := range paths {
		names.Add(inventory.Clip{Path: p})
	}
	seen := map[string]bool{}
	for _, p := range paths {
		seen[names.Of(inventory.Clip{Source: p, Path: p})] = true
	}
	if len(seen) != clips {
		t.Errorf("%d names for %d clips", len(seen), clips)
	}
}

func TestNames(t *testing.T) {
	const hashed = "~xxxxxxxx" // stands for the hash of a source
	for _, tc := range []struct {
		name  string
		paths []string
		want  []string
	}{
		{"alone", []string{"squat.mp4"}, []string{"squat"}},
		{"by folder", []string{"mon/squat.mp4", "tue/squat.mp4", "squat.mp4"}, []string{"mon/squat", "tue/squat", "squat"}},
		{"by the folder that was listed", []string{"mon:squat.mp4", "tue:squat.mp4"}, []string{"mon/squat", "tue/squat"}},
		{"that is another's", []string{"mon:squat.mp4", "tue:squat.mp4", "all:mon/squat.mp4"}, []string{"squat.mp4" + hashed, "tue/squat", "mon/squat"}},
		{"that is dots", []string{"mon/...mp4", "mon/..mp4", ".mp4"}, []string{"mon/...mp4", "mon/..mp4", ".mp4"}},
		{"by extension", []string{"squat.mp4", "squat.MOV"}, []string{"squat.mp4", "squat.MOV"}},
		{"by case", []string{"Squat.mp4", "squat.mov"}, []string{"Squat.mp4", "squat.mov"}},
		{"by where they come from", []string{"squat.mp4", "squat.mp4"}, []string{"squat.mp4" + hashed, "squat.mp4" + hashed}},
		{"case of all", []string{"SQUAT.MP4", "squat.mp4"}, []string{"SQUAT.MP4" + hashed, "squat.mp4" + hashed}},
		{"extended is another's plain", []string{"a.mp4", "a.mov", "a.mp4.mov"}, []string{"a.mp4" + hashed, "a.mov", "a.mp4"}},
		{"no extension, only extension", []string{"a", ".mp4"}, []string{"a", ".mp4"}},
		{"names that a batch uses", []string{"summary.csv/a.mp4", ".spineflex/a.mp4", "analysis.json.mp4", "annotated.mp4.mov"}, []string{"summary.csv~/a", ".spineflex~/a", "analysis.json~", "annotated.mp4~"}},
		{"long", []string{strings.Repeat("x", 240) + ".mp4", strings.Repeat("x", 250)}, []string{strings.Repeat("x", 200) + hashed, strings.Repeat("x", 200) + hashed}},
		{"upward", []string{"../../etc/a.mp4"}, []string{"etc/a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// "mon:a.mp4" is a.mp4 in a folder mon that was listed.
			clip := func(i int) inventory.Clip {
				root, path, ok := strings.Cut(tc.paths[i], ":")
				if !ok {
					root, path = "in", root
				}
				return inventory.Clip{Source: fmt.Sprint("from", i), Root: root, Path: path}
			}
			name := func(order []int) []string {
				var names inventory.Names
				for _, i := range order {
					names.Add(clip(i))
				}
				got := make([]string, len(tc.paths))
				for _, i := range order {
					got[i] = names.Of(clip(i))
				}
				return got
			}
			var forth, back []int
			for i := range tc.paths {
				forth, back = append(forth, i), append([]int{i}, back...)
			}
			got := name(forth)
			if d := cmp.Diff(got, name(back)); d != "" {
				t.Error("names depend on the order (-forth +back):\n" + d)
			}
			seen := map[string]bool{}
			for i, g := range got {
				if seen[strings.ToLower(g)] {
					t.Errorf("%q twice", g)
				}
				seen[strings.ToLower(g)] = true
				want, cut := strings.CutSuffix(tc.want[i], hashed)
				if cut && (len(g) != len(want)+len(hashed) || g[:len(want)+1] != want+"~") || !cut && g != want {
					t.Errorf("%s is called %q, want %q", tc.paths[i], g, tc.want[i])
				}
			}
		})
	}
}

func TestAClipKeepsTheNameItHad(t *testing.T) {
	names := inventory.Names{Owns: func(name string, c inventory.Clip) bool {
		return name == "squat" && c.Source == "in/squat.mp4"
	}}
	names.Add(inventory.Clip{Path: "squat.mp4"})
	names.Add(inventory.Clip{Path: "squat.mov"})
	for source, want := range map[string]string{"in/squat.mp4": "squat", "in/squat.mov": "squat.mov"} {
		if got := names.Of(inventory.Clip{Source: source, Path: filepath.Base(source)}); got != want {
			t.Errorf("%s is called %q, want %q", source, got, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a.mp4", "b/../a.mov")
	f.Add("/", "..")
	f.Fuzz(func(t *testing.T, a, b string) {
		var names inventory.Names
		names.Add(inventory.Clip{Path: a})
		names.Add(inventory.Clip{Path: b})
		x, y := names.Of(inventory.Clip{Source: "1", Path: a}), names.Of(inventory.Clip{Source: "2", Path: b})
		if strings.EqualFold(x, y) {
			t.Errorf("%q and %q are both called %q", a, b, x)
		}
		for _, name := range []string{x, y} {
			if !fs.ValidPath(name) && strings.Contains(name, "..") || strings.HasPrefix(name, "/") {
				t.Errorf("%q leads out of the folder", name)
			}
		}
	})
}
