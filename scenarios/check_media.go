package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/scenarios/internal/strict"
)

func (c *checker) endpoints() {
	nodes := c.s.Nodes()
	for _, e := range c.s.Endpoints {
		p := at("endpoints", e.Name)
		c.name(p, e.Name, "an endpoint")
		if len(e.CNAME) > 255 || strings.ContainsRune(e.CNAME, 0) {
			c.fail(p.Child("cname"), "this doesn't fit an SDES item", "write up to 255 octets, none of which is zero")
		}
		if e.Leaves != nil && *e.Leaves > c.s.Duration {
			c.fail(p.Child("leaves"), fmt.Sprintf("%s lies after the end of the run at %s", format(*e.Leaves), format(c.s.Duration)), "choose an earlier time or a longer duration")
		}
		if e.DecodeTop > 0 && !slices.Contains(c.s.Extensions, "audio-level") {
			c.fail(p.Child("decode-top"), "nothing says how loud streams are", `add "extensions: [audio-level]"`)
		}
		c.codecs(&e, p.Child("codecs"))
		if slices.Contains(takenTypes, e.VideoType) {
			c.fail(p.Child("video-type"), fmt.Sprintf("%d is the payload type of something else", e.VideoType), "write 96, or one of 100 to 110")
		}
		if e.Floods != nil {
			c.floods(&e, p.Child("floods"))
		}
		if e.Interworking {
			c.interworking(&e, p.Child("interworking"))
		}
		if !slices.Contains(nodes, e.At) {
			c.fail(p.Child("at"), fmt.Sprintf("no link has the node %q", e.At), instead(e.At, nodes, "the nodes"))
		}
		if c.callsAreKnown() && !slices.ContainsFunc(c.s.Topology.Calls(), func(call []string) bool { return slices.Contains(call, e.Name) }) {
			c.failKey(p, "this endpoint takes no part", "add it to topology's peers or pairs, or remove it")
		}
	}
}

// floods checks when an endpoint asks for key frames, and that it can.
func (c *checker) floods(e *Endpoint, p strict.Path) {
	switch f := e.Floods; {
	case f.During.To <= f.During.From || f.During.To > c.s.Duration:
		c.fail(p.Child("during"), fmt.Sprintf("%s..%s is no part of the run", format(f.During.From), format(f.During.To)), fmt.Sprintf("write two times up to %s, the earlier first", format(c.s.Duration)))
	case c.s.RTCPOf(e.Name).Profile == "avp":
		c.failKey(p, fmt.Sprintf("%s has no feedback messages to ask with", e.Name), `write "profile: avpf" in its rtcp`)
	}
}

// takenTypes are payload types that others than video have: retransmissions, FEC and Opus.
var takenTypes = []int{97, 98, 111, 116, 117, 118}

// videoTypes refuses ends of a session that take different payload types for video: what one
// sends means something else, or nothing, to the other (RFC 7667 §3.5.1).
func (c *checker) videoTypes() {
	for _, ends := range c.s.Topology.Gatherings() {
		var first *Endpoint
		for _, name := range ends {
			e := c.s.Endpoint(name)
			switch {
			case e == nil:
			case first == nil:
				first = e
			case e.VideoType != first.VideoType:
				where := c.firstOf(at("endpoints", e.Name, "video-type"), at("endpoints", first.Name, "video-type"))
				c.fail(where, fmt.Sprintf("video is payload type %d to %s and %d to %s, and in an RTP session a type means the same everywhere", first.VideoType, first.Name, e.VideoType, e.Name), "give them the same")
			}
		}
	}
	if t := &c.s.Topology; t.Forwarded() {
		for _, name := range t.Everyone() {
			if e := c.s.Endpoint(name); e != nil && e.VideoType != 96 {
				c.fail(at("endpoints", e.Name, "video-type"), "to the middlebox video is payload type 96", "remove it")
			}
		}
	}
}

// interworking checks that there is something to rewrite.
func (c *checker) interworking(e *Endpoint, p strict.Path) {
	switch {
	case c.s.Topology.Grouped():
		c.failKey(p, "an interworking function stands between two ends, and here is a group", "remove it")
	case c.s.RTCPOf(e.Name).Profile != "avp":
		c.failKey(p, fmt.Sprintf("%s has AVPF itself", e.Name), `remove it, or write "type: legacy-avp"`)
	}
}

