package worker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// self is this program as it was started, even where an update has replaced or
// removed its file since.
func self() (string, error) { return "/proc/self/exe", nil }

// isolate keeps Ctrl-C on a terminal from the child, who is told by its parent,
// and has it die with the parent.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killed reports whether somebody sent SIGKILL.
func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// takeStdout returns standard output for the caller alone: whoever else writes
// to it, such as native libraries, writes to standard error from now on.
func takeStdout() (*os.File, error) {
	fd, err := syscall.Dup(1)
	if err != nil {
		return nil, fmt.Errorf("keep standard output: %w", err)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.Dup3(2, 1, 0); err != nil {
		return nil, fmt.Errorf("turn standard output to standard error: %w", err)
	}
	return os.NewFile(uintptr(fd), "stdout"), nil
}

// sacrifice has the kernel take this process first where memory ends (proc(5),
// oom_score_adj), and leaves no core file of a crash.
func sacrifice() {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0o600)
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}

// residentBytes is the memory that processes hold, with what they share counted
// once for each.
func residentBytes(pids []int) int64 {
	var sum int64
	for _, pid := range pids {
		sum += resident(pid)
	}
	return sum
}

// resident reads proc(5), statm: sizes in pages, the second is resident.
func resident(pid int) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0 // gone
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// descendants are the children of a process, theirs, and so on.
func descendants(pid int) []int {
	lists, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "children"))
	var all []int
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread is gone
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}
