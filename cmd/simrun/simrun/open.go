package simrun

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// openPage shows a page in the browser, or says why it can't. That is never a reason to fail.
func openPage(stderr io.Writer, page string) {
	if page == "" {
		fmt.Fprintln(stderr, "simrun: there is no page to open")
		return
	}
	if err := browse(fileAddress(page)); err != nil {
		fmt.Fprintf(stderr, "simrun: %s can't be opened: %v\n", page, err)
	}
}

// fileAddress is the address of a file for a browser.
func fileAddress(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	abs = filepath.ToSlash(abs)
	if abs != "" && abs[0] != '/' { // C:/…
		abs = "/" + abs
	}
	return (&url.URL{Scheme: "file", Path: abs}).String()
}

// browserPatience is how long a program that opens addresses may take to fail. Some stay as long as the browser.
const browserPatience = 2 * time.Second

// browse opens an address with what the desktop has for that.
func browse(address string) error {
	words, err := browserCommand(runtime.GOOS, os.Getenv)
	if err != nil {
		return err
	}
	cmd := exec.Command(words[0], append(words[1:], address)...)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
	case <-time.After(browserPatience):
	}
	return nil
}

// browserCommand is the command that opens an address, which follows it.
func browserCommand(system string, env func(string) string) ([]string, error) {
	switch system {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}, nil
	case "darwin":
		return []string{"open"}, nil
	}
	if env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "" {
		return nil, errors.New("there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)")
	}
	return []string{"xdg-open"}, nil
}
