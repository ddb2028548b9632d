package scenarios

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/sim/units"
)

func TestResolve(t *testing.T) {
	rate := valueOf(1 * units.Mbps)
	delay := func(d time.Duration) *time.Duration { return &d }
	lossless := valueOf(units.Ratio(0))
	queue := &Queue{Type: "droptail", Length: &QueueLength{Packets: 9}}
	standard := &Queue{Type: "droptail", Length: &QueueLength{Time: 300 * time.Millisecond}}
	tests := []struct {
		name              string
		link              Link
		forward, backward Direction
	}{
		{
			"nothing said",
			Link{},
			Direction{Delay: delay(0), Loss: lossless},
			Direction{Delay: delay(0), Loss: lossless},
		},
		{
			"a rate brings a queue",
			Link{Forward: Direction{Rate: rate}},
			Direction{Rate: rate, Delay: delay(0), Loss: lossless, Queue: standard},
			Direction{Delay: delay(0), Loss: lossless},
		},
		{
			"the top level holds for both, a direction differs",
			Link{Both: Direction{Rate: rate, Delay: delay(50), Queue: queue}, Backward: Direction{Delay: delay(70), Loss: valueOf(units.Ratio(0.5))}},
			Direction{Rate: rate, Delay: delay(50), Loss: lossless, Queue: queue},
			Direction{Rate: rate, Delay: delay(70), Loss: valueOf(units.Ratio(0.5)), Queue: queue},
		},
		{
			"a queue of the top level needs a rate",
			Link{Both: Direction{Queue: queue}, Forward: Direction{Rate: rate}},
			Direction{Rate: rate, Delay: delay(0), Loss: lossless, Queue: queue},
			Direction{Delay: delay(0), Loss: lossless},
		},
		{
			"the mean of jitter is its bound",
			Link{Forward: Direction{Jitter: &Jitter{Model: "nr-bpdv", Std: 5, Bound: 3}}},
			Direction{Delay: delay(0), Loss: lossless, Jitter: &Jitter{Model: "nr-bpdv", Std: 5, Bound: 3, Mean: delay(15)}},
			Direction{Delay: delay(0), Loss: lossless},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			forward, backward := tt.link.Resolve()
			if diff := cmp.Diff([]Direction{tt.forward, tt.backward}, []Direction{forward, backward}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestScheduleResolvesLikeTheLink(t *testing.T) {
	f := parse(t, callForTests, "network.links.l={between: [A, B], forward: {rate: 1Mbps}, schedule: [{at: 1s, rate: 2Mbps, delay: 3ms, backward: {delay: 4ms}}]}")
	want := []Change{{
		At:       time.Second,
		Forward:  ChangeTo{Rate: valueOf(2 * units.Mbps), Delay: valueOf(3 * time.Millisecond)},
		Backward: ChangeTo{Delay: valueOf(4 * time.Millisecond)},
	}}
	if diff := cmp.Diff(want, f.Runs[0].Scenario.Network.Links[0].Schedule); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMediaDefaults(t *testing.T) {
	s := parse(t, callForTests).Runs[0].Scenario
	video, audio := s.Media[0], s.Media[1]
	if video.To != "R" || video.FlowName() != "S/video" || video.Stop.From != 10*time.Second || *video.Encoder.Start != 150*units.Kbps {
		t.Errorf("video is %+v", video)
	}
	if audio.To != "S" || audio.FlowName() != "R/audio" || *audio.Rate != 20*units.Kbps || *audio.Frame != 20*time.Millisecond {
		t.Errorf("audio is %+v", audio)
	}
	if sender, receiver := video.SourceNames(); sender != "S/video" || receiver != "R/video" {
		t.Errorf("sources are %s and %s", sender, receiver)
	}
	bundle := s.Sessions([]string{"S", "R"})
	if len(bundle) != 1 || bundle[0].Name != "" {
		t.Fatalf("sessions are %+v", bundle)
	}
	if got := s.SessionBandwidth(bundle[0]); got != 1520*units.Kbps {
		t.Errorf("session bandwidth is %v, want the sum of 1.5Mbps and 20kbps", got)
	}
	s.Topology.Sessions = "per-media"
	if each := s.Sessions([]string{"S", "R"}); len(each) != 2 || each[1].Name != "audio" || s.SessionBandwidth(each[1]) != 20*units.Kbps {
		t.Errorf("sessions per medium are %+v", each)
	}
	s.RTCP.Bandwidth = valueOf(units.Mbps)
	if got := s.SessionBandwidth(bundle[0]); got != units.Mbps {
		t.Errorf("session bandwidth is %v, want what the scenario says", got)
	}
}

func TestTextForms(t *testing.T) {
	for _, text := range []string{"300ms", "1.5s", "250us", "20ns", "50packets", "22500B"} {
		var l QueueLength
		if err := l.UnmarshalText([]byte(text)); err != nil || l.String() != text {
			t.Errorf("%s is read as %v (%v)", text, l, err)
		}
	}
	for _, text := range []string{"", "0s", "0", "-1ms", "2h", "0packets", "1.5packets", "packets", "0B", "300", "300 ms ms"} {
		var l QueueLength
		if err := l.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as the queue length %v", text, l)
		}
	}
	for text, want := range map[string]string{"-1500ms": "-1.5s", "-0.5ms": "-500us", "0": "0s", "1h": "3600s"} {
		var d SignedDuration
		err := d.UnmarshalText([]byte(text))
		if got, _ := d.MarshalText(); err != nil || string(got) != want {
			t.Errorf("%s is written as %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"10s", "10s..", "..10s", "10s..10s", "-1s..2s", "1..2", "1s..2s..3s"} {
		var i Interval
		if err := i.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as the interval %v", text, i)
		}
	}
}
