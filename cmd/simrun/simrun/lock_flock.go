//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package simrun

import (
	"os"
	"syscall"
)

// lock is one on a folder. It goes with the process, also if that is killed, and no child has it.
type lock struct{ folder *os.File }

func openLock(folder string) (lock, error) {
	f, err := os.Open(folder)
	return lock{f}, err
}

// alone takes the lock if nobody else has it.
func (l lock) alone() bool {
	return syscall.Flock(int(l.folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// share takes the lock, or keeps it, together with others, if nobody has it alone.
func (l lock) share() bool {
	return syscall.Flock(int(l.folder.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

func (l lock) close() { _ = l.folder.Close() }
