package peer_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/peer"
	"rtpfabric/sim/units"
)

// behaviours are what a connection does that has made its offer. Each step's error, if there is one, is part of what it does.
var behaviours = map[string]func(e end, step func(error)){
	"answered": func(e end, step func(error)) {
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)))
		step(e.SetICE(peer.ICEConnected))
		step(e.SetICE(peer.ICECompleted))
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)))
	},
	"answered in part": func(e end, step func(error)) {
		step(e.SetRemote(jsep.Pranswer, answer(e.Local(), 1, peer.Inactive)))
		step(e.SetRemote(jsep.Pranswer, answer(e.Local(), 2, peer.SendOnly)))
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 2, peer.RecvOnly)))
	},
	"rolled back": func(e end, step func(error)) {
		step(e.SetRemote(jsep.Pranswer, answer(e.Local(), 1, peer.SendRecv)))
		step(e.SetLocal(jsep.Rollback, nil))
		step(e.SetLocal(jsep.Rollback, nil))
		step(e.SetRemote(jsep.Offer, answer(cameraAlone(), 1, peer.SendRecv)))
		d, err := e.CreateAnswer()
		step(err)
		step(e.SetLocal(jsep.Pranswer, d))
		step(e.SetLocal(jsep.Answer, d))
	},
	"offers again": func(e end, step func(error)) {
		step(e.AddStream(peer.Stream{ID: "microphone", Kind: endpoints.Audio, SSRC: 9, Rate: rate, Direction: peer.SendOnly}))
		d, err := e.CreateOffer()
		step(err)
		step(e.SetLocal(jsep.Offer, d))
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)))
		step(e.RemoveStream("microphone"))
		step(e.SetLocal(jsep.Offer, d))
		d, err = e.CreateOffer()
		step(err)
		step(e.SetLocal(jsep.Offer, d))
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)))
	},
	"turned": func(e end, step func(error)) {
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)))
		for _, d := range []peer.Direction{peer.Inactive, peer.RecvOnly, peer.SendOnly, peer.SendRecv} {
			step(e.SetDirection(cam, d))
		}
		step(e.SetDirection("nothing", peer.SendRecv))
	},
	"offered what doesn't fit": func(e end, step func(error)) {
		d := answer(e.Local(), 1, peer.SendRecv)
		d.Sections = append(d.Sections, d.Sections[0])
		step(e.SetRemote(jsep.Answer, d))
		step(e.SetRemote(jsep.Offer, d))
		d = answer(e.Local(), 1, peer.SendRecv)
		d.Answers++
		step(e.SetRemote(jsep.Answer, d))
		step(e.SetICE(peer.ICEConnected))
	},
	"closed": func(e end, step func(error)) {
		e.Close()
		step(e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)))
		step(e.SetLocal(jsep.Rollback, nil))
		step(e.AddStream(camera(peer.SendRecv)))
		step(e.RemoveStream(cam))
		step(e.SetDirection(cam, peer.Inactive))
		_, err := e.CreateOffer()
		step(err)
		_, err = e.CreateAnswer()
		step(err)
		step(e.SetICE(peer.ICEChecking))
		e.Close()
		step(nil)
	},
}

func (e end) clone() end {
	e.Helper()
	c, err := e.Clone(e.Name() + "'")
	e.must(err)
	return end{e.T, c}
}

// trace is all that shows of a connection while a behaviour runs.
func trace(e end, behave func(end, func(error))) []string {
	e.conflicts() // what was before
	var lines []string
	behave(e, func(err error) {
		line := fmt.Sprintf("%v %v %v %v, %+v, holds %+v, can %v", err, e.State(), e.JSEP(), e.ICE(), e.Streams(), e.Resources(), e.Capabilities())
		line += fmt.Sprintf(", gets %v", e.RemoteStreams())
		if d := e.Local(); d != nil {
			line += fmt.Sprintf(", says %+v", *d)
		}
		for v, ok := e.PollEvent(); ok; v, ok = e.PollEvent() {
			line += fmt.Sprintf(", %v: %+v", v.Kind, v)
		}
		lines = append(lines, line)
	})
	return lines
}

// shown is all that shows of a connection, but for what it could have and the state of its transport.
type shown struct {
	state         peer.State
	jsep          jsep.State
	ice           peer.ICEState
	local, remote uint64
	fragment      string
	holds, uses   peer.Resources
	streams       string
}

