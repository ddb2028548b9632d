package runner_test

import (
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

// rtpMeter counts what an address sends of RTP, in bins of a second.
type rtpMeter struct {
	fabric.Observer
	end  simtime.Time
	bins map[packet.IPv4][]units.Bytes
}

func (m *rtpMeter) PacketSent(now simtime.Time, p *packet.Packet) {
	if now >= m.end || len(p.Payload) < 2 || p.Payload[0]>>6 != 2 || isRTCP(p.Payload) {
		return // STUN, DTLS or RTCP (RFC 7983, RFC 5761 §4)
	}
	bins := m.bins[p.Src.IP]
	for len(bins) <= int(now/simtime.At(time.Second)) {
		bins = append(bins, 0)
	}
	bins[len(bins)-1] += p.Size
	m.bins[p.Src.IP] = bins
}

// highest returns the highest mean rate over ten seconds that endpoints together have,
// and the mean from the third second on.
func (m *rtpMeter) highest(of ...packet.IPv4) (most, mean units.BitRate) {
	sum := func(from, to int) (n units.Bytes) {
		for _, ip := range of {
			for _, b := range m.bins[ip][from:min(to, len(m.bins[ip]))] {
				n += b
			}
		}
		return n
	}
	const seconds = 10
	n := len(m.bins[of[0]])
	for from := 0; from+seconds <= n; from++ {
		most = max(most, units.BitRate(8*int64(sum(from, from+seconds))/seconds))
	}
	return most, units.BitRate(8 * int64(sum(3, n)) / int64(n-3))
}

func measureRTP(t *testing.T, s *scenarios.Scenario) (*rtpMeter, *topologies.Simulation) {
	t.Helper()
	sim := build(t, s)
	m := &rtpMeter{Observer: fabric.Nobody, end: simtime.At(s.Duration), bins: map[packet.IPv4][]units.Bytes{}}
	sim.Fabric.Observe(m)
	play(t, sim, s)
	return m, sim
}

// What is signalled bounds all RTP with UDP and IP headers, retransmissions and FEC
// included (RFC 8866 §5.8, RFC 8834 §7.1): no ten seconds have a percent more, the mean
// none, and hardly anything is given away. Without it the encoder makes four times as
// much.
//
// conformance: CC-7.2-2
func TestStreamsKeepToAS(t *testing.T) {
	long(t)
	t.Parallel()
	for _, r := range load(t, library+"endpoints/bandwidth-as.yaml") {
		m, sim := measureRTP(t, r.Scenario)
		most, mean := m.highest(sim.Addr("S1"))
		if mean > 600*units.Kbps || mean < 585*units.Kbps || most > 606*units.Kbps {
			t.Errorf("%s: %v of 600 kbit/s, in ten seconds up to %v", r.Name, mean, most)
		}
	}
	for _, set := range []string{"congestion.controller=nada", "repair.fec=50%", "media.0.encoder.layers=3", "media.0.packet-size=300B"} {
		for _, r := range load(t, library+"endpoints/bandwidth-as.yaml", set) {
			m, sim := measureRTP(t, r.Scenario)
			if most, mean := m.highest(sim.Addr("S1")); mean > 601*units.Kbps || most > 609*units.Kbps {
				t.Errorf("%s, %s: %v of 600 kbit/s, in ten seconds up to %v", set, r.Name, mean, most)
			}
		}
	}
}

// The session-level b=AS bounds what a peer sends in all sessions of the call together,
// b=CT what both ends send.
//
// conformance: CC-7.2-2
func TestCallsKeepToCT(t *testing.T) {
	long(t)
	t.Parallel()
	for _, r := range load(t, library+"endpoints/bandwidth-ct.yaml") {
		m, sim := measureRTP(t, r.Scenario)
		ct := *r.Scenario.Endpoint("R1").Bandwidth.CT
		want := min(ct, 1500*units.Kbps+660*units.Kbps) // of R1 with headers
		most, mean := m.highest(sim.Addr("S1"), sim.Addr("R1"))
		if mean > want || mean < want*96/100 || most > ct*101/100 {
			t.Errorf("%s: both ends send %v, in ten seconds up to %v", r.Name, mean, most)
		}
		if most, mean := m.highest(sim.Addr("S1")); mean > 1500*units.Kbps || most > 1515*units.Kbps {
			t.Errorf("%s: S1 sends %v, in ten seconds up to %v", r.Name, mean, most)
		}
	}
}

const limitedGroup = `
title: A group with limits
duration: 20s
protection: size-only
network:
  links:
    link<1..4>: {between: [A<n>, M], delay: 5ms}
endpoints:
  S1: {at: A1}
  S2: {at: A2, bandwidth: {ct: 1.2Mbps}}
  R1: {at: A3, bandwidth: {as: 800kbps}}
  R2: {at: A4, bandwidth: {as: 400kbps}}
topology: {type: relay, at: M, peers: [S1, S2, R1, R2]}
media:
  - {from: S<1..2>, kind: video, encoder: {model: perfect, max: 2Mbps}}
congestion: {feedback: none}
`

// In a group a sender keeps to the least b=AS of all others, and all together to b=CT.
func TestGroupsKeepToBandwidth(t *testing.T) {
	for set, want := range map[string]units.BitRate{
		"seed=1": 400 * units.Kbps, "endpoints.R2.bandwidth.as=10Mbps": 600 * units.Kbps,
		"endpoints.S2.bandwidth={as: 350kbps}": 350 * units.Kbps,
	} {
		m, sim := measureRTP(t, loadText(t, limitedGroup, set))
		if most, mean := m.highest(sim.Addr("S1")); mean > want || mean < want*96/100 || most > want*101/100 {
			t.Errorf("%s: S1 sends %v, in ten seconds up to %v, want %v", set, mean, most, want)
		}
	}
}

// A bandwidth that media can't do with is an error at its place.
func TestBandwidthsThatAreTooLow(t *testing.T) {
	const file = library + "endpoints/bandwidth-ct.yaml"
	for set, want := range map[string]string{
		"endpoints.R1.bandwidth.as=200kbps":    `endpoints.R1.bandwidth.as: S1 needs at least`,
		"endpoints.R1.bandwidth.ct=300kbps":    `endpoints.R1.bandwidth.ct: the conference needs at least`,
		"media.2.bandwidth.as=30kbps":          `media.2.bandwidth.as: S1/voice needs at least`,
		"media.0.bandwidth={as: 150kbps}":      `media.0.bandwidth.as: S1/camera needs at least`,
		"media.0.bandwidth={as: 1kbps, ct: 1}": `ct`,
	} {
		_, err := scenarios.Load(file, scenarios.Options{Set: []string{set}, Catalogue: runner.Catalogue{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", set, err, want)
		}
	}
}
