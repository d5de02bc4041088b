//go:build !linux

package store

import (
	"fmt"
	"os"
)

func diskMark(info os.FileInfo) Mark {
	return Mark(fmt.Sprintf("file %d %d", info.Size(), info.ModTime().UnixNano()))
}
