package scenarios

import (
	"slices"
	"strings"
	"testing"
)

func TestLinesOfExpectations(t *testing.T) {
	const first, second, third = "- {metric: loss, flow: S/video, max: 1%}\n", "\n    # a comment\n  - flow: S/video\n    metric: loss\n    max: 2%\n", "matrix:\n  expect:\n"
	line := 1 + strings.Count(callForTests, "\n")
	list := callForTests + "expect:\n  " + first + second
	axis := callForTests + third + "    - [" + strings.TrimSpace(first)[2:] + "]\n    - []\n"
	for _, tt := range []struct {
		text string
		set  []string
		want [][]int
	}{
		{callForTests, nil, [][]int{nil}},
		{list, nil, [][]int{{line + 1, line + 4}}},
		{axis, nil, [][]int{{line + 2}, nil}},
		{list, []string{"expect.1={metric: loss, flow: S/video, max: 3%}"}, [][]int{{line + 1, 0}}},
		{list, []string{"expect=[{metric: loss, flow: S/video, max: 3%}]"}, [][]int{{0}}},
	} {
		f := parse(t, tt.text, tt.set...)
		for i, r := range f.Runs {
			if !slices.Equal(r.ExpectLines, tt.want[i]) {
				t.Errorf("%q, run %s: lines %v, want %v in\n%s", tt.set, r.Name, r.ExpectLines, tt.want[i], tt.text)
			}
		}
	}
}
