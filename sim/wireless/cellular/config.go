package cellular

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Config describes one direction of a cell. [Defaults] returns one of which
// fields may then be changed; the zero value is not valid.
type Config struct {
	// Name distinguishes the streams of random numbers of several cells.
	Name string
	// TTI is the transmission time interval.
	TTI time.Duration
	// Bandwidth and Carrier are in Hz. A resource block stands for 200 kHz, with
	// its share of the guard band.
	Bandwidth, Carrier float64
	Scheduler          Scheduler
	// UserBlocks is the most resource blocks that one user gets in a TTI; 0 is
	// all of them.
	UserBlocks int
	// PFWindow is the time constant of proportional fair's average.
	PFWindow time.Duration
	// Shannon says which rate an SNR allows.
	Shannon Shannon
	// Deployment says which SNR a distance gives.
	Deployment Deployment
	// BLER is the probability that a block is lost and sent again HARQDelay
	// after it, from 0 to less than 1; 0 turns HARQ off.
	BLER      float64
	HARQDelay time.Duration
	// User is what a user is like for which nothing was set.
	User UserConfig
}

// UserConfig describes a user's radio channel. Of Capacity, Rate, Distance and
// SNR the first one set counts.
type UserConfig struct {
	// Capacity gives the rate over the whole band at a time. Calls come in order
	// of time; see [Trace].
	Capacity func(at simtime.Time) units.BitRate
	// Rate over the whole band.
	Rate units.BitRate
	// Distance to the site in metres, and Shadowing in dB, which adds to the
	// signal.
	Distance, Shadowing float64
	// SNR is the mean over fading, in dB.
	SNR float64
	// Speed in km/h makes an SNR fade; 0 is a constant channel.
	Speed float64
	// Handovers in order of time, not overlapping.
	Handovers []Handover
}

// Handover is an interruption of service: the user isn't served in TTIs that
// begin from At on and before At + Gap. Its packets wait.
type Handover struct {
	At, Gap time.Duration
	// SNR is the mean from then on, in dB; nil leaves it as it is. Users without
	// SNR ignore it.
	SNR *float64
}

// Defaults returns a downlink of RFC 8869 §2.1: 10 MHz at 2 GHz, TTIs of 1 ms,
// proportional fair over 1 s, 10 % of the blocks lost and repeated after 8 ms,
// 3GPP case 1, users at 100 m with 3 km/h.
func Defaults() Config {
	return Config{
		TTI: time.Millisecond, Bandwidth: 10e6, Carrier: 2e9,
		Scheduler: ProportionalFair, PFWindow: time.Second,
		Shannon: Downlink, Deployment: Case1(),
		BLER: 0.1, HARQDelay: 8 * time.Millisecond,
		User: UserConfig{Distance: 100, Speed: 3},
	}
}

// DefaultsUplink returns the uplink that belongs to Defaults. A user has at most
// a fifth of the band at a time, so that its power suffices for a few hundred
// metres.
func DefaultsUplink() Config {
	c := Defaults()
	c.UserBlocks = c.resourceBlocks() / 5
	c.Shannon, c.Deployment = Uplink, c.Deployment.ForUplink()
	return c
}

func (c Config) resourceBlocks() int { return int(c.Bandwidth / 200e3) }

// userBlocks is the most that one user gets in a TTI.
func (c Config) userBlocks() int {
	if c.UserBlocks > 0 {
		return c.UserBlocks
	}
	return c.resourceBlocks()
}

// Validate says what is wrong with the configuration, in one line.
func (c Config) Validate() error {
	switch {
	case c.TTI <= 0 || c.TTI > time.Second:
		return fmt.Errorf("tti %v: write a time up to 1s, such as 1ms", c.TTI)
	case !(c.Bandwidth >= 200e3 && c.Bandwidth <= 1e9):
		return fmt.Errorf("bandwidth %v Hz: write 200 kHz to 1 GHz, such as 10e6", c.Bandwidth)
	case !(c.Carrier > 0 && c.Carrier <= 1e12):
		return fmt.Errorf("carrier %v Hz: write a frequency such as 2e9", c.Carrier)
	case c.Scheduler != ProportionalFair && c.Scheduler != RoundRobin:
		return fmt.Errorf("scheduler %q: write %s or %s", c.Scheduler, ProportionalFair, RoundRobin)
	case c.UserBlocks < 0 || c.UserBlocks > c.resourceBlocks():
		return fmt.Errorf("%d resource blocks for a user: write up to %d, or 0 for all", c.UserBlocks, c.resourceBlocks())
	case c.PFWindow < c.TTI:
		return fmt.Errorf("proportional-fair window %v: write a time of at least a TTI, %v", c.PFWindow, c.TTI)
	case !(c.BLER >= 0 && c.BLER < 1):
		return fmt.Errorf("block error rate %v: write a probability from 0 to less than 1", c.BLER)
	case c.BLER > 0 && c.HARQDelay < c.TTI:
		return fmt.Errorf("harq delay %v: write a time of at least a TTI, %v", c.HARQDelay, c.TTI)
	case !(c.Shannon.Alpha > 0 && c.Shannon.Alpha <= 64):
		return fmt.Errorf("shannon alpha %v: write a positive number such as 0.6", c.Shannon.Alpha)
	case !(c.Shannon.MaxEfficiency > 0 && c.Shannon.MaxEfficiency <= 1000):
		return fmt.Errorf("maximum efficiency %v bit/s/Hz: write a positive number such as 4.4", c.Shannon.MaxEfficiency)
	case !decibels(c.Shannon.MinSNR):
		return fmt.Errorf("minimum snr %v dB: write a number such as -10", c.Shannon.MinSNR)
	}
	if err := c.Deployment.validate(); err != nil {
		return err
	}
	if err := c.User.validate(c); err != nil {
		return fmt.Errorf("default user: %w", err)
	}
	return nil
}

