package inventory

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/spineflex/spineflex/pkg/store"
)

// Columns (or keys) of a manifest. Others are ignored.
var (
	clipColumns  = []string{"clip", "path", "url", "file"}
	groupColumns = []string{"group", "lifter"}
)

// Manifest gives the clips that a manifest names: a .csv or .parquet table or
// .jsonl lines with a column "clip" (or "path", "url", "file") and, if wanted,
// "group" (or "lifter"); any other extension is a list, a clip a line. It may
// be at a URL. A relative path is below the manifest's folder.
func Manifest(ctx context.Context, stores *store.Stores, manifest string, take func(Clip)) error {
	file, release, err := stores.Fetch(ctx, manifest)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	defer release()
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	defer f.Close()
	read := readList
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv":
		read = readCSV
	case ".jsonl", ".ndjson", ".json":
		read = readJSONLines
	case ".parquet":
		read = readParquet
	}
	folder := filepath.Dir(manifest)
	if store.IsURL(manifest) {
		folder = ""
	}
	position := 0
	err = read(f, func(clip, group string) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if clip == "" {
			return fmt.Errorf("entry %d names no clip", position+1)
		}
		c := Clip{Source: clip, Group: group, Position: position, Fixed: true}
		position++
		switch {
		case store.IsURL(clip):
			u, err := url.Parse(clip)
			if err != nil {
				return fmt.Errorf("entry %d: %w", position, err)
			}
			c.Path = strings.Trim(path.Clean("/"+u.Path), "/")
		case folder == "" && !filepath.IsAbs(clip):
			return fmt.Errorf("entry %d: %s is a relative path, and the manifest is in an object store: write the whole URL", position, clip)
		case filepath.IsAbs(clip):
			c.Path = strings.Trim(filepath.ToSlash(filepath.Clean(clip)), "/")
		default:
			c.Source, c.Path = filepath.Join(folder, clip), filepath.ToSlash(filepath.Clean(clip))
		}
		take(c)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read manifest %s: %w", manifest, err)
	}
	return nil
}

// entry is told of each clip and its group, in order.
type entry func(clip, group string) error

func readList(f *os.File, tell entry) error {
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			if err := tell(line, ""); err != nil {
				return err
			}
		}
	}
	return lines.Err()
}

// column finds the first of the names in a header, -1 if there is none.
func column(header, names []string) int {
	for _, name := range names {
		if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), name) }); i >= 0 {
			return i
		}
	}
	return -1
}

var errNoColumn = fmt.Errorf("it has no column %q", clipColumns[0])

func readCSV(f *os.File, tell entry) error {
	in := bufio.NewReader(f)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" { // spreadsheets put it there
		_, _ = in.Discard(3)
	}
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	clip, group := column(header, clipColumns), column(header, groupColumns)
	if clip < 0 {
		return errNoColumn
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		of := ""
		if group >= 0 {
			of = record[group]
		}
		if err := tell(record[clip], of); err != nil {
			return err
		}
	}
}

func readJSONLines(f *os.File, tell entry) error {
	d := json.NewDecoder(bufio.NewReader(f))
	for {
		var fields map[string]any
		err := d.Decode(&fields)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text := func(names []string) string {
			for _, name := range names {
				if s, ok := fields[name].(string); ok {
					return s
				}
			}
			return ""
		}
		if err := tell(text(clipColumns), text(groupColumns)); err != nil {
			return err
		}
	}
}

func readParquet(f *os.File, tell entry) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	table, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return err
	}
	var header []string
	for _, c := range table.Schema().Columns() {
		header = append(header, strings.Join(c, "."))
	}
	clip, group := column(header, clipColumns), column(header, groupColumns)
	if clip < 0 {
		return errNoColumn
	}
	rows := parquet.NewReader(table)
	defer rows.Close()
	buffer := make([]parquet.Row, 512)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			var texts [2]string
			row.Range(func(i int, values []parquet.Value) bool {
				if len(values) == 1 && !values[0].IsNull() {
					switch i {
					case clip:
						texts[0] = values[0].String()
					case group:
						texts[1] = values[0].String()
					}
				}
				return true
			})
			if err := tell(texts[0], texts[1]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
