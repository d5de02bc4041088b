package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEmbeddedNetworksHaveTheirRecordedHash(t *testing.T) {
	for _, n := range All() {
		if len(n.SHA256()) != 64 {
			t.Errorf("%s: recorded sha-256 is %q", n.Name, n.SHA256())
		}
		if n.Embedded() != (n.Name != "heavy") {
			t.Errorf("%s: embedded is %v", n.Name, n.Embedded())
		}
		if !n.Embedded() {
			continue
		}
		data, err := n.Load()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != n.SHA256() {
			t.Errorf("%s: sha-256 %s, recorded %s", n.Name, got, n.SHA256())
		}
	}
}

// TestCardNamesEveryNetwork keeps README.md, the model card, in step.
func TestCardNamesEveryNetwork(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	card := string(text)
	for _, n := range All() {
		wanted := []string{n.File, n.SHA256(), n.Input.Name}
		for _, v := range n.Outputs {
			wanted = append(wanted, v.Name)
		}
		for _, w := range wanted {
			if !strings.Contains(card, w) {
				t.Errorf("%s: the card does not mention %q", n.Name, w)
			}
		}
	}
}

// stranger is a network nobody has installed.
func stranger() Network { return Network{Name: "heavy", File: "no_such_network.onnx"} }

func TestLoadOfWhatIsNotInstalled(t *testing.T) {
	dir := t.TempDir()
	_, err := stranger().Load(dir)
	if !errors.Is(err, ErrNotInstalled) {
		t.Fatalf("error %v, want %v", err, ErrNotInstalled)
	}
	for _, want := range []string{dir, "make models-heavy"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
}

func TestLoadRefusesAnotherFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, Heavy().File)
	if err := os.WriteFile(path, []byte("not the network"), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := Heavy().Find(dir); err != nil || found != path {
		t.Errorf("found %q, %v; want %q", found, err, path)
	}
	if _, err := Heavy().Load(dir); err == nil || !strings.Contains(err.Error(), Heavy().SHA256()) {
		t.Errorf("error %v, want one with the recorded hash", err)
	}
}

// TestLoadReadsAnInstalledFile uses the real heavy network where it was made.
func TestLoadReadsAnInstalledFile(t *testing.T) {
	data, err := Heavy().Load(".")
	if errors.Is(err, ErrNotInstalled) {
		t.Skip("SKIPPED, NOTHING WAS CHECKED: the heavy network is not made (make models-heavy)")
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 20<<20 {
		t.Errorf("%d bytes", len(data))
	}
}
