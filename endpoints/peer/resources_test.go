package peer_test

import (
	"errors"
	"testing"

	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/peer"
	"rtpfabric/sim/units"
)

// With one decoder one connection receives. The next one is refused, or does without.
//
// conformance: CLN-10
func TestPoolIsShared(t *testing.T) {
	for _, strict := range []bool{false, true} {
		p := peer.NewPool(peer.Resources{Decoders: 1})
		e := caller(t, p, strict)
		n := e.clone()
		wantUse(t, p, peer.Resources{Encoders: 1, Decoders: 1, Ports: 1, Uplink: rate}) // they wait together
		e.answered(jsep.Answer, 1, peer.SendRecv)
		err := n.SetRemote(jsep.Answer, answer(n.Local(), 2, peer.SendRecv))
		uplink := rate * 2
		if strict {
			var lacks peer.LackError
			if !errors.As(err, &lacks) || len(lacks) != 1 || lacks[0] != (peer.Lack{Stream: cam, Resource: peer.Decoder}) ||
				err.Error() != "peer: no decoder for camera" {
				t.Errorf("%v", err)
			}
			n.wantState(peer.Opening, jsep.HaveLocalOffer, peer.ICEWaiting)
			n.is(peer.Inactive)
			uplink = rate
		} else {
			n.must(err)
			n.is(peer.SendOnly)
			n.wantConflicts(peer.Decoder)
		}
		e.is(peer.SendRecv)
		wantUse(t, p, peer.Resources{Encoders: 1, Decoders: 1, Ports: 1, Uplink: uplink})
		if p.Refused(peer.Decoder) != 1 || p.Refused(peer.Encoder) != 0 || p.Peak().Uplink != uplink {
			t.Errorf("refused %d, peak %+v", p.Refused(peer.Decoder), p.Peak())
		}
	}
}

// A clone of before the answer has all that was offered. One of after it has what there is: somebody else got the decoder
// that the answer has freed.
//
// conformance: CLN-11
func TestCapabilitiesOfClones(t *testing.T) {
	for _, c := range []struct {
		kind jsep.Type
		want peer.Direction
	}{{jsep.Pranswer, peer.SendRecv}, {jsep.Answer, peer.SendOnly}} {
		p := peer.NewPool(peer.Resources{Decoders: 1})
		e, other := caller(t, p, false), bare(t, p, false)
		e.answered(c.kind, 1, peer.RecvOnly)
		e.is(peer.SendOnly)
		other.must(other.AddStream(camera(peer.RecvOnly)))
		other.offer()
		n := e.clone()
		if got := n.Capabilities()[cam]; got != c.want {
			t.Errorf("after a %v: %v, not %v", c.kind, got, c.want)
		}
		if got := n.Local().Direction(0); got != peer.SendRecv {
			t.Errorf("after a %v its description has become %v", c.kind, got)
		}
		if got := n.offer().Direction(0); got != c.want {
			t.Errorf("after a %v it offers %v", c.kind, got)
		}
		// Where it is free it is had again.
		other.Close()
		n.Close()
		if got := e.clone().Capabilities()[cam]; got != peer.SendRecv {
			t.Errorf("%v with the decoder back", got)
		}
	}
}

// Each connection that sends takes the stream's rate, all together one encoder, and to turn one changes but its own part.
//
// conformance: CLN-12
func TestUplinkIsTheSumOfThoseThatSend(t *testing.T) {
	p := peer.NewPool(peer.Resources{Uplink: 3 * rate})
	ends := family(t, p, [3]int{0, 0, 1})
	ends[3].wantConflicts(peer.Uplink)
	ends[3].is(peer.RecvOnly)
	sends := [4]bool{true, true, true, false}
	check := func() {
		t.Helper()
		n, encoders := units.BitRate(0), 0
		for i, s := range sends {
			d := peer.RecvOnly
			if s {
				n, d, encoders = n+1, peer.SendRecv, 1
			}
			ends[i].is(d)
			if got := ends[i].Used().Uplink; got != rate*units.BitRate(d&peer.SendOnly) {
				t.Errorf("connection %d sends %v", i, got)
			}
		}
		wantUse(t, p, peer.Resources{Encoders: encoders, Decoders: 4, Ports: 1, Uplink: n * rate})
	}
	check()
	for _, turn := range []struct {
		end int
		to  peer.Direction
	}{{1, peer.RecvOnly}, {3, peer.SendRecv}, {0, peer.RecvOnly}, {2, peer.RecvOnly}, {3, peer.RecvOnly}, {2, peer.SendRecv}} {
		ends[turn.end].must(ends[turn.end].SetDirection(cam, turn.to))
		sends[turn.end] = turn.to.Sends()
		check()
	}
	ends[2].must(ends[2].RemoveStream(cam)) // for good
	sends[2] = false
	check()
	wantError(t, ends[2].SetDirection(cam, peer.SendRecv), peer.ErrNoStream)
}

