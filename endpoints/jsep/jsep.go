// Package jsep writes and reads the descriptions that WebRTC endpoints give each other (RFC 8829, RFC 8866):
// as much of them as an endpoint needs that talks to a stack which has nothing else.
package jsep

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pion/sdp/v3"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/keying/dtls"
	"rtpfabric/sim/packet"
	"rtpfabric/sim/units"
)

// Setup is which end begins the handshake (RFC 5763 §5, RFC 8842 §5).
type Setup string

// The values of a=setup.
const (
	ActPass Setup = "actpass"
	Active  Setup = "active"
	Passive Setup = "passive"
)

// Description is an offer or an answer. All sections are bundled (RFC 9143), RTCP shares their flow, and may
// be of reduced size.
type Description struct {
	// Session is the session's id (RFC 8866 §5.2).
	Session uint64
	// Addr is where the end gets media; with ICE that of its default candidate, or zero if it has told none.
	Addr packet.Addr
	// Candidates are those that the end knows as it describes itself, with ICE; more may follow (RFC 8838).
	Candidates []ice.Candidate
	// Complete says that no more follow (RFC 8838 §13).
	Complete bool
	// Lite says that the end has a lite implementation of ICE.
	Lite        bool
	ICE         ice.Credentials
	Fingerprint dtls.Fingerprint
	Setup       Setup
	Sections    []Section
}

// Section is a media section.
type Section struct {
	Kind       endpoints.Kind
	MID        string
	Formats    []endpoints.Format
	Extensions []headerext.Entry
	// Feedback are the values of a=rtcp-fb, of all formats but those of retransmissions (RFC 4585 §4.2).
	Feedback []string
	Sends    bool
	Receives bool
	// Bandwidth is what the end wants to get at most (b=AS, RFC 8866 §5.8), rounded down to kbit/s; 0 doesn't say.
	Bandwidth units.BitRate
	// RTCP is the section's part of RTCP's bandwidth; nil doesn't say.
	RTCP *RTCPBandwidth
	// TrrInterval is the least time between regular reports (RFC 4585 §4.2), in ms; 0 doesn't say.
	TrrInterval time.Duration
	// FullSize says that the end doesn't take RTCP of reduced size (RFC 5506 §5).
	FullSize bool
	// Refused says that an answer doesn't want the section.
	Refused bool
	// SSRC of what is sent and that of its retransmissions; 0 if there is none, or it isn't said.
	SSRC, RTX uint32
	// Previous are those that it had before SSRC, as others have had them, too (RFC 5576 §6.2).
	Previous []uint32
	CNAME    string
	MSID     []string
	// RIDs are the encodings that the section may have, and Simulcast says which of them it has at the same time;
	// nil doesn't say.
	RIDs      []RID
	Simulcast *Simulcast
}

// RTCPBandwidth is the bandwidth of RTCP for senders and for receivers of media (b=RS and b=RR, RFC 3556 §2). Those of
// bundled sections add up (RFC 8859 §5.4).
type RTCPBandwidth struct{ Senders, Receivers units.BitRate }

// direction returns the attribute that says who sends (RFC 8866 §6.7).
func (s *Section) direction() string {
	switch {
	case s.Sends && s.Receives:
		return "sendrecv"
	case s.Sends:
		return "sendonly"
	case s.Receives:
		return "recvonly"
	}
	return "inactive"
}

func (s *Section) setDirection(word string) bool {
	for _, d := range []struct {
		word            string
		sends, receives bool
	}{{"sendrecv", true, true}, {"sendonly", true, false}, {"recvonly", false, true}, {"inactive", false, false}} {
		if d.word == word {
			s.Sends, s.Receives = d.sends, d.receives
			return true
		}
	}
	return false
}

