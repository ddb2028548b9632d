package pion

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/cc"
	"github.com/pion/interceptor/pkg/ccfb"
	"github.com/pion/interceptor/pkg/flexfec"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/interceptor/pkg/intervalpli"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/pacing"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"

	"rtpfabric/ccontrol"
	"rtpfabric/endpoints"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

func init() { topologies.RegisterChains(maker{}) }

type maker struct{}

// kind is a type of interceptors, and how one is made.
type kind struct {
	topologies.InterceptorKind
	make func(p *place, o values) (interceptor.Factory, error)
}

// place is where an interceptor is to stand: in a session of ours, or in pion's own stack.
type place struct {
	limits ccontrol.Limits
	led    *topologies.Led // nil if nothing is sent, or somebody else decides about the rate
	now    func() time.Time
	// repairs lets gcc's pacer know of retransmissions and FEC.
	repairs bool
	// What interceptors leave: who follows the rate that is allowed, an estimator, and the payload type of FEC.
	follow    []func(rate units.BitRate)
	estimator cc.BandwidthEstimator
	fec       uint8
}

// registry returns the interceptors of a list, behind what goes before them.
func (p *place) registry(list []topologies.Interceptor, before ...interceptor.Factory) (*interceptor.Registry, error) {
	r := &interceptor.Registry{}
	for _, f := range before {
		r.Add(f)
	}
	for _, i := range list {
		k, err := kindNamed(i.Type)
		if err != nil {
			return nil, err
		}
		f, err := k.make(p, k.values(i.Options))
		if err != nil {
			return nil, err
		}
		r.Add(f)
	}
	return r, nil
}

// lead tells the controller what the estimator says. It reports whether that is news.
func (p *place) lead() bool {
	return p.estimator != nil && p.led != nil && p.led.Lead(units.BitRate(p.estimator.GetTargetBitrate()))
}

// Kinds returns all types.
func (maker) Kinds() []topologies.InterceptorKind {
	var list []topologies.InterceptorKind
	for _, k := range kinds {
		list = append(list, k.InterceptorKind)
	}
	return list
}

// Register adds a type of interceptors, which endpoints of ours can have by its name. It is called by init
// functions.
func Register(k topologies.InterceptorKind, factory func(options map[string]string) (interceptor.Factory, error)) {
	if _, err := kindNamed(k.Name); err == nil {
		panic("pion: interceptor " + k.Name + " registered twice")
	}
	kinds = append(kinds, kind{k, func(_ *place, o values) (interceptor.Factory, error) { return factory(o) }})
}

func kindNamed(name string) (*kind, error) {
	if i := slices.IndexFunc(kinds, func(k kind) bool { return k.Name == name }); i >= 0 {
		return &kinds[i], nil
	}
	return nil, fmt.Errorf("there is no interceptor %q", name)
}

// values of options, which have been checked.
type values map[string]string

// values returns all options of a kind, some of them set.
func (k *kind) values(set map[string]string) values {
	all := values{}
	for _, o := range k.Options {
		all[o.Name] = o.Default
	}
	maps.Copy(all, set)
	return all
}

func (v values) interval() time.Duration {
	d, _ := time.ParseDuration(v["interval"])
	return d
}

func (v values) number(name string) int {
	n, _ := strconv.Atoi(v[name])
	return n
}

// An interval between two messages, or a number of packets, within bounds.
func every(usual, help string) topologies.InterceptorOption {
	return topologies.InterceptorOption{Name: "interval", Default: usual, Help: help, Check: func(v string) error {
		if d, err := time.ParseDuration(v); err != nil || d < time.Millisecond || d > time.Minute {
			return fmt.Errorf("%q is no interval: write 1ms to 1m", v)
		}
		return nil
	}}
}

func count(name, usual, help string, from, to int) topologies.InterceptorOption {
	return topologies.InterceptorOption{Name: name, Default: usual, Help: help, Check: func(v string) error {
		if n, err := strconv.Atoi(v); err != nil || n < from || n > to {
			return fmt.Errorf("%q is out of range: write %d to %d", v, from, to)
		}
		return nil
	}}
}

func word(name, usual, help string, words ...string) topologies.InterceptorOption {
	return topologies.InterceptorOption{Name: name, Default: usual, Help: help, Check: func(v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("%q is no %s: write one of %q", v, name, words)
		}
		return nil
	}}
}

