package main

import (
	"runtime"
	"sync"
	"time"
)

const lockers = 8

func init() {
	benchmarks["mutex_uncontended"] = mutexAlone
	benchmarks["shared_mutex_read"] = sharedMutexReadAlone
	benchmarks["shared_mutex_write"] = sharedMutexWriteAlone
	benchmarks["mutex_contended_8"] = mutexContended
	benchmarks["mutex_yield_inside_8"] = mutexYields
	benchmarks["shared_mutex_write_contended_8"] = sharedMutexWriteContended
	benchmarks["shared_mutex_mixed_8"] = sharedMutexMostlyRead
	benchmarks["mutex_hog_wait_max"] = mutexHog
	benchmarks["condition_ping_pong"] = conditionPingPong
}

func mutexAlone(r *recorder) {
	times := countOf(5_000_000)
	var m sync.Mutex
	var n int64
	start := time.Now()
	for i := 0; i < times; i++ {
		m.Lock()
		n++
		m.Unlock()
	}
	r.recordEach(start, times)
	check(r, n, times, "turns")
}

func sharedMutexReadAlone(r *recorder) {
	times := countOf(5_000_000)
	var m sync.RWMutex
	var n int64
	start := time.Now()
	for i := 0; i < times; i++ {
		m.RLock()
		n++
		m.RUnlock()
	}
	r.recordEach(start, times)
	check(r, n, times, "turns")
}

func sharedMutexWriteAlone(r *recorder) {
	times := countOf(5_000_000)
	var m sync.RWMutex
	var n int64
	start := time.Now()
	for i := 0; i < times; i++ {
		m.Lock()
		n++
		m.Unlock()
	}
	r.recordEach(start, times)
	check(r, n, times, "turns")
}

// hammerLock does one operation, turn, of eight goroutines at once; it adds one to n.
func hammerLock(r *recorder, timesUsual int, turn func(i int, n *int64)) {
	times := countOf(timesUsual)
	var n int64
	var all sync.WaitGroup
	start := time.Now()
	for g := 0; g < lockers; g++ {
		all.Go(func() {
			for i := 0; i < times; i++ {
				turn(i, &n)
			}
		})
	}
	all.Wait()
	r.recordEach(start, times*lockers)
	check(r, n, int64(times)*lockers, "turns")
}

func mutexContended(r *recorder) {
	var m sync.Mutex
	hammerLock(r, 500_000, func(_ int, n *int64) {
		m.Lock()
		*n++
		m.Unlock()
	})
}

func mutexYields(r *recorder) {
	var m sync.Mutex
	hammerLock(r, 50_000, func(_ int, n *int64) {
		m.Lock()
		runtime.Gosched()
		*n++
		m.Unlock()
	})
}

func sharedMutexWriteContended(r *recorder) {
	var m sync.RWMutex
	hammerLock(r, 200_000, func(_ int, n *int64) {
		m.Lock()
		*n++
		m.Unlock()
	})
}

// sharedMutexMostlyRead writes in one operation of ten.
func sharedMutexMostlyRead(r *recorder) {
	var m sync.RWMutex
	hammerLock(r, 200_000, func(i int, n *int64) {
		if i%10 == 0 {
			m.Lock()
			*n += 10
			m.Unlock()
		} else {
			m.RLock()
			expectEqual(*n%10, 0, "what a reader saw")
			m.RUnlock()
		}
	})
}

func mutexHog(r *recorder) {
	var m sync.Mutex
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; i < 1_000; i++ {
			select {
			case <-stop:
				return
			default:
			}
			m.Lock()
			for held := time.Now(); time.Since(held) < 100*time.Microsecond; {
			}
			m.Unlock()
		}
	})
	tries := countOf(50)
	var longest time.Duration
	for i := 0; i < tries; i++ {
		time.Sleep(100 * time.Microsecond)
		start := time.Now()
		m.Lock()
		longest = max(longest, time.Since(start))
		m.Unlock()
	}
	close(stop)
	all.Wait()
	r.record(longest.Seconds()*1e3, "ms")
	note(r, int64(tries))
}

// conditionPingPong lets two goroutines take turns: one notification and one wait for each.
func conditionPingPong(r *recorder) {
	times := countOf(200_000)
	var m sync.Mutex
	changed := sync.NewCond(&m)
	turn := 0
	var all sync.WaitGroup
	start := time.Now()
	for me := range 2 {
		all.Go(func() {
			for i := 0; i < times; i++ {
				m.Lock()
				for turn%2 != me {
					changed.Wait()
				}
				turn++
				changed.Signal()
				m.Unlock()
			}
		})
	}
	all.Wait()
	r.recordEach(start, 2*times)
	check(r, int64(turn), 2*times, "turns")
}
