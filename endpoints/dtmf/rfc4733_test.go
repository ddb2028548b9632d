package dtmf_test

import (
	"bytes"
	"testing"
	"time"

	"rtpfabric/endpoints/dtmf"
	"rtpfabric/sim/simtime"
)

const ms = time.Millisecond

func at(d time.Duration) simtime.Time { return simtime.At(d) }

// §2.3: the event, E, R and the volume, the duration in network byte order.
func TestPayload(t *testing.T) {
	for _, tt := range []struct {
		e    dtmf.Event
		wire []byte
	}{
		{dtmf.Event{Code: 11, Volume: 10, Duration: 0x0320}, []byte{11, 10, 0x03, 0x20}},
		{dtmf.Event{Code: 1, End: true, Volume: 63, Duration: 0xffff}, []byte{1, 0xbf, 0xff, 0xff}},
		{dtmf.Event{Code: 255}, []byte{255, 0, 0, 0}},
	} {
		if got := tt.e.Append(nil); !bytes.Equal(got, tt.wire) {
			t.Errorf("%+v is % x on the wire, want % x", tt.e, got, tt.wire)
		}
		reserved := bytes.Clone(tt.wire)
		reserved[1] |= 0x40 // "receivers MUST ignore it"
		if got, ok := dtmf.Parse(reserved); !ok || got != tt.e {
			t.Errorf("% x is %+v, want %+v", reserved, got, tt.e)
		}
	}
	for _, n := range []int{0, 3, 5, 8} {
		if _, ok := dtmf.Parse(make([]byte, n)); ok {
			t.Errorf("%d octets are an event", n)
		}
	}
}

// §3.2, table 3.
func TestKeys(t *testing.T) {
	for code, key := range []byte("0123456789*#ABCD") {
		if got, ok := dtmf.CodeOf(key); !ok || int(got) != code {
			t.Errorf("the event of %c is %d, want %d", key, got, code)
		}
		if got, ok := (dtmf.Event{Code: uint8(code)}).Key(); !ok || got != key {
			t.Errorf("event %d is %c, want %c", code, got, key)
		}
	}
	for _, key := range []byte("Ea \x00\xff") {
		if _, ok := dtmf.CodeOf(key); ok {
			t.Errorf("there is a key %q", key)
		}
	}
	if _, ok := (dtmf.Event{Code: 16}).Key(); ok { // flash
		t.Error("event 16 is a key")
	}
}

// sent is what a sender says at each frame of 20 ms until it has nothing more to say.
func sent(s *dtmf.Sender, clock int, until time.Duration) (list []dtmf.Packet) {
	for from := time.Duration(0); from < until; from += 20 * ms {
		if s.Due(at(from)) {
			list = append(list, s.Packet(at(from), at(from+20*ms), clock))
		}
	}
	return list
}

// §2.2.1, §2.2.2, §2.5.1: all packets of an event have its beginning for a timestamp, the first has the marker bit, durations grow,
// and the final packet is sent three times. The next key comes after its gap, or after that.
func TestSender(t *testing.T) {
	for _, tt := range []struct {
		name       string
		clock      int
		press, gap time.Duration
		durations  []uint16
		starts     [2]time.Duration
	}{
		{"8 kHz", 8000, 100 * ms, 100 * ms, []uint16{160, 320, 480, 640, 800, 800, 800}, [2]time.Duration{200 * ms, 400 * ms}},
		{"48 kHz", 48000, 60 * ms, 100 * ms, []uint16{960, 1920, 2880, 2880, 2880}, [2]time.Duration{200 * ms, 360 * ms}},
		{"between packets", 8000, 50 * ms, 30 * ms, []uint16{160, 320, 400, 400, 400}, [2]time.Duration{200 * ms, 300 * ms}},
		{"the final packets take longer than the gap", 8000, 40 * ms, 0, []uint16{160, 320, 320, 320}, [2]time.Duration{200 * ms, 280 * ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &dtmf.Sender{}
			s.Press(dtmf.Digits{At: at(190 * ms), Keys: "7#", Press: tt.press, Gap: tt.gap})
			list := sent(s, tt.clock, time.Second)
			if len(list) != 2*len(tt.durations) {
				t.Fatalf("%d packets, want %d", len(list), 2*len(tt.durations))
			}
			for i, p := range list {
				key, n := i/len(tt.durations), i%len(tt.durations)
				if got, _ := p.Key(); got != "7#"[key] || p.Start != at(tt.starts[key]) || p.First != (n == 0) || p.Volume > 36 {
					t.Errorf("packet %d: %+v", i, p)
				}
				if p.Duration != tt.durations[n] || p.End != (n >= len(tt.durations)-3) {
					t.Errorf("packet %d has duration %d and E %v", i, p.Duration, p.End)
				}
			}
		})
	}
}

