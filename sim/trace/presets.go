package trace

import (
	"fmt"
	"time"

	"rtpfabric/sim/units"
)

// LTE returns the parameters of a phone in a moving car on LTE, downlink. They
// are chosen to resemble the measured LTE traces that come with mahimahi
// (Winstein, Sivaraman and Balakrishnan, NSDI 2013, and later ones): of those
// looked at, in bins of 100 ms, the means were 5 to 17 Mbit/s, the coefficients
// of variation 0.6 to 1.0, the autocorrelation fell to 1/e in 1 to 20 s, and 4
// to 11 gaps a minute were longer than 200 ms, the longest 0.9 to 1.5 s.
func LTE() Radio {
	return Radio{
		Interval: 100 * time.Millisecond,
		Mean:     12 * units.Mbps, Min: 200 * units.Kbps, Max: 75 * units.Mbps,
		Slow: Variation{CV: 0.6, Coherence: 5 * time.Second},
		Fast: Variation{CV: 0.35, Coherence: 300 * time.Millisecond},
		Gaps: Spells{Every: 10 * time.Second, Min: 100 * time.Millisecond, Max: 900 * time.Millisecond},
	}
}

// FiveG returns the parameters of a pedestrian on millimetre-wave 5G, downlink:
// several hundred Mbit/s with line of sight, a fraction of it for seconds when a
// body or a building blocks the beam. That is the picture that Narayanan et al.
// (WWW 2020; IMC 2020, Lumos5G) describe; the numbers are assumptions.
func FiveG() Radio {
	return Radio{
		Interval: 100 * time.Millisecond,
		Mean:     400 * units.Mbps, Min: 2 * units.Mbps, Max: 2 * units.Gbps,
		Slow:      Variation{CV: 0.4, Coherence: 4 * time.Second},
		Fast:      Variation{CV: 0.3, Coherence: 200 * time.Millisecond},
		Blockages: Spells{Every: 12 * time.Second, Min: 500 * time.Millisecond, Max: 7500 * time.Millisecond},
		Blocked:   0.1,
		Gaps:      Spells{Every: time.Minute, Min: 100 * time.Millisecond, Max: 500 * time.Millisecond},
	}
}

// WiFi returns the parameters of a laptop on a shared channel at home: a rate
// that changes little on its own, halves or quarters for a second or so when
// others use the channel, and rarely stops while a station scans or a
// neighbour's microwave oven is on. The numbers are assumptions.
func WiFi() Radio {
	return Radio{
		Interval: 100 * time.Millisecond,
		Mean:     40 * units.Mbps, Min: 1 * units.Mbps, Max: 150 * units.Mbps,
		Slow:      Variation{CV: 0.25, Coherence: 20 * time.Second},
		Fast:      Variation{CV: 0.25, Coherence: 200 * time.Millisecond},
		Blockages: Spells{Every: 6 * time.Second, Min: 200 * time.Millisecond, Max: 3800 * time.Millisecond},
		Blocked:   0.35,
		Gaps:      Spells{Every: 30 * time.Second, Min: 50 * time.Millisecond, Max: 350 * time.Millisecond},
	}
}

// LEO returns the parameters of a terminal of a constellation in low orbit,
// downlink. Every 15 s, at 12, 27, 42 and 57 s of the minute, all terminals are
// scheduled anew, after which rate and delay are others and packets may be lost
// (Mohan et al., WWW 2024; Kassem et al., IMC 2022). Michel et al. (IMC 2022)
// report round trips of 20 ms at least and 50 ms in the median, and more than
// 100 Mbit/s. Delay is that of one direction from the terminal to the first
// point of presence; CV, gap and loss are assumptions.
func LEO() Radio {
	return Radio{
		Interval: 100 * time.Millisecond,
		Mean:     120 * units.Mbps, Min: 5 * units.Mbps, Max: 500 * units.Mbps,
		Slow: Variation{CV: 0.15, Coherence: time.Minute},
		Fast: Variation{CV: 0.2, Coherence: 300 * time.Millisecond},
		Handover: Handover{
			Period: 15 * time.Second, Offset: 12 * time.Second, CV: 0.25,
			GapMin: 0, GapMax: 200 * time.Millisecond,
			DelaySpread: 12 * time.Millisecond,
			Loss:        0.03, LossFor: 500 * time.Millisecond,
		},
		Delay: 10 * time.Millisecond, Jitter: 2 * time.Millisecond, Loss: 0.001,
	}
}

// GEO returns the parameters of a terminal of a geostationary satellite,
// downlink. The signal takes 239 to 284 ms up and down (35 786 to 42 640 km from
// the station each way), and a round trip about 600 ms; the rate is that of a
// tariff and changes with the load of the beam and the weather. Steps are 200 ms
// long. The numbers but the delay are assumptions.
func GEO() Radio {
	return Radio{
		Interval: 200 * time.Millisecond,
		Mean:     20 * units.Mbps, Min: units.Mbps, Max: 40 * units.Mbps,
		Slow:  Variation{CV: 0.2, Coherence: 45 * time.Second},
		Fast:  Variation{CV: 0.1, Coherence: time.Second},
		Delay: 290 * time.Millisecond, Jitter: 4 * time.Millisecond, Loss: 0.001,
	}
}

// presets in the order in which they are listed.
var presets = []struct {
	name string
	make func() Radio
}{{"lte", LTE}, {"5g", FiveG}, {"wifi", WiFi}, {"leo", LEO}, {"geo", GEO}}

// PresetNames lists the names that [Preset] knows.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i := range presets {
		names[i] = presets[i].name
	}
	return names
}

// Preset returns the parameters with the given name.
func Preset(name string) (Radio, error) {
	for _, p := range presets {
		if p.name == name {
			return p.make(), nil
		}
	}
	return Radio{}, fmt.Errorf("%q is not a generator: write one of %v", name, PresetNames())
}
