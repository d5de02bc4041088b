package worker

import (
	"bytes"
	"strings"
	"sync"
)

// lastLines keeps the beginning of what a child prints to standard error, where
// Go says why it panics, and the end, where native libraries do.
type lastLines struct {
	mu   sync.Mutex
	head []byte
	tail []byte
}

const keep = 8 << 10 // bytes of each

// Write implements io.Writer; it never fails.
func (l *lastLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if room := keep - len(l.head); room > 0 {
		l.head = append(l.head, p[:min(room, len(p))]...)
	}
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - keep; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	return len(p), nil
}

// telling is the line that says most about a crash.
func (l *lastLines) telling() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, prefix := range []string{"terminate called", "OpenCV(", "panic:", "fatal error:", "SIG"} {
		for line := range bytes.Lines(l.head) {
			if bytes.HasPrefix(line, []byte(prefix)) {
				return clean(line)
			}
		}
	}
	lines := bytes.Split(bytes.TrimSpace(l.tail), []byte("\n"))
	return clean(lines[len(lines)-1])
}

// clean is a line as it can stand in a message.
func clean(line []byte) string {
	const most = 200
	s := strings.TrimSpace(strings.ToValidUTF8(string(line), "?"))
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
