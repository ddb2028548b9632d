//go:build !race

package endpoints

// check trusts that every change has been noticed; see the one for the race detector.
func (*deadlines) check(*Session) {}
