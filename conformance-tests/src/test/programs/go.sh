#!/bin/bash
# needs: go
# timeout: 240
cd "$(mktemp -d)" || exit 1
export HOME=$PWD GOFLAGS=-mod=mod CGO_ENABLED=0 GOTOOLCHAIN=local
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for i := 0; i < 1000; i++ {
		wg.Add(1)
		go func() { defer wg.Done(); mu.Lock(); sum += i; mu.Unlock() }()
	}
	wg.Wait()
	fmt.Println(sum)
	os.WriteFile("f", []byte("content"), 0o644)
	b, _ := os.ReadFile("f")
	fmt.Println(string(b))
	out, err := exec.Command("sh", "-c", "echo child; exit 3").Output()
	fmt.Print(string(out), err, "\n")
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-c)
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("timer")
	}
	os.Exit(4)
}
END
go build -o prog main.go && ./prog; echo "exit $?"
