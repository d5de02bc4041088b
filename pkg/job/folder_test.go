package job

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spineflex/spineflex/pkg/analysis"
	"github.com/spineflex/spineflex/pkg/lift"
	"github.com/spineflex/spineflex/pkg/recording"
	"github.com/spineflex/spineflex/pkg/report"
)

func TestFolder(t *testing.T) {
	for _, tc := range []struct{ clip, want string }{
		{"squat.mp4", "out/squat"},
		{"videos/monday/squat.mp4", "out/squat"},
		{"set.1.mov", "out/set.1"},
		{"noextension", "out/noextension"},
		{".mp4", "out/.mp4"},
		{"..mp4", "out/..mp4"},
		{"...mp4", "out/...mp4"},
		{"monday/...mp4", "out/...mp4"},
		{"with space.mp4", "out/with space"},
	} {
		if got := Folder("out", tc.clip); got != filepath.FromSlash(tc.want) {
			t.Errorf("%s goes to %s, want %s", tc.clip, got, tc.want)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestClaimTakesAwayOnlyWhatItMadeAndIsEmpty(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "a", "b", "c")
	undo, err := Claim(folder, false)
	if err != nil || !exists(folder) {
		t.Fatalf("claimed folder is there: %t, %v", exists(folder), err)
	}
	undo()
	if exists(filepath.Join(root, "a")) || !exists(root) {
		t.Error("undo left an empty folder, or took one that was there before")
	}

	undo, err = Claim(folder, false)
	if err != nil {
		t.Fatal(err)
	}
	result := filepath.Join(folder, "recording.sfr")
	if err := os.WriteFile(result, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	undo()
	if !exists(result) {
		t.Error("undo took a result away")
	}
}

func TestClaimRefusesWhatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Claim(filepath.Join(file, "out"), false); !errors.Is(err, ErrNotWritable) {
		t.Errorf("got %v", err)
	}
}

func TestSweepLeavesWhatIsNotAResult(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "with [odd] *name?")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	stale := []string{
		report.AnalysisFile, report.FramesFile, VideoFile,
		".claim.1.tmp", ".recording.sfr.7", ".neutral.sfr.812", ".annotated.mp4.AB.part", ".frames.csv.3.tmp",
	}
	kept := []string{"neutral.sfr", "notes.txt", "recording.sfr"}
	for _, name := range slices.Concat(stale, kept) {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweep(folder); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if !slices.Equal(left, kept) {
		t.Errorf("%v is left, want %v", left, kept)
	}
}

func TestShellWord(t *testing.T) {
	for _, tc := range []struct{ path, want string }{
		{"out/squat", "out/squat"},
		{"out/my squat", "'out/my squat'"},
		{"it's", `'it'\''s'`},
		{"$(reboot)", "'$(reboot)'"},
		{"Kniebeuge-ä.1", "Kniebeuge-ä.1"},
	} {
		if got := shellWord(tc.path); got != tc.want {
			t.Errorf("%s becomes %s, want %s", tc.path, got, tc.want)
		}
	}
}

func TestUnmeasured(t *testing.T) {
	rep := analysis.Rep{MeasuredShare: 0.9}
	for _, tc := range []struct {
		name string
		a    analysis.Analysis
		want bool
	}{
		{"measured", analysis.Analysis{Reps: []analysis.Rep{rep}}, false},
		{"oblique view", analysis.Analysis{Reps: []analysis.Rep{rep}, Camera: lift.Camera{Verdict: lift.CameraOblique}}, false},
		{"one rep of two measured", analysis.Analysis{Reps: []analysis.Rep{{}, rep}}, false},
		{"no reps", analysis.Analysis{}, true},
		{"front view", analysis.Analysis{Reps: []analysis.Rep{rep}, Camera: lift.Camera{Verdict: lift.CameraUnusable}}, true},
		{"back hidden", analysis.Analysis{Reps: []analysis.Rep{{}, {}}}, true},
		{"upper body", analysis.Analysis{Reps: []analysis.Rep{rep}, Warnings: []analysis.Warning{{Code: analysis.WarnUpperBody, Message: "x"}}}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := Result{Analysis: &tc.a}
			if got := r.Unmeasured(); (got != "") != tc.want {
				t.Errorf("unmeasured because of %q, want a reason: %t", got, tc.want)
			}
		})
	}
}

func TestSavedSettingsOfAnUnfinishedFolder(t *testing.T) {
	s, err := SavedSettings(t.TempDir())
	if err != nil || s != (analysis.Settings{}) {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestSavedSettingsComeBack(t *testing.T) {
	folder := t.TempDir()
	want := analysis.Settings{Exercise: lift.Deadlift, Facing: lift.FacingLeft, StatureCM: 181.5, NeutralAtS: 2.25}
	for _, s := range []analysis.Settings{want, {}} {
		if err := report.Write(folder, &analysis.Analysis{Settings: s}, report.Options{}); err != nil {
			t.Fatal(err)
		}
		if got, err := SavedSettings(folder); err != nil || got != s {
			t.Errorf("got %+v, %v, want %+v", got, err, s)
		}
	}
	// Calibration recordings come back too, and go when they are no longer wanted.
	shown := &recording.Recording{Clip: recording.Clip{File: "toes.mp4", SHA256: "ab"}}
	if err := saveCalibration(folder, analysis.Settings{FullFlexionClip: shown}); err != nil {
		t.Fatal(err)
	}
	got, err := SavedSettings(folder)
	if err != nil || got.NeutralClip != nil || got.FullFlexionClip == nil || got.FullFlexionClip.Clip.File != "toes.mp4" {
		t.Errorf("got %+v, %v, want the full-flexion clip", got, err)
	}
	if err := saveCalibration(folder, analysis.Settings{}); err != nil {
		t.Fatal(err)
	}
	if got, err := SavedSettings(folder); err != nil || got != (analysis.Settings{}) {
		t.Errorf("got %+v, %v, want none", got, err)
	}
	if err := os.WriteFile(filepath.Join(folder, report.AnalysisFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SavedSettings(folder); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a damaged analysis.json gives %v", err)
	}
}
