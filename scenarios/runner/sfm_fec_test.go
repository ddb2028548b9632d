package runner_test

import (
	"testing"

	"rtpfabric/sim/record"
)

// What an SFM passes on it protects anew, if its sender has protected it with FlexFEC: most of what is
// lost on a leg is repaired there without asking, and without FEC most pictures are lost.
func TestFECPastSFM(t *testing.T) {
	t.Parallel()
	const file = meshes + "sfm-fec.yaml"
	for _, tt := range []struct {
		fec         string
		least, most float64 // pictures a second
		repaired    bool
	}{
		{"{type: flexfec, overhead: 30%}", 22, 31, true},
		{"{type: none}", 0, 15, false},
	} {
		r := run(t, load(t, file, "expect=[]", "media.0.fec="+tt.fec)[0])
		if fps := mean(series(t, r, "A/video>B", record.FrameRate)[25:]); fps < tt.least || fps > tt.most {
			t.Errorf("%s: B sees %.1f pictures a second, want %v to %v", tt.fec, fps, tt.least, tt.most)
		}
		lost, restored := sum(series(t, r, "A/video>B", record.LostPackets)), sum(series(t, r, "A/video>B", record.Restored))
		if lost < 100 || tt.repaired && restored < 0.9*lost || !tt.repaired && restored > 0 {
			t.Errorf("%s: of %.0f packets lost on the way to B %.0f are restored", tt.fec, lost, restored)
		}
	}
}
