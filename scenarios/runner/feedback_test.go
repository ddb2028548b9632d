package runner_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"rtpfabric/sim/record"
)

// failing returns the metrics that a record's expectations miss, known failures too.
func failing(t *testing.T, file string, set ...string) []string {
	t.Helper()
	var list []string
	for _, v := range one(t, library+file, set...).Verdicts {
		if metric := strings.Fields(v.Expectation)[0]; !v.Pass && !slices.Contains(list, metric) {
			list = append(list, metric)
		}
	}
	return list
}

// The interval of reports is that of RFC 3550 §6.3.1 over the session bandwidth and the
// size of reports: two parties share 5 %, and each report counts with UDP and IP. It is
// within 10 % of the formula for whatever bandwidth and size.
//
// conformance: CC-7.3-2
func TestIntervalFollowsBandwidthAndSize(t *testing.T) {
	long(t)
	t.Parallel()
	const headers = 28 // UDP and IP
	for _, kbps := range []float64{160, 320, 640, 1280} {
		for _, size := range []float64{72, 120, 240} {
			want := 2 * (size + headers) * 8 / (0.05 * kbps * 1e3)
			set := []string{
				fmt.Sprintf("rtcp.bandwidth=%vkbps", kbps), fmt.Sprintf("rtcp.pad-to=%vB", size),
				fmt.Sprintf("expect=[{metric: rtcp-interval, source: R1/video, during: 10s..180s, equal: %vms}]", 1e3*want),
			}
			got := one(t, library+"feedback/e04-rtt-100ms.yaml", set...).Verdicts[0].Value / 1e3
			if math.Abs(got/want-1) > 0.1 {
				t.Errorf("%v kbit/s, reports of %v octets: %.1f ms, want %.1f", kbps, size+headers, 1e3*got, 1e3*want)
			}
		}
	}
	if got := failing(t, "feedback/e04-rtt-100ms.yaml", "rtcp.bandwidth=160kbps"); !slices.Contains(got, "rtcp-interval") {
		t.Errorf("half the bandwidth for reports misses only %v", got)
	}
}

// With a second of buffer frames come too late long before a packet is lost, and with
// 300 ms nearly at the same time. Whoever reacts to loss has reacted too late.
//
// conformance: CC-7.3-4
func TestLateBeforeLost(t *testing.T) {
	long(t)
	t.Parallel()
	first := func(buffer string) (late, lost int) {
		r := one(t, library+"feedback/e05-buffer-"+buffer+".yaml")
		rates, losses := series(t, r, "S1/video", record.FrameRate), series(t, r, "S1/video", record.LostPackets)
		at := func(values []float64, found func(float64) bool) int {
			i := slices.IndexFunc(values[150:], found)
			if i < 0 {
				t.Fatalf("buffer of %s: nothing comes late, or nothing is lost", buffer)
			}
			return 150 + i
		} // of 200 ms
		return at(rates, func(x float64) bool { return x < 15 }), at(losses, func(x float64) bool { return x > 0 })
	}
	for buffer, between := range map[string][2]int{"300ms": {0, 3}, "1000ms": {5, 9}, "2000ms": {13, 19}} {
		late, lost := first(buffer)
		if d := lost - late; d < between[0] || d > between[1] {
			t.Errorf("buffer of %s: first late frames in bin %d, first loss in bin %d; want %v later", buffer, late, lost, between)
		}
	}
	const file = "feedback/e05-controllers.yaml"
	const buffer = "network.links.path.forward.queue.length=1000ms"
	if got := failing(t, file, buffer, "congestion={controller: nada, feedback: rfc8888}"); len(got) > 0 {
		t.Errorf("whoever watches delay misses %v", got)
	}
	byLoss := failing(t, file, buffer, "congestion={controller: rr-loss, feedback: none}")
	for _, want := range []string{"freeze-time", "loss", "frame-rate"} {
		if !slices.Contains(byLoss, want) {
			t.Errorf("whoever watches loss misses %v, want %s too", byLoss, want)
		}
	}
}

// All members of a group share RTCP's bandwidth: expectations with the interval of ten
// members hold for ten and neither for five nor for twenty.
//
// conformance: CC-7.3-6
func TestGroupSharesFeedback(t *testing.T) {
	long(t)
	t.Parallel()
	const file = "feedback/e03-group-10.yaml"
	if got := failing(t, file); len(got) > 0 {
		t.Errorf("ten members miss %v", got)
	}
	for _, receivers := range []string{"4", "19"} {
		if got := failing(t, file, "let.receivers="+receivers); !slices.Contains(got, "rtcp-interval") {
			t.Errorf("%s receivers miss only %v", receivers, got)
		}
	}
}

// A peer without RTCP is sent no more than a low-rate voice codec's rate (§7.4 of
// draft-ietf-rtcweb-rtp-usage of July 2012), or the circuit breaker stops at 15 s (RFC 8083
// §4.1). At a higher rate TCP starves.
//
// conformance: CC-7.4-1
func TestPeerWithoutRTCP(t *testing.T) {
	if got := failing(t, "feedback/e08-low-rate.yaml"); len(got) > 0 {
		t.Errorf("at the rate of a voice codec: %v", got)
	}
	if got := failing(t, "feedback/e08-low-rate.yaml", "media.0.rate=64kbps"); !slices.Contains(got, "receive-rate") {
		t.Errorf("64 kbit/s misses only %v", got)
	}
	if got := failing(t, "breakers/06-no-rtcp.yaml"); len(got) > 0 {
		t.Errorf("with a circuit breaker: %v", got)
	}
	got := failing(t, "breakers/06-no-rtcp.yaml", "breakers.mode=observe")
	if !slices.Contains(got, "receive-rate") {
		t.Errorf("without one only %v is missed", got)
	}
}
