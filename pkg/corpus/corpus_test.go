package corpus

import (
	"path/filepath"
	"testing"
)

func TestClips(t *testing.T) {
	dir := t.TempDir()
	easy, err := NewEasy(t.Context(), filepath.Join("..", "..", "testdata", "squat.mp4"), filepath.Join(dir, "plain.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Measure(t.Context(), easy.Path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Reps) != 1 {
		t.Fatalf("the easy clip has %d reps, want 1", len(want.Reps))
	}
	for _, c := range Clips() {
		t.Run(c.Name, func(t *testing.T) {
			if c.Slow {
				t.Skip("make corpus does it")
			}
			path, err := c.Make(t.Context(), easy, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			got, err := Measure(t.Context(), path, c.CaptureFPS)
			if err := c.Judge(easy, want, got, err); err != nil {
				t.Error(err)
			}
		})
	}
}