// String returns the description as SDP.
func (d *Description) String() string {
	out := sdp.SessionDescription{
		Origin:           sdp.Origin{Username: "-", SessionID: d.Session, SessionVersion: 1, NetworkType: "IN", AddressType: "IP4", UnicastAddress: "127.0.0.1"},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	mids := make([]string, len(d.Sections))
	for i := range d.Sections {
		mids[i] = d.Sections[i].MID
	}
	out.WithValueAttribute("group", "BUNDLE "+strings.Join(mids, " "))
	if d.ICE != (ice.Credentials{}) {
		out.WithValueAttribute("ice-options", "trickle ice2")
	}
	if d.Lite {
		out.WithPropertyAttribute("ice-lite")
	}
	for i := range d.Sections {
		out.WithMedia(d.media(&d.Sections[i]))
	}
	b, err := out.Marshal()
	if err != nil {
		panic("jsep: " + err.Error()) // it has nothing that can't be written
	}
	return string(b)
}

// placeholderPort is that of an offer whose candidates aren't known (RFC 8839 §5.4).
const placeholderPort = 9

func (d *Description) media(s *Section) *sdp.MediaDescription {
	m := &sdp.MediaDescription{
		MediaName: sdp.MediaName{
			Media: string(s.Kind), Port: sdp.RangedPort{Value: placeholderPort}, Protos: []string{"UDP", "TLS", "RTP", "SAVPF"},
		},
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"}},
	}
	value := func(name, text string, arguments ...any) { m.WithValueAttribute(name, fmt.Sprintf(text, arguments...)) }
	if d.Addr != (packet.Addr{}) {
		m.MediaName.Port.Value = int(d.Addr.Port)
		m.ConnectionInformation.Address.Address = d.Addr.IP.String()
	}
	if d.ICE != (ice.Credentials{}) {
		value("ice-ufrag", "%s", d.ICE.Fragment)
		value("ice-pwd", "%s", d.ICE.Password)
	}
	if s == &d.Sections[0] { // those of the others are the same (RFC 9143 §10)
		for _, c := range d.Candidates {
			value("candidate", "%v", c)
		}
		if d.Complete {
			m.WithPropertyAttribute(endOfCandidates)
		}
	}
	value("fingerprint", "%v", d.Fingerprint)
	value("setup", "%s", d.Setup)
	value("mid", "%s", s.MID)
	for _, e := range s.Extensions {
		value("extmap", "%v", e)
	}
	m.WithPropertyAttribute(s.direction())
	for _, id := range s.MSID {
		value("msid", "%s", id)
	}
	m.WithPropertyAttribute("rtcp-mux")
	if !s.FullSize {
		m.WithPropertyAttribute("rtcp-rsize")
	}
	s.writeBandwidths(m)
	if s.TrrInterval > 0 {
		value("rtcp-fb", "* trr-int %d", s.TrrInterval.Milliseconds())
	}
	for _, feedback := range s.Feedback {
		if ofAllFormats(feedback) {
			value("rtcp-fb", "* %s", feedback)
		}
	}
	for _, f := range s.Formats {
		m.WithCodec(f.PayloadType, string(f.Codec), uint32(f.Clock), f.Channels(), f.Parameters())
		for _, feedback := range s.Feedback {
			if !ofAllFormats(feedback) {
				value("rtcp-fb", "%d %s", f.PayloadType, feedback)
			}
		}
		if f.RTX != 0 {
			m.WithCodec(f.RTX, "rtx", uint32(f.Clock), 0, f.RTXParameters())
		}
	}
	s.writeSimulcast(m)
	if !s.Sends || s.SSRC == 0 {
		return m
	}
	if s.RTX != 0 {
		value("ssrc-group", "FID %d %d", s.SSRC, s.RTX)
	}
	for _, ssrc := range []uint32{s.SSRC, s.RTX} {
		if ssrc != 0 {
			value("ssrc", "%d cname:%s", ssrc, s.CNAME)
		}
	}
	if len(s.Previous) > 0 {
		value("ssrc", "%d previous-ssrc:%s", s.SSRC, strings.Trim(fmt.Sprint(s.Previous), "[]"))
	}
	return m
}

func (s *Section) writeBandwidths(m *sdp.MediaDescription) {
	write := func(kind string, v units.BitRate) {
		m.Bandwidth = append(m.Bandwidth, sdp.Bandwidth{Type: kind, Bandwidth: uint64(v)})
	}
	if s.Bandwidth > 0 {
		write("AS", s.Bandwidth/units.Kbps)
	}
	if s.RTCP != nil {
		write("RS", s.RTCP.Senders)
		write("RR", s.RTCP.Receivers)
	}
}

func (s *Section) readBandwidths(m *sdp.MediaDescription) {
	var senders, receivers *units.BitRate
	for _, b := range m.Bandwidth {
		v := units.BitRate(min(b.Bandwidth, math.MaxInt32))
		switch b.Type {
		case "AS":
			s.Bandwidth = v * units.Kbps
		case "RS":
			senders = &v
		case "RR":
			receivers = &v
		}
	}
	if senders != nil && receivers != nil { // one alone leaves the other to be computed (RFC 3556 §2)
		s.RTCP = &RTCPBandwidth{*senders, *receivers}
	}
}

// ofAllFormats reports whether feedback has to be described of all formats together (RFC 8888 §6).
func ofAllFormats(feedback string) bool { return feedback == "ack ccfb" }

// Parse reads a description. It has what all sections have in common from the first of them, as
// bundled ones do; of formats it has payload type, codec, clock rate and retransmissions.
func Parse(text string) (*Description, error) {
	var in sdp.SessionDescription
	if err := in.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("reading a description: %w", err)
	}
	if len(in.MediaDescriptions) == 0 {
		return nil, errors.New("reading a description: it has no media section")
	}
	d := &Description{Session: in.Origin.SessionID}
	_, d.Lite = in.Attribute("ice-lite")
	first := in.MediaDescriptions[0]
	common := func(name string) string {
		if v, ok := first.Attribute(name); ok {
			return v
		}
		v, _ := in.Attribute(name)
		return v
	}
	d.ICE = ice.Credentials{Fragment: common("ice-ufrag"), Password: common("ice-pwd")}
	if d.ICE != (ice.Credentials{}) && !d.ICE.Valid() {
		return nil, errors.New("reading a description: a=ice-ufrag has 4 to 256 characters, a=ice-pwd 22 to 256")
	}
	d.Setup = Setup(common("setup"))
	d.Candidates, d.Complete = candidates(first.Attributes)
	if d.ICE == (ice.Credentials{}) || len(d.Candidates) > 0 {
		if d.Addr, _ = addrOf(&in, first); d.Addr == (packet.Addr{}) && d.ICE == (ice.Credentials{}) {
			return nil, errors.New("reading a description: it has neither ICE nor an address")
		}
	}
	var err error
	if d.Fingerprint, err = dtls.ParseFingerprint(common("fingerprint")); err != nil {
		return nil, fmt.Errorf("reading a description: %w", err)
	}
	for _, m := range in.MediaDescriptions {
		s, err := section(m)
		if err != nil {
			return nil, fmt.Errorf("reading a description, section %d: %w", len(d.Sections), err)
		}
		d.Sections = append(d.Sections, s)
	}
	return d, nil
}

