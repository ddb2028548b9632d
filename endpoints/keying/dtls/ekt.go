package dtls

import (
	"fmt"

	"rtpfabric/endpoints/keying/ekt"
	"rtpfabric/sim/simtime"
)

// EKTKey is the message with which a server gives a client the key of a group, when the handshake
// is over (RFC 8870 §5.2.2).
type EKTKey struct {
	ekt.Parameters
	// TTL is for how many seconds the key may be used.
	TTL uint32
}

const (
	ektKey    messageType = 26
	ackRecord contentType = 26 // of DTLS 1.3 (RFC 9147 §7), which RFC 8870 has with DTLS 1.2, too
)

// extensionEKT is supported_ekt_ciphers (RFC 8870 §7.3).
const extensionEKT uint16 = 39

// aesKW128 is AESKW128, the one EKT cipher that is done here.
const aesKW128 = 1

// delivery gives the other end one EKTKey after the other, each until it is acknowledged.
type delivery struct {
	waiting []EKTKey
	message *message // that is on its way; nil if none is
	records []uint64 // in which it was sent
	timer   timer
}

// SendEKTKey gives the other end, a client that has agreed to EKT, another key of the group. It waits
// until the handshake is over, and for those before.
func (c *Conn) SendEKTKey(now simtime.Time, k EKTKey) {
	c.keys.waiting = append(c.keys.waiting, k)
	c.deliver(now)
}

// EKTKeys returns the keys that the other end, a server, has given so far, and forgets them.
func (c *Conn) EKTKeys() []EKTKey {
	list := c.given
	c.given = nil
	return list
}

// Acknowledged reports whether the other end has all keys that it was given.
func (c *Conn) Acknowledged() bool { return len(c.keys.waiting) == 0 && c.keys.message == nil }

// deliver sends the next key, if there is nothing else to wait for.
func (c *Conn) deliver(now simtime.Time) {
	d := &c.keys
	if !c.secure() || !c.shake.ekt || c.config.Role != Server || d.message != nil || len(d.waiting) == 0 {
		return
	}
	m := message{typ: ektKey, seq: c.send.nextSeq, body: ektKeyBody(&d.waiting[0])}
	c.send.nextSeq++
	d.waiting, d.message, d.records = d.waiting[1:], &m, nil
	d.timer = timer{value: c.config.InitialTimeout}
	c.sendKey(now)
}

// sendKey sends the one that is on its way, in a record of its own.
func (c *Conn) sendKey(now simtime.Time) {
	d := &c.keys
	d.records = append(d.records, (&record{epoch: 1, seq: c.send.seq[1]}).number())
	c.emit(c.send.record(nil, handshakeRecord, version12, 1, d.message.appendWhole(nil)))
	c.stats.FragmentsSent++
	d.timer.restart(now)
}

// keyExpired sends the key once more, or gives up (RFC 6347 §4.2.4).
func (c *Conn) keyExpired(now simtime.Time) {
	c.stats.Timeouts++
	if !c.keys.timer.backOff(c.config.MaxTimeouts, c.config.MaxTimeout) {
		c.over(ErrTimeout)
		return
	}
	c.stats.Retransmissions++
	c.sendKey(now)
}

// handleACK takes the numbers of records that have come to the other end (RFC 9147 §7).
func (c *Conn) handleACK(now simtime.Time, body []byte) {
	in := cursor{b: body}
	list := cursor{b: in.vector(2)}
	if !in.done() || len(list.b)%16 != 0 {
		c.stats.BadRecords++
		return
	}
	c.stats.Records++
	d := &c.keys
	for len(list.b) > 0 {
		epoch, seq := uint64(list.number(8)), uint64(list.number(8))
		for _, r := range d.records {
			if d.message != nil && r == epoch<<48|seq {
				d.message, d.timer.deadline = nil, simtime.Never
			}
		}
	}
	c.deliver(now)
}

// acknowledge tells that a record has come.
func (c *Conn) acknowledge(r record) {
	number := appendNumber(appendNumber(nil, int(r.epoch), 8), int(r.seq), 8)
	c.emit(c.send.record(nil, ackRecord, version12, 1, appendVector(nil, number, 2)))
}

// takeKey takes a message that came after the handshake: a key, and nothing else.
func (c *Conn) takeKey(m message, r record) {
	if m.typ != ektKey || c.config.Role != Client || !c.shake.ekt {
		c.fail(UnexpectedMessage, unexpected{m.typ})
		return
	}
	k, err := parseEKTKey(m.body)
	if err != nil {
		c.fail(DecodeError, err)
		return
	}
	if _, err := ekt.NewCipher(k.Parameters); err != nil || len(k.Key) != 16 {
		c.fail(IllegalParameter, fmt.Errorf("a key of %d octets for AESKW128", len(k.Key)))
		return
	}
	c.given = append(c.given, k)
	c.acknowledge(r)
}

func ektKeyBody(k *EKTKey) []byte {
	b := appendVector(appendVector(nil, k.Key, 1), k.Salt, 1)
	return appendNumber(appendNumber(b, int(k.SPI), 2), int(k.TTL), 3)
}

func parseEKTKey(body []byte) (k EKTKey, err error) {
	c := cursor{b: body}
	k.Key, k.Salt = c.vector(1), c.vector(1)
	k.SPI, k.TTL = uint16(c.number(2)), uint32(c.number(3))
	if !c.done() || len(k.Key) == 0 || len(k.Salt) == 0 {
		return k, errDecode
	}
	return k, nil
}
