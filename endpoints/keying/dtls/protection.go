package dtls

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// The sizes of AES-128-GCM in a record (RFC 5288 §3).
const (
	keyLen        = 16
	implicitNonce = 4
	explicitNonce = 8
	gcmTag        = 16

	protectionOverhead = explicitNonce + gcmTag
)

// protection encrypts and authenticates the records of one direction.
type protection struct {
	aead     cipher.AEAD
	implicit []byte
}

func newProtection(key, implicit []byte) *protection {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has the right size
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &protection{aead: aead, implicit: implicit}
}

// nonce is the implicit part and the explicit one (RFC 5288 §3).
func (p *protection) nonce(explicit []byte) []byte {
	return append(append(make([]byte, 0, implicitNonce+explicitNonce), p.implicit...), explicit...)
}

// additional is the additional data of a record whose content has n octets
// (RFC 5246 §6.2.3.3; RFC 6347 §4.1.2.1 for the number).
func additional(r *record, n int) []byte {
	b := binary.BigEndian.AppendUint64(nil, r.number())
	b = append(b, byte(r.typ))
	b = binary.BigEndian.AppendUint16(b, r.version)
	return binary.BigEndian.AppendUint16(b, uint16(n))
}

// seal returns the body of a record: the explicit nonce, for which the record's
// number does, the encrypted content and the tag.
func (p *protection) seal(r *record, content []byte) []byte {
	body := binary.BigEndian.AppendUint64(nil, r.number())
	return p.aead.Seal(body, p.nonce(body), content, additional(r, len(content)))
}

// open returns the content of a record.
func (p *protection) open(r *record) (content []byte, ok bool) {
	n := len(r.body) - protectionOverhead
	if n < 0 {
		return nil, false
	}
	explicit, sealed := r.body[:explicitNonce], r.body[explicitNonce:]
	content, err := p.aead.Open(nil, p.nonce(explicit), sealed, additional(r, n))
	return content, err == nil
}
