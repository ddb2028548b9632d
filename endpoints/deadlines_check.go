//go:build race

package endpoints

import "fmt"

// check panics if a part of a session has something else to do than it said last, or has messages
// of which nobody knows.
func (d *deadlines) check(s *Session) {
	unnoticed := d.keying != s.keyingDue() || d.passing != s.sectionsDue()
	for i, r := range s.sources {
		unnoticed = unnoticed || d.sources[i] != r.due() || d.calm && !r.calm()
	}
	for _, m := range s.sections {
		unnoticed = unnoticed || d.calm && s.hasMessages(m)
	}
	if unnoticed {
		panic(fmt.Sprintf("endpoints: nobody has noticed what %s has to do: %+v", s.name, *d))
	}
}
