package main

import (
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/spineflex/spineflex/pkg/worker"
)

// limitFlags are the flags of what one clip may take.
type limitFlags struct {
	timeout   time.Duration
	maxMemory string
}

func (l *limitFlags) register(f *pflag.FlagSet) {
	f.DurationVar(&l.timeout, "timeout", worker.DefaultTimeout, "give a clip up after this `TIME`, such as 90s or 20m (0: never)")
	f.StringVar(&l.maxMemory, "max-memory", "4GiB", "give a clip up that needs more than this `SIZE` of memory, such as 900MB or 2GiB (0: any)")
}

// leastMemory is what the shortest clip needs; less can only be a slip of the
// unit.
const leastMemory = 100 << 20

func (l *limitFlags) validate() (worker.Limits, error) {
	memory, err := humanize.ParseBytes(l.maxMemory)
	switch {
	case err != nil || memory > 1<<60:
		return worker.Limits{}, usagef("--max-memory is a size such as 900MB or 2GiB, got %q", l.maxMemory)
	case memory > 0 && memory < leastMemory:
		return worker.Limits{}, usagef("--max-memory must be at least 100MiB, got %q", l.maxMemory)
	case l.timeout < 0:
		return worker.Limits{}, usagef("--timeout must not be negative, got %s", l.timeout)
	}
	limits := worker.Limits{Timeout: l.timeout, MaxMemory: int64(memory)}
	if limits.Timeout == 0 {
		limits.Timeout = -1
	}
	if limits.MaxMemory == 0 {
		limits.MaxMemory = -1
	}
	return limits, nil
}
