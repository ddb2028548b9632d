package dtls_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// writeCapture makes a capture file of raw IPv4 packets (link type 101) of what
// was sent.
func (p *pipe) writeCapture(name string) {
	p.t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d) // nanoseconds
	for _, v := range []uint32{2 | 4<<16, 0, 0, 65535, 101} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for _, d := range p.log {
		size := uint32(len(d.payload)) + uint32(packet.HeaderIPv4UDP)
		at := d.sent.Duration()
		for _, v := range []uint32{uint32(at / time.Second), uint32(at % time.Second), size, size} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		from, to := addresses[d.from], addresses[1-d.from]
		head := make([]byte, packet.HeaderIPv4UDP)
		head[0], head[8], head[9] = 0x45, 64, packet.UDP.Number()
		binary.BigEndian.PutUint16(head[2:], uint16(size))
		binary.BigEndian.PutUint32(head[12:], uint32(from.IP))
		binary.BigEndian.PutUint32(head[16:], uint32(to.IP))
		binary.BigEndian.PutUint16(head[20:], from.Port)
		binary.BigEndian.PutUint16(head[22:], to.Port)
		binary.BigEndian.PutUint16(head[24:], uint16(size)-20)
		b = append(append(b, head...), d.payload...)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// An independent reader finds DTLS in every packet, and nothing wrong with it:
// headers, fragments, messages, certificates and, with the key log, what is
// encrypted.
//
// conformance: PRF-4.2-5
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, c := range []struct {
		name      string
		mtu       units.Bytes
		cookie    bool
		lossy     bool
		messages  string // types in order; "" leaves it open
		fragments bool
	}{
		{"as in browsers", 1200, false, false, "1 2 11 12 13 14 11 16 15 20 20", false},
		{"with cookie", 1200, true, false, "1 3 1 2 11 12 13 14 11 16 15 20 20", false},
		{"in fragments", 200, true, false, "", true},
		// Of whole messages: tshark takes fragments that are sent again for
		// malformed.
		{"with losses", 1200, true, true, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPipe(t, 3, func(cs []dtls.Config) {
				cs[0].MTU, cs[1].MTU, cs[1].CookieExchange = c.mtu, c.mtu, c.cookie
			})
			p.fate = func(d *datagram) []simtime.Time {
				if c.lossy && d.nth%2 == 1 && d.nth < 6 {
					return nil
				}
				return []simtime.Time{d.arrives}
			}
			p.run(10 * time.Minute)
			p.wantConnected()
			p.ends[0].Close(p.now)
			p.run(11 * time.Minute)

			dir := t.TempDir()
			capture, keys := filepath.Join(dir, "dtls.pcap"), filepath.Join(dir, "keys.log")
			p.writeCapture(capture)
			if err := os.WriteFile(keys, []byte(p.ends[0].KeyLog()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			columns := []string{
				"frame.protocols", "_ws.malformed", "_ws.expert.severity", "dtls.fragment", "dtls.handshake.type", "dtls.handshake.verify_data",
				"dtls.use_srtp.protection_profile", "x509af.version", "x509sat.printableString", "dtls.alert_message.desc",
			}
			args := []string{"-r", capture, "-d", "udp.port==5000,dtls", "-o", "tls.keylog_file:" + keys, "-T", "fields", "-E", "separator=|"}
			for _, name := range columns {
				args = append(args, "-e", name)
			}
			var stderr bytes.Buffer
			cmd := exec.Command(tshark, args...)
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, stderr.String())
			}
			got := map[string][]string{} // of all packets
			lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
			for i, line := range lines {
				values := strings.Split(line, "|")
				if len(values) != len(columns) || !strings.HasSuffix(values[0], ":dtls") && !strings.Contains(values[0], ":dtls:") || values[1] != "" {
					t.Errorf("packet %d: %s", i, line)
					continue
				}
				for j, v := range values {
					if v != "" {
						got[columns[j]] = append(got[columns[j]], strings.Split(v, ",")...)
					}
				}
			}
			if len(lines) != len(p.log) {
				t.Errorf("%d packets, want %d", len(lines), len(p.log))
			}
			for _, severity := range got["_ws.expert.severity"] {
				if n, err := strconv.Atoi(severity); err != nil || n >= 8388608 { // an error
					t.Errorf("severity %s", severity)
				}
			}
			if (got["dtls.fragment"] != nil) != c.fragments {
				t.Errorf("packets with fragments: %v", got["dtls.fragment"])
			}
			if types := strings.Join(got["dtls.handshake.type"], " "); c.messages != "" && types != c.messages {
				t.Errorf("messages %s, want %s", types, c.messages)
			}
			if v := got["dtls.handshake.verify_data"]; len(v) < 2 {
				t.Errorf("decrypted Finished messages: %v", v)
			}
			if v := got["dtls.use_srtp.protection_profile"]; len(v) < 4 || v[len(v)-1] != "0x0001" {
				t.Errorf("profiles %v, want the last to be the server's choice", v)
			}
			// Version 3 is written as 2.
			if v := got["x509af.version"]; len(v) < 2 || slices.ContainsFunc(v, func(v string) bool { return v != "2" }) {
				t.Errorf("certificates of versions %v", v)
			}
			if v := got["x509sat.printableString"]; len(v) < 4 || slices.ContainsFunc(v, func(v string) bool { return v != "WebRTC" }) {
				t.Errorf("certificates for %v", v)
			}
			if v := got["dtls.alert_message.desc"]; len(v) != 1 || v[0] != "0" {
				t.Errorf("decrypted alerts %v, want close_notify", v)
			}
		})
	}
}
