package dtls_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// A certificate is what crypto/x509 takes for one: self-signed, of the size that
// browsers' have, and drawn from the stream.
func TestCertificate(t *testing.T) {
	seen := map[dtls.Fingerprint]bool{}
	for seed := range uint64(50) {
		id := dtls.NewIdentity(rng.New(seed).Stream("dtls/A"))
		der := id.Certificate()
		if len(der) < 265 || len(der) > 290 {
			t.Errorf("seed %d: %d octets", seed, len(der))
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		if _, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || c.SignatureAlgorithm != x509.ECDSAWithSHA256 || c.Version != 3 ||
			c.Subject.String() != "CN=WebRTC" || c.Issuer.String() != "CN=WebRTC" {
			t.Errorf("seed %d: %v, version %d, %v, %v", seed, c.SignatureAlgorithm, c.Version, c.Subject, c.Issuer)
		}
		if at := time.Unix(simtime.Epoch, 0); at.Before(c.NotBefore) || at.Add(24*time.Hour).After(c.NotAfter) {
			t.Errorf("seed %d: valid from %v to %v", seed, c.NotBefore, c.NotAfter)
		}
		if id.Fingerprint() != sha256.Sum256(der) || seen[id.Fingerprint()] {
			t.Errorf("seed %d: fingerprint %v", seed, id.Fingerprint())
		}
		seen[id.Fingerprint()] = true
		if again := dtls.NewIdentity(rng.New(seed).Stream("dtls/A")); !bytes.Equal(again.Certificate(), der) {
			t.Errorf("seed %d: another certificate the second time", seed)
		}
	}
}

// RFC 8122 §5.
func TestFingerprintText(t *testing.T) {
	f := dtls.NewIdentity(rng.New(1).Stream("a")).Fingerprint()
	s := f.String()
	if !strings.HasPrefix(s, "sha-256 ") || len(s) != 8+95 || strings.ToUpper(s[8:]) != s[8:] || strings.Count(s, ":") != 31 {
		t.Errorf("%q", s)
	}
	for _, text := range []string{s, "SHA-256 " + s[8:], strings.ToLower(s)} {
		if got, err := dtls.ParseFingerprint(text); err != nil || got != f {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", s[8:], "sha-1 " + s[8:], s[:len(s)-3], s + ":00", strings.ReplaceAll(s, ":", ""), s[:len(s)-1] + "G"} {
		if got, err := dtls.ParseFingerprint(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestConfigPanics(t *testing.T) {
	id, r := dtls.NewIdentity(rng.New(1).Stream("a")), rng.New(1).Stream("b")
	for name, c := range map[string]dtls.Config{
		"no identity":     {Random: r},
		"no randomness":   {Identity: id},
		"unknown profile": {Identity: id, Random: r, Profiles: dtls.DefaultProfiles()[:0:0]},
		"unknown group":   {Identity: id, Random: r, Groups: []dtls.Group{7}},
	} {
		if name == "unknown profile" {
			c.Profiles = append(c.Profiles, 5)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			dtls.New(c)
		}()
	}
}
