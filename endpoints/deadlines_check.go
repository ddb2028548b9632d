//go:build race

package endpoints

import (
	"fmt"
	"slices"
)

// check panics if a part of a session has something else to do than it said last, or has messages
// of which nobody knows.
func (d *deadlines) check(s *Session) {
	fresh := deadlines{}
	fresh.update(s)
	if d.keying != fresh.keying || d.passing != fresh.passing || !slices.Equal(d.sources, fresh.sources) || d.calm && !fresh.calm {
		panic(fmt.Sprintf("endpoints: nobody has noticed what %s wants: %+v, not %+v", s.name, fresh, *d))
	}
}
