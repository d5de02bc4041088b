package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spineflex/spineflex/pkg/infer"
)

// TestMain lets the test binary stand in for the program: scripts and tests
// run it under the name spineflex.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"spineflex": main})
}

// clipFolder is the folder of bundled clips.
func clipFolder(t testing.TB) string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestScripts(t *testing.T) {
	clips := clipFolder(t)
	library := os.Getenv(infer.LibraryEnv)
	if found := infer.FindLibrary(""); library == "" && len(found) > 0 && filepath.IsAbs(found[0]) {
		library = found[0] // scripts run outside the source tree, where it is not looked for
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			program, err := exec.LookPath("spineflex")
			if err != nil {
				return err
			}
			env.Setenv("SPINEFLEX", program)
			env.Setenv("CLIPS", clips)
			env.Setenv(infer.LibraryEnv, library)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits},
	})
}

// exits CODE PROGRAM ARGS... runs a program and checks its exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