// addrOf returns the address of a section (RFC 8866 §5.7, §5.14); false if it has none.
func addrOf(d *sdp.SessionDescription, m *sdp.MediaDescription) (packet.Addr, bool) {
	c := m.ConnectionInformation
	if c == nil {
		c = d.ConnectionInformation
	}
	if c == nil || c.Address == nil {
		return packet.Addr{}, false
	}
	ip, err := netip.ParseAddr(c.Address.Address)
	if err != nil || !ip.Is4() || m.MediaName.Port.Value < 1 || m.MediaName.Port.Value > math.MaxUint16 {
		return packet.Addr{}, false
	}
	b := ip.As4()
	return packet.Addr{IP: packet.IPv4(binary.BigEndian.Uint32(b[:])), Port: uint16(m.MediaName.Port.Value)}, true
}

func section(m *sdp.MediaDescription) (Section, error) {
	s := Section{Kind: endpoints.Kind(m.MediaName.Media), Refused: m.MediaName.Port.Value == 0, FullSize: true}
	s.readBandwidths(m)
	var repairs []string
	for _, a := range m.Attributes {
		switch a.Key {
		case "mid":
			s.MID = a.Value
		case "rtcp-rsize":
			s.FullSize = false
		case "rtcp-fb":
			if ms, ok := strings.CutPrefix(a.Value, "* trr-int "); ok {
				n, err := strconv.ParseUint(ms, 10, 31)
				if err != nil {
					return s, fmt.Errorf("a=rtcp-fb:%s has no time", a.Value)
				}
				s.TrrInterval = time.Duration(n) * time.Millisecond
			}
		case "msid":
			s.MSID = append(s.MSID, a.Value)
		case "extmap":
			e, err := headerext.ParseEntry(a.Value)
			if err != nil {
				return s, err
			}
			s.Extensions = append(s.Extensions, e)
		case "ssrc-group":
			if kind, list, _ := strings.Cut(a.Value, " "); kind == "FID" && repairs == nil {
				repairs = strings.Fields(list) // of the first stream, if there are several
			}
		case "ssrc":
			number, rest, _ := strings.Cut(a.Value, " ")
			n, err := strconv.ParseUint(number, 10, 32)
			if err != nil {
				return s, fmt.Errorf("a=ssrc:%s has no SSRC", a.Value)
			}
			if s.SSRC == 0 {
				s.SSRC = uint32(n)
			}
			if name, ok := strings.CutPrefix(rest, "cname:"); ok {
				s.CNAME = name
			}
			if list, ok := strings.CutPrefix(rest, "previous-ssrc:"); ok && uint32(n) == s.SSRC {
				if s.Previous, err = ssrcs(list); err != nil {
					return s, fmt.Errorf("a=ssrc:%s: %w", a.Value, err)
				}
			}
		default:
			s.setDirection(a.Key)
		}
	}
	if len(repairs) == 2 {
		for i, to := range []*uint32{&s.SSRC, &s.RTX} {
			n, err := strconv.ParseUint(repairs[i], 10, 32)
			if err != nil {
				return s, fmt.Errorf("a=ssrc-group:FID %s has no SSRCs", strings.Join(repairs, " "))
			}
			*to = uint32(n)
		}
	}
	if err := s.readFormats(m); err != nil {
		return s, err
	}
	s.readSimulcast(m)
	return s, nil
}

