package runner_test

import (
	"strings"
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

func simulate(t *testing.T, s *scenarios.Scenario, sink func(endpoints.Event)) *topologies.Simulation {
	t.Helper()
	sim := build(t, s)
	if sink != nil {
		sim.OnEvent(sink)
	}
	play(t, sim, s)
	return sim
}

// A secure end and an insecure one refuse each other, whoever called: neither takes a
// packet, and the record says why (RFC 8834 §10). Secure ends get along with AVP and AVPF,
// and so do insecure ones.
//
// conformance: SIG-10-1
func TestProfiles(t *testing.T) {
	const file = library + "endpoints/profile-refused.yaml"
	for _, c := range []struct {
		set     []string
		works   bool
		profile [2]string
	}{
		{nil, false, [2]string{"UDP/TLS/RTP/SAVPF", "RTP/AVP"}},
		{[]string{"security.keying=preshared"}, false, [2]string{"RTP/SAVPF", "RTP/AVP"}},
		{[]string{"topology.peers=[R1, S1]"}, false, [2]string{"RTP/AVP", "UDP/TLS/RTP/SAVPF"}},
		{[]string{"endpoints.R1.type=webrtc"}, false, [2]string{"UDP/TLS/RTP/SAVPF", "RTP/AVPF"}},
		{[]string{"endpoints.R1.protection=scenario"}, true, [2]string{"UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"}},
		{[]string{"endpoints.S1.protection=none"}, true, [2]string{"RTP/AVPF", "RTP/AVP"}},
	} {
		s := load(t, file, c.set...)[0].Scenario
		refusals := 0
		sim := simulate(t, s, func(e endpoints.Event) {
			if e.Kind == endpoints.ProfileRefused {
				refusals++
			}
		})
		for i, session := range sim.Sessions() {
			n := session.Counts()
			if c.works != (n.RTPReceived > 100) || !c.works && n.RTPReceived+n.RTCPReceived+n.RTPSent+n.RTCPSent > 0 {
				t.Errorf("%v: %s has %+v", c.set, session.Name(), n)
			}
			if session.Refused() == c.works || session.Profile().String() != c.profile[i] {
				t.Errorf("%v: %s has the profile %s", c.set, session.Name(), session.Profile())
			}
		}
		if (refusals == 2) == c.works {
			t.Errorf("%v: %d ends refuse", c.set, refusals)
		}
	}
	rec := one(t, file)
	events := 0
	for _, e := range rec.Events {
		if e.Kind == "profile-refused" && strings.Contains(e.Detail, "no media will flow") {
			events++
		}
	}
	if events != 2 {
		t.Errorf("%d refusals in the record", events)
	}
}

// The profile of a WebRTC endpoint is called UDP/TLS/RTP/SAVPF (RFC 8829 §5.1.2), and its
// RTCP follows AVPF: no minimum of five seconds, and a NACK that doesn't wait for the
// regular time. By AVP the same call has neither.
//
// conformance: PRF-4.2-1
func TestProfileDrivesTiming(t *testing.T) {
	for profile, want := range map[string]struct {
		name        string
		least, most int
	}{
		"avpf": {"UDP/TLS/RTP/SAVPF", 100, 1000}, "avp": {"UDP/TLS/RTP/SAVP", 8, 16},
	} {
		s := load(t, library+"endpoints/profile-interworking.yaml",
			"endpoints.R1={at: B}", "endpoints.S1={at: A}", "rtcp.profile="+profile, "rtcp.minimum=fixed", "expect=[]", "duration=60s")[0].Scenario
		reports := 0
		sim := simulate(t, s, func(e endpoints.Event) {
			if e.Kind == endpoints.ReportSent && e.Session.Endpoint() == "R1" {
				reports++
			}
		})
		for _, session := range sim.Sessions() {
			if session.Profile().String() != want.name {
				t.Errorf("%s: the profile is called %s", profile, session.Profile())
			}
		}
		if reports < want.least || reports > want.most {
			t.Errorf("%s: %d reports in a minute", profile, reports)
		}
	}
}

// An interworking function presents a peer with SAVP as one with SAVPF and trr-int 4000:
// nobody is timed out before time even by the rule of RFC 4585, as without it S1 does to
// R1 (RFC 8834 §10, RFC 8108 §7.1.3).
//
// conformance: SIG-10-2
func TestInterworking(t *testing.T) {
	for _, with := range []bool{true, false} {
		set := "endpoints.R1.interworking=true"
		if !with {
			set = "endpoints.R1.interworking=false"
		}
		s := load(t, library+"endpoints/profile-interworking.yaml", set)[0].Scenario
		timeouts, reports := 0, 0
		sim := simulate(t, s, func(e endpoints.Event) {
			switch {
			case e.Kind == endpoints.ParticipantTimedOut:
				timeouts++
			case e.Kind == endpoints.ReportSent && e.Session.Endpoint() == "S1":
				reports++
			}
		})
		at := sim.Sessions()[0]
		peer := at.PeerProfile().String()
		if with && (timeouts > 0 || peer != "UDP/TLS/RTP/SAVPF" || reports > 150) {
			t.Errorf("with interworking: %d time-outs, %d reports, the peer has %s", timeouts, reports, peer)
		}
		if !with && (timeouts < 10 || peer != "UDP/TLS/RTP/SAVP" || reports < 500) {
			t.Errorf("without: %d time-outs, %d reports, the peer has %s", timeouts, reports, peer)
		}
	}
}
