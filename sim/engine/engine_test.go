package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

func ms(n int) simtime.Time { return simtime.At(time.Duration(n) * time.Millisecond) }

func TestOrderOfTimeThenInsertion(t *testing.T) {
	var l Loop
	var got []int
	at := func(n int, id int) {
		l.NewTimer(HandlerFunc(func(simtime.Time) { got = append(got, id) })).Set(ms(n))
	}
	at(5, 1)
	at(3, 2)
	at(5, 3)
	at(3, 4)
	if err := l.Run(context.Background(), ms(10)); err != nil {
		t.Fatal(err)
	}
	if want := []int{2, 4, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("fired %v, want %v", got, want)
	}
	if l.Now() != ms(10) || l.Fired() != 4 {
		t.Errorf("clock %v after %d timers", l.Now(), l.Fired())
	}
}

func TestRunStopsAtEnd(t *testing.T) {
	var l Loop
	fired := 0
	var tick *Timer
	tick = l.NewTimer(HandlerFunc(func(now simtime.Time) { fired++; tick.Set(now.Add(time.Millisecond)) }))
	tick.Set(ms(1))
	_ = l.Run(context.Background(), ms(10))
	if fired != 10 {
		t.Errorf("fired %d times until 10 ms, want 10 with both ends", fired)
	}
}

func TestStopAndMove(t *testing.T) {
	var l Loop
	var got []string
	named := func(s string) *Timer {
		return l.NewTimer(HandlerFunc(func(simtime.Time) { got = append(got, s) }))
	}
	a, b, c := named("a"), named("b"), named("c")
	a.Set(ms(1))
	b.Set(ms(2))
	c.Set(ms(3))
	b.Stop()
	b.Stop()
	a.Set(ms(4))
	if at, ok := a.Due(); !ok || at != ms(4) {
		t.Errorf("a is due at %v, %v", at, ok)
	}
	_ = l.Run(context.Background(), ms(9))
	if !slices.Equal(got, []string{"c", "a"}) {
		t.Errorf("fired %v", got)
	}
	if _, ok := a.Due(); ok {
		t.Error("a is still set after it fired")
	}
}

func TestFiringTimerIsUnset(t *testing.T) {
	var l Loop
	var tm *Timer
	tm = l.NewTimer(HandlerFunc(func(simtime.Time) {
		if _, ok := tm.Due(); ok {
			t.Error("set while it fires")
		}
		tm.Stop()
	}))
	tm.Set(ms(1))
	_ = l.Run(context.Background(), ms(2))
	tm.Set(ms(5))
	if at, ok := tm.Due(); !ok || at != ms(5) {
		t.Error("can't be set again after stopping itself")
	}
}

func TestPastPanics(t *testing.T) {
	var l Loop
	_ = l.Run(context.Background(), ms(5))
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	l.NewTimer(HandlerFunc(func(simtime.Time) {})).Set(ms(4))
}

func TestInterrupt(t *testing.T) {
	var l Loop
	ctx, cancel := context.WithCancel(context.Background())
	var tick *Timer
	tick = l.NewTimer(HandlerFunc(func(now simtime.Time) {
		if now == ms(100) {
			cancel()
		}
		tick.Set(now + 1000)
	}))
	tick.Set(0)
	err := l.Run(ctx, ms(1000000))
	if !errors.Is(err, context.Canceled) || l.Now() > ms(200) {
		t.Errorf("err %v at %v", err, l.Now())
	}
}

// A random mix of all operations against a plain sorted list.
func TestAgainstModel(t *testing.T) {
	r := rng.New(3).Stream("model")
	var l Loop
	type want struct {
		at  simtime.Time
		seq int
	}
	model := map[int]want{}
	var timers []*Timer
	seq := 0
	check := func(i int, now simtime.Time) {
		w, ok := model[i]
		if !ok || w.at != now {
			t.Fatalf("timer %d fired at %v, want %v %v", i, now, w.at, ok)
		}
		for j, o := range model {
			if o.at < w.at || o.at == w.at && o.seq < w.seq {
				t.Fatalf("timer %d fired before %d", i, j)
			}
		}
		delete(model, i)
	}
	set := func(i int) {
		seq++
		at := l.Now() + simtime.Time(r.Uint64()%50)
		timers[i].Set(at)
		model[i] = want{at, seq}
	}
	for i := range 60 {
		timers = append(timers, l.NewTimer(HandlerFunc(func(now simtime.Time) {
			check(i, now)
			for range r.Uint64() % 3 {
				set(int(r.Uint64() % 60))
			}
			if j := int(r.Uint64() % 60); r.Bool(0.2) {
				timers[j].Stop()
				delete(model, j)
			}
		})))
	}
	for i := range timers {
		set(i)
	}
	for range 20000 {
		if len(l.heap) == 0 {
			set(0)
		}
		l.step()
	}
	if len(model) != len(l.heap) {
		t.Errorf("%d timers set, model has %d", len(l.heap), len(model))
	}
}

func BenchmarkTimers(b *testing.B) {
	var l Loop
	for i := range 64 {
		var tm *Timer
		period := time.Duration(1000 + 37*i)
		tm = l.NewTimer(HandlerFunc(func(now simtime.Time) { tm.Set(now.Add(period)) }))
		tm.Set(simtime.Time(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		l.step()
	}
}