// ssrcs reads a list of them, of which there is at least one.
func ssrcs(text string) ([]uint32, error) {
	var list []uint32
	for _, word := range strings.Fields(text) {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no SSRC", word)
		}
		list = append(list, uint32(n))
	}
	if len(list) == 0 {
		return nil, errors.New("no SSRC")
	}
	return list, nil
}

// readFormats reads the formats, in the order of the m= line.
func (s *Section) readFormats(m *sdp.MediaDescription) error {
	described := sdp.SessionDescription{MediaDescriptions: []*sdp.MediaDescription{m}}
	for _, word := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(word, 10, 7)
		if err != nil {
			return fmt.Errorf("%q is no payload type", word)
		}
		c, err := described.GetCodecForPayloadType(uint8(pt))
		if err != nil {
			return err
		}
		if apt := parameter(c.Fmtp, "apt"); apt != "" {
			i := slices.IndexFunc(s.Formats, func(f endpoints.Format) bool { return strconv.Itoa(int(f.PayloadType)) == apt })
			if i >= 0 {
				s.Formats[i].RTX = uint8(pt)
			}
			continue
		}
		s.Formats = append(s.Formats, endpoints.Format{
			Codec: endpoints.Codec(c.Name), PayloadType: uint8(pt), Clock: int(c.ClockRate), InBandFEC: parameter(c.Fmtp, "useinbandfec") == "1",
		})
	}
	return nil
}

// parameter returns the value of one of a format's parameters; empty if it isn't there.
func parameter(fmtp, name string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key == name {
			return value
		}
	}
	return ""
}

// Agrees returns an error if an answer doesn't take what an offer has: a section that is refused (RFC 3264 §6),
// or has none of the formats but for that of telephone events, which is no media.
func (d *Description) Agrees(answer *Description) error {
	if len(d.Sections) != len(answer.Sections) {
		return fmt.Errorf("the offer has %d sections, the answer %d", len(d.Sections), len(answer.Sections))
	}
	for i := range d.Sections {
		offered, answered := &d.Sections[i], &answer.Sections[i]
		has := slices.ContainsFunc(answered.Formats, func(f endpoints.Format) bool {
			return slices.ContainsFunc(offered.Formats, func(o endpoints.Format) bool {
				return f.Codec != endpoints.CodecEvents && o.PayloadType == f.PayloadType && strings.EqualFold(string(o.Codec), string(f.Codec))
			})
		})
		if answered.Refused || answered.Kind != offered.Kind || !has {
			return fmt.Errorf("section %d of the offer, %s, is refused", i, offered.Kind)
		}
	}
	return nil
}
