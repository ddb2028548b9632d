package endpoints

import (
	"rtpfabric/ccontrol/breaker"
	"rtpfabric/endpoints/tmmbr"
)

// plot is where a media section lies, and what each of its packets needs besides: in the same page or two
// of memory, as of the thousands of sections of a conference few are in a cache when their next packet
// comes. What is nil isn't there.
type plot struct {
	section *Section
	stream  *Stream
	passage *Passage
	watched *breaker.Memory
	limits  *tmmbr.Sender
}

// newPlot returns a plot for a section that is new.
func newPlot(c *SectionConfig) plot {
	if c.Send == nil {
		p := &struct {
			Section
			stream Stream
			limits tmmbr.Sender
		}{}
		return plot{section: &p.Section, stream: &p.stream, limits: &p.limits}
	}
	p := &struct {
		Section
		stream  Stream
		passage Passage
		limits  tmmbr.Sender
		watched breaker.Memory
	}{}
	return plot{&p.Section, &p.stream, &p.passage, &p.watched, &p.limits}
}
