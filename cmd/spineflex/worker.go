package main

import (
	"github.com/spf13/cobra"

	"github.com/spineflex/spineflex/pkg/worker"
)

// newWorkerCommand is the child's side of a [worker.Runner].
func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use:    worker.Command,
		Short:  "Take one clip to its results, asked and watched by another spineflex",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE:   func(cmd *cobra.Command, _ []string) error { return worker.Serve(cmd.Context()) },
	}
}
