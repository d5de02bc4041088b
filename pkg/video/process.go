package video

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Limits on what a child process may be asked to open or hold.
const (
	// MaxPixels is the largest picture accepted, a little above 8K.
	MaxPixels = 42_000_000
	// DefaultMaxMemory is the address space in bytes one ffmpeg may take.
	DefaultMaxMemory = 6 << 30
)

// demuxers are the containers ffmpeg may recognise. Left out on purpose are
// those that open further files or addresses (concat, hls, dash, imf, image
// sequences) and those that make pictures of text (tty).
const demuxers = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,gif,mjpeg,ogg,nut,mxf,h264,hevc,ivf,obu,m4v,dv,wtv"

// inputArgs are the options in front of every clip that a child opens.
func inputArgs(path string) []string {
	return []string{
		"-protocol_whitelist", "file",
		"-format_whitelist", demuxers,
		"-i", "file:" + path, // the prefix keeps "-f", "http://…" and "a:b" plain names
	}
}

// Program is an installed helper program.
type Program struct {
	Name    string // "ffmpeg"
	Path    string
	Version string // as it says, "5.1.9-0+deb12u1"
}

// FindProgram looks for ffmpeg or ffprobe on the PATH and asks for its version.
// The error wraps [ErrNoProgram] when there is none.
func FindProgram(ctx context.Context, name string) (Program, error) {
	path, err := lookProgram(name)
	if err != nil {
		return Program{}, err
	}
	out, err := exec.CommandContext(ctx, path, "-hide_banner", "-version").Output()
	if err != nil {
		return Program{}, fmt.Errorf("run %s -version: %w", name, err)
	}
	// "ffmpeg version 5.1.9-0+deb12u1 Copyright (c) …"
	fields := strings.Fields(string(out))
	if len(fields) < 3 || fields[1] != "version" {
		return Program{}, fmt.Errorf("%s -version: unexpected answer", printable(path))
	}
	return Program{Name: name, Path: path, Version: fields[2]}, nil
}

func lookProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, ErrNoProgram)
	}
	return path, nil
}

// child is a running ffmpeg or ffprobe. Whoever starts one calls wait once.
type child struct {
	name string
	cmd  *exec.Cmd
	log  *messageLog
}

// childSpec says what a child is started with; stdin, stdout and fd3 are the
// child's ends of pipes, or nil.
type childSpec struct {
	program   string
	args      []string
	stdin     *os.File
	stdout    *os.File
	fd3       *os.File
	maxMemory int64 // bytes of address space, 0 = DefaultMaxMemory
	maxFile   int64 // bytes per written file, 0 = no limit
	givesWay  bool  // to others that want the core
}

// startChild starts a program that is killed when ctx ends. It closes the child's
// ends of the pipes in this process, also on failure.
func startChild(ctx context.Context, spec childSpec) (*child, error) {
	defer func() {
		for _, f := range []*os.File{spec.stdin, spec.stdout, spec.fd3} {
			if f != nil {
				f.Close()
			}
		}
	}()
	path, err := lookProgram(spec.program)
	if err != nil {
		return nil, err
	}
	c := &child{name: spec.program, log: &messageLog{}}
	c.cmd = exec.CommandContext(ctx, path, spec.args...)
	c.cmd.Env = childEnv(os.Environ())
	c.cmd.Stderr = c.log
	c.cmd.WaitDelay = 5 * time.Second
	if spec.stdin != nil {
		c.cmd.Stdin = spec.stdin
	}
	if spec.stdout != nil {
		c.cmd.Stdout = spec.stdout
	}
	if spec.fd3 != nil {
		c.cmd.ExtraFiles = []*os.File{spec.fd3}
	}
	isolate(c.cmd)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.program, err)
	}
	if spec.maxMemory == 0 {
		spec.maxMemory = DefaultMaxMemory
	}
	limit(c.cmd.Process.Pid, spec.maxMemory, spec.maxFile)
	if spec.givesWay {
		giveWay(c.cmd.Process.Pid)
	}
	return c, nil
}

// wait returns nil or a *ProgramError.
func (c *child) wait() error {
	err := c.cmd.Wait()
	if err == nil {
		return nil
	}
	status := err.Error()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status = exit.ProcessState.String()
	}
	failure := &ProgramError{Program: c.name, Status: status, Message: c.log.last()}
	if c.log.contains("Unrecognized option") || c.log.contains("Option not found") {
		return fmt.Errorf("%w: %w", failure, ErrOldProgram)
	}
	return failure
}

// childEnv drops the variable that would make ffmpeg write a report file and
// asks for plain text.
func childEnv(env []string) []string {
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if !strings.HasPrefix(kv, "FFREPORT=") {
			out = append(out, kv)
		}
	}
	return append(out, "AV_LOG_FORCE_NOCOLOR=1")
}

// messageLog keeps the last lines a child prints on stderr, whatever their number,
// and counts them.
type messageLog struct {
	mu      sync.Mutex
	partial []byte
	lines   []string
	count   int
}

const (
	maxLogLines = 32
	maxLogLine  = 400 // bytes
)

// Write implements io.Writer; it never fails.
func (l *messageLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			if room := maxLogLine - len(l.partial); room > 0 {
				l.partial = append(l.partial, p[:min(room, len(p))]...)
			}
			return n, nil
		}
		if room := maxLogLine - len(l.partial); room > 0 {
			l.partial = append(l.partial, p[:min(room, i)]...)
		}
		l.add(strings.TrimSpace(string(l.partial)))
		l.partial = l.partial[:0]
		p = p[i+1:]
	}
}

func (l *messageLog) add(line string) {
	if line == "" {
		return
	}
	l.count++
	if len(l.lines) == maxLogLines {
		copy(l.lines, l.lines[1:])
		l.lines = l.lines[:maxLogLines-1]
	}
	l.lines = append(l.lines, strings.ToValidUTF8(line, "?"))
}

// last returns the most telling line: the last one that is not ffmpeg's own
// epilogue, without the address of the object that spoke.
func (l *messageLog) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.lines) - 1; i >= 0; i-- {
		line := l.lines[i]
		if line == "Conversion failed!" || strings.HasPrefix(line, "Error initializing output stream") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			if _, rest, ok := strings.Cut(line, "] "); ok {
				line = rest
			}
		}
		return line
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(l.partial), "?"))
}

func (l *messageLog) contains(s string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, s) {
			return true
		}
	}
	return false
}

func (l *messageLog) complained() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// runChild runs a program to its end and hands its output to read, which should
// read up to EOF; what it leaves is drained so that the child does not block.
func runChild(ctx context.Context, program string, args []string, read func(io.Reader) error) (*messageLog, error) {
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer out.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := startChild(ctx, childSpec{program: program, args: args, stdout: childOut})
	if err != nil {
		return nil, err
	}
	readErr := read(out)
	if readErr != nil {
		cancel() // its output is no longer wanted
	}
	_, _ = io.Copy(io.Discard, out)
	err = c.wait()
	if readErr != nil {
		return c.log, readErr
	}
	return c.log, err
}
