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
		for i, f := range s.Flows() {
			profile, keys, ok := s.Secrets(i)
			if !ok {
				continue
			}
			line := func(from, to packet.Addr, key, salt []byte) {
				srtp = append(srtp, fmt.Sprintf("%v %v %v %x %x", from, to, profile, key, salt))
			}
			line(f[0], f[1], keys.Local.Key, keys.Local.Salt)
			line(f[1], f[0], keys.Remote.Key, keys.Remote.Salt)
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
