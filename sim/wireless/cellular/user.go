package cellular

import (
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// user is one link: what it sends, and its radio channel.
type user struct {
	link   *fabric.Link
	index  int // in the cell
	config UserConfig
	cell   Config

	// the radio channel
	snr       float64 // mean, a ratio
	fading    *fading // nil if the channel is constant
	rate      units.BitRate
	handovers int // how many have begun

	// what is being sent
	current    *packet.Packet // in part
	left       units.Bytes    // of it
	unreleased packet.FIFO    // sent in full, and not known to have arrived
	finished   int            // packets that end in the block being filled
	blocks     blockRing

	// of the present TTI
	waiting bool
	served  units.Bytes
	bits    float64 // that didn't make a byte in the TTI before, below 8
	average float64 // bytes per TTI, of proportional fair

	stats UserStats
}

func newUser(l *fabric.Link, c UserConfig, cell Config, random *rng.Stream) *user {
	u := &user{link: l, config: c, cell: cell}
	u.snr = ratio(c.meanSNR(cell))
	if c.Speed > 0 && c.fades() {
		u.fading = newFading(c.Speed/3.6*cell.Carrier/speedOfLight, random)
	}
	return u
}

func (u *user) backlogged() bool { return u.current != nil || u.link.Queue.Len() > 0 }

// serviceFrom returns when the user can be served that couldn't before t: t
// itself, or the end of the handover that t lies in.
func (u *user) serviceFrom(t simtime.Time) simtime.Time {
	for _, h := range u.config.Handovers {
		if from := simtime.At(h.At); from <= t && t < from.Add(h.Gap) {
			t = from.Add(h.Gap)
		}
	}
	return t
}

// rateAt returns the rate over the whole band in the TTI that begins at now.
func (u *user) rateAt(now simtime.Time) units.BitRate {
	for ; u.handovers < len(u.config.Handovers); u.handovers++ {
		h := u.config.Handovers[u.handovers]
		if simtime.At(h.At) > now {
			break
		}
		if h.SNR != nil {
			u.snr = ratio(*h.SNR)
		}
	}
	switch {
	case u.config.Capacity != nil:
		return max(u.config.Capacity(now), 0)
	case u.config.Rate > 0:
		return u.config.Rate
	}
	snr := u.snr
	if u.fading != nil {
		snr = float64(snr * u.fading.power(now))
	}
	return u.cell.Shannon.rate(snr, u.cell.Bandwidth)
}

// send takes so many bytes off the user's packets, or what it has, and returns
// how many.
func (u *user) send(now simtime.Time, grant units.Bytes) units.Bytes {
	rest := grant
	for rest > 0 {
		if u.current == nil {
			p := u.link.Take(now)
			if p == nil {
				break
			}
			u.current, u.left = p, p.Size
		}
		n := min(rest, u.left)
		u.left -= n
		rest -= n
		if u.left == 0 {
			u.unreleased.Push(u.current)
			u.current = nil
			u.finished++
		}
	}
	return grant - rest
}

// closeBlock ends what the user sends in one TTI and returns its number.
func (u *user) closeBlock() uint64 {
	n := u.blocks.push(u.finished)
	u.finished = 0
	return n
}

// arrived notes that a block was received, and hands on the packets that are
// complete now without a gap before them.
func (u *user) arrived(now simtime.Time, number uint64) {
	u.blocks.receive(number)
	for {
		n, ok := u.blocks.pop()
		if !ok {
			return
		}
		for range n {
			p := u.unreleased.Pop()
			u.stats.Delivered++
			u.stats.Bytes += p.Size
			u.link.Transmit(now, p, u.cell.TTI)
		}
	}
}

// blockRing is the blocks that a user sent, from the oldest that hasn't arrived.
type blockRing struct {
	ring  []block // length is a power of two
	first uint64  // number of the oldest
	next  uint64  // number of the next one sent
}

type block struct {
	packets  int // that end in it
	received bool
}

func (b *blockRing) at(number uint64) *block { return &b.ring[number&uint64(len(b.ring)-1)] }

func (b *blockRing) push(packets int) uint64 {
	if int(b.next-b.first) == len(b.ring) {
		old := *b
		b.ring = make([]block, max(16, 2*len(old.ring)))
		for n := old.first; n < old.next; n++ {
			*b.at(n) = *old.at(n)
		}
	}
	n := b.next
	*b.at(n) = block{packets: packets}
	b.next++
	return n
}

func (b *blockRing) receive(number uint64) { b.at(number).received = true }

// pop removes the oldest block if it has arrived, and returns how many packets
// end in it.
func (b *blockRing) pop() (packets int, ok bool) {
	if b.first == b.next || !b.at(b.first).received {
		return 0, false
	}
	b.first++
	return b.at(b.first - 1).packets, true
}
