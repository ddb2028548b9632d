//go:build !race

package endpoints

const distrust = false

// check trusts that every change has been noticed; see the one for the race detector.
func (*agenda) check() {}
