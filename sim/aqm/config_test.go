package aqm

import (
	"math"
	"strings"
	"testing"
	"time"

	"rtpfabric/sim/fabric"
	"rtpfabric/sim/units"
)

type validator interface{ Validate() error }

func changed[C any](c C, change func(*C)) C {
	change(&c)
	return c
}

func TestDefaultsAreValid(t *testing.T) {
	for _, c := range []validator{
		DefaultRED(), DefaultCoDel(), DefaultFQCoDel(), DefaultPIE(), DefaultDualPI2(), threeBands(Weighted),
		PolicerConfig{units.Mbps, 1500},
		ShaperConfig{Rate: units.Mbps, Burst: 1500},
	} {
		if err := c.Validate(); err != nil {
			t.Errorf("%T: %v", c, err)
		}
	}
}

// Every error is one line that says what is wrong and what would be right.
func TestValidate(t *testing.T) {
	for _, c := range []validator{
		REDConfig{},
		changed(DefaultRED(), func(c *REDConfig) { c.MaxThreshold = 5 }),
		changed(DefaultRED(), func(c *REDConfig) { c.MinThreshold = math.NaN() }),
		changed(DefaultRED(), func(c *REDConfig) { c.MaxP = 1.1 }),
		changed(DefaultRED(), func(c *REDConfig) { c.Weight = math.NaN() }),
		changed(DefaultRED(), func(c *REDConfig) { c.MeanPacketSize = 0 }),
		changed(DefaultRED(), func(c *REDConfig) { c.Limit = fabric.Limit{} }),
		CoDelConfig{},
		changed(DefaultCoDel(), func(c *CoDelConfig) { c.Target = time.Second }),
		changed(DefaultCoDel(), func(c *CoDelConfig) { c.MTU = -1 }),
		changed(DefaultCoDel(), func(c *CoDelConfig) { c.Limit = fabric.Limit{Packets: 1, Bytes: 1} }),
		changed(DefaultCoDel(), func(c *CoDelConfig) { c.Limit = fabric.Limit{Bytes: -1} }),
		FQCoDelConfig{},
		changed(DefaultFQCoDel(), func(c *FQCoDelConfig) { c.Flows = 0 }),
		changed(DefaultFQCoDel(), func(c *FQCoDelConfig) { c.Quantum = 0 }),
		changed(DefaultFQCoDel(), func(c *FQCoDelConfig) { c.Limit = 0 }),
		changed(DefaultFQCoDel(), func(c *FQCoDelConfig) { c.MemoryLimit = -1 }),
		changed(DefaultFQCoDel(), func(c *FQCoDelConfig) { c.CEThreshold = -1 }),
		PIEConfig{},
		changed(DefaultPIE(), func(c *PIEConfig) { c.Alpha = math.Inf(1) }),
		changed(DefaultPIE(), func(c *PIEConfig) { c.Tupdate = 0 }),
		changed(DefaultPIE(), func(c *PIEConfig) { c.MaxBurst = -1 }),
		changed(DefaultPIE(), func(c *PIEConfig) { c.MarkECNThreshold = 0 }),
		DualPI2Config{},
		changed(DefaultDualPI2(), func(c *DualPI2Config) { c.K = 0.5 }),
		changed(DefaultDualPI2(), func(c *DualPI2Config) { c.Range = -1 }),
		changed(DefaultDualPI2(), func(c *DualPI2Config) { c.MinLength = -1 }),
		changed(DefaultDualPI2(), func(c *DualPI2Config) { c.ClassicWeight = 1 }),
		changed(DefaultDualPI2(), func(c *DualPI2Config) { c.MinBacklog = -1 }),
		changed(DefaultDualPI2(), func(c *DualPI2Config) { c.Limit = fabric.Limit{Packets: 9} }),
		BandsConfig{},
		changed(threeBands(Strict), func(c *BandsConfig) { c.Classifier = nil }),
		changed(threeBands(Strict), func(c *BandsConfig) { c.Scheduler = 7 }),
		changed(threeBands(Strict), func(c *BandsConfig) { c.Quantum = -1 }),
		changed(threeBands(Strict), func(c *BandsConfig) { c.Bands[1].Queue = nil }),
		changed(threeBands(Weighted), func(c *BandsConfig) { c.Bands[1].Weight = 0 }),
		changed(threeBands(Strict), func(c *BandsConfig) {
			p := DefaultPIE()
			p.Tupdate++
			c.Bands[0].Queue = NewPIE(p, stream("pie"))
		}),
		PolicerConfig{Rate: 0, Burst: 1500},
		PolicerConfig{Rate: units.Mbps, Burst: 5},
		PolicerConfig{Rate: units.Mbps, Burst: 1 << 40},
		ShaperConfig{Rate: -1, Burst: 1500},
		ShaperConfig{Rate: units.Mbps, Burst: 1500, PeakRate: units.Kbps},
	} {
		err := c.Validate()
		if err == nil {
			t.Errorf("%T %+v is accepted", c, c)
			continue
		}
		if text := err.Error(); !strings.Contains(text, ": write ") || strings.Contains(text, "\n") {
			t.Errorf("%T: %q doesn't say what would be right", c, text)
		}
	}
}

func TestConstructorsRefuseInvalidConfigs(t *testing.T) {
	for name, make := range map[string]func(){
		"red":     func() { NewRED(REDConfig{}, stream("x")) },
		"codel":   func() { NewCoDel(CoDelConfig{}) },
		"fqcodel": func() { NewFQCoDel(FQCoDelConfig{}, stream("x")) },
		"pie":     func() { NewPIE(PIEConfig{}, stream("x")) },
		"dualpi2": func() { NewDualPI2(DualPI2Config{}) },
		"bands":   func() { NewBands(BandsConfig{}) },
		"policer": func() { NewPolicer(PolicerConfig{}) },
		"shaper":  func() { NewShaper(ShaperConfig{}, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
}
