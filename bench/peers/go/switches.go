package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	benchmarks["yield_2"] = func(r *recorder) { yieldAmong(r, 2, 500_000) }
	benchmarks["yield_2_beside_1000_reads"] = yieldBesideReads
	benchmarks["yield_1000"] = func(r *recorder) { yieldAmong(r, 1_000, 1_000) }
	benchmarks["spawn_batch_1000"] = spawnBatches
	benchmarks["spawn_one"] = spawnOne
	benchmarks["wait_group_add_done"] = addDone
	benchmarks["cpu_bound"] = cpuBound
}

func yieldAmong(r *recorder, goroutines, yieldsUsual int) {
	yieldsEach := countOf(yieldsUsual)
	begin := make(chan struct{})
	var all sync.WaitGroup
	turns := make([]int64, goroutines)
	for g := range turns {
		mine := &turns[g]
		all.Go(func() {
			<-begin
			for i := 0; i < yieldsEach; i++ {
				*mine++
				runtime.Gosched()
			}
		})
	}
	close(begin)
	start := time.Now()
	all.Wait()
	r.recordEach(start, goroutines*yieldsEach)
	var sum int64
	for _, mine := range turns {
		sum += mine
	}
	check(r, sum, int64(goroutines)*int64(yieldsEach), "turns")
}

// A read that is Go's own parks its goroutine; a bare system call blocks a thread, as in weft.
func yieldBesideReads(r *recorder) {
	const readers, yieldsEach = 1_000, 500_000
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		panic(err)
	}
	var inside atomic.Int64
	var stuck, all sync.WaitGroup
	for i := 0; i < readers; i++ {
		stuck.Go(func() {
			inside.Add(1)
			var b [1]byte
			syscall.Read(ends[0], b[:])
		})
	}
	for inside.Load() < readers {
		runtime.Gosched()
	}
	start := time.Now()
	for i := 0; i < 2; i++ {
		all.Go(func() {
			for n := 0; n < yieldsEach; n++ {
				runtime.Gosched()
			}
		})
	}
	all.Wait()
	r.recordEach(start, 2*yieldsEach)
	syscall.Close(ends[1])
	stuck.Wait()
	syscall.Close(ends[0])
	check(r, inside.Load(), readers, "readers")
}

func spawnBatches(r *recorder) {
	batches, each := countOf(300), 1_000
	var all sync.WaitGroup
	start := time.Now()
	for b := 0; b < batches; b++ {
		for i := 0; i < each; i++ {
			all.Go(func() {})
		}
		all.Wait()
	}
	r.recordEach(start, batches*each)
	note(r, int64(batches*each))
}

func spawnOne(r *recorder) {
	times := countOf(100_000)
	var ran int64
	var all sync.WaitGroup
	start := time.Now()
	for i := 0; i < times; i++ {
		all.Go(func() { ran++ })
		all.Wait()
	}
	r.recordEach(start, times)
	check(r, ran, times, "goroutines run")
}

func addDone(r *recorder) {
	times := countOf(2_000_000)
	var group sync.WaitGroup
	group.Add(1)
	start := time.Now()
	for i := 0; i < times; i++ {
		group.Add(1)
		group.Done()
	}
	r.recordEach(start, times)
	group.Done()
	group.Wait()
	note(r, times)
}

func grind(x uint64, times int) uint64 {
	for i := 0; i < times; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func cpuBound(r *recorder) {
	const steps, parts = 40_000_000, 32
	alone := make([]uint64, parts)
	start := time.Now()
	for p := range alone {
		alone[p] = grind(uint64(p+1), steps/parts)
	}
	serial := time.Since(start)
	together := make([]uint64, parts)
	var all sync.WaitGroup
	start = time.Now()
	for p := range together {
		all.Go(func() { together[p] = grind(uint64(p+1), steps/parts) })
	}
	all.Wait()
	parallel := time.Since(start)
	r.recordAs("ms", parallel.Seconds()*1e3, "ms")
	r.recordAs("speedup", serial.Seconds()/parallel.Seconds(), "x")
	for p := range together {
		expectEqual(int64(together[p]), int64(alone[p]), "a part")
	}
	note(r, 1)
}
