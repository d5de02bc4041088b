package traininglog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Salvage reads what can still be read of a damaged log, and changes nothing. The
// sets come in the order they were lifted. It finds none where the file's first
// page is gone.
func Salvage(ctx context.Context, path string) ([]Set, error) {
	l, err := openCopy(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()

	found := map[int64]Set{}
	for _, query := range l.salvageQueries(ctx) {
		if l.readAround(ctx, query, found); len(found) > 0 {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sets := make([]Set, 0, len(found))
	for _, s := range found {
		sets = append(sets, s)
	}
	sortSets(sets)
	if len(sets) == 0 {
		return nil, fmt.Errorf("training log %s %w and nothing of it can be read", path, ErrDamaged)
	}
	return sets, nil
}

// salvageQueries ask for whole sets, of whatever version the file is, the second
// without the lifters' names, which may be what is damaged.
func (l *Log) salvageQueries(ctx context.Context) []string {
	there := map[string]bool{}
	rows, err := l.db.QueryContext(ctx, `SELECT name FROM pragma_table_info('set')`)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if rows.Scan(&name) == nil {
			there[name] = true
		}
	}
	if rows.Err() != nil {
		return nil
	}
	var rest strings.Builder
	for _, c := range columns[1:] {
		if there[c.name] {
			rest.WriteString(`, "set".` + c.name)
		} else {
			rest.WriteString(", NULL")
		}
	}
	return []string{
		`SELECT "set".id, lifter.name` + rest.String() + ` FROM "set" JOIN lifter ON lifter.id = "set".lifter `,
		`SELECT "set".id, 'lifter ' || "set".lifter` + rest.String() + ` FROM "set" `,
	}
}

// readAround reads from the front to the first damage, from the back to the last, and
// one by one between. It adds what it finds.
func (l *Log) readAround(ctx context.Context, query string, found map[int64]Set) {
	add := func(sets []Set) {
		for _, s := range sets {
			if s.Validate() == nil {
				found[s.ID] = s
			}
		}
	}
	ascending, err := l.read(ctx, l.db, query+`ORDER BY "set".id`)
	add(ascending)
	if err == nil {
		return
	}
	descending, _ := l.read(ctx, l.db, query+`ORDER BY "set".id DESC`)
	add(descending)
	first, last := lastID(ascending), lastID(descending)
	if len(descending) == 0 {
		const beyond = 1000 // numbers are given in order
		last = first + beyond
	}
	for id := first + 1; id < last && ctx.Err() == nil; id++ {
		if s, err := l.read(ctx, l.db, query+`WHERE "set".id = ?`, id); err == nil {
			add(s)
		}
	}
}

// lastID is the number of the last set that was read.
func lastID(sets []Set) int64 {
	if len(sets) == 0 {
		return 0
	}
	return sets[len(sets)-1].ID
}

// copyPadded copies a log and what was last written to it into dir. Where the end is
// missing it is made as long as its header says, or SQLite would not look at it at all.
func copyPadded(path, dir string) (string, error) {
	to := filepath.Join(dir, "log.db")
	for _, part := range []string{"", walSuffix} {
		b, err := os.ReadFile(path + part)
		if part != "" && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err == nil {
			err = os.WriteFile(to+part, b, 0o600)
		}
		if err != nil {
			return "", err
		}
		// https://www.sqlite.org/fileformat.html, section 1.3: page size at byte 16 (1
		// stands for 65536), number of pages at byte 28.
		if part == "" && len(b) >= 100 {
			page := int64(binary.BigEndian.Uint16(b[16:]))
			if page == 1 {
				page = 65536
			}
			const most = 4 << 30 // what a header may make us write (of zeros)
			if size := page * int64(binary.BigEndian.Uint32(b[28:])); size > int64(len(b)) && size < most {
				if err := os.Truncate(to, size); err != nil {
					return "", err
				}
			}
		}
	}
	return to, nil
}
