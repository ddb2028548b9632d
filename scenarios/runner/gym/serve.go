package gym

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"rtpfabric/ccontrol"
	"rtpfabric/ccontrol/feedlog"
	"rtpfabric/scenarios/runner"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// Source returns the next line that the agent wrote, with or without its end. [io.EOF]
// ends the conversation, another error does so with an error.
type Source func(ctx context.Context) ([]byte, error)

// Serve answers commands until the agent closes or its lines end. Every command has one
// line as its reply. Bad commands are answered with an error, and change nothing. The
// returned errors come from the source, from writing, or from keeping records.
func (e *Environment) Serve(ctx context.Context, from Source, to io.Writer) error {
	s := &server{environment: e, ctx: ctx, from: from, out: json.NewEncoder(to)}
	s.out.SetEscapeHTML(false)
	for s.await(false) != over {
		for s.begun != nil {
			p := s.begun
			s.begun = nil
			s.play(p)
		}
	}
	return s.err
}

// server is a conversation with an agent.
type server struct {
	environment *Environment
	ctx         context.Context
	from        Source
	out         *json.Encoder

	begun  *episode // by a reset, and not yet played
	action float64  // of the last step, bit/s
	ended  bool
	err    error
}

// turn is what a command asks the environment to do.
type turn uint8

const (
	act   turn = iota // a step, with an action
	renew             // a reset: another episode has begun
	over              // the conversation is
)

// await answers commands until one is about an episode, of which there may be one now.
func (s *server) await(inEpisode bool) turn {
	for !s.ended {
		line, err := s.from(s.ctx)
		if err != nil {
			s.end(err)
			break
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		c, err := parse(line)
		if err != nil {
			s.refuse(err)
			continue
		}
		switch c.kind {
		case hello:
			s.say(s.environment.spec)
		case farewell:
			s.say(closedReply{"closed"})
			s.end(io.EOF)
		case step:
			if inEpisode {
				s.action = c.action
				return act
			}
			s.refuse(errors.New(`step: there is no episode: write {"type":"reset"} first`))
		case reset:
			if s.begun, err = s.environment.prepare(&c.reset); err == nil {
				return renew
			}
			s.refuse(fmt.Errorf("reset: %w", err))
		}
	}
	return over
}

// end ends the conversation.
func (s *server) end(err error) {
	s.ended = true
	if s.err == nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
}

func (s *server) say(reply any) {
	if err := s.out.Encode(reply); err != nil {
		s.end(fmt.Errorf("the reply couldn't be written: %w", err))
	}
}

func (s *server) refuse(err error) { s.say(errorReply{err.Error()}) }

// play does the run of an episode. Whoever is called back from the run answers the reset
// and every step but the last.
func (s *server) play(p *episode) {
	e := s.environment
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	var c *controller
	decide := func(now simtime.Time, observation []float64) (float64, bool) {
		s.observed(p, c, now, observation)
		if s.await(true) != act {
			stop()
			return 0, false
		}
		return s.action, true
	}
	agent := &runner.Agent{Connection: e.config.Session, Label: "agent", New: func(l ccontrol.Limits) ccontrol.Controller {
		c = newController(l, e.fields, e.config.Step, simtime.At(p.run.Scenario.Duration), decide)
		return c
	}}
	rec, err := runner.Run(ctx, p.run, runner.Options{Version: e.config.Version, Agent: agent})
	switch {
	case s.ended || s.begun != nil: // the agent left in the middle
	case s.ctx.Err() != nil:
		s.end(context.Cause(s.ctx))
	case err != nil:
		s.refuse(fmt.Errorf("the episode is over: %w", err))
	case !c.asked:
		s.refuse(fmt.Errorf("reset: the session %s never began", e.config.Session))
	default:
		s.finish(p, c, rec)
	}
}

// observed answers the reset, or a step that isn't the last.
func (s *server) observed(p *episode, c *controller, now simtime.Time, observation []float64) {
	if !p.answered {
		p.answered = true
		s.say(resetReply{"reset", observation, resetInfo{
			Now: int64(now), Seed: p.run.Scenario.Seed, Variation: p.variation, Name: p.run.Name,
			Duration: p.run.Scenario.Duration.Seconds(), Limits: feedlog.LimitsOf(p.limits), Weights: p.weights, Episode: p.number,
		}})
		return
	}
	s.say(stepped(p, c, now, observation))
}

func stepped(p *episode, c *controller, now simtime.Time, observation []float64) stepReply {
	parts := partsOf(observation)
	return stepReply{
		Type: "step", Observation: observation, Reward: p.weights.reward(parts),
		Info: stepInfo{Now: int64(now), Target: int64(c.target), Parts: parts},
	}
}

// finish answers the last step.
func (s *server) finish(p *episode, c *controller, rec *record.Record) {
	end := simtime.At(rec.Manifest.Reached)
	reply := stepped(p, c, end, c.observe(end))
	reply.Terminated, reply.Truncated = c.left(), !c.left()
	reply.Info.End = &result{
		Number: p.number, Digest: rec.Manifest.Digest, Passed: rec.Passed(),
		Verdicts: append([]record.Verdict{}, rec.Verdicts...), // [] rather than null
	}
	if keep := s.environment.config.Keep; keep != nil {
		folder, err := keep(Episode{p.number, rec, p.set})
		if err != nil {
			s.refuse(err)
			s.end(err)
			return
		}
		reply.Info.End.Record = folder
	}
	s.say(reply)
}
