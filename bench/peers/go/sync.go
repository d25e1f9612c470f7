package main

import (
	"runtime"
	"sync"
	"time"
)

// Go's standard library has no semaphore, latch or event: a channel does their work.
func init() {
	benchmarks["once_done"] = onceDone
	benchmarks["once_value_done"] = onceValueDone
	benchmarks["semaphore_acquire_release"] = semaphoreAlone
	benchmarks["semaphore_contended_1"] = func(r *recorder) { contend(r, 1) }
	benchmarks["semaphore_contended_4"] = func(r *recorder) { contend(r, 4) }
	benchmarks["semaphore_handoff"] = semaphoreHandoff
	benchmarks["latch_wait_open"] = waitClosed
	benchmarks["event_wait_set"] = waitClosed
	benchmarks["pool_get_put"] = poolAlone
	benchmarks["pool_by_value"] = poolAlone
	benchmarks["pool_together"] = poolTogether
}

func onceDone(r *recorder) {
	times := countOf(20_000_000)
	var once sync.Once
	runs := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		once.Do(func() { runs++ })
	}
	r.recordEach(start, times)
	check(r, int64(runs), 1, "runs")
}

func onceValueDone(r *recorder) {
	times := countOf(20_000_000)
	value := sync.OnceValue(func() int64 { return 3 })
	sum := int64(0)
	start := time.Now()
	for i := 0; i < times; i++ {
		sum += value()
	}
	r.recordEach(start, times)
	check(r, sum, 3*times, "sum")
}

func semaphoreAlone(r *recorder) {
	times := countOf(5_000_000)
	s := make(chan struct{}, 10)
	start := time.Now()
	for i := 0; i < times; i++ {
		s <- struct{}{}
		<-s
	}
	r.recordEach(start, times)
	check(r, 1-len(s), 1, "all are free")
}

func contend(r *recorder, permits int) {
	goroutines, times := 8, countOf(50_000)
	s := make(chan struct{}, permits)
	counted := int64(0)
	var all sync.WaitGroup
	start := time.Now()
	for g := 0; g < goroutines; g++ {
		all.Go(func() {
			for i := 0; i < times; i++ {
				s <- struct{}{}
				if permits == 1 {
					counted++
				}
				<-s
			}
		})
	}
	all.Wait()
	r.recordEach(start, goroutines*times)
	if permits == 1 {
		expectEqual(counted, int64(goroutines*times), "counted")
	}
	check(r, goroutines*times+len(s), goroutines*times, "free again")
}

func semaphoreHandoff(r *recorder) {
	goroutines, times := 8, countOf(20_000)
	s := make(chan struct{}, 1)
	var all sync.WaitGroup
	start := time.Now()
	for g := 0; g < goroutines; g++ {
		all.Go(func() {
			for i := 0; i < times; i++ {
				s <- struct{}{}
				runtime.Gosched()
				<-s
			}
		})
	}
	all.Wait()
	r.recordEach(start, goroutines*times)
	note(r, goroutines*times)
}

func waitClosed(r *recorder) {
	times := countOf(20_000_000)
	c := make(chan struct{})
	close(c)
	start := time.Now()
	for i := 0; i < times; i++ {
		<-c
	}
	r.recordEach(start, times)
	note(r, times)
}

type buffer [256]byte

func poolAlone(r *recorder) {
	times := countOf(5_000_000)
	p := sync.Pool{New: func() any { return new(buffer) }}
	var sum int64
	start := time.Now()
	for i := 0; i < times; i++ {
		b := p.Get().(*buffer)
		b[0]++
		if b[0] != 0 {
			sum++
		}
		p.Put(b)
	}
	r.recordEach(start, times)
	expectEqual(boolToInt(sum > 0), 1, "some were used")
	note(r, times)
}

func poolTogether(r *recorder) {
	goroutines, times := 4, countOf(1_000_000)
	p := sync.Pool{New: func() any { return new(buffer) }}
	var all sync.WaitGroup
	start := time.Now()
	for g := 0; g < goroutines; g++ {
		all.Go(func() {
			for i := 0; i < times; i++ {
				b := p.Get().(*buffer)
				b[0]++
				p.Put(b)
			}
		})
	}
	all.Wait()
	r.recordEach(start, goroutines*times)
	note(r, goroutines*times)
}
