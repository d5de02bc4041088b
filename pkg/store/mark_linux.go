package store

import (
	"fmt"
	"os"
	"syscall"
)

// diskMark includes the time of the last change of the file itself (ctime),
// which, unlike that of its content, nobody can set back.
func diskMark(info os.FileInfo) Mark {
	var changed int64
	var inode uint64
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		changed, inode = s.Ctim.Nano(), s.Ino
	}
	return Mark(fmt.Sprintf("file %d %d %d %d", info.Size(), info.ModTime().UnixNano(), changed, inode))
}
