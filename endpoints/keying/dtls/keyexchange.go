package dtls

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"encoding/binary"
	"fmt"

	"rtpfabric/sim/rng"
)

// Group is a group for the key exchange (RFC 8422 §5.1.1).
type Group uint16

// The groups.
const (
	// P256 is the one that every WebRTC endpoint has (RFC 8827 §6.5).
	P256 Group = 23
	// X25519 is the one that browsers prefer.
	X25519 Group = 29
)

func (g Group) curve() ecdh.Curve {
	switch g {
	case P256:
		return ecdh.P256()
	case X25519:
		return ecdh.X25519()
	}
	return nil
}

// String returns the group's name in RFC 8422.
func (g Group) String() string {
	switch g {
	case P256:
		return "secp256r1"
	case X25519:
		return "x25519"
	}
	return fmt.Sprintf("group %d", uint16(g))
}

// draw makes a key of the group.
func (g Group) draw(r *rng.Stream) *ecdh.PrivateKey {
	for {
		var b [32]byte
		_, _ = r.Read(b[:])
		if key, err := g.curve().NewPrivateKey(b[:]); err == nil {
			return key
		}
	}
}

// namedCurve is the type of ECParameters (RFC 8422 §5.4).
const namedCurve = 3

// serverParams is ServerECDHParams.
func serverParams(g Group, public []byte) []byte {
	return appendVector(binary.BigEndian.AppendUint16([]byte{namedCurve}, uint16(g)), public, 1)
}

// signed appends a signature with its algorithm (RFC 5246 §4.7).
func signed(b []byte, c *Config, parts ...[]byte) []byte {
	return appendVector(binary.BigEndian.AppendUint16(b, ecdsaSHA256), c.sign(parts...), 2)
}

// checkSigned reads a signature to the end of a message and verifies it.
func checkSigned(c *cursor, key *ecdsa.PublicKey, parts ...[]byte) (a Alert, err error) {
	scheme := uint16(c.number(2))
	sig := c.vector(2)
	switch {
	case !c.done():
		return DecodeError, errDecode
	case scheme != ecdsaSHA256:
		return IllegalParameter, fmt.Errorf("signature scheme %#04x wasn't offered", scheme)
	case !ecdsa.VerifyASN1(key, digest(parts...), sig):
		return DecryptError, errSignature
	}
	return 0, nil
}

// parseServerKeyExchange reads ServerECDHParams, and leaves the cursor at the
// signature (RFC 8422 §5.4). params is what was signed.
func parseServerKeyExchange(c *cursor) (g Group, public, params []byte) {
	whole := c.b
	curveType := c.number(1)
	g = Group(c.number(2))
	public = c.vector(1)
	if c.bad || curveType != namedCurve {
		c.bad = true
		return 0, nil, nil
	}
	return g, public, whole[:len(whole)-len(c.b)]
}

// certificateRequestBody asks for a certificate: of ECDSA or RSA, from anybody
// (RFC 5246 §7.4.4).
func certificateRequestBody() []byte {
	const ecdsaSign, rsaSign = 64, 1
	b := appendVector(nil, []byte{ecdsaSign, rsaSign}, 1)
	b = appendNumbers(b, signatureSchemes)
	return appendVector(b, nil, 2)
}

func checkCertificateRequest(body []byte) error {
	c := cursor{b: body}
	c.vector(1)
	c.numbers()
	c.vector(2)
	if !c.done() {
		return errDecode
	}
	return nil
}

// agree computes the premaster secret (RFC 8422 §5.10).
func agree(key *ecdh.PrivateKey, public []byte) ([]byte, error) {
	other, err := key.Curve().NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	return key.ECDH(other)
}
