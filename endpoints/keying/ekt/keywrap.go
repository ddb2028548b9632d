package ekt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// ErrUnwrap says that a ciphertext was changed, or made with another key.
var ErrUnwrap = errors.New("key can't be unwrapped")

// alternative is the constant part of RFC 5649's initial value (§3); the length of the plaintext
// follows it.
const alternative = 0xa65959a6

// wrap encrypts and authenticates 1 to 2^32-1 octets: AES Key Wrap with Padding (RFC 5649 §4.1).
func wrap(block cipher.Block, plain []byte) []byte {
	n := (len(plain) + 7) / 8
	out := make([]byte, 8*(n+1))
	binary.BigEndian.PutUint32(out, alternative)
	binary.BigEndian.PutUint32(out[4:], uint32(len(plain)))
	copy(out[8:], plain)
	if n == 1 {
		block.Encrypt(out, out)
		return out
	}
	var b [aes.BlockSize]byte
	for t := 1; t <= 6*n; t++ { // RFC 3394 §2.2.1
		r := out[8*((t-1)%n+1):][:8]
		copy(b[:8], out[:8])
		copy(b[8:], r)
		block.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(out, binary.BigEndian.Uint64(b[:8])^uint64(t))
		copy(r, b[8:])
	}
	return out
}

// unwrap is the reverse (RFC 5649 §4.2).
func unwrap(block cipher.Block, wrapped []byte) ([]byte, error) {
	n := len(wrapped)/8 - 1
	if len(wrapped)%8 != 0 || n < 1 {
		return nil, ErrUnwrap
	}
	out := append([]byte(nil), wrapped...)
	if n == 1 {
		block.Decrypt(out, out)
	} else {
		var b [aes.BlockSize]byte
		for t := 6 * n; t > 0; t-- { // RFC 3394 §2.2.2
			r := out[8*((t-1)%n+1):][:8]
			binary.BigEndian.PutUint64(b[:], binary.BigEndian.Uint64(out)^uint64(t))
			copy(b[8:], r)
			block.Decrypt(b[:], b[:])
			copy(out, b[:8])
			copy(r, b[8:])
		}
	}
	size := int(binary.BigEndian.Uint32(out[4:]))
	if binary.BigEndian.Uint32(out) != alternative || size <= 8*(n-1) || size > 8*n {
		return nil, ErrUnwrap
	}
	plain, rest := out[8:8+size], out[8+size:]
	if subtle.ConstantTimeCompare(rest, make([]byte, len(rest))) != 1 {
		return nil, ErrUnwrap
	}
	return plain, nil
}
