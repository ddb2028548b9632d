package pion

import (
	"cmp"
	"slices"
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// orderly holds packets of RTCP until all goroutines have come to rest at this instant, and lets them go in
// an order that depends on what they are. Some of pion's parts go over maps of streams, and several have
// tickers that are due at the same time.
type orderly struct {
	interceptor.NoOp
	wake   func()
	mu     sync.Mutex
	writer interceptor.RTCPWriter
	held   []heldRTCP
	// hasty lets everything go at once, and only tells of it: the faithful profile.
	hasty bool
}

type heldRTCP struct {
	packets    []rtcp.Packet
	attributes interceptor.Attributes
	key        []int // what it is sorted by
}

// NewInterceptor returns the interceptor: each end has a registry of its own.
func (o *orderly) NewInterceptor(string) (interceptor.Interceptor, error) { return o, nil }

// BindRTCPWriter takes the way to the network.
func (o *orderly) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	o.writer = w
	return interceptor.RTCPWriterFunc(func(packets []rtcp.Packet, a interceptor.Attributes) (int, error) {
		if o.hasty {
			if n, err := w.Write(packets, a); err != nil {
				return n, err
			}
		}
		o.mu.Lock()
		o.held = append(o.held, heldRTCP{packets: slices.Clone(packets), attributes: a})
		o.mu.Unlock()
		o.wake()
		return len(packets), nil
	})
}

// orderBlocks puts what RFC 8888's feedback says of several streams into order: pion takes it from a map.
func orderBlocks(packets []rtcp.Packet, place func(ssrc uint32) int) {
	for _, p := range packets {
		if f, ok := p.(*rtcp.CCFeedbackReport); ok {
			slices.SortFunc(f.ReportBlocks, func(a, b rtcp.CCFeedbackReportBlock) int {
				return cmp.Compare(place(a.MediaSSRC), place(b.MediaSSRC))
			})
		}
	}
}

func (o *orderly) take() []heldRTCP {
	o.mu.Lock()
	defer o.mu.Unlock()
	held := o.held
	o.held = nil
	return held
}

// flush lets go what is held, and counts it. It reports whether pion has something to do with it.
func (e *end) flush(now simtime.Time) bool {
	held := e.order.take()
	if len(held) > 1 && !e.order.hasty {
		for i := range held {
			held[i].key = e.key(held[i].packets)
		}
		slices.SortStableFunc(held, func(a, b heldRTCP) int { return slices.Compare(a.key, b.key) })
	}
	for _, h := range held {
		if !e.order.hasty {
			orderBlocks(h.packets, e.place)
			if _, err := e.order.writer.Write(h.packets, h.attributes); err != nil {
				continue
			}
		}
		if e.session == nil {
			continue
		}
		size := packet.HeaderIPv4UDP + e.stack.config.Profile.OverheadRTCP()
		var reports []*endpoints.Section
		var plain []byte
		for _, p := range h.packets {
			size += units.Bytes(p.MarshalSize())
			if b, err := p.Marshal(); err == nil {
				plain = append(plain, b...)
			}
			reports = append(reports, e.reported(p)...)
		}
		e.session.CarrierSentRTCP(now, plain, size, reports...)
	}
	return len(held) > 0 && !e.order.hasty
}

// key is what packets that are sent in one instant are sorted by: what they are, how long, and which
// streams they are about, by place rather than by SSRC, which pion draws anew for each run.
func (e *end) key(packets []rtcp.Packet) []int {
	var k []int
	for _, p := range packets {
		if b, err := p.Marshal(); err == nil && len(b) >= 4 {
			k = append(k, int(b[1]), int(b[0]&31), len(b))
		}
		for _, ssrc := range p.DestinationSSRC() {
			k = append(k, e.place(ssrc))
		}
	}
	return k
}

// place returns where among the session's streams an SSRC is; those that come follow those that are sent.
func (e *end) place(ssrc uint32) int {
	if e.session == nil {
		return 0
	}
	sections := e.session.Sections()
	for i, m := range sections {
		switch {
		case m.SSRC() == ssrc:
			return i
		case m.Repairs(ssrc):
			return len(sections) + i
		case m.RemoteSSRC() == ssrc:
			return 2*len(sections) + i
		case m.RemoteRepairSSRC() == ssrc:
			return 3*len(sections) + i
		}
	}
	return 4 * len(sections)
}

// reported returns the sections of whose streams a packet is a report.
func (e *end) reported(p rtcp.Packet) (list []*endpoints.Section) {
	var ssrcs []uint32
	switch p := p.(type) {
	case *rtcp.SenderReport:
		ssrcs = []uint32{p.SSRC}
	case *rtcp.ReceiverReport:
		for _, b := range p.Reports {
			ssrcs = append(ssrcs, b.SSRC)
		}
	}
	for _, m := range e.session.Sections() {
		if slices.ContainsFunc(ssrcs, func(ssrc uint32) bool { return m.SSRC() == ssrc || m.RemoteSSRC() == ssrc }) {
			list = append(list, m)
		}
	}
	return list
}
