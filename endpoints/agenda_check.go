//go:build race

package endpoints

import "fmt"

// distrust lets every session be asked each time.
const distrust = true

// check panics if a session has something else to do than it said last. It takes as much
// time as the agenda saves, and so is for tests with the race detector.
func (a *agenda) check() {
	for i, s := range a.sessions {
		if t, why := s.nextTimeout(); t != a.due[i] || why != a.why[i] {
			panic(fmt.Sprintf("endpoints: nobody has noticed that %s wants a timeout at %v (%d), not at %v (%d)", s.name, t, why, a.due[i], a.why[i]))
		}
	}
}
