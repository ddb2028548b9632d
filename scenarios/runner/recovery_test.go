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
	soon             int          // drops in the first 10 s
}

func (w *stepWatch) PacketDropped(now simtime.Time, _ *fabric.Link, _ *packet.Packet, _ fabric.DropReason) {
	if now < simtime.At(30*time.Second) {
		return
	}
	if w.first == 0 {
		w.first = now
	}
	w.last = now
	if now < simtime.At(40*time.Second) {
		w.soon++
	}
}

func (w *stepWatch) PacketDelivered(now simtime.Time, p *packet.Packet) {
	rtcp := len(p.Payload) > 1 && isRTCP(p.Payload)
	if w.news == 0 && rtcp && p.Src.IP == w.receiver && w.first > 0 && p.SentAt > w.first {
		w.news = now
	}
}

// recovery returns how long after its first loss a sender hears of it, and how long after
// the step losses end; negative is never. soon is how many packets are lost in 10 s.
func recovery(t *testing.T, s *scenarios.Scenario) (news, end time.Duration, soon int) {
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
	return news, end, w.soon
}

// The more feedback a peer gives, the sooner a sender hears that the capacity has fallen
// (draft-ietf-rtcweb-rtp-usage of July 2012, §7.4): never without RTCP, within some seconds by AVP,
// some tenths of one by AVPF, at once by feedback about every packet. The sooner it hears,
// the sooner it recovers: never at a constant rate; with a controller that has reports
// alone after many more losses by AVP than by AVPF; within a second if it is told a limit
// half a second after the step, or has feedback about every packet.
//
// conformance: CC-7.4-3
func TestRecoveryByFeedback(t *testing.T) {
	long(t)
	t.Parallel()
	type figures struct {
		news, worst, end time.Duration
		lost             int // in the first 10 s
	}
	measure := func(file string, set ...string) (f figures) {
		runs := load(t, library+"feedback/"+file, set...)
		deaf, lossy := false, false
		for _, r := range runs {
			news, end, soon := recovery(t, r.Scenario)
			f.lost += soon / len(runs)
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
		t.Logf("%s %v: hears after %v, at most %v; recovers after %v, %d lost", file, set, f.news, f.worst, f.end, f.lost)
		return f
	}
	none := measure("e10-reports-only.yaml", "endpoints.R1.type=legacy-no-rtcp")
	avp := measure("e10-reports-only.yaml", "endpoints.R1.type=legacy-avp")
	avpf := measure("e10-reports-only.yaml", "endpoints.R1.type=legacy-avpf")
	limits, packets := measure("e10-limits.yaml"), measure("e10-feedback.yaml")
	const reports = "e10-controlled-by-reports.yaml"
	slow, quick := measure(reports, "endpoints.R1.type=legacy-avp"), measure(reports, "endpoints.R1.type=legacy-avpf")
	if avpf.lost < slow.lost*5/4 || slow.lost < quick.lost*5/4 || quick.lost < limits.lost*2 || quick.lost < packets.lost*2 {
		t.Errorf("lost in 10 s: %d at a constant rate, %d by AVP, %d by AVPF, %d with limits, %d with feedback about packets",
			avpf.lost, slow.lost, quick.lost, limits.lost, packets.lost)
	}
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
