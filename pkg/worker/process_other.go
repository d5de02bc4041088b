//go:build !linux

package worker

import (
	"os"
	"os/exec"
)

// self is the file that this program was started from.
func self() (string, error) { return os.Executable() }

// isolate does nothing: a child ends when its standard input does.
func isolate(*exec.Cmd) {}

func killed(*os.ProcessState) bool { return false }

func takeStdout() (*os.File, error) { return os.Stdout, nil }

func sacrifice() {}

// residentBytes is 0: memory is watched on Linux only.
func residentBytes([]int) int64 { return 0 }

// descendants is empty: ffmpeg processes end when their pipes do.
func descendants(int) []int { return nil }
