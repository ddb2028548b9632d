package main

import (
	"time"

	"rtpfabric/topologies"
	"rtpfabric/topologies/pion"
)

// test-panic is a stack whose goroutine panics after a second, as one with a bug does.
func init() {
	topologies.RegisterStack("test-panic", func(c topologies.GuestConfig) (topologies.Guest, error) {
		go func() {
			time.Sleep(time.Second)
			panic("this stack always panics")
		}()
		return pion.Open(c)
	})
}