// Three devices answer, and there is one decoder. An application that turns one off before it turns the next one on sees no
// conflict; one that doesn't sees one for each try.
//
// conformance: CLN-13
func TestDirectionsAreTheApplicationsBusiness(t *testing.T) {
	p := peer.NewPool(peer.Resources{Decoders: 1})
	e := caller(t, p, false)
	ends := []end{e, e.clone(), e.clone()}
	receives := -1
	turn := func(i int) {
		if receives >= 0 {
			e.must(ends[receives].SetDirection(cam, peer.SendOnly))
		}
		e.must(ends[i].SetDirection(cam, peer.SendRecv))
		receives = i
	}
	for i, c := range ends {
		turn(i)
		c.answered(jsep.Pranswer, byte(i), peer.SendRecv)
	}
	for _, i := range []int{0, 2, 1} {
		turn(i)
		for j, c := range ends {
			want := peer.SendOnly
			if j == i {
				want = peer.SendRecv
			}
			c.is(want)
			c.wantConflicts()
		}
	}
	e.must(e.SetDirection(cam, peer.SendRecv))
	e.is(peer.SendOnly)
	e.wantConflicts(peer.Decoder)
	ends[1].must(ends[1].SetDirection(cam, peer.Inactive))
	e.must(e.SetDirection(cam, peer.SendRecv))
	e.is(peer.SendRecv)
	e.wantConflicts()
	strict := caller(t, peer.NewPool(peer.Resources{Decoders: 1}), true)
	n := strict.clone()
	n.must(n.SetDirection(cam, peer.SendOnly))
	n.answered(jsep.Answer, 2, peer.SendRecv)
	strict.answered(jsep.Answer, 1, peer.SendRecv)
	if err := n.SetDirection(cam, peer.SendRecv); !errors.As(err, new(peer.LackError)) || n.Streams()[0].Direction != peer.SendOnly {
		t.Errorf("%v, and it is %v that is wanted", err, n.Streams()[0].Direction)
	}
}

// After the first answer a clone can still be made for the second one. If its decoder is gone the media are negotiated again, one
// round trip later.
//
// conformance: CLN-16
func TestCloneAfterTheAnswer(t *testing.T) {
	p := peer.NewPool(peer.Resources{Decoders: 1})
	e := caller(t, p, false)
	late := answer(e.Local(), 2, peer.SendRecv)
	e.answered(jsep.Answer, 1, peer.SendRecv)
	n := end{t, must(e.CloneFor("B", late))(t)}
	n.wantConflicts(peer.Decoder)
	n.must(n.SetRemote(jsep.Answer, late))
	n.is(peer.SendOnly)
	n.wantConflicts(peer.Decoder)
	if s := n.Streams()[0]; s.Agreed != peer.SendRecv {
		t.Errorf("agreed on %v: the other end sends in vain", s.Agreed)
	}
	d := n.offer()
	if d.Version == late.Answers || d.Direction(0) != peer.SendOnly {
		t.Errorf("version %d offers %v", d.Version, d.Direction(0))
	}
	n.answered(jsep.Answer, 2, peer.RecvOnly)
	n.is(peer.SendOnly)
	n.wantConflicts()
	n.wantState(peer.Active, jsep.Stable, peer.ICEChecking)
}

// When the local description has changed a late answer is to something that isn't there any more.
//
// conformance: CLN-16
func TestLateAnswerToAChangedDescription(t *testing.T) {
	e := caller(t, peer.NewPool(peer.Resources{}), false)
	late := answer(e.Local(), 2, peer.SendRecv)
	e.answered(jsep.Answer, 1, peer.SendRecv)
	e.offer() // says the same
	e.answered(jsep.Answer, 1, peer.SendRecv)
	if _, err := e.CloneFor("B", late); err != nil {
		t.Error(err)
	}
	e.must(e.SetDirection(cam, peer.SendOnly))
	e.offer()
	for range 2 { // while it is offered, and once it is agreed on
		n, err := e.CloneFor("B", late)
		if wantError(t, err, peer.ErrChanged); n != nil {
			t.Error("a clone")
		}
		n = e.clone().Connection // for other reasons
		wantError(t, n.SetRemote(jsep.Answer, late), peer.ErrChanged)
		if e.JSEP() == jsep.HaveLocalOffer {
			e.answered(jsep.Answer, 1, peer.RecvOnly)
		}
	}
}

