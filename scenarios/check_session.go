package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rtpfabric/scenarios/internal/strict"
	"rtpfabric/sim/units"
)

// Limits of the aim for feedback.
const (
	minFeedback = 5 * time.Millisecond
	maxFeedback = 5 * time.Second
)

// settings checks the controller's parameters together.
func (c *checker) settings(catalogue Catalogue) {
	sc, ok := catalogue.(SettingsChecker)
	if !ok || len(c.s.Congestion.Parameters) == 0 {
		return
	}
	if err := sc.CheckSettings(c.s); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(at("congestion", "parameters"), problem, remedy)
	}
}

func (c *checker) congestion(catalogue Catalogue) {
	g := &c.s.Congestion
	if g.ECN != "off" && g.Feedback != "rfc8888" && g.Feedback != "ecn" {
		c.fail(at("congestion", "ecn"), fmt.Sprintf("feedback %s says nothing about marks", g.Feedback), `write "feedback: rfc8888" or "feedback: ecn", or "ecn: off"`)
	}
	if g.External != nil {
		c.external(catalogue)
	}
	switch {
	case g.Coupled == "off" && g.Groups != "endpoint":
		c.failKey(at("congestion", "groups"), "nothing is coupled", `write "coupled: active", or remove it`)
	case g.Groups == "sbd" && (g.Feedback == "none" || g.Feedback == "ecn"):
		c.fail(at("congestion", "groups"), "without feedback about every packet nothing tells their delays", `write "feedback: rfc8888", or "groups: endpoint"`)
	}
	if catalogue == nil {
		return
	}
	if known := catalogue.Controllers(); g.External == nil && !slices.Contains(known, g.Controller) {
		c.fail(at("congestion", "controller"), fmt.Sprintf("there is no controller %q", g.Controller), instead(g.Controller, known, "the controllers"))
		return
	}
	if fc, ok := catalogue.(FeedbackChecker); ok {
		if err := fc.CheckFeedback(g.Controller, g.Feedback); err != nil {
			problem, remedy := splitRemedy(err.Error())
			c.fail(at("congestion", "feedback"), problem, remedy)
		}
	}
	c.legacy(catalogue)
	c.coupling(catalogue)
	for _, param := range g.Parameters {
		c.parameter(catalogue, param)
	}
}

// external checks a controller that is a program.
func (c *checker) external(catalogue Catalogue) {
	e, p := c.s.Congestion.External, at("congestion", "controller")
	if len(e.Exec) == 0 || e.Exec[0] == "" {
		c.fail(p.Child("exec"), "there is no program", `write "exec: [python3, my.py]"`)
		return
	}
	if c.s.Congestion.Feedback == "remb" {
		c.fail(c.firstOf(at("congestion", "feedback"), p), "a program has no half at the receiver that could make estimates", "write rfc8888, twcc, ecn or none")
	}
	if f := c.s.Congestion.Feedback; e.Protocol == "alphartc" && (f == "none" || f == "ecn") {
		c.fail(c.firstOf(at("congestion", "feedback"), p), "alphartc tells of packets, and nobody reports on them", "write rfc8888 or twcc")
	}
	pc, ok := catalogue.(ProgramChecker)
	if !ok {
		return
	}
	if err := pc.CheckProgram(c.s.Dir, e.Exec[0]); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(c.firstOf(p.Child("exec").Child("0"), p.Child("exec"), p), problem, remedy)
	}
}

// coupling checks that the controller can be coupled.
func (c *checker) coupling(catalogue Catalogue) {
	cc, ok := catalogue.(CouplingChecker)
	if !ok || c.s.Congestion.Coupled == "off" {
		return
	}
	if err := cc.CheckCoupling(c.s.Congestion.Controller); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(at("congestion", "coupled"), problem, remedy)
	}
}

// legacy checks that the peers of legacy endpoints can do without feedback.
func (c *checker) legacy(catalogue Catalogue) {
	fc, ok := catalogue.(FeedbackChecker)
	if !ok {
		return
	}
	for i := range c.s.Endpoints {
		e := &c.s.Endpoints[i]
		if !e.Legacy() {
			continue
		}
		if err := fc.CheckFeedback(c.s.Congestion.Controller, "none"); err != nil {
			problem, _ := splitRemedy(err.Error())
			c.fail(at("endpoints", e.Name, "type"), problem, `a legacy endpoint gives no feedback: write "type: webrtc", or another controller`)
		}
	}
}

// parameter checks one parameter: of the controller, or of another one that is
// named before a dot.
func (c *checker) parameter(catalogue Catalogue, param Parameter) {
	p := at("congestion", "parameters", param.Name)
	controller, name := c.s.Congestion.Controller, param.Name
	if before, after, dotted := strings.Cut(name, "."); dotted {
		controller, name = before, after
		if known := catalogue.Controllers(); !slices.Contains(known, controller) {
			c.failKey(p, fmt.Sprintf("there is no controller %q", controller), instead(controller, known, "the controllers"))
			return
		}
	}
	if c.s.Congestion.External != nil && controller == c.s.Congestion.Controller {
		return // the program says what they are
	}
	known := catalogue.Parameters(controller)
	if !slices.Contains(known, name) {
		c.failKey(p, fmt.Sprintf("%s has no such parameter", controller), instead(name, known, "its parameters"))
	} else if err := catalogue.CheckParameter(controller, name, param.Value); err != nil {
		problem, remedy := splitRemedy(err.Error())
		c.fail(p, problem, remedy)
	}
}

// Settings returns the parameters that the controller gets.
func (g *Congestion) Settings() map[string]string {
	settings := map[string]string{}
	for _, p := range g.Parameters {
		if controller, name, dotted := strings.Cut(p.Name, "."); !dotted {
			settings[p.Name] = p.Value
		} else if controller == g.Controller {
			settings[name] = p.Value
		}
	}
	return settings
}

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
	if s := &c.s.Security; s.Cryptex && s.EncryptExtensions {
		c.fail(at("security", "cryptex"), "header extensions would be encrypted twice", "choose cryptex or encrypt-extensions")
	}
	c.words(at("extensions"), c.s.Extensions, extensions, "the header extensions")
	if slices.Contains(c.s.Extensions, "ntp-64") && slices.Contains(c.s.Extensions, "ntp-56") {
		c.fail(at("extensions"), "ntp-64 and ntp-56 say the same", "choose one of them")
	}
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
