package dtls

import (
	"encoding/binary"
	"slices"

	"rtpfabric/endpoints/keying"
)

// cipherSuite is TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289 §3.2).
const cipherSuite uint16 = 0xc02b

// offeredSuites are those that a browser offers for DTLS 1.2, of which only the
// first is done here.
var offeredSuites = []uint16{cipherSuite, 0xc02f, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014, 0x009c, 0x002f, 0x0035}

// The extensions.
const (
	extensionGroups         uint16 = 10     // RFC 8422 §5.1.1
	extensionPointFormats   uint16 = 11     // RFC 8422 §5.1.2
	extensionSignatures     uint16 = 13     // RFC 5246 §7.4.1.4.1
	extensionUseSRTP        uint16 = 14     // RFC 5764 §4.1.1
	extensionExtendedMaster uint16 = 23     // RFC 7627 §5.1
	extensionRenegotiation  uint16 = 0xff01 // RFC 5746 §3.2
)

// signatureSchemes are those that a browser offers, ECDSA on P-256 with SHA-256
// first, which is the one done here.
var signatureSchemes = []uint16{ecdsaSHA256, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0201}

const ecdsaSHA256 uint16 = 0x0403

const randomLen = 32

// hello is what a ClientHello or ServerHello says, of what matters here.
type hello struct {
	version        uint16
	random         []byte
	cookie         []byte   // of a client
	suites         []uint16 // of a server one
	params         []byte   // of a client: what the cookie is for
	groups         []uint16
	profiles       []uint16 // of a server one
	useSRTP        bool
	mki            []byte
	extendedMaster bool
	ekt            []byte // the ciphers, of a server one
}

// clientHelloBody writes a ClientHello (RFC 6347 §4.2.1).
func (h *handshake) clientHelloBody(c *Config) []byte {
	b := binary.BigEndian.AppendUint16(nil, version12)
	b = append(b, h.clientRandom...)
	b = appendVector(b, nil, 1) // no session to resume
	b = appendVector(b, h.cookie, 1)
	b = appendNumbers(b, offeredSuites)
	b = appendVector(b, []byte{0}, 1) // no compression
	var e []byte
	if !c.NoExtendedMasterSecret {
		e = appendExtension(e, extensionExtendedMaster, nil)
	}
	e = appendExtension(e, extensionRenegotiation, []byte{0})
	e = appendExtension(e, extensionGroups, appendNumbers(nil, c.Groups))
	e = appendExtension(e, extensionPointFormats, []byte{1, 0})
	e = appendExtension(e, extensionUseSRTP, useSRTP(c.Profiles))
	e = appendExtension(e, extensionSignatures, appendNumbers(nil, signatureSchemes))
	if c.EKT {
		e = appendExtension(e, extensionEKT, []byte{1, aesKW128})
	}
	return appendVector(b, e, 2)
}

// serverHelloBody writes a ServerHello (RFC 5246 §7.4.1.3).
func (h *handshake) serverHelloBody() []byte {
	b := binary.BigEndian.AppendUint16(nil, version12)
	b = append(b, h.serverRandom...)
	b = appendVector(b, nil, 1) // the session can't be resumed
	b = binary.BigEndian.AppendUint16(b, cipherSuite)
	b = append(b, 0)
	var e []byte
	e = appendExtension(e, extensionRenegotiation, []byte{0})
	if h.extendedMaster {
		e = appendExtension(e, extensionExtendedMaster, nil)
	}
	e = appendExtension(e, extensionPointFormats, []byte{1, 0})
	e = appendExtension(e, extensionUseSRTP, useSRTP([]keying.Profile{h.profile}))
	if h.ekt {
		e = appendExtension(e, extensionEKT, []byte{aesKW128})
	}
	return appendVector(b, e, 2)
}

func appendExtension(b []byte, typ uint16, data []byte) []byte {
	return appendVector(binary.BigEndian.AppendUint16(b, typ), data, 2)
}

// useSRTP is UseSRTPData without MKI, which nobody may use (RFC 8827 §6.5).
func useSRTP(profiles []keying.Profile) []byte {
	return append(appendNumbers(nil, profiles), 0)
}

func parseClientHello(body []byte) (h hello, err error) {
	c := cursor{b: body}
	h.version = uint16(c.number(2))
	h.random = c.bytes(randomLen)
	c.vector(1)
	h.cookie = c.vector(1)
	h.params = c.b
	h.suites = c.numbers()
	compression := c.vector(1)
	if c.bad || !slices.Contains(compression, 0) {
		return h, errDecode
	}
	return h, h.parseExtensions(&c, true)
}

func parseServerHello(body []byte) (h hello, err error) {
	c := cursor{b: body}
	h.version = uint16(c.number(2))
	h.random = c.bytes(randomLen)
	c.vector(1)
	h.suites = []uint16{uint16(c.number(2))}
	if compression := c.number(1); c.bad || compression != 0 {
		return h, errDecode
	}
	return h, h.parseExtensions(&c, false)
}

// parseExtensions reads the rest of a hello. Extensions may be missing
// altogether.
func (h *hello) parseExtensions(c *cursor, ofClient bool) error {
	if c.done() {
		return nil
	}
	all := cursor{b: c.vector(2)}
	if !c.done() {
		return errDecode
	}
	for len(all.b) > 0 && !all.bad {
		typ := uint16(all.number(2))
		data := cursor{b: all.vector(2)}
		switch typ {
		case extensionGroups:
			h.groups = data.numbers()
		case extensionUseSRTP:
			h.useSRTP = true
			h.profiles = data.numbers()
			h.mki = data.vector(1)
		case extensionExtendedMaster:
			h.extendedMaster = true
		case extensionEKT:
			if ofClient {
				h.ekt = data.vector(1)
			} else {
				h.ekt = data.bytes(1)
			}
		default:
			continue
		}
		if !data.done() {
			return errDecode
		}
	}
	if all.bad {
		return errDecode
	}
	return nil
}

// parseHelloVerify returns the cookie (RFC 6347 §4.2.1).
func parseHelloVerify(body []byte) (cookie []byte, err error) {
	c := cursor{b: body}
	c.number(2) // says nothing about the version that will be agreed on
	cookie = c.vector(1)
	if !c.done() || len(cookie) == 0 {
		return nil, errDecode
	}
	return cookie, nil
}