func (c *checker) endpointNames() []string {
	var names []string
	for _, e := range c.s.Endpoints {
		names = append(names, e.Name)
	}
	return names
}

// maxMedia is the number of streams that a pair of endpoints, or a group, may have.
const maxMedia = 400

// crowded counts a stream in every pair that has it, and refuses one too many, once.
func (c *checker) crowded(m *Media, p strict.Path, streams map[[2]string]int) {
	t := &c.s.Topology
	var pairs [][2]string
	remedy := "have fewer streams"
	switch {
	case t.Grouped():
		pairs = [][2]string{{"the peers of the relay"}}
	case t.Forked():
		for _, call := range t.Calls() {
			if slices.Contains(call, m.From) {
				pairs = append(pairs, [2]string{call[0], call[1]})
			}
		}
	case t.Meshed():
		for _, peer := range t.Peers {
			if peer != m.From && (m.To == "" || m.To == peer) {
				pairs = append(pairs, [2]string{min(m.From, peer), max(m.From, peer)})
			}
		}
	case t.Forwarded():
		for _, peer := range t.Everyone() {
			if peer == m.From || t.Type == SFM {
				pairs = append(pairs, [2]string{peer, t.BoxOf(peer)})
			}
		}
		remedy = "have fewer streams, or fewer peers"
	default:
		pairs, remedy = [][2]string{{min(m.From, m.To), max(m.From, m.To)}}, "use several calls"
	}
	told := false
	for _, pair := range pairs {
		if streams[pair]++; streams[pair] == maxMedia+1 && !told {
			told = true
			c.fail(p, fmt.Sprintf("more than %d streams between %s are too many", maxMedia, between(pair)), remedy)
		}
	}
}

func between(pair [2]string) string {
	if pair[1] == "" {
		return pair[0]
	}
	return pair[0] + " and " + pair[1]
}

func (c *checker) media() {
	perCall := map[[2]string]int{}
	flows, callOf := map[string]bool{}, map[string]string{}
	schemes := map[string]string{}
	for i := range c.s.Media {
		m := &c.s.Media[i]
		p := at("media", i)
		c.name(p.Child("name"), m.Name, "a stream")
		if flows[m.FlowName()] {
			c.fail(c.firstOf(p.Child("name"), p), fmt.Sprintf("there are two streams called %s", m.FlowName()), "give one of them another \"name:\"")
		}
		flows[m.FlowName()] = true
		call := min(m.From, m.To) + " " + max(m.From, m.To)
		if c.s.Topology.Grouped() || c.s.Topology.Meshed() || c.s.Topology.Forwarded() || c.s.Topology.Forked() {
			call = c.s.Topology.Type
		}
		c.spoofs(m, p)
		c.simulcast(i, p)
		c.sources(m, p, call, callOf)
		c.crowded(m, p, perCall)
		switch {
		case c.s.Topology.Grouped():
			c.relayed(i, p)
		case c.s.Topology.Meshed(), c.s.Topology.Forwarded():
			c.meshed(m, p)
		case c.s.Topology.Forked():
			c.forked(m, p)
		default:
			c.ends(m, p)
		}
		c.msid(m, p.Child("msid"))
		c.times(m, p)
		c.limits(m, p)
		c.tradeOffs(m, p)
		if m.Speech != nil {
			c.speech(m, p)
		}
		if m.FEC != nil {
			c.fec(m, p, call, schemes)
		}
		if m.Kind == "video" {
			c.video(m, p)
		} else {
			c.audio(m, p)
		}
	}
}

// sources checks that the names of a stream's sources of RTCP mean one call.
func (c *checker) sources(m *Media, p strict.Path, call string, callOf map[string]string) {
	for _, name := range c.s.sourceNames(m) {
		if other, taken := callOf[name]; taken && other != call {
			c.fail(c.firstOf(p.Child("name"), p), fmt.Sprintf("%s would be a source of RTCP in two calls", name), "give one of the streams another \"name:\"")
			return
		}
		callOf[name] = call
	}
}

