package feedback

import (
	"testing"

	"rtpfabric/sim/packet"
)

// What a receiver has said of packets stays known when it isn't the only one any more, and when it is
// again; so does who is behind most.
func TestReceiversComeAndGo(t *testing.T) {
	var h History
	for i := range uint16(10) {
		h.Sent(1, 7, i, 100, 0, nil)
	}
	only := h.Receiver("")
	say := func(r *Receiver, rtp uint16) int {
		r.begin()
		r.note(h.bySSRC(7, rtp), true, 1, packet.NotECT)
		return len(r.report.Packets)
	}
	want := func(what string, flying int) {
		t.Helper()
		if got := int(h.InFlight()); got != flying {
			t.Errorf("%s: %d octets in flight, want %d", what, got, flying)
		}
	}
	want("before any report", 1000)
	if say(only, 4) != 1 || say(only, 4) != 0 {
		t.Error("a packet is news once")
	}
	want("after a report on the fifth", 500)
	other := h.Receiver("other")
	want("with somebody who has said nothing", 1000)
	if say(only, 4) != 0 || say(other, 4) != 1 || say(other, 4) != 0 {
		t.Error("each says it once")
	}
	want("after both have", 500)
	say(other, 9)
	want("as the first is behind", 500)
	h.Forget("other")
	if say(only, 4) != 0 || say(only, 9) != 1 {
		t.Error("the one that has stayed has forgotten what it said, or heard what the other did")
	}
	want("at the end", 0)
	h.Forget("")
	want("without anybody", 1000)
}
