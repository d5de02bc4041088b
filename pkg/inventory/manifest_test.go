package inventory_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/store"
)

func parquetOf(t testing.TB, rows any) string {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch rows := rows.(type) {
	case []clipRow:
		err = parquet.Write(&b, rows)
	case []otherRow:
		err = parquet.Write(&b, rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type clipRow struct {
	Reps   int
	URL    string  `parquet:"url"`
	Lifter *string `parquet:"lifter,optional"`
}

type otherRow struct{ A string }

func TestManifest(t *testing.T) {
	anna := "anna"
	for _, tc := range []struct {
		name, file, content string
		want                []inventory.Clip
		err                 string
	}{
		{"list", "m.txt", "a.mp4\n\n  b c.mp4 \ns3://bucket/x/d.mp4\n/abs/e.mp4", []inventory.Clip{
			{Source: "DIR/a.mp4", Path: "a.mp4"},
			{Source: "DIR/b c.mp4", Path: "b c.mp4"},
			{Source: "s3://bucket/x/d.mp4", Path: "x/d.mp4"},
			{Source: "/abs/e.mp4", Path: "abs/e.mp4"},
		}, ""},
		{"csv", "m.csv", "\ufeffday,Clip,lifter\n1,\"a,b.mp4\",anna\n2,c.mp4,\n", []inventory.Clip{
			{Source: "DIR/a,b.mp4", Path: "a,b.mp4", Group: "anna"},
			{Source: "DIR/c.mp4", Path: "c.mp4"},
		}, ""},
		{"csv without rows", "m.csv", "clip\n", nil, ""},
		{"empty csv", "m.csv", "", nil, ""},
		{"csv without clips", "m.csv", "a,b\n1,2\n", nil, `it has no column "clip"`},
		{"csv of unequal rows", "m.csv", "clip,b\nx.mp4\n", nil, "wrong number of fields"},
		{"empty cell", "m.csv", "clip,b\n,1\n", nil, "entry 1 names no clip"},
		{"JSON lines", "m.jsonl", `{"path":"a.mp4","group":"g","n":1}` + "\n" + `{"path":"b.mp4"}`, []inventory.Clip{
			{Source: "DIR/a.mp4", Path: "a.mp4", Group: "g"},
			{Source: "DIR/b.mp4", Path: "b.mp4"},
		}, ""},
		{"broken JSON", "m.jsonl", `{"path":`, nil, "unexpected EOF"},
		{"JSON without clip", "m.jsonl", `{"a":1}`, nil, "entry 1 names no clip"},
		{"Parquet", "m.parquet", parquetOf(t, []clipRow{{3, "gs://b/a.mp4", &anna}, {1, "b.mp4", nil}}), []inventory.Clip{
			{Source: "gs://b/a.mp4", Path: "a.mp4", Group: "anna"},
			{Source: "DIR/b.mp4", Path: "b.mp4"},
		}, ""},
		{"Parquet without clips", "m.parquet", parquetOf(t, []otherRow{{"x"}}), nil, `it has no column "clip"`},
		{"no Parquet", "m.parquet", "PAR1 not really PAR1", nil, "m.parquet"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, tc.file)
			if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			var got []inventory.Clip
			err := inventory.Manifest(t.Context(), &store.Stores{}, path, func(c inventory.Clip) { got = append(got, c) })
			if (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want one with %q", err, tc.err)
			}
			if tc.err != "" {
				return
			}
			for i := range tc.want {
				tc.want[i].Source = strings.Replace(tc.want[i].Source, "DIR", dir, 1)
				tc.want[i].Position, tc.want[i].Fixed = i, true
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error("(-want +got):\n" + d)
			}
		})
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(".csv", []byte("clip,group\na.mp4,x\n"))
	f.Add(".jsonl", []byte(`{"clip":"a.mp4"}`))
	f.Add(".parquet", []byte(parquetOf(f, []clipRow{{1, "a.mp4", nil}})))
	f.Add(".txt", []byte("a.mp4\n"))
	f.Fuzz(func(t *testing.T, ext string, content []byte) {
		switch ext {
		case ".csv", ".jsonl", ".parquet", ".txt":
		default:
			return
		}
		path := filepath.Join(t.TempDir(), "m"+ext)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = inventory.Manifest(t.Context(), &store.Stores{}, path, func(c inventory.Clip) {
			if c.Source == "" {
				t.Error("a clip without a source")
			}
		})
	})
}
