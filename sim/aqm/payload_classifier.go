package aqm

import (
	"encoding/binary"

	"rtpfabric/sim/packet"
	"rtpfabric/sim/rng"
)

// Media is what a look into packets takes their content for.
type Media uint8

// The kinds of content. They are also the bands that a [PayloadClassifier]
// chooses unless told otherwise.
const (
	Audio Media = iota
	Video
	Other
)

// String returns the kind's name.
func (m Media) String() string { return [...]string{"audio", "video", "other"}[m] }

// PayloadClassifierConfig are the parameters of [PayloadClassifier].
type PayloadClassifierConfig struct {
	// Bands of audio, video and other packets. Default 0, 1 and 2.
	Bands [3]int
	// LargestAudio: RTP packets whose payloads have more octets than this on
	// average are video, RTP header included. Default 300.
	LargestAudio int
	// WholeFlows decides about 5-tuples instead of about RTP sources and single
	// packets. Audio, video and data in one flow then look alike.
	WholeFlows bool
}

// DefaultPayloadClassifier returns the defaults.
func DefaultPayloadClassifier() PayloadClassifierConfig {
	return PayloadClassifierConfig{Bands: [3]int{int(Audio), int(Video), int(Other)}, LargestAudio: 300}
}

// PayloadClassifier guesses what packets carry, as deep packet inspection does
// (RFC 8834 §12.1.3). SRTP leaves it the first octets, which tell RTP from
// others (RFC 7983 §7, RFC 5761 §4), the SSRC, and sizes: a source whose
// packets are small on average is taken for audio.
//
// It remembers a fixed number of sources; one that hashes to another's place
// takes it over.
type PayloadClassifier struct {
	c       PayloadClassifierConfig
	hash    tupleHash
	sources [sourcesKnown]observed
}

const sourcesKnown = 1024

// observed is what is known of a source or flow. The averages forget with a
// time constant of 16 packets.
type observed struct {
	key  uint64
	seen bool
	size float64 // of RTP packets
	rtp  float64 // share of RTP packets
}

// NewPayloadClassifier returns a classifier that has seen nothing.
func NewPayloadClassifier(c PayloadClassifierConfig, random *rng.Stream) *PayloadClassifier {
	if c.LargestAudio == 0 {
		c.LargestAudio = DefaultPayloadClassifier().LargestAudio
	}
	return &PayloadClassifier{c: c, hash: newTupleHash(random)}
}

// Classify returns the band of the guess about p.
func (c *PayloadClassifier) Classify(p *packet.Packet) int { return c.c.Bands[c.Guess(p)] }

// Guess looks at a packet and says what it takes it for.
func (c *PayloadClassifier) Guess(p *packet.Packet) Media {
	isRTP := looksLikeRTP(p)
	var ssrc uint32
	if !c.c.WholeFlows {
		if !isRTP {
			return Other
		}
		ssrc = binary.BigEndian.Uint32(p.Payload[8:])
	}
	key := c.hash.sum(p, ssrc)
	o := &c.sources[key%sourcesKnown]
	if o.key != key || !o.seen {
		*o = observed{key: key}
	}
	o.add(len(p.Payload), isRTP)
	switch {
	case o.rtp < 0.5:
		return Other
	case o.size > float64(c.c.LargestAudio):
		return Video
	}
	return Audio
}

func (o *observed) add(size int, isRTP bool) {
	const gain = 1.0 / 16
	rtp := 0.0
	if isRTP {
		rtp = 1
		if o.size <= 0 {
			o.size = float64(size)
		}
		o.size += float64(gain * (float64(size) - o.size))
	}
	if !o.seen {
		o.seen, o.rtp = true, rtp
	}
	o.rtp += float64(gain * (rtp - o.rtp))
}

// looksLikeRTP reports whether the packet has version 2 and isn't RTCP.
func looksLikeRTP(p *packet.Packet) bool {
	b := p.Payload
	return p.Protocol == packet.UDP && len(b) >= 12 && b[0]>>6 == 2 && !packet.IsRTCP(b)
}
