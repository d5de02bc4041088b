package shard_test

import (
	"container/heap"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/scale.md's tables again")

// measured is what a machine of two cores took for each of a batch of ten-second
// 1080p clips (scripts/bench-batch.sh).
type measured struct {
	seconds           []float64
	mean, sd          float64 // of seconds
	frames            float64 // mean
	bytesIn, bytesOut float64
	clipsPerCoreHour  float64
}

func readMeasured(t *testing.T) measured {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "clips.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 4 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var m measured
	for _, row := range rows[1:] {
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		m.seconds = append(m.seconds, v[0])
		m.mean += v[0]
		m.frames += v[1]
		m.bytesIn += v[2]
		m.bytesOut += v[3]
	}
	n := float64(len(m.seconds))
	m.mean, m.frames, m.bytesIn, m.bytesOut = m.mean/n, m.frames/n, m.bytesIn/n, m.bytesOut/n
	for _, s := range m.seconds {
		m.sd += (s - m.mean) * (s - m.mean) / n
	}
	m.sd = math.Sqrt(m.sd)
	m.clipsPerCoreHour = 3600 / (2 * m.mean)
	return m
}

// What the engines and stores add, as docs/scale.md says.
const (
	startS     = 30      // a task: a place on a machine, the image, the program
	manifestS  = 6e-6    // an entry of a manifest
	lossPerH   = 0.05    // preemptions of a machine an hour, as of spot machines in a bad week
	phoneBytes = 20e6    // ten seconds of 1080p from a phone, 16 Mbit/s
	requests   = 15      // to stores for a clip
	goodShardS = 30 * 60 // how long a shard should take
)

// plan is a batch on a cluster.
type plan struct {
	clips, machines, shards int
}

// hours is the model: waves of shards, each as long as the mean and, at the end
// of the last, the longest of as many as there are machines; stretched by what
// preemption has done again.
func (p plan) hours(m measured) float64 {
	overhead := startS + manifestS*float64(p.clips)
	k := float64(p.clips) / float64(p.shards)
	waves := math.Ceil(float64(p.shards) / float64(p.machines))
	last := math.Min(float64(p.machines), float64(p.shards))
	// The largest of n normal deviates is about sqrt(2 ln n) from their mean.
	tail := math.Sqrt(2*math.Log(math.Max(2, last))) * m.sd * math.Sqrt(k)
	again := 1 + lossPerH/3600*(overhead+m.mean/2)
	return (waves*(overhead+k*m.mean)*again + tail) / 3600
}

// simulate runs the plan: machines take shards as they get free, clips take what
// some measured one took, machines are lost at random and a lost shard starts
// again behind its last finished clip.
func (p plan) simulate(m measured, rng *rand.Rand) float64 {
	free := make(clock, p.machines)
	overhead := func() float64 { return startS*(0.5+rng.Float64()) + manifestS*float64(p.clips) }
	var end float64
	for i := range p.shards {
		clips := p.clips / p.shards
		if i < p.clips%p.shards {
			clips++
		}
		now := free[0]
		lost := now + rng.ExpFloat64()*3600/lossPerH
		now += overhead()
		for c := 0; c < clips; {
			took := m.seconds[rng.IntN(len(m.seconds))]
			if now+took > lost {
				now = lost + overhead()
				lost = now + rng.ExpFloat64()*3600/lossPerH
				continue
			}
			now += took
			c++
		}
		free[0] = now
		heap.Fix(&free, 0)
		end = math.Max(end, now)
	}
	return end / 3600
}

// clock is when each machine is free next, the first at the top.
type clock []float64

func (c clock) Len() int           { return len(c) }
func (c clock) Less(i, j int) bool { return c[i] < c[j] }
func (c clock) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *clock) Push(any)          { panic("machines do not grow") }
func (c *clock) Pop() any          { panic("machines do not shrink") }

func plans(m measured) []plan {
	all := []plan{{1_000, 1, 1}, {1_000, 10, 0}, {100_000, 10, 0}, {100_000, 200, 0}, {10_000_000, 2_000, 0}}
	for i := range all {
		p := &all[i]
		if p.shards == 0 { // as many whole waves as make good shards
			waves := math.Max(1, math.Round(float64(p.clips)*m.mean/float64(p.machines)/goodShardS))
			p.shards = p.machines * int(waves)
		}
	}
	return all
}

