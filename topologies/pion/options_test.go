package pion_test

import (
	"testing"

	"rtpfabric/topologies"
	"rtpfabric/topologies/pion"
)

func TestOptionsRefused(t *testing.T) {
	for _, c := range []struct {
		options map[string]string
		want    string
	}{
		{map[string]string{"pacer": "none", "colour": "red"}, `pion has no option "colour"; it has dtls, pacer, profile and turn`},
		{map[string]string{"dtls": "actpass"}, `pion's option dtls is "actpass"; it can be "active" or "passive"`},
		{map[string]string{"profile": ""}, `pion's option profile is ""; it can be "deterministic" or "faithful"`},
	} {
		if _, err := pion.Open(topologies.GuestConfig{Options: c.options}); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.options, err, c.want)
		}
	}
}
