package turn

import (
	"encoding/binary"
	"time"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
)

// Sizes of messages, in octets.
const (
	headerSize    = 20 // of STUN messages (RFC 8489 §5)
	attributeHead = 4
	channelHead   = 4               // of ChannelData (RFC 8656 §12.4)
	dataAt        = headerSize + 16 // where the data of an indication begins: after a peer's address and DATA's head
	fingerprint   = 8
	// maxData is the most that fits into a datagram with an indication around it.
	maxData = 65507 - dataAt - fingerprint - 3
	// maxText is the longest REALM and NONCE (RFC 8489 §14.9, §14.10).
	maxText = 763
)

// The numbers of channels (RFC 8656 §12).
const (
	firstChannel = 0x4000
	lastChannel  = 0x4FFF
)

const (
	cookie     = 0x2112A442
	familyIPv4 = 1
	familyIPv6 = 2
	protoUDP   = 17
)

// decode reads a STUN message that fills a datagram. It reports false if it is none, or has a wrong fingerprint. Attributes
// after the integrity, which doesn't vouch for them, are left out (RFC 8489 §14.5).
func decode(m *stun.Message, b []byte) bool {
	if len(b) < headerSize || b[0] >= 4 {
		return false
	}
	m.Raw = b[:len(b):len(b)] // the library writes behind what it checks, as far as there is room
	if m.Decode() != nil || len(b) != headerSize+int(m.Length) {
		return false
	}
	if m.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(m) != nil {
		return false
	}
	for i, a := range m.Attributes {
		if a.Type == stun.AttrMessageIntegrity {
			m.Attributes = m.Attributes[:i+1]
			break
		}
	}
	return true
}

// build returns a message with these attributes and a fingerprint.
func build(kind stun.MessageType, id transactionID, attributes ...stun.Setter) []byte {
	set := append([]stun.Setter{kind, stun.NewTransactionIDSetter(id)}, attributes...)
	m, err := stun.Build(append(set, stun.Fingerprint)...)
	if err != nil {
		panic("turn: " + err.Error()) // all attributes are ours
	}
	return m.Raw
}

// unknown returns those attributes that must be understood and aren't (RFC 8489 §6.3.1).
func unknown(m *stun.Message) (list stun.UnknownAttributes) {
	for _, a := range m.Attributes {
		switch a.Type {
		case stun.AttrMappedAddress, stun.AttrUsername, stun.AttrMessageIntegrity, stun.AttrErrorCode, stun.AttrUnknownAttributes, stun.AttrRealm,
			stun.AttrNonce, stun.AttrXORMappedAddress, stun.AttrChannelNumber, stun.AttrLifetime, stun.AttrXORPeerAddress, stun.AttrData,
			stun.AttrXORRelayedAddress, stun.AttrRequestedAddressFamily, stun.AttrEvenPort, stun.AttrRequestedTransport, stun.AttrDontFragment,
			stun.AttrReservationToken:
		default:
			if a.Type.Required() {
				list = append(list, a.Type)
			}
		}
	}
	return list
}

// text is an attribute with words.
func text(t stun.AttrType, s string) stun.Setter {
	return stun.RawAttribute{Type: t, Value: []byte(s)}
}

// lifetime is LIFETIME (RFC 8656 §18.2).
func lifetime(d time.Duration) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, uint32(d/time.Second))}
}

// lifetimeOf returns the value of LIFETIME.
func lifetimeOf(m *stun.Message) (d time.Duration, ok bool) {
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second, true
}

// xorAddr is an attribute in the form of XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
func xorAddr(t stun.AttrType, a packet.Addr) stun.Setter {
	var v [8]byte
	putXORAddr(v[:], a)
	return stun.RawAttribute{Type: t, Value: v[:]}
}

func putXORAddr(v []byte, a packet.Addr) {
	v[0], v[1] = 0, familyIPv4
	binary.BigEndian.PutUint16(v[2:], a.Port^cookie>>16)
	binary.BigEndian.PutUint32(v[4:], uint32(a.IP)^cookie)
}

