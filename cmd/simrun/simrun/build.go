package simrun

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"io"
	"os"
	"sync"
)

// build identifies the program as it was compiled: [Version] stays the same while somebody works on a controller.
// It is empty if the program can't find out.
var build = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	if f, err := elf.Open(path); err == nil {
		defer f.Close()
		// The linker's note is there at once, and is another one if a byte of the program is.
		if s := f.Section(".note.go.buildid"); s != nil {
			if note, err := s.Data(); err == nil {
				sum := sha256.Sum256(note)
				return hex.EncodeToString(sum[:])
			}
		}
	}
	return digestOf(path)
})

// digestOf returns the SHA-256 of a file; empty if it can't be read.
func digestOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
