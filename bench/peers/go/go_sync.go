package main

import (
	"fmt"
	"sync"
	"time"
)

// What these do is told in bench/micro/sync, under the same names.
func init() {
	benchmarks["go_mutex_uncontended"] = mutexUncontended
	benchmarks["go_mutex"] = func(r *recorder) { mutexContend(r, 1, 0) }
	benchmarks["go_mutex_slack"] = func(r *recorder) { mutexContend(r, 10, 0) }
	benchmarks["go_mutex_work"] = func(r *recorder) { mutexContend(r, 1, 100) }
	benchmarks["go_mutex_work_slack"] = func(r *recorder) { mutexContend(r, 10, 100) }
	benchmarks["go_mutex_no_spin"] = mutexNoSpin
	benchmarks["go_mutex_spin"] = mutexSpin
	benchmarks["go_rwmutex_uncontended"] = rwmutexUncontended
	benchmarks["go_rwmutex_write_100"] = func(r *recorder) { readAndWrite(r, 100, 0) }
	benchmarks["go_rwmutex_write_10"] = func(r *recorder) { readAndWrite(r, 10, 0) }
	benchmarks["go_rwmutex_work_write_100"] = func(r *recorder) { readAndWrite(r, 100, 100) }
	benchmarks["go_rwmutex_work_write_10"] = func(r *recorder) { readAndWrite(r, 10, 100) }
	for _, waiters := range []int{1, 2, 4, 8, 16, 32} {
		benchmarks[fmt.Sprintf("go_cond_%d", waiters)] = func(r *recorder) { meet(r, waiters) }
	}
}

func mutexUncontended(r *recorder) {
	onEachProcessor(r, 5_000_000, func(times int) int64 {
		own := new(struct {
			sync.Mutex
			n int64
			_ [128]byte
		})
		for range times {
			own.Lock()
			own.n++
			own.Unlock()
		}
		return own.n
	})
}

func mutexContend(r *recorder, goroutinesEach, work int) {
	goroutines := goroutinesEach * *procs
	each := countOf(1_000_000) / goroutines
	var m sync.Mutex
	var n int64
	start := time.Now()
	together(goroutines, func(i int) {
		x := uint64(1)
		for range each {
			m.Lock()
			n++
			m.Unlock()
			x = grind(x, work)
		}
		kept[i%64].value = x
	})
	r.recordEach(start, each*goroutines)
	check(r, n, each*goroutines, "turns")
}

func touch(data []uint64) {
	for i := 0; i < len(data); i += 4 {
		data[i]++
	}
}

type accounts struct {
	m        sync.Mutex
	from, to int64
}

func (a *accounts) move() {
	a.m.Lock()
	a.from -= 100
	a.to += 100
	a.m.Unlock()
}

func mutexNoSpin(r *recorder) {
	goroutines := 4 * *procs
	each := countOf(100_000) / goroutines
	var a accounts
	start := time.Now()
	together(goroutines, func(int) {
		c := make(chan int64)
		data := make([]uint64, 4_096/8)
		for k := range int64(each) {
			if k%4 == 0 {
				a.move()
				continue
			}
			touch(data)
			go func() { c <- k }()
			<-c
		}
	})
	r.recordEach(start, each*goroutines)
	check(r, a.to, 100*goroutines*((each+3)/4), "moved")
}

func mutexSpin(r *recorder) {
	each := countOf(100_000) / *procs
	var a accounts
	start := time.Now()
	together(*procs, func(int) {
		data := make([]uint64, 16_384/8)
		for range each {
			a.move()
			touch(data)
		}
	})
	r.recordEach(start, each**procs)
	check(r, a.to, 100*each**procs, "moved")
}

func rwmutexUncontended(r *recorder) {
	onEachProcessor(r, 1_000_000, func(times int) int64 {
		own := new(struct {
			sync.RWMutex
			n int64
			_ [128]byte
		})
		for range times {
			own.RLock()
			own.RLock()
			own.RUnlock()
			own.RUnlock()
			own.Lock()
			own.n++
			own.Unlock()
		}
		return own.n
	})
}

func readAndWrite(r *recorder, writeEvery, work int) {
	each := countOf(1_000_000) / *procs
	var m sync.RWMutex
	var n int64
	start := time.Now()
	together(*procs, func(i int) {
		x := uint64(1)
		for k := range each {
			if k%writeEvery == 0 {
				m.Lock()
				n++
				m.Unlock()
			} else {
				m.RLock()
				if n > 0 {
					x++
				}
				x = grind(x, work)
				m.RUnlock()
			}
		}
		kept[i%64].value = x
	})
	r.recordEach(start, each**procs)
	check(r, n, *procs*((each+writeEvery-1)/writeEvery), "writes")
}

func meet(r *recorder, waiters int) {
	times := countOf(100_000 / waiters)
	var m sync.Mutex
	allHere := sync.NewCond(&m)
	here, meetings := 0, 0
	start := time.Now()
	together(waiters+1, func(int) {
		for k := range times {
			m.Lock()
			if here++; here == waiters+1 {
				here = 0
				meetings++
				allHere.Broadcast()
			} else {
				for meetings <= k {
					allHere.Wait()
				}
			}
			m.Unlock()
		}
	})
	r.recordEach(start, times)
	check(r, meetings, times, "meetings")
}
