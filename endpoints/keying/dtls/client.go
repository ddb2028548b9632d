package dtls

import (
	"fmt"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// clientFlight1 makes the ClientHello, and with a cookie flight 3.
func (c *Conn) clientFlight1() {
	c.send.stateful = true
	c.shake.transcript = nil // without HelloVerifyRequest and what it answers
	c.shake.note(c.send.add(clientHello, c.shake.clientHelloBody(&c.config)))
}

// clientHelloVerify takes flight 2.
func (c *Conn) clientHelloVerify(now simtime.Time, m message, _ record, _ packet.Addr) {
	cookie, err := parseHelloVerify(m.body)
	if err != nil {
		c.fail(DecodeError, err)
		return
	}
	c.shake.cookie = cookie
	c.shake.expect(serverHello, (*Conn).clientServerHello)
	c.prepare()
	c.clientFlight1()
	c.transmit(now)
}

// clientServerHello takes the beginning of flight 4.
func (c *Conn) clientServerHello(_ simtime.Time, m message, _ record, _ packet.Addr) {
	h, err := parseServerHello(m.body)
	switch {
	case err != nil:
		c.fail(DecodeError, err)
		return
	case h.version != version12:
		c.fail(ProtocolVersion, fmt.Errorf("server speaks %#04x", h.version))
		return
	case h.suites[0] != cipherSuite:
		c.fail(IllegalParameter, fmt.Errorf("server chose cipher suite %#04x", h.suites[0]))
		return
	case !h.useSRTP:
		c.fail(HandshakeFailure, ErrNoProfile)
		return
	case len(h.profiles) != 1 || !c.offers(keying.Profile(h.profiles[0])) || len(h.mki) > 0:
		c.fail(IllegalParameter, fmt.Errorf("server chose of SRTP profiles %#04x, MKI %x", h.profiles, h.mki))
		return
	case h.extendedMaster && c.config.NoExtendedMasterSecret || len(h.ekt) > 0 && (!c.config.EKT || h.ekt[0] != aesKW128):
		c.fail(IllegalParameter, fmt.Errorf("server answers what wasn't offered"))
		return
	}
	c.shake.note(m)
	c.shake.serverRandom = h.random
	c.shake.profile = keying.Profile(h.profiles[0])
	c.shake.extendedMaster, c.shake.ekt = h.extendedMaster, len(h.ekt) > 0
	c.shake.expect(certificate, (*Conn).clientCertificate)
}

// offers reports whether the profile is one of ours.
func (c *Conn) offers(p keying.Profile) bool {
	for _, o := range c.config.Profiles {
		if o == p {
			return true
		}
	}
	return false
}

func (c *Conn) clientCertificate(_ simtime.Time, m message, _ record, _ packet.Addr) {
	if c.takeCertificate(m) {
		c.shake.expect(serverKeyExchange, (*Conn).clientKeyExchange)
	}
}

// takeCertificate takes the other end's certificate. It reports false if that
// fails the handshake.
func (c *Conn) takeCertificate(m message) bool {
	p, err := parseCertificate(m.body)
	if p == nil {
		c.fail(DecodeError, err)
		return false
	}
	// The fingerprint first: it says the most.
	c.peer = p
	if c.verifyPeer(); c.state == Failed {
		return false
	}
	if err != nil {
		c.fail(UnsupportedCertificate, err)
		return false
	}
	c.shake.note(m)
	return true
}

func (c *Conn) clientKeyExchange(_ simtime.Time, m message, _ record, _ packet.Addr) {
	in := cursor{b: m.body}
	group, public, params := parseServerKeyExchange(&in)
	if in.bad {
		c.fail(DecodeError, errDecode)
		return
	}
	if !c.hasGroup(group) {
		c.fail(IllegalParameter, fmt.Errorf("server chose %v", group))
		return
	}
	if a, err := checkSigned(&in, c.peer.key, c.shake.clientRandom, c.shake.serverRandom, params); err != nil {
		c.fail(a, err)
		return
	}
	c.shake.note(m)
	c.shake.key = group.draw(c.config.Random)
	c.shake.peerPublic = public
	c.shake.expect(certificateRequest, (*Conn).clientCertificateRequest)
}

func (c *Conn) hasGroup(g Group) bool {
	for _, o := range c.config.Groups {
		if o == g {
			return true
		}
	}
	return false
}

// clientCertificateRequest takes what is always there with DTLS-SRTP (RFC 5764
// §4.1).
func (c *Conn) clientCertificateRequest(_ simtime.Time, m message, _ record, _ packet.Addr) {
	if err := checkCertificateRequest(m.body); err != nil {
		c.fail(DecodeError, err)
		return
	}
	c.shake.note(m)
	c.shake.expect(serverHelloDone, (*Conn).clientServerHelloDone)
}

// clientServerHelloDone ends flight 4 and answers with flight 5.
func (c *Conn) clientServerHelloDone(now simtime.Time, m message, _ record, _ packet.Addr) {
	if len(m.body) > 0 {
		c.fail(DecodeError, errDecode)
		return
	}
	h := &c.shake
	premaster, err := agree(h.key, h.peerPublic)
	if err != nil {
		c.fail(IllegalParameter, err)
		return
	}
	h.note(m)
	c.prepare()
	h.note(c.send.add(certificate, certificateBody(c.config.Identity.certificate)))
	h.note(c.send.add(clientKeyExchange, appendVector(nil, h.key.PublicKey().Bytes(), 1)))
	h.makeKeys(premaster)
	h.note(c.send.add(certificateVerify, signed(nil, &c.config, h.transcript)))
	c.send.changeCipherSpec(h.send)
	h.note(c.send.add(finished, h.verifyData(true)))
	h.expect(finished, (*Conn).clientFinished)
	c.transmit(now)
}

// clientFinished takes flight 6.
func (c *Conn) clientFinished(now simtime.Time, m message, _ record, _ packet.Addr) {
	if !c.shake.checkFinished(m.body) {
		c.fail(DecryptError, errFinished)
		return
	}
	c.timer.answered(c.send.again, c.config.InitialTimeout)
	c.connectedAt = now
	c.to(Finished)
}
