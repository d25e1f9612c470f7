//go:build ignore

// The echo server with Go's net package: one goroutine for each connection.
//
//	echo_go [-procs N] [-work K]     prints its port, serves until it is killed
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync/atomic"
)

const readSize = 256 // as in server_options.hpp

var result atomic.Uint64

// The same steps as in server_options.hpp.
func compute(thousands int) {
	if thousands == 0 {
		return
	}
	x := uint64(1)
	for step := 0; step < thousands*1000; step++ {
		x = x*6364136223846793005 + 1
	}
	result.Store(x)
}

func serve(connection net.Conn, work int) {
	defer connection.Close()
	buffer := make([]byte, readSize)
	for {
		n, err := connection.Read(buffer)
		if err != nil {
			return
		}
		compute(work)
		if _, err := connection.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func main() {
	procs := flag.Int("procs", 1, "GOMAXPROCS")
	work := flag.Int("work", 0, "thousand steps of computing for each message")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go serve(connection, *work)
	}
}
