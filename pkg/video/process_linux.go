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

// streamBytes may be on their way to a child or from one: a picture of 1080p takes a
// few wake-ups then instead of a hundred. The kernel grants a fifth of it unless it
// is told to grant more (/proc/sys/net/core/wmem_max), which takes a tenth more time.
const streamBytes = 1 << 20

// newStream returns the ends of a stream of pictures between this process and a
// child, which is as a pipe to either. It is a pair of sockets, since these keep bytes
// by the 32 KiB and pipes by the page: pictures come over at half the processor time.
func newStream() (reader, writer *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	// It is only an advantage, so failure is ignored.
	_ = syscall.SetsockoptInt(fds[1], syscall.SOL_SOCKET, syscall.SO_SNDBUF, streamBytes)
	return os.NewFile(uintptr(fds[0]), "stream"), os.NewFile(uintptr(fds[1]), "stream"), nil
}
