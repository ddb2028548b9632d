// Package crosscheck holds our network against pion's: the packets that the endpoints of a scenario send
// go through vnet, too, of both its lines, and what became of each is compared.
//
// The packets are those of our run. Endpoints that lived on vnet would answer to what arrives, and after the
// first difference of a nanosecond send others.
package crosscheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rtpfabric/scenarios"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/pionnet"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Tolerance is how much the delays of a packet may differ where both networks say the same. vnet's
// buckets compute with floating-point numbers and round to a nanosecond each time.
const Tolerance = 10 * time.Nanosecond

// Result is what came of one run.
type Result struct {
	Scenario string `json:"scenario"`
	Run      string `json:"run"`
	// Packets that were sent; Open those of them that were under way at the end, and aren't compared.
	Packets int       `json:"packets"`
	Open    int       `json:"open"`
	Against []Against `json:"against"`

	played *tap
	fates  map[pionnet.Version][]pionnet.Fate
}

// Against is the comparison with one vnet.
type Against struct {
	Vnet pionnet.Version `json:"vnet"`
	// Unable says why the scenario can't be run on it; nothing else is set then.
	Unable string `json:"unable,omitempty"`
	// Explained says why packets may fare otherwise there. If nothing does, every packet must have the same
	// fate, and its delay within the [Tolerance].
	Explained []string `json:"explained,omitempty"`
	// Same is how many packets have the same fate; OnlyHere arrive with us only, OnlyThere with vnet only.
	Same      int `json:"same"`
	OnlyHere  int `json:"only_here"`
	OnlyThere int `json:"only_there"`
	// Mean, P95 and Most are by how much the delays of packets that arrive in both differ.
	Mean time.Duration `json:"mean_ns"`
	P95  time.Duration `json:"p95_ns"`
	Most time.Duration `json:"most_ns"`
	// Carried is what part of the octets that arrive with us arrive there, which may be more than 1; 0 if
	// nothing arrives with us.
	Carried float64 `json:"carried"`
	// First is the first packet that fares otherwise, from 1; 0 if there is none.
	First int `json:"first,omitempty"`
}

// Failed reports whether the networks differ without an explanation.
func (a *Against) Failed() bool {
	return a.Unable == "" && len(a.Explained) == 0 && a.First > 0
}

// Failed reports whether any vnet differs without an explanation.
func (r *Result) Failed() bool {
	return slices.ContainsFunc(r.Against, func(a Against) bool { return a.Failed() })
}

// patience is how long playing a run's packets may take on the clock of the world.
const patience = 10 * time.Minute

// Run runs a scenario and compares. An error is a run that failed; what vnet can't express is in the result.
func Run(ctx context.Context, r *scenarios.Run) (*Result, error) {
	config, err := runner.Config(r.Scenario)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", r.File, r.Name, err)
	}
	t := newTap()
	if _, err := runner.Run(ctx, r, runner.Options{Observer: t}); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := &Result{Scenario: r.File, Run: r.Name, Packets: len(t.packets), Open: t.open(), played: t, fates: map[pionnet.Version][]pionnet.Fate{}}
	plan, untranslated := translate(r.Scenario, &config, t)
	for _, v := range []pionnet.Version{pionnet.V4, pionnet.V2} {
		a := Against{Vnet: v}
		err := untranslated
		if err == nil {
			err = out.play(&a, plan)
		}
		if unable, ok := errors.AsType[*pionnet.Unable](err); ok {
			a, err = Against{Vnet: v, Unable: unable.Reason}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", r.File, r.Name, err)
		}
		out.Against = append(out.Against, a)
	}
	return out, nil
}

// play sends the packets through one vnet.
func (r *Result) play(a *Against, p *plan) error {
	p.lose(r.played.lost)
	fates, err := pionnet.Play(a.Vnet, p.tree, r.played.packets, patience)
	if err != nil {
		return err
	}
	r.fates[a.Vnet] = fates
	a.Explained = p.explained[a.Vnet]
	a.compare(r.played, fates)
	return nil
}

// compare compares the fates of all packets.
func (a *Against) compare(t *tap, fates []pionnet.Fate) {
	var differ []time.Duration
	var here, there units.Bytes
	for i := range t.packets {
		k, o, f := &t.packets[i], &t.fates[i], &fates[i]
		if o.open() {
			continue
		}
		arrived, arrives := o.arrived != simtime.Never, f.Arrived != simtime.Never
		other := false
		switch {
		case arrived && arrives:
			d := max(o.arrived.Sub(k.At)-f.Delay(), f.Delay()-o.arrived.Sub(k.At))
			differ = append(differ, d)
			a.Same++
			other = d > Tolerance
		case arrived == arrives:
			a.Same++
		case arrived:
			a.OnlyHere++
			other = true
		default:
			a.OnlyThere++
			other = true
		}
		if arrived {
			here += k.Size
		}
		if arrives {
			there += k.Size
		}
		if other && a.First == 0 {
			a.First = i + 1
		}
	}
	if here > 0 {
		a.Carried = float64(there) / float64(here)
	}
	a.summarize(differ)
}

func (a *Against) summarize(differ []time.Duration) {
	if len(differ) == 0 {
		return
	}
	slices.Sort(differ)
	var sum time.Duration
	for _, d := range differ {
		sum += d
	}
	a.Mean = sum / time.Duration(len(differ))
	a.P95 = differ[(len(differ)-1)*95/100]
	a.Most = differ[len(differ)-1]
}
