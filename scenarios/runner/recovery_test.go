package runner_test

import (
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
)

// stepWatch notes what happens after the capacity has fallen at 30 s.
type stepWatch struct {
	fabric.Observer
	sender, receiver packet.IPv4
	first, last      simtime.Time // drops
	news             simtime.Time // first RTCP that was sent after a drop
}

func (w *stepWatch) PacketDropped(now simtime.Time, _ *fabric.Link, _ *packet.Packet, _ fabric.DropReason) {
	if now < simtime.At(30*time.Second) {
		return
	}
	if w.first == 0 {
		w.first = now
	}
	w.last = now
}

func (w *stepWatch) PacketDelivered(now simtime.Time, p *packet.Packet) {
	rtcp := len(p.Payload) > 1 && p.Payload[1] >= 192 && p.Payload[1] <= 223
	if w.news == 0 && rtcp && p.Src.IP == w.receiver && w.first > 0 && p.SentAt > w.first {
		w.news = now
	}
}

// recovery returns how long after its first loss a sender hears of it, and how long after
// the step losses end; negative is never.
func recovery(t *testing.T, s *scenarios.Scenario) (news, end time.Duration) {
	t.Helper()
	sim := build(t, s)
	w := &stepWatch{Observer: fabric.Nobody, sender: sim.Addr("S1"), receiver: sim.Addr("R1")}
	sim.Fabric.Observe(w)
	play(t, sim, s)
	news, end = -1, -1
	if w.news > 0 {
		news = w.news.Sub(w.first)
	}
	if w.last < simtime.At(s.Duration-time.Second) {
		end = w.last.Sub(simtime.At(30 * time.Second))
	}
	return news, end
}

// The more feedback a peer gives, the sooner a sender hears that the capacity has fallen
// (draft-ietf-rtcweb-rtp-usage of July 2012, §7.4): never without RTCP, within some seconds by AVP,
// some tenths of one by AVPF, at once by feedback about every packet. Of the senders here
// those get along with the step who are told a limit, half a second after the step, or
// have a controller, both within a second; no controller of this project acts on reports
// alone.
//
// conformance: CC-7.4-3
func TestRecoveryByFeedback(t *testing.T) {
	type figures struct{ news, worst, end time.Duration }
	measure := func(file string, set ...string) (f figures) {
		runs := load(t, library+"feedback/"+file, set...)
		deaf, lossy := false, false
		for _, r := range runs {
			news, end := recovery(t, r.Scenario)
			deaf, lossy = deaf || news < 0, lossy || end < 0
			f.news += news / time.Duration(len(runs))
			f.worst, f.end = max(f.worst, news), max(f.end, end)
		}
		if deaf {
			f.news, f.worst = -1, -1
		}
		if lossy {
			f.end = -1
		}
		t.Logf("%s %v: hears after %v, at most %v; recovers after %v", file, set, f.news, f.worst, f.end)
		return f
	}
	none := measure("e10-reports-only.yaml", "endpoints.R1.type=legacy-no-rtcp")
	avp := measure("e10-reports-only.yaml", "endpoints.R1.type=legacy-avp")
	avpf := measure("e10-reports-only.yaml", "endpoints.R1.type=legacy-avpf")
	limits, packets := measure("e10-limits.yaml"), measure("e10-feedback.yaml")
	if none.news >= 0 || avp.news < time.Second || avp.worst > 8*time.Second {
		t.Errorf("a sender hears after %v without RTCP, after %v of an AVP peer, at most %v", none.news, avp.news, avp.worst)
	}
	if avpf.news > avp.news/4 || packets.news > avpf.news/3 {
		t.Errorf("a sender hears after %v of an AVPF peer, after %v with feedback about every packet", avpf.news, packets.news)
	}
	if none.end >= 0 || avp.end >= 0 || avpf.end >= 0 || limits.end < 0 || limits.end > 800*time.Millisecond || packets.end < 0 || packets.end > time.Second {
		t.Errorf("losses end after %v, %v, %v, %v, %v; negative is never", none.end, avp.end, avpf.end, limits.end, packets.end)
	}
}
