package peer_test

import (
	"testing"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/endpoints/peer"
)

// An offer reserves, a provisional answer "MUST NOT result in the freeing of allocated resources", an answer frees
// (RFC 8829 §4.1.10).
func TestAnswersFree(t *testing.T) {
	p := peer.NewPool(peer.Resources{})
	e := bare(t, p, false)
	e.must(e.AddStream(camera(peer.SendRecv)))
	wantUse(t, p, peer.Resources{Ports: 1})
	e.offer()
	all := peer.Resources{Encoders: 1, Decoders: 1, Ports: 1, Uplink: rate}
	for _, d := range []peer.Direction{peer.SendRecv, peer.Inactive, peer.SendOnly} {
		e.answered(jsep.Pranswer, 1, d)
		e.is(d.Reversed())
		wantUse(t, p, all)
		e.must(e.SetDirection(cam, peer.Inactive))
		e.is(peer.Inactive)
		wantUse(t, p, all)
		e.must(e.SetDirection(cam, peer.SendRecv))
	}
	e.answered(jsep.Answer, 1, peer.SendOnly)
	e.is(peer.RecvOnly)
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
	e.offer() // both descriptions are supported (§4.1.11)
	wantUse(t, p, all)
	e.is(peer.RecvOnly)
	e.must(e.SetRemote(jsep.Rollback, nil))
	e.is(peer.RecvOnly)
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
	// What was used before stays until the answer, too.
	e.must(e.SetDirection(cam, peer.RecvOnly))
	e.offer()
	e.answered(jsep.Pranswer, 1, peer.Inactive)
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
	e.must(e.SetLocal(jsep.Rollback, nil))
	e.is(peer.RecvOnly)
	e.must(e.SetRemote(jsep.Offer, answer(cameraAlone(), 1, peer.Inactive)))
	d, err := e.CreateAnswer()
	e.must(err)
	e.must(e.SetLocal(jsep.Pranswer, d))
	e.is(peer.Inactive)
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
	e.must(e.SetLocal(jsep.Answer, d))
	wantUse(t, p, peer.Resources{Ports: 1})
}

// A stream that has been removed isn't reserved for, though an offer says it is sent.
func TestRemovedAfterTheOffer(t *testing.T) {
	p := peer.NewPool(peer.Resources{})
	e := caller(t, p, false)
	d, err := e.CreateOffer()
	e.must(err)
	e.must(e.RemoveStream(cam))
	e.must(e.SetLocal(jsep.Offer, d))
	wantUse(t, p, peer.Resources{Decoders: 1, Ports: 1})
	e.answered(jsep.Answer, 1, peer.SendRecv)
	e.is(peer.RecvOnly)
}

// An offer reflects what there is, so that it can be applied; when that has changed in between it reserves what it can, or
// fails (RFC 8829 §4.1.8).
func TestOffersReflectResources(t *testing.T) {
	for _, strict := range []bool{false, true} {
		p := peer.NewPool(peer.Resources{Decoders: 1})
		e, other := bare(t, p, strict), bare(t, p, false)
		e.must(e.AddStream(camera(peer.SendRecv)))
		before, err := e.CreateOffer()
		e.must(err)
		other.must(other.AddStream(camera(peer.RecvOnly)))
		other.offer()
		err = e.SetLocal(jsep.Offer, before)
		if strict != (err != nil) {
			t.Errorf("strict %v: %v", strict, err)
		}
		if !strict {
			e.wantConflicts(peer.Decoder)
			continue
		}
		if d := e.offer(); d.Direction(0) != peer.SendOnly || d.Version != before.Version+1 {
			t.Errorf("version %d: %v", d.Version, d.Direction(0))
		}
	}
}

// What is applied is what was created last, and nothing has come or gone since that it would be about (RFC 8829 §5.5).
func TestLocalDescriptionIsNotAltered(t *testing.T) {
	e := bare(t, peer.NewPool(peer.Resources{}), false)
	e.must(e.AddStream(camera(peer.SendRecv)))
	d, err := e.CreateOffer()
	e.must(err)
	d.Sections[0].Receives = false
	wantError(t, e.SetLocal(jsep.Offer, d), peer.ErrAltered)
	wantError(t, e.SetLocal(jsep.Offer, nil), peer.ErrAltered)
	d, err = e.CreateOffer()
	e.must(err)
	if d.Version != 1 {
		t.Errorf("version %d says the same", d.Version)
	}
	e.must(e.RemoveStream(cam))
	wantError(t, e.SetLocal(jsep.Offer, d), peer.ErrAltered)
	e.must(e.AddStream(camera(peer.SendOnly)))
	wantError(t, e.AddStream(camera(peer.SendOnly)), peer.ErrStreamExists)

	offer := answer(cameraAlone(), 1, peer.SendRecv)
	e.must(e.SetRemote(jsep.Offer, offer))
	d, err = e.CreateOffer()
	e.must(err)
	wantError(t, e.SetLocal(jsep.Answer, d), peer.ErrAltered)
	d, err = e.CreateAnswer()
	e.must(err)
	more := cameraAlone()
	more.Sections = append(more.Sections, jsep.Section{Kind: endpoints.Audio, MID: "1"})
	e.must(e.SetRemote(jsep.Offer, answer(more, 1, peer.SendRecv)))
	wantError(t, e.SetLocal(jsep.Answer, d), peer.ErrAltered) // it is to the offer before
	newer := answer(cameraAlone(), 1, peer.SendRecv)
	newer.Version++
	e.must(e.SetRemote(jsep.Offer, newer))
	wantError(t, e.SetLocal(jsep.Answer, d), peer.ErrAltered)
	e.must(e.SetLocal(jsep.Rollback, nil))
	e.offer()
}

