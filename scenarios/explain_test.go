package scenarios

import (
	"strings"
	"testing"
)

// Fields are found by their paths, whatever names a file has chosen, and by the ends of paths.
func TestFieldsAreExplained(t *testing.T) {
	all := map[string]bool{}
	for _, f := range everyField() {
		if all[f.Path] {
			t.Errorf("%s is there twice", f.Path)
		}
		all[f.Path] = true
	}
	for _, want := range []string{"title", "network.links.NAME.forward.queue.bands.N.dscp", "media.N.speech.digits.N.keys", "signalling.peers.NAME.poll", "expect.N.metric", "endpoints.NAME.at"} {
		if !all[want] {
			t.Errorf("there is no %s", want)
		}
	}
	if len(all) < 400 {
		t.Errorf("%d fields", len(all))
	}
	if got := Fields("network.links.home.forward.rate"); len(got) != 1 || got[0].Path != "network.links.NAME.forward.rate" {
		t.Errorf("%+v", got)
	}
	if got := Fields("offers.1.restart"); len(got) != 1 || !strings.Contains(got[0].About, "RFC 8445") {
		t.Errorf("%+v", got)
	}
	if got := Fields("nothing.of.this"); got != nil {
		t.Errorf("%+v", got)
	}
}
