package jsep_test

import (
	"testing"

	"rtpfabric/endpoints/jsep"
)

// The table of RFC 8829 §5.5 to §5.7: which description takes a state where. What isn't in it is refused.
func TestStates(t *testing.T) {
	type step struct {
		side jsep.Side
		t    jsep.Type
	}
	takes := map[jsep.State]map[step]jsep.State{
		jsep.Stable: {
			{jsep.Local, jsep.Offer}: jsep.HaveLocalOffer, {jsep.Remote, jsep.Offer}: jsep.HaveRemoteOffer,
		},
		jsep.HaveLocalOffer: {
			{jsep.Local, jsep.Offer}: jsep.HaveLocalOffer, {jsep.Remote, jsep.Pranswer}: jsep.HaveRemotePranswer,
			{jsep.Remote, jsep.Answer}: jsep.Stable, {jsep.Local, jsep.Rollback}: jsep.Stable, {jsep.Remote, jsep.Rollback}: jsep.Stable,
		},
		jsep.HaveRemoteOffer: {
			{jsep.Remote, jsep.Offer}: jsep.HaveRemoteOffer, {jsep.Local, jsep.Pranswer}: jsep.HaveLocalPranswer,
			{jsep.Local, jsep.Answer}: jsep.Stable, {jsep.Local, jsep.Rollback}: jsep.Stable, {jsep.Remote, jsep.Rollback}: jsep.Stable,
		},
		jsep.HaveLocalPranswer: {
			{jsep.Local, jsep.Pranswer}: jsep.HaveLocalPranswer, {jsep.Local, jsep.Answer}: jsep.Stable,
			{jsep.Local, jsep.Rollback}: jsep.Stable, {jsep.Remote, jsep.Rollback}: jsep.Stable,
		},
		jsep.HaveRemotePranswer: {
			{jsep.Remote, jsep.Pranswer}: jsep.HaveRemotePranswer, {jsep.Remote, jsep.Answer}: jsep.Stable,
			{jsep.Local, jsep.Rollback}: jsep.Stable, {jsep.Remote, jsep.Rollback}: jsep.Stable,
		},
		jsep.Closed: {},
	}
	for from, steps := range takes {
		for _, side := range []jsep.Side{jsep.Local, jsep.Remote} {
			for _, kind := range []jsep.Type{jsep.Offer, jsep.Pranswer, jsep.Answer, jsep.Rollback} {
				want, ok := steps[step{side, kind}]
				got, err := from.Next(side, kind)
				switch {
				case ok && (err != nil || got != want):
					t.Errorf("a %v %v takes %v to %v, %v; not to %v", side, kind, from, got, err, want)
				case !ok && (err == nil || got != from):
					t.Errorf("a %v %v takes %v to %v, %v; it is to be refused", side, kind, from, got, err)
				}
			}
		}
	}
}
