// Package ekt is Encrypted Key Transport for SRTP (RFC 8870): each sender of a group has an SRTP
// master key of its own, which it sends to the others at the end of its packets, encrypted with a
// key that all of the group have from a key server. Whoever carries the packets has neither.
//
// The server that gives everybody the group's key, and a new one when somebody leaves, is a
// [Host]; it stands for DTLS-SRTP with a key distributor (RFC 8870 §5, RFC 8871), as
// [keying.Preshared] stands for a handshake that is over.
package ekt

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
)

// Parameters are an EKT parameter set (RFC 8870 §4.2).
type Parameters struct {
	SPI uint16
	// Key is the EKTKey: 16 octets for AESKW128, 32 for AESKW256 (§4.4.1).
	Key []byte
	// Salt is the SRTP master salt of all master keys that the EKTKey encrypts.
	Salt []byte
}

// Types of an EKT field, its last octet (§4.1).
const (
	typeShort = 0
	typeFull  = 2
)

// ShortSize is that of a field that only says that it is there.
const ShortSize = 1

// fullTail is what follows the ciphertext of a full field: SPI, epoch, length and type.
const fullTail = 2 + 2 + 2 + 1

// FullSize returns the size of a field with a master key of so many octets.
func FullSize(keyLen int) int { return 8 + (1+keyLen+8+7)/8*8 + fullTail }

// Field is what a full field says: the master key of an SSRC, and its roll-over counter.
type Field struct {
	SPI, Epoch uint16
	Key        []byte
	SSRC, ROC  uint32
}

// Why a field is no use. Every error of Split and Open is one of these to [errors.Is], or
// [ErrUnwrap].
var (
	// ErrField: it isn't one.
	ErrField = errors.New("malformed EKT field")
	// ErrParameters: it is encrypted with a key of a set that isn't known (RFC 8870 §4.3.2).
	ErrParameters = errors.New("no such EKT parameter set")
)

// Cipher encrypts fields with a parameter set.
type Cipher struct {
	Parameters
	block cipher.Block
}

// NewCipher returns that of a parameter set.
func NewCipher(p Parameters) (*Cipher, error) {
	if len(p.Key) != 16 && len(p.Key) != 32 {
		return nil, fmt.Errorf("an EKT key of %d octets", len(p.Key))
	}
	block, err := aes.NewCipher(p.Key)
	if err != nil {
		return nil, fmt.Errorf("EKT key: %w", err)
	}
	return &Cipher{Parameters: p, block: block}, nil
}

// AppendFull appends a full field, whose SPI is the cipher's (§4.3.1).
func (c *Cipher) AppendFull(b []byte, f Field) []byte {
	plain := append([]byte{byte(len(f.Key))}, f.Key...)
	plain = binary.BigEndian.AppendUint32(plain, f.SSRC)
	plain = binary.BigEndian.AppendUint32(plain, f.ROC)
	wrapped := wrap(c.block, plain)
	b = append(b, wrapped...)
	b = binary.BigEndian.AppendUint16(b, c.SPI)
	b = binary.BigEndian.AppendUint16(b, f.Epoch)
	b = binary.BigEndian.AppendUint16(b, uint16(len(wrapped)+fullTail))
	return append(b, typeFull)
}

// AppendShort appends a short field.
func AppendShort(b []byte) []byte { return append(b, typeShort) }

// Split divides a packet from its field, which is nil if it is short, or of a type that isn't
// known: that is left out (§4.1).
func Split(b []byte) (packet, field []byte, err error) {
	if len(b) == 0 {
		return nil, nil, ErrField
	}
	last := len(b) - 1
	if b[last] == typeShort {
		return b[:last], nil, nil
	}
	if len(b) < fullTail {
		return nil, nil, ErrField
	}
	n := int(binary.BigEndian.Uint16(b[last-2:]))
	if n < 3 || n > len(b) || b[last] == typeFull && n <= fullTail {
		return nil, nil, ErrField
	}
	packet = b[:len(b)-n]
	if b[last] != typeFull {
		return packet, nil, nil
	}
	return packet, b[len(b)-n:], nil
}

// SPI returns the parameter set of a full field, and its epoch.
func SPI(field []byte) (spi, epoch uint16) {
	tail := field[len(field)-fullTail:]
	return binary.BigEndian.Uint16(tail), binary.BigEndian.Uint16(tail[2:])
}

// Open decrypts a full field (§4.3.2).
func (c *Cipher) Open(field []byte) (Field, error) {
	spi, epoch := SPI(field)
	if spi != c.SPI {
		return Field{}, ErrParameters
	}
	plain, err := unwrap(c.block, field[:len(field)-fullTail])
	if err != nil {
		return Field{}, err
	}
	n := int(plain[0])
	if n == 0 || len(plain) != 1+n+8 {
		return Field{}, ErrField
	}
	return Field{
		SPI: spi, Epoch: epoch, Key: plain[1 : 1+n],
		SSRC: binary.BigEndian.Uint32(plain[1+n:]), ROC: binary.BigEndian.Uint32(plain[5+n:]),
	}, nil
}
