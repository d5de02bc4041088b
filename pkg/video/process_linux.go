package video

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"
)

// isolate puts the child in a process group of its own. Ctrl-C on a terminal
// signals the whole foreground group, and an ffmpeg that hears it ends politely:
// a decoder would look as if the clip were over, an encoder would finish half a file.
//
// The child dies with this process, however that ends. The kernel watches the
// thread that started it (prctl(2), PR_SET_PDEATHSIG); Go keeps its threads as
// long as no goroutine ends while it holds one.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limit bounds the child's address space and the size of the files it writes.
// A child that has already ended is not an error.
func limit(pid int, memory, file int64) {
	set := func(resource int, bytes int64) {
		lim := syscall.Rlimit{Cur: uint64(bytes), Max: uint64(bytes)}
		_, _, _ = syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), uintptr(resource),
			uintptr(unsafe.Pointer(&lim)), 0, 0, 0)
	}
	if memory > 0 {
		set(syscall.RLIMIT_AS, memory)
	}
	if file > 0 {
		set(syscall.RLIMIT_FSIZE, file)
	}
}

// giveWay makes a child just started, and the threads that it will start, wait
// where this process has use for the core. It is only an advantage, so failure
// is ignored.
func giveWay(pid int) {
	const nice = 10 // a tenth of the core where both want it
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, pid, nice)
}

// pipeBytes is the largest pipe an unprivileged process may ask for
// (/proc/sys/fs/pipe-max-size).
const pipeBytes = 1 << 20

// widen enlarges a pipe from 64 KiB, so that a picture takes a few wake-ups
// instead of a hundred. It is only an advantage, so failure is ignored.
func widen(pipe *os.File) {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_, _, _ = syscall.RawSyscall(syscall.SYS_FCNTL, fd, syscall.F_SETPIPE_SZ, pipeBytes)
	})
}
