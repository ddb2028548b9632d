package sip_test

import (
	"testing"

	"rtpfabric/endpoints/signalling"
	"rtpfabric/endpoints/signalling/sip"
	"rtpfabric/sim/rng"
)

func source(name string) *rng.Stream { return rng.New(1).Stream(name) }

// next takes a node's next message, which has to be this one.
func next(t *testing.T, n signalling.Node, method string, status int) *sip.Message {
	t.Helper()
	_, m := n.PollMessage()
	d, ok := m.(*sip.Message)
	if !ok || d.Method != method || d.Status != status {
		t.Fatalf("the next message is %+v, not %s %d", m, method, status)
	}
	return d
}
