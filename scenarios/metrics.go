package scenarios

import (
	"slices"

	"rtpfabric/sim/record"
)

// MetricInfo describes a metric that expectations can name.
type MetricInfo struct {
	Name string
	// Of is the key of an expectation that says where it is measured: flow,
	// flows, link, endpoint, connection or source.
	Of string
	// Unit of the value in a verdict: bit/s, ms, 1/s, or 1 for a ratio.
	Unit string
	// Example of a bound, such as 60ms.
	Example string
	Doc     string
}

// metric is a MetricInfo and how its value comes out of a record.
type metric struct {
	name, of string
	quantity quantity
	doc      string
	measure  func(m measurement) float64 // NaN if there is no data
	only     condition
}

// condition is what must be so for a metric to have a value.
type condition uint8

const (
	always       condition = iota
	withRate               // the direction of the link has a rate
	ofVideo                // the flow is video
	ofSender               // the first end of the connection sends media
	ofAudio                // the flow is audio
	ofMedia                // the flow is video or audio
	ofTCP                  // the flow is traffic of TCP
	ofBreaker              // the flow is media that circuit breakers watch
	ofECN                  // the flow is media with ECN feedback
	ofMixer                // the endpoint is a mixer
	ofRelay                // the endpoint is a relay
	ofSignalling           // the endpoint agrees on its call during the run
	ofGathering            // and gathers candidates for it
)

