package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
)

// Wireshark's command-line program reads the captures: in the clear every
// packet is dissected as RTP or RTCP, and none is malformed.
//
// conformance: RTP-4.1-1, RTP-4.1-2
func TestTsharkReadsCaptures(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	for _, feedback := range []string{"rfc8888", "twcc", "remb", "ecn"} {
		for _, protection := range []string{"none", "full"} {
			t.Run(feedback+" "+protection, func(t *testing.T) {
				dir := t.TempDir()
				r := load(t, quickstart, "protection="+protection, "duration=5s", "congestion.feedback="+feedback,
					"congestion.controller="+controllerFor(feedback), "expect=[]", "network.links.bottleneck.schedule=[]")[0]
				rec, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU})
				if err != nil {
					t.Fatal(err)
				}
				fields := func(filter string, f ...string) []string {
					args := []string{"-r", dir + "/S1.pcapng", "-Y", filter, "-T", "fields"}
					for _, name := range f {
						args = append(args, "-e", name)
					}
					var errOut bytes.Buffer
					cmd := exec.Command(tshark, args...)
					cmd.Stderr = &errOut
					out, err := cmd.Output()
					if err != nil {
						t.Fatalf("tshark: %v: %s", err, errOut.String())
					}
					return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
				}
				if bad := fields("_ws.malformed || _ws.unreassembled", "frame.number"); bad[0] != "" {
					t.Errorf("malformed packets: %v", bad)
				}
				if other := fields("!rtp && !rtcp && !data && !dtls && !stun", "frame.number"); other[0] != "" {
					t.Errorf("%d packets were not dissected", len(other))
				}
				media := fields("rtp && ip.src == 10.0.0.1 || rtp && exported_pdu.ipv4_src == 10.0.0.1", "rtp.ssrc", "rtp.p_type")
				kinds := map[string]int{}
				for _, line := range media {
					kinds[line]++
				}
				if len(kinds) != 2 {
					t.Errorf("streams in the capture: %v", kinds)
				}
				for _, flow := range rec.Manifest.Topology.Flows {
					found := false
					for line := range kinds {
						found = found || strings.HasPrefix(line, fmt.Sprintf("0x%08x", flow.SSRC))
					}
					if !found {
						t.Errorf("%s with SSRC %08x is not in the capture", flow.Name, flow.SSRC)
					}
				}
				if hello := fields("dtls.handshake.type == 1 && dtls.use_srtp.protection_profile == 1", "frame.number"); protection == "full" && hello[0] == "" {
					t.Error("no ClientHello that offers SRTP")
				}
				if protection == "none" {
					cnames := map[string]bool{}
					for _, c := range fields("rtcp.sdes.text", "rtcp.sdes.text") {
						cnames[strings.Split(c, ",")[0]] = true
					}
					if len(cnames) != 2 {
						t.Errorf("CNAMEs of two endpoints expected: %v", cnames)
					}
				}
			})
		}
	}
}

// controllerFor returns a controller that can work with a kind of feedback.
func controllerFor(feedback string) string {
	switch feedback {
	case "remb":
		return "remb"
	case "ecn":
		return "rr-loss"
	}
	return "nada"
}

// What the receiver's end sends as REMB is read as the rate and the SSRCs that the
// sender's signals and streams have.
func TestTsharkReadsREMB(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir := t.TempDir()
	r := load(t, library+"feedback/remb.yaml", "duration=20s", "protection=none", "expect=[]", "seed=1", "network.links.path.schedule=[]")[0]
	rec, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU})
	if err != nil {
		t.Fatal(err)
	}
	count := counts(t, tshark, dir+"/R1.pcapng")
	sent := ""
	for _, flow := range rec.Manifest.Topology.Flows {
		if flow.Name == "S1/video" {
			sent = fmt.Sprintf("0x%08x", flow.SSRC)
		}
	}
	remb := `rtcp.psfb.fmt == 15 && rtcp.psfb.remb.identifier == "REMB" && rtcp.psfb.remb.fci.ssrc == ` + sent
	if ssrcs := count(remb, "rtcp.psfb.remb.fci.ssrc"); len(ssrcs) != 1 || ssrcs[sent] < 14 || ssrcs[sent] > 40 {
		t.Errorf("REMB covers %v, want %s once or twice a second", ssrcs, sent)
	}
	for rate := range count(remb, "rtcp.psfb.remb.fci.bitrate") {
		if v, err := strconv.Atoi(rate); err != nil || v < 300_000 || v > 2_500_000 {
			t.Errorf("an estimate of %s bit/s", rate)
		}
	}
}

