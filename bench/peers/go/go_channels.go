package main

import (
	"sync"
	"time"
)

// What these do is told in bench/micro/channels, under the same names.
func init() {
	benchmarks["go_chan_uncontended"] = func(r *recorder) {
		fillAndEmpty(r, func() chan int64 { return make(chan int64, 100) })
	}
	benchmarks["go_chan_contended"] = func(r *recorder) {
		shared := make(chan int64, 100**procs)
		fillAndEmpty(r, func() chan int64 { return shared })
	}
	benchmarks["go_chan_sync"] = chanSync
	for _, each := range []struct {
		name       string
		room, work int
	}{
		{"0", 0, 0}, {"10", 10, 0}, {"100", 100, 0},
		{"work_0", 0, 100}, {"work_10", 10, 100}, {"work_100", 100, 100},
	} {
		benchmarks["go_chan_prod_cons_"+each.name] = func(r *recorder) {
			prodCons(r, each.room, each.work)
		}
	}
	benchmarks["go_chan_sem"] = chanSem
	benchmarks["go_chan_popular"] = chanPopular
}

func fillAndEmpty(r *recorder, channelOf func() chan int64) {
	const room = 100
	fills := countOf(10_000)
	sums := make([]int64, *procs)
	start := time.Now()
	together(*procs, func(i int) {
		c := channelOf()
		var sum int64
		for range fills {
			for v := int64(0); v < room; v++ {
				c <- v
			}
			for range room {
				sum += <-c
			}
		}
		sums[i] = sum
	})
	r.recordEach(start, fills*room**procs)
	check(r, total(sums), *procs*fills*(room*(room-1)/2), "sum of the values")
}

func chanSync(r *recorder) {
	times := countOf(500_000)
	c := make(chan int64)
	var sum int64
	start := time.Now()
	together(2, func(i int) {
		for v := range int64(times) {
			if i == 0 {
				c <- v
				sum += <-c
			} else {
				v := <-c
				c <- v + 1
			}
		}
	})
	r.recordEach(start, times)
	check(r, sum, times*(times+1)/2, "sum of the answers")
}

func prodCons(r *recorder, room, work int) {
	each := countOf(200_000) / *procs
	items := make(chan int64, room)
	sums := make([]int64, 2**procs)
	start := time.Now()
	together(2**procs, func(i int) {
		x := uint64(1)
		if i%2 == 0 {
			for v := int64(each); v >= 0; v-- {
				x = grind(x, work)
				items <- v
			}
		} else {
			var sum int64
			for v := <-items; v != 0; v = <-items {
				x = grind(x, work)
				sum += v
			}
			sums[i] = sum
		}
		kept[i%64].value = x
	})
	r.recordEach(start, each**procs)
	check(r, total(sums), *procs*(each*(each+1)/2), "sum of the values")
}

func chanSem(r *recorder) {
	permits := make(chan int64, *procs)
	onEachProcessor(r, 1_000_000, func(times int) int64 {
		var taken int64
		for range times {
			permits <- 1
			taken += <-permits
		}
		return taken
	})
}

func chanPopular(r *recorder) {
	const crowd = 1_000
	times := countOf(100)
	popular := make(chan int64)
	own := makeChannels(crowd, 0)
	sums := make([]int64, crowd)
	var all sync.WaitGroup
	start := time.Now()
	for i, c := range own {
		all.Go(func() {
			for range times {
				select {
				case v := <-popular:
					sums[i] += v
				case v := <-c:
					sums[i] += v
				}
			}
		})
	}
	for k := range int64(times) {
		for _, c := range own {
			c <- k
		}
	}
	all.Wait()
	r.recordEach(start, times*crowd)
	check(r, total(sums), crowd*(times*(times-1)/2), "sum of the values")
}