// After a pause in which nothing could be sent an event is over at once.
func TestSenderAfterPause(t *testing.T) {
	s := &dtmf.Sender{}
	s.Press(dtmf.Digits{Keys: "1", Press: 100 * ms})
	if p := s.Packet(0, at(20*ms), 8000); p.End || p.Duration != 160 {
		t.Errorf("at first %+v", p)
	}
	if p := s.Packet(at(3*time.Second), at(3020*ms), 8000); !p.End || p.Duration != 800 || p.Start != 0 {
		t.Errorf("after the pause %+v", p)
	}
}

// §2.3.5, §2.5.1.3: a longer event than 16 bits can tell would have to be in segments.
func TestCheck(t *testing.T) {
	for clock, longest := range map[int]time.Duration{8000: 8191 * ms, 48000: 1365 * ms} {
		d := dtmf.Digits{Keys: "1", Press: longest}
		if err := d.Check(clock); err != nil {
			t.Error(err)
		}
		if d.Press += ms; d.Check(clock) == nil {
			t.Errorf("%v is possible at %d Hz", d.Press, clock)
		}
	}
	for _, bad := range []dtmf.Digits{{Press: ms}, {Keys: "1x", Press: ms}, {Keys: "1"}, {Keys: "1", Press: ms, Gap: -1}} {
		if bad.Check(8000) == nil {
			t.Errorf("%+v is possible", bad)
		}
	}
	// The sender needs no longer than it says.
	for _, frame := range []time.Duration{10 * ms, 20 * ms, 60 * ms, 200 * ms} {
		for _, d := range []dtmf.Digits{{At: at(7 * ms), Keys: "123", Press: 100 * ms, Gap: 100 * ms}, {At: at(7 * ms), Keys: "1234567890", Press: 40 * ms, Gap: 30 * ms}} {
			var s dtmf.Sender
			s.Press(d)
			last, n := time.Duration(0), 0
			for now := time.Duration(0); now < 20*time.Second; now += frame {
				if s.Due(at(now)) {
					if p := s.Packet(at(now), at(now+frame), 8000); p.First {
						n++
					}
					last = now + frame
				}
			}
			if n != len(d.Keys) || at(last) > d.Ends(frame) || at(last+2*frame) < d.Ends(frame) {
				t.Errorf("frames of %v: %d keys until %v, and %v is said", frame, n, last, d.Ends(frame))
			}
		}
	}
}

// What has lasted for no time isn't a key (RFC 4733 §2.3.5), a timestamp of hours ago says nothing, and a sender may have rare updates.
func TestUnusualEvents(t *testing.T) {
	var r dtmf.Receiver
	keys := func() (list []dtmf.Digit) {
		for d, ok := r.Poll(); ok; d, ok = r.Poll() {
			list = append(list, d)
		}
		return list
	}
	r.Receive(at(0), 5, 8000, dtmf.Event{Code: 1, End: true})
	if got := keys(); len(got) != 0 {
		t.Errorf("no time: %v", got)
	}
	r = dtmf.Receiver{}
	const hours = 13 * time.Hour
	r.Receive(at(0), 0, 48000, dtmf.Event{Code: 1, End: true, Duration: 960})
	r.Receive(at(hours), uint32(uint64(hours/time.Second)*48000), 48000, dtmf.Event{Code: 2, End: true, Duration: 960})
	if got := keys(); len(got) != 2 {
		t.Errorf("hours later: %v", got)
	}
	r = dtmf.Receiver{}
	for i := range 6 { // one of them is lost
		if i == 3 {
			continue
		}
		now := at(time.Duration(i) * 200 * ms)
		r.HandleTimeout(now)
		r.Receive(now, 9, 8000, dtmf.Event{Code: 1, End: i == 5, Duration: uint16(1600 * (i + 1))})
	}
	if got := keys(); len(got) != 1 || got[0].Lost || got[0].Lasts != 1200*ms {
		t.Errorf("updates every 200 ms: %v", got)
	}
}