func bitRate(name, help string) topologies.InterceptorOption {
	return topologies.InterceptorOption{Name: name, Help: help, Check: func(v string) error {
		r, err := units.ParseBitRate(v)
		if err != nil {
			return err
		}
		if r < units.Kbps {
			return fmt.Errorf("%q is too low: write 1kbps or more", v)
		}
		return nil
	}}
}

// sizes are those that pion's buffers can have.
func size(usual, help string) topologies.InterceptorOption {
	var words []string
	for n := 64; n <= 32768; n *= 2 {
		words = append(words, strconv.Itoa(n))
	}
	return word("size", usual, help, words...)
}

// kinds are pion's interceptors that scenarios can name.
var kinds = []kind{
	{topologies.InterceptorKind{
		Name: "gcc", Help: "bandwidth estimator, in the place of the endpoint's controller", Leads: true,
		Options: []topologies.InterceptorOption{
			word("pacer", "leaky-bucket", "its own pacer, or none: then a session of ours paces at 1.5 times the rate, and nobody in pion's stack", "leaky-bucket", "none"),
			bitRate("initial", "its first estimate; without one that of the media"), bitRate("min", "its least"), bitRate("max", "its largest"),
		},
	}, makeGCC},
	{topologies.InterceptorKind{
		Name: "twcc-numbers", Help: "transport-wide sequence numbers, of what other interceptors send too",
	}, func(*place, values) (interceptor.Factory, error) { return twcc.NewHeaderExtensionInterceptor() }},
	{topologies.InterceptorKind{
		Name: "twcc", Help: "transport-wide feedback", Without: endpoints.Without{Feedback: true}, Feedback: endpoints.FeedbackTWCC,
		Options: []topologies.InterceptorOption{every("100ms", "between messages")},
	}, func(p *place, o values) (interceptor.Factory, error) {
		return twcc.NewSenderInterceptor(twcc.SendInterval(o.interval()), twcc.SendNow(p.now), twcc.WithLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "rfc8888", Help: "congestion control feedback (RFC 8888)", Without: endpoints.Without{Feedback: true}, Feedback: endpoints.FeedbackRFC8888,
		Options: []topologies.InterceptorOption{every("100ms", "between messages")},
	}, func(p *place, o values) (interceptor.Factory, error) {
		return ccfb.NewSenderInterceptor(ccfb.SendInterval(o.interval()), ccfb.SenderNow(p.now), ccfb.WithLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "nack-generator", Help: "requests of what is lost", Without: endpoints.Without{Requests: true},
		Options: []topologies.InterceptorOption{
			every("100ms", "between requests"), size("512", "packets that are remembered"),
			count("skip", "0", "of the last packets, which aren't asked for", 0, 1000),
		},
	}, func(_ *place, o values) (interceptor.Factory, error) {
		return nack.NewGeneratorInterceptor(nack.GeneratorInterval(o.interval()), nack.GeneratorSize(uint16(o.number("size"))),
			nack.GeneratorSkipLastN(uint16(o.number("skip"))), nack.WithGeneratorLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "nack-responder", Help: "retransmissions of what is asked for", Without: endpoints.Without{Retransmissions: true},
		Options: []topologies.InterceptorOption{size("1024", "packets that are kept")},
	}, func(_ *place, o values) (interceptor.Factory, error) {
		return nack.NewResponderInterceptor(nack.ResponderSize(uint16(o.number("size"))), nack.WithResponderLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "sender-reports", Help: "SR of what is sent, without report blocks", Without: endpoints.Without{Reports: true},
		Options: []topologies.InterceptorOption{every("1s", "between reports")},
	}, func(p *place, o values) (interceptor.Factory, error) {
		return report.NewSenderInterceptor(report.SenderInterval(o.interval()), report.SenderNow(p.now), report.WithSenderLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "receiver-reports", Help: "RR of what comes", Without: endpoints.Without{Reports: true},
		Options: []topologies.InterceptorOption{every("1s", "between reports")},
	}, func(p *place, o values) (interceptor.Factory, error) {
		return report.NewReceiverInterceptor(report.ReceiverInterval(o.interval()), report.ReceiverNow(p.now), report.WithReceiverLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "pacing", Help: "pacer, in the place of the session's", Without: endpoints.Without{Pacing: true},
		Options: []topologies.InterceptorOption{
			every("5ms", "between bursts"), count("percent", "150", "of the controller's target", 100, 1000),
		},
	}, makePacing},
	{topologies.InterceptorKind{
		Name: "pli", Help: "requests of key frames at intervals",
		Options: []topologies.InterceptorOption{every("3s", "between requests")},
	}, func(_ *place, o values) (interceptor.Factory, error) {
		return intervalpli.NewReceiverInterceptor(intervalpli.GeneratorInterval(o.interval()), intervalpli.WithLoggerFactory(quiet()))
	}},
	{topologies.InterceptorKind{
		Name: "flexfec", Help: "FlexFEC of draft version 03, which endpoints of ours don't decode",
		Options: []topologies.InterceptorOption{
			count("media", "5", "packets in a block", 1, 110), count("repair", "2", "packets that protect it", 1, 110),
			count("payload-type", "119", "of the repair packets", 119, 127),
		},
	}, func(p *place, o values) (interceptor.Factory, error) {
		p.fec = uint8(o.number("payload-type"))
		return flexfec.NewFecInterceptor(flexfec.NumMediaPackets(uint32(o.number("media"))), flexfec.NumFECPackets(uint32(o.number("repair"))))
	}},
}

// makeGCC makes pion's estimator the controller.
func makeGCC(p *place, o values) (interceptor.Factory, error) {
	if p.led == nil { // nothing is sent
		return nothing{}, nil
	}
	unpaced := o["pacer"] == "none"
	if unpaced {
		p.led.Pace(1.5)
	}
	l := p.limits
	for name, rate := range map[string]*units.BitRate{"min": &l.Min, "initial": &l.Start, "max": &l.Max} {
		if o[name] == "" {
			continue
		}
		var err error
		if *rate, err = units.ParseBitRate(o[name]); err != nil {
			return nil, err
		}
	}
	factory, err := cc.NewInterceptor(func() (cc.BandwidthEstimator, error) { return newGCC(l, unpaced, p.repairs) })
	if err != nil {
		return nil, err
	}
	factory.OnNewPeerConnection(func(_ string, b cc.BandwidthEstimator) { p.estimator = b })
	p.led.Lead(l.Start)
	p.led.Show(signals, func(values []float64) []float64 { return show(p.estimator, values) })
	return factory, nil
}

// makePacing makes pion's pacer follow the controller.
func makePacing(p *place, o values) (interceptor.Factory, error) {
	factor := float64(o.number("percent")) / 100
	paced := func(rate units.BitRate) int { return max(int(factor*float64(rate)), 1) }
	f := pacing.NewInterceptor(pacing.Interval(o.interval()), pacing.InitialRate(paced(p.limits.Start)), pacing.WithLoggerFactory(quiet()))
	named := &named{InterceptorFactory: f}
	p.follow = append(p.follow, func(rate units.BitRate) { f.SetRate(named.id, paced(rate)) })
	return named, nil
}

// named is a factory of pacers that remembers by what name it knows the one it has made.
type named struct {
	*pacing.InterceptorFactory
	id string
}

// NewInterceptor makes the pacer.
func (n *named) NewInterceptor(id string) (interceptor.Interceptor, error) {
	n.id = id
	return n.InterceptorFactory.NewInterceptor(id)
}

// nothing makes interceptors that do nothing.
type nothing struct{}

func (nothing) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &interceptor.NoOp{}, nil
}

// newGCC makes pion's estimator. Its pacer, if it has one, knows the SSRCs of repairs if wished.
func newGCC(l ccontrol.Limits, unpaced, repairs bool) (cc.BandwidthEstimator, error) {
	options := []gcc.Option{
		gcc.SendSideBWEInitialBitrate(int(l.Start)), gcc.SendSideBWEMinBitrate(int(l.Min)), gcc.SendSideBWEMaxBitrate(int(l.Max)),
		gcc.WithLoggerFactory(quiet()),
	}
	if unpaced {
		options = append(options, gcc.SendSideBWEPacer(gcc.NewNoOpPacer()))
	}
	b, err := gcc.NewSendSideBWE(options...)
	if err != nil || !repairs {
		return b, err
	}
	return withRepairs{b}, nil
}
