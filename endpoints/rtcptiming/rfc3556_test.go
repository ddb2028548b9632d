package rtcptiming_test

import (
	"testing"
	"time"

	"rtpfabric/endpoints/rtcptiming"
)

// RFC 3556 §2: b=RS and b=RR part the bandwidth between members that send media
// and others. Two of 20 members send; the bandwidth is 1000 bytes/s.
//
// conformance: RTP-4.1-13
func TestSenderAndReceiverBandwidth(t *testing.T) {
	const size, rate, members, senders = 100, 1000.0, 20, 2
	for _, c := range []struct {
		name               string
		share              float64
		tdSender, tdOthers float64 // seconds; 0 means never
	}{
		{"default", 0, senders * size / (0.25 * rate), (members - senders) * size / (0.75 * rate)},
		{"half each", 0.5, senders * size / (0.5 * rate), (members - senders) * size / (0.5 * rate)},
		{"RS small: all alike", 0.05, members * size / rate, members * size / rate},
		{"RS=0: all alike", -1, members * size / rate, members * size / rate},
		{"RR=0: receivers are silent", 1, senders * size / rate, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t)
			for i := range members {
				config := avpf(8 * rate)
				config.SenderShare = c.share
				s.join(config, 1).sends = i < senders
			}
			s.run(20 * time.Second)
			s.reset()
			s.run(400 * time.Second)
			var ours, others []float64
			for i := range members {
				if i < senders {
					ours = append(ours, s.gaps(uint32(1000*i+1))...)
				} else {
					others = append(others, s.gaps(uint32(1000*i+1))...)
				}
			}
			if c.tdOthers == 0 {
				if len(others) > 0 {
					t.Errorf("receivers sent %d reports", len(others))
				}
				// Who isn't heard isn't a member.
				return
			}
			if err := checkIntervals(ours, c.tdSender); err != nil {
				t.Errorf("senders: %v", err)
			}
			if err := checkIntervals(others, c.tdOthers); err != nil {
				t.Errorf("receivers: %v", err)
			}
		})
	}
}

// Without any bandwidth nothing is sent, and nothing is divided by zero.
func TestNoBandwidth(t *testing.T) {
	for _, share := range []float64{0, 1, -1} {
		s := newSession(t)
		for range 2 {
			s.join(rtcptiming.Config{AVPF: true, SenderShare: share}, 1).sends = true
		}
		s.run(time.Hour)
		if len(s.log) != 0 {
			t.Errorf("share %v: %d packets", share, len(s.log))
		}
		if n := s.parties[0].s.Share(); n < 0 || n > 1 {
			t.Errorf("share %v: Share() is %v", share, n)
		}
	}
}