// The model of docs/scale.md agrees with a simulation that knows of everything it
// leaves out.
func TestModelAgreesWithSimulation(t *testing.T) {
	m := readMeasured(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range plans(m) {
		simulated, model := p.simulate(m, rng), p.hours(m)
		t.Logf("%d clips, %d machines, %d shards: simulated %.2f h, model %.2f h", p.clips, p.machines, p.shards, simulated, model)
		if ratio := model / simulated; ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%d clips on %d machines: the model says %.2f h, the simulation %.2f h", p.clips, p.machines, model, simulated)
		}
	}
}

// Shards of half an hour lose little to starting and little to the last one, in
// simulation: a tenth of that and twenty times that are both worse.
func TestGoodShardsAreGood(t *testing.T) {
	m := readMeasured(t)
	good := plans(m)[3]
	least := float64(good.clips) * m.mean / float64(good.machines) / 3600
	loss := func(shards int) float64 {
		p := plan{good.clips, good.machines, shards}
		return p.simulate(m, rand.New(rand.NewPCG(3, 4)))/least - 1
	}
	at := loss(good.shards)
	t.Logf("%d shards lose %.1f %%, ten times as many %.1f %%, half as many as machines %.1f %%", good.shards, 100*at, 100*loss(10*good.shards), 100*loss(good.machines/2))
	if at > 0.1 {
		t.Errorf("good shards lose %.0f %%", 100*at)
	}
	if few, many := loss(good.machines/2), loss(20*good.shards); few < at || many < at {
		t.Errorf("good shards lose %.3f, fewer %.3f, more %.3f", at, few, many)
	}
}

func TestDocsSayWhatTheModelSays(t *testing.T) {
	m := readMeasured(t)
	var facts, costs strings.Builder
	fmt.Fprintf(&facts, "| clips measured | %d |\n", len(m.seconds))
	fmt.Fprintf(&facts, "| a clip (mean ± sd) | %.1f ± %.1f s |\n", m.mean, m.sd)
	fmt.Fprintf(&facts, "| frames a second | %.0f |\n", m.frames/m.mean)
	fmt.Fprintf(&facts, "| clips per core-hour | %.0f |\n", m.clipsPerCoreHour)
	fmt.Fprintf(&facts, "| results of a clip, without video | %.2f MB |\n", m.bytesOut/1e6)
	for _, p := range plans(m) {
		n := float64(p.clips)
		fmt.Fprintf(&costs, "| %s | %s | %s | %.0f | %s h | %s | %s | %s | %s |\n", group(p.clips), group(p.machines), group(p.shards),
			n/float64(p.shards), short(p.hours(m)), group(int(math.Round(n/m.clipsPerCoreHour))),
			size(n*phoneBytes), size(n*m.bytesOut), group(p.clips*requests))
	}
	path := filepath.Join("..", "..", "docs", "scale.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(doc)
	for marker, table := range map[string]string{"measured": facts.String(), "model": costs.String()} {
		begin, end := "<!-- "+marker+" -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(text, begin)
		if !ok {
			t.Fatalf("docs/scale.md has no %q", begin)
		}
		old, after, _ := strings.Cut(rest, end)
		head := strings.Join(strings.SplitAfterN(old, "\n", 3)[:2], "") // the table's heading
		if *update {
			text = before + begin + head + table + end + after
		} else if old != head+table {
			t.Errorf("docs/scale.md says\n%s\nand the model\n%s\n(go test ./pkg/shard -update writes it)", old, head+table)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// group is a number in thousands, "10 000".
func group(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

func short(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func size(bytes float64) string {
	for _, u := range []struct {
		name string
		of   float64
	}{{"TB", 1e12}, {"GB", 1e9}} {
		if bytes >= u.of {
			return short(bytes/u.of) + " " + u.name
		}
	}
	return short(bytes/1e6) + " MB"
}