// Whatever is lost or comes twice, a key is told once: while anything comes of it.
func TestReceiver(t *testing.T) {
	const last = 7
	for _, tt := range []struct {
		name   string
		keep   func(i int) int // how often packet i of an event comes
		digits string
		lasts  time.Duration
		lost   bool
	}{
		{"all", func(int) int { return 1 }, "12", 100 * ms, false},
		{"twice each", func(int) int { return 2 }, "12", 100 * ms, false},
		{"without the first", func(i int) int { return min(i, 1) }, "12", 100 * ms, false},
		{"the last only", func(i int) int { return i / (last - 1) }, "12", 100 * ms, false},
		{"the first only", func(i int) int { return 1 - min(i, 1) }, "12", 20 * ms, true},
		{"no final one", func(i int) int { return 1 - min(i/4, 1) }, "12", 80 * ms, true},
		{"nothing", func(int) int { return 0 }, "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &dtmf.Sender{}
			s.Press(dtmf.Digits{Keys: "12", Press: 100 * ms, Gap: 100 * ms})
			var r dtmf.Receiver
			for i, p := range sent(s, 8000, time.Second) {
				for range tt.keep(i % last) {
					now := p.Start.Add(time.Duration(i%last) * 20 * ms)
					r.Receive(now, 0xfffffd00+uint32(p.Start.Duration()/ms*8), 8000, p.Event) // timestamps wrap
				}
			}
			r.HandleTimeout(r.NextTimeout() - 1)
			r.HandleTimeout(r.NextTimeout())
			got := ""
			for d, ok := r.Poll(); ok; d, ok = r.Poll() {
				got += string(d.Key)
				if d.Lasts != tt.lasts || d.Lost != tt.lost {
					t.Errorf("%+v, want %v", d, tt.lasts)
				}
			}
			if got != tt.digits || r.NextTimeout() != simtime.Never {
				t.Errorf("keys %q, want %q", got, tt.digits)
			}
		})
	}
}

// An event of which nothing more comes is over after a while, and what then comes late isn't another one.
func TestReceiverTimeout(t *testing.T) {
	var r dtmf.Receiver
	if r.NextTimeout() != simtime.Never {
		t.Error("there is something to wait for")
	}
	r.Receive(at(0), 1000, 8000, dtmf.Event{Code: 5, Duration: 160})
	r.Receive(at(20*ms), 1000, 8000, dtmf.Event{Code: 5, Duration: 320})
	if _, ok := r.Poll(); ok || r.NextTimeout() <= at(120*ms) || r.NextTimeout() > at(time.Second) {
		t.Errorf("over at %v", r.NextTimeout())
	}
	r.HandleTimeout(r.NextTimeout())
	if d, ok := r.Poll(); !ok || d != (dtmf.Digit{Key: '5', Lasts: 40 * ms, Lost: true}) {
		t.Errorf("%+v", d)
	}
	r.Receive(at(2*time.Second), 1000, 8000, dtmf.Event{Code: 5, End: true, Duration: 800})
	r.Receive(at(2*time.Second), 600, 8000, dtmf.Event{Code: 6, End: true, Duration: 800}) // of one that was before
	r.Receive(at(2*time.Second), 2000, 8000, dtmf.Event{Code: 16, End: true, Duration: 800})
	if d, ok := r.Poll(); ok {
		t.Errorf("another key: %+v", d)
	}
	r.Receive(at(3*time.Second), 3000, 8000, dtmf.Event{Code: 5, Duration: 160})
	r.Receive(at(3*time.Second), 1000, 8000, dtmf.Event{Code: 5, End: true, Duration: 800})
	r.Receive(at(3*time.Second), 3000, 8000, dtmf.Event{Code: 6, End: true, Duration: 800})
	if d, ok := r.Poll(); ok {
		t.Errorf("over by what isn't its own: %+v", d)
	}
}
