package main

import (
	"sync"
	"time"
)

func init() {
	benchmarks["ping_pong"] = pingPong
	benchmarks["buffered_1p1c"] = func(r *recorder) { produceAndConsume(r, 1) }
	benchmarks["buffered_4p4c"] = func(r *recorder) { produceAndConsume(r, 4) }
	benchmarks["select_ready_2"] = func(r *recorder) { oneReady(r, 2, receiveAny2) }
	benchmarks["select_ready_8"] = func(r *recorder) { oneReady(r, 8, receiveAny8) }
	benchmarks["select_block_2"] = func(r *recorder) { noneReady(r, 2, receiveAny2) }
	benchmarks["select_block_8"] = func(r *recorder) { noneReady(r, 8, receiveAny8) }
	benchmarks["skynet"] = skynetMillion
	benchmarks["fib"] = fibonacci
}

func pingPong(r *recorder) {
	trips := int64(countOf(500_000))
	there, back := make(chan int64), make(chan int64)
	go func() {
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	var sum int64
	start := time.Now()
	for i := int64(0); i < trips; i++ {
		there <- i
		sum += <-back
	}
	r.recordEach(start, int(trips))
	close(there)
	<-back
	check(r, sum, trips*(trips+1)/2, "sum of the echoes")
}

func produceAndConsume(r *recorder, pairs int64) {
	each := int64(countOf(1_000_000)) / pairs
	items := make(chan int64, 100)
	var producers, consumers sync.WaitGroup
	sums := make([]int64, pairs)
	start := time.Now()
	for p := range sums {
		consumers.Go(func() {
			var mine int64
			for v := range items {
				mine += v
			}
			sums[p] = mine
		})
		producers.Go(func() {
			for v := int64(0); v < each; v++ {
				items <- v
			}
		})
	}
	producers.Wait()
	close(items)
	consumers.Wait()
	r.recordEach(start, int(each*pairs))
	var total int64
	for _, sum := range sums {
		total += sum
	}
	check(r, total, pairs*(each*(each-1)/2), "sum of the items")
}

func receiveAny2(c []chan int64) int64 {
	select {
	case v := <-c[0]:
		return v
	case v := <-c[1]:
		return v
	}
}

func receiveAny8(c []chan int64) int64 {
	select {
	case v := <-c[0]:
		return v
	case v := <-c[1]:
		return v
	case v := <-c[2]:
		return v
	case v := <-c[3]:
		return v
	case v := <-c[4]:
		return v
	case v := <-c[5]:
		return v
	case v := <-c[6]:
		return v
	case v := <-c[7]:
		return v
	}
}

func makeChannels(n, capacity int) []chan int64 {
	channels := make([]chan int64, n)
	for i := range channels {
		channels[i] = make(chan int64, capacity)
	}
	return channels
}

func oneReady(r *recorder, n int, receiveAny func([]chan int64) int64) {
	times := countOf(400_000)
	channels := makeChannels(n, 1)
	var sum int64
	start := time.Now()
	for i := 0; i < times; i++ {
		channels[i%n] <- int64(i)
		sum += receiveAny(channels)
	}
	r.recordEach(start, times)
	check(r, sum, times*(times-1)/2, "sum of what was selected")
}

func noneReady(r *recorder, n int, receiveAny func([]chan int64) int64) {
	times := countOf(200_000)
	channels := makeChannels(n, 0)
	go func() {
		for i := 0; i < times; i++ {
			channels[i%n] <- int64(i)
		}
	}()
	var sum int64
	start := time.Now()
	for i := 0; i < times; i++ {
		sum += receiveAny(channels)
	}
	r.recordEach(start, times)
	check(r, sum, times*(times-1)/2, "sum of what was selected")
}

func skynet(parent chan<- int64, number, size int64) {
	if size == 1 {
		parent <- number
		return
	}
	children := make(chan int64)
	part := size / 10
	for i := int64(0); i < 10; i++ {
		go skynet(children, number+i*part, part)
	}
	var sum int64
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	parent <- sum
}

func skynetMillion(r *recorder) {
	result := make(chan int64)
	start := time.Now()
	go skynet(result, 0, 1_000_000)
	sum := <-result
	r.record(time.Since(start).Seconds()*1e3, "ms")
	check(r, sum, 499_999_500_000, "skynet")
}

func fib(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	var a int64
	var forked sync.WaitGroup
	forked.Go(func() { a = fib(n - 1) })
	b := fib(n - 2)
	forked.Wait()
	return a + b
}

func fibonacci(r *recorder) {
	const n, calls = 22, 57_313
	start := time.Now()
	result := fib(n)
	r.recordEach(start, calls)
	check(r, result, 17_711, "fib(22)")
}