// decibels says whether a number can be one of decibels.
func decibels(x float64) bool { return math.Abs(x) <= 300 }

func (d Deployment) validate() error {
	switch {
	case !(d.MinDistance > 0 && 2*d.CellRadius > d.MinDistance && d.CellRadius < 1e6):
		return fmt.Errorf("cell radius %v m and minimum distance %v m: write lengths such as 166.666 and 35", d.CellRadius, d.MinDistance)
	case !decibels(d.TxPower) || !decibels(d.Gain) || !decibels(d.Penetration) || !decibels(d.NoiseFigure) || !decibels(d.NoiseRise):
		return fmt.Errorf("powers and losses %v dBm, %v, %v, %v, %v dB: write numbers such as 46, 14, 20, 9, 0",
			d.TxPower, d.Gain, d.Penetration, d.NoiseFigure, d.NoiseRise)
	case !(d.Shadowing >= 0 && d.Shadowing <= 50):
		return fmt.Errorf("shadowing %v dB: write a standard deviation such as 8", d.Shadowing)
	case !(d.Interference >= 0 && d.Interference <= 1):
		return fmt.Errorf("interference %v: write a share of the neighbours' power from 0 to 1", d.Interference)
	}
	return nil
}

func (u UserConfig) validate(c Config) error {
	switch {
	case u.Rate < 0:
		return fmt.Errorf("rate %v: write a bit rate of zero or more", u.Rate)
	case !(u.Distance >= 0 && u.Distance <= 1e6):
		return fmt.Errorf("distance %v m: write a number of metres, such as 100", u.Distance)
	case !decibels(u.SNR) || !decibels(u.Shadowing):
		return fmt.Errorf("snr %v dB, shadowing %v dB: write numbers such as 10 and 0", u.SNR, u.Shadowing)
	case !(u.Speed >= 0 && u.Speed <= 1000):
		return fmt.Errorf("speed %v km/h: write 0 to 1000", u.Speed)
	}
	end := time.Duration(0)
	for i, h := range u.Handovers {
		if h.At < end || h.Gap < 0 {
			return fmt.Errorf("handover %d at %v for %v: write handovers in order of time, each after the end of the one before", i+1, h.At, h.Gap)
		}
		if h.SNR != nil && !decibels(*h.SNR) {
			return fmt.Errorf("handover %d to %v dB: write a number such as 10", i+1, *h.SNR)
		}
		if h.SNR != nil && !u.fades() {
			return fmt.Errorf("handover %d to %v dB: leave it out, or give the user an snr or a distance in place of a rate", i+1, *h.SNR)
		}
		end = h.At + h.Gap
	}
	if u.fades() && u.Speed*c.Carrier/3.6/speedOfLight > 0.5/c.TTI.Seconds() {
		return fmt.Errorf("speed %v km/h: the channel changes faster than a TTI, write a lower one", u.Speed)
	}
	return nil
}

// fades says whether the rate follows from an SNR.
func (u UserConfig) fades() bool { return u.Capacity == nil && u.Rate == 0 }

// meanSNR is in dB.
func (u UserConfig) meanSNR(c Config) float64 {
	if u.Distance > 0 {
		band := c.Bandwidth
		if c.Deployment.FromUser {
			band = float64(band*float64(c.userBlocks())) / float64(c.resourceBlocks())
		}
		return c.Deployment.SNR(u.Distance, band, u.Shadowing)
	}
	return u.SNR
}

// Step is a rate from a time on.
type Step struct {
	At   time.Duration
	Rate units.BitRate
}

// Trace makes a capacity of a list of steps in rising order of time. Before the
// first it is 0. A positive period repeats the list from then on.
func Trace(list []Step, period time.Duration) (func(at simtime.Time) units.BitRate, error) {
	list = slices.Clone(list)
	for i, s := range list {
		if s.At < 0 || s.Rate < 0 || i > 0 && s.At <= list[i-1].At {
			return nil, fmt.Errorf("step %d at %v with %v: write rising times and rates of zero or more", i+1, s.At, s.Rate)
		}
	}
	if period < 0 || period > 0 && len(list) > 0 && list[len(list)-1].At >= period {
		return nil, fmt.Errorf("period %v: write a time after the last step, or 0 for no repetition", period)
	}
	return func(at simtime.Time) units.BitRate {
		d := at.Duration()
		if period > 0 {
			d %= period
		}
		i, found := slices.BinarySearchFunc(list, d, func(s Step, d time.Duration) int { return cmp.Compare(s.At, d) })
		if !found {
			i--
		}
		if i < 0 {
			return 0
		}
		return list[i].Rate
	}, nil
}
