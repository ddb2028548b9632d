package rfc8836

import "slices"

// Requirements returns all of them in the order of the RFC.
func Requirements() []Requirement {
	return slices.Concat(delay(), fairness(), starting(), pausing(), several(), signals(), backchannel(), network(), security())
}

// The runs that several requirements share. Where a file has several delays, queues or
// controls, this is the first.
var (
	variable   = Variation{"rfc8867/5.1-link-rate.yaml", []string{"network.links.bottleneck.forward.delay=50ms"}}
	competing  = Variation{"rfc8867/5.4-competing-flows.yaml", nil}
	unequal    = Variation{"rfc8867/5.5-rtt-fairness.yaml", nil}
	downloads  = Variation{"rfc8867/5.7-short-tcp.yaml", nil}
	againstTCP = longTCP("300ms")
	crossing   = Variation{"rfc8867/6.3-multiple-bottlenecks.yaml", nil}
	streams    = Variation{"control/e38-streams.yaml", nil}
)

func longTCP(queue string) Variation {
	return Variation{"rfc8867/5.6-long-tcp.yaml", []string{
		"network.links.bottleneck.forward.queue.length=" + queue, "traffic.tcp.control=newreno",
	}}
}

// own is a scenario made for a requirement.
func own(name string, set ...string) Variation { return Variation{"rfc8836/" + name + ".yaml", set} }

// delay is requirement 1.
func delay() []Requirement {
	jitter, route, interfaces := own("jitter"), own("route-change"), own("interface-change")
	unmute, bursts, chunks := own("unmute"), own("bursts"), own("chunks")
	return []Requirement{
		{ID: "1", Text: "As little delay as the path allows, at a rate that is of use; where that isn't enough for all streams, the application may leave some out.", Figures: []Figure{
			variable.figure("queue, a video on 1 Mbit/s", "queue-delay-p95", "bottleneck/forward", "10s..40s"),
			variable.figure("use of the link", "utilization-of-available", "bottleneck/forward", "10s..40s"),
			streams.figure("audio, beside two videos on 300 kbit/s", "receive-rate", "S1/audio", "75s..90s"),
		}, Note: "An application that leaves streams out by itself isn't modelled; a stream that is useless is stopped by circuit breakers (docs/breakers.md)."},
		{ID: "1a", Text: "Jitter counts: what matters is the delay at its short-term highest.", Figures: []Figure{
			jitter.figure("delay with 30 ms of path and up to 60 ms of jitter", "one-way-delay-p99", "S1/video", "20s..60s"),
			jitter.figure("use of the link", "utilization", "path/forward", "20s..60s"),
		}},
		{ID: "1b", Text: "Little delay of its own making also with bottlenecks in the middle and competing flows.", Figures: []Figure{
			crossing.figure("first queue of two", "queue-delay-p95", "first/forward", "40s..299s"),
			crossing.figure("second queue", "queue-delay-p95", "second/forward", "40s..299s"),
			competing.figure("queue that three videos share", "queue-delay-p95", "bottleneck/forward", "60s..119s"),
		}},
		{ID: "1c", Text: "When routes or bottlenecks change for the worse it reacts within a few round trips, likely within a second, so that no delay builds up.", Figures: []Figure{
			route.figure("sent 1 s after the route came to have 600 kbit/s", "send-rate", "S1/video", "31s..32s"),
			route.figure("queue from 3 s after", "queue-delay-p95", "narrow/forward", "33s..40s"),
			variable.figure("loss after a step from 2.5 Mbit/s to 600 kbit/s", "loss", "S1/video", "62s..99s"),
		}},
		{ID: "1d", Text: "The same when an interface changes, at this end or at the other.", Figures: []Figure{
			interfaces.figure("sent 1 s after the sender's interface has 800 kbit/s", "send-rate", "S1/video", "21s..22s"),
			interfaces.figure("queue there", "queue-delay-p95", "local/forward", "24s..40s"),
			interfaces.figure("sent 1 s after the receiver's has", "send-rate", "S1/video", "61s..62s"),
			interfaces.figure("queue there", "queue-delay-p95", "remote/forward", "64s..80s"),
		}, Note: "Controllers have to find out: a notification of the interface's change, which the RFC takes for granted, doesn't exist here."},
		{ID: "1e", Text: "It copes with sources that send less than they may, nothing, and then much.", Figures: []Figure{
			unmute.figure("queue in the first seconds of a camera switched on", "queue-delay-p95", "path/forward", "30s..33s"),
			unmute.figure("loss then", "loss", "S1/video", "30s..40s"),
			unmute.figure("rate from ten seconds after", "rate-sum", "S1/*", "40s..60s"),
		}},
		{ID: "1f", Text: "Short bursts of others don't make it build up a queue, and it has its share again soon after them.", Figures: []Figure{
			bursts.figure("queue after a page was fetched", "queue-delay-p95", "bottleneck/forward", "23s..40s"),
			bursts.figure("rate from five seconds after it", "receive-rate", "S1/video", "26s..40s"),
			downloads.figure("use of the link after four minutes of downloads", "utilization-of-available", "bottleneck/forward", "260s..299s"),
		}},
		{ID: "1g", Text: "Periodic bursts, such as of streaming in chunks, have no more delay because of it.", Figures: []Figure{
			chunks.figure("mean delay beside a film, which alone makes 90 ms", "one-way-delay-mean", "S1/audio", "28s..80s"),
			chunks.figure("rate beside the film", "receive-rate", "S1/video", "28s..80s"),
		}},
	}
}

