package runner_test

import "testing"

// A muted call behind a NAT is heard as long as RTCP goes by RTP's port, and often
// enough, or ICE asks for consent; each of the scenarios says which it is.
//
// conformance: MUX-4.5-3
func TestKeepAlive(t *testing.T) {
	for _, file := range []string{"keep-alive", "keep-alive-rtcp-port", "keep-alive-rare", "keep-alive-consent"} {
		for _, v := range run(t, load(t, library+"endpoints/"+file+".yaml")[0]).Verdicts {
			if !v.Pass {
				t.Errorf("%s: %s: %v", file, v.Expectation, v.Value)
			}
		}
	}
}
