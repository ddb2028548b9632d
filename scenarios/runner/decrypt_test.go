package runner_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect/libsrtptest"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/capture"
)

// captured is a UDP packet as tshark tells it.
type captured struct{ from, to, payload string }

// captureOf runs a variation of a scenario and returns the folder of its captures, and what one end's
// has of RTP and RTCP.
func captureOf(t *testing.T, tshark, file string, variation int, set ...string) (dir string, packets []captured) {
	t.Helper()
	dir = t.TempDir()
	r := load(t, file, set...)[variation]
	if _, err := runner.Run(context.Background(), r, runner.Options{CaptureDir: dir, CaptureFormat: capture.RawIP}); err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", filepath.Join(dir, "R1.pcapng"), "-T", "fields", "-E", "separator=|"}
	for _, f := range []string{"ip.src", "udp.srcport", "ip.dst", "udp.dstport", "udp.payload"} {
		args = append(args, "-e", f)
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(out)) {
		f := strings.Split(line, "|")
		if len(f) != 5 || len(f[4]) < 4 || f[4] < "80" || f[4] > "bf" { // neither RTP nor RTCP
			continue
		}
		packets = append(packets, captured{f[0] + ":" + f[1], f[2] + ":" + f[3], f[4]})
	}
	return dir, packets
}

func (c captured) isRTCP() bool { return c.payload[2:4] >= "c0" && c.payload[2:4] <= "df" }

// An implementation of SRTP that isn't ours decrypts captures with the keys that lie
// beside them, and finds what the same run without encryption sends.
//
// conformance: PRF-4.2-4
func TestLibsrtpDecryptsCaptures(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	program := libsrtptest.Build(t)
	for _, tt := range []struct {
		name, file string
		variation  int
	}{
		{"AES-CM", library + "endpoints/handshake.yaml", 0},
		{"AES-GCM", library + "endpoints/handshake.yaml", 3},
		{"sessions per medium", library + "endpoints/sessions-per-media.yaml", 0},
		{"relay", library + "feedback/e03-group-4.yaml", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, secret := captureOf(t, tshark, tt.file, tt.variation, "duration=5s", "expect=[]", "protection=full")
			_, open := captureOf(t, tshark, tt.file, tt.variation, "duration=5s", "expect=[]", "protection=size-only")
			if len(secret) != len(open) || len(secret) < 200 {
				t.Fatalf("%d packets, %d without encryption", len(secret), len(open))
			}
			text, err := os.ReadFile(filepath.Join(dir, "srtp-keys.txt"))
			if err != nil {
				t.Fatal(err)
			}
			keys := map[string]bool{}
			for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
				f := strings.Fields(line)
				if keys[f[3]] && tt.name != "relay" { // a group has one key
					t.Errorf("%s to %s has the key of another flow", f[0], f[1])
				}
				keys[f[3]] = true
				profile, err := keying.ParseProfile(f[2])
				if err != nil {
					t.Fatal(err)
				}
				lines, want := []string{fmt.Sprintf("profile %d", uint16(profile)), "in " + f[3] + f[4]}, []string{}
				for i, p := range secret {
					if p.from != f[0] || p.to != f[1] {
						continue
					}
					command, tag := "open-rtp ", 2*int(profile.OverheadRTP())
					if p.isRTCP() {
						command, tag = "open-rtcp ", 2*int(profile.OverheadRTCP())
					}
					lines = append(lines, command+p.payload)
					want = append(want, open[i].payload[:len(open[i].payload)-tag])
				}
				got := program.Ask(t, lines)
				if len(got) != len(want) {
					t.Fatalf("%d answers to %d packets", len(got), len(want))
				}
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("packet %d from %s is decrypted to\n%s, want\n%s", i, f[0], got[i], want[i])
					}
				}
			}
		})
	}
}

// Wireshark's program reads handshakes with the key log beside a capture.
func TestTsharkReadsHandshakes(t *testing.T) {
	long(t)
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	dir, _ := captureOf(t, tshark, library+"endpoints/handshake.yaml", 0, "duration=5s", "expect=[]", "protection=full")
	out, err := exec.Command(tshark, "-r", filepath.Join(dir, "R1.pcapng"), "-o", "tls.keylog_file:"+filepath.Join(dir, "dtls-keylog.txt"),
		"-Y", "dtls.handshake.type == 20", "-T", "fields", "-e", "frame.number").Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(strings.Fields(string(out))); n != 2 {
		t.Errorf("%d Finished messages are read, want 2", n)
	}
}
