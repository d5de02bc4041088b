package main

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/progress"
)

func newPlanCommand(con console) *cobra.Command {
	var w which
	var settings string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say what to do in the coming session, and why",
		Long: `Say what to do in the coming session: go deeper, stay, or put height back, with the
reason. The load stays while the depth changes. The rule is in docs/progression.md;
its numbers can be set in a TOML file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPlan(cmd.Context(), con, w, settings, asJSON)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&w.lifter, "lifter", "", "for `NAME` (default: the only one in the log)")
	f.StringVar(&w.exercise, "exercise", "", "only for this `EXERCISE`")
	registerLogFile(f, &w.file)
	registerSettings(cmd, &settings)
	f.BoolVar(&asJSON, "json", false, "write JSON lines")
	return cmd
}

func runPlan(ctx context.Context, con console, w which, settings string, asJSON bool) error {
	parts, err := readParts(ctx, w, settings)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if !asJSON {
			printAdvice(con.out, p)
			continue
		}
		if err := json.NewEncoder(con.out).Encode(newPlanned(p)); err != nil {
			return err
		}
	}
	return nil
}

// planned is an advice for programs.
type planned struct {
	Lifter   string   `json:"lifter"`
	Exercise string   `json:"exercise"`
	Action   string   `json:"action"`
	HeightM  *float64 `json:"height_m"`
	DepthPct *float64 `json:"depth_pct"`
	LoadKG   *float64 `json:"load_kg"`
	Until    *string  `json:"until"`
	What     string   `json:"what"`
	Why      string   `json:"why"`
	Film     string   `json:"film,omitempty"`
}

func newPlanned(p progress.Part) planned {
	a := p.Advice
	finite := func(v float64) *float64 {
		if math.IsNaN(v) {
			return nil
		}
		return &v
	}
	out := planned{
		Lifter: p.Series.Lifter, Exercise: string(p.Series.Exercise), Action: string(a.Action),
		HeightM: finite(a.HeightM), DepthPct: finite(a.DepthPct), LoadKG: finite(a.LoadKG), What: a.What, Why: a.Why, Film: a.Film,
	}
	if !a.Until.IsZero() {
		day := a.Until.Format(time.DateOnly)
		out.Until = &day
	}
	return out
}
