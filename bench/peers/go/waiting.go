package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	for _, us := range []int{10, 50, 200} {
		benchmarks[fmt.Sprintf("sleep_%dus", us)] = func(r *recorder) {
			asked(r, time.Duration(us)*time.Microsecond)
		}
	}
	benchmarks["sleep_storm"] = sleepStorm
	benchmarks["latest_tick_behind_a_call"] = func(r *recorder) {
		latestTickBehind(r, func() {
			pause := syscall.Timespec{Nsec: 999_999_000}
			syscall.Nanosleep(&pause, nil)
		})
	}
	benchmarks["latest_tick_behind_a_loop"] = func(r *recorder) {
		latestTickBehind(r, func() {
			for end := time.Now().Add(time.Second); time.Now().Before(end); {
			}
		})
	}
	memoryBenchmarks["parked"] = parkedMemory
	memoryBenchmarks["idle_cpu_2s"] = idleCPU
	memoryBenchmarks["queued"] = queuedMemory
}

func asked(r *recorder, d time.Duration) {
	times := countOf(200)
	var sum float64
	var tookUs []float64
	for i := 0; i < times; i++ {
		start := time.Now()
		time.Sleep(d)
		took := float64(time.Since(start).Nanoseconds()) / 1e3
		tookUs = append(tookUs, took)
		sum += took
	}
	r.record(sum/float64(times), "us")
	r.recordPercentiles(tookUs, "us")
	note(r, int64(times))
}

func cpuMs() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e6
}

func latestTickBehind(r *recorder, stuck func()) {
	var all sync.WaitGroup
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		all.Go(stuck)
	}
	every := time.NewTicker(time.Millisecond)
	defer every.Stop()
	latest := 0.0
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		due := <-every.C
		latest = max(latest, float64(time.Since(due).Nanoseconds())/1e6)
	}
	all.Wait()
	r.record(latest, "ms")
	check(r, boolToInt(latest > 0), 1, "ticks while others were stuck")
}

func sleepStorm(r *recorder) {
	sleepers := countOf(100_000)
	var woke atomic.Int64
	var all sync.WaitGroup
	before := cpuMs()
	start := time.Now()
	for i := 0; i < sleepers; i++ {
		d := time.Duration(1+i*7919%100) * time.Millisecond
		all.Go(func() {
			time.Sleep(d)
			woke.Add(1)
		})
	}
	all.Wait()
	r.recordAs("wall", time.Since(start).Seconds()*1e3, "ms")
	r.recordAs("cpu", cpuMs()-before, "ms")
	check(r, woke.Load(), int64(sleepers), "woken")
}

// statusBytes reads a field of /proc/self/status.
func statusBytes(field string) float64 {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), field+":"); found {
			var kilobytes float64
			fmt.Sscan(rest, &kilobytes)
			return kilobytes * 1024
		}
	}
	return 0
}

type crowd struct {
	count          int
	begin          chan struct{}
	all            sync.WaitGroup
	arrived, woken atomic.Int64
}

func park(count int) *crowd {
	c := &crowd{count: count, begin: make(chan struct{})}
	for i := 0; i < count; i++ {
		c.all.Go(func() {
			c.arrived.Add(1)
			<-c.begin
			c.woken.Add(1)
		})
	}
	for c.arrived.Load() < int64(count) {
		runtime.Gosched()
	}
	return c
}

func (c *crowd) wake() {
	close(c.begin)
	c.all.Wait()
}

func boolToInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// queuedMemory starts goroutines that do not begin: their starter does not let go of its processor.
func queuedMemory(r *recorder) {
	number := countOr(1_000_000)
	resident := statusBytes("VmRSS")
	var ran atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for i := 0; i < number; i++ {
		all.Go(func() { ran.Add(1) })
	}
	r.recordAs("create", float64(time.Since(start).Nanoseconds())/float64(number), "ns")
	r.recordAs("resident", (statusBytes("VmRSS")-resident)/float64(number), "B")
	all.Wait()
	check(r, ran.Load(), int64(number), "run")
}

func parkedMemory(r *recorder) {
	number := countOr(1_000_000)
	n := float64(number)
	resident, tables := statusBytes("VmRSS"), statusBytes("VmPTE")
	start := time.Now()
	c := park(number)
	r.recordAs("create", float64(time.Since(start).Nanoseconds())/n, "ns")
	time.Sleep(100 * time.Millisecond)
	r.recordAs("resident", (statusBytes("VmRSS")-resident)/n, "B")
	r.recordAs("page_tables", (statusBytes("VmPTE")-tables)/n, "B")
	start = time.Now()
	c.wake()
	r.recordAs("wake", float64(time.Since(start).Nanoseconds())/n, "ns")
	check(r, c.woken.Load(), int64(c.count), "woken")
}

func idleCPU(r *recorder) {
	c := park(countOr(100_000))
	time.Sleep(200 * time.Millisecond)
	before := cpuMs()
	time.Sleep(2 * time.Second)
	r.record(cpuMs()-before, "ms")
	c.wake()
	check(r, c.woken.Load(), int64(c.count), "woken")
}
