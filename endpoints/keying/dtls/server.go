package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

const cookieSecretLen = 16

// serverClientHello takes flight 1 or 3 and answers with flight 2 or 4.
func (c *Conn) serverClientHello(now simtime.Time, m message, r record, from packet.Addr) {
	h, err := parseClientHello(m.body)
	switch {
	case err != nil:
		c.fail(DecodeError, err)
		return
	case h.version > version12: // versions fall as time goes by
		c.fail(ProtocolVersion, fmt.Errorf("client speaks %#04x at most", h.version))
		return
	}
	if c.config.CookieExchange {
		cookie := c.shake.cookieFor(&h, from)
		if !hmac.Equal(cookie, h.cookie) {
			c.askForCookie(now, r, cookie)
			return
		}
		// The first record of the handshake proper goes on where the client's
		// records are (RFC 6347 §4.2.1).
		c.send.seq[0] = r.seq
	}
	group, ok := c.chooseGroup(h.groups)
	profile := c.chooseProfile(h.profiles)
	switch {
	case !slices.Contains(h.suites, cipherSuite) || !ok:
		c.fail(HandshakeFailure, fmt.Errorf("client has neither the cipher suite nor a group"))
		return
	case profile == 0:
		c.fail(HandshakeFailure, ErrNoProfile)
		return
	}
	s := &c.shake
	s.clientRandom, s.profile, s.key = h.random, profile, group.draw(c.config.Random)
	s.extendedMaster = h.extendedMaster && !c.config.NoExtendedMasterSecret
	s.ekt = c.config.EKT && slices.Contains(h.ekt, aesKW128)
	s.note(m)
	c.prepare()
	s.note(c.send.add(serverHello, s.serverHelloBody()))
	s.note(c.send.add(certificate, certificateBody(c.config.Identity.certificate)))
	params := serverParams(group, s.key.PublicKey().Bytes())
	s.note(c.send.add(serverKeyExchange, signed(slices.Clone(params), &c.config, s.clientRandom, s.serverRandom, params)))
	s.note(c.send.add(certificateRequest, certificateRequestBody()))
	s.note(c.send.add(serverHelloDone, nil))
	s.expect(certificate, (*Conn).serverCertificate)
	c.transmit(now)
}

// askForCookie answers a ClientHello that has none, or a wrong one, which counts
// as none (RFC 6347 §4.2.1). It is sent again only if that is asked for: a
// server keeps no timer before it knows whom it talks to.
func (c *Conn) askForCookie(now simtime.Time, r record, cookie []byte) {
	if len(c.send.flight) > 0 { // another hello with a wrong cookie
		c.messages.putBack()
		c.helloNumber(r)
		c.retransmit(now)
		return
	}
	c.prepare()
	c.send.stateful = false
	body := binary.BigEndian.AppendUint16(nil, version10)
	c.send.add(helloVerifyRequest, appendVector(body, cookie, 1))
	c.helloNumber(r)
	c.transmit(now)
}

// helloNumber gives a HelloVerifyRequest the number of the record that it
// answers (RFC 6347 §4.2.1).
func (c *Conn) helloNumber(r record) {
	if c.config.Role == Server && !c.send.stateful {
		c.send.seq[0] = r.seq
	}
}

// cookieFor returns the cookie of a client: a code over its address and what it
// says (RFC 6347 §4.2.1).
func (h *handshake) cookieFor(hello *hello, from packet.Addr) []byte {
	mac := hmac.New(sha256.New, h.cookie)
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(from.IP)))
	mac.Write(binary.BigEndian.AppendUint16(nil, from.Port))
	mac.Write(hello.random)
	mac.Write(hello.params)
	return mac.Sum(nil)
}

// chooseGroup returns the first of our groups that the client has. Without the
// extension it has P-256 (RFC 8422 §4).
func (c *Conn) chooseGroup(theirs []uint16) (Group, bool) {
	if theirs == nil {
		theirs = []uint16{uint16(P256)}
	}
	for _, g := range c.config.Groups {
		if slices.Contains(theirs, uint16(g)) {
			return g, true
		}
	}
	return 0, false
}

// chooseProfile returns the first of our profiles that the client has; 0 if
// there is none.
func (c *Conn) chooseProfile(theirs []uint16) keying.Profile {
	for _, p := range c.config.Profiles {
		if slices.Contains(theirs, uint16(p)) {
			return p
		}
	}
	return 0
}

// serverCertificate takes the beginning of flight 5.
func (c *Conn) serverCertificate(_ simtime.Time, m message, _ record, _ packet.Addr) {
	if c.takeCertificate(m) {
		c.shake.expect(clientKeyExchange, (*Conn).serverKeyExchange)
	}
}

func (c *Conn) serverKeyExchange(_ simtime.Time, m message, _ record, _ packet.Addr) {
	in := cursor{b: m.body}
	public := in.vector(1)
	if !in.done() {
		c.fail(DecodeError, errDecode)
		return
	}
	premaster, err := agree(c.shake.key, public)
	if err != nil {
		c.fail(IllegalParameter, err)
		return
	}
	c.shake.note(m)
	c.shake.makeKeys(premaster)
	c.shake.expect(certificateVerify, (*Conn).serverCertificateVerify)
}

func (c *Conn) serverCertificateVerify(_ simtime.Time, m message, _ record, _ packet.Addr) {
	in := cursor{b: m.body}
	if a, err := checkSigned(&in, c.peer.key, c.shake.transcript); err != nil {
		c.fail(a, err)
		return
	}
	c.shake.note(m)
	c.shake.expect(finished, (*Conn).serverFinished)
}

// serverFinished ends flight 5 and answers with flight 6.
func (c *Conn) serverFinished(now simtime.Time, m message, _ record, _ packet.Addr) {
	if !c.shake.checkFinished(m.body) {
		c.fail(DecryptError, errFinished)
		return
	}
	c.shake.note(m)
	c.prepare()
	c.send.last = true
	c.send.changeCipherSpec(c.shake.send)
	c.send.add(finished, c.shake.verifyData(false))
	c.connectedAt = now
	c.transmit(now)
}
