// Go's side of the workload `channel`: a message there and one back, over two channels of one place.
//
//	go run crates/compare/go/channel.go
//
// "free": as it comes; Go moves both goroutines to one core. "two threads": each is locked to an OS thread of its own,
// so that every message wakes one, as between two workers of sward.
package main

import (
	"fmt"
	"runtime"
	"sort"
	"time"
)

func rally(locked bool, rounds int) float64 {
	ping, pong := make(chan int, 1), make(chan int, 1)
	go func() {
		if locked {
			runtime.LockOSThread()
		}
		for message := range ping {
			pong <- message
		}
		close(pong)
	}()
	if locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	play := func(rounds int) {
		for round := 0; round < rounds; round++ {
			ping <- round
			<-pong
		}
	}
	play(rounds / 10)
	start := time.Now()
	play(rounds)
	spent := time.Since(start)
	close(ping)
	<-pong
	return float64(spent.Nanoseconds()) / float64(rounds)
}

func median(locked bool, rounds int) float64 {
	var all []float64
	for run := 0; run < 5; run++ {
		all = append(all, rally(locked, rounds))
	}
	sort.Float64s(all)
	return all[len(all)/2]
}

func main() {
	fmt.Printf("ns a round trip: free %.0f, two threads %.0f\n", median(false, 1000000), median(true, 20000))
}
