package main

import (
	"sync"
	"time"
)

// What these do is told in bench/micro/select, under the same names.
func init() {
	benchmarks["go_select_uncontended"] = selectUncontended
	benchmarks["go_select_nonblock"] = selectNonblock
	benchmarks["go_select_sync_contended"] = selectSyncContended
	benchmarks["go_select_async_contended"] = selectAsyncContended
	benchmarks["go_select_prod_cons"] = selectProdCons
}

// moveToken takes a token out of either channel and puts it into the other.
func moveToken(a, b chan int64, times int) (last int64) {
	for range times {
		select {
		case v := <-a:
			last = v + 1
			b <- last
		case v := <-b:
			last = v + 1
			a <- last
		}
	}
	return last
}

func selectUncontended(r *recorder) {
	onEachProcessor(r, 500_000, func(times int) int64 {
		a, b := make(chan int64, 1), make(chan int64, 1)
		a <- 0
		return moveToken(a, b, times)
	})
}

func selectNonblock(r *recorder) {
	each := countOf(500_000) / *procs
	done := make([]int64, *procs)
	start := time.Now()
	together(*procs, func(i int) {
		never, room := make(chan int64), make(chan int64, 1)
		var mine int64
		for k := range int64(each) {
			select {
			case <-never:
				mine++
			default:
			}
			select {
			case room <- k:
				mine++
			default:
			}
			select {
			case <-room:
				mine++
			default:
			}
			select {
			case never <- k:
				mine++
			default:
			}
		}
		done[i] = mine
	})
	r.recordEach(start, each**procs)
	check(r, total(done), 2*each**procs, "cases that proceeded")
}

func selectSyncContended(r *recorder) {
	each := countOf(200_000) / *procs
	a, b, c := make(chan int64), make(chan int64), make(chan int64)
	stop := make(chan struct{})
	sums := make([]int64, *procs)
	var senders sync.WaitGroup
	start := time.Now()
	together(*procs, func(i int) {
		senders.Go(func() {
			for {
				select {
				case a <- 1:
				case b <- 1:
				case c <- 1:
				case <-stop:
					return
				}
			}
		})
		var sum int64
		for range each {
			select {
			case v := <-a:
				sum += v
			case v := <-b:
				sum += v
			case v := <-c:
				sum += v
			}
		}
		sums[i] = sum
	})
	r.recordEach(start, each**procs)
	close(stop)
	senders.Wait()
	check(r, total(sums), each**procs, "values received")
}

func selectAsyncContended(r *recorder) {
	each := countOf(500_000) / *procs
	a, b := make(chan int64, *procs), make(chan int64, *procs)
	start := time.Now()
	together(*procs, func(int) {
		a <- 0
		moveToken(a, b, each)
	})
	r.recordEach(start, each**procs)
	close(a)
	close(b)
	var moves int64
	for v := range a {
		moves += v
	}
	for v := range b {
		moves += v
	}
	check(r, moves, each**procs, "moves of the tokens")
}

func selectProdCons(r *recorder) {
	const work = 100
	each := countOf(200_000) / *procs
	items := make(chan int64, 128)
	stop := make(chan struct{})
	sums := make([]int64, 2**procs)
	start := time.Now()
	together(2**procs, func(i int) {
		x := uint64(1)
		defer func() { kept[i%64].value = x }()
		if i%2 == 0 {
			for v := int64(each); v >= 0; v-- {
				x = grind(x, work)
				select {
				case items <- v:
				case <-stop:
				}
			}
			return
		}
		for {
			select {
			case v := <-items:
				if v == 0 {
					return
				}
				x = grind(x, work)
				sums[i] += v
			case <-stop:
				return
			}
		}
	})
	r.recordEach(start, each**procs)
	check(r, total(sums), *procs*(each*(each+1)/2), "sum of the values")
}
