package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/endpoints/dtmf"
	"rtpfabric/scenarios/internal/strict"
)

// maxDevices is how many devices somebody may have.
const maxDevices = 100

// fork checks who calls whom.
func (c *checker) fork() {
	t, p := &c.s.Topology, at("topology", "peers")
	if len(t.Pairs) > 0 {
		c.failKey(at("topology", "pairs"), "in a fork the first peer calls the others", `write "peers: [alice, desktop, phone]"`)
		return
	}
	if n := len(t.Peers); n < 2 || n > maxDevices+1 {
		c.fail(c.firstOf(p, at("topology")), fmt.Sprintf("a fork has a caller and 1 to %d devices, not %d peers", maxDevices, n), "write endpoints, like [alice, desktop, phone]")
		return
	}
	if !c.different(t.Peers, p) {
		return
	}
	for _, peer := range t.Peers[1:] {
		c.apart(t.Peers[0], peer, p)
	}
	if c.s.Signalling == nil {
		c.fail(at("topology", "type"), "a fork is signalled", `add "signalling: {at: …}"`)
	}
}

// forked checks a stream of a fork.
func (c *checker) forked(m *Media, p strict.Path) {
	t := &c.s.Topology
	if !c.callsAreKnown() {
		return
	}
	caller, devices := t.Peers[0], t.Peers[1:]
	switch {
	case !slices.Contains(t.Peers, m.From):
		c.fail(p.Child("from"), fmt.Sprintf("%q is none of the peers", m.From), instead(m.From, t.Peers, "the peers"))
	case m.From == caller && m.To != "" && len(devices) > 1:
		c.fail(p.Child("to"), "one offer goes to all devices", `remove "to:"`)
	case m.From != caller && m.To != caller && m.To != "": // which there is where a device stands twice
		c.fail(p.Child("to"), fmt.Sprintf("%s talks to %s", m.From, caller), `remove "to:"`)
	case m.From != caller && !slices.ContainsFunc(c.s.Media, func(o Media) bool { return o.From == caller && o.Name == m.Name && o.Kind == m.Kind }):
		c.fail(c.firstOf(p.Child("name"), p), fmt.Sprintf("%s offers no %s called %s, and an answer has what the offer has (RFC 3264 §6)", caller, m.Kind, m.Name),
			"let the caller have one of the same name and kind")
	}
	if m.Speech.converses() {
		c.fail(c.firstOf(p.Child("speech").Child("activity"), p.Child("speech")), "the model of a conversation has two ends, and here are more", `write "activity: always"`)
	}
}

// forking checks how an offer forks.
func (c *checker) forking() {
	t, f, p := &c.s.Topology, c.s.Signalling.Fork, at("signalling", "fork")
	g := c.s.Signalling
	caller, devices := t.Peers[0], t.Peers[1:]
	c.apply([]rule{
		{c.s.Security.ICE != "full", c.firstOf(at("security", "ice"), p), "lines of a fork are told apart by connectivity checks", `write "security: {ice: full}"`},
		{g.By != "server", at("signalling", "by"), "a server forks", "remove it"},
		{g.Resolves, at("signalling", "resolves"), "one end offers, once", "remove it"},
		{len(g.Offers) != 1, at("signalling", "offers"), "a fork has one offer", "remove the others"},
		{len(g.Offers) > 0 && g.Offers[0].By != caller, at("signalling", "offers", 0, "by"), fmt.Sprintf("the first peer, %s, calls", caller), fmt.Sprintf("write \"by: %s\"", caller)},
		{len(g.Offers) > 0 && g.Offers[0].Sends != nil, at("signalling", "offers", 0, "sends"), "the caller offers all its media", "remove it"},
		{f.Choose == "best" != (len(f.Prefers) > 0), c.firstOf(p.Child("prefers"), p.Child("choose")), "the best device is one that the caller prefers", `write both "choose: best" and "prefers: […]", or neither`},
		{f.Choose == "last" && f.Decides == 0, p.Child("choose"), "the caller has no time to decide", `add "decides: 200ms"`},
		{f.Choose == "first" && f.Decides > 0, p.Child("decides"), "the first device is taken at once", `write "choose: last" or "best", or remove it`},
		{g.Resolution != "tie-breaker" || g.Bits != 32, c.firstOf(at("signalling", "resolution"), at("signalling", "bits")), "one end offers, once, so that offers never cross", "remove it"},
		{len(f.Keys) > 0 && !f.warm(), p.Child("keys"), "keys are media, which need keys of SRTP before somebody accepts", `write "warm-up: dtls" or "media"`},
		{f.WarmUp == "none" && f.Limit > 0, p.Child("limit"), "no line is made before somebody accepts", `choose another "warm-up", or remove it`},
	})
	c.words(p.Child("prefers"), f.Prefers, devices, "the devices")
	for i := range g.Peers {
		if g.Peers[i].Sends != nil {
			c.fail(at("signalling", "peers", g.Peers[i].Name, "sends"), "in a fork all peers want to send all media", "remove it")
		}
	}
	for i := range f.Devices {
		c.forkedDevice(&f.Devices[i], devices)
	}
	for i := range f.Keys {
		c.forkedKeys(&f.Keys[i], p.Child("keys").Child(fmt.Sprint(i)), devices)
	}
	if speaks := slices.ContainsFunc(c.s.Media, func(m Media) bool { return m.From == caller && m.Speech != nil }); len(f.Keys) > 0 && !speaks {
		c.failKey(p.Child("keys"), "keys are pressed by somebody who speaks", fmt.Sprintf("give an audio stream of %s \"speech:\"", caller))
	}
}

