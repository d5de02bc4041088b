package batch

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spineflex/spineflex/pkg/inventory"
	"github.com/spineflex/spineflex/pkg/shard"
	"github.com/spineflex/spineflex/pkg/store"
)

// Inputs say which clips a batch takes.
type Inputs struct {
	Places   []string // folders and files, paths or URLs
	Manifest string   // a file that names clips, "" for none
	Filter   inventory.Options
	Shard    shard.Shard
	GroupBy  *regexp.Regexp // nil: by folder; see [Group]
}

// Item is a clip of a batch and the name of its results folder.
type Item struct {
	inventory.Clip
	Name string
}

// List is the work of a batch.
type List struct {
	Items    []Item // of this shard
	Total    int    // of all shards
	Shard    shard.Shard
	Problems []inventory.Problem // of this shard; the first one's are those of the listing
}

// Collect lists the clips of this shard and names them. The names depend on
// those of all shards.
func Collect(ctx context.Context, stores *store.Stores, out store.Folder, in Inputs) (*List, error) {
	list := &List{Shard: in.Shard}
	var names inventory.Names
	names.Owns = func(name string, c inventory.Clip) bool {
		s, err := readState(ctx, out, name)
		return err == nil && s != nil && s.Clip == whereabouts(c.Source)
	}
	take := func(c inventory.Clip) {
		list.Total++
		names.Add(c)
		if c.Fixed && in.Shard.HasPosition(c.Position) || !c.Fixed && in.Shard.HasPath(c.Path) {
			c.Group = Group(c, in.GroupBy)
			list.Items = append(list.Items, Item{Clip: c})
		}
	}
	in.Filter.Output = out.String()
	problems, err := inventory.List(ctx, stores, in.Places, in.Filter, take)
	if err != nil {
		return nil, fmt.Errorf("list clips: %w", err)
	}
	if in.Manifest != "" {
		if err := inventory.Manifest(ctx, stores, in.Manifest, take); err != nil {
			return nil, err
		}
	}
	if in.Shard.Index == 0 { // one of them says what all of them see
		list.Problems = problems
	}
	for i := range list.Items {
		list.Items[i].Name = names.Of(list.Items[i].Clip)
	}
	return list, nil
}

// Group says whose clip it is: what by finds in its path (its first group in
// parentheses, if it has one), else what the manifest says, else its folder.
func Group(c inventory.Clip, by *regexp.Regexp) string {
	if by != nil {
		found := by.FindStringSubmatch(c.Path)
		switch {
		case len(found) > 1:
			return found[1]
		case found != nil:
			return found[0]
		}
		return ""
	}
	if c.Group != "" {
		return c.Group
	}
	if dir := path.Dir(c.Path); dir != "." {
		return dir
	}
	return c.Root
}

// whereabouts is a clip's place that does not depend on the working folder, nor
// on how a store is reached.
func whereabouts(source string) string {
	if store.IsURL(source) {
		source, _, _ = strings.Cut(source, "?")
		return source
	}
	if abs, err := filepath.Abs(source); err == nil {
		return abs
	}
	return source
}
