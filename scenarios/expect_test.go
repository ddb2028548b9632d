package scenarios

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

const callForTests = `
title: A call
duration: 10s
network: {links: {l: {between: [A, B], rate: 1Mbps, delay: 10ms}}}
endpoints: {S: {at: A}, R: {at: B}}
topology: {peers: [S, R]}
media: [{from: S, kind: video}, {from: R, kind: audio}]
traffic: {web: {type: tcp, from: A, to: B}}
`

// expecting returns the scenario for tests with expectations.
const mixerForTests = `
title: A mixer
duration: 10s
network: {links: {a: {between: [A, M]}, b: {between: [B, M]}}}
endpoints: {A: {at: A}, B: {at: B}}
topology: {type: mixer, at: M, peers: [A, B]}
media: [{from: A, kind: audio, speech: {codec: pcmu, activity: always}}]
`

func expecting(t *testing.T, expectations ...string) *Scenario {
	t.Helper()
	text := callForTests
	if strings.Contains(expectations[0], "endpoint: mixer") {
		text = mixerForTests
	}
	if strings.Contains(expectations[0], "endpoint: relay") {
		text = strings.Replace(mixerForTests, "type: mixer", "type: relay", 1) + "congestion: {feedback: none}\n"
	}
	if m, _, _ := strings.Cut(strings.TrimPrefix(expectations[0], "metric: "), ","); findMetric(m) != nil && findMetric(m).only == ofSignalling {
		text += "signalling: {at: B}\n"
	}
	if m, _, _ := strings.Cut(strings.TrimPrefix(expectations[0], "metric: "), ","); findMetric(m) != nil && findMetric(m).only == ofGathering {
		text += "signalling: {at: B}\nice: {at: B}\nsecurity: {ice: full}\n"
	}
	if strings.Contains(expectations[0], "reported-marks") || strings.Contains(expectations[0], "ecn-capable") {
		text += "congestion: {feedback: ecn}\n"
	}
	text += "expect:\n"
	for _, e := range expectations {
		text += "  - {" + e + "}\n"
	}
	f, err := Parse("test.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f.Runs[0].Scenario
}

// recordForTests has 1-second bins. Every series is at its first value before
// 5 s and at its second after, with one bin of no value; every distribution
// has the samples 10, 20, …, 100 ms in the first half and nothing later.
func recordForTests() *record.Record {
	r := &record.Record{Manifest: record.Manifest{Status: record.Complete, Duration: 10 * time.Second, Reached: 10 * time.Second}}
	series := func(entity, metric, unit string, first, second float64) {
		s := &record.Series{Entity: entity, Metric: metric, Unit: unit, Step: time.Second}
		for i := range 10 {
			v := first
			if i >= 5 {
				v = second
			}
			if i == 2 {
				v = math.NaN()
			}
			s.Values = append(s.Values, v)
		}
		r.Series = append(r.Series, s)
	}
	series("l/forward", record.Throughput, "bit/s", 0.8e6, 0.4e6)
	series("l/forward", record.Capacity, "bit/s", 1e6, 1e6)
	series("l/forward", record.Available, "bit/s", 1e6, 0.5e6)
	series("l/forward", record.Arrivals, "count", 100, 100)
	series("l/forward", record.Drops, "count", 2, 4)
	series("l/forward", record.Marks, "count", 3, 6)
	series("S/video", record.MarkedPackets, "count", 2, 1)
	series("S/video", record.ReportedMarks, "count", 4, 1)
	series("S/video", record.CapablePackets, "count", 90, 1)
	series("web", record.ReceiveRate, "bit/s", 1.4e6, 0.3e6)
	series("web", record.SentPackets, "count", 100, 100)
	series("web", record.LostPackets, "count", 3, 3)
	series("web", record.Retransmissions, "count", 4, 8)
	series("S/video", record.SendRate, "bit/s", 0.8e6, 0.4e6)
	series("S/video", record.ReceiveRate, "bit/s", 0.7e6, 0.3e6)
	series("S/video", record.EncoderRate, "bit/s", 0.6e6, 0.2e6)
	series("S/video", record.Goodput, "bit/s", 0.5e6, 0.1e6)
	series("S/video", record.FrameRate, "1/s", 30, 15)
	series("S/video", record.SentPackets, "count", 100, 50)
	series("S/video", record.LostPackets, "count", 1, 5)
	series("S/video", record.ReportedLoss, "1", 0.03, 0.08)
	series("S/video", record.Jitter, "ms", 5, 9)
	series("S/video", record.FreezeTime, "ms", 0, 100)
	series("S/video", record.RepairRate, "bit/s", 30e3, 50e3)
	series("S/video", record.Restored, "count", 0.5, 4)
	series("S/video", record.Undecodable, "count", 2, 3)
	series("S/video", record.Refreshes, "count", 1, 0)
	series("S/video", record.RepairFrames, "count", 2, 1)
	series("S/video", record.RepairFrameSize, "1", 1.5, 2)
	series("S/video", record.VideoScore, "1", 70, 20)
	series("R/audio", record.MOS, "1", 4, 2)
	series("R/audio", record.AudioDue, "ms", 1000, 500)
	series("R/audio", record.Concealed, "ms", 20, 100)
	series("R/audio", record.MouthToEar, "ms", 150, 250)
	series("S-R", record.Target, "bit/s", 1e6, 0.5e6)
	series("S-R", record.RTT, "ms", 100, 200)
	series("S-R", record.Members, "count", 3, 2)
	series("relay", record.Suppressed, "count", 2, 0)
	series("relay", record.HeldBack, "count", 3, 0)
	series("mixer", record.Mixes, "count", 50, 20)
	series("mixer", record.Decodes, "count", 100, 40)
	series("mixer", record.Encodes, "count", 150, 60)
	series("S", record.Timeouts, "count", 2, 1)
	series("S", record.RTCPPackets, "count", 7, 3)
	series("S", record.Checks, "count", 6, 1)
	series("S", record.Relayed, "", 0.25, 1)
	series("S", record.Handshakes, "count", 2, 0)
	series("S", record.RTCPRate, "bit/s", 20e3, 30e3)
	series("S", record.RTCPShare, "bit/s", 40e3, 40e3)
	for _, d := range []struct{ entity, metric string }{
		{"l/forward", record.QueueDelays},
		{"S/video", record.PacketDelays},
		{"S/video", record.FrameDelays},
		{"S/video", record.AVSkews},
		{"R/video", record.Intervals},
	} {
		dist := record.NewDistribution(d.entity, d.metric, time.Second)
		for i := range 10 {
			dist.Add(simtime.At(time.Duration(i)*500*time.Millisecond), time.Duration(i+1)*10*time.Millisecond)
		}
		r.Distributions = append(r.Distributions, dist)
	}
	at := func(ms int) simtime.Time { return simtime.At(time.Duration(ms) * time.Millisecond) }
	r.Events = []record.Event{
		{At: simtime.At(time.Second), Entity: "S", Kind: record.OfferSent},
		{At: simtime.At(time.Second), Entity: "S", Kind: record.Glare},
		{At: simtime.At(1500 * time.Millisecond), Entity: "R", Kind: record.OfferAccepted}, // somebody else's
		{At: simtime.At(2 * time.Second), Entity: "S", Kind: record.OfferSent},
		{At: simtime.At(2 * time.Second), Entity: "S", Kind: record.Glare},
		{At: simtime.At(2500 * time.Millisecond), Entity: "S", Kind: record.OfferAccepted},
		{At: simtime.At(3 * time.Second), Entity: "S", Kind: record.OfferSent},
		{At: simtime.At(3 * time.Second), Entity: "S", Kind: record.OfferAgreed},
		{At: simtime.At(4 * time.Second), Entity: "S", Kind: record.ChangeCancelled},
		{At: simtime.At(4 * time.Second), Entity: "S", Kind: record.NegotiationFailed},
		{At: simtime.At(7 * time.Second), Entity: "S", Kind: record.Glare},
		{At: simtime.At(7 * time.Second), Entity: "S", Kind: record.OfferSent}, // later
		{At: at(1000), Entity: "S", Kind: record.LineOpened, Peer: "R"},
		{At: at(1500), Entity: "S", Kind: record.LineOpened, Peer: "X"},
		{At: at(2500), Entity: "S", Kind: record.LineClosed, Peer: "X"},
		{At: at(1200), Entity: "S", Kind: record.GatheringComplete},
		{At: at(1800), Entity: "S", Kind: record.PairSelected},
		{At: at(2900), Entity: "S", Kind: record.PairSelected},
		{At: at(5900), Entity: "S", Kind: record.PairSelected}, // later
		{At: at(2700), Entity: "S/video", Kind: record.FirstFrame, Delay: 80 * time.Millisecond},
		{At: at(2800), Entity: "S/video", Kind: record.FirstOfCall, Delay: 100 * time.Millisecond},
		{At: at(3100), Entity: "S", Kind: record.LineOpened, Peer: "Y"},
		{At: at(5600), Entity: "S", Kind: record.LineClosed, Peer: "Y"},
		{At: at(3000), Entity: "S", Kind: record.OfferAgreed, Peer: "R"},
		{At: at(600), Entity: "R/audio", Kind: record.DigitReceived, Detail: "5, pressed for 100ms"},
		{At: at(5500), Entity: "R/audio", Kind: record.DigitReceived, Detail: "6, pressed for 100ms"},
		{At: at(500), Entity: "S/video", Kind: record.BreakerWatched, Detail: "full: congestion, ceases: too much"},
		{At: at(1000), Entity: "S/video", Kind: record.BreakerAlarm, Detail: "nothing is known"},
		{At: at(2000), Entity: "S/video", Kind: record.BreakerReduced, Detail: "congestion, reduces to 100kbps: too much"},
		{At: at(3000), Entity: "S/video", Kind: record.BreakerTripped, Detail: "congestion, ceases: too much"},
		{At: at(3500), Entity: "R/audio", Kind: record.BreakerTripped, Detail: "usability, ceases: too much"},
		{At: at(4000), Entity: "S/video", Kind: record.BreakerTripped, Detail: "rtcp-timeout, ceases: nothing"},
		{At: at(4000), Entity: "S/video", Kind: record.BreakerObserved, Detail: "media-timeout, ceases: nothing"},
		{At: at(4500), Entity: "S/video", Kind: record.BreakerTripped, Detail: "usability, ceases: it's useless"},
		{At: at(6000), Entity: "S/video", Kind: record.BreakerTripped, Detail: "rtcp-timeout, ceases: nothing"},
	}
	return r
}

// conformance: RFC8868-3
func TestEveryMetric(t *testing.T) {
	const first, all = "0s..5s", "0s..10s"
	tests := []struct {
		metric, during string
		want           float64
		pass, fail     string // bounds that hold and don't
	}{
		{"utilization", first, 0.8, "min: 80%", "max: 79%"},
		{"utilization-of-available", all, (4*0.8 + 5*0.4) / (4*1.0 + 5*0.5), "min: 79%", "min: 81%"},
		{"throughput", first, 0.8e6, "min: 800kbps", "max: 799kbps"},
		{"link-loss", first, 0.02, "max: 2%", "max: 1.9%"},
		{"link-marks", first, 0.03, "max: 3%", "max: 2.9%"},
		{"reported-loss", first, 0.03, "max: 3%", "max: 2.9%"},
		{"jitter", first, 5, "max: 5ms", "max: 4.9ms"},
		{"residual-loss", first, 0.005, "max: 0.5%", "max: 0.4%"},
		{"repair-rate", first, 30e3, "max: 30kbps", "max: 29kbps"},
		{"undecodable", first, 8, "max: 8", "max: 7"},
		{"repair-frames", first, 8, "equal: 8", "max: 7"},
		{"repair-frame-size", first, 1.5, "max: 1.5", "max: 1.4"},
		{"refreshes", first, 4, "equal: 4", "max: 3"},
		{"marks", first, 0.02, "max: 2%", "max: 1.9%"},
		{"reported-marks", first, 0.04, "max: 4%", "max: 3.9%"},
		{"ecn-capable", first, 0.9, "min: 90%", "max: 89%"},
		{"retransmissions", first, 0.04, "max: 4%", "max: 3.9%"},
		{"loss-of-all", first, (4*1 + 4*3) / float64(4*100+4*100), "max: 2.01%", "max: 1.9%"},
		{"jain", first, 2.1 * 2.1 / (2 * (0.7*0.7 + 1.4*1.4)), "min: 89%", "min: 91%"},
		{"rate-ratio", first, 2, "max: 2", "max: 1.9"},
		{"rate-quotient", first, 0.5, "equal: 0.5", "min: 0.6"},
		{"rate-sum", first, 2.1e6, "equal: 2.1Mbps", "min: 2.2Mbps"},
		{"rate-lowest", first, 0.7e6, "min: 700kbps", "max: 699kbps"},
		{"rate-highest", first, 1.4e6, "max: 1.4Mbps", "min: 1.5Mbps"},
		{"send-rate", "5s..10s", 0.4e6, "equal: 400kbps", "equal: 401kbps"},
		{"receive-rate", first, 0.7e6, "equal: 0.7Mbps", "min: 1Mbps"},
		{"encoder-rate", first, 0.6e6, "max: 600kbps", "max: 500kbps"},
		{"goodput", first, 0.5e6, "min: 500kbps", "min: 501kbps"},
		{"frame-rate", first, 30, "min: 30", "max: 29.5"},
		{"loss", all, (4*1 + 5*5) / float64(4*100+5*50), "max: 5%", "max: 4%"},
		{"freeze-time", all, 500, "max: 500ms", "max: 499ms"},
		{"video-score", first, 70, "min: 70", "max: 69"},
		{"mos", first, 4, "min: 4", "max: 3.9"},
		{"mos-min", all, 2, "max: 2", "min: 2.1"},
		{"concealed", first, 0.02, "max: 2%", "max: 1.9%"},
		{"digits", first, 1, "equal: 1", "max: 0"},
		{"mouth-to-ear", first, 150, "max: 150ms", "max: 149ms"},
		{"suppressed", first, 8, "equal: 8", "max: 7"},
		{"held-back", first, 12, "equal: 12", "max: 11"},
		{"mixes", first, 50, "equal: 50", "max: 49"},
		{"decodes", first, 100, "max: 100", "max: 99"},
		{"encodes", first, 150, "min: 150", "max: 149"},
		{"target", first, 1e6, "min: 1Mbps", "max: 900kbps"},
		{"rtt", "4s..6s", 150, "min: 150ms, max: 150ms", "max: 149ms"},
		{"members", first, 3, "equal: 3", "max: 2"},
		{"timeouts", first, 8, "equal: 8", "max: 7.5"},
		{"rtcp-packet-rate", first, 7, "max: 7", "max: 6.5"},
		{"rtcp-rate", first, 20e3, "max: 20kbps", "max: 19kbps"},
		{"rtcp-share", first, 0.5, "max: 0.5", "max: 0.4"},
		{"rtcp-interval", first, 55, "equal: 56ms, tolerance: 2%", "equal: 56ms, tolerance: 1%"},
		{"glares", first, 2, "equal: 2", "max: 1"},
		{"offers", first, 3, "equal: 3", "max: 2"},
		{"checks", first, 24, "equal: 24", "max: 23"},
		{"gathered", first, 1200, "equal: 1200ms", "max: 1.1s"},
		{"routed", first, 1800, "equal: 1800ms", "max: 1.7s"},
		{"routes", first, 2, "equal: 2", "max: 1"},
		{"relayed", first, 0.25, "equal: 25%", "max: 20%"},
		{"handshakes", first, 8, "equal: 8", "max: 7"},
		{"lines", first, 3, "equal: 3", "max: 2"},
		{"idle-lines", first, 1000 + 1900, "equal: 2.9s", "max: 2.8s"}, // one is closed later, and one is the chosen device's
		{"first-frame", first, 2700, "equal: 2.7s", "max: 2.6s"},
		{"clipped", first, 200, "equal: 200ms", "max: 190ms"},
		{"agreements", first, 3, "equal: 3", "max: 2"},
		{"agreed", first, 2500, "equal: 2500ms", "max: 2.4s"},
		{"failed-changes", first, 2, "equal: 2", "max: 1"},
		{"breaker-trips", first, 5, "equal: 5", "max: 4"},
		{"breaker-time", first, 2000, "equal: 2s", "max: 1.9s"},
		{"breaker-stops", first, 4, "equal: 4", "max: 3"},
		{"breaker-rtcp-timeouts", first, 1, "equal: 1", "max: 0"},
		{"breaker-media-timeouts", first, 1, "equal: 1", "max: 0"},
		{"breaker-congestions", first, 2, "equal: 2", "max: 1"},
		{"breaker-usabilities", first, 1, "equal: 1", "max: 0"},
		{"breaker-alarms", first, 1, "equal: 1", "max: 0"},
		{"rtcp-interval-p05", first, 10, "min: 9.9ms", "min: 11ms"},
	}
	for _, family := range []string{"queue-delay", "one-way-delay", "frame-delay", "av-skew", "rtcp-interval"} {
		for suffix, want := range map[string]float64{"mean": 55, "p50": 50, "p95": 100, "p99": 100, "max": 100} {
			if findMetric(family+"-"+suffix) == nil && (family == "rtcp-interval" || family == "av-skew") {
				continue // the mean of the first has no suffix, and neither has a p99
			}
			tests = append(tests, struct {
				metric, during string
				want           float64
				pass, fail     string
			}{family + "-" + suffix, first, want, fmt.Sprintf("max: %vms", want*1.01), fmt.Sprintf("max: %vms", want*0.9)})
		}
	}
	where := map[string]string{"link": "l/forward", "flow": "S/video", "connection": "S-R", "endpoint": "S", "source": "R/video", "flows": "[S/video, web]"}
	tested := map[string]bool{}
	for _, tt := range tests {
		tested[tt.metric] = true
		m := findMetric(tt.metric)
		if m == nil {
			t.Errorf("there is no metric %s", tt.metric)
			continue
		}
		head := fmt.Sprintf("metric: %s, %s: %s, during: %s, ", tt.metric, m.of, where[m.of], tt.during)
		if tt.metric == "retransmissions" {
			head = strings.Replace(head, "S/video", "web", 1)
		}
		if m.only == ofRelay {
			head = strings.Replace(head, "endpoint: S", "endpoint: relay", 1)
		}
		if m.only == ofMixer {
			head = strings.Replace(head, "endpoint: S", "endpoint: mixer", 1)
		}
		if m.only == ofAudio {
			head = strings.Replace(head, "S/video", "R/audio", 1)
		}
		v := Judge(expecting(t, head+tt.pass, head+tt.fail), recordForTests())
		if math.Abs(v[0].Value-tt.want) > 0.008*tt.want || v[0].Unit != m.quantity.unit {
			t.Errorf("%s is %v %s, want %v", tt.metric, v[0].Value, v[0].Unit, tt.want)
		}
		if !v[0].Pass || v[0].Problem != "" {
			t.Errorf("%q fails with %v (%s)", v[0].Expectation, v[0].Value, v[0].Problem)
		}
		if v[1].Pass || v[1].Problem != "" {
			t.Errorf("%q passes with %v (%s)", v[1].Expectation, v[1].Value, v[1].Problem)
		}
	}
	for _, m := range Metrics() {
		if !tested[m.Name] {
			t.Errorf("metric %s has no test", m.Name)
		}
		if m.Doc == "" || m.Example == "" || m.Unit == "" {
			t.Errorf("metric %s is not described", m.Name)
		}
	}
}

// A breaker that watches has trips of its own.
func TestMetricsOfBreakersThatWatch(t *testing.T) {
	text := callForTests + "breakers: {watch: {full: {equation: full}, other: {}}}\nexpect:\n" +
		"  - {metric: breaker-trips, flow: S/video, breaker: full, equal: 1}\n" +
		"  - {metric: breaker-time, flow: S/video, breaker: full, equal: 500ms}\n" +
		"  - {metric: breaker-trips, flow: S/video, breaker: other, equal: 0}\n" +
		"  - {metric: breaker-time, flow: S/video, breaker: other, min: 0s}\n"
	f, err := Parse("test.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := Judge(f.Runs[0].Scenario, recordForTests())
	if !v[0].Pass || !v[1].Pass || !v[2].Pass || v[3].Problem == "" || !strings.Contains(v[0].Expectation, "by full") {
		t.Errorf("verdicts %+v", v)
	}
}

func TestVerdictSaysWhatIsExpected(t *testing.T) {
	s := expecting(t,
		"metric: queue-delay-p95, link: l/forward, during: 0s..5s, max: 60ms",
		"metric: loss, flow: S/video, min: 0.5%, max: 6%",
		"metric: rtcp-interval, source: R/video, during: 0s..5s, equal: 55ms, tolerance: 3%")
	v := Judge(s, recordForTests())
	want := []struct{ sentence, bound string }{
		{"queue-delay-p95 of l/forward during 0s..5s is at most 60ms", "≤ 60 ms"},
		{"loss of S/video over the whole run is at least 0.5% and is at most 6%", "≥ 0.5 %, ≤ 6 %"},
		{"rtcp-interval of R/video during 0s..5s equals 55ms within 3%", "= 55 ms ± 3 %"},
	}
	for i, w := range want {
		if v[i].Expectation != w.sentence || v[i].Bound != w.bound {
			t.Errorf("got %q, %q\nwant %q, %q", v[i].Expectation, v[i].Bound, w.sentence, w.bound)
		}
	}
	if v[0].Pass || !v[1].Pass || !v[2].Pass {
		t.Errorf("got %v %v %v, want false true true", v[0].Pass, v[1].Pass, v[2].Pass)
	}
}

func TestVerdictWithoutData(t *testing.T) {
	incomplete := recordForTests()
	incomplete.Manifest.Status, incomplete.Manifest.Reached = record.Incomplete, 7*time.Second
	tests := []struct {
		name, expect string
		record       *record.Record
		problem      string // "" passes
	}{
		{"window without samples", "metric: queue-delay-max, link: l/forward, during: 6s..9s, max: 1s", recordForTests(), "no data"},
		{"window within a gap", "metric: rtt, connection: S-R, during: 2s..3s, max: 1s", recordForTests(), "no data"},
		{"sums of nothing", "metric: link-loss, link: l/forward, during: 2s..3s, max: 100%", recordForTests(), "no data"},
		{"total of nothing", "metric: freeze-time, flow: S/video, during: 2s..3s, max: 1s", recordForTests(), "no data"},
		{"no such series", "metric: throughput, link: l/backward, min: 0bps", recordForTests(), "no data"},
		{"no such distribution", "metric: one-way-delay-p95, flow: R/audio, max: 1s", recordForTests(), "no data"},
		{"not reached", "metric: rtt, connection: S-R, during: 5s..8s, max: 1s", incomplete, "ended at 7s"},
		{"not reached by the whole run", "metric: rtt, connection: S-R, max: 1s", incomplete, "ended at 7s"},
		{"reached", "metric: rtt, connection: S-R, during: 5s..7s, max: 1s", incomplete, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := Judge(expecting(t, tt.expect), tt.record)[0]
			if v.Pass != (tt.problem == "") || !strings.Contains(v.Problem, tt.problem) || v.Pass && v.Problem != "" {
				t.Errorf("got pass=%v, problem %q; want a problem with %q", v.Pass, v.Problem, tt.problem)
			}
		})
	}
}

// A failure that is expected says why; a pass is a pass all the same, and another
// controller gets no discount.
func TestExpectedFail(t *testing.T) {
	text := callForTests + `
congestion: {controller: nada}
matrix: {congestion.controller: [nada, tfrc]}
expect:
  - {metric: loss, flow: web, during: 0s..5s, max: 1%}
  - {metric: loss, flow: web, during: 5s..10s, max: 1%}
  - {metric: loss, flow: web, during: 5s..10s, max: 50%}
  - {metric: utilization, link: l/forward, during: 5s..10s, min: 99%}
expected-fail:
  - {controllers: [tfrc], metrics: [loss], during: 5s..10s, because: first reason}
  - {controllers: [tfrc, gcc], metrics: [utilization], because: second reason}
`
	f, err := Parse("test.yaml", []byte(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"", "", "", ""}, {"", "first reason", "", "second reason"}} {
		r := recordForTests()
		r.Verdicts = Judge(f.Runs[i].Scenario, r)
		for j, v := range r.Verdicts {
			if v.Pass != (j == 2) || v.Known != want[j] || v.Failed() != (j != 2 && want[j] == "") {
				t.Errorf("run %d, expectation %d: %+v", i, j, v)
			}
		}
		if r.Passed() {
			t.Errorf("run %d passed", i)
		}
		r.Verdicts = r.Verdicts[1:]
		if r.Passed() != (i == 1) {
			t.Errorf("run %d: passed %v with known failures only", i, r.Passed())
		}
	}
}