// forkedKeys checks keys that the caller presses.
func (c *checker) forkedKeys(k *ForkedKeys, p strict.Path, devices []string) {
	presses, clock, frame := k.Presses(), 8000, time.Duration(0)
	for i := range c.s.Media {
		if m := &c.s.Media[i]; m.From == c.s.Topology.Peers[0] && m.Speech != nil {
			frame = max(frame, *m.Frame)
			if slices.Contains(m.Speech.Codecs(), "opus") {
				clock = 48000
			}
		}
	}
	if !slices.Contains(devices, k.To) {
		c.fail(p.Child("to"), fmt.Sprintf("%q is none of the devices", k.To), instead(k.To, devices, "the devices"))
	} else if err := presses.Check(clock); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(c.firstOf(p.Child("press"), p.Child("keys")), problem, remedy)
	} else if offers := c.s.Signalling.Offers; len(offers) > 0 && k.At <= offers[0].At {
		c.fail(p.Child("at"), fmt.Sprintf("the call begins at %s", format(offers[0].At)), "choose a later time")
	} else if frame > 0 && presses.Ends(frame).Duration() >= c.s.Duration {
		c.fail(p.Child("at"), "the run ends before the last key does", "choose an earlier time or a longer duration")
	}
}

// longestRing is how long a device rings at most.
const longestRing = 180 * time.Second

// rings checks when somebody accepts or declines, before the times are drawn.
func (d *ForkedDevice) rings(c *checker) {
	for i, m := range []*Moment{d.Accepts, d.Declines} {
		if m == nil {
			continue
		}
		name := []string{"accepts", "declines"}[i]
		p := at("signalling", "fork", "devices", d.Name, name)
		rings := c.s.Signalling.Fork.Rings
		switch {
		case m.From <= 0 || m.To > longestRing:
			c.fail(p, "a device rings for up to 180s", "write times from 1ms to 180s")
		case rings > 0 && m.To >= rings:
			c.fail(p, fmt.Sprintf("each device rings for %s", format(rings)), `choose an earlier time, or longer "rings"`)
		case d.Answers && d.Processing >= m.From:
			c.fail(p, fmt.Sprintf("the device answers after %s only", format(d.Processing)), `choose a later time, or a shorter "processing"`)
		case len(d.Replaces) > 0 && d.Replaces[len(d.Replaces)-1].After > m.From:
			c.fail(p, fmt.Sprintf("another answer comes at %s", format(d.Replaces[len(d.Replaces)-1].After)), `choose a later time, or let "replaces" be earlier`)
		}
	}
}

// forkedDevice checks what happens at a device.
func (c *checker) forkedDevice(d *ForkedDevice, devices []string) {
	f, p := c.s.Signalling.Fork, at("signalling", "fork", "devices", d.Name)
	if !slices.Contains(devices, d.Name) {
		c.failKey(p, fmt.Sprintf("%q is none of the devices", d.Name), instead(d.Name, devices, "the devices"))
		return
	}
	c.apply([]rule{
		{d.Accepts != nil && d.Declines != nil, p.Child("declines"), "somebody accepts already", "remove one of the two"},
		{!d.Answers && d.Processing > 0, p.Child("processing"), "it doesn't answer before somebody accepts", `remove it, or "answers: false"`},
		{!d.Answers && len(d.Replaces) > 0, p.Child("replaces"), "there is no answer to replace", `remove it, or "answers: false"`},
		{strings.Trim(d.AcceptsOn, dtmf.Keys) != "", p.Child("accepts-on"), fmt.Sprintf("%q has something else than keys", d.AcceptsOn), "write some of " + dtmf.Keys},
		{d.AcceptsOn != "" && d.Accepts != nil, p.Child("accepts-on"), "somebody accepts already", "remove one of the two"},
		{!d.Answers && d.Early, p.Child("early"), "without an answer nothing can be sent early", `remove it, or "answers: false"`},
		{d.AcceptsOn != "" && !slices.ContainsFunc(f.Keys, func(k ForkedKeys) bool { return k.To == d.Name }), p.Child("accepts-on"), "nobody presses keys there", `add "keys: [{at: …, to: ` + d.Name + `, keys: …}]" to the fork`},
		{d.Early && !f.warm(), p.Child("early"), "media need keys", `write "warm-up: dtls" or "media"`},
	})
	last := d.Processing
	for i := range d.Replaces {
		r, q := &d.Replaces[i], p.Child("replaces").Child(fmt.Sprint(i))
		if r.After <= last && (i > 0 || r.After < last) {
			c.fail(q.Child("after"), "another answer comes later or at the same time", "put answers in order")
		}
		last = r.After
		c.sends(q.Child("sends"), d.Name, &r.Sends)
	}
}
