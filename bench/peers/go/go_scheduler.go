package main

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// What these do is told in bench/micro/scheduler, under the same names.
func init() {
	benchmarks["go_create_goroutines"] = func(r *recorder) { createChains(r, 1) }
	benchmarks["go_create_goroutines_parallel"] = func(r *recorder) { createChains(r, 4**procs) }
	benchmarks["go_create_goroutines_capture"] = createCapture
	benchmarks["go_create_goroutines_single"] = createSingle
	benchmarks["go_ping_pong_hog"] = pingPongHog
	for _, us := range []int{0, 1, 2, 5, 10, 20, 50, 100} {
		benchmarks[fmt.Sprintf("go_wakeup_parallel_spinning_%dus", us)] = func(r *recorder) {
			wakeAfter(r, time.Duration(us)*time.Microsecond)
		}
	}
	benchmarks["wake_under_load"] = wakeUnderLoad
	benchmarks["sleep_under_load_late"] = sleepUnderLoad
}

func createChain(end chan<- int64, left, made int64) {
	if left == 0 {
		end <- made
		return
	}
	go createChain(end, left-1, made+1)
}

func createChains(r *recorder, chains int) {
	each := countOf(300_000) / chains
	end := make(chan int64, 1)
	start := time.Now()
	for range chains {
		go createChain(end, int64(each), 0)
	}
	var made int64
	for range chains {
		made += <-end
	}
	r.recordEach(start, each*chains)
	check(r, made, each*chains, "goroutines made")
}

func createCapture(r *recorder) {
	const batch = 4
	times := countOf(100_000)
	var seen [batch]int64
	var all sync.WaitGroup
	start := time.Now()
	for k := range int64(times) {
		for i := range batch {
			all.Go(func() { seen[i] += k })
		}
		all.Wait()
	}
	r.recordEach(start, times*batch)
	check(r, total(seen[:]), batch*(times*(times-1)/2), "sum of what was captured")
}

func createSingle(r *recorder) {
	times := countOf(100_000)
	ran := make(chan int64, times)
	var all sync.WaitGroup
	start := time.Now()
	for i := range int64(times) {
		all.Go(func() { ran <- i })
	}
	all.Wait()
	r.recordEach(start, times)
	close(ran)
	var sum int64
	for i := range ran {
		sum += i
	}
	check(r, sum, times*(times-1)/2, "sum of the numbers")
}

func pingPongHog(r *recorder) {
	times := countOf(100_000)
	var stop atomic.Bool
	var others sync.WaitGroup
	others.Go(func() {
		x := uint64(1)
		for !stop.Load() {
			x = grind(x, 1_000)
			runtime.Gosched()
		}
		kept[0].value = x
	})
	ping, pong := make(chan int64), make(chan int64)
	others.Go(func() {
		for range times {
			v := <-ping
			pong <- v + 1
		}
	})
	var sum int64
	start := time.Now()
	for i := range int64(times) {
		ping <- i
		sum += <-pong
	}
	r.recordEach(start, times)
	stop.Store(true)
	others.Wait()
	check(r, sum, times*(times+1)/2, "sum of the echoes")
}

func wakeAfter(r *recorder, d time.Duration) {
	times := countOf(500)
	c := make(chan int64)
	sums := make([]int64, 2)
	start := time.Now()
	together(2, func(me int) {
		for i := range times {
			if i%2 == me {
				spin(d)
				sums[me] += <-c
			} else {
				spin(d + 5*time.Microsecond)
				c <- int64(i)
			}
		}
	})
	r.record(float64(time.Since(start).Nanoseconds())/1e3/float64(times), "us")
	check(r, total(sums), times*(times-1)/2, "sum of the values")
}

// underLoad runs f while four goroutines for each processor compute in slices of 20 us.
func underLoad(f func()) {
	var stop atomic.Bool
	var load sync.WaitGroup
	for range 4 * *procs {
		load.Go(func() {
			for !stop.Load() {
				spin(20 * time.Microsecond)
				runtime.Gosched()
			}
		})
	}
	f()
	stop.Store(true)
	load.Wait()
}

func wakeUnderLoad(r *recorder) {
	times := countOf(1_000)
	c := make(chan time.Time)
	var lateUs []float64
	var receiver sync.WaitGroup
	receiver.Go(func() {
		for sent := range c {
			lateUs = append(lateUs, float64(time.Since(sent).Nanoseconds())/1e3)
		}
	})
	underLoad(func() {
		for range times {
			c <- time.Now()
			spin(20 * time.Microsecond)
			runtime.Gosched()
		}
	})
	close(c)
	receiver.Wait()
	check(r, len(lateUs), times, "wake-ups")
	r.recordPercentiles(lateUs, "us")
}

func sleepUnderLoad(r *recorder) {
	times := countOf(200)
	var lateUs []float64
	underLoad(func() {
		for range times {
			start := time.Now()
			time.Sleep(500 * time.Microsecond)
			lateUs = append(lateUs, float64(time.Since(start).Nanoseconds())/1e3-500)
		}
	})
	check(r, len(lateUs), times, "sleeps")
	r.recordPercentiles(lateUs, "us")
}
