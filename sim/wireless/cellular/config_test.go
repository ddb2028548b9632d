package cellular

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, c := range []Config{Defaults(), DefaultsUplink()} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidate(t *testing.T) {
	snr, far := 3.0, 1e9
	for _, x := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.TTI = 0 }, "tti 0s: write"},
		{func(c *Config) { c.Bandwidth = 10 }, "bandwidth 10 Hz: write"},
		{func(c *Config) { c.Carrier = 0 }, "carrier 0 Hz: write"},
		{func(c *Config) { c.Scheduler = "x" }, `scheduler "x": write proportional-fair or round-robin`},
		{func(c *Config) { c.UserBlocks = 51 }, "51 resource blocks for a user: write up to 50"},
		{func(c *Config) { c.PFWindow = 0 }, "proportional-fair window"},
		{func(c *Config) { c.BLER = 1 }, "block error rate 1: write"},
		{func(c *Config) { c.HARQDelay = time.Microsecond }, "harq delay"},
		{func(c *Config) { c.Shannon.Alpha = 0 }, "shannon alpha"},
		{func(c *Config) { c.Shannon.MaxEfficiency = 0 }, "maximum efficiency"},
		{func(c *Config) { c.Shannon.MinSNR = far }, "minimum snr"},
		{func(c *Config) { c.Deployment.CellRadius = 0 }, "cell radius"},
		{func(c *Config) { c.Deployment.TxPower = far }, "powers and losses"},
		{func(c *Config) { c.Deployment.Shadowing = -1 }, "shadowing -1 dB"},
		{func(c *Config) { c.Deployment.Interference = 2 }, "interference 2"},
		{func(c *Config) { c.User.Rate = -1 }, "rate"},
		{func(c *Config) { c.User.Distance = -1 }, "default user: distance -1 m"},
		{func(c *Config) { c.User.SNR = far }, "snr"},
		{func(c *Config) { c.User.Speed = -1 }, "speed -1 km/h"},
		{func(c *Config) { c.User.Speed = 900; c.Carrier = 60e9 }, "faster than a TTI"},
		{func(c *Config) { c.User.Handovers = []Handover{{At: 9, Gap: 5}, {At: 13}} }, "handover 2 at 13ns"},
		{func(c *Config) { c.User.Handovers = []Handover{{SNR: &far}} }, "handover 1 to"},
		{func(c *Config) { c.User.Rate = 1; c.User.Handovers = []Handover{{SNR: &snr}} }, "leave it out"},
	} {
		c := Defaults()
		x.change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %q in it", err, x.want)
		}
		if _, err := NewCell(nil, nil, c); err == nil {
			t.Errorf("a cell with %q", x.want)
		}
	}
}

func TestSetUser(t *testing.T) {
	n := newNet(t, 1, Defaults())
	if err := n.cell.SetUser("ue9", UserConfig{Speed: -1}); err == nil || !strings.HasPrefix(err.Error(), "user ue9: speed") {
		t.Errorf("error %v", err)
	}
	n.user(UserConfig{Rate: 1})
	if err := n.cell.SetUser("ue0", UserConfig{Rate: 2}); err == nil {
		t.Error("set after its link was added")
	}
	if names := n.cell.UserNames(); len(names) != 1 || names[0] != "ue0/forward" || n.cell.ResourceBlocks() != 50 {
		t.Errorf("%v, %d resource blocks", names, n.cell.ResourceBlocks())
	}
}
