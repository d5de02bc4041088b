package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestMeasured(t *testing.T) {
	u, err := measured(exec.Command("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"))
	if err != nil {
		t.Fatal(err)
	}
	if !(u.wall > 0 && u.cpu > 0 && u.peakMB > 0) {
		t.Errorf("a busy shell took %+v", u)
	}
	_, err = measured(exec.Command("sh", "-c", "echo no clip >&2; exit 4"))
	if err == nil || !strings.Contains(err.Error(), "no clip") {
		t.Errorf("a failed command says %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"no clip":      {"-clip", "absent.mp4"},
		"unknown flag": {"-loud"},
	} {
		var out strings.Builder
		if err := run(args, &out); err == nil || out.Len() > 0 {
			t.Errorf("%s: error %v, printed %q", name, err, out.String())
		}
	}
}
