package video_test

import (
	"bytes"
	"errors"
	"image/jpeg"
	"path/filepath"
	"testing"

	"github.com/spineflex/spineflex/pkg/video"
)

func TestStill(t *testing.T) {
	clip := filepath.Join("..", "..", "testdata", "squat.mp4")
	info, err := video.Probe(t.Context(), clip)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := video.Still(t.Context(), clip, 2.4, 144)
	if err != nil {
		t.Fatal(err)
	}
	size, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if want := 144 * info.Width / info.Height; size.Height != 144 || size.Width < want-1 || size.Width > want+1 {
		t.Errorf("%d × %d, want about %d × 144", size.Width, size.Height, want)
	}
	first, err := video.Still(t.Context(), clip, -1, 144)
	if err != nil || bytes.Equal(first, picture) {
		t.Errorf("the first picture: equal to one at 2.4 s %t, %v", bytes.Equal(first, picture), err)
	}
	if _, err := video.Still(t.Context(), clip, 1000, 144); !errors.Is(err, video.ErrNoFrames) {
		t.Errorf("after the end: %v", err)
	}
	if _, err := video.Still(t.Context(), filepath.Join(t.TempDir(), "gone.mp4"), 0, 144); err == nil {
		t.Error("a still of a clip that is not there")
	}
}
