package pacer

import "rtpfabric/sim/packet"

// Drop shows all packets that wait to a function, which takes those for which it reports
// true. The others stay in their order.
func (p *Pacer) Drop(takes func(*packet.Packet) bool) {
	for c := range p.queues {
		queue := &p.queues[c]
		for range queue.Len() {
			if q := queue.Pop(); !takes(q) {
				queue.Push(q)
			}
		}
	}
}
