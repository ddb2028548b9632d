package runner_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
)

// recordOf runs the first run of a scenario file.
func recordOf(t *testing.T, file string, o runner.Options, set ...string) *record.Record {
	t.Helper()
	r, err := runner.Run(t.Context(), load(t, file, set...)[0], o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sumOf is the sum of a series, 0 if there is none.
func sumOf(r *record.Record, entity, metric string) float64 {
	n := 0.0
	if s := r.Find(entity, metric); s != nil {
		for _, v := range s.Values {
			if !math.IsNaN(v) {
				n += v
			}
		}
	}
	return n
}

// What a participant's spectrum shows are the tones of the others, as loud as they were spoken; and that somebody listens
// changes no packet.
func TestSpectraShowWhatIsHeard(t *testing.T) {
	t.Parallel()
	r := recordOf(t, mixing, runner.Options{}, "expect=[]", "duration=10s")
	if len(r.Spectra) != len(hums) {
		t.Fatalf("%d spectra, want one of each participant", len(r.Spectra))
	}
	for _, s := range r.Spectra {
		_, listener, _ := strings.Cut(s.Entity, ">")
		for name, hertz := range hums {
			level := s.Levels[int(math.Round(hertz/s.Step))]
			switch {
			case name == listener && level > -60:
				t.Errorf("%s hears itself at %v dBov", listener, level)
			case name != listener && (level < -26.5 || level > -25.5):
				t.Errorf("%s hears %s at %v dBov, want -26", listener, name, level)
			}
		}
	}
	config, err := runner.Config(load(t, mixing, "expect=[]", "duration=10s")[0].Scenario)
	if err != nil {
		t.Fatal(err)
	}
	sim, err := topologies.Build(config)
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	if err := sim.Run(t.Context(), simtime.At(10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := sim.Fabric.Digest(); got != r.Manifest.Digest {
		t.Errorf("with listeners the digest is %s, without %s", r.Manifest.Digest, got)
	}
}

// clearRTCP counts the messages of RTCP that each address sends in the clear, as pion reads them.
type clearRTCP struct {
	fabric.Observer
	sent map[string]map[string]int
}

func (c *clearRTCP) PacketSent(_ simtime.Time, p *packet.Packet) {
	if !packet.IsRTCP(p.Payload) {
		return
	}
	count := c.sent[p.Src.IP.String()]
	if count == nil {
		count = map[string]int{}
		c.sent[p.Src.IP.String()] = count
	}
	messages, err := rtcp.Unmarshal(p.Payload)
	if err != nil {
		panic(err)
	}
	for _, m := range messages {
		switch m.(type) {
		case *rtcp.SenderReport:
			count["SR"]++
		case *rtcp.ReceiverReport:
			count["RR"]++
		case *rtcp.SourceDescription:
			count["SDES"]++
		case *rtcp.CCFeedbackReport:
			count["CCFB"]++
		case *rtcp.PictureLossIndication:
			count["PLI"]++
		case *rtcp.TransportLayerNack:
			count["NACK"]++
		default:
			count["other"]++
		}
	}
}

// The series of messages hold what is on the wire.
func TestMessagesOnTheWireAreCounted(t *testing.T) {
	t.Parallel()
	const file = "../quickstart.yaml"
	seen := &clearRTCP{Observer: fabric.Nobody, sent: map[string]map[string]int{}}
	r := recordOf(t, file, runner.Options{Observer: seen}, "expect=[]", "protection=none", "network.links.bottleneck.loss=2%")
	for _, e := range r.Manifest.Topology.Endpoints {
		sent := seen.sent[e.Addr]
		if sent["SR"]+sent["RR"] == 0 || sent["SDES"] == 0 {
			t.Errorf("%s has sent %v", e.Name, sent)
		}
		for kind, n := range sent {
			if got := sumOf(r, e.Name, record.RTCPPrefix+kind); int(got) != n {
				t.Errorf("%v messages %s of %s are recorded, %d were sent", got, kind, e.Name, n)
			}
		}
	}
}

// What is counted doesn't depend on whether the messages are encrypted.
func TestEncryptedMessagesAreCountedAlike(t *testing.T) {
	t.Parallel()
	full, plain := recordOf(t, "../quickstart.yaml", runner.Options{}), recordOf(t, "../quickstart.yaml", runner.Options{}, "protection=size-only")
	n := 0
	for _, s := range full.Series {
		if strings.HasPrefix(s.Metric, record.RTCPPrefix) {
			n++
			if got, want := sumOf(full, s.Entity, s.Metric), sumOf(plain, s.Entity, s.Metric); got != want {
				t.Errorf("%v messages %s of %s with SRTP, %v without", got, s.Metric, s.Entity, want)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d series of messages", n)
	}
}

// Drops by cause are all the drops that there are.
func TestCausesAddUp(t *testing.T) {
	t.Parallel()
	r := recordOf(t, "../quickstart.yaml", runner.Options{}, "expect=[]", "network.links.bottleneck.loss=2%", "congestion.controller=never-back-off")
	const link = "bottleneck/forward"
	lost, full := sumOf(r, link, record.DropsPrefix+"random-loss"), sumOf(r, link, record.DropsPrefix+"queue-full")
	if all := sumOf(r, link, record.Drops); lost == 0 || full == 0 || lost+full != all {
		t.Errorf("%v lost and %v refused, of %v drops", lost, full, all)
	}
}

// A jitter buffer's delay is what lies between a packet's arrival and its sound, where all packets are equally fast.
func TestBufferDelayIsBetweenArrivalAndSound(t *testing.T) {
	t.Parallel()
	r := recordOf(t, "../quickstart.yaml", runner.Options{}, "expect=[]", "media=[{from: S1, kind: audio}]")
	const stream = "S1/audio"
	mean := func(metric string) float64 {
		v := r.Find(stream, metric).Values
		sum, n := 0.0, 0.0
		for _, x := range v[len(v)/2:] {
			if !math.IsNaN(x) {
				sum, n = sum+x, n+1
			}
		}
		return sum / n
	}
	if got, want := mean(record.BufferDelay), mean(record.FrameDelay)-mean(record.OneWayDelay); math.Abs(got-want) > 2 {
		t.Errorf("the buffer adds %.1f ms, want %.1f", got, want)
	}
	if got, aim := mean(record.BufferDelay), mean(record.BufferTarget); math.Abs(got-aim) > 5 {
		t.Errorf("the buffer adds %.1f ms, and aims at %.1f", got, aim)
	}
}
