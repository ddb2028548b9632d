package rtplog_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rtpfabric/sim/rtplog"
)

// RFC 8868 §3.1: sec.usec, payload type, SSRC in hexadecimal, sequence number, timestamp, marker, payload size.
func TestLines(t *testing.T) {
	e := rtplog.Entry{At: 1767225600*time.Second + 20*time.Microsecond, PayloadType: 96, SSRC: 0xbeef, Seq: 65535, Timestamp: 4294967295, Marker: true, Size: 1188}
	line := string(e.Append(nil))
	if line != "1767225600.000020 96 beef 65535 4294967295 1 1188\n" {
		t.Errorf("%q", line)
	}
	for _, text := range []string{line, "  1767225600.00002\t96 0xBEEF 65535 4294967295 1 1188"} {
		got, err := rtplog.Parse(text)
		if err != nil || got != e {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"1.0 96 1 1 1 1": "6 fields", "x 96 1 1 1 1 1": `"x" is no time`, "1.0 128 1 1 1 1 1": `"128" is no payload type`, "1.0 96 g 1 1 1 1": `"g" is no SSRC`,
		"1.0 96 1 65536 1 1 1": "no sequence number", "1.0 96 1 1 4294967296 1 1": "no RTP timestamp", "1.0 96 1 1 1 2 1": "no marker", "1.0 96 1 1 1 1 -1": "no size",
		"-1.0 96 1 1 1 1 1": "no time", "1.-5 96 1 1 1 1 1": "no time",
	} {
		if _, err := rtplog.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Lines end in CRLF, CR or LF, and empty ones are left out.
func TestLineEnds(t *testing.T) {
	const a, b, c = "1.000000 96 1 1 0 0 10", "2.000000 96 1 2 0 0 10", "3.000000 96 1 3 0 0 10"
	for _, text := range []string{a + "\n" + b + "\n" + c + "\n", a + "\r\n\r\n" + b + "\r\n" + c, a + "\r" + b + "\r\r" + c + "\r", "\n\n" + a + "\r\n" + b + "\r" + c + "\n"} {
		list, err := rtplog.Read(strings.NewReader(text))
		if err != nil || len(list) != 3 || list[2].Seq != 3 {
			t.Errorf("%q: %v, %v", text, list, err)
		}
	}
	if _, err := rtplog.Read(strings.NewReader(a + "\n\n" + "x\n")); err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
		t.Errorf("%v", err)
	}
}

// What was lost, came twice or late, over the end of the sequence numbers; counted by hand.
func TestStreams(t *testing.T) {
	packet := func(ms int, seq uint16, size int) rtplog.Entry {
		return rtplog.Entry{At: time.Duration(ms) * time.Millisecond, SSRC: 7, PayloadType: 96, Seq: seq, Size: size}
	}
	sent := []rtplog.Entry{packet(0, 65534, 1000), packet(100, 65535, 1000), packet(200, 0, 1000), packet(300, 1, 1000), packet(400, 2, 500), {At: time.Second, SSRC: 9, PayloadType: 0}}
	received := []rtplog.Entry{packet(150, 65535, 1000), packet(260, 0, 1000), packet(270, 0, 1000), packet(470, 2, 500), packet(480, 1, 1000)}
	want := []rtplog.Stream{
		{SSRC: 7, PayloadType: 96, Sent: 5, Received: 4, Duplicates: 1, Reordered: 1, Loss: 0.2, SendRate: 80e3, ReceiveRate: 8 * 3500 / 0.33, Least: 50 * time.Millisecond, Median: 70 * time.Millisecond, P95: 180 * time.Millisecond},
		{SSRC: 9, Sent: 1, Loss: math.NaN(), SendRate: math.NaN(), ReceiveRate: math.NaN()},
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6 || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(want, rtplog.Streams(sent, received), near); diff != "" {
		t.Error(diff)
	}
	alone := rtplog.Streams(nil, received)
	if len(alone) != 1 || alone[0].Received != 4 || !math.IsNaN(alone[0].Loss) {
		t.Errorf("%+v", alone)
	}
}
