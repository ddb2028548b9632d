package pion

import (
	"crypto/x509"

	"github.com/pion/webrtc/v4"

	"rtpfabric/endpoints/keying/dtls"
)

// certificate returns an identity as pion has it. What pion signs differs from run to run, as it draws from the
// system's randomness; unless it is to be as it is, its signatures have one length all the same.
func certificate(id *dtls.Identity, faithful bool) (webrtc.Certificate, error) {
	parsed, err := x509.ParseCertificate(id.Certificate())
	if err != nil {
		return webrtc.Certificate{}, err
	}
	return webrtc.CertificateFromX509(id.Signer(!faithful), parsed), nil
}
