package simrun

import (
	"errors"
	"fmt"
	"io"
)

// Exit codes of the program.
const (
	ExitPassed      = 0   // every expectation is met
	ExitFailed      = 1   // an expectation isn't met, or a comparison finds a regression
	ExitUsage       = 2   // bad input or usage
	ExitInternal    = 3   // an internal error, a controller program that failed, or a result that couldn't be written
	ExitInterrupted = 130 // by a signal
)

// exitError ends the program with a code. A nil err has been reported already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// badInput marks an error as one of the user's input. Its lines name the input
// themselves.
func badInput(err error) error { return &exitError{ExitUsage, err} }

// badInputIf is badInput if there is an error.
func badInputIf(err error) error {
	if err == nil {
		return nil
	}
	return badInput(err)
}

// ExitCode returns the exit code that an error of [Command] stands for.
func ExitCode(err error) int {
	if err == nil {
		return ExitPassed
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	return ExitUsage // of the arguments, found by cobra
}

// report prints an error for the user and returns the exit code.
func report(w io.Writer, err error) int {
	exit, ok := errors.AsType[*exitError](err)
	switch {
	case err == nil:
	case !ok:
		fmt.Fprintf(w, "simrun: %v\nsimrun help shows what is possible.\n", err)
	case exit.err != nil:
		fmt.Fprintln(w, exit.err)
	}
	return ExitCode(err)
}
