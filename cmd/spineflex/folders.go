package main

import (
	"os"
	"path/filepath"
	"runtime"
)

// dataFolder is where this user's programs keep what they may not lose: on Linux as the
// XDG Base Directory Specification says, elsewhere with the configuration.
func dataFolder() (string, error) {
	switch runtime.GOOS {
	case "darwin", "ios", "plan9":
		return os.UserConfigDir()
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return dir, nil
		}
		return os.UserConfigDir()
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share"), nil
}
