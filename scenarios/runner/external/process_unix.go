//go:build unix

package external

import (
	"os/exec"
	"syscall"
)

// apart puts a program into a process group of its own: an interrupt from the keyboard
// is for the command, which lets the run write what it has, and programs that the
// program starts end with it.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killAll(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
