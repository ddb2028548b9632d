package runner_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/packetdump"
	"github.com/pion/interceptor/pkg/stats"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/fabric"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/topologies"
	"rtpfabric/topologies/pion"
)

// What the tests' own interceptors have seen, of the run that is under way.
var (
	seenStats sync.Map // recorders of pion's statistics by session
	seenLines counter
	// Transport-wide numbers of what is sent: how often each has been seen.
	seenNumbers sync.Map
)

func init() {
	pion.Register(topologies.InterceptorKind{Name: "test-nothing", Several: true}, func(map[string]string) (interceptor.Factory, error) {
		return nothing{}, nil
	})
	pion.Register(topologies.InterceptorKind{Name: "test-stats"}, func(map[string]string) (interceptor.Factory, error) {
		began := time.Now() //nolint:forbidigo // that of the bubble, where endpoints' clocks begin
		f, err := stats.NewInterceptor(stats.SetNowFunc(func() time.Time {
			return time.Unix(simtime.Epoch, 0).Add(time.Since(began)) //nolint:forbidigo // that of the bubble
		}))
		if err != nil {
			return nil, err
		}
		f.OnNewPeerConnection(func(id string, g stats.Getter) { seenStats.Store(id, g) })
		return f, nil
	})
	pion.Register(topologies.InterceptorKind{Name: "test-tenth"}, func(map[string]string) (interceptor.Factory, error) { return tenth{}, nil })
	pion.Register(topologies.InterceptorKind{Name: "test-twice"}, func(map[string]string) (interceptor.Factory, error) { return twice{}, nil })
	pion.Register(topologies.InterceptorKind{Name: "test-deaf"}, func(map[string]string) (interceptor.Factory, error) { return deaf{}, nil })
	pion.Register(topologies.InterceptorKind{Name: "test-slow"}, func(map[string]string) (interceptor.Factory, error) { return slow{}, nil })
	pion.Register(topologies.InterceptorKind{Name: "test-numbers"}, func(map[string]string) (interceptor.Factory, error) {
		return &numbers{seen: &seenNumbers}, nil
	})
	pion.Register(topologies.InterceptorKind{Name: "test-dump"}, func(map[string]string) (interceptor.Factory, error) {
		line := func(*rtp.Packet, interceptor.Attributes) ([]byte, error) { return []byte("\n"), nil }
		return packetdump.NewSenderInterceptor(packetdump.RTPBinaryFormatter(line), packetdump.RTPWriter(&seenLines), packetdump.RTCPWriter(io.Discard))
	})
}

type nothing struct{}

func (nothing) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &interceptor.NoOp{}, nil
}

// tenth makes interceptors that keep every tenth packet of RTP to themselves.
type tenth struct{ interceptor.NoOp }

func (tenth) NewInterceptor(string) (interceptor.Interceptor, error) { return &tenth{}, nil }

func (*tenth) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if h.SequenceNumber%10 == 0 {
			return len(payload), nil
		}
		return w.Write(h, payload, a)
	})
}

// twice makes interceptors that send every packet again after 100 ms, from a goroutine of its own.
type twice struct{ interceptor.NoOp }

func (twice) NewInterceptor(string) (interceptor.Interceptor, error) { return &twice{}, nil }

func (*twice) BindLocalStream(_ *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		again := h.Clone()
		time.AfterFunc(100*time.Millisecond, func() { _, _ = w.Write(&again, payload, nil) }) //nolint:forbidigo // the bubble's
		return w.Write(h, payload, a)
	})
}

// deaf makes interceptors that let no RTCP in.
type deaf struct{ interceptor.NoOp }

func (deaf) NewInterceptor(string) (interceptor.Interceptor, error) { return &deaf{}, nil }

func (*deaf) BindRTCPReader(r interceptor.RTCPReader) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		_, _, _ = r.Read(b, a)
		return 0, nil, io.EOF
	})
}

// numbers makes interceptors that look at transport-wide numbers.
type numbers struct {
	interceptor.NoOp
	seen *sync.Map
}

func (n *numbers) NewInterceptor(string) (interceptor.Interceptor, error) { return n, nil }

