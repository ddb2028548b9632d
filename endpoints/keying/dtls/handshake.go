package dtls

import (
	"crypto/ecdh"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

var (
	errDecode    = errors.New("message can't be read")
	errSignature = errors.New("signature isn't of the certificate's key")
	errFinished  = errors.New("the ends have seen different handshakes")
)

// unexpected is a message that isn't the one's turn.
type unexpected struct{ typ messageType }

// Error implements error.
func (u unexpected) Error() string {
	return fmt.Sprintf("handshake message %d isn't expected now", u.typ)
}

// handshake is what an end learns in the course of it.
type handshake struct {
	client       bool
	expected     []expectation
	transcript   []byte // all messages so far, as for RFC 6347 §4.2.6
	clientRandom []byte
	serverRandom []byte
	cookie       []byte

	key            *ecdh.PrivateKey
	peerPublic     []byte
	profile        keying.Profile
	extendedMaster bool
	ekt            bool // both ends want it
	master         []byte

	send, receive *protection // of epoch 1; nil before the key exchange
	changed       bool        // the other end's ChangeCipherSpec came
}

// expectation is a message that may come, and what is done with it.
type expectation struct {
	typ  messageType
	step func(c *Conn, now simtime.Time, m message, r record, from packet.Addr)
}

func newHandshake(c *Config) handshake {
	h := handshake{client: c.Role == Client}
	random := make([]byte, randomLen)
	_, _ = c.Random.Read(random)
	if h.client {
		h.clientRandom = random
		h.expected = []expectation{{helloVerifyRequest, (*Conn).clientHelloVerify}, {serverHello, (*Conn).clientServerHello}}
	} else {
		h.serverRandom = random
		h.cookie = make([]byte, cookieSecretLen)
		_, _ = c.Random.Read(h.cookie)
		h.expected = []expectation{{clientHello, (*Conn).serverClientHello}}
	}
	return h
}

// expect says what is next.
func (h *handshake) expect(typ messageType, step func(*Conn, simtime.Time, message, record, packet.Addr)) {
	h.expected = []expectation{{typ, step}}
}

func (h *handshake) expects(typ messageType) (step func(*Conn, simtime.Time, message, record, packet.Addr), ok bool) {
	for _, e := range h.expected {
		if e.typ == typ {
			return e.step, true
		}
	}
	return nil, false
}

// note adds a message to the transcript.
func (h *handshake) note(m message) { h.transcript = m.appendWhole(h.transcript) }

// makeKeys derives the master secret and the keys of the records when the
// transcript has reached the ClientKeyExchange.
func (h *handshake) makeKeys(premaster []byte) {
	if h.extendedMaster {
		h.master = prf(masterLen, premaster, labelExtendedMaster, digest(h.transcript))
	} else {
		h.master = prf(masterLen, premaster, labelMaster, h.clientRandom, h.serverRandom)
	}
	k := cursor{b: prf(2*(keyLen+implicitNonce), h.master, labelKeys, h.serverRandom, h.clientRandom)}
	clientKey, serverKey := k.bytes(keyLen), k.bytes(keyLen)
	client, server := newProtection(clientKey, k.bytes(implicitNonce)), newProtection(serverKey, k.bytes(implicitNonce))
	if h.client {
		h.send, h.receive = client, server
	} else {
		h.send, h.receive = server, client
	}
}

// verifyData is what a Finished message has (RFC 5246 §7.4.9).
func (h *handshake) verifyData(ofClient bool) []byte {
	label := labelServerFinished
	if ofClient {
		label = labelClientFinished
	}
	return prf(verifyDataLen, h.master, label, digest(h.transcript))
}

// checkFinished verifies the other end's Finished.
func (h *handshake) checkFinished(body []byte) bool { return hmac.Equal(body, h.verifyData(!h.client)) }

// exportKeys derives the SRTP keys (RFC 5764 §4.2, RFC 5705 §4).
func (h *handshake) exportKeys(r Role, keyLen, saltLen int) keying.Keys {
	k := cursor{b: prf(2*(keyLen+saltLen), h.master, labelSRTP, h.clientRandom, h.serverRandom)}
	var client, server keying.Material
	client.Key, server.Key = k.bytes(keyLen), k.bytes(keyLen)
	client.Salt, server.Salt = k.bytes(saltLen), k.bytes(saltLen)
	if r == Client {
		return keying.Keys{Local: client, Remote: server}
	}
	return keying.Keys{Local: server, Remote: client}
}

func (h *handshake) keyLog() string {
	if h.master == nil {
		return ""
	}
	return "CLIENT_RANDOM " + hex.EncodeToString(h.clientRandom) + " " + hex.EncodeToString(h.master)
}
