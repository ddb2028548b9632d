package simrun

import "sync"

// inParallelShown is inParallel, and counts for the user what is done.
func inParallelShown(show *counter, jobs, n int, do func(i int)) {
	defer show.end()
	inParallel(jobs, n, func(i int) {
		do(i)
		show.done()
	})
}

// inParallel calls a function with the numbers from 0 to below n, each once, beginning in order and with as many at the
// same time as jobs says. It returns when all have ended.
func inParallel(jobs, n int, do func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(jobs, n) {
		workers.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}