func (n *numbers) BindLocalStream(info *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	at := slices.IndexFunc(info.RTPHeaderExtensions, func(e interceptor.RTPHeaderExtension) bool { return strings.Contains(e.URI, "transport-wide") })
	id := uint8(info.RTPHeaderExtensions[at].ID)
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		var e rtp.TransportCCExtension
		if e.Unmarshal(h.GetExtension(id)) == nil {
			times, _ := n.seen.LoadOrStore(e.TransportSequence, new(atomic.Int32))
			times.(*atomic.Int32).Add(1)
		}
		return w.Write(h, payload, a)
	})
}

// slow makes interceptors that let reports say that they have waited for 10 ms longer.
type slow struct{ interceptor.NoOp }

func (slow) NewInterceptor(string) (interceptor.Interceptor, error) { return &slow{}, nil }

func (*slow) BindRTCPWriter(w interceptor.RTCPWriter) interceptor.RTCPWriter {
	return interceptor.RTCPWriterFunc(func(packets []rtcp.Packet, a interceptor.Attributes) (int, error) {
		for _, p := range packets {
			var reports []rtcp.ReceptionReport
			switch p := p.(type) {
			case *rtcp.SenderReport:
				reports = p.Reports
			case *rtcp.ReceiverReport:
				reports = p.Reports
			}
			for i := range reports {
				reports[i].Delay += 655 // of 1/65536 s
			}
		}
		return w.Write(packets, a)
	})
}

// counter counts lines.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += strings.Count(string(b), "\n")
	return len(b), nil
}

const interceptedCall = `
title: A call
duration: 20s
network:
  links:
    path: {between: [A, B], delay: 20ms, loss: %s, rate: 2Mbps}
endpoints:
  A: {at: A, interceptors: [%s]}
  B: {at: B, interceptors: [%s]}
topology: {peers: [A, B]}
media:
  - {from: A, kind: video, encoder: {max: 800kbps}, dscp: 34}
  - {from: B, kind: video, encoder: {max: 800kbps}}
  - {from: A, kind: audio, rate: 32kbps, dscp: 46}
congestion: {controller: %s, feedback: %s}
repair: {nack: true, rtx: true, refresh: pli, decoder: true}
playout: {delay: 300ms}
`

func intercepted(t *testing.T, loss, a, b, controller, feedback string) *scenarios.Scenario {
	t.Helper()
	return loadText(t, fmt.Sprintf(interceptedCall, loss, a, b, controller, feedback))
}

func runIntercepted(t *testing.T, loss, a, b, controller, feedback string) *record.Record {
	t.Helper()
	return run(t, &scenarios.Run{Name: "default", Scenario: intercepted(t, loss, a, b, controller, feedback)})
}

// An interceptor that does nothing changes nothing, to the last bit.
func TestInterceptorsThatDoNothing(t *testing.T) {
	t.Parallel()
	for _, feedback := range few(1, "twcc", "rfc8888") {
		plain := runIntercepted(t, "1%", "", "", "gcc", feedback)
		through := runIntercepted(t, "1%", "{type: test-nothing}", "{type: test-nothing}, {type: test-nothing}", "gcc", feedback)
		if plain.Manifest.Digest != through.Manifest.Digest {
			t.Errorf("with %s the digest is %s, without interceptors %s", feedback, through.Manifest.Digest, plain.Manifest.Digest)
		}
	}
}

