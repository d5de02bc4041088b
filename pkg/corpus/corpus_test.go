package corpus

import (
	"path/filepath"
	"testing"
)

func TestClips(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain.mp4")
	if err := Plain(t.Context(), filepath.Join("..", "..", "testdata", "squat.mp4"), plain); err != nil {
		t.Fatal(err)
	}
	want, err := Measure(t.Context(), plain, 0)
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
			path, err := c.Make(t.Context(), plain, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			got, err := Measure(t.Context(), path, c.CaptureFPS)
			if err := c.Judge(want, got, err); err != nil {
				t.Error(err)
			}
		})
	}
}
