package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rtpfabric/scenarios/internal/strict"
)

// Limits that keep the name of a run usable as the name of a folder.
const (
	maxValueName = 40
	maxRunName   = 120
)

// runNames names every choice of values, such as delay=50ms,seed=3. Names are
// unique, also where case makes no difference, and consist of letters, digits
// and . _ + - = and commas.
func runNames(axes []axis, choices [][]int) []string {
	if len(axes) == 0 {
		return []string{"default"}
	}
	labels := axisLabels(axes)
	values := make([][]string, len(axes))
	for i, a := range axes {
		values[i] = valueNames(a)
	}
	names := make([]string, len(choices))
	for i, choice := range choices {
		parts := make([]string, len(axes))
		for j, v := range choice {
			parts[j] = labels[j] + "=" + values[j][v]
		}
		names[i] = strings.Join(parts, ",")
	}
	taken := map[string]bool{}
	for i, name := range names {
		if len(name) > maxRunName || taken[strings.ToLower(name)] {
			names[i] = fmt.Sprintf("%s,run=%d", name[:min(len(name), maxRunName-12)], i+1)
		}
		taken[strings.ToLower(names[i])] = true
	}
	return names
}

// axisLabels returns for each axis the shortest end of its path that no other
// axis ends in, and that isn't only an index.
func axisLabels(axes []axis) []string {
	labels := make([]string, len(axes))
	for i, a := range axes {
		for n := 1; n <= len(a.path); n++ {
			end := a.path[len(a.path)-n:]
			labels[i] = folderSafe(strings.Join(end, "."))
			if _, err := strconv.Atoi(end[0]); err != nil && !sharesEnd(axes, i, end) {
				break
			}
		}
	}
	return labels
}

func sharesEnd(axes []axis, self int, end strict.Path) bool {
	for i, a := range axes {
		if i != self && strings.HasSuffix("."+strings.ToLower(a.path.String()), "."+strings.ToLower(end.String())) {
			return true
		}
	}
	return false
}

// valueNames returns a name for each value of an axis: the value itself where
// that can stand in the name of a folder, none if it is empty, else its number.
func valueNames(a axis) []string {
	names := make([]string, len(a.values))
	count := map[string]int{}
	for i, v := range a.values {
		names[i] = folderSafe(v.text)
		if v.text == "[]" || v.text == "{}" {
			names[i] = "none"
		}
		count[strings.ToLower(names[i])]++
	}
	for i, name := range names {
		if name == "" || len(name) > maxValueName || count[strings.ToLower(name)] > 1 {
			names[i] = fmt.Sprintf("%d_of_%d", i+1, len(names))
		}
	}
	return names
}

var unsafeInFolder = regexp.MustCompile(`[^A-Za-z0-9._+-]+`)

// folderSafe writes a text with the characters that every file system and URL
// takes.
func folderSafe(s string) string {
	s = strings.ReplaceAll(s, "%", "pct")
	return strings.Trim(unsafeInFolder.ReplaceAllString(s, "_"), "_")
}