// They may keep packets, send others, whenever they like, and keep them from coming in.
func TestInterceptorsMayDoAsTheyLike(t *testing.T) {
	t.Parallel()
	plain := runIntercepted(t, "0%", "", "", "fixed", "rfc8888")
	sent := value(plain, "path/forward", "packets-arrived")

	kept := runIntercepted(t, "0%", "{type: test-tenth}", "", "fixed", "none")
	if asked, media := value(kept, "B", "packets-requested"), value(kept, "A/video", "packets-sent"); asked < 0.08*media || asked > 0.2*media {
		t.Errorf("of %v packets of which a tenth is missing %v are asked for", media, asked)
	}
	again := runIntercepted(t, "0%", "{type: test-twice}", "", "fixed", "rfc8888")
	if n := value(again, "path/forward", "packets-arrived"); n < 1.7*sent || n > 2.05*sent {
		t.Errorf("%v packets come to the link if media go twice, %v if they don't", n, sent)
	}
	if shown, before := value(again, "A/video", "frames-rendered"), value(plain, "A/video", "frames-rendered"); shown < before-1 {
		t.Errorf("%v frames were shown, and %v without copies", shown, before)
	}
	left := intercepted(t, "0%", "{type: receiver-reports, options: {interval: 100ms}}, {type: sender-reports, options: {interval: 1m}}", "", "fixed", "none")
	left.Endpoints[0].Leaves = new(10 * time.Second)
	rec := run(t, &scenarios.Run{Name: "default", Scenario: left})
	if n := value(rec, "A", "rtcp-packets"); n < 90 || n > 110 {
		t.Errorf("A sent %v packets of RTCP in 10 s, and then left; want 100", n)
	}
	deaf := runIntercepted(t, "0%", "{type: test-deaf}", "", "fixed", "rfc8888")
	if rtt := value(deaf, "A-B", "rtt"); rtt != 0 {
		t.Errorf("A has heard no reports, and found a round-trip time of %v ms", rtt)
	}
	late := runIntercepted(t, "0%", "", "{type: test-slow}", "fixed", "rfc8888")
	if rtt, before := value(late, "A-B", "rtt"), value(plain, "A-B", "rtt"); math.Abs(before-rtt-10) > 1 {
		t.Errorf("the round-trip time is %v ms if the peer says that it has waited 10 ms longer, and %v ms otherwise", rtt, before)
	}
}

// Whatever pion does instead of an endpoint of ours, the call goes on: pictures are shown, what is lost comes again,
// and nobody gets what he can't make sense of.
func TestInterceptorsInCalls(t *testing.T) {
	t.Parallel()
	const receiver = "{type: receiver-reports}, {type: sender-reports}, {type: nack-generator}"
	for _, c := range []struct{ name, a, b, controller, feedback string }{
		{"gcc", "{type: gcc}", "{type: gcc}", "fixed", "twcc"},
		{"gcc by RFC 8888", "{type: gcc}", "", "fixed", "rfc8888"},
		{"gcc without its pacer", "{type: gcc, options: {pacer: none}}", "", "fixed", "twcc"},
		{"twcc for pion's gcc", "{type: gcc}", "{type: twcc}", "fixed", "twcc"},
		{"twcc for ours", "", "{type: twcc, options: {interval: 50ms}}", "gcc", "twcc"},
		{"RFC 8888 for ours", "", "{type: rfc8888}", "gcc", "rfc8888"},
		{"RFC 8888 for NADA", "", "{type: rfc8888}", "nada", "rfc8888"},
		{"requests", "", "{type: nack-generator}", "gcc", "rfc8888"},
		{"retransmissions", "{type: nack-responder}", "", "gcc", "rfc8888"},
		{"both", "{type: nack-responder}", "{type: nack-generator, options: {size: 64, skip: 2}}", "gcc", "rfc8888"},
		{"reports", "{type: sender-reports}, {type: receiver-reports}", "{type: sender-reports}, {type: receiver-reports}", "gcc", "rfc8888"},
		{"pacing", "{type: pacing}", "", "fixed", "rfc8888"},
		{"pacing of pion's gcc", "{type: gcc, options: {pacer: none}}, {type: pacing}", "", "fixed", "twcc"},
		{"FEC by pion's gcc", "{type: gcc}, {type: twcc-numbers}, {type: nack-responder}, {type: flexfec}", "", "fixed", "twcc"},
		{"key frames", "", "{type: pli, options: {interval: 2s}}", "gcc", "rfc8888"},
		{"FEC that nobody reads", "{type: flexfec}", "", "gcc", "rfc8888"},
		{"as pion's own registry has them", "{type: gcc}, {type: twcc-numbers}, {type: nack-responder}, " + receiver + ", {type: twcc}", "{type: gcc}, {type: twcc-numbers}, {type: nack-responder}, " + receiver + ", {type: twcc}", "fixed", "twcc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rec := runIntercepted(t, "1%", c.a, c.b, c.controller, c.feedback)
			for _, flow := range []string{"A/video", "B/video", "A/audio"} {
				encoded, rendered := value(rec, flow, "frames-encoded"), value(rec, flow, "frames-rendered")
				if encoded < 500 || rendered < 0.9*encoded {
					t.Errorf("of %v frames of %s %v were shown", encoded, flow, rendered)
				}
			}
			video := "A/video"
			lost, restored := value(rec, video, "packets-lost"), value(rec, video, "packets-restored")
			if lost < 3 || restored < 0.7*lost {
				t.Errorf("of %v packets of %s that were lost %v came again", lost, video, restored)
			}
			for _, who := range []string{"A", "B"} {
				if n := value(rec, who, "rtcp-packets"); n < 12 {
					t.Errorf("%s sent %v packets of RTCP", who, n)
				}
				for _, bad := range []string{"rejected-not-authentic", "rejected-malformed"} {
					if n := value(rec, who, bad); n != 0 {
						t.Errorf("%s: %v %s", who, n, bad)
					}
				}
			}
			if rtt := value(rec, "A-B", "rtt"); rtt < 40 || rtt > 100 {
				t.Errorf("A has found a round-trip time of %v ms, want 40 ms and a queue's", rtt)
			}
		})
	}
}