// ECN feedback packets and summaries have the types and lengths that RFC 6679 gives them.
// tshark 4.0 doesn't know their contents, and finds nothing malformed.
func TestTsharkReadsECN(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir := t.TempDir()
	r := load(t, library+"feedback/ecn-summaries.yaml", "protection=none", "expect=[]", "seed=1")[0]
	rec, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU})
	if err != nil {
		t.Fatal(err)
	}
	source := ""
	for _, flow := range rec.Manifest.Topology.Flows {
		source = fmt.Sprintf("0x%08x", flow.SSRC)
	}
	count := counts(t, tshark, dir+"/R1.pcapng")
	if bad := count("_ws.malformed || !(rtp || rtcp)", "frame.number"); len(bad) > 0 {
		t.Errorf("frames %v are malformed or unknown", bad)
	}
	const early = "rtcp.pt == 205 && rtcp.rtpfb.fmt == 8"
	if about := count(early, "rtcp.mediassrc"); len(about) != 1 || about[source] < 20 {
		t.Errorf("ECN feedback about %v, want %s", about, source)
	}
	if lengths := count(early+" && !(rtcp.pt == 201)", "rtcp.length"); len(lengths) != 1 || lengths["7"] < 20 {
		t.Errorf("ECN feedback of %v words and one", lengths)
	}
	if fci := count(early, "rtcp.fci"); len(fci) < 20 {
		t.Errorf("%d different contents", len(fci))
	}
	blocks := count("rtcp.pt == 207", "rtcp.xr.bt")
	if blocks["13"] < 20 || len(blocks) != 1 {
		t.Errorf("extended reports have blocks of types %v", blocks)
	}
	if lengths := count("rtcp.pt == 207", "rtcp.xr.bl"); lengths["5"] < 10 || lengths["0"] < 10 || len(lengths) != 2 {
		t.Errorf("blocks of %v words: 5 from the receiver, 0 from the sender, which hears nobody", lengths)
	}
}

// TCP's segments are whole to a reader but for their bodies, which aren't kept.
func TestTsharkReadsTCP(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir := t.TempDir()
	r := load(t, library+"network/tcp.yaml", "duration=8s", "expect=[]")[0]
	if _, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU}); err != nil {
		t.Fatal(err)
	}
	fields := func(filter, field string) []string {
		out, err := exec.Command(tshark, "-r", dir+"/"+r.Scenario.Traffic[0].Name+".pcapng", "-Y", filter, "-T", "fields", "-e", field).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	if n := len(fields("tcp.len > 1000", "frame.number")); n < 100 {
		t.Errorf("%d large segments", n)
	}
	if bad := fields("_ws.malformed || !tcp || ip.checksum.status == 0", "frame.number"); len(bad) > 0 {
		t.Errorf("frames %v are malformed or no TCP", bad)
	}
	if syn := fields("tcp.flags.syn == 1 && tcp.flags.ack == 0", "tcp.options.mss_val"); len(syn) == 0 || syn[0] != "1460" {
		t.Errorf("MSS of the first segment: %v", syn)
	}
}

