package scenarios

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const unlike = `
title: Two controllers
duration: 10s
network: {links: {l: {between: [A, B], rate: 1Mbps}}}
endpoints:
  S1: {at: A}
  S2: {at: A, congestion: {controller: remb, feedback: remb, parameters: {gain: 1}}}
  S3: {at: A, congestion: {controller: {exec: [my.py], protocol: alphartc}, feedback: twcc}}
  S4: {at: A, congestion: {parameters: {kappa: 0.9}, offers: []}}
  R: {at: B}
topology: {pairs: [[S1, R], [S2, R], [S3, R], [S4, R]]}
media:
  - {from: S1, kind: video}
  - {from: S2, kind: video, name: "v2"}
  - {from: S3, kind: video, name: "v3"}
  - {from: S4, kind: video, name: "v4"}
congestion: {controller: nada, interval: 30ms, parameters: {kappa: 0.5, mode: fast, remb.gain: 2, remb.switch: true}}
expect: [{metric: utilization, link: l/forward, min: 50%}]
expected-fail:
  - {controllers: [nada], against: [fixed], because: nobody has fixed}
  - {controllers: [nada], against: [fixed, remb], because: S2 has remb}
  - {controllers: [nada], because: of everybody}
`

func parseUnlike(t *testing.T, opt Options) *File {
	t.Helper()
	opt.Catalogue = catalogue{}
	f, err := Parse("unlike.yaml", []byte(unlike), opt)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What an endpoint leaves out is the scenario's, but for parameters of another controller
// and for how often estimates are wanted.
func TestCongestionOfEndpoints(t *testing.T) {
	f := parseUnlike(t, Options{})
	sameWhenResolved(t, f)
	s := f.Runs[0].Scenario
	ms := func(n time.Duration) FeedbackInterval { return FeedbackInterval{"time", n * time.Millisecond} }
	for endpoint, want := range map[string]struct {
		controller, feedback string
		interval             FeedbackInterval
		settings             map[string]string
	}{
		"S1": {"nada", "rfc8888", ms(30), map[string]string{"kappa": "0.5", "mode": "fast"}},
		"S2": {"remb", "remb", ms(1000), map[string]string{"gain": "1", "switch": "true"}},
		"S3": {"exec my.py", "twcc", ms(30), map[string]string{}},
		"S4": {"nada", "rfc8888", ms(30), map[string]string{"kappa": "0.9", "mode": "fast"}},
		"R":  {"nada", "rfc8888", ms(30), map[string]string{"kappa": "0.5", "mode": "fast"}},
	} {
		g := s.CongestionOf(endpoint)
		if g.Controller != want.controller || g.Feedback != want.feedback || g.Interval != want.interval {
			t.Errorf("%s has %s, %s %v, want %+v", endpoint, g.Controller, g.Feedback, g.Interval, want)
		}
		if got := g.Settings(); !maps.Equal(got, want.settings) {
			t.Errorf("%s has the settings %v, want %v", endpoint, got, want.settings)
		}
		if external := g.External != nil; external != (endpoint == "S3") {
			t.Errorf("%s is a program: %v", endpoint, external)
		}
	}
	if offers := s.Endpoint("S4").Congestion.Offers; offers == nil || len(offers) > 0 {
		t.Errorf("S4 offers %q, want nothing", offers)
	}
}

// Of all entries about the scenario's controller the first counts that is about others'
// controllers, too.
func TestKnownFailureAgainst(t *testing.T) {
	for _, c := range []struct {
		set  []string
		want string
	}{
		{nil, "S2 has remb"},
		{[]string{"endpoints.S2.congestion={controller: fixed}"}, "nobody has fixed"},
		{[]string{"endpoints.S2.congestion={controller: nada}"}, "of everybody"},
		{[]string{"congestion={controller: fixed}", "endpoints.S4={at: A}"}, ""},
	} {
		opt := Options{Set: c.set}
		s := parseUnlike(t, opt).Runs[0].Scenario
		got := ""
		if k := s.KnownFailure(&s.Expect[0]); k != nil {
			got = k.Because
		}
		if got != c.want {
			t.Errorf("with %s it is %q, want %q", c.set, got, c.want)
		}
	}
}

// "all" of an endpoint are those that can work with its own feedback, or the scenario's.
func TestAllControllersOfAnEndpoint(t *testing.T) {
	const path = "endpoints.S1.congestion.controller"
	for _, c := range []struct {
		vary, set []string
		want      []string
	}{
		{[]string{path + "=all"}, nil, []string{"fixed", "nada"}},
		{[]string{path + "=all"}, []string{"endpoints.S1.congestion.feedback=none"}, []string{"fixed"}},
		{[]string{path + "=all"}, []string{"endpoints.S1.congestion.feedback=remb"}, []string{"remb"}},
		{[]string{path + "=all", "endpoints.S1.congestion.feedback=[twcc, none]"}, nil, []string{"fixed"}},
	} {
		f := parseUnlike(t, Options{Vary: c.vary, Set: c.set})
		i := slices.IndexFunc(f.Axes, func(a Axis) bool { return a.Path == path })
		if diff := cmp.Diff(c.want, f.Axes[i].Values); diff != "" {
			t.Errorf("%v %v (-want +got):\n%s", c.vary, c.set, diff)
		}
	}
}
