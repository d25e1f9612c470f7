package main

import (
	"context"
	"time"
)

type contextKey struct{}

func init() {
	benchmarks["context_cancel"] = func(r *recorder) {
		times := countOf(500_000)
		parent, end := context.WithCancel(context.Background())
		defer end()
		start := time.Now()
		for i := 0; i < times; i++ {
			_, cancel := context.WithCancel(parent)
			cancel()
		}
		r.recordEach(start, times)
		note(r, times)
	}
	benchmarks["context_timeout"] = func(r *recorder) {
		times := countOf(500_000)
		parent, end := context.WithCancel(context.Background())
		defer end()
		start := time.Now()
		for i := 0; i < times; i++ {
			_, cancel := context.WithTimeout(parent, 10*time.Second)
			cancel()
		}
		r.recordEach(start, times)
		note(r, times)
	}
	benchmarks["context_value_depth_10"] = contextValue
	benchmarks["context_err"] = contextErr
	benchmarks["context_after_func_stop"] = contextAfterFunc
	benchmarks["context_cancel_100000_children"] = contextChildren
	benchmarks["context_recv_ready_without"] = func(r *recorder) { contextReady(r, false) }
	benchmarks["context_recv_ready_with"] = func(r *recorder) { contextReady(r, true) }
	benchmarks["context_select_ready_without"] = contextSelectWithout
	benchmarks["context_select_ready_with"] = contextSelectWith
	benchmarks["context_recv_parked_with"] = contextParked
}

func contextValue(r *recorder) {
	times := countOf(1_000_000)
	ctx := context.WithValue(context.Background(), contextKey{}, 1)
	for i := 0; i < 10; i++ {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
	}
	sum := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		sum += ctx.Value(contextKey{}).(int)
	}
	r.recordEach(start, times)
	check(r, int64(sum), times, "values")
}

func contextErr(r *recorder) {
	times := countOf(2_000_000)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	errors := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		if ctx.Err() != nil {
			errors++
		}
	}
	r.recordEach(start, times)
	check(r, int64(errors), 0, "errors")
}

func contextAfterFunc(r *recorder) {
	times := countOf(500_000)
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopped := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		if context.AfterFunc(parent, func() {})() {
			stopped++
		}
	}
	r.recordEach(start, times)
	check(r, int64(stopped), times, "stopped")
}

func contextChildren(r *recorder) {
	const children = 100_000
	parent, cancel := context.WithCancel(context.Background())
	all := make([]context.Context, children)
	for i := range all {
		//nolint:govet // the parent ends them
		all[i], _ = context.WithCancel(parent)
	}
	start := time.Now()
	cancel()
	r.recordEach(start, children)
	cancelled := 0
	if all[children-1].Err() != nil {
		cancelled = 1
	}
	check(r, int64(cancelled), 1, "cancelled")
}

func contextReady(r *recorder, with bool) {
	times := countOf(1_000_000)
	c := make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sum := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		c <- 1
		if !with {
			sum += <-c
			continue
		}
		select {
		case v := <-c:
			sum += v
		case <-ctx.Done():
		}
	}
	r.recordEach(start, times)
	check(r, int64(sum), times, "received")
}

func contextSelectWithout(r *recorder) {
	times := countOf(1_000_000)
	c, other := make(chan int, 1), make(chan int, 1)
	sum := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		c <- 1
		select {
		case v := <-c:
			sum += v
		case <-other:
		}
	}
	r.recordEach(start, times)
	check(r, int64(sum), times, "received")
}

func contextSelectWith(r *recorder) {
	times := countOf(1_000_000)
	c, other := make(chan int, 1), make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sum := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		c <- 1
		select {
		case v := <-c:
			sum += v
		case <-other:
		case <-ctx.Done():
		}
	}
	r.recordEach(start, times)
	check(r, int64(sum), times, "received")
}

func contextParked(r *recorder) {
	times := countOf(200_000)
	ctx, cancel := context.WithCancel(context.Background())
	there, back := make(chan int), make(chan int)
	go func() {
		defer close(back)
		for {
			select {
			case v := <-there:
				back <- v
			case <-ctx.Done():
				return
			}
		}
	}()
	sum := 0
	start := time.Now()
	for i := 0; i < times; i++ {
		there <- 1
		select {
		case v := <-back:
			sum += v
		case <-ctx.Done():
		}
	}
	r.recordEach(start, times)
	check(r, int64(sum), times, "received")
	cancel()
	<-back
}