func shows(c *peer.Connection) shown {
	s := shown{state: c.State(), jsep: c.JSEP(), ice: c.ICE(), holds: c.Resources(), uses: c.Used()}
	if d := c.Local(); d != nil {
		s.local = d.Version
	}
	if d := c.Remote(); d != nil {
		s.remote, s.fragment = d.Version, d.ICE.Fragment
	}
	var b []byte
	for _, x := range c.Streams() {
		b = append(b, x.ID...)
		b = append(b, '0'+byte(x.Direction), '0'+byte(x.Agreed), '0'+byte(x.Current))
	}
	s.streams = string(b)
	return s
}

// A clone of whichever generation does what a new connection that has offered does, whether those it comes from are open or not.
//
// conformance: CLN-1
func TestCloneBehavesAsAnyOther(t *testing.T) {
	for name, behave := range behaviours {
		for _, strict := range []bool{false, true} {
			want := trace(caller(t, peer.NewPool(peer.Resources{Decoders: 1}), strict), behave)
			for generation := 1; generation <= 3; generation++ {
				for _, orphan := range []bool{false, true} {
					e := caller(t, peer.NewPool(peer.Resources{Decoders: 1}), strict)
					for range generation {
						parent := e
						e = end{t, must(parent.Clone("A"))(t)}
						if orphan {
							parent.Close()
						}
					}
					if got := trace(e, behave); !slices.Equal(got, want) {
						t.Errorf("%s, generation %d:\n%v\nnot\n%v", name, generation, got, want)
					}
				}
			}
		}
	}
}

