package pion

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	own "rtpfabric/endpoints/ice"
	"rtpfabric/endpoints/jsep"
	"rtpfabric/endpoints/keying"
	"rtpfabric/topologies"
)

var profiles = map[keying.Profile]dtls.SRTPProtectionProfile{
	keying.AES128CMSHA180: dtls.SRTP_AES128_CM_HMAC_SHA1_80, keying.AEADAES128GCM: dtls.SRTP_AEAD_AES_128_GCM, keying.AEADAES256GCM: dtls.SRTP_AEAD_AES_256_GCM,
}

func (s *stack) settings(c topologies.GuestCall) (*webrtc.SettingEngine, error) {
	var e webrtc.SettingEngine
	e.LoggerFactory = quiet()
	e.SetNet(s.config.Host)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.DisableActiveTCP(true)
	profile, ok := profiles[s.config.Profile]
	if !ok {
		return nil, fmt.Errorf("pion has no profile %v", s.config.Profile)
	}
	e.SetSRTPProtectionProfiles(profile)
	if t := s.config.Timeout; t > 0 {
		e.SetDTLSRetransmissionInterval(t)
	}
	creds := own.NewCredentials(s.config.Random.Stream("ice/" + s.config.Name + "/" + c.Peer))
	e.SetICECredentials(creds.Fragment, creds.Password)
	if s.options.passive {
		if err := e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			return nil, err
		}
	}
	return &e, nil
}

// servers returns those that are asked for candidates.
func (s *stack) servers() []webrtc.ICEServer {
	c := s.config.Servers
	if c == nil {
		return nil
	}
	list := []webrtc.ICEServer{{URLs: []string{fmt.Sprintf("stun:%v:%d", c.Addr.IP, c.Addr.Port)}}}
	if c.Relays {
		transport := "udp"
		if s.options.turnTCP {
			transport = "tcp"
		}
		list = append(list, webrtc.ICEServer{
			URLs: []string{fmt.Sprintf("turn:%v:%d?transport=%s", c.Addr.IP, c.Addr.Port, transport)}, Username: c.User, Credential: c.Password,
		})
	}
	return list
}

func kindOf(k endpoints.Kind) webrtc.RTPCodecType {
	if k == endpoints.Audio {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

func capability(k endpoints.Kind, f *endpoints.Format, feedback []string) webrtc.RTPCodecCapability {
	c := webrtc.RTPCodecCapability{
		MimeType: string(k) + "/" + string(f.Codec), ClockRate: uint32(f.Clock), Channels: f.Channels(), SDPFmtpLine: f.Parameters(),
	}
	for _, line := range feedback {
		var fb webrtc.RTCPFeedback
		fb.Type, fb.Parameter, _ = strings.Cut(line, " ")
		c.RTCPFeedback = append(c.RTCPFeedback, fb)
	}
	return c
}

// mediaEngine knows the formats and header extensions of the sections.
func mediaEngine(sections []jsep.Section) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	var known []uint8
	for _, s := range sections {
		for _, f := range s.Formats {
			if slices.Contains(known, f.PayloadType) {
				continue
			}
			known = append(known, f.PayloadType)
			list := []webrtc.RTPCodecParameters{{RTPCodecCapability: capability(s.Kind, &f, s.Feedback), PayloadType: webrtc.PayloadType(f.PayloadType)}}
			if f.RTX != 0 {
				list = append(list, webrtc.RTPCodecParameters{
					RTPCodecCapability: webrtc.RTPCodecCapability{
						MimeType: string(s.Kind) + "/rtx", ClockRate: uint32(f.Clock), SDPFmtpLine: f.RTXParameters(),
					}, PayloadType: webrtc.PayloadType(f.RTX),
				})
			}
			for _, c := range list {
				if err := m.RegisterCodec(c, kindOf(s.Kind)); err != nil {
					return nil, err
				}
			}
		}
		for _, x := range s.Extensions {
			if !slices.Contains([]string{headerext.TransportSeq.URI(), headerext.MID.URI(), headerext.RID.URI(), headerext.RepairedRID.URI()}, x.URI) {
				continue
			}
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: x.URI}, kindOf(s.Kind)); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}