// What is sent again by the session has numbers beside those of media, which an interceptor gives.
func TestInterceptorsNumberEverything(t *testing.T) {
	seenNumbers.Clear()
	rec := runIntercepted(t, "2%", "{type: test-numbers}, {type: gcc}, {type: twcc-numbers}", "", "fixed", "twcc")
	n, again := 0, 0
	seenNumbers.Range(func(_, times any) bool {
		n++
		if times.(*atomic.Int32).Load() > 1 {
			again++
		}
		return true
	})
	media := value(rec, "A/video", "packets-sent") + value(rec, "A/audio", "packets-sent")
	resent := value(rec, "A", "packets-retransmitted")
	if float64(n) != media+resent || again > 0 || resent == 0 {
		t.Errorf("%d numbers for %v packets of media and %v that were sent again; %d of them came twice", n, media, resent, again)
	}
}

// lastWord remembers the last packet that a host has sent.
type lastWord struct {
	fabric.Observer
	of   packet.IPv4
	at   simtime.Time
	rtcp bool
}

func (l *lastWord) PacketSent(now simtime.Time, p *packet.Packet) {
	if p.Origin == l.of {
		l.at, l.rtcp = now, packet.IsRTCP(p.Payload)
	}
}

// When an end has said BYE, nothing of it follows that has waited in an interceptor; and when a stream has, nobody reports
// on it any more, asks for its packets, or for key frames.
func TestInterceptorsLetStreamsGo(t *testing.T) {
	t.Parallel()
	for _, chain := range []string{"{type: gcc}", "{type: gcc, options: {pacer: none}}, {type: pacing, options: {percent: 100}}"} {
		for _, ms := range few(1, 0, 1, 2, 3, 4) {
			s := intercepted(t, "0%", chain, "", "fixed", "twcc")
			s.Duration = 12 * time.Second
			s.Endpoints[0].Leaves = new(10*time.Second + time.Duration(7*ms)*time.Millisecond)
			last := &lastWord{Observer: fabric.Nobody, of: 10<<24 + 1}
			if _, err := runner.Run(context.Background(), &scenarios.Run{Name: "default", Scenario: s}, runner.Options{Observer: last}); err != nil {
				t.Fatal(err)
			}
			if !last.rtcp || last.at < simtime.At(10*time.Second) || last.at > simtime.At(11*time.Second) {
				t.Errorf("%s: the last packet of who leaves at %v is sent at %v; RTCP: %v", chain, *s.Endpoints[0].Leaves, last.at, last.rtcp)
			}
		}
	}

	s := intercepted(t, "0%", "", "{type: receiver-reports, options: {interval: 500ms}}, {type: sender-reports, options: {interval: 1m}}", "fixed", "none")
	s.Media[0].Stop = &scenarios.Moment{From: 10 * time.Second, To: 10 * time.Second}
	rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
	if n := value(rec, "B", "rtcp-packets"); n < 57 || n > 66 {
		t.Errorf("B sent %v packets of RTCP in 20 s about two streams of which one ends after 10 s, want 60", n)
	}
	s = intercepted(t, "0%", "", "{type: pli, options: {interval: 1s}}", "fixed", "none")
	s.Media[0].Stop = &scenarios.Moment{From: 10 * time.Second, To: 10 * time.Second}
	rec = run(t, &scenarios.Run{Name: "default", Scenario: s})
	if n := value(rec, "B", "refreshes-requested"); n < 8 || n > 12 {
		t.Errorf("B asked for %v key frames, one a second, of a video that ends after 10 s", n)
	}
}

