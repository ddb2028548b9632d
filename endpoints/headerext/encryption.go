package headerext

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
)

// The labels of the key derivation (RFC 6904 §3).
const (
	labelHeaderKey  = 0x06
	labelHeaderSalt = 0x07
)

// saltLen is the size of the salt of AES in counter mode (RFC 3711 §4.1.1).
const saltLen = 14

// Cipher encrypts, and decrypts, the data of some elements (RFC 6904). It
// belongs to one direction of one session.
type Cipher struct {
	ids   IDSet
	block cipher.Block
	salt  [saltLen]byte

	iv, keystream [aes.BlockSize]byte
}

// NewCipher derives the header keys from the master key and salt of SRTP. ids
// are those of the elements to encrypt.
//
// The key has 16 or 32 octets. The salt of an AEAD has 12 (RFC 7714 §12); it
// then takes the first 12 of the 14 that counter mode has, the rest being 0.
// RFC 7714 §8.3 leaves that open, and libsrtp does it so.
func NewCipher(masterKey, masterSalt []byte, ids IDSet) (*Cipher, error) {
	master, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	if len(masterSalt) > saltLen {
		return nil, fmt.Errorf("master salt has %d octets, more than %d", len(masterSalt), saltLen)
	}
	c := &Cipher{ids: ids}
	key := make([]byte, len(masterKey))
	derive(master, masterSalt, labelHeaderKey, key)
	if c.block, err = aes.NewCipher(key); err != nil {
		return nil, fmt.Errorf("header key: %w", err)
	}
	derive(master, masterSalt, labelHeaderSalt, c.salt[:len(masterSalt)])
	return c, nil
}

// derive is the pseudorandom function of SRTP with a key derivation rate of 0:
// AES in counter mode over the salt and the label (RFC 3711 §4.3).
func derive(master cipher.Block, salt []byte, label byte, out []byte) {
	var x, stream [aes.BlockSize]byte
	copy(x[:saltLen], salt)
	x[7] ^= label
	for i := 0; len(out) > 0; i++ {
		binary.BigEndian.PutUint16(x[saltLen:], uint16(i))
		master.Encrypt(stream[:], x[:])
		out = out[copy(out, stream[:]):]
	}
}

// Apply encrypts or decrypts the chosen elements of an RTP packet in place, the
// two being the same. index is the packet's SRTP index: 32 bits of roll-over
// counter, 16 of sequence number (RFC 3711 §3.3.1).
//
// A sender does this before the packet is authenticated, a receiver after
// (RFC 6904 §3). Packets without header extension stay as they are.
func (c *Cipher) Apply(packet []byte, index uint64) {
	block, ok := Block(packet)
	if !ok {
		return
	}
	r, ok := NewReader(block)
	if !ok {
		return
	}
	generated := -1 // which block of keystream there is
	for id, data, ok := r.Next(); ok; id, data, ok = r.Next() {
		if !c.ids.Has(id) {
			continue
		}
		// The keystream begins with the first element's head.
		at := r.next - len(data)
		for i := range data {
			if n := (at + i) / aes.BlockSize; n != generated {
				c.generate(binary.BigEndian.Uint32(packet[8:]), index, n)
				generated = n
			}
			data[i] ^= c.keystream[(at+i)%aes.BlockSize]
		}
	}
}

// generate makes the nth block of a packet's keystream (RFC 3711 §4.1.1).
func (c *Cipher) generate(ssrc uint32, index uint64, n int) {
	c.iv = [aes.BlockSize]byte{}
	copy(c.iv[:], c.salt[:])
	word := binary.BigEndian.Uint64(c.iv[:]) ^ uint64(ssrc)
	binary.BigEndian.PutUint64(c.iv[:], word)
	word = binary.BigEndian.Uint64(c.iv[8:]) ^ index<<16
	binary.BigEndian.PutUint64(c.iv[8:], word+uint64(n))
	c.block.Encrypt(c.keystream[:], c.iv[:])
}
