package endpoints

import (
	"encoding/base64"

	"rtpfabric/sim/rng"
)

// sessionRandom is the randomness of one end of a connection, by purpose.
type sessionRandom struct {
	identity *rng.Stream // SSRCs, CNAME, first sequence numbers and timestamps
	timing   *rng.Stream // RTCP intervals
}

func newSessionRandom(src *rng.Source, name string) sessionRandom {
	return sessionRandom{
		identity: src.Stream("connection/" + name + "/identity"),
		timing:   src.Stream("connection/" + name + "/rtcp"),
	}
}

// cname returns a short-term persistent CNAME: 96 random bits in base64, 16
// characters (RFC 7022 §4.2 and §5).
func (r sessionRandom) cname() string {
	var b [12]byte
	_, _ = r.identity.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}