// metrics are all metrics in the order of help texts.
var metrics = slices.Concat(
	[]metric{
		{"utilization", "link", ratio, "share of the link's capacity that was used", quotient(record.Throughput, record.Capacity), withRate},
		{"utilization-of-available", "link", ratio, "share used of what the link could carry and the sources that cross it could send", quotient(record.Throughput, record.Available), withRate},
		{"throughput", "link", rate, "mean rate out of the link, with IP and UDP headers", mean(record.Throughput), withRate},
	},
	delays("queue-delay", "link", "time in the queue of all packets", record.QueueDelays, 0, 50, 95, 99, 100),
	[]metric{
		{"link-loss", "link", ratio, "share of the packets that came to the link which it lost or dropped", quotient(record.Drops, record.Arrivals), withRate},
		{"link-marks", "link", ratio, "share of the packets that came to the link which its queue marked CE", quotient(record.Marks, record.Arrivals), withRate},

		{"send-rate", "flow", rate, "mean rate into the network, with IP and UDP headers", mean(record.SendRate), always},
		{"receive-rate", "flow", rate, "mean rate at the receiver, with IP and UDP headers", mean(record.ReceiveRate), always},
		{"encoder-rate", "flow", rate, "mean rate of encoded frames, without any header", mean(record.EncoderRate), ofMedia},
		{"goodput", "flow", rate, "mean rate of payload in rendered frames", mean(record.Goodput), ofMedia},
		{"frame-rate", "flow", perSecond, "mean number of frames rendered per second", mean(record.FrameRate), ofVideo},
		{"loss", "flow", ratio, "share of the packets sent that the network lost", quotient(record.LostPackets, record.SentPackets), always},
		{"reported-loss", "flow", ratio, "mean of the share lost that the sender knows from reports, of the worst receiver", mean(record.ReportedLoss), ofMedia},
		{"jitter", "flow", milliseconds, "mean of the interarrival jitter (RFC 3550 §6.4.1) in the same reports", mean(record.Jitter), ofMedia},
		{"residual-loss", "flow", ratio, "share of the packets sent that were lost and not repaired", residual, ofMedia},
		{"repair-rate", "flow", rate, "mean rate of packets sent again and of FEC, with IP and UDP headers", mean(record.RepairRate), ofVideo},
		{"undecodable", "flow", count, "frames that couldn't be decoded because what they are predicted from is missing", total(record.Undecodable), ofVideo},
		{"repair-frames", "flow", count, "frames that repair a picture by less than a key frame", total(record.RepairFrames), ofVideo},
		{"repair-frame-size", "flow", factor, "mean size of these frames, as a multiple of what the encoder's rate gives a frame", mean(record.RepairFrameSize), ofVideo},
		{"refreshes", "flow", count, "key frames that the receiver asked for", total(record.Refreshes), ofVideo},
		{"marks", "flow", ratio, "share of the packets sent that a queue marked CE", quotient(record.MarkedPackets, record.SentPackets), always},
		{"reported-marks", "flow", ratio, "share of the packets sent that ECN feedback said were marked CE (RFC 6679)", quotient(record.ReportedMarks, record.SentPackets), ofECN},
		{"ecn-capable", "flow", ratio, "share of the packets sent that were ECN-capable, with ECN feedback", quotient(record.CapablePackets, record.SentPackets), ofECN},
		{"retransmissions", "flow", ratio, "share of TCP's segments that were sent again", quotient(record.Retransmissions, record.SentPackets), ofTCP},
		{"loss-of-all", "flows", ratio, "share of the packets of all these flows that the network lost", pooled(record.LostPackets, record.SentPackets), always},
		{"jain", "flows", ratio, "Jain's index of fairness of the rates at the receivers, 100 % if all are equal", several(jain), always},
		{"rate-ratio", "flows", factor, "highest over lowest mean rate at the receivers", several(spread), always},
		{"rate-quotient", "flows", factor, "mean rate of the first flow at the receiver over the mean of the others", several(firstToOthers), always},
		{"rate-sum", "flows", rate, "sum of the mean rates at the receivers", several(sum), always},
		{"rate-lowest", "flows", rate, "lowest mean rate at the receivers", several(slices.Min[[]float64]), always},
		{"rate-highest", "flows", rate, "highest mean rate at the receivers", several(slices.Max[[]float64]), always},
	},
	delays("one-way-delay", "flow", "one-way delay of all packets", record.PacketDelays, 0, 50, 95, 99, 100),
	delays("frame-delay", "flow", "time from capture to rendering of all rendered frames", record.FrameDelays, 0, 50, 95, 99, 100),
	[]metric{
		{"freeze-time", "flow", milliseconds, "total time of frozen picture", total(record.FreezeTime), ofVideo},
		{"video-score", "flow", points, "mean of the score of each second, 0 to 100; a proxy, see docs/quality.md", mean(record.VideoScore), ofVideo},
		{"mos", "flow", points, "mean of the mean opinion score of each 5 s, 1 to 4.5, by the E-model", mean(record.MOS), ofAudio},
		{"mos-min", "flow", points, "the least of them", least(record.MOS), ofAudio},
		{"concealed", "flow", ratio, "share of the audio that was missing when it was due", quotient(record.Concealed, record.AudioDue), ofAudio},
		{"mouth-to-ear", "flow", milliseconds, "mean time from mouth to ear", mean(record.MouthToEar), ofAudio},
	},
	digitMetrics(),
	breakerMetrics(),
	signallingMetrics(),
	delays("av-skew", "flow", "time between picture and sound of the same moment", record.AVSkews, 0, 50, 95, 100),
	[]metric{
		{"target", "connection", rate, "mean rate that the controller allows", mean(record.Target), ofSender},
		{"rtt", "connection", milliseconds, "mean round-trip time from LSR and DLSR", mean(record.RTT), always},
		{"members", "connection", count, "mean number of members of the RTP session that the end knows", mean(record.Members), always},

		{"rtcp-rate", "endpoint", rate, "mean rate of RTCP that the endpoint sends", mean(record.RTCPRate), always},
		{"rtcp-share", "endpoint", ratio, "RTCP that the endpoint sends, as a share of what the rules allow it", quotient(record.RTCPRate, record.RTCPShare), always},
		{"rtcp-packet-rate", "endpoint", perSecond, "RTCP packets that the endpoint sends per second", frequency(record.RTCPPackets), always},
		{"mixes", "endpoint", perSecond, "mixes that a mixer makes per second, of 50 frames", frequency(record.Mixes), ofMixer},
		{"decodes", "endpoint", perSecond, "frames of audio, and pictures, that a mixer or a transcoder decodes per second", frequency(record.Decodes), ofMixer},
		{"encodes", "endpoint", perSecond, "frames of audio, and pictures, that a mixer or a transcoder encodes per second", frequency(record.Encodes), ofMixer},
		{"suppressed", "endpoint", count, "packets that a relay hasn't copied, or frames that a mixer of a cascade hasn't mixed, as their SSRC is heard from elsewhere", total(record.Suppressed), ofRelay},
		{"held-back", "endpoint", count, "copies that a relay was told not to make", total(record.HeldBack), ofRelay},
		{"timeouts", "endpoint", count, "members that the endpoint believed to have gone", total(record.Timeouts), always},

		{"rtcp-interval", "source", milliseconds, "mean of the time between two reports of the source", sample(record.Intervals, 0), always},
	},
	delays("rtcp-interval", "source", "time between two reports of the source", record.Intervals, 5, 50, 95, 100),
)

// delays makes a metric of each of several statistics of a distribution: of
// the percentile with that number, of the mean for 0, of the maximum for 100.
func delays(name, of, doc, distribution string, percentiles ...int) []metric {
	only := always
	switch {
	case of == "link":
		only = withRate
	case distribution == record.FrameDelays:
		only = ofMedia
	case distribution == record.AVSkews:
		only = ofVideo
	}
	var list []metric
	for _, p := range percentiles {
		suffix, what := statistic(p)
		list = append(list, metric{
			name: name + "-" + suffix, of: of, quantity: milliseconds,
			doc: what + " of the " + doc, measure: sample(distribution, p), only: only,
		})
	}
	return list
}

func findMetric(name string) *metric {
	for i := range metrics {
		if metrics[i].name == name {
			return &metrics[i]
		}
	}
	return nil
}

func metricNames() []string {
	var names []string
	for _, m := range metrics {
		names = append(names, m.name)
	}
	return names
}

// Metrics returns what expectations can name, grouped by where it is measured.
func Metrics() []MetricInfo {
	var list []MetricInfo
	for _, m := range metrics {
		list = append(list, MetricInfo{Name: m.name, Of: m.of, Unit: m.quantity.unit, Example: m.quantity.example, Doc: m.doc})
	}
	return list
}