// Each of them does what it is there for.
func TestInterceptorsDoTheirWork(t *testing.T) {
	t.Parallel()
	plain := runIntercepted(t, "1%", "", "", "gcc", "rfc8888")

	pli := runIntercepted(t, "1%", "", "{type: pli, options: {interval: 2s}}", "gcc", "rfc8888")
	if had, has := value(plain, "B", "refreshes-requested"), value(pli, "B", "refreshes-requested"); has < had+8 {
		t.Errorf("%v key frames were asked for, %v without the interceptor; want one every 2 s", has, had)
	}

	// Two packets that protect five.
	bare := runIntercepted(t, "0%", "", "", "fixed", "rfc8888")
	fec := runIntercepted(t, "0%", "{type: flexfec, options: {media: 5, repair: 2}}", "", "fixed", "rfc8888")
	media := value(fec, "A/video", "packets-sent") + value(fec, "A/audio", "packets-sent")
	more := value(fec, "path/forward", "packets-arrived") - value(bare, "path/forward", "packets-arrived")
	if share := more / media; share < 0.35 || share > 0.45 {
		t.Errorf("beside %v packets of media there are %v others; want 40 %%", media, more)
	}

	through := runIntercepted(t, "0%", "{type: gcc}, {type: flexfec, options: {media: 5, repair: 2}}", "", "fixed", "rfc8888")
	media = value(through, "A/video", "packets-sent") + value(through, "A/audio", "packets-sent")
	if all := value(through, "path/forward", "packets-arrived"); all < 1.35*media {
		t.Errorf("through gcc's pacer there are %v packets with FEC for %v of media", all, media)
	}

	// A generator that asks every 20 ms asks more often than one that asks every 200 ms.
	eager := runIntercepted(t, "2%", "", "{type: nack-generator, options: {interval: 20ms}}", "fixed", "rfc8888")
	lazy := runIntercepted(t, "2%", "", "{type: nack-generator, options: {interval: 200ms}}", "fixed", "rfc8888")
	if e, l := value(eager, "B", "packets-requested"), value(lazy, "B", "packets-requested"); e < 3*l || l == 0 {
		t.Errorf("%v packets were asked for every 20 ms, %v every 200 ms", e, l)
	}

	// Reports on two streams every 500 ms, and none of ours beside them.
	reports := runIntercepted(t, "0%", "", "{type: receiver-reports, options: {interval: 500ms}}, {type: sender-reports, options: {interval: 1m}}", "fixed", "none")
	if n := value(reports, "B", "rtcp-packets"); n < 76 || n > 90 {
		t.Errorf("B sent %v packets of RTCP in 20 s, want 80", n)
	}
}

// pion's gcc in a session of ours, with everything else as it is, finds about the rate that it finds in pion's stack.
func TestGCCInSessionsOfOurs(t *testing.T) {
	long(t)
	t.Parallel()
	rate := func(set ...string) float64 {
		sum := 0.0
		for seed := 1; seed <= 3; seed++ {
			rec := run(t, load(t, guests+"gcc-5.1.yaml", append(set, fmt.Sprintf("seed=%d", seed))...)[0])
			sum += value(rec, "S1/video", "receive-rate") / 3
		}
		return sum
	}
	inside := rate("endpoints.S1.interceptors=[{type: gcc}]", "endpoints.S1.stack=rtpfabric")
	whole := rate("endpoints.S1.stack=pion")
	if inside < 0.85*whole || inside > 1.15*whole {
		t.Errorf("pion's gcc sends %v bit/s of video from a session of ours, and %v from pion's stack", inside, whole)
	}
}

