package main

import (
	"bytes"
	"time"
)

// What these do is told in bench/micro/programs, under the same names.
func init() {
	benchmarks["chain_10000"] = chain
	benchmarks["n_queens_12"] = nQueens
	benchmarks["matrix_product"] = matrixProduct
	benchmarks["prime_sieve_5000"] = primeSieve
	benchmarks["word_count"] = wordCount
	benchmarks["mandelbrot"] = mandelbrot
}

func (r *recorder) recordMs(start time.Time) {
	r.record(float64(time.Since(start).Nanoseconds())/1e6, "ms")
}

func chain(r *recorder) {
	links := countOf(10_000)
	start := time.Now()
	first := make(chan int64)
	last := first
	for range links {
		next := make(chan int64)
		go func(out chan<- int64) { v := <-next; out <- v + 1 }(last)
		last = next
	}
	go func() { last <- 0 }()
	sum := <-first
	r.recordEach(start, links)
	check(r, sum, links, "additions")
}

func countQueens(size, row int, columns, left, right uint32) int64 {
	if row == size {
		return 1
	}
	var ways int64
	for c := range size {
		at := uint32(1) << c
		if (columns|left|right)&at == 0 {
			ways += countQueens(size, row+1, columns|at, (left|at)<<1, (right|at)>>1)
		}
	}
	return ways
}

func place(found chan<- int64, size, row int, columns, left, right uint32) {
	if row == min(3, size) {
		found <- countQueens(size, row, columns, left, right)
		return
	}
	mine := make(chan int64, size)
	started := 0
	for c := range size {
		at := uint32(1) << c
		if (columns|left|right)&at == 0 {
			go place(mine, size, row+1, columns|at, (left|at)<<1, (right|at)>>1)
			started++
		}
	}
	var ways int64
	for range started {
		ways += <-mine
	}
	found <- ways
}

func nQueens(r *recorder) {
	size := countOf(12)
	found := make(chan int64, 1)
	start := time.Now()
	place(found, size, 0, 0, 0, 0)
	ways := <-found
	r.recordMs(start)
	check(r, ways, countQueens(size, 0, 0, 0, 0), "ways")
}

func matrixProduct(r *recorder) {
	size := countOf(300)
	a, b := make([]int64, size*size), make([]int64, size*size)
	c := make([]int64, size*size)
	for i := range a {
		a[i], b[i] = int64(i%7), int64(i%11)
	}
	start := time.Now()
	together(size, func(row int) {
		out := c[row*size : (row+1)*size]
		for k, factor := range a[row*size : (row+1)*size] {
			in := b[k*size : (k+1)*size]
			for column := range out {
				out[column] += factor * in[column]
			}
		}
	})
	r.recordMs(start)
	note(r, total(c))
}

func primeSieve(r *recorder) {
	limit := int64(countOf(48_611))
	start := time.Now()
	in := make(chan int64)
	go func(out chan<- int64) {
		for v := int64(2); v <= limit; v++ {
			out <- v
		}
		close(out)
	}(in)
	var sum int64
	for {
		prime, more := <-in
		if !more {
			break
		}
		sum += prime
		out := make(chan int64)
		go func(in <-chan int64) {
			for v := range in {
				if v%prime != 0 {
					out <- v
				}
			}
			close(out)
		}(in)
		in = out
	}
	r.recordMs(start)
	note(r, sum)
}

func makeText(size int) []byte {
	text := make([]byte, 0, size+8)
	state := uint64(1)
	for len(text) < size {
		state = state*6364136223846793005 + 1442695040888963407
		random := state >> 33
		word := (random & 0xffff) % (1 + (random >> 16 & 0x3fff))
		for {
			text = append(text, byte('a'+word%26))
			if word /= 26; word == 0 {
				break
			}
		}
		text = append(text, ' ')
	}
	return text
}

const wordSlots = 1 << 14

func countWords(text []byte) []uint32 {
	const basis = 2166136261
	counts := make([]uint32, wordSlots)
	hash := uint32(basis)
	for _, letter := range text {
		if letter != ' ' {
			hash = (hash ^ uint32(letter)) * 16777619
			continue
		}
		counts[hash%wordSlots]++
		hash = basis
	}
	return counts
}

var wordText []byte

func wordCount(r *recorder) {
	const parts = 64
	if wordText == nil {
		wordText = makeText(countOf(16_000_000))
	}
	text := wordText
	counted := make(chan []uint32)
	start := time.Now()
	begin := 0
	for i := 1; i <= parts; i++ {
		end := len(text) * i / parts
		for end > begin && text[end-1] != ' ' {
			end--
		}
		go func(part []byte) { counted <- countWords(part) }(text[begin:end])
		begin = end
	}
	all := make([]uint64, wordSlots)
	for range parts {
		for k, n := range <-counted {
			all[k] += uint64(n)
		}
	}
	r.recordMs(start)
	var number, weighted int64
	for k, n := range all {
		number += int64(n)
		weighted += int64(k) * int64(n)
	}
	check(r, number, bytes.Count(text, []byte{' '}), "words")
	note(r, weighted)
}

func mandelbrotRow(y, size int64) (steps int64) {
	const one = 1 << 28
	ci := 2*one*y/size - one
	for x := range size {
		cr := 3*one*x/size - 2*one
		var zr, zi int64
		for range 200 {
			rr, ii := zr*zr>>28, zi*zi>>28
			if rr+ii > 4*one {
				break
			}
			zi = zr*zi>>27 + ci
			zr = rr - ii + cr
			steps++
		}
	}
	return steps
}

func mandelbrot(r *recorder) {
	size := countOf(400)
	rows := make([]int64, size)
	start := time.Now()
	together(size, func(y int) { rows[y] = mandelbrotRow(int64(y), int64(size)) })
	r.recordMs(start)
	note(r, total(rows))
}
