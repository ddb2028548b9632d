package topologies

import (
	"fmt"
	"slices"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/units"
)

// Bandwidth is what an endpoint's descriptions say for all their media, in b= lines of
// the session level (RFC 8866 §5.8): bit/s with UDP and IP headers, without RTCP. 0 says
// nothing.
type Bandwidth struct {
	// AS bounds what each peer sends to the endpoint in a call or a group.
	AS units.BitRate
	// CT bounds what all who take part in a call or a group send together.
	CT units.BitRate
}

// BandwidthError says that media can't do with a signalled bandwidth.
type BandwidthError struct {
	// Flow is the stream whose bandwidth is too low, or Endpoint is whose AS or CT,
	// as Modifier says.
	Flow, Endpoint, Modifier string
	Limit, Need              units.BitRate
	// Sender is who would have to send less than it can.
	Sender string
}

// Error implements error.
func (e *BandwidthError) Error() string {
	return fmt.Sprintf("%s needs at least %s with all headers, more than %s: write at least that, or lower the media's least rates", e.Sender, e.Need, e.Limit)
}

// bound takes the signalled bandwidth of a stream into its model.
func bound(m *Media, model endpoints.StreamModel) endpoints.StreamModel {
	if m.Bandwidth > 0 {
		model.Max = max(min(model.Max, model.Encoded(m.Bandwidth)), model.Min)
		model.Start = min(model.Start, model.Max)
	}
	return model
}

// checkBandwidth refuses a stream that can't do with what is signalled for it.
func checkBandwidth(m *Media, model endpoints.StreamModel) error {
	if need := model.Wire(model.Min); m.Bandwidth > 0 && need > m.Bandwidth {
		return &BandwidthError{Flow: m.Flow(), Modifier: "as", Limit: m.Bandwidth, Need: roundUp(need), Sender: m.Flow()}
	}
	return nil
}

// roundUp makes a need that can be written, in kbit/s as b= lines have it.
func roundUp(r units.BitRate) units.BitRate {
	const step = units.Kbps
	return units.BitRate(int64((r+step-1)/step)) * step
}

// party of a call or a group, with what it sends.
type sender struct {
	name          string
	media         []endpoints.StreamModel
	most, allowed units.BitRate
}

// bandwidths returns what each of some ends may send to all others together, in their
// order; 0 is no limit. An end keeps to the least AS of the others, and all together to
// the least CT. How ends share that the RFC leaves open: here, equally, but what one
// can't use goes to the others.
func (s *Simulation) bandwidths(ends []string, media []Media, extensions []headerext.Entry) ([]units.BitRate, error) {
	ct, whose := units.BitRate(0), ""
	senders := make([]sender, len(ends))
	for i, name := range ends {
		senders[i].name = name
		for j := range media {
			if m := &media[j]; m.From == name {
				model := s.model(extensions, m)
				if err := checkBandwidth(m, model); err != nil {
					return nil, err
				}
				senders[i].media = append(senders[i].media, model)
				senders[i].most += model.Wire(model.Max)
			}
		}
		if b := s.byName[name].config.Bandwidth.CT; b > 0 && (ct == 0 || b < ct) {
			ct, whose = b, name
		}
	}
	for i := range senders {
		if err := s.keepToAS(&senders[i], ends); err != nil {
			return nil, err
		}
	}
	if ct > 0 {
		if err := shareCT(senders, ct, whose); err != nil {
			return nil, err
		}
	}
	list := make([]units.BitRate, len(ends))
	for i := range senders {
		list[i] = senders[i].allowed
	}
	return list, nil
}

// keepToAS bounds a sender by the least AS of the others.
func (s *Simulation) keepToAS(from *sender, ends []string) error {
	for _, name := range ends {
		as := s.byName[name].config.Bandwidth.AS
		if name == from.name || as == 0 || len(from.media) == 0 {
			continue
		}
		if need := endpoints.Limits(from.media).Min; need > as {
			return &BandwidthError{Endpoint: name, Modifier: "as", Limit: as, Need: roundUp(need), Sender: from.name}
		}
		if from.allowed == 0 || as < from.allowed {
			from.allowed = as
		}
	}
	if from.allowed > 0 {
		from.most = min(from.most, from.allowed)
	}
	return nil
}

// shareCT divides a conference total among all who send: those who want least first.
func shareCT(senders []sender, ct units.BitRate, whose string) error {
	order := make([]*sender, 0, len(senders))
	need := units.BitRate(0)
	for i := range senders {
		if len(senders[i].media) > 0 {
			order = append(order, &senders[i])
			need += endpoints.Limits(senders[i].media).Min
		}
	}
	slices.SortStableFunc(order, func(a, b *sender) int { return int(max(min(a.most-b.most, 1), -1)) })
	left := ct
	for i, e := range order {
		part := left / units.BitRate(len(order)-i)
		if least := endpoints.Limits(e.media).Min; least > part || need > ct {
			return &BandwidthError{
				Endpoint: whose, Modifier: "ct", Limit: ct, Need: roundUp(max(need, least*units.BitRate(len(order)))), Sender: "the conference",
			}
		}
		e.allowed = min(part, e.most)
		left -= e.allowed
	}
	return nil
}
