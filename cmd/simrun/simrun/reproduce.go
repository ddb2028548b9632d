package simrun

import (
	"strings"
)

// reproduce returns the command that repeats one run: its variation of the
// matrix, then what was set from outside, in the order in which they were
// applied.
func reproduce(r *plannedRun, set []string) string {
	words := []string{"simrun", "run", r.File}
	for _, v := range r.Variation {
		words = append(words, "--set", v.Path+"="+v.Value)
	}
	for _, s := range set {
		words = append(words, "--set", s)
	}
	return shellCommand(words)
}

// repeat returns the command that repeats all runs of a file.
func repeat(f *plannedFile, set []string) string {
	words := []string{"simrun", "run", f.Path}
	for _, s := range set {
		words = append(words, "--set", s)
	}
	return shellCommand(words)
}

// shellCommand writes words so that a POSIX shell reads them as they are.
func shellCommand(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.Trim(w, plainInShell) != "" {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// plainInShell are the characters that need no quotes.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+"

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
