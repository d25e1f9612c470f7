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
	benchmark string
	all       map[string]*series
}

func newRecorder(benchmark string) *recorder {
	return &recorder{benchmark, map[string]*series{}}
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

// count says how many goroutines, where a benchmark leaves that open; 0: as it likes.
var count = flag.Int("count", 0, "goroutines of the memory benchmarks")

type summary struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func summarise(r *recorder) []summary {
	var results []summary
	for name, s := range r.all {
		sort.Float64s(s.samples)
		n := len(s.samples)
		median := (s.samples[n/2] + s.samples[(n-1)/2]) / 2
		results = append(results,
			summary{name, s.unit, median, s.samples[0], s.samples[n-1]})
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
	procs := flag.Int("procs", 1, "GOMAXPROCS")
	rounds := flag.Int("rounds", 7, "rounds of each benchmark")
	only := flag.String("only", "", "run those with this in their name")
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
		if strings.Contains(name, only) {
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
