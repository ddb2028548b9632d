package turn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/pion/stun/v4"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// nonceCookie begins the nonces of a server of RFC 8489 (§9.2): none of its security features are here.
const nonceCookie = "obMatJos2AAAA"

// nonce returns one that is good for an address only (RFC 8489 §9.2.4). It carries when it was made, so that nobody has to
// remember it.
func (s *Server) nonce(at simtime.Time, client packet.Addr) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(at))
	mac := hmac.New(sha256.New, s.secret[:])
	mac.Write(b)
	mac.Write(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(nil, uint32(client.IP)), client.Port))
	return nonceCookie + hex.EncodeToString(append(b, mac.Sum(nil)[:8]...))
}

// fresh reports whether a nonce was given to an address, not too long ago.
func (s *Server) fresh(now simtime.Time, client packet.Addr, nonce string) bool {
	if len(nonce) != len(nonceCookie)+32 {
		return false
	}
	b, err := hex.DecodeString(nonce[len(nonceCookie):])
	if err != nil {
		return false
	}
	at := simtime.Time(binary.BigEndian.Uint64(b))
	return hmac.Equal([]byte(nonce), []byte(s.nonce(at, client))) && now.Sub(at) < s.config.NonceLifetime
}

// authenticate checks the credentials of a request in the order of RFC 8489 §9.2.4. Who fails gets an answer.
func (s *Server) authenticate(now simtime.Time, from packet.Addr, m *stun.Message) (user string, key stun.MessageIntegrity, answer []byte) {
	challenge := func(code stun.ErrorCode) []byte {
		return s.fault(m, code, nil, text(stun.AttrRealm, s.config.Realm), text(stun.AttrNonce, s.nonce(now, from)))
	}
	name, errName := m.Get(stun.AttrUsername)
	nonce, errNonce := m.Get(stun.AttrNonce)
	switch {
	case !m.Contains(stun.AttrMessageIntegrity):
		s.counts.Challenged++
		return "", nil, challenge(stun.CodeUnauthorized)
	case errName != nil || errNonce != nil || !m.Contains(stun.AttrRealm):
		s.counts.Refused++
		return "", nil, s.fault(m, stun.CodeBadRequest, nil)
	}
	user = string(name)
	password, known := s.config.Users[user]
	key = stun.NewLongTermIntegrity(user, s.config.Realm, password)
	switch {
	case !known || key.Check(m) != nil:
		s.counts.Refused++
		return "", nil, challenge(stun.CodeUnauthorized)
	case !s.fresh(now, from, string(nonce)):
		s.counts.Challenged++
		return "", nil, challenge(stun.CodeStaleNonce)
	}
	return user, key, nil
}

// fault makes an error response, with integrity if there is a key.
func (*Server) fault(m *stun.Message, code stun.ErrorCode, key stun.MessageIntegrity, more ...stun.Setter) []byte {
	set := append([]stun.Setter{stun.ErrorCodeAttribute{Code: code, Reason: []byte(reasons[code])}}, more...)
	if key != nil {
		set = append(set, key)
	}
	return build(stun.NewType(m.Type.Method, stun.ClassErrorResponse), m.TransactionID, set...)
}
