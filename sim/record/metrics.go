package record

// Names of time series. Rates count IP and UDP headers unless they say
// otherwise.
const (
	// Of a link direction, such as "bottleneck/forward".
	Capacity    = "capacity"     // bit/s the link can carry
	Available   = "available"    // bit/s: the smaller of capacity and what the sources that cross it can send
	Throughput  = "throughput"   // bit/s that left the serializer
	QueueDelay  = "queue-delay"  // ms between arrival at the queue and start of serialization, mean
	QueueLength = "queue-length" // bytes waiting, at the start of the bin
	Arrivals    = "arrivals"     // packets that came to the link
	Drops       = "drops"        // packets that the link lost or its queue dropped
	Marks       = "marks"        // packets that the queue marked CE

	// Of a media stream, such as "S1/video"; rates, packets and one-way delay
	// also of traffic, such as "web".
	SendRate        = "send-rate"         // bit/s that entered the network
	ReceiveRate     = "receive-rate"      // bit/s that arrived
	EncoderRate     = "encoder-rate"      // bit/s of encoded frames, without any header
	EncoderGoal     = "encoder-goal"      // bit/s the encoder was asked for
	Goodput         = "goodput"           // bit/s of payload in frames that were rendered
	SentPackets     = "sent-packets"      // packets that entered the network
	MarkedPackets   = "marked-packets"    // packets that a queue marked CE, at that time
	LostPackets     = "lost-packets"      // packets that the network lost, at the time of the loss
	OneWayDelay     = "one-way-delay"     // ms from entering the network to arrival, mean
	FrameDelay      = "frame-delay"       // ms from capture to rendering, mean
	FreezeTime      = "freeze-time"       // ms of frozen picture in the bin
	FrameRate       = "frame-rate"        // frames rendered per second
	Undecodable     = "undecodable"       // frames whose references are missing
	RepairRate      = "repair-rate"       // bit/s of packets sent again, and of FEC
	Restored        = "restored"          // lost packets that came after all, repaired
	RepairFrames    = "repair-frames"     // frames that repair a picture by less than a key frame
	RepairFrameSize = "repair-frame-size" // of them, as a multiple of the rate's share of a frame, mean
	Refreshes       = "refreshes"         // key frames that the receiver asked for
	ReportedLoss    = "reported-loss"     // share lost in the last report that the sender has had, of the worst receiver
	Jitter          = "jitter"            // ms of interarrival jitter (RFC 3550 §6.4.1), in the same reports
	ReportedMarks   = "reported-marks"    // packets marked CE that ECN feedback has told the sender of, when it did (RFC 6679)
	CapablePackets  = "capable-packets"   // ECN-capable packets that entered the network, of a stream with ECN feedback
	VideoScore      = "video-score"       // 0 to 100, of each second: a proxy, see docs/quality.md
	AVSkew          = "av-skew"           // ms by which the picture is later than the sound of the same moment, mean
	AudioDue        = "audio-due"         // ms of audio that was to be heard in the bin
	Concealed       = "concealed"         // ms of that for which something had to stand in
	MouthToEar      = "mouth-to-ear"      // ms from mouth to ear, mean of the frames that were heard
	BufferDelay     = "buffer-delay"      // ms of the jitter buffer: from when the fastest packets would come to play-out, of the last frame in the bin
	BufferTarget    = "buffer-target"     // ms that it aims at, at the end of the bin
	MOS             = "mos"               // mean opinion score by the E-model, of each 5 s

	// Of traffic by TCP.
	CongestionWindow = "congestion-window" // bytes, of all connections together
	Retransmissions  = "retransmissions"   // segments sent again

	// Of a connection, such as "S1-R1": S1's side of it.
	Target      = "target"       // bit/s the controller allows
	PacingRate  = "pacing-rate"  // bit/s of the pacer
	PacerDelay  = "pacer-delay"  // ms that the pacer's backlog takes to send
	RTT         = "rtt"          // ms, from LSR and DLSR
	RTCPRate    = "rtcp-rate"    // bit/s of RTCP sent, at an endpoint's connection
	RTCPShare   = "rtcp-share"   // bit/s of RTCP that the rules allow the endpoint
	RTCPPackets = "rtcp-packets" // RTCP packets sent in the bin
	Timeouts    = "timeouts"     // members that the endpoint believed to have gone, in the bin
	Checks      = "checks"       // messages of STUN's Binding sent in the bin, in a call that is signalled
	Handshakes  = "handshakes"   // packets of DTLS sent in the bin, likewise
	Relayed     = "relayed"      // 1 while what the endpoint sends goes over a TURN server, 0 while it doesn't
	Mixes       = "mixes"        // that a mixer has made in the bin, of all its frames
	Decodes     = "decodes"      // frames of audio that it has decoded in the bin
	Encodes     = "encodes"      // and encoded
	Suppressed  = "suppressed"   // packets that a relay hasn't copied, or frames that a mixer hasn't mixed, as they came from elsewhere than at first
	HeldBack    = "held-back"    // copies that a relay hasn't made, as it was told to hold them back
	Members     = "members"      // of the session that the end knows, itself included
)

// SignalPrefix begins the names of series of a controller's inner values, such as
// signal/x-curr; what they are is the controller's to say.
const SignalPrefix = "signal/"

// DropsPrefix begins the names of series of the packets that a link, or a node of the network, has dropped for one reason,
// such as drops/queue-full. There is one for what has happened.
const DropsPrefix = "drops/"

// RTCPPrefix begins the names of series of an endpoint's RTCP messages of one kind, such as rtcp/NACK. There is one for
// what was sent.
const RTCPPrefix = "rtcp/"

// Names of distributions.
const (
	QueueDelays  = "queue-delay"   // of a link: every packet's time in the queue, ms
	PacketDelays = "one-way-delay" // of a stream: every packet's one-way delay, ms
	FrameDelays  = "frame-delay"   // of a stream: every rendered frame's delay, ms
	AVSkews      = "av-skew"       // of video: of every picture, how far it is apart from the sound, ms
	Intervals    = "rtcp-interval" // of a source of RTCP, such as "R1/video": between two packets with its report, ms
)
