package dtls

import (
	"time"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/units"
)

// Role is who begins: a=setup:active makes the client, passive the server
// (RFC 5763 §5).
type Role uint8

// The roles.
const (
	Client Role = iota
	Server
)

// String returns the role's name in RFC 6347.
func (r Role) String() string {
	if r == Server {
		return "server"
	}
	return "client"
}

// The defaults of [Config].
const (
	// DefaultInitialTimeout and DefaultMaxTimeout are what RFC 6347 §4.2.4.1
	// recommends.
	DefaultInitialTimeout = time.Second
	DefaultMaxTimeout     = 60 * time.Second
	// DefaultMaxTimeouts is what BoringSSL and OpenSSL have.
	DefaultMaxTimeouts = 12
	// DefaultMTU is what libwebrtc tells its DTLS stack.
	DefaultMTU units.Bytes = 1200
)

// minMTU leaves room for a record's head and protection, a message's head and
// some of the message.
const minMTU units.Bytes = 128

// Config says how one end does its handshake. Identity and Random are needed,
// everything else has a default.
type Config struct {
	Role Role
	// Identity is the key and certificate of this end. Connections may share
	// it.
	Identity *Identity
	// PeerFingerprint is what signalling says of the other end's certificate
	// (RFC 8122 §5). As long as it is zero the handshake goes on, but there are
	// no keys until [Conn.SetPeerFingerprint].
	PeerFingerprint Fingerprint
	// Profiles are the protection profiles in order of preference. Of those
	// that both ends have the server takes the one it prefers, as BoringSSL
	// and OpenSSL do. The default is what every endpoint has, then AEADs.
	Profiles []keying.Profile
	// Groups are the groups for the key exchange in order of preference; the
	// server takes the first of its own that the client has. The default is
	// X25519, then P-256.
	Groups []Group
	// Random is a stream of this connection's end alone.
	Random *rng.Stream
	// InitialTimeout is the first value of the retransmission timer; see also
	// [InitialTimeoutFor]. It doubles with each expiry, up to MaxTimeout.
	InitialTimeout, MaxTimeout time.Duration
	// MaxTimeouts is how often the timer may expire for one flight before the
	// handshake fails; negative for no limit.
	MaxTimeouts int
	// MTU is the size of a datagram at most, without UDP and IP headers; 128 at
	// least.
	MTU units.Bytes
	// CookieExchange makes a server answer with HelloVerifyRequest first, which
	// costs a round trip (RFC 6347 §4.2.1). WebRTC stacks don't: ICE has shown
	// already that the other end is where it says.
	CookieExchange bool
	// EKT agrees to keys of groups, which a server gives clients by [Conn.SendEKTKey] when the handshake is
	// over, if the other end does, too (RFC 8870 §5.2.1).
	EKT bool
	// Stranger says that the other end draws its random values from elsewhere than the run's seed. What is
	// signed differs from run to run then, and with it the length of signatures, unless they are made
	// until they have the usual one.
	Stranger bool
	// NoExtendedMasterSecret leaves out RFC 7627, as stacks before 2015 did.
	NoExtendedMasterSecret bool
}

// DefaultProfiles returns the profiles that a Config without any stands for.
func DefaultProfiles() []keying.Profile {
	return []keying.Profile{keying.AES128CMSHA180, keying.AEADAES128GCM, keying.AEADAES256GCM}
}

func (c *Config) setDefaults() {
	if c.Identity == nil || c.Random == nil {
		panic("dtls: a connection needs an identity and a random stream")
	}
	if len(c.Profiles) == 0 {
		c.Profiles = DefaultProfiles()
	}
	for _, p := range c.Profiles {
		if !p.Known() {
			panic("dtls: no " + p.String())
		}
	}
	if len(c.Groups) == 0 {
		c.Groups = []Group{X25519, P256}
	}
	for _, g := range c.Groups {
		if g.curve() == nil {
			panic("dtls: no " + g.String())
		}
	}
	if c.InitialTimeout <= 0 {
		c.InitialTimeout = DefaultInitialTimeout
	}
	if c.MaxTimeout <= 0 {
		c.MaxTimeout = DefaultMaxTimeout
	}
	if c.MaxTimeouts == 0 {
		c.MaxTimeouts = DefaultMaxTimeouts
	}
	if c.MTU == 0 {
		c.MTU = DefaultMTU
	}
	c.MTU = max(c.MTU, minMTU)
}