// ends checks who sends to whom.
func (c *checker) ends(m *Media, p strict.Path) {
	if !c.callsAreKnown() {
		return // reported at the topology
	}
	other := c.s.otherPeer(m.From)
	if other == "" {
		if c.s.Endpoint(m.From) != nil {
			return // it takes part in several calls, or in none: reported there
		}
		c.fail(p.Child("from"), fmt.Sprintf("%q takes part in no call", m.From), instead(m.From, c.endpointNames(), "the endpoints"))
		return
	}
	if m.To != other {
		c.fail(p.Child("to"), fmt.Sprintf("%q is not the peer of %s", m.To, m.From), fmt.Sprintf("write %s, or leave it out", other))
	}
}

// checkMoments refuses stretches to draw a start and a stop from that overlap:
// whether the start comes first would depend on the seed. So would what devices do that ring too long.
func checkMoments(s *Scenario, places *strict.Places) []*strict.Error {
	c := checker{s: s, places: places}
	check := func(start Moment, stop *Moment, p strict.Path) {
		drawn := stop != nil && (start.From != start.To || stop.From != stop.To)
		if drawn && start.To >= stop.From {
			c.fail(p.Child("start"), fmt.Sprintf("the start, %s, may not come before the stop, %s", start, stop), "let the one end before the other begins")
		}
	}
	for i := range s.Media {
		check(s.Media[i].Start, s.Media[i].Stop, at("media", i))
	}
	for i := range s.Traffic {
		check(s.Traffic[i].Start, s.Traffic[i].Stop, at("traffic", s.Traffic[i].Name))
	}
	if g := s.Signalling; g != nil && g.Fork != nil {
		for i := range g.Fork.Devices {
			g.Fork.Devices[i].rings(&c)
		}
	}
	return c.errs
}

func (c *checker) times(m *Media, p strict.Path) {
	start, stop := m.Start.From, m.Stop.From
	e := c.s.Endpoint(m.From)
	switch {
	case e != nil && e.Leaves != nil && stop > *e.Leaves:
		c.fail(c.firstOf(p.Child("stop"), p.Child("lasts"), p), fmt.Sprintf("%s leaves at %s, before the stream ends at %s", e.Name, format(*e.Leaves), format(stop)), "let the stream end earlier")
	case m.Lasts != nil:
		c.failKey(p.Child("lasts"), "the end is said already", `remove "stop:" or "lasts:"`)
	case stop > c.s.Duration:
		c.fail(p.Child("stop"), fmt.Sprintf("%s lies after the end of the run at %s", format(stop), format(c.s.Duration)), "choose an earlier time or a longer duration")
	case start >= stop:
		c.fail(c.firstOf(p.Child("start"), p.Child("stop")), fmt.Sprintf("the stream starts at %s, which is not before it stops at %s", format(start), format(stop)), "let it start earlier or stop later")
	}
	last := start
	for i, pause := range m.Pauses {
		q := p.Child("pauses").Child(fmt.Sprint(i))
		if pause.From < last || pause.To > stop {
			c.fail(q, fmt.Sprintf("%s is not within what is left of the stream, %s..%s", pause, format(last), format(max(last, stop))), "put the pauses in order, after the start and before the stop")
		}
		last = pause.To
	}
}

// limits checks that limits are in order, within the run.
func (c *checker) limits(m *Media, p strict.Path) {
	last := time.Duration(-1)
	for i, l := range m.Limits {
		last = c.next(p.Child("limits").Child(fmt.Sprint(i)), l.At, last, "limits")
	}
}

// tradeOffs checks that requests are in order, within the run, and can be made.
func (c *checker) tradeOffs(m *Media, p strict.Path) {
	if len(m.TradeOffs) == 0 {
		return
	}
	q := p.Child("trade-offs")
	switch {
	case m.Kind != "video":
		c.failKey(q, "this is a field of video", "remove it")
	case c.s.Topology.Grouped():
		c.failKey(q, "requests need one receiver, and a group has several", "remove them")
	case c.s.RTCPOf(m.To).Profile == "avp":
		c.failKey(q, fmt.Sprintf("%s has no feedback messages to ask with", m.To), `write "profile: avpf" in its rtcp`)
	}
	last := time.Duration(-1)
	for i, r := range m.TradeOffs {
		last = c.next(q.Child(fmt.Sprint(i)), r.At, last, "trade-offs")
	}
}