// readXORAddr reads the value of such an attribute. The family is 0 if it is malformed; of one that isn't IPv4 there is no
// address.
func readXORAddr(v []byte) (a packet.Addr, family byte) {
	switch {
	case len(v) == 20 && v[1] == familyIPv6:
		return packet.Addr{}, familyIPv6
	case len(v) != 8 || v[1] != familyIPv4:
		return packet.Addr{}, 0
	}
	return packet.Addr{
		IP:   packet.IPv4(binary.BigEndian.Uint32(v[4:]) ^ cookie),
		Port: binary.BigEndian.Uint16(v[2:]) ^ cookie>>16,
	}, familyIPv4
}

// addrOf returns the IPv4 address that a message has in an attribute.
func addrOf(m *stun.Message, t stun.AttrType) (a packet.Addr, ok bool) {
	v, err := m.Get(t)
	if err != nil {
		return packet.Addr{}, false
	}
	a, family := readXORAddr(v)
	return a, family == familyIPv4
}

// isChannelData tells ChannelData from STUN and others (RFC 7983 §7).
func isChannelData(b []byte) bool { return len(b) >= channelHead && b[0]>>4 == firstChannel>>12 }

// readChannelData reads ChannelData (RFC 8656 §12.4). There may be padding behind it, of which nothing is said over UDP.
func readChannelData(b []byte) (number uint16, data []byte, ok bool) {
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n > len(b)-channelHead {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(b), b[channelHead : channelHead+n], true
}

// putChannelHead writes what is before data of n octets.
func putChannelHead(b []byte, number uint16, n int) {
	binary.BigEndian.PutUint16(b, number)
	binary.BigEndian.PutUint16(b[2:], uint16(n))
}

// indicationSize is that of a Send or Data indication with n octets.
func indicationSize(n int) int { return dataAt + (n+3)&^3 + fingerprint }

// putIndication makes b a Send or Data indication around data of n octets, which are there from dataAt on (RFC 8656 §11.1,
// §11.3). It is written here so that data needn't be copied.
func putIndication(b []byte, method stun.Method, id transactionID, peer packet.Addr, n int) {
	head := func(at int, t stun.AttrType, size int) {
		binary.BigEndian.PutUint16(b[at:], uint16(t))
		binary.BigEndian.PutUint16(b[at+2:], uint16(size))
	}
	binary.BigEndian.PutUint16(b, stun.NewType(method, stun.ClassIndication).Value())
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-headerSize))
	binary.BigEndian.PutUint32(b[4:], cookie)
	copy(b[8:headerSize], id[:])
	head(headerSize, stun.AttrXORPeerAddress, 8)
	putXORAddr(b[headerSize+attributeHead:], peer)
	head(dataAt-attributeHead, stun.AttrData, n)
	end := len(b) - fingerprint
	clear(b[dataAt+n : end])
	head(end, stun.AttrFingerprint, 4)
	binary.BigEndian.PutUint32(b[end+attributeHead:], stun.FingerprintValue(b[:end]))
}

// Unwrap returns what a client sends to a peer with a payload for its server, on a channel or in a Send indication (RFC 8656 §12.4,
// §11.1), for those who watch; anything else it returns as it is. It allocates nothing.
func Unwrap(b []byte) []byte {
	const sendIndication, header = 0x0016, 20
	switch {
	case isChannelData(b):
		if _, data, ok := readChannelData(b); ok {
			return data
		}
	case len(b) > header && binary.BigEndian.Uint16(b) == sendIndication:
		for rest := b[header:]; len(rest) >= attributeHead; {
			length := int(binary.BigEndian.Uint16(rest[2:]))
			padded := attributeHead + (length+3)&^3
			if len(rest) < padded {
				break
			}
			if stun.AttrType(binary.BigEndian.Uint16(rest)) == stun.AttrData {
				return rest[attributeHead : attributeHead+length]
			}
			rest = rest[padded:]
		}
	}
	return b
}