// fairness is requirements 2 and 3.
func fairness() []Requirement {
	pairs := Variation{"control/e38-tcp.yaml", []string{"let.pairs=4"}}
	slow := longTCP("1000ms")
	return []Requirement{
		{ID: "2", Text: "Fair to others of its kind, also with unlike round trips if possible, and to TCP, long-lived and in bursts.", Figures: []Figure{
			competing.figure("Jain's index of three of its kind", "jain", "S*/video", "60s..119s"),
			unequal.figure("highest to lowest rate, delays of 10 to 150 ms", "rate-ratio", "S*/video", "120s..299s"),
			pairs.figure("one of four TCP to the mean of four videos", "rate-quotient", "tcp1, S*/video", "40s..100s"),
			downloads.figure("what short TCP flows get", "receive-rate", "web", "20s..240s"),
		}},
		{ID: "2a", Text: "Those that are there make room for those that come, which soon have a useful share.", Figures: []Figure{
			competing.figure("the lower of two, twelve seconds after the second came", "rate-lowest", "S1/video, S2/video", "32s..40s"),
		}},
		{ID: "3", Text: "It doesn't starve TCP and isn't starved by it.", Figures: []Figure{
			againstTCP.figure("what one TCP gets of 2 Mbit/s", "receive-rate", "tcp", "20s..119s"),
			againstTCP.figure("what the video gets", "receive-rate", "S1/video", "50s..80s"),
		}},
		{ID: "3a", Text: "A useful share goes before the least delay, where both can't be had.", Figures: []Figure{
			slow.figure("video beside TCP that fills a queue of a second", "receive-rate", "S1/video", "80s..119s"),
		}},
	}
}

// starting is requirement 4.
func starting() []Requirement {
	below := own("start", "media.0.encoder.start=150kbps")
	known := own("start", "media.0.encoder.start=1.3Mbps")
	above := own("start", "media.0.encoder.start=3Mbps")
	return []Requirement{
		{ID: "4", Text: "It adapts quickly to the path at the start, from below and from above its capacity.", Figures: []Figure{
			below.figure("rate after three seconds, from 150 kbit/s", "receive-rate", "S1/video", "3s..6s"),
			above.figure("sent after a second, from 3 Mbit/s", "send-rate", "S1/video", "1s..2s"),
			above.figure("queue after three seconds", "queue-delay-p95", "path/forward", "3s..6s"),
			above.figure("loss in the first six seconds", "loss", "S1/video", "0s..6s"),
		}},
		{ID: "4a", Text: "It may start otherwise than it goes on: slowly, by probing, or by what is known of the path.", Figures: []Figure{
			known.figure("rate after three seconds, from 1.3 Mbit/s", "receive-rate", "S1/video", "3s..6s"),
			known.figure("queue then", "queue-delay-p95", "path/forward", "3s..6s"),
		}, Note: "`encoder.start` is the rate that history suggests, for every controller. Probes are gcc's own."},
	}
}

// pausing is requirement 5.
func pausing() []Requirement {
	paused := Variation{"rfc8867/5.8-pause-and-resume.yaml", nil}
	discontinuous, resume := own("discontinuous"), own("resume")
	return []Requirement{
		{ID: "5", Text: "It stays stable when streams halt or come and go.", Figures: []Figure{
			discontinuous.figure("queue, a video of two seconds every four", "queue-delay-p95", "path/forward", "20s..60s"),
			discontinuous.figure("loss", "loss", "S1/video", "20s..60s"),
			paused.figure("highest to lowest rate of three after one paused", "rate-ratio", "S*/video", "80s..119s"),
		}},
		{ID: "5a", Text: "After a pause it soon has its share again, the less boldly the longer the pause.", Figures: []Figure{
			resume.figure("rate from a second after a pause of 2 s", "receive-rate", "S1/video", "31s..34s"),
			resume.figure("queue", "queue-delay-p95", "path/forward", "30s..34s"),
			resume.figure("rate from a second after a pause of 20 s", "receive-rate", "S1/video", "61s..64s"),
			resume.figure("queue", "queue-delay-p95", "path/forward", "60s..64s"),
		}},
	}
}

// several is requirement 6.
func several() []Requirement {
	coupled := Variation{"control/coupled.yaml", []string{"congestion.coupled=active"}}
	return []Requirement{
		{ID: "6", Text: "Streams between two endpoints that share a bottleneck are controlled together, on the same ports or not.", Figures: []Figure{
			streams.figure("audio beside two videos on 1 Mbit/s", "receive-rate", "S1/audio", "45s..70s"),
			coupled.figure("three sessions on three ports: the first of double weight to the others", "rate-quotient", "S/main, S/second, S/third", "40s..120s"),
			coupled.figure("their queue", "queue-delay-p95", "bottleneck/forward", "40s..120s"),
		}, Note: "All streams of a session have one controller. Sessions are coupled by RFC 8699, which knows no rule for windows: scream and scream-v2 can't be."},
		{ID: "6a", Text: "Information is shared with other flows between the endpoints, such as a data channel.", Note: "Not shown: there are no data channels here."},
		{ID: "6b", Text: "The application says how streams on one 5-tuple divide their rate.", Figures: []Figure{
			streams.figure("video of double priority to the other, on 2 Mbit/s", "rate-quotient", "S1/main, S1/side", "20s..40s"),
			streams.figure("the same on 1 Mbit/s", "rate-quotient", "S1/main, S1/side", "45s..70s"),
		}},
	}
}
