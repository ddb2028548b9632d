package endpoints

import (
	"testing"
	"time"

	"rtpfabric/endpoints/encoder"
	"rtpfabric/sim/simtime"
)

// refreshed counts key frames that are asked for.
type refreshed struct {
	encoder.Encoder
	n int
}

func (r *refreshed) Refresh() { r.n++ }

// Who floods a sender with requests has a few obeyed at once, and then two a second; who asks once
// meanwhile has it obeyed as soon as key frames may follow each other.
func TestRequestersHaveBudgets(t *testing.T) {
	t.Parallel()
	e := &refreshed{}
	m := &Section{session: &Session{}, config: SectionConfig{Send: &SendConfig{Encoder: e}}}
	made := 0
	// run asks every 20 ms, and lets the encoder make a frame after that.
	run := func(from, to time.Duration) (keys int) {
		for now := simtime.At(from); now < simtime.At(to); now = now.Add(20 * time.Millisecond) {
			m.obey(now, m.requesterOf(7))
			m.refreshIfDue(now)
			if e.n > made {
				made = e.n
				keys++
				m.refreshed, m.everRefreshed, m.refreshDue = now, true, false
			}
		}
		return keys
	}
	if n := run(time.Second, 2*time.Second); n < 5 || n > 7 {
		t.Errorf("%d key frames in the first second of a flood", n)
	}
	if n := run(2*time.Second, 12*time.Second); n < 19 || n > 21 {
		t.Errorf("%d key frames in ten seconds of it", n)
	}
	now, was := m.refreshed.Add(leastRefresh), e.n
	if m.obey(now, m.requesterOf(7)); !m.refreshDue || m.refreshFrom <= now || e.n != was {
		t.Error("the flood goes on at once")
	}
	if m.obey(now, m.requesterOf(8)); e.n != was+1 {
		t.Error("somebody else has to wait")
	}
	for ssrc := range uint32(2 * maxRequesters) {
		m.requesterOf(ssrc)
	}
	if len(m.requesters) != maxRequesters {
		t.Errorf("%d are remembered", len(m.requesters))
	}
}
