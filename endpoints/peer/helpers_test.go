package peer_test

import (
	"errors"
	"slices"
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/peer"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

const (
	rate = 500 * units.Kbps
	cam  = "camera"
)

var here = packet.Addr{IP: 10<<24 + 1, Port: 5000}

// end is a connection in a test.
type end struct {
	*testing.T
	*peer.Connection
}

func (e end) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func transport() *peer.Transport {
	return peer.NewTransport(peer.TransportConfig{
		Addr: here, ICE: ice.Credentials{Fragment: "here", Password: "aaaaaaaaaaaaaaaaaaaaaaaa"}, Fingerprint: dtls.Fingerprint{1},
	})
}

// bare returns a connection without streams that has gathered.
func bare(t *testing.T, p *peer.Pool, strict bool) end {
	t.Helper()
	c, err := peer.NewConnection(peer.Config{Name: "A", Pool: p, Transport: transport(), Strict: strict, Session: 7})
	if err != nil {
		t.Fatal(err)
	}
	c.Transport().Gathered(ice.HostCandidate(here))
	return end{t, c}
}

func camera(d peer.Direction) peer.Stream {
	return peer.Stream{ID: cam, Kind: endpoints.Video, SSRC: 0x1111, Rate: rate, Direction: d}
}

// caller returns a connection with a camera, which has offered to send and receive.
func caller(t *testing.T, p *peer.Pool, strict bool) end {
	t.Helper()
	e := bare(t, p, strict)
	e.must(e.AddStream(camera(peer.SendRecv)))
	e.offer()
	return e
}

// offer offers what there is, and returns it.
func (e end) offer() *peer.Description {
	e.Helper()
	d, err := e.CreateOffer()
	e.must(err)
	e.must(e.SetLocal(jsep.Offer, d))
	return d
}

// cameraAlone is what answer makes an offer of, from the other end.
func cameraAlone() *peer.Description {
	d := &peer.Description{}
	d.Sections = []jsep.Section{{Kind: endpoints.Video, MID: cam}}
	return d
}

// answer is what the other end n answers to an offer; the directions are that end's, the last one that of all further sections.
func answer(offer *peer.Description, n byte, directions ...peer.Direction) *peer.Description {
	d := &peer.Description{Version: 1, Answers: offer.Version}
	d.Addr = packet.Addr{IP: 10<<24 + 256 + packet.IPv4(n), Port: 6000}
	d.ICE = ice.Credentials{Fragment: "there" + string('a'+rune(n)), Password: "bbbbbbbbbbbbbbbbbbbbbbbb"}
	d.Fingerprint, d.Setup = dtls.Fingerprint{2, n}, jsep.Active
	for i, s := range offer.Sections {
		w := directions[min(i, len(directions)-1)]
		d.Sections = append(d.Sections, jsep.Section{Kind: s.Kind, MID: s.MID, SSRC: 0x2200 + uint32(n), Sends: w.Sends(), Receives: w.Receives()})
	}
	return d
}

// answered applies an answer of the other end n.
func (e end) answered(t jsep.Type, n byte, directions ...peer.Direction) {
	e.Helper()
	e.must(e.SetRemote(t, answer(e.Local(), n, directions...)))
}

// is fails unless the camera's direction in effect is this.
func (e end) is(want peer.Direction) {
	e.Helper()
	for _, s := range e.Streams() {
		if s.ID == cam {
			if s.Current != want {
				e.Errorf("%s: it is %v, not %v", e.Name(), s.Current, want)
			}
			return
		}
	}
	e.Errorf("%s has no camera", e.Name())
}

func (e end) wantState(s peer.State, j jsep.State, i peer.ICEState) {
	e.Helper()
	if e.State() != s || e.JSEP() != j || e.ICE() != i {
		e.Errorf("%s is %v, %v, %v; not %v, %v, %v", e.Name(), e.State(), e.JSEP(), e.ICE(), s, j, i)
	}
}

// conflicts drains the events and returns the conflicts.
func (e end) conflicts() []peer.Lack {
	var lacks []peer.Lack
	for v, ok := e.PollEvent(); ok; v, ok = e.PollEvent() {
		if v.Kind == peer.Conflict {
			lacks = append(lacks, v.Lack)
		}
	}
	return lacks
}

// wantConflict fails unless these are the resources that were missing, once each.
func (e end) wantConflicts(want ...peer.Resource) {
	e.Helper()
	var got []peer.Resource
	for _, l := range e.conflicts() {
		got = append(got, l.Resource)
	}
	if !slices.Equal(got, want) {
		e.Errorf("%s lacks %v, not %v", e.Name(), got, want)
	}
}

func wantUse(t *testing.T, p *peer.Pool, want peer.Resources) {
	t.Helper()
	if got := p.InUse(); got != want {
		t.Errorf("in use: %+v, not %+v", got, want)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%v, not %v", err, want)
	}
}
