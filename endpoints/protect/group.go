package protect

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/pion/rtp"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/keying/ekt"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Grouped is a keying step of a group whose senders have keys of their own.
type Grouped interface {
	keying.Step
	// Sets returns the EKT parameter sets that there are, the newest last.
	Sets() []ekt.Parameters
	// MasterKey draws an SRTP master key of so many octets.
	MasterKey(n int) []byte
}

// Group protects the packets of one endpoint of a group by its own master key, which goes with
// them in EKT fields, and opens those of others by theirs (RFC 8870). SRTCP has full fields, too,
// as in draft-ietf-avt-srtp-ekt-02: otherwise nobody could read the reports of who sends no media.
//
// Of its methods Follow and Plan have to be called before packets are protected.
type Group struct {
	config  Config
	step    Grouped
	ciphers map[uint16]*ekt.Cipher
	plain   *sizeOnly // without cryptography; nil with it

	own, next *senderKey // next is told already, and not in use yet
	nextAt    simtime.Time
	out       map[uint32]*told
	full      bool // the next RTP packet tells the key

	in      map[uint32]*heard
	scratch []byte
}

// senderKey is a master key and what it protects with.
type senderKey struct {
	ekt.Field // of no SSRC
	protector Protector
}

// told is what others have been told of an SSRC of this end.
type told struct {
	index rollover
	left  int          // packets that are to tell the key anyhow
	last  simtime.Time // when one has told it
}

// heard is what is known of an SSRC: its keys, and with which the last packet was opened.
type heard struct {
	keys    []heardKey // the newest last; two at most
	current int
}

type heardKey struct {
	set       int // its place among the parameter sets
	epoch     uint16
	protector Protector
}

// What RFC 8870 recommends: three packets tell a new key (§4.6), which is used 250 ms later
// (§4.3.1); then one does every 100 ms at most.
const (
	tellings  = 3
	tellAgain = 100 * time.Millisecond
	tellAhead = 250 * time.Millisecond
)

// maxHeard bounds what members of the group can make an endpoint remember.
const maxHeard = 4096

func newGroup(c Config, step Grouped) (*Group, error) {
	g := &Group{config: c, step: step, ciphers: map[uint16]*ekt.Cipher{}, out: map[uint32]*told{}, in: map[uint32]*heard{}}
	if c.Mode == SizeOnly {
		g.plain = newSizeOnly(c)
	}
	var err error
	g.own, err = g.draw()
	return g, err
}

// draw returns another key of this end, for the newest parameter set.
func (g *Group) draw() (*senderKey, error) {
	sets := g.step.Sets()
	p := sets[len(sets)-1]
	k := &senderKey{Field: ekt.Field{SPI: p.SPI, Key: g.step.MasterKey(g.config.Profile.KeyLen())}}
	if g.cipher(p.SPI) == nil {
		return nil, fmt.Errorf("EKT parameter set %d can't be used", p.SPI)
	}
	var err error
	k.protector, err = g.protector(k.Key, p.Salt)
	return k, err
}

// cipher returns that of a parameter set, nil if there is none.
func (g *Group) cipher(spi uint16) *ekt.Cipher {
	if c := g.ciphers[spi]; c != nil {
		return c
	}
	i := g.place(spi)
	if i < 0 {
		return nil
	}
	c, err := ekt.NewCipher(g.step.Sets()[i])
	if err != nil {
		return nil
	}
	g.ciphers[spi] = c
	return c
}

// place returns the place of a parameter set, -1 if there is none.
func (g *Group) place(spi uint16) int {
	return slices.IndexFunc(g.step.Sets(), func(p ekt.Parameters) bool { return p.SPI == spi })
}

// protector returns what a master key protects with. A salt that is too long is cut (§4.3.2).
func (g *Group) protector(key, salt []byte) (Protector, error) {
	if g.plain != nil {
		return g.plain, nil
	}
	m := keying.Material{Key: key, Salt: salt[:g.config.Profile.SaltLen()]}
	return newFull(g.config, keying.Keys{Local: m, Remote: m})
}

// Follow draws a new key if there is a new parameter set, and takes to one that has been told for
// long enough. It reports whether it has drawn one.
func (g *Group) Follow(now simtime.Time) bool {
	if g.next != nil && now >= g.nextAt {
		g.change()
	}
	sets := g.step.Sets()
	last := g.own
	if g.next != nil {
		last = g.next
	}
	if sets[len(sets)-1].SPI == last.SPI {
		return false
	}
	k, err := g.draw()
	if err != nil {
		panic("protect: " + err.Error())
	}
	g.next, g.nextAt = k, now.Add(tellAhead)
	for _, t := range g.out {
		t.left = tellings
	}
	return true
}

// change takes to the next key. Packets go on being counted as before (RFC 3711 §3.3.1).
func (g *Group) change() {
	was, ok := g.own.protector.(*full)
	g.own, g.next = g.next, nil
	if !ok {
		return
	}
	is := g.own.protector.(*full)
	is.sent = was.sent
	for ssrc, t := range g.out {
		if t.index.begun {
			is.out.SetROC(ssrc, t.roc())
		}
	}
}

func (t *told) roc() uint32 { return uint32(t.index.highest >> 16) }

// of returns what others have been told of an SSRC.
func (g *Group) of(ssrc uint32) *told {
	t := g.out[ssrc]
	if t == nil {
		t = &told{left: tellings}
		g.out[ssrc] = t
	}
	return t
}

