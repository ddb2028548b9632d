package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rtpfabric/endpoints/keying"
	"rtpfabric/sim/packet"
	"rtpfabric/topologies"
)

// Files with secrets, beside captures.
const (
	srtpKeysFile = "srtp-keys.txt"
	keyLogFile   = "dtls-keylog.txt"
)

// writeKeys writes what opens captures: SRTP's master keys, a line for each direction
// of each flow, and the key log of DTLS handshakes as Wireshark takes it. There are
// no files where nothing is encrypted.
func writeKeys(folder string, sim *topologies.Simulation) error {
	var srtp, dtls []string
	for _, s := range sim.Sessions() {
		for _, step := range s.Keying() {
			if k, ok := step.(keying.KeyLogger); ok && k.KeyLog() != "" {
				dtls = append(dtls, k.KeyLog())
			}
		}
		opens := func(flow [2]packet.Addr, profile keying.Profile, keys keying.Keys) {
			for i, m := range []keying.Material{keys.Local, keys.Remote} {
				srtp = append(srtp, fmt.Sprintf("%v %v %v %x %x", flow[i], flow[1-i], profile, m.Key, m.Salt))
			}
		}
		for i, f := range s.Flows() {
			if profile, keys, ok := s.Secrets(i); ok {
				opens(f, profile, keys)
			}
		}
		for _, f := range s.Former() {
			opens(f.Flow, f.Profile, f.Keys)
			if f.KeyLog != "" {
				dtls = append(dtls, f.KeyLog)
			}
		}
	}
	for _, file := range []struct {
		name, head string
		lines      []string
	}{
		{srtpKeysFile, "# from, to, profile, master key, master salt\n", srtp},
		{keyLogFile, "", dtls},
	} {
		if len(file.lines) == 0 {
			continue
		}
		slices.Sort(file.lines) // both ends know the same, but of those behind a NAT
		text := file.head + strings.Join(slices.Compact(file.lines), "\n") + "\n"
		if err := os.WriteFile(filepath.Join(folder, file.name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
