package wifi

import (
	"strings"
	"testing"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, s := range Standards() {
		if err := Defaults(s).Validate(); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		c := Defaults(s)
		c.WMM = true
		if err := c.Validate(); err != nil {
			t.Errorf("%s with WMM: %v", s, err)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, x := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Standard = "802.11x" }, "is unknown: write one of"},
		{func(c *Config) { c.Slot = 0 }, "slot 0s: write"},
		{func(c *Config) { c.SIFS = -1 }, "sifs -1ns: write"},
		{func(c *Config) { c.Propagation = 1e9 }, "propagation 1s: write"},
		{func(c *Config) { c.CWMin = 16 }, "contention window 16 to 1023: write powers of two less one"},
		{func(c *Config) { c.CWMax = 7 }, "contention window 15 to 7"},
		{func(c *Config) { c.RetryLimit = -2 }, "retry limit -2: write"},
		{func(c *Config) { c.MACHeader = -1 }, "headers of -1"},
		{func(c *Config) { c.RTSThreshold = -1 }, "rts threshold -1"},
		{func(c *Config) { c.BasicRate = -1 }, "basic rate"},
		{func(c *Config) { c.Aggregation.MaxFrames = 65 }, "aggregation of 65 frames: write 1 (off) to 64"},
		{func(c *Config) { c.Aggregation.MaxBytes = 0 }, "aggregation of 0 bytes"},
		{func(c *Config) { c.Aggregation.MaxDuration = 1e9 }, "aggregation for 1s"},
		{func(c *Config) { *c = Defaults(G); c.Aggregation.MaxFrames = 2 }, "choose 802.11n"},
		{func(c *Config) { c.WMM = true; c.Categories[Voice].AIFSN = 1 }, "voice aifsn 1: write 2 to 15"},
		{func(c *Config) { c.WMM = true; c.Categories[Video].TXOPLimit = -1 }, "video txop limit"},
		{func(c *Config) { c.WMM = true; c.Categories[Background].CWMin = 2 }, "background contention window"},
		{func(c *Config) { c.PathLoss.Exponent = 0 }, "path loss exponent 0: write"},
		{func(c *Config) { c.PathLoss.TxPower = 1e9 }, "transmit power"},
		{func(c *Config) { c.Station.Mode = "54Mbps" }, `mode "54Mbps" isn't one of 802.11n: write MCS0 to MCS31`},
		{func(c *Config) { c.Station.PER = 1 }, "frame error rate 1: write"},
		{func(c *Config) { c.Station.Category = 4 }, "access category 4: write"},
		{func(c *Config) { c.Station.Distance = -3 }, "distance -3: write"},
	} {
		c := Defaults(N)
		x.change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%q, want %q in it", err, x.want)
		}
		if _, err := NewChannel(nil, nil, c); err == nil {
			t.Errorf("a channel with %q", x.want)
		}
	}
}

func TestSetStation(t *testing.T) {
	n := newNet(t, Defaults(G))
	if err := n.ch.SetStation("sta0", StationConfig{Mode: "7Mbps"}); err == nil || !strings.HasPrefix(err.Error(), "station sta0: mode") {
		t.Errorf("error %v", err)
	}
	n.station(&StationConfig{Mode: "6Mbps"})
	n.station(nil)
	if err := n.ch.SetStation("sta0", StationConfig{}); err == nil {
		t.Error("set after its link was added")
	}
	// A client's rate goes for both directions.
	for link, want := range map[string]string{
		"sta0/forward": "6Mbps", "sta0/backward": "6Mbps", "sta1/forward": "54Mbps", "sta1/backward": "54Mbps",
	} {
		if m, ok := n.ch.ModeOf(link); !ok || m.Name != want {
			t.Errorf("%s goes at %s, want %s", link, m.Name, want)
		}
	}
}