// pion's statistics and its packet dump, which see every packet, count what the record counts.
func TestStatisticsOfInterceptors(t *testing.T) {
	seenStats.Clear()
	seenLines = counter{}
	s := intercepted(t, "1%", "{type: test-stats}, {type: test-dump}", "{type: test-stats}", "fixed", "rfc8888")
	rec := run(t, &scenarios.Run{Name: "default", Scenario: s})
	ssrc := rec.Manifest.Topology.Flows[slices.IndexFunc(rec.Manifest.Topology.Flows, func(f record.Flow) bool { return f.Name == "A/video" })].SSRC
	get := func(session string) *stats.Stats {
		g, ok := seenStats.Load(session)
		if !ok {
			t.Fatalf("there are no statistics of %s", session)
		}
		return g.(stats.Getter).Get(ssrc)
	}
	out, in := get("A/B/"), get("B/A/")
	sent, lost := value(rec, "A/video", "packets-sent"), value(rec, "A/video", "packets-lost")
	if got := float64(out.OutboundRTPStreamStats.PacketsSent); got < sent-1 || got > sent {
		t.Errorf("pion counts %v packets that were sent, the record %v", got, sent)
	}
	if got := float64(in.InboundRTPStreamStats.PacketsReceived); got < sent-lost-6 || got > sent-lost { // the first one isn't counted, the last ones are under way
		t.Errorf("pion counts %v packets that came, the record %v", got, sent-lost)
	}
	if got := float64(in.InboundRTPStreamStats.PacketsLost); got < lost-3 || got > lost+3 {
		t.Errorf("pion counts %v packets as lost, the record %v", got, lost)
	}
	if rtt := out.RemoteInboundRTPStreamStats.RoundTripTime; rtt < 40*time.Millisecond || rtt > 100*time.Millisecond {
		t.Errorf("pion finds a round-trip time of %v, want 40 ms and a queue's", rtt)
	}
	if audio := value(rec, "A/audio", "packets-sent"); float64(seenLines.n) != sent+audio+value(rec, "A", "packets-retransmitted") {
		t.Errorf("pion's dump has %d lines for %v packets of media and those that were sent again", seenLines.n, sent+audio)
	}
}

// ownOfPion are the interceptors that a pion stack has by itself.
const ownOfPion = "{type: gcc}, {type: twcc-numbers}, {type: nack-responder}, {type: nack-generator}, {type: receiver-reports}, {type: sender-reports}, {type: twcc}"

// withInterceptors runs the call with a pion stack that has these.
func withInterceptors(t *testing.T, interceptors string) *record.Record {
	t.Helper()
	return run(t, load(t, guests+"pion-call.yaml", "endpoints.B.congestion.controller=gcc", "endpoints.B.interceptors=["+interceptors+"]", "expect=[]")[0])
}

// A pion stack whose interceptors are named one by one does what it does by itself if they are its own.
func TestInterceptorsThatPionHas(t *testing.T) {
	long(t) // the race detector shuffles goroutines, and so pion's digests
	steady(t)
	plain, named := withInterceptors(t, ""), withInterceptors(t, ownOfPion)
	if plain.Manifest.Digest != named.Manifest.Digest {
		t.Errorf("the digest is %s with pion's own interceptors named, and %s without", named.Manifest.Digest, plain.Manifest.Digest)
	}
}

// It does something else if they aren't.
func TestInterceptorsOfPionsStack(t *testing.T) {
	t.Parallel()
	plain := withInterceptors(t, "")
	bounded := withInterceptors(t, strings.Replace(ownOfPion, "{type: gcc}", "{type: gcc, options: {max: 200kbps, min: 160kbps, initial: 160kbps}}", 1))
	if before, rate := value(plain, "B/video", "goodput"), value(bounded, "B/video", "goodput"); rate > 210e3 || rate < 150e3 || before < 300e3 {
		t.Errorf("B's video has %v bit/s, and %v with a gcc of 160 to 200 kbit/s", before, rate)
	}
	if testing.Short() {
		return
	}
	paced := run(t, load(t, guests+"pion-call.yaml", "endpoints.B.interceptors=[{type: twcc-numbers}, {type: nack-responder}, {type: pacing}]", "media.1.encoder.start=150kbps", "expect=[]")[0])
	if shown, made := value(paced, "B/video", "frames-rendered"), value(paced, "B/video", "frames-encoded"); shown < 0.9*made {
		t.Errorf("%v of %v frames of B are shown if pion's pacer follows the rate", shown, made)
	}
	eager := withInterceptors(t, strings.Replace(ownOfPion, "{type: nack-generator}", "{type: nack-generator, options: {interval: 20ms}}", 1))
	if usual, often := value(plain, "B", "rtcp-packets"), value(eager, "B", "rtcp-packets"); often < 1.5*usual {
		t.Errorf("B sends %v packets of RTCP, and %v if it asks five times as often", usual, often)
	}
}
