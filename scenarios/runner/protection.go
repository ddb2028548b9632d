package runner

import (
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/endpoints/keying"
	"rtpfabric/endpoints/protect"
	"rtpfabric/scenarios"
	"rtpfabric/topologies"
)

var profiles = map[string]keying.Profile{
	"aes-cm-80": keying.AES128CMSHA180, "aes-cm-32": keying.AES128CMSHA132,
	"gcm-128": keying.AEADAES128GCM, "gcm-256": keying.AEADAES256GCM,
}

// extensionKinds have the ids that browsers give them, or others that are free.
var extensionKinds = map[string]struct {
	id   int
	kind headerext.Kind
}{
	"audio-level":         {1, headerext.AudioLevel},
	"mixer-audio-level":   {8, headerext.MixerLevels},
	"abs-send-time":       {2, headerext.AbsSendTime},
	"transmission-offset": {5, headerext.TransmissionOffset},
	"ntp-64":              {6, headerext.NTP64},
	"ntp-56":              {7, headerext.NTP56},
}

// protection translates what protects media: from listeners, and from loss.
func protection(s *scenarios.Scenario, c *topologies.Config) {
	c.Security = topologies.Security{
		Handshake: s.Security.Keying != "preshared", Profile: profiles[s.Security.Profile], Timeout: s.Security.Timeout,
	}
	if s.Security.Keying == "pion" {
		c.Security.DTLS = s.Security.Keying
	}
	switch s.Security.ICE {
	case "full":
		c.Security.FullICE = true
	case "pion":
		c.Security.ICE = s.Security.ICE
	}
	if s.Security.Cryptex {
		c.Security.Cryptex = protect.CryptexOn
	}
	for _, name := range s.Extensions {
		e := extensionKinds[name]
		c.Extensions = append(c.Extensions, headerext.Entry{
			ID: e.id, URI: e.kind.URI(), Encrypted: s.Security.EncryptExtensions,
		})
	}
	repair := endpoints.DefaultRepair()
	repair.IgnoreOthers = !s.Repair.Suppression
	repair.NACK, repair.IgnoreNACK, repair.Decoder = s.Repair.NACK, s.Repair.IgnoreNACK, s.Repair.Decoder
	repair.Refresh = endpoints.Refresh(s.Repair.Refresh)
	if s.Repair.Refresh == "none" {
		repair.Refresh = endpoints.RefreshNone
	}
	repair.SLI, repair.NACKSteers = s.Repair.SLI, s.Repair.NACKAction == "encoder"
	if s.Repair.RPSI != "none" {
		repair.RPSI = endpoints.RPSI(s.Repair.RPSI)
	}
	repair.Adaptive = s.Repair.Policy == "adaptive"
	repair.Budget.Share = s.Repair.Budget
	repair.History.Age, repair.Requests.RTXTime = s.Repair.RTXTime, s.Repair.RTXTime
	c.Repair, c.RTX = repair, s.Repair.RTX
	xr := func(block string) bool { return slices.Contains(s.RTCP.XR, block) }
	c.ExtendedReports = endpoints.ExtendedReports{
		ReferenceTime: xr("reference-time"), LossRLE: xr("loss-rle"), DuplicateRLE: xr("duplicate-rle"),
		ReceiptTimes: xr("receipt-times"), Summary: xr("summary"), VoIPMetrics: xr("voip-metrics"),
	}
}
