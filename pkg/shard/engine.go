package shard

import (
	"fmt"
	"strconv"
)

// engine is how a system that starts many copies of a program tells each which
// one it is.
type engine struct {
	name  string
	index string // variable
	count string // variable; "" where the engine does not tell
	first string // variable with the lowest index; "" is 0
	step  string // variable with the distance of indices; "" is 1
}

// The engines, as their manuals name the variables. A pod of a Kubernetes Job is
// not told how many there are.
var engines = []engine{
	{"Kubernetes", "JOB_COMPLETION_INDEX", "", "", ""},
	{"Slurm", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"},
	{"AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", "", ""},
	{"Cloud Run", "CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT", "", ""},
}

func indexVariables() []string {
	var names []string
	for _, e := range engines {
		names = append(names, e.index)
	}
	return names
}

// Detect finds the share that the engine which started this process gives it,
// and the engine's name; the whole and "" where there is none. lookup is
// [os.LookupEnv] or the like.
func Detect(lookup func(string) (string, bool)) (Shard, string, error) {
	e, i, err := engineIndex(lookup)
	if e == nil || err != nil {
		return Shard{}, "", err
	}
	if _, told := lookup(e.count); e.count == "" || !told {
		return Shard{}, "", fmt.Errorf("%s says that this is number %d and not of how many: say --shard /N", e.index, i)
	}
	n, err := number(lookup, e.count)
	if err != nil {
		return Shard{}, "", err
	}
	if n < 1 || i >= n {
		return Shard{}, "", fmt.Errorf("%s is %d of %d by %s: an array with gaps; say --shard I/N", e.index, i, n, e.count)
	}
	return Shard{i, n}, e.name, nil
}

// engineIndex is the engine that started this process, nil if none, and the
// index it gave, from 0.
func engineIndex(lookup func(string) (string, bool)) (*engine, int, error) {
	for k := range engines {
		e := &engines[k]
		if text, ok := lookup(e.index); !ok || text == "" {
			continue
		}
		i, err := number(lookup, e.index)
		if err != nil {
			return nil, 0, err
		}
		first, step := 0, 1
		if _, ok := lookup(e.first); e.first != "" && ok {
			if first, err = number(lookup, e.first); err != nil {
				return nil, 0, err
			}
		}
		if _, ok := lookup(e.step); e.step != "" && ok {
			if step, err = number(lookup, e.step); err != nil {
				return nil, 0, err
			}
		}
		if step < 1 || i < first || (i-first)%step != 0 {
			return nil, 0, fmt.Errorf("%s is %d, which is not %d plus a multiple of %d", e.index, i, first, step)
		}
		return e, (i - first) / step, nil
	}
	return nil, 0, nil
}

func number(lookup func(string) (string, bool), variable string) (int, error) {
	text, _ := lookup(variable)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q, not a number from 0", variable, text)
	}
	return n, nil
}
