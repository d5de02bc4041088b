// Modelgen converts the published pose networks from TensorFlow Lite to ONNX.
//
// It is a maintainers' tool: the networks it makes are in the repository,
// except the heavy one, which `make models-heavy` makes on demand.
//
//	modelgen [-o DIR] [-package FILE] [-update] [NETWORK...]
//
// NETWORK is detector, lite, full or heavy; without any, the first three are
// made. The weights come from the npm package @mediapipe/pose, which npm
// fetches unless -package names a copy of it. Every file is checked against
// its known SHA-256 before it is read, and the result against the SHA256SUMS
// in DIR, which -update rewrites.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "modelgen:", err)
		os.Exit(1)
	}
}

// run makes the networks args ask for and says on stdout what it made.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("modelgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("o", "models", "write to `DIR`")
	pkg := flags.String("package", "", "read the npm package from `FILE` instead of fetching it")
	update := flags.Bool("update", false, "accept results that differ from DIR/"+recordFile)
	if err := flags.Parse(args); err != nil {
		return err
	}
	names := flags.Args()
	if len(names) == 0 {
		names = []string{"detector", "lite", "full"}
	}
	var wanted []network
	for _, name := range names {
		n, err := networkByName(name)
		if err != nil {
			return err
		}
		wanted = append(wanted, n)
	}

	files, err := openPackage(ctx, *pkg)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	rec, err := readRecord(*dir)
	if err != nil {
		return err
	}
	for _, n := range wanted {
		data, err := n.convert(files)
		if err != nil {
			return err
		}
		sum := sha256Hex(data)
		if known, ok := rec[n.output]; ok && known != sum && !*update {
			return fmt.Errorf("%s: sha-256 %s, recorded %s; -update accepts the change", n.output, sum, known)
		}
		if err := writeFile(filepath.Join(*dir, n.output), data); err != nil {
			return err
		}
		rec[n.output] = sum
		fmt.Fprintf(stdout, "%s  %s  %d bytes\n", sum, n.output, len(data))
	}
	return rec.write(*dir)
}

// writeFile writes under a temporary name and renames, so that an interrupted
// run leaves no half-written network.
func writeFile(path string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(temporary.Name()) // fails, as it should, after the rename
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	if closing := temporary.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
