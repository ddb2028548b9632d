package record

import (
	"path/filepath"
	"strings"
)

// Partial stands in the names of folders that [Write] fills.
const Partial = ".partial-"

// stagingPrefix begins the names, beside the folder dir, under which [Write] fills what becomes dir, and keeps for a
// moment what was there before.
func stagingPrefix(dir string) string { return "." + filepath.Base(dir) + Partial }

// Leftover reports whether a name beside the folder dir is one that [Write] uses on the way to dir. If nobody is
// writing there, it is what a program left that was killed.
func Leftover(dir, name string) bool {
	number, ok := strings.CutPrefix(name, stagingPrefix(filepath.Clean(dir)))
	number = strings.TrimSuffix(number, asideSuffix)
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// asideSuffix ends the name of what was there before.
const asideSuffix = ".old"
