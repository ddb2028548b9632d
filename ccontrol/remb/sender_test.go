package remb

import (
	"testing"
	"time"

	"rtpfabric/ccontrol"
	"rtpfabric/sim/units"
)

// The sender keeps to the least of REMB, losses and limits.
func TestLeast(t *testing.T) {
	c := newTestSender(t)
	c.OnFeedback(0, &ccontrol.Report{Estimate: 200 * units.Kbps})
	if got := c.Target().Media; got != 200*units.Kbps {
		t.Errorf("%v, want what the receiver asks for", got)
	}
	c.OnFeedback(at(msec), &ccontrol.Report{Estimate: 10 * units.Kbps})
	if got := c.Target().Media; got != testLimits.Min {
		t.Errorf("%v, want the minimum", got)
	}
	c.OnFeedback(at(10*time.Second), &ccontrol.Report{Estimate: 20 * units.Mbps})
	if got := c.Target().Media; got != 300*units.Kbps {
		t.Errorf("%v, want what losses allow", got)
	}
	c.OnFeedback(at(11*time.Second), &ccontrol.Report{Reception: []ccontrol.Reception{{Expected: 100, Lost: 20}}})
	if got := c.Target().Media; got != 270*units.Kbps {
		t.Errorf("%v after 20 %% loss, want 270 kbit/s", got)
	}
	if got := c.Target().Pacing; got != 675*units.Kbps {
		t.Errorf("pacing at %v, want 2.5 times the target", got)
	}
}

// In the first two seconds REMB lifts the rate, later only the absence of loss does
// (libwebrtc's InitialRembWithProbing).
func TestStartPhase(t *testing.T) {
	c := newTestSender(t)
	c.OnFeedback(0, &ccontrol.Report{Estimate: units.Mbps})
	if got := c.Target().Media; got != units.Mbps {
		t.Errorf("%v, want the first REMB", got)
	}
	c.OnFeedback(at(2001*msec), &ccontrol.Report{Estimate: 1500 * units.Kbps})
	if got := c.Target().Media; got != units.Mbps {
		t.Errorf("%v, want the first REMB still", got)
	}
	c = newTestSender(t)
	c.OnFeedback(0, &ccontrol.Report{Reception: []ccontrol.Reception{{Expected: 100, Lost: 5}}})
	c.OnFeedback(at(msec), &ccontrol.Report{Estimate: units.Mbps})
	if got := c.Target().Media; got != 300*units.Kbps {
		t.Errorf("%v, want the start rate as there was loss", got)
	}
}

// sending lets a sender send for some time, and hands it reports at an interval.
func sending(c *sender, from, to, interval time.Duration, r *ccontrol.Report) {
	next := from
	for d := from; d < to; d += 5 * msec {
		c.OnSent(at(d), ccontrol.Sent{Size: 1000})
		if c.NextTimeout() <= at(d) {
			c.OnTimeout(at(d))
		}
		if r != nil && d >= next {
			c.OnFeedback(at(d), r)
			next = d + interval
		}
	}
}

// REMBs stop but reports don't: the last one holds. Nothing comes at all: after 3 s a
// fifth less each second, from what was sent, down to the minimum. Then what the
// receiver says counts again.
func TestSilence(t *testing.T) {
	clean := &ccontrol.Report{Reception: []ccontrol.Reception{{Expected: 100}}}
	c := newTestSender(t)
	c.OnFeedback(0, &ccontrol.Report{Estimate: units.Mbps})
	sending(c, 0, 20*time.Second, time.Second, clean)
	if got := c.Target().Media; got != units.Mbps {
		t.Errorf("%v, want the last REMB", got)
	}
	sending(c, 20*time.Second, 21900*msec, 0, nil) // the last report came at 19 s
	if got := c.Target().Media; got != units.Mbps {
		t.Errorf("%v before there were 3 s without reports", got)
	}
	sending(c, 21900*msec, 22500*msec, 0, nil)
	wantNear(t, "target after 3 s", float64(c.Target().Media), 800e3, 1e-6)
	sending(c, 22500*msec, 23500*msec, 0, nil)
	wantNear(t, "target after 4 s", float64(c.Target().Media), 640e3, 1e-6)
	sending(c, 23500*msec, 40*time.Second, 0, nil)
	if got := c.Target().Media; got != testLimits.Min {
		t.Errorf("%v in the end, want the minimum", got)
	}
	sending(c, 40*time.Second, 55*time.Second, time.Second, clean)
	if got := c.Target().Media; got < 400*units.Kbps || got > units.Mbps {
		t.Errorf("%v fifteen seconds after the reports are back", got)
	}
}

// Reports that come every 5 s, as they may by RFC 3550, are no silence; nor is it one
// if nothing is sent.
func TestRareReports(t *testing.T) {
	c := newTestSender(t)
	clean := &ccontrol.Report{Reception: []ccontrol.Reception{{Expected: 100}}}
	sending(c, 0, 60*time.Second, 1500*msec, clean)
	low := c.Target().Media
	sending(c, 60*time.Second, 90*time.Second, 3500*msec, clean)
	if got := c.Target().Media; got < low {
		t.Errorf("from %v to %v by rare reports", low, got)
	}
	c = newTestSender(t)
	c.OnSent(0, ccontrol.Sent{Size: 1000})
	for d := time.Duration(0); d < time.Minute; d += 25 * msec {
		c.OnTimeout(at(d))
	}
	if got := c.Target().Media; got != 300*units.Kbps {
		t.Errorf("%v after a minute without packets", got)
	}
}
