package runner_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// The keys that receivers have heard, in order and each once, are those that were pressed.
func TestDigitsAreHeard(t *testing.T) {
	t.Parallel()
	r := run(t, load(t, library+"endpoints/digits.yaml", "expect=[]")[0])
	heard := map[string]string{}
	for _, e := range r.Events {
		if e.Kind == record.DigitReceived {
			heard[e.Entity] += e.Detail[:1]
			if e.Entity == "S3/audio" && e.Detail[1:] != ", pressed for 100ms" {
				t.Errorf("%s: %s", e.Entity, e.Detail)
			}
		}
	}
	for flow, want := range map[string]string{"S1/audio": "0123456789*#ABCD", "S2/audio": "0123456789*#ABCD55", "S3/audio": "12#", "R1/audio": ""} {
		if heard[flow] != want {
			t.Errorf("of %s %q is heard, want %q", flow, heard[flow], want)
		}
	}
}

// Descriptions have the formats of telephone events in a medium in which somebody presses keys, and in no other. Keys wait
// until the call is agreed on.
func TestDigitsAreDescribed(t *testing.T) {
	t.Parallel()
	events := []string{"a=rtpmap:110 telephone-event/48000", "a=fmtp:110 0-15", "a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-15"}
	for speech, dials := range map[string]bool{"{}": false, `{digits: [{at: 500ms, keys: "42"}]}`: true} {
		r := run(t, load(t, library+"signalling/call.yaml", "expect=[]", "media.0.speech="+speech)[0])
		described := 0
		for _, m := range r.Messages {
			if strings.Contains(m.Text, "m=audio") {
				described++
				for _, line := range events {
					if strings.Contains(m.Text, line) != dials {
						t.Errorf("%s: %s to %s says %s: %v", speech, m.From, m.To, line, !dials)
					}
				}
			}
		}
		if described == 0 {
			t.Error("nothing is described")
		}
		heard := 0
		for _, e := range r.Events {
			if e.Kind == record.DigitReceived && e.Entity == "A/audio" && e.At > simtime.At(time.Second) {
				heard++
			}
		}
		if heard != 2 && dials {
			t.Errorf("%d keys are heard", heard)
		}
	}
}

// Wireshark's command-line program reads the same keys from a capture, with the marker bit once, three final packets and
// the timestamps and durations of RFC 4733.
func TestTsharkReadsDigits(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir := t.TempDir()
	r := load(t, library+"endpoints/digits.yaml", "protection=none", "expect=[]")[0]
	if _, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ sender, pt, clock string }{{"S1", "110", "4800"}, {"S3", "126", "800"}} {
		count := counts(t, tshark, dir+"/"+tt.sender+".pcapng", "-d", "rtp.pt=="+tt.pt+",rtpevent")
		if bad := count("_ws.malformed || !(rtp || rtcp)", "frame.number"); len(bad) > 0 {
			t.Errorf("%s: frames %v are malformed or unknown", tt.sender, bad)
		}
		keys := "0123456789*#ABCD"
		if tt.sender == "S3" {
			keys = "12#"
		}
		ids := count("rtpevent", "rtpevent.event_id")
		for _, key := range keys {
			if id := strings.IndexRune("0123456789*#ABCD", key); ids[strconv.Itoa(id)] != 7 {
				t.Errorf("%s: %d packets of %c, want 7: %v", tt.sender, ids[strconv.Itoa(id)], key, ids)
			}
		}
		if len(ids) != len(keys) {
			t.Errorf("%s: events %v", tt.sender, ids)
		}
		n := len(keys)
		if m := count("rtpevent && rtp.marker == 1", "rtp.timestamp"); len(m) != n {
			t.Errorf("%s: %d events begin, want %d", tt.sender, len(m), n)
		}
		ends := count("rtpevent.end_of_event == 1", "rtp.timestamp")
		for ts, of := range ends {
			if of != 3 {
				t.Errorf("%s: %d final packets of %s", tt.sender, of, ts)
			}
		}
		if len(ends) != n {
			t.Errorf("%s: %d events end, want %d", tt.sender, len(ends), n)
		}
		if d := count("rtpevent.end_of_event == 1", "rtpevent.duration"); d[tt.clock] != 3*n {
			t.Errorf("%s: durations at the end %v, want %s", tt.sender, d, tt.clock)
		}
	}
}
