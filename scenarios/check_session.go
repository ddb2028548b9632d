package scenarios

import (
	"fmt"
	"slices"
	"time"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// Limits of the aim for feedback.
const (
	minFeedback = 5 * time.Millisecond
	maxFeedback = 5 * time.Second
)

// repairsPictures reports whether encoders repair pictures by less than a key frame.
func (r *Repair) repairsPictures() bool {
	return r.SLI || r.RPSI != "none" || r.NACKAction == "encoder"
}

// repair checks what belongs together.
func (c *checker) repair() {
	r, p := &c.s.Repair, at("repair")
	switch {
	case r.RTX && !r.NACK:
		c.fail(p.Child("rtx"), "nothing is sent again unless somebody asks for it", `add "nack: true"`)
	case r.NACKAction == "encoder" && (!r.NACK || r.RTX):
		c.fail(p.Child("nack-action"), "the encoder avoids what NACKs name, and nothing is sent again", `write "nack: true" and "rtx: false", or "nack-action: retransmit"`)
	case r.RPSI == "acknowledge" && !r.SLI:
		c.fail(p.Child("rpsi"), "nobody tells of losses, so that what is acknowledged is of no use", `add "sli: true", or write "rpsi: loss"`)
	case r.repairsPictures() && !r.Decoder:
		c.fail(c.firstOf(p.Child("sli"), p.Child("rpsi"), p.Child("nack-action")), "without a decoder frames need none before them", `add "decoder: true"`)
	case (r.NACK || r.Refresh != "none" || r.SLI || r.RPSI != "none") && c.s.RTCP.Profile == "avp":
		c.fail(c.firstOf(p.Child("nack"), p.Child("refresh"), p.Child("sli"), p.Child("rpsi")), "feedback messages need AVPF", `write "profile: avpf" in rtcp`)
	}
}

// security checks protection and what header extensions there are.
func (c *checker) security() {
	c.fullICE()
	if s := &c.s.Security; s.Cryptex && s.EncryptExtensions {
		c.fail(at("security", "cryptex"), "header extensions would be encrypted twice", "choose cryptex or encrypt-extensions")
	}
	c.words(at("extensions"), c.s.Extensions, extensions, "the header extensions")
	if slices.Contains(c.s.Extensions, "ntp-64") && slices.Contains(c.s.Extensions, "ntp-56") {
		c.fail(at("extensions"), "ntp-64 and ntp-56 say the same", "choose one of them")
	}
}

// fullICE checks connectivity checks of ours.
func (c *checker) fullICE() {
	s, p := &c.s.Security, at("security", "ice")
	if s.ICE != "full" {
		return
	}
	c.apply([]rule{
		{c.s.Topology.Grouped(), p, "checks are between two ends, and here is a group", "remove it"},
		{c.s.Protection == "none" || s.Keying == "preshared", p, "nothing waits for ICE where keys are there from the start", `write "keying: dtls", or remove it`},
		{s.Keying == "pion", p, "pion's handshake doesn't wait for checks of ours", `write "ice: pion", or "keying: dtls"`},
		{!c.s.RTCP.Mux, at("rtcp", "mux"), "ICE has one component here, for RTP and RTCP", `write "mux: true", or remove it`},
		{slices.ContainsFunc(c.s.Endpoints, func(e Endpoint) bool { return !e.Symmetric }), p, "an endpoint sends from other ports than it receives on", "remove it, or symmetric from the endpoint"},
	})
}

// words checks a list of words.
func (c *checker) words(p strict.Path, list, known []string, what string) {
	for i, word := range list {
		switch {
		case !slices.Contains(known, word):
			c.fail(p.Child(fmt.Sprint(i)), fmt.Sprintf("there is no %q", word), instead(word, known, what))
		case slices.Contains(list[:i], word):
			c.fail(p.Child(fmt.Sprint(i)), fmt.Sprintf("%q stands here twice", word), "remove one of them")
		}
	}
}

func (c *checker) rtcp() {
	c.words(at("rtcp", "xr"), c.s.RTCP.XR, xrBlocks, "the blocks")
	if pad := c.s.RTCP.PadTo; pad%4 != 0 {
		c.fail(at("rtcp", "pad-to"), fmt.Sprintf("%s is not a multiple of 4", pad), fmt.Sprintf("write %s", min(pad+4-pad%4, units.Bytes(1400))))
	}
}