func must(c *peer.Connection, err error) func(*testing.T) *peer.Connection {
	return func(t *testing.T) *peer.Connection {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// Cloning takes a connection, and a name for records. Everything else is that connection's.
//
// conformance: CLN-2
func TestCloneTakesNothingButAConnection(t *testing.T) {
	clone := (*peer.Connection).Clone
	p := peer.NewPool(peer.Resources{Decoders: 1})
	e := caller(t, p, true)
	n := end{t, must(clone(e.Connection, "B"))(t)}
	if n.Name() != "B" || n.Pool() != p || n.Transport() != e.Transport() || n.Local().Session != 7 {
		t.Errorf("%s: %p, %p, %+v", n.Name(), n.Pool(), n.Transport(), n.Local())
	}
	e.answered(jsep.Answer, 1, peer.SendRecv)
	if err := n.SetRemote(jsep.Answer, answer(n.Local(), 2, peer.SendRecv)); !errors.As(err, new(peer.LackError)) {
		t.Errorf("%v: the clone of a strict connection isn't", err)
	}
}

// family returns four connections that come from one another as the parents say, each answered by an end of its own.
func family(t *testing.T, p *peer.Pool, parents [3]int) []end {
	t.Helper()
	ends := []end{caller(t, p, false)}
	for _, i := range parents {
		ends = append(ends, ends[i].clone())
	}
	for i, e := range ends {
		e.answered(jsep.Answer, byte(i), peer.SendRecv)
		e.must(e.SetICE(peer.ICEConnected))
	}
	return ends
}

// In a chain of clones, a tree, or a brood of one, nobody is more than the others: whoever closes, in whichever order, the rest
// goes on, and the port is there until the last one closes.
//
// conformance: CLN-3
func TestParentsHaveNoRank(t *testing.T) {
	var orders [][]int
	var permute func(rest, order []int)
	permute = func(rest, order []int) {
		if len(rest) == 0 {
			orders = append(orders, order)
		}
		for i, x := range rest {
			permute(slices.Delete(slices.Clone(rest), i, i+1), append(slices.Clip(order), x))
		}
	}
	permute([]int{0, 1, 2, 3}, nil)
	if len(orders) != 24 {
		t.Fatal(len(orders))
	}
	for _, parents := range [][3]int{{0, 1, 2}, {0, 0, 1}, {0, 0, 0}} {
		for _, order := range orders {
			p := peer.NewPool(peer.Resources{})
			ends := family(t, p, parents)
			for n, gone := range order {
				wantUse(t, p, peer.Resources{Encoders: 1, Decoders: 4 - n, Ports: 1, Uplink: rate * units.BitRate(4-n)})
				ends[gone].Close()
				for _, i := range order[n+1:] {
					ends[i].wantState(peer.Active, jsep.Stable, peer.ICEConnected)
					ends[i].is(peer.SendRecv)
				}
				if ends[0].Transport().Open() != (n < 3) {
					t.Errorf("parents %v: the port is open: %v, after %v", parents, n == 3, order[:n+1])
				}
			}
			wantUse(t, p, peer.Resources{})
		}
	}
}

// What has to be there for a clone: a local description, and candidates that are known and still of use.
//
// conformance: CLN-4
func TestWhatCanBeCloned(t *testing.T) {
	states := []struct {
		name string
		set  func(e end)
		err  error
	}{
		{"new", func(end) {}, peer.ErrNoLocal},
		{"have-local-offer", func(e end) { e.offer() }, nil},
		{"have-remote-pranswer", func(e end) { e.offer(); e.answered(jsep.Pranswer, 1, peer.SendRecv) }, nil},
		{"active", func(e end) { e.offer(); e.answered(jsep.Answer, 1, peer.SendRecv) }, nil},
		{"have-remote-offer", func(e end) { e.must(e.SetRemote(jsep.Offer, answer(cameraAlone(), 1, peer.SendRecv))) }, peer.ErrNoLocal},
		{"active, have-remote-offer", func(e end) {
			e.offer()
			e.answered(jsep.Answer, 1, peer.SendRecv)
			e.must(e.SetRemote(jsep.Offer, answer(cameraAlone(), 1, peer.SendRecv)))
		}, nil},
		{"have-local-pranswer", func(e end) {
			e.must(e.SetRemote(jsep.Offer, answer(cameraAlone(), 1, peer.SendRecv)))
			d, err := e.CreateAnswer()
			e.must(err)
			e.must(e.SetLocal(jsep.Pranswer, d))
		}, nil},
		{"rolled back", func(e end) { e.offer(); e.must(e.SetLocal(jsep.Rollback, nil)) }, peer.ErrNoLocal},
		{"closed", func(e end) { e.offer(); e.Close() }, peer.ErrClosed},
	}
	checks := map[peer.ICEState][]peer.ICEState{
		peer.ICEGathering: nil, peer.ICEWaiting: nil, peer.ICEChecking: nil, peer.ICEConnected: {peer.ICEConnected},
		peer.ICECompleted: {peer.ICECompleted}, peer.ICEFailed: {peer.ICEFailed}, peer.ICEClosed: {peer.ICEClosed},
	}
	reached := 0
	for _, s := range states {
		for state, path := range checks {
			e := bare(t, peer.NewPool(peer.Resources{}), false)
			e.must(e.AddStream(camera(peer.SendRecv)))
			s.set(e)
			for _, i := range path {
				_ = e.SetICE(i) // not all of them can be
			}
			if state == peer.ICEGathering {
				e.Transport().Gather()
			}
			if e.ICE() != state {
				continue
			}
			reached++
			want := s.err
			switch {
			case errors.Is(s.err, peer.ErrClosed):
			case state == peer.ICEGathering:
				want = peer.ErrGathering
			case state == peer.ICEClosed:
				want = peer.ErrICEClosed
			}
			n, err := e.Clone("B")
			if !errors.Is(err, want) || (err == nil) != (n != nil) {
				t.Errorf("%s, %v: %v, not %v", s.name, state, err, want)
			}
		}
	}
	if reached != 37 {
		t.Errorf("%d combinations", reached)
	}
}

// A clone says what its parent has said, of the same streams at the same port, and has gathered nothing. What is added to one
// of them later the other doesn't get.
//
// conformance: CLN-5
func TestCloneInheritsTheLocalSide(t *testing.T) {
	e := caller(t, peer.NewPool(peer.Resources{}), false)
	e.must(e.AddStream(peer.Stream{ID: "slides", Kind: endpoints.Video, SSRC: 5, Direction: peer.SendOnly})) // not offered yet
	n := e.clone()
	if !reflect.DeepEqual(n.Local(), e.Local()) || !reflect.DeepEqual(n.Streams(), e.Streams()) {
		t.Errorf("%+v, %+v\nnot\n%+v, %+v", n.Local(), n.Streams(), e.Local(), e.Streams())
	}
	d := n.Local()
	if d.Addr != here || e.Transport().Config().Addr != here || d.ICE.Fragment != "here" || d.Fingerprint[0] != 1 ||
		len(d.Candidates) != 1 || d.Sections[0].SSRC != 0x1111 {
		t.Errorf("%+v", d)
	}
	if e.Transport().Gatherings() != 1 {
		t.Errorf("%d gatherings", e.Transport().Gatherings())
	}
	e.must(e.AddStream(peer.Stream{ID: "late", Kind: endpoints.Audio}))
	n.must(n.AddStream(peer.Stream{ID: "later", Kind: endpoints.Audio}))
	e.must(e.RemoveStream("slides"))
	ids := func(e end) (ids []string) {
		for _, s := range e.Streams() {
			ids = append(ids, s.ID)
		}
		return ids
	}
	if a, b := ids(e), ids(n); !slices.Equal(a, []string{cam, "late"}) || !slices.Equal(b, []string{cam, "slides", "later"}) {
		t.Errorf("%v and %v", a, b)
	}
	e.Transport().Gather()
	e.Transport().Gathered(ice.HostCandidate(here), ice.HostCandidate(here))
	if len(n.Local().Candidates) != 2 || n.Local().Version != d.Version {
		t.Errorf("candidates that become known: %+v", n.Local())
	}
}

// Of the other side a clone knows nothing, however far its parent is. It waits for an answer, which can be applied at once, and
// then has but to check.
//
// conformance: CLN-6, CLN-7, CLN-9
func TestCloneWaitsForAnAnswer(t *testing.T) {
	for _, kind := range []jsep.Type{jsep.Pranswer, jsep.Answer} {
		e := caller(t, peer.NewPool(peer.Resources{}), false)
		e.answered(kind, 1, peer.SendRecv)
		e.must(e.SetICE(peer.ICECompleted))
		if len(e.RemoteStreams()) != 1 {
			t.Error(e.RemoteStreams())
		}
		if kind == jsep.Answer { // and offers another stream
			more := answer(cameraAlone(), 1, peer.SendRecv)
			more.Sections = append(more.Sections, jsep.Section{Kind: endpoints.Audio, MID: "voice", Sends: true})
			e.must(e.SetRemote(jsep.Offer, more))
		}
		n := e.clone()
		n.wantState(peer.Opening, jsep.HaveLocalOffer, peer.ICEWaiting)
		if n.Remote() != nil || n.RemoteStreams() != nil || len(n.Streams()) != 1 {
			t.Errorf("%v: %+v, %v", kind, n.Remote(), n.Streams())
		}
		n.is(peer.Inactive)
		n.answered(jsep.Answer, 2, peer.SendRecv)
		n.wantState(peer.Active, jsep.Stable, peer.ICEChecking)
		n.is(peer.SendRecv)
		if got := n.RemoteStreams(); len(got) != 1 || got[0].SSRC != 0x2202 {
			t.Errorf("%v: %v", kind, got)
		}
	}
}

// Each connection's checks fare on their own, and the port tells by the other end's fragment whose a request is. Only
// gathering is common.
//
// conformance: CLN-8
func TestICEIsIndependent(t *testing.T) {
	e := caller(t, peer.NewPool(peer.Resources{}), false)
	n, idle := e.clone(), e.clone()
	e.answered(jsep.Pranswer, 1, peer.SendRecv)
	n.answered(jsep.Pranswer, 2, peer.SendRecv)
	e.must(e.SetICE(peer.ICEConnected))
	n.must(n.SetICE(peer.ICEFailed))
	states := func(want ...peer.ICEState) {
		t.Helper()
		if got := []peer.ICEState{e.ICE(), n.ICE(), idle.ICE()}; !slices.Equal(got, want) {
			t.Errorf("%v, not %v", got, want)
		}
	}
	states(peer.ICEConnected, peer.ICEFailed, peer.ICEWaiting)
	tr := e.Transport()
	if tr.Connection("thereb") != e.Connection || tr.Connection("therec") != n.Connection || tr.Connection("thered") != nil {
		t.Error("requests go to the wrong connection")
	}
	tr.Gather()
	states(peer.ICEGathering, peer.ICEGathering, peer.ICEGathering)
	wantError(t, e.SetICE(peer.ICECompleted), peer.ErrGathering)
	idle.answered(jsep.Answer, 3, peer.SendRecv)
	tr.Gathered(ice.HostCandidate(here))
	states(peer.ICEConnected, peer.ICEFailed, peer.ICEChecking)
	e.must(e.SetICE(peer.ICEClosed))
	states(peer.ICEClosed, peer.ICEFailed, peer.ICEChecking)
	if tr.Connection("thereb") != nil || !tr.Open() {
		t.Error("closed ICE goes on")
	}
	n.answered(jsep.Pranswer, 4, peer.SendRecv) // from somebody else: new checks (RFC 8829 §5.10)
	states(peer.ICEClosed, peer.ICEChecking, peer.ICEChecking)
	wantError(t, e.SetICE(peer.ICEChecking), peer.ErrICEClosed)
	if idle.SetICE(peer.ICEWaiting) == nil || idle.SetICE(peer.ICEGathering) == nil {
		t.Error("ICE goes back")
	}
}
