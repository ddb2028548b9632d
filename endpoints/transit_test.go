package endpoints_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/nack"
	"rtpfabric/sim/simtime"
)

// sink gets what a section of a middlebox receives, and passes it nowhere.
type sink struct{ passed []endpoints.Passing }

func (s *sink) Pass(_ simtime.Time, _ *endpoints.Section, p *endpoints.Passing) {
	s.passed = append(s.passed, *p)
}
func (*sink) Omit(*endpoints.Section, uint32, uint64) {}

// A middlebox asks for what is missing as a receiver does: what was lost before a frame that
// nobody predicts from may be of one that others need, and is asked for again and again.
func TestTransitAsksForWhatIsMissing(t *testing.T) {
	for _, transit := range []bool{false, true} {
		s := &sink{}
		layered := videoFromA
		layered.layers = 3 // of which every other frame is discardable
		c := newCall(t, setup{streams: []stream{layered}, repair: endpoints.DefaultRepair(), edit: func(end int, sc *endpoints.SessionConfig) {
			sc.PlayoutDelay = time.Second
			if end == 1 && transit {
				sc.Sections[0].Transit = s
			}
		}})
		frames, lost := 0, map[uint16]int{}
		c.path = func(p *tapped) []time.Duration {
			if p.from != 0 || p.isRTCP() || p.payload[1]&0x80 == 0 {
				return []time.Duration{0}
			}
			if frames++; frames%24 == 9 && p.at < simtime.At(9*time.Second) { // of the lowest layer, before one of the highest
				lost[uint16(p.payload[2])<<8|uint16(p.payload[3])] = 0
				return nil
			}
			return []time.Duration{0}
		}
		c.run(10 * time.Second)
		for _, p := range c.rtcps(1) {
			for _, m := range p.messages {
				if n, ok := m.(*rtcp.TransportLayerNack); ok {
					for _, seq := range nack.Unpack(nil, n.Nacks) {
						lost[seq]++
					}
				}
			}
		}
		for seq, requests := range lost {
			if requests < 5 {
				t.Errorf("transit %v: packet %d is asked for %d times", transit, seq, requests)
			}
		}
		if len(lost) < 8 || transit && len(s.passed) < 450 {
			t.Errorf("transit %v: %d losses, %d packets passed", transit, len(lost), len(s.passed))
		}
	}
}
