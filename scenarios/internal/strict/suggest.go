package strict

import (
	"fmt"
	"strings"
)

// Instead returns a remedy for a name that doesn't exist: the nearest of those
// that do, or all of them. what names them, such as "the fields here".
func Instead(word string, valid []string, what string) string {
	if near := nearest(word, valid); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	switch len(valid) {
	case 0:
		return "there are none to choose from"
	case 1:
		return fmt.Sprintf("only %s is possible", valid[0])
	}
	return what + " are " + strings.Join(valid, ", ")
}

// nearest returns the valid word at the smallest edit distance from word, or ""
// if none is near enough to be meant.
func nearest(word string, valid []string) string {
	best, bestAt := "", 1+max(1, len(word)/3)
	for _, v := range valid {
		if strings.EqualFold(v, word) {
			return v
		}
		if d := distance(strings.ToLower(word), strings.ToLower(v)); d < bestAt && d < len(v) {
			best, bestAt = v, d
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			replace := prev[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			cur[j] = min(replace, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
