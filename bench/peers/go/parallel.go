package main

import (
	"sync"
	"time"
)

// together calls f(0), f(1), ... in n goroutines at once, and waits for them.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { f(i) })
	}
	all.Wait()
}

// onEachProcessor shares the operations among as many goroutines as processors; what sumOf(n) of
// each comes to must be n.
func onEachProcessor(r *recorder, operations int, sumOf func(times int) int64) {
	each := countOf(operations) / *procs
	sums := make([]int64, *procs)
	start := time.Now()
	together(*procs, func(i int) { sums[i] = sumOf(each) })
	r.recordEach(start, each**procs)
	check(r, total(sums), each**procs, "sum over the goroutines")
}

func total(sums []int64) int64 {
	var all int64
	for _, sum := range sums {
		all += sum
	}
	return all
}

// spin keeps the processor busy for so long.
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// kept keeps the compiler from leaving out what computes it.
var kept [64]struct {
	value uint64
	_     [120]byte
}
