package main

import "sync"

// What these do is told in bench/micro/sync, under the same names.
func init() {
	benchmarks["go_wait_group_uncontended"] = func(r *recorder) {
		own := func() func() {
			group := new(struct {
				sync.WaitGroup
				_ [128]byte
			})
			return func() {
				group.Add(1)
				group.Done()
				group.Wait()
			}
		}
		repeatTurns(r, 1_000_000, 0, own)
	}
	benchmarks["go_wait_group_add_done"] = func(r *recorder) { groupAddDone(r, 0) }
	benchmarks["go_wait_group_add_done_work"] = func(r *recorder) { groupAddDone(r, 100) }
	benchmarks["go_wait_group_wait"] = func(r *recorder) { groupWait(r, 0) }
	benchmarks["go_wait_group_wait_work"] = func(r *recorder) { groupWait(r, 10) }
	benchmarks["go_wait_group_actually_wait"] = func(r *recorder) {
		repeatTurns(r, 200_000, 0, func() func() {
			return func() {
				var group sync.WaitGroup
				group.Add(1)
				go group.Done()
				group.Wait()
			}
		})
	}
	benchmarks["go_pool"] = goPool
	benchmarks["go_pool_overflow"] = goPoolOverflow
	benchmarks["go_once"] = goOnce
}

// repeatTurns takes turns in as many goroutines as processors, and works between them.
func repeatTurns(r *recorder, operations, work int, turnOf func() func()) {
	onEachProcessor(r, operations, func(times int) int64 {
		turn := turnOf()
		x := uint64(1)
		var turns int64
		for range times {
			turn()
			x = grind(x, work)
			turns++
		}
		if x == 0 {
			panic("xorshift never comes to 0")
		}
		return turns
	})
}

func groupAddDone(r *recorder, work int) {
	var shared sync.WaitGroup
	turn := func() {
		shared.Add(1)
		shared.Done()
	}
	repeatTurns(r, 1_000_000, work, func() func() { return turn })
}

func groupWait(r *recorder, work int) {
	var shared sync.WaitGroup
	repeatTurns(r, 5_000_000, work, func() func() { return shared.Wait })
}

func goPool(r *recorder) {
	p := sync.Pool{New: func() any { return int64(1) }}
	onEachProcessor(r, 2_000_000, func(times int) int64 {
		var sum int64
		for range times {
			p.Put(int64(1))
			sum += p.Get().(int64)
		}
		return sum
	})
}

func goPoolOverflow(r *recorder) {
	p := sync.Pool{New: func() any { return int64(1) }}
	onEachProcessor(r, 20_000, func(times int) int64 {
		var sum int64
		for range times {
			for range 100 {
				p.Put(int64(1))
			}
			for range 100 {
				sum += p.Get().(int64)
			}
		}
		return sum / 100
	})
}

func goOnce(r *recorder) {
	var once sync.Once
	var one int64
	onEachProcessor(r, 20_000_000, func(times int) int64 {
		var sum int64
		for range times {
			once.Do(func() { one++ })
			sum += one
		}
		return sum
	})
}
