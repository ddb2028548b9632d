package dtls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// Fingerprint is the SHA-256 hash of a certificate, which signalling vouches for
// (RFC 8122 §5).
type Fingerprint [sha256.Size]byte

// String returns the value of an a=fingerprint attribute.
func (f Fingerprint) String() string {
	var b strings.Builder
	b.WriteString("sha-256 ")
	for i, x := range f {
		if i > 0 {
			b.WriteByte(':')
		}
		fmt.Fprintf(&b, "%02X", x)
	}
	return b.String()
}

// ParseFingerprint reads the value of an a=fingerprint attribute with the hash
// function sha-256.
func ParseFingerprint(s string) (Fingerprint, error) {
	var f Fingerprint
	hash, digits, _ := strings.Cut(s, " ")
	b, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
	if !strings.EqualFold(hash, "sha-256") || err != nil || len(b) != len(f) || len(digits) != 3*len(f)-1 {
		return f, fmt.Errorf("no fingerprint of sha-256 in %q", s)
	}
	copy(f[:], b)
	return f, nil
}

// Identity is what an endpoint signs with: an ECDSA key on P-256, and a
// certificate that it has signed itself, as browsers make them.
type Identity struct {
	key         *ecdsa.PrivateKey
	certificate []byte
	fingerprint Fingerprint
}

// NewIdentity draws a key and makes its certificate. The same stream gives the
// same octets: signatures are deterministic (RFC 6979).
func NewIdentity(r *rng.Stream) *Identity {
	id := &Identity{key: drawKey(r)}
	var serial [8]byte
	_, _ = r.Read(serial[:])
	serial[0] = serial[0]&0x7f | 0x40 // positive, and always of 8 octets
	der, err := makeCertificate(id.key, new(big.Int).SetBytes(serial[:]))
	if err != nil {
		panic(err) // all of it is fixed but for the numbers
	}
	id.certificate, id.fingerprint = der, sha256.Sum256(der)
	return id
}

// Certificate returns the certificate, in DER. The caller doesn't change it.
func (id *Identity) Certificate() []byte { return id.certificate }

// Signer returns the key, for other stacks. If all its signatures are to have the usual length it
// makes them until they have; they aren't deterministic then.
func (id *Identity) Signer(usual bool) crypto.Signer {
	if usual {
		return usualSigner{id.key}
	}
	return id.key
}

// usualSigner makes signatures that have the length that half of all signatures have.
type usualSigner struct{ *ecdsa.PrivateKey }

const usualSignature = 71

// Sign makes a signature.
func (u usualSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	for {
		sig, err := u.PrivateKey.Sign(random, digest, opts)
		if err != nil || len(sig) == usualSignature {
			return sig, err
		}
	}
}

// sign signs for a handshake; see [Config.Stranger].
func (c *Config) sign(parts ...[]byte) []byte {
	if !c.Stranger {
		return sign(c.Identity.key, parts...)
	}
	sig, err := c.Identity.Signer(true).Sign(rand.Reader, digest(parts...), crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return sig
}

// Fingerprint returns the certificate's fingerprint.
func (id *Identity) Fingerprint() Fingerprint { return id.fingerprint }

func drawKey(r *rng.Stream) *ecdsa.PrivateKey {
	for {
		var b [32]byte
		_, _ = r.Read(b[:])
		// 1 in 2^32 numbers is too large for the group.
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b[:]); err == nil {
			return key
		}
	}
}

// sign returns the signature of SHA-256 over the parts, in DER: 70 to 72 octets.
// Without a source of randomness it is deterministic.
func sign(key *ecdsa.PrivateKey, parts ...[]byte) []byte {
	sig, err := key.Sign(nil, digest(parts...), crypto.SHA256)
	if err != nil {
		panic(err)
	}
	return sig
}

func digest(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

var (
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidPublicKey       = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidP256            = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
)

// The validity that browsers give a certificate: from a day before until 30 days
// after.
const (
	validBefore = 24 * time.Hour
	validAfter  = 30 * 24 * time.Hour
)

type tbsCertificate struct {
	Version   int `asn1:"explicit,tag:0"`
	Serial    *big.Int
	Algorithm pkix.AlgorithmIdentifier
	Issuer    pkix.RDNSequence
	Validity  struct{ NotBefore, NotAfter time.Time }
	Subject   pkix.RDNSequence
	PublicKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
}

// makeCertificate makes an X.509 certificate of version 3 without extensions. It
// is written here, and not by crypto/x509, so that its octets don't change with
// the Go release.
func makeCertificate(key *ecdsa.PrivateKey, serial *big.Int) ([]byte, error) {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	curve, err := asn1.Marshal(oidP256)
	if err != nil {
		return nil, err
	}
	name := pkix.Name{CommonName: "WebRTC"}.ToRDNSequence()
	tbs := tbsCertificate{
		Version: 2, Serial: serial, Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA256}, Issuer: name, Subject: name,
	}
	epoch := time.Unix(simtime.Epoch, 0).UTC()
	tbs.Validity.NotBefore, tbs.Validity.NotAfter = epoch.Add(-validBefore), epoch.Add(validAfter)
	tbs.PublicKey.Algorithm = pkix.AlgorithmIdentifier{Algorithm: oidPublicKey, Parameters: asn1.RawValue{FullBytes: curve}}
	tbs.PublicKey.Key = asn1.BitString{Bytes: point, BitLength: 8 * len(point)}
	signed, err := asn1.Marshal(tbs)
	if err != nil {
		return nil, err
	}
	sig := sign(key, signed)
	return asn1.Marshal(struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: signed}, tbs.Algorithm, asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}})
}

// peerCertificate is that of the other end.
type peerCertificate struct {
	fingerprint Fingerprint
	key         *ecdsa.PublicKey
	verified    bool // the fingerprint is the one that was signalled
}

var errKeyType = errors.New("certificate hasn't a key of ECDSA on P-256")

// parseCertificate reads the message with the other end's certificates, the
// first of which counts (RFC 5246 §7.4.2).
func parseCertificate(body []byte) (*peerCertificate, error) {
	c := cursor{b: body}
	list := cursor{b: c.vector(3)}
	der := list.vector(3)
	if !c.done() || list.bad || len(der) == 0 {
		return nil, errDecode
	}
	p := &peerCertificate{fingerprint: sha256.Sum256(der)}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return p, err
	}
	key, ok := parsed.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return p, errKeyType
	}
	p.key = key
	return p, nil
}

func certificateBody(der []byte) []byte {
	return appendVector(nil, appendVector(nil, der, 3), 3)
}

// verifyPeer compares the other end's certificate with what was signalled, as
// soon as both are there.
func (c *Conn) verifyPeer() {
	switch c.config.PeerFingerprint {
	case Fingerprint{}:
	case c.peer.fingerprint:
		c.peer.verified = true
	default:
		c.peer.verified = false
		c.fail(BadCertificate, ErrFingerprint)
	}
}
