package rfc8836

// aqm is RFC 8867 §6.2's single flow with a queue discipline, whose marks media allow or not.
func aqm(queue, ecn string) Variation {
	return Variation{"rfc8867/6.2-ecn-5.1.yaml", []string{"network.links.bottleneck.forward.queue.type=" + queue, "congestion.ecn=" + ecn}}
}

// signals is requirement 7.
func signals() []Requirement {
	background := Variation{"rfc8867/5.1-background-udp.yaml", []string{"network.links.bottleneck.forward.delay=50ms"}}
	marked := aqm("codel", "ect0")
	return []Requirement{
		{ID: "7", Text: "No element of the network has to help; what a flow shows of the path by itself is used, ECN included.", Figures: []Figure{
			background.figure("rate over a tail-drop queue and 1 Mbit/s that others leave", "rate-sum", "S1/*", "10s..40s"),
			marked.figure("use of a link whose CoDel marks", "utilization-of-available", "bottleneck/forward", "10s..40s"),
			marked.figure("loss there", "loss", "S1/video", "62s..99s"),
		}},
		{
			ID: "7a", Text: "Packets may carry when they were sent, but needn't.",
			Tests: []string{"scenarios/rfc8836.TestControllersNeedNoTimesInPackets"},
			Note:  "Every figure here comes from packets without such times. remb, which isn't in the table, needs them.",
		},
	}
}

// backchannel is requirement 8.
func backchannel() []Requirement {
	reduced, compound := own("feedback", "rtcp.reduced-size=true"), own("feedback", "rtcp.reduced-size=false")
	congested := Variation{"rfc8867/5.3-link-rate.yaml", []string{"network.links.bottleneck.schedule.1.backward.rate=800kbps"}}
	return []Requirement{
		{ID: "8", Text: "What the receiver knows comes back in RTCP.", Figures: []Figure{
			congested.figure("lower rate of two opposite videos, their RTCP between them", "rate-lowest", "S*/video", "35s..60s"),
		}, Note: "Every figure here is one of RFC 8888's feedback in RTCP; rr-loss looks at the reports alone."},
		{ID: "8a", Text: "A profile such as AVPF lets feedback go often enough.", Figures: []Figure{
			reduced.figure("RTCP packets a second of a receiver that also sends", "rtcp-packet-rate", "S2", "20s..60s"),
			reduced.figure("queue with that feedback", "queue-delay-p95", "path/forward", "20s..60s"),
		}, Tests: []string{"endpoints/rtcptiming.TestNoEarlyFeedbackUnderAVP"}},
		{ID: "8b", Text: "RTCP of reduced size saves bandwidth.", Figures: []Figure{
			compound.figure("RTCP of this end in compound packets", "rtcp-rate", "S2", "20s..60s"),
			reduced.figure("RTCP of this end in packets of reduced size", "rtcp-rate", "S2", "20s..60s"),
		}},
		{
			ID: "8c", Text: "Feedback takes little of the way back, and may be rarer while all is stable.",
			Figures: []Figure{
				{
					What: "RTCP about eight videos on a way back of 1 Mbit/s", Variation: Variation{"control/e39-asymmetry.yaml", []string{"let.down=8", "let.up=0"}},
					Metric: "rtcp-rate", Of: "Client", During: "20s..40s",
				},
			},
			Tests: []string{"endpoints/rtcptiming.TestFeedbackStaysWithinShare"},
			Note:  "That it gets rarer isn't shown: feedback keeps its interval, `congestion.interval`, whether the rate is stable or not.",
		},
	}
}

// network is requirements 9 to 11.
func network() []Requirement {
	honoured := Variation{"rfc8869/3.3-1-wmm-against-bulk.yaml", nil}
	swallowed := Variation{"network/black-hole-dscp.yaml", nil}
	cut := Variation{"control/reverse-black-out.yaml", nil}
	codel, pie := aqm("codel", "off"), aqm("pie", "off")
	one := own("queues", "network.links.bottleneck.forward.queue.type=codel")
	each := own("queues", "network.links.bottleneck.forward.queue.type=fq-codel")
	return []Requirement{
		{ID: "9", Text: "Code points are made use of where the network honours them, and it may not.", Figures: []Figure{
			honoured.figure("lowest of eight videos marked AF42, beside ten TCP in a WMM network", "rate-lowest", "Up*/video, DownFN*/video", "20s..60s"),
			swallowed.figure("loss of audio marked EF where EF is dropped, from 4 s on", "loss", "S1/audio", "4s..20s"),
		}, Note: "Code points are the endpoint's doing; no controller looks at them. All of a session have one controller, whatever their code points."},
		{ID: "10", Text: "Want of feedback may be a sign of overload, to be taken as one.", Figures: []Figure{
			cut.figure("sent after 0.6 s without feedback, from 1.55 Mbit/s", "send-rate", "S1/video", "30.6s..31s"),
			cut.figure("sent after two seconds without", "send-rate", "S1/video", "42s..43s"),
		}},
		{ID: "11", Text: "Stable, with little delay, where queues are managed, be it one or several.", Figures: []Figure{
			codel.figure("queue of CoDel that drops", "queue-delay-p95", "bottleneck/forward", "10s..40s"),
			codel.figure("use of the link", "utilization-of-available", "bottleneck/forward", "10s..40s"),
			pie.figure("queue of PIE", "queue-delay-p95", "bottleneck/forward", "10s..40s"),
			pie.figure("use of the link", "utilization-of-available", "bottleneck/forward", "10s..40s"),
			one.figure("rate beside TCP on 2 Mbit/s, one CoDel for both", "receive-rate", "S1/video", "20s..80s"),
			one.figure("delay there, 30 ms of it the path's", "one-way-delay-p95", "S1/video", "20s..80s"),
			each.figure("rate beside TCP, FQ-CoDel with a queue for each", "receive-rate", "S1/video", "20s..80s"),
			each.figure("delay there", "one-way-delay-p95", "S1/video", "20s..80s"),
		}},
	}
}

// security is §5.
func security() []Requirement {
	return []Requirement{{
		ID: "security", Text: "Nobody on the path can fake feedback that would change the rate.",
		Tests: []string{
			"endpoints.TestForgedPacketsAreCountedAndDropped",
			"endpoints/protect.TestReplayWindowOfRTCP",
		},
		Note: "SRTCP authenticates feedback. That packets are delayed or dropped it can't prevent, nor that a receiver lies to its peer: who claims to have received what was lost isn't shown.",
	}}
}
