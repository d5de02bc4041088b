package traininglog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WriteCSV writes one row per set under the columns' names. Numbers are written so
// that they are read back exactly.
func WriteCSV(w io.Writer, sets []Set) error {
	c := csv.NewWriter(w)
	row := make([]string, len(columns))
	for i, col := range columns {
		row[i] = col.name
	}
	if err := c.Write(row); err != nil {
		return err
	}
	for i := range sets {
		for j, col := range columns {
			row[j] = col.text(&sets[i])
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// ReadCSV reads what [WriteCSV] wrote, the columns in any order. A column that is
// not known is refused, and so is a set that cannot be.
func ReadCSV(r io.Reader) ([]Set, error) {
	c := csv.NewReader(r)
	head, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; the first line names the columns")
	}
	if err != nil {
		return nil, err
	}
	cols := make([]column, len(head))
	for i, name := range head {
		k := slices.IndexFunc(columns, func(c column) bool { return c.name == strings.TrimPrefix(name, "\ufeff") })
		if k < 0 {
			return nil, fmt.Errorf("column %q is not known", name)
		}
		if slices.Index(head, name) < i {
			return nil, fmt.Errorf("column %q is there twice", name)
		}
		cols[i] = columns[k]
	}
	var sets []Set
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return sets, nil
		}
		if err != nil {
			return nil, err
		}
		s := blank()
		for i, cell := range row {
			if err := cols[i].parse(&s, cell); err != nil {
				return nil, fmt.Errorf("set %d: %w", len(sets)+1, err)
			}
		}
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("set %d: %w", len(sets)+1, err)
		}
		sets = append(sets, s)
	}
}

// WriteJSONLines writes one object per set.
func WriteJSONLines(w io.Writer, sets []Set) error {
	b := bufio.NewWriter(w)
	for i := range sets {
		for j, c := range columns {
			sep := `,`
			if j == 0 {
				sep = `{`
			}
			value, err := c.encode(&sets[i])
			if err != nil {
				return err
			}
			fmt.Fprintf(b, "%s%q:%s", sep, c.name, value)
		}
		fmt.Fprintln(b, "}")
	}
	return b.Flush()
}

// ReadJSONLines reads what [WriteJSONLines] wrote, the keys in any order. A key that
// is not known is refused, and so is a set that cannot be.
func ReadJSONLines(r io.Reader) ([]Set, error) {
	d := json.NewDecoder(r)
	var sets []Set
	for {
		var object map[string]json.RawMessage
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			return sets, nil
		}
		if err == nil && object == nil {
			err = errors.New("not an object")
		}
		if err != nil {
			return nil, fmt.Errorf("set %d: %w", len(sets)+1, err)
		}
		s := blank()
		for _, c := range columns {
			raw, given := object[c.name]
			delete(object, c.name)
			if !given {
				continue
			}
			if err := c.decode(&s, raw); err != nil {
				return nil, fmt.Errorf("set %d: %w", len(sets)+1, err)
			}
		}
		for key := range object {
			return nil, fmt.Errorf("set %d: key %q is not known", len(sets)+1, key)
		}
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("set %d: %w", len(sets)+1, err)
		}
		sets = append(sets, s)
	}
}

// Read reads an exported file, CSV or JSON lines by what it begins with.
func Read(r io.Reader) ([]Set, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")) {
		return ReadJSONLines(b)
	}
	return ReadCSV(b)
}

// Backup copies the whole log, calibrations and all, to a new file while others may
// go on writing. A file of that name is refused.
func (l *Log) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("back up to %s: %w", path, errors.Join(err, fs.ErrExist))
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".spineflex-backup-")
	if err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	defer os.RemoveAll(dir)
	part := filepath.Join(dir, "log.db")
	if _, err := l.db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return fmt.Errorf("back up to %s: %w", path, l.explain(err))
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return nil
}