// A connection that is up, as the one that called or the one that was called, is cloned to call somebody else.
//
// conformance: CLN-17
func TestCloneOfAStableConnection(t *testing.T) {
	calls := caller(t, peer.NewPool(peer.Resources{}), true)
	calls.answered(jsep.Answer, 1, peer.SendRecv)
	called := bare(t, peer.NewPool(peer.Resources{}), true)
	called.must(called.AddStream(camera(peer.SendRecv)))
	called.must(called.SetRemote(jsep.Offer, answer(cameraAlone(), 1, peer.SendRecv)))
	d, err := called.CreateAnswer()
	called.must(err)
	called.must(called.SetLocal(jsep.Answer, d))
	for _, e := range []end{calls, called} {
		e.must(e.SetICE(peer.ICECompleted))
		n := e.clone()
		if o := n.Local(); o.Setup != jsep.ActPass || o.Answers != 0 || o.Direction(0) != peer.SendRecv {
			t.Errorf("%+v", o)
		}
		n.answered(jsep.Answer, 3, peer.SendRecv)
		for _, up := range []end{e, n} {
			up.is(peer.SendRecv)
		}
		e.wantState(peer.Active, jsep.Stable, peer.ICECompleted)
		n.wantState(peer.Active, jsep.Stable, peer.ICEChecking)
		if e.Remote().ICE.Fragment != "thereb" || n.Remote().ICE.Fragment != "thered" {
			t.Errorf("%v and %v", e.Remote().ICE, n.Remote().ICE)
		}
	}
}

// A strict connection says what is missing for a clone, and there is none. Others are always cloned.
//
// conformance: CLN-18
func TestCloneWithoutResources(t *testing.T) {
	for _, strict := range []bool{false, true} {
		p := peer.NewPool(peer.Resources{Decoders: 1, Uplink: rate})
		e := caller(t, p, strict)
		e.answered(jsep.Answer, 1, peer.SendRecv)
		before := p.InUse()
		n, err := e.Clone("B")
		if !strict {
			c := end{t, n}
			c.must(err)
			c.wantConflicts(peer.Uplink, peer.Decoder)
			if can := c.Capabilities(); len(can) != 0 {
				t.Errorf("it can %v", can)
			}
			c.answered(jsep.Answer, 2, peer.SendRecv)
			c.is(peer.Inactive)
		} else if err == nil || n != nil || err.Error() != "peer: no uplink for camera, no decoder for camera" {
			t.Errorf("%v, %v", n, err)
		}
		wantUse(t, p, before)
		if p.Refused(peer.Uplink) == 0 {
			t.Error("nothing was refused")
		}
		e.Close()
		if e.Transport().Open() == strict {
			t.Errorf("strict %v: the port is open: %v", strict, !strict)
		}
	}
}

// Until the answer a clone has a part in what its parent holds, even in what that one uses. When the parent goes it has all of it,
// and nobody else got any in between.
//
// conformance: CLN-10, CLN-18
func TestCloneHoldsWhatItsParentHolds(t *testing.T) {
	p := peer.NewPool(peer.Resources{Decoders: 1, Uplink: rate})
	e := caller(t, p, true)
	e.answered(jsep.Pranswer, 1, peer.SendRecv)
	n, other := e.clone(), bare(t, p, false)
	if got, want := n.Resources(), (peer.Resources{Encoders: 1, Decoders: 1, Ports: 1, Uplink: rate}); got != want {
		t.Errorf("it holds %+v, not %+v", got, want)
	}
	if can := n.Capabilities(); len(can) != 0 {
		t.Errorf("it can %v while its parent does", can)
	}
	e.Close()
	other.must(other.AddStream(camera(peer.SendRecv)))
	if d := other.offer(); d.Direction(0) != peer.Inactive {
		t.Errorf("somebody else offers %v", d.Direction(0))
	}
	n.answered(jsep.Answer, 2, peer.SendRecv)
	n.is(peer.SendRecv)
}

// A clone wants what its description says, whatever its parent has turned off since; only what was removed is gone.
//
// conformance: CLN-5, CLN-12
func TestCloneWantsWhatItsDescriptionSays(t *testing.T) {
	p := peer.NewPool(peer.Resources{})
	e := caller(t, p, false)
	e.answered(jsep.Answer, 1, peer.SendRecv)
	e.must(e.SetDirection(cam, peer.Inactive))
	n := e.clone()
	n.answered(jsep.Answer, 2, peer.SendRecv)
	n.is(peer.SendRecv)
	n.Close()
	e.must(e.RemoveStream(cam))
	n = e.clone()
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
	n.answered(jsep.Answer, 3, peer.SendRecv)
	n.is(peer.RecvOnly)
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
}

