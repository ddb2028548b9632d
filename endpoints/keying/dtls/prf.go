package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
)

// The labels of the pseudorandom function.
const (
	labelMaster         = "master secret"          // RFC 5246 §8.1
	labelExtendedMaster = "extended master secret" // RFC 7627 §4
	labelKeys           = "key expansion"          // RFC 5246 §6.3
	labelClientFinished = "client finished"        // RFC 5246 §7.4.9
	labelServerFinished = "server finished"        // RFC 5246 §7.4.9
	labelSRTP           = "EXTRACTOR-dtls_srtp"    // RFC 5764 §4.2
)

const (
	masterLen     = 48
	verifyDataLen = 12
)

// prf is TLS 1.2's pseudorandom function with SHA-256: n octets from a secret, a
// label and a seed in parts (RFC 5246 §5).
func prf(n int, secret []byte, label string, seed ...[]byte) []byte {
	mac := hmac.New(sha256.New, secret)
	labelled := []byte(label)
	for _, s := range seed {
		labelled = append(labelled, s...)
	}
	sum := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	var out []byte
	for a := sum(labelled); len(out) < n; a = sum(a) {
		out = append(out, sum(a, labelled)...)
	}
	return out[:n]
}