// next checks that an item of a list comes after the one before, within the run, and
// returns its time.
func (c *checker) next(p strict.Path, t, last time.Duration, what string) time.Duration {
	p = p.Child("at")
	switch {
	case t <= last:
		c.fail(p, fmt.Sprintf("%s is not after %s", format(t), format(last)), fmt.Sprintf("put the %s in order", what))
	case t > c.s.Duration:
		c.fail(p, fmt.Sprintf("%s lies after the end of the run at %s", format(t), format(c.s.Duration)), "choose an earlier time or a longer duration")
	}
	return t
}

func (c *checker) video(m *Media, p strict.Path) {
	for _, name := range []string{"rate", "frame"} {
		if c.places.Has(p.Child(name)) {
			c.failKey(p.Child(name), "this is a field of audio", `for video, write "encoder: {min: 150kbps, max: 1.5Mbps}"`)
		}
	}
	e, q := m.Encoder, p.Child("encoder")
	c.frames(e, q)
	if e.Layers > 1 && c.s.Repair.repairsPictures() {
		c.fail(q.Child("layers"), "pictures with several temporal layers are repaired by key frames alone", `write "layers: 1"`)
	}
	switch start := *e.Start; {
	case e.Min > e.Max:
		c.fail(c.firstOf(q.Child("min"), q.Child("max")), fmt.Sprintf("min, %s, is above max, %s", e.Min, e.Max), "let min be at most max")
	case start < e.Min || start > e.Max:
		c.fail(q.Child("start"), fmt.Sprintf("start, %s, is outside min to max", start), fmt.Sprintf("write %s to %s", e.Min, e.Max))
	}
}

// opusPackets are how long packets of Opus are (RFC 6716 §3.2.5).
var opusPackets = []time.Duration{
	2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond,
	60 * time.Millisecond, 80 * time.Millisecond, 100 * time.Millisecond, 120 * time.Millisecond,
}

// encoderFields are what only some models of encoders have.
var encoderFields = fieldsOf{
	"statistical": {}, "perfect": {},
	"trace-driven": {"file!"}, "hybrid": {"file!"},
}

// frames checks the trace of an encoder that has one.
func (c *checker) frames(e *VideoEncoder, p strict.Path) {
	c.only(encoderFields, e.Model, "an encoder", p)
	if e.File == "" || !e.traced() {
		return
	}
	if _, err := c.s.ReadFrames(e); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(p.Child("file"), problem, remedy)
	}
}

func (c *checker) audio(m *Media, p strict.Path) {
	if c.places.Has(p.Child("encoder")) {
		c.failKey(p.Child("encoder"), "this is a field of video", `for audio, write "rate: 20kbps"`)
	}
	const around = 12 + 16 // RTP header, and the largest SRTP tag
	payload := m.Rate.BytesIn(*m.Frame)
	where := c.firstOf(p.Child("frame"), p.Child("rate"))
	switch {
	case payload < 1:
		c.fail(where, fmt.Sprintf("a frame of %s at %s has less than a byte", format(*m.Frame), *m.Rate), "write a longer frame or a higher rate")
	case m.Speech == nil && !slices.Contains(opusPackets, *m.Frame):
		c.fail(where, fmt.Sprintf("Opus has no packets of %s", format(*m.Frame)), "write 2.5ms, 5ms, 10ms, 20ms, or 40ms to 120ms in steps of 20ms")
	case payload > m.PacketSize-around:
		c.fail(where, fmt.Sprintf("a frame of %s at %s has %s, which doesn't fit into a packet of %s", format(*m.Frame), *m.Rate, payload, m.PacketSize), "write a shorter frame or a lower rate")
	}
}

// msid checks the names of MediaStreams.
func (c *checker) msid(m *Media, p strict.Path) {
	if len(m.MSID) > 0 && c.s.Topology.Grouped() {
		c.failKey(p, "descriptions of a group name no MediaStreams", "remove it")
		return
	}
	if err := endpoints.CheckMSID(m.MSID); err != nil {
		c.fail(p, err.Error(), "write identifiers such as [camera, meeting]")
	}
}