// What is done to a connection after cloning doesn't show at the other, but for what there is left of resources.
//
// conformance: CLN-18
func TestOperationsAreIndependent(t *testing.T) {
	for name, behave := range behaviours {
		p := peer.NewPool(peer.Resources{Decoders: 1})
		e := caller(t, p, false)
		n := e.clone()
		e.conflicts()
		before := shows(e.Connection)
		trace(n, behave)
		if after := shows(e.Connection); after != before {
			t.Errorf("%s: from\n%+v\nto\n%+v", name, before, after)
		}
		if _, ok := e.PollEvent(); ok {
			t.Errorf("%s: an event", name)
		}
	}
}

// A clone of the transport is spared the gathering, too, but not an offer and its answer; and it has an encoder of its own.
//
// conformance: CLN-19
func TestCloneOfTheTransport(t *testing.T) {
	p := peer.NewPool(peer.Resources{Ports: 1})
	e := caller(t, p, false)
	whole := e.clone()
	e.answered(jsep.Pranswer, 1, peer.SendRecv)
	part := end{t, must(e.CloneTransport("B"))(t)}
	part.wantState(peer.New, jsep.Stable, peer.ICEWaiting)
	if part.Local() != nil || len(part.Streams()) != 0 || part.Transport() != e.Transport() {
		t.Errorf("%+v, %v", part.Local(), part.Streams())
	}
	waiting := answer(e.Local(), 2, peer.SendRecv)
	if err := part.SetRemote(jsep.Answer, waiting); err == nil {
		t.Error("it takes an answer to what it hasn't offered")
	}
	whole.must(whole.SetRemote(jsep.Answer, waiting))
	if got := p.InUse().Encoders; got != 1 {
		t.Errorf("%d encoders", got)
	}
	part.must(part.AddStream(camera(peer.SendRecv)))
	part.offer()
	part.answered(jsep.Answer, 3, peer.SendRecv)
	part.is(peer.SendRecv)
	wantUse(t, p, peer.Resources{Encoders: 2, Decoders: 3, Ports: 1, Uplink: 3 * rate})
	if n := e.Transport().Gatherings(); n != 1 {
		t.Errorf("%d gatherings", n)
	}

	fresh := peer.Config{Name: "C", Pool: p, Transport: transport()}
	if _, err := peer.NewConnection(fresh); !errors.As(err, new(peer.LackError)) || p.Refused(peer.Port) != 1 {
		t.Errorf("%v: a new connection of its own needs a port", err)
	}
	fresh.Transport = e.Transport()
	bound := end{t, must(peer.NewConnection(fresh))(t)}
	bound.wantState(peer.New, jsep.Stable, peer.ICEWaiting)
	fresh.Pool = peer.NewPool(peer.Resources{})
	_, err := peer.NewConnection(fresh)
	wantError(t, err, peer.ErrOtherPool)

	e.Transport().Gather()
	_, err = e.CloneTransport("D")
	wantError(t, err, peer.ErrGathering)
	for _, c := range []end{e, whole, part, bound} {
		c.Close()
	}
	_, err = e.CloneTransport("D")
	wantError(t, err, peer.ErrClosed)
	fresh.Pool = p
	_, err = peer.NewConnection(fresh)
	wantError(t, err, peer.ErrTransportClosed)
	wantUse(t, p, peer.Resources{})
}

// While there is a provisional answer nothing new can be offered. Its clone can offer, and goes on to agree on something else;
// the parent doesn't notice.
//
// conformance: CLN-20
func TestCloneOfAProvisionalAnswer(t *testing.T) {
	e := caller(t, peer.NewPool(peer.Resources{}), false)
	e.answered(jsep.Pranswer, 1, peer.SendRecv)
	e.must(e.SetICE(peer.ICEConnected))
	e.conflicts()
	d, err := e.CreateOffer()
	e.must(err)
	if err := e.SetLocal(jsep.Offer, d); err == nil {
		t.Error("it offers again")
	}
	before := shows(e.Connection)
	n := e.clone()
	n.wantState(peer.Opening, jsep.HaveLocalOffer, peer.ICEWaiting)
	n.must(n.SetDirection(cam, peer.SendOnly))
	if o := n.offer(); o.Direction(0) != peer.SendOnly || o.Version == d.Version {
		t.Errorf("version %d: %v", o.Version, o.Direction(0))
	}
	n.answered(jsep.Answer, 2, peer.RecvOnly)
	n.is(peer.SendOnly)
	n.Close()
	n = e.clone()
	n.offer() // of its own, as the parent uses what they hold together
	if got := n.Pool().InUse().Decoders; got != 2 {
		t.Errorf("%d decoders", got)
	}
	n.Close()
	if after := shows(e.Connection); after != before {
		t.Errorf("from\n%+v\nto\n%+v", before, after)
	}
	e.answered(jsep.Answer, 1, peer.SendRecv)
	e.wantState(peer.Active, jsep.Stable, peer.ICEConnected)
}
