package shard_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/spineflex/spineflex/pkg/shard"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if k, v, _ := strings.Cut(p, "="); k == name && name != "" {
				return v, true
			}
		}
		return "", false
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		text string
		env  []string
		want shard.Shard
		err  string // part of the message
	}{
		{"0/1", nil, shard.Shard{Index: 0, Count: 1}, ""},
		{"3/8", nil, shard.Shard{Index: 3, Count: 8}, ""},
		{"3/8", []string{"JOB_COMPLETION_INDEX=5"}, shard.Shard{Index: 3, Count: 8}, ""},
		{"/8", []string{"JOB_COMPLETION_INDEX=5"}, shard.Shard{Index: 5, Count: 8}, ""},
		{"/8", []string{"SLURM_ARRAY_TASK_ID=5", "SLURM_ARRAY_TASK_MIN=1"}, shard.Shard{Index: 4, Count: 8}, ""},
		{"/8", nil, shard.Shard{}, "none of JOB_COMPLETION_INDEX"},
		{"/8", []string{"JOB_COMPLETION_INDEX=8"}, shard.Shard{}, "0 to 7"},
		{"8/8", nil, shard.Shard{}, "I from 0 to N-1"},
		{"-1/8", nil, shard.Shard{}, "I from 0 to N-1"},
		{"a/8", nil, shard.Shard{}, "I from 0 to N-1"},
		{"1/0", nil, shard.Shard{}, "N from 1"},
		{"1/x", nil, shard.Shard{}, "N from 1"},
		{"4", nil, shard.Shard{}, "such as 0/8"},
		{"", nil, shard.Shard{}, "such as 0/8"},
	} {
		t.Run(fmt.Sprintf("%s %v", tc.text, tc.env), func(t *testing.T) {
			got, err := shard.Parse(tc.text, env(tc.env...))
			checkError(t, err, tc.err)
			if got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestDetect(t *testing.T) {
	for _, tc := range []struct {
		name   string
		env    []string
		want   shard.Shard
		engine string
		err    string
	}{
		{"no engine", nil, shard.Shard{}, "", ""},
		{"Slurm from 0", []string{"SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_COUNT=10", "SLURM_ARRAY_TASK_MIN=0"}, shard.Shard{Index: 7, Count: 10}, "Slurm", ""},
		{"Slurm from 1", []string{"SLURM_ARRAY_TASK_ID=10", "SLURM_ARRAY_TASK_COUNT=10", "SLURM_ARRAY_TASK_MIN=1"}, shard.Shard{Index: 9, Count: 10}, "Slurm", ""},
		{"Slurm in steps of 4", []string{"SLURM_ARRAY_TASK_ID=8", "SLURM_ARRAY_TASK_COUNT=3", "SLURM_ARRAY_TASK_MIN=0", "SLURM_ARRAY_TASK_STEP=4"}, shard.Shard{Index: 2, Count: 3}, "Slurm", ""},
		{"Slurm list with gaps", []string{"SLURM_ARRAY_TASK_ID=9", "SLURM_ARRAY_TASK_COUNT=3", "SLURM_ARRAY_TASK_MIN=1"}, shard.Shard{}, "", "gaps"},
		{"AWS Batch", []string{"AWS_BATCH_JOB_ARRAY_INDEX=0", "AWS_BATCH_JOB_ARRAY_SIZE=4"}, shard.Shard{Index: 0, Count: 4}, "AWS Batch", ""},
		{"Cloud Run", []string{"CLOUD_RUN_TASK_INDEX=2", "CLOUD_RUN_TASK_COUNT=3"}, shard.Shard{Index: 2, Count: 3}, "Cloud Run", ""},
		{"Kubernetes does not say how many", []string{"JOB_COMPLETION_INDEX=2"}, shard.Shard{}, "", "--shard /N"},
		{"an AWS Batch job that is no array", []string{"AWS_BATCH_JOB_ID=x"}, shard.Shard{}, "", ""},
		{"no number", []string{"CLOUD_RUN_TASK_INDEX=two", "CLOUD_RUN_TASK_COUNT=3"}, shard.Shard{}, "", "not a number"},
		{"count below index", []string{"CLOUD_RUN_TASK_INDEX=3", "CLOUD_RUN_TASK_COUNT=3"}, shard.Shard{}, "", "gaps"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, engine, err := shard.Detect(env(tc.env...))
			checkError(t, err, tc.err)
			if got != tc.want || engine != tc.engine {
				t.Errorf("got %v by %q, want %v by %q", got, engine, tc.want, tc.engine)
			}
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Fatalf("error %v, want one with %q", err, want)
	}
}

func TestEveryClipIsInExactlyOneShard(t *testing.T) {
	const count = 7
	for i := range 500 {
		path := fmt.Sprintf("lifter%d/squat%03d.mp4", i%3, i)
		paths, positions := 0, 0
		for k := range count {
			s := shard.Shard{Index: k, Count: count}
			if s.HasPath(path) {
				paths++
			}
			if s.HasPosition(i) {
				positions++
			}
		}
		if paths != 1 || positions != 1 {
			t.Fatalf("%s is in %d shards by path, in %d by position", path, paths, positions)
		}
	}
	if !(shard.Shard{}).HasPath("x") || !(shard.Shard{Count: 1}).HasPosition(3) {
		t.Error("the whole does not have everything")
	}
}

// Shares by path are binomial: with n clips to each, four standard deviations
// (sqrt n each) leave one share in 16 000 outside.
func TestSharesByPathAreEven(t *testing.T) {
	const clips, count = 20_000, 50
	var share [count]int
	for i := range clips {
		for k := range count {
			if (shard.Shard{Index: k, Count: count}).HasPath(fmt.Sprintf("clips/IMG_%05d.MOV", i)) {
				share[k]++
				break
			}
		}
	}
	mean := float64(clips) / count
	for k, n := range share {
		if math.Abs(float64(n)-mean) > 4*math.Sqrt(mean) {
			t.Errorf("shard %d has %d clips, want about %.0f", k, n, mean)
		}
	}
}
