package audio_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

func conversation(seed uint64) *audio.Conversation {
	return audio.NewConversation(0, audio.P59(), rng.New(seed).Stream("conversation"))
}

// ITU-T P.59 §3: the mean durations of the states, and where they lead.
func TestP59States(t *testing.T) {
	const n = 100_000
	o := conversation(1).Observer()
	var visits [4]float64
	var total [4]time.Duration
	var to [4][4]float64
	at := simtime.Time(0)
	for range n {
		s := o.State(at)
		end := o.NextChange(at)
		visits[s]++
		total[s] += end.Sub(at)
		at = end
		to[s][o.State(at)]++
	}
	for s, mean := range map[audio.State]float64{
		audio.SingleTalkA: 0.854, audio.SingleTalkB: 0.854, audio.DoubleTalk: 0.226, audio.MutualSilence: 0.456,
	} {
		got := total[s].Seconds() / visits[s]
		if math.Abs(got-mean) > 4*mean/math.Sqrt(visits[s]) {
			t.Errorf("%v lasts %.4f s in the mean, want %.4f", s, got, mean)
		}
	}
	const silence, a, b, double = audio.MutualSilence, audio.SingleTalkA, audio.SingleTalkB, audio.DoubleTalk
	for _, c := range []struct {
		from, to audio.State
		want     float64
	}{
		{a, silence, 0.6},
		{a, double, 0.4},
		{a, b, 0},
		{a, a, 0},
		{b, silence, 0.6},
		{b, double, 0.4},
		{b, a, 0},
		{silence, a, 0.5},
		{silence, b, 0.5},
		{silence, double, 0},
		{double, a, 0.5},
		{double, b, 0.5},
		{double, silence, 0},
	} {
		got := to[c.from][c.to] / visits[c.from]
		if math.Abs(got-c.want) > 4*math.Sqrt(c.want*(1-c.want)/visits[c.from])+1/visits[c.from] {
			t.Errorf("%v leads to %v in %.4f of the cases, want %.2f", c.from, c.to, got, c.want)
		}
	}
	// Of the conversations that the recommendation is made from, 22.48 % were mutual
	// silence and 6.59 % double talk (Table 1). The states' parameters give 22.46 %
	// and 7.42 %.
	for s, want := range map[audio.State]float64{silence: 0.2246, double: 0.0742} {
		if got := total[s].Seconds() / at.Seconds(); math.Abs(got-want) > 0.004 {
			t.Errorf("%v rules for %.4f of the time, want %.4f", s, got, want)
		}
	}
}

// A party's talk spurts last 1.035 s in the mean, which follows from the states'
// parameters: a spurt that is in single talk has a = 0.854 s + 0.4·d to go, one in
// double talk d = 0.226 s + a/2; three in five begin with single talk. Table 1 of
// ITU-T P.59 has 1.004 s.
func TestTalkSpurts(t *testing.T) {
	for _, p := range []audio.Party{audio.A, audio.B} {
		talker := conversation(2).Talker(p)
		const n = 40_000
		spurts, pauses := time.Duration(0), time.Duration(0)
		at := simtime.Time(0)
		if talker.Talking(at) {
			t.Fatal("somebody talks at the start")
		}
		for range n {
			from := talker.NextChange(at)
			if !talker.Talking(from) {
				t.Fatalf("still silent at %v", from)
			}
			end := talker.NextChange(from)
			if talker.Talking(end) {
				t.Fatalf("still talking at %v", end)
			}
			pauses += from.Sub(at)
			spurts += end.Sub(from)
			at = end
		}
		if got := spurts.Seconds() / n; math.Abs(got-1.0347) > 0.025 {
			t.Errorf("party %d: talk spurts of %.4f s", p, got)
		}
		if share := spurts.Seconds() / (spurts + pauses).Seconds(); math.Abs(share-0.425) > 0.01 {
			t.Errorf("party %d talks for %.3f of the time", p, share)
		}
	}
}

// Both ends work out the same conversation for themselves, whenever they ask.
func TestBothEndsAgree(t *testing.T) {
	for seed := range uint64(50) {
		a, b := conversation(seed).Talker(audio.A), conversation(seed).Talker(audio.B)
		o := conversation(seed).Observer()
		random := rng.New(seed).Stream("times")
		at := simtime.Time(0)
		for range 500 {
			at = at.Add(time.Duration(random.Exponential(float64(150 * time.Millisecond))))
			s := o.State(at)
			if random.Bool(0.5) { // not always both
				if got := a.Talking(at); got != s.Talks(audio.A) {
					t.Fatalf("seed %d, %v: A talks: %v, but it is %v", seed, at, got, s)
				}
			}
			if random.Bool(0.5) {
				if got := b.Talking(at); got != s.Talks(audio.B) {
					t.Fatalf("seed %d, %v: B talks: %v, but it is %v", seed, at, got, s)
				}
			}
		}
	}
	// Other seeds have other conversations, and a party isn't the other.
	if conversation(1).Observer().NextChange(0) == conversation(2).Observer().NextChange(0) {
		t.Error("two seeds have one conversation")
	}
	c := conversation(1)
	if c.Talker(audio.A).NextChange(0) == c.Talker(audio.B).NextChange(0) {
		t.Error("both parties begin to talk at once")
	}
}

func TestScript(t *testing.T) {
	s, err := audio.NewScript(audio.Spurt{From: 10, To: 20}, audio.Spurt{From: 30, To: simtime.Never})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at      simtime.Time
		talking bool
		next    simtime.Time
	}{
		{0, false, 10},
		{9, false, 10},
		{10, true, 20},
		{19, true, 20},
		{20, false, 30},
		{30, true, simtime.Never},
		{1 << 60, true, simtime.Never},
		{5, false, 10}, // back in time
	} {
		if talking, next := s.Talking(c.at), s.NextChange(c.at); talking != c.talking || next != c.next {
			t.Errorf("at %d: %v until %v, want %v until %v", c.at, talking, next, c.talking, c.next)
		}
	}
	if !audio.Always().Talking(-5) || audio.Always().NextChange(0) != simtime.Never {
		t.Error("Always doesn't always talk")
	}
	if audio.Silent().Talking(0) || audio.Silent().NextChange(0) != simtime.Never {
		t.Error("Silent talks")
	}
	for _, bad := range [][]audio.Spurt{
		{{From: 10, To: 10}},
		{{From: 10, To: 5}},
		{{From: 10, To: 20}, {From: 20, To: 30}},
		{{From: 10, To: 20}, {From: 0, To: 5}},
	} {
		if _, err := audio.NewScript(bad...); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