// counts returns what counts the values of a field in the packets that a filter lets
// through.
func counts(t *testing.T, tshark, file string, options ...string) func(filter, field string) map[string]int {
	return func(filter, field string) map[string]int {
		t.Helper()
		args := append([]string{"-r", file, "-Y", filter, "-T", "fields", "-e", field}, options...)
		out, err := exec.Command(tshark, args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		n := map[string]int{}
		for _, word := range strings.FieldsFunc(string(out), func(r rune) bool { return r == ',' || r == '\n' }) {
			n[word]++
		}
		return n
	}
}

// packets returns how many packets of a capture tshark's filter finds.
func packets(t *testing.T, tshark, file, filter string) (total int) {
	t.Helper()
	for _, n := range counts(t, tshark, file)(filter, "frame.number") {
		total += n
	}
	return total
}

// A call of three minutes with every message that endpoints send, in the clear: a
// reader that isn't ours finds nothing malformed, and knows what it sees.
func TestTsharkReadsEveryMessage(t *testing.T) {
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct{ feedback, refresh, fmt205, fmt206 string }{
		{"rfc8888", "fir", "11", "4"}, {"twcc", "pli", "15", "1"},
	} {
		t.Run(c.feedback, func(t *testing.T) {
			dir := t.TempDir()
			r := load(t, "../testdata/good/messages.yaml", "congestion.feedback="+c.feedback, "repair.refresh="+c.refresh)[0]
			if _, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU}); err != nil {
				t.Fatal(err)
			}
			count := counts(t, tshark, dir+"/S1.pcapng")
			if bad := count("_ws.malformed || !(rtp || rtcp)", "frame.number"); len(bad) > 0 {
				t.Errorf("frames %v are malformed or unknown", bad)
			}
			types := count("rtcp", "rtcp.pt")
			for _, want := range []string{"200", "201", "202", "203", "205", "206", "207"} {
				if types[want] == 0 {
					t.Errorf("no RTCP packet of type %s: %v", want, types)
				}
			}
			messages := count("rtcp", "rtcp.rtpfb.fmt")
			for _, want := range []string{"1", "3", "4", c.fmt205} {
				if messages[want] == 0 {
					t.Errorf("no transport feedback of format %s: %v", want, messages)
				}
			}
			if n := count("rtcp", "rtcp.psfb.fmt"); n[c.fmt206] == 0 {
				t.Errorf("no payload feedback of format %s: %v", c.fmt206, n)
			}
			media := count("rtp", "rtp.p_type")
			for _, want := range []string{"0", "5", "8", "13", "96", "97", "111"} {
				if media[want] == 0 {
					t.Errorf("no media of payload type %s: %v", want, media)
				}
			}
			if layers := count("vp8", "vp8.pld.tid"); len(layers) != 3 && len(count("vp8", "frame.number")) > 0 {
				t.Errorf("temporal layers %v", layers)
			}
		})
	}
}

// The same of everything by which losses are repaired. RED's blocks are read by its
// dissector: two earlier frames of 20 ms in each packet of audio, none in one of video.
//
// conformance: PT-4.3-3, ROB-6.2-2
func TestTsharkReadsRepairs(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	r := load(t, "../testdata/good/repairs.yaml")[0]
	if _, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.UpperPDU}); err != nil {
		t.Fatal(err)
	}
	count := counts(t, tshark, dir+"/S1.pcapng", "-d", "rtp.pt==63,rtp_rfc2198", "-d", "rtp.pt==116,rtp_rfc2198")
	if bad := count("_ws.malformed || !(rtp || rtcp)", "frame.number"); len(bad) > 0 {
		t.Errorf("frames %v are malformed or unknown", bad)
	}
	found := map[string]map[string]int{}
	for _, want := range []struct{ field, value, what string }{
		{"rtcp.rtpfb.fmt", "1", "NACK"},
		{"rtcp.psfb.fmt", "1", "PLI"},
		{"rtcp.psfb.fmt", "2", "SLI"},
		{"rtcp.psfb.fmt", "3", "RPSI"},
		{"rtcp.psfb.fmt", "5", "TSTR"},
		{"rtcp.psfb.fmt", "6", "TSTN"},
		{"rtp.p_type", "63", "RED of audio"},
		{"rtp.p_type", "97", "RTX"},
		{"rtp.p_type", "98", "FlexFEC"},
		{"rtp.p_type", "116", "RED of video"},
	} {
		if found[want.field] == nil {
			found[want.field] = count("rtp || rtcp", want.field)
		}
		if found[want.field][want.value] == 0 {
			t.Errorf("no %s", want.what)
		}
	}
	offsets := count("rtp.p_type == 63", "rtp.timestamp-offset")
	if len(offsets) != 2 || offsets["960"] < 2900 || offsets["1920"] < 2900 {
		t.Errorf("RED of audio repeats frames from %v ticks before", offsets)
	}
	if n := count("rtp.p_type == 116", "rtp.timestamp-offset"); len(n) > 0 {
		t.Errorf("RED of video repeats something: %v", n)
	}
}
