//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package simrun

import "errors"

// lock is one on a folder, which there isn't here.
type lock struct{}

func openLock(string) (lock, error) { return lock{}, errors.ErrUnsupported }

func (lock) alone() bool { return false }

func (lock) share() bool { return false }

func (lock) close() {}
