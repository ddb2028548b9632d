package endpoints

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"rtpfabric/endpoints/lipsync"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// ConnectionConfig describes one end of a peer connection.
type ConnectionConfig struct {
	Peer string
	// CNAME of the end; empty draws one (RFC 7022).
	CNAME string
	// Sessions are the RTP sessions: one of all media, or one of each section.
	Sessions []SessionConfig
	// PeerGone says that the peer had left before this end began, as signalling knows.
	PeerGone bool
	// LipSync plays streams of the peer together that have the same CNAME.
	LipSync bool
	// Bandwidth is what the peer's description allows all media together that this
	// end sends: its b=AS for the session, and this end's part of b=CT (RFC 8866
	// §5.8), in bit/s with UDP and IP headers; RTCP comes on top. 0 is no limit.
	Bandwidth units.BitRate
}

// Connection is one end of a peer connection: what has a CNAME
// (RFC 8834 §4.9) and one or more RTP sessions with the peer.
type Connection struct {
	endpoint *Endpoint
	name     string
	cname    string
	identity *rng.Stream // CNAME, SSRCs, first sequence numbers and timestamps
	sessions []*Session
	sync     *lipSync // nil if every stream is played by itself
	// bandwidth is what the peer has signalled for all media; shares is scratch.
	bandwidth signalledBandwidth
	shares    []share
	// defaultStream is the MediaStream of what comes without a=msid; "" before that.
	defaultStream string
	// peerClock is by how much the peer's wall clock is ahead of this end's, less the time
	// that its first SR took; of a middlebox that passes media on.
	peerClock      time.Duration
	peerClockKnown bool
}

func newConnection(now simtime.Time, e *Endpoint, cc ConnectionConfig) (*Connection, error) {
	if len(cc.Sessions) == 0 {
		return nil, errors.New("no RTP session")
	}
	name := e.config.Name + "-" + cc.Peer
	c, former := e.placeOf(name)
	*c = Connection{endpoint: e, name: name, cname: cc.CNAME}
	c.bandwidth = signalledBandwidth{rate: cc.Bandwidth, at: now}
	c.identity = e.config.Random.Stream("connection/" + c.name + "/identity")
	if cname := NewCNAME(c.identity); c.cname == "" {
		c.cname = cname
	}
	if cc.LipSync {
		c.sync = &lipSync{Sync: lipsync.New(lipsync.DefaultConfig())}
	}
	for i, sc := range cc.Sessions {
		s, err := newSession(now, c, former.of(i), sc)
		if err != nil {
			return nil, fmt.Errorf("session %q: %w", sc.Name, err)
		}
		s.farewell = cc.PeerGone
		c.sessions = append(c.sessions, s)
	}
	return c, nil
}

// NewCNAME returns a short-term persistent CNAME: 96 random bits in base64, 16
// characters (RFC 7022 §4.2 and §5).
func NewCNAME(r *rng.Stream) string {
	var b [12]byte
	_, _ = r.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// Name returns the connection's name: this end's endpoint, a hyphen, the peer.
func (c *Connection) Name() string { return c.name }

// Endpoint returns the name of the endpoint that this end belongs to.
func (c *Connection) Endpoint() string { return c.endpoint.config.Name }

// CNAME returns the name by which receivers know that streams belong together.
func (c *Connection) CNAME() string { return c.cname }

// Sessions returns the RTP sessions.
func (c *Connection) Sessions() []*Session { return c.sessions }