// Plan says whether the next RTP packet, of the given SSRC, tells the key: the first ones do, and
// others now and then, if others may. It returns by how much the packet gets larger.
func (g *Group) Plan(now simtime.Time, ssrc uint32, may bool) units.Bytes {
	t := g.of(ssrc)
	if g.full = t.left > 0 || may && now.Sub(t.last) >= tellAgain; !g.full {
		return 0
	}
	t.left, t.last = max(t.left-1, 0), now
	return units.Bytes(ekt.FullSize(g.config.Profile.KeyLen()) - ekt.ShortSize)
}

// tell appends a full field about an SSRC.
func (g *Group) tell(b []byte, ssrc, roc uint32) []byte {
	k := g.own
	if g.next != nil {
		k = g.next
	}
	f := k.Field
	f.SSRC, f.ROC = ssrc, roc
	return g.cipher(k.SPI).AppendFull(b, f)
}

// RTP protects a packet, and tells the key if that is planned.
func (g *Group) RTP(h *rtp.Header, b []byte) ([]byte, error) {
	if len(b) < rtpHeader {
		return nil, ErrMalformed
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	t := g.of(ssrc)
	t.index.saw(t.index.index(binary.BigEndian.Uint16(b[2:])))
	b, err := g.own.protector.RTP(h, b)
	if err != nil {
		return nil, err
	}
	if !g.full {
		return ekt.AppendShort(b), nil
	}
	g.full = false
	return g.tell(b, ssrc, t.roc()), nil
}

// RTCP protects a compound packet, and tells the key.
func (g *Group) RTCP(b []byte) ([]byte, error) {
	if len(b) < rtcpHeader {
		return nil, ErrMalformed
	}
	ssrc, roc := binary.BigEndian.Uint32(b[4:]), uint32(0)
	if t := g.out[ssrc]; t != nil {
		roc = t.roc()
	}
	b, err := g.own.protector.RTCP(b)
	if err != nil {
		return nil, err
	}
	return g.tell(b, ssrc, roc), nil
}

// OpenRTP opens a packet by its sender's key, which it may tell.
func (g *Group) OpenRTP(h *rtp.Header, b []byte) ([]byte, error) {
	return g.open(b, 8, func(p Protector, b []byte) ([]byte, error) {
		if _, err := h.Unmarshal(b); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return p.OpenRTP(h, b)
	})
}

// OpenRTCP opens a compound packet by its sender's key, which it tells.
func (g *Group) OpenRTCP(b []byte) ([]byte, error) { return g.open(b, 4, Protector.OpenRTCP) }

// open opens a packet with an SSRC at an offset (RFC 8870 §4.3.2): with the key that the last one
// had, or the other, if there are two.
func (g *Group) open(b []byte, at int, open func(Protector, []byte) ([]byte, error)) ([]byte, error) {
	b, field, err := ekt.Split(b)
	if err != nil || len(b) < at+4 {
		return nil, ErrMalformed
	}
	ssrc := binary.BigEndian.Uint32(b[at:])
	if field != nil {
		if err := g.learn(ssrc, field); err != nil {
			return nil, err
		}
	}
	from := g.in[ssrc]
	if from == nil {
		return nil, ErrNoKey
	}
	if len(from.keys) > 1 {
		g.scratch = append(g.scratch[:0], b...)
	}
	out, err := open(from.keys[from.current].protector, b)
	if err == nil || len(from.keys) == 1 || g.plain != nil {
		return out, err
	}
	other := 1 - from.current
	if out, otherErr := open(from.keys[other].protector, b[:copy(b, g.scratch)]); otherErr == nil {
		from.current = other
		return out, nil
	}
	return nil, err
}

// learn takes a key of an SSRC, if it is a later one than all that are known: one of an older set may
// be repeated, or be told by who has left (§4.1).
func (g *Group) learn(ssrc uint32, field []byte) error {
	from := g.in[ssrc]
	spi, epoch := ekt.SPI(field)
	set := g.place(spi)
	if from != nil && set >= 0 {
		if last := from.keys[len(from.keys)-1]; set < last.set || set == last.set && epoch <= last.epoch {
			return nil
		}
	}
	c := g.cipher(spi)
	if c == nil {
		return ErrAuth
	}
	f, err := c.Open(field)
	switch {
	case err != nil:
		return ErrAuth
	case f.SSRC != ssrc:
		return nil
	case len(f.Key) != g.config.Profile.KeyLen():
		return ErrMalformed
	case from == nil && len(g.in) == maxHeard:
		return ErrNoKey
	}
	p, err := g.protector(f.Key, c.Salt)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if in, ok := p.(*full); ok {
		in.in.SetROC(ssrc, f.ROC)
	}
	if from == nil {
		from = &heard{}
		g.in[ssrc] = from
	}
	if len(from.keys) == 2 {
		from.keys, from.current = slices.Delete(from.keys, 0, 1), 0
	}
	from.keys = append(from.keys, heardKey{set, epoch, p})
	return nil
}

// Known returns how many SSRCs of others have told their keys.
func (g *Group) Known() int { return len(g.in) }

// OverheadRTP is that of a packet that doesn't tell the key; see Plan.
func (g *Group) OverheadRTP() units.Bytes { return g.config.Profile.OverheadRTP() + ekt.ShortSize }

// OverheadRTCP is that of all packets.
func (g *Group) OverheadRTCP() units.Bytes {
	return g.config.Profile.OverheadRTCP() + units.Bytes(ekt.FullSize(g.config.Profile.KeyLen()))
}
