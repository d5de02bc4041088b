package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gocloud.dev/blob"
)

// The object stores that the help promises are linked.
func TestObjectStoresCanBeOpened(t *testing.T) {
	for _, scheme := range []string{"s3", "gs", "azblob", "file", "mem"} {
		if !blob.DefaultURLMux().ValidBucketScheme(scheme) {
			t.Errorf("%s:// cannot be opened", scheme)
		}
	}
}

// What deploy/ starts is a batch with flags that there are.
func TestDeployedFlagsExist(t *testing.T) {
	flags := newBatchCommand(console{io.Discard, io.Discard}).Flags()
	for _, tc := range []struct{ file, line string }{
		{"slurm.sbatch", `(?m)^"\$\{SPINEFLEX:-spineflex\}" batch (.*)$`},
		{"kubernetes.yaml", `(?s)args:\n\s+- batch\n(.*?)resources:`},
		{"aws-batch.json", `(?s)"command": \[\s*"batch",(.*?)\]`},
		{"README.md", `--args=batch,(.*)`},
		{"Dockerfile", `spineflex:1 batch (.*)`},
	} {
		content, err := os.ReadFile(filepath.Join("..", "..", "deploy", tc.file))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(tc.line).FindStringSubmatch(string(content))
		if found == nil {
			t.Errorf("%s starts no batch", tc.file)
			continue
		}
		used := regexp.MustCompile(`(?:^|[\s",])(-o|--[a-z-]+)`).FindAllStringSubmatch(found[1], -1)
		if len(used) == 0 {
			t.Errorf("%s: no flags in %q", tc.file, found[1])
		}
		for _, u := range used {
			name := strings.TrimLeft(u[1], "-")
			if flags.Lookup(name) == nil && (len(name) != 1 || flags.ShorthandLookup(name) == nil) {
				t.Errorf("%s: batch has no flag %s", tc.file, u[1])
			}
		}
	}
}
