package main

import (
	"sync/atomic"
	"time"
)

// What these do is told in bench/micro/timers, under the same names.
func init() {
	benchmarks["go_timer_start_stop"] = timerStartStop
	benchmarks["go_timer_reset"] = timerReset
	benchmarks["go_timer_sleep"] = timerSleep
	benchmarks["go_timer_after_func"] = timerAfterFunc
	benchmarks["many_timers"] = manyTimers
}

func timerStartStop(r *recorder) {
	onEachProcessor(r, 300_000, func(times int) int64 {
		var stopped int64
		for range times {
			stopped += boolToInt(time.AfterFunc(time.Hour, func() {}).Stop())
		}
		return stopped
	})
}

func timerReset(r *recorder) {
	onEachProcessor(r, 1_000_000, func(times int) int64 {
		t := time.NewTimer(time.Hour)
		var pending int64
		for range times {
			pending += boolToInt(t.Reset(time.Hour))
		}
		t.Stop()
		return pending
	})
}

func timerSleep(r *recorder) {
	onEachProcessor(r, 20_000, func(times int) int64 {
		var woke atomic.Int64
		for k := 0; k < times; k += 1_000 {
			together(min(1_000, times-k), func(int) {
				time.Sleep(time.Nanosecond)
				woke.Add(1)
			})
		}
		return woke.Load()
	})
}

func callAgain(end chan<- int64, left, calls int64) {
	if left == 0 {
		end <- calls
		return
	}
	time.AfterFunc(0, func() { callAgain(end, left-1, calls+1) })
}

func timerAfterFunc(r *recorder) {
	onEachProcessor(r, 50_000, func(times int) int64 {
		end := make(chan int64, 1)
		callAgain(end, int64(times), 0)
		return <-end
	})
}

func manyTimers(r *recorder) {
	number := countOf(100_000)
	all := make([]*time.Timer, 0, number)
	start := time.Now()
	for i := range number {
		ms := 3_600_000 + i*7919%32_400_000
		all = append(all, time.NewTimer(time.Duration(ms)*time.Millisecond))
	}
	r.recordAs("start", float64(time.Since(start).Nanoseconds())/float64(number), "ns")
	var stopped int64
	start = time.Now()
	for _, t := range all {
		stopped += boolToInt(t.Stop())
	}
	r.recordAs("stop", float64(time.Since(start).Nanoseconds())/float64(number), "ns")
	check(r, stopped, number, "timers stopped")
}
