// Weftbench does the work of weft-bench and weft-bench-memory in Go, under the same names, with the
// same options and the same output, so that one script can compare them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"
)

type series struct {
	unit    string
	samples []float64
}

// recorder collects the results of the rounds of one benchmark.
type recorder struct {
	benchmark         string
	all               map[string]*series
	checking, checked uint64 // the sum of what this round checked, and that of a whole round
	told              bool   // this round checked something
	rounds            int
}

func newRecorder(benchmark string) *recorder {
	return &recorder{benchmark: benchmark, all: map[string]*series{}}
}

// check says what the work came to and ends the program if that is wrong.
func check[A, W int | int64](r *recorder, actual A, wanted W, what string) {
	expectEqual(int64(actual), int64(wanted), what)
	note(r, actual)
}

// note does the same where only the peers know what is right.
func note[A int | int64](r *recorder, actual A) {
	r.checking += uint64(actual)
	r.told = true
}

func (r *recorder) endRound() {
	if !r.told {
		fmt.Fprintf(os.Stderr, "%s does not say what it came to\n", r.benchmark)
		os.Exit(1)
	}
	if r.rounds > 0 {
		expectEqual(int64(r.checking), int64(r.checked), "the check of a round")
	}
	r.checked, r.checking, r.told = r.checking, 0, false
	r.rounds++
}

// recordPercentiles records the middle and the tail of what was measured many times.
func (r *recorder) recordPercentiles(values []float64, unit string) {
	sort.Float64s(values)
	for _, p := range []struct {
		suffix string
		share  float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}} {
		r.recordAs(p.suffix, values[int(p.share*float64(len(values)-1))], unit)
	}
}

func (r *recorder) record(value float64, unit string) { r.enter(r.benchmark, value, unit) }

func (r *recorder) recordAs(suffix string, value float64, unit string) {
	r.enter(r.benchmark+"_"+suffix, value, unit)
}

func (r *recorder) enter(name string, value float64, unit string) {
	s := r.all[name]
	if s == nil {
		s = &series{unit: unit}
		r.all[name] = s
	}
	s.samples = append(s.samples, value)
}

func (r *recorder) recordEach(start time.Time, operations int) {
	r.record(float64(time.Since(start).Nanoseconds())/float64(operations), "ns")
}

var benchmarks = map[string]func(*recorder){}

// memoryBenchmarks are run with -memory, once in a process: what others left behind would be
// counted otherwise.
var memoryBenchmarks = map[string]func(*recorder){}

// count says how many operations at most; 0: as many as a benchmark likes.
var count = flag.Int("count", 0, "operations at most; goroutines of the memory benchmarks")

// procs is GOMAXPROCS.
var procs = flag.Int("procs", 1, "GOMAXPROCS")

// countOf says how often to do it: as usual, or less if --count says so.
func countOf(usual int) int { return min(usual, countOr(usual)) }

// countOr is as --count says, even if that is more.
func countOr(usual int) int {
	if *count > 0 {
		return *count
	}
	return usual
}

type summary struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Check  uint64  `json:"check"`
}

func summarise(r *recorder) []summary {
	var results []summary
	for name, s := range r.all {
		sort.Float64s(s.samples)
		n := len(s.samples)
		median := (s.samples[n/2] + s.samples[(n-1)/2]) / 2
		results = append(results,
			summary{name, s.unit, median, s.samples[0], s.samples[n-1], r.checked})
	}
	sort.Slice(results, func(i, j int) bool { return results[i].Name < results[j].Name })
	return results
}

func runOne(name string, rounds int, warmUp bool) []summary {
	body := benchmarks[name]
	if warmUp {
		body(newRecorder(name))
	}
	r := newRecorder(name)
	for round := 0; round < rounds; round++ {
		body(r)
		r.endRound()
	}
	return summarise(r)
}

func expectEqual(actual, wanted int64, what string) {
	if actual != wanted {
		fmt.Fprintf(os.Stderr, "wrong result: %s is %d, should be %d\n", what, actual, wanted)
		os.Exit(1)
	}
}

func printLine(s summary) {
	fmt.Printf("%-24s %14.2f %-6s %14.2f %14.2f\n", s.Name, s.Median, s.Unit, s.Min, s.Max)
}

func writeJSON(file string, procs int, results []summary) {
	text, err := json.Marshal(map[string]any{
		"program": runtime.Version(), "procs": procs, "results": results})
	if err == nil && file == "-" {
		fmt.Println(string(text))
	} else if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	rounds := flag.Int("rounds", 7, "rounds of each benchmark")
	only := flag.String("only", "", "run those with this in their name; =x: just x")
	jsonFile := flag.String("json", "", "write JSON to this file; - is standard output")
	list := flag.Bool("list", false, "list the names")
	noWarmUp := flag.Bool("no-warm-up", false, "do not run a round before the first")
	memory := flag.Bool("memory", false, "run the memory benchmarks instead, once")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)

	if *memory {
		benchmarks, *rounds, *noWarmUp = memoryBenchmarks, 1, true
	}
	results := runMatching(*only, *rounds, *list, !*noWarmUp)
	if *jsonFile != "-" {
		for _, s := range results {
			printLine(s)
		}
	}
	if *jsonFile != "" {
		writeJSON(*jsonFile, *procs, results)
	}
}

func runMatching(only string, rounds int, list, warmUp bool) []summary {
	var names []string
	for name := range benchmarks {
		if just, exact := strings.CutPrefix(only, "="); exact && name == just ||
			!exact && strings.Contains(name, only) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var results []summary
	for _, name := range names {
		if list {
			fmt.Println(name)
		} else {
			results = append(results, runOne(name, rounds, warmUp)...)
		}
	}
	return results
}
