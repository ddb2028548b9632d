// Package remb is Google Congestion Control as it was first deployed: its delay-based
// part runs at the receiver, which tells the sender what it has found in REMB messages
// (draft-alvestrand-rmcat-remb-03). The sender looks at losses, by reception reports.
//
// The algorithms are those of draft-ietf-rmcat-gcc-02 and shared with package gcc;
// around them this follows libwebrtc, whose RemoteBitrateEstimatorAbsSendTime is
// [estimator] and whose SendSideBandwidthEstimation is [sender].
package remb

import (
	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/gcc"
)

func init() {
	ccontrol.Register(ccontrol.Spec{
		Name:             "remb",
		Summary:          "Google Congestion Control with its delay-based part at the receiver, which sends REMB",
		Source:           "draft-alvestrand-rmcat-remb-03; draft-ietf-rmcat-gcc-02; libwebrtc",
		Needs:            ccontrol.NeedsEstimate,
		Parameters:       parameters(),
		Signals:          senderSignals,
		New:              newSender,
		EstimatorSignals: estimatorSignals(),
		NewEstimator:     newEstimator,
	})
}

func parameters() []ccontrol.Parameter {
	const sending = ccontrol.Source("libwebrtc send_side_bandwidth_estimation.cc")
	list := gcc.DelayParameters()
	list = append(list,
		ccontrol.Source("draft-ietf-rmcat-gcc-02 §5.5 (0.5 s to 1 s)").Duration("incoming-window", "500ms", "time over which the receiver measures the incoming rate, T of R_hat; 1 s in libwebrtc", 0.1, 5),
		ccontrol.Source("libwebrtc aimd_rate_control.cc").Duration("first-estimate", "5s", "how long the receiver measures before it has an estimate, unless over-use comes first", 0, 60),
		ccontrol.Source("libwebrtc remote_bitrate_estimator.h").Duration("stream-timeout", "2s", "silence after which a stream isn't covered any more", 0.1, 60),
	)
	list = append(list, gcc.LossParameters()...)
	return append(list,
		sending.Duration("start-phase", "2s", "time from the first report in which the sender follows REMBs upwards, if there is no loss", 0, 60),
		sending.Duration("silence", "3s", "time without any report above which the sender's rate falls; three of their intervals, if that is more", 0.1, 600),
		sending.Duration("silence-interval", "1s", "time between two such steps", 0.01, 60),
		sending.Number("silence-fraction", "0.8", "factor of such a step", 0.1, 1),
		ccontrol.Source("libwebrtc pacing_controller.h; draft-ietf-rmcat-gcc-02 §4").Number("pacing-factor", "2.5", "pacing rate as a multiple of the target; 1 in the draft", 1, 100),
	)
}
