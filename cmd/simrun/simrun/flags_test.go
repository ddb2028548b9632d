package simrun

import (
	"slices"
	"testing"
)

// Whatever prints something for people can print it for programs. The others print nothing, or JSON anyway.
func TestEveryCommandThatPrintsHasJSON(t *testing.T) {
	without := []string{"new", "schema", "serve", "gym"}
	for _, c := range Command().Commands() {
		if c.Hidden {
			continue
		}
		if !slices.Contains(without, c.Name()) && c.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", c.Name())
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.Name())
		}
	}
}
