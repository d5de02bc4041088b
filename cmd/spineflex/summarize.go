package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/store"
	"github.com/spineflex/spineflex/pkg/summary"
)

func newSummarizeCommand(con console) *cobra.Command {
	var groupBy string
	cmd := &cobra.Command{
		Use:   "summarize OUT",
		Short: "Sum up all results in a folder",
		Long: `Write summary.html, summary.csv and .parquet (a row per clip), summary-reps.csv
and .parquet (a row per rep) and failures.jsonl for all results in a folder or
object store, whether one batch, many shards or "spineflex analyze" made them.`,
		Example: "  spineflex summarize s3://lab/results",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runSummarize(cmd.Context(), con, args[0], groupBy)
		},
	}
	cmd.Flags().StringVar(&groupBy, "group-by", "", "group clips by what `REGEX` (its first parentheses) finds in the name of their results (default: as batch did, else by folder)")
	return cmd
}

func runSummarize(ctx context.Context, con console, place, groupBy string) error {
	by, err := parseGroupBy(groupBy)
	if err != nil {
		return err
	}
	if info, err := os.Stat(place); !store.IsURL(place) && (err != nil || !info.IsDir()) {
		if errors.Is(err, fs.ErrNotExist) || err == nil {
			return fmt.Errorf("%s is no folder of results", place)
		}
		return err
	}
	var stores store.Stores
	defer stores.Close()
	out, err := stores.Open(ctx, place)
	if err != nil {
		return err
	}
	if err := summary.Write(ctx, out, "", summary.Options{GroupBy: by}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.out, "%s/%s\n", strings.TrimSuffix(place, "/"), summary.HTMLFile)
	return err
}
