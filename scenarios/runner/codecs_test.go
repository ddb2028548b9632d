package runner_test

import (
	"slices"
	"testing"

	"rtpfabric/sim/record"
)

// Somebody who can't decode what another one sends isn't offered it by an SFM, which the record says; a
// mixer encodes it anew, in a codec of the receiver's.
//
// conformance: TOP-A.3.2-3
func TestNoCommonCodec(t *testing.T) {
	t.Parallel()
	const file = meshes + "sfm-codecs.yaml"
	r := run(t, load(t, file, "expect=[]")[0])
	told := []string{}
	for _, e := range r.Events {
		if e.Kind == "not-offered" {
			told = append(told, e.Entity+": "+e.Detail)
		}
	}
	if want := []string{"A/audio>C: C can't decode opus"}; !slices.Equal(told, want) {
		t.Errorf("the record says %q, want %q", told, want)
	}
	for _, s := range r.Series {
		if s.Entity == "A/audio>C" {
			t.Fatal("A/audio is sent to C")
		}
	}
	if mos := mean(series(t, r, "B/audio>C", record.MOS)); mos < 4 {
		t.Errorf("C hears B with a score of %.1f", mos)
	}

	s := load(t, file, "expect=[]", "topology.type=mixer", "media.0.speech.codec=pcma", "endpoints.A.codecs=[pcma]", "endpoints.C.codecs=[pcmu]")[0].Scenario
	sim, w := playRTP(t, s, "mixer", nil)
	for to, payloadType := range map[string]uint8{"A": 8, "B": 0, "C": 0} { // of PCMA and PCMU (RFC 3551 §6)
		sent := w.sent[flowOf(t, sim, "mixer/audio>"+to).Sender.SSRC()]
		if len(sent) < 500 || slices.ContainsFunc(sent, func(p rtpSent) bool { return p.head.PayloadType != payloadType }) {
			t.Errorf("%s gets %d packets, of which some don't have the payload type %d", to, len(sent), payloadType)
		}
	}
}
