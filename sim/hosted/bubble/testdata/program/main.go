// A program that has nothing to do with tests.
package main

import (
	"flag"
	"fmt"
	"time"

	"rtpfabric/sim/hosted/bubble"
)

func main() {
	for range 2 {
		err := bubble.Run(time.Minute, func() error {
			time.Sleep(time.Hour)
			return nil
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	flag.Parse()
	n := 0
	flag.VisitAll(func(*flag.Flag) { n++ })
	fmt.Println("flags:", n)
	fmt.Println("slept", time.Hour)
	fmt.Println("still here")
}
