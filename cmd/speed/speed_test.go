package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/pkg/video"
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
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no clip":      {[]string{"-clip", "absent.mp4"}, "scale up absent.mp4"},
		"unknown flag": {[]string{"-loud"}, "-loud"},
		"no MediaPipe": {[]string{"-mediapipe", t.TempDir()}, "npm pack @mediapipe/pose"},
	} {
		var out strings.Builder
		if err := run(c.args, &out); err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%s: error %v, printed %q", name, err, out.String())
		}
	}
}

// A solution of our own in the package's place sees each picture's middle: it
// finds the lifter where that is red, after 10 ms.
func TestTrackTheirs(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("NOT TESTED IN A BROWSER: no Chromium is installed; get it with: apt-get install -y chromium")
	}
	folder := t.TempDir()
	err := os.WriteFile(filepath.Join(folder, "pose.js"), []byte(`class Pose {
  setOptions() {}
  onResults(listener) { this.listener = listener; }
  async initialize() {}
  async send({ image }) {
    for (const end = performance.now() + 10; performance.now() < end; ) {}
    const [r, g, b] = image.getContext("2d").getImageData(image.width / 2, image.height / 2, 1, 1).data;
    this.listener({ poseLandmarks: r === 200 && g === 20 && b === 10 ? [] : undefined });
  }
}`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	const width, height = 6, 4
	paint := func(b, g, r byte) video.Frame {
		return video.Frame{Width: width, Height: height, Pix: bytes.Repeat([]byte{b, g, r}, width*height)}
	}
	red, blue := paint(10, 20, 200), paint(200, 20, 10)
	took, err := trackTheirs(folder, []video.Frame{red, red, red})
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 3 || !(slices.Min(took) > 9) {
		t.Errorf("three frames of 10 ms took %v", took)
	}
	if _, err = trackTheirs(folder, []video.Frame{red, blue, red}); err == nil || err.Error() != "MediaPipe found the lifter in 2 of 3 frames" {
		t.Errorf("a lifter lost once: %v", err)
	}
}