// The sections of a remote offer find streams by name, then by kind; what is left over is received, and goes with
// the offer (RFC 8829 §4.1.2, §5.7, §5.10).
func TestRemoteOffer(t *testing.T) {
	p := peer.NewPool(peer.Resources{})
	e := bare(t, p, false)
	e.must(e.AddStream(peer.Stream{ID: "microphone", Kind: endpoints.Audio, SSRC: 1, Rate: rate, Direction: peer.SendRecv}))
	e.must(e.AddStream(camera(peer.SendOnly)))
	offered := &peer.Description{}
	offered.Sections = []jsep.Section{
		{Kind: endpoints.Video, MID: "0"}, {Kind: endpoints.Audio, MID: "1"}, {Kind: endpoints.Video, MID: "2"}, {Kind: endpoints.Video, MID: "3"},
	}
	offer := answer(offered, 1, peer.SendRecv, peer.SendRecv, peer.SendRecv, peer.RecvOnly)
	offer.Version = 5
	e.must(e.SetRemote(jsep.Offer, offer))
	e.wantState(peer.Opening, jsep.HaveRemoteOffer, peer.ICEWaiting)
	d, err := e.CreateAnswer()
	e.must(err)
	want := []peer.Direction{peer.SendOnly, peer.SendRecv, peer.RecvOnly, peer.Inactive}
	for i, w := range want {
		if d.Direction(i) != w || d.Sections[i].MID != offered.Sections[i].MID {
			t.Errorf("section %d: %v, %+v", i, d.Direction(i), d.Sections[i])
		}
	}
	if d.Answers != 5 || d.Setup != jsep.Active || d.Sections[0].SSRC != 0x1111 {
		t.Errorf("%+v", d)
	}
	wantUse(t, p, peer.Resources{Ports: 1})
	e.must(e.SetLocal(jsep.Answer, d))
	wantUse(t, p, peer.Resources{Encoders: 2, Decoders: 2, Ports: 1, Uplink: 2 * rate})
	e.wantState(peer.Active, jsep.Stable, peer.ICEChecking)
	offered.Sections = append(offered.Sections, jsep.Section{Kind: endpoints.Audio, MID: "4"})
	e.must(e.SetRemote(jsep.Offer, answer(offered, 1, peer.SendRecv)))
	if n := len(e.Streams()); n != 5 {
		t.Errorf("%d streams", n)
	}
	e.must(e.SetLocal(jsep.Rollback, nil))
	if n := len(e.Streams()); n != 4 {
		t.Errorf("%d streams after a rollback", n)
	}
	wantUse(t, p, peer.Resources{Encoders: 2, Decoders: 2, Ports: 1, Uplink: 2 * rate})
	for _, change := range []func([]jsep.Section) []jsep.Section{
		func(s []jsep.Section) []jsep.Section { return s[:3] },
		func(s []jsep.Section) []jsep.Section { s[0].Kind = endpoints.Audio; return s },
		func(s []jsep.Section) []jsep.Section { s[4].MID = "3"; return s },
		func(s []jsep.Section) []jsep.Section { s[4].MID = cam; return s },
	} {
		other := answer(offered, 1, peer.SendRecv)
		other.Sections = change(other.Sections)
		wantError(t, e.SetRemote(jsep.Offer, other), peer.ErrSections)
	}
}

// Who answers may change from one provisional answer to the next, and at no other time (RFC 8829 §5.10, §5.11).
func TestWhoAnswers(t *testing.T) {
	e := caller(t, peer.NewPool(peer.Resources{}), false)
	e.answered(jsep.Pranswer, 1, peer.SendRecv)
	e.must(e.SetICE(peer.ICECompleted))
	again := answer(e.Local(), 1, peer.SendRecv)
	again.Fingerprint = dtls.Fingerprint{9}
	wantError(t, e.SetRemote(jsep.Pranswer, again), peer.ErrFingerprint)
	e.answered(jsep.Pranswer, 2, peer.SendRecv)
	e.wantState(peer.Active, jsep.HaveRemotePranswer, peer.ICEChecking)
	e.must(e.SetICE(peer.ICEConnected))
	e.answered(jsep.Answer, 2, peer.SendRecv)
	e.wantState(peer.Active, jsep.Stable, peer.ICEConnected)
	e.offer()
	wantError(t, e.SetRemote(jsep.Answer, answer(e.Local(), 1, peer.SendRecv)), peer.ErrRestart)
	e.answered(jsep.Answer, 2, peer.SendRecv)
}
