package sound_test

import (
	"math"
	"testing"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/endpoints/sound"
	"rtpfabric/sim/simtime"
)

func ms(n int) simtime.Time { return simtime.At(time.Duration(n) * time.Millisecond) }

// hum returns n samples of a tone from a place on, at -20 dBov.
func hum(hertz float64, from, n int) []int16 {
	x := make([]int16, n)
	for i := range x {
		x[i] = int16(math.Round(4543 * math.Sin(2*math.Pi*hertz*float64(from+i)/sound.Clock)))
	}
	return x
}

// listener reads frames of 20 ms.
type listener struct {
	p     *sound.Player
	until int // ms
	heard []int16
	last  sound.Fragment
}

func (l *listener) listen(now int) {
	for l.until+20 <= now {
		l.until += 20
		l.last = l.p.Read(ms(l.until), make([]int16, 160))
		l.heard = append(l.heard, l.last.Samples...)
	}
}

// amplitude of a frequency in samples, with a window that keeps others out.
func amplitude(x []int16, hertz float64) float64 {
	re, im, norm := 0.0, 0.0, 0.0
	for i, s := range x {
		w := 0.42 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(x))) + 0.08*math.Cos(4*math.Pi*float64(i)/float64(len(x)))
		sin, cos := math.Sincos(2 * math.Pi * hertz * float64(i) / sound.Clock)
		re, im, norm = re+w*cos*float64(s), im+w*sin*float64(s), norm+w
	}
	return 2 * math.Hypot(re, im) / norm
}

// What is played frame by frame is heard without a seam, a reserve later.
func TestSeamless(t *testing.T) {
	p := &sound.Player{}
	l := listener{p: p}
	for i := range 50 {
		at := 100 + 20*i
		p.Play(sound.Frame{At: ms(at), Lasts: 20 * time.Millisecond, Samples: hum(440, 160*i, 160), Spoken: ms(at - 70), Voice: true})
		l.listen(at)
	}
	first := 800 + 120 // 100 ms, and the reserve
	for i, s := range l.heard[:first] {
		if s != 0 {
			t.Fatalf("sample %d before the first frame is %d", i, s)
		}
	}
	want := hum(440, 0, len(l.heard))
	for i, s := range l.heard[first:] {
		if s != want[i] {
			t.Fatalf("sample %d is %d, want %d", i, s, want[i])
		}
	}
	// The last 20 ms begin at 1040 ms of the listener: 1025 ms of the player's, said 70 ms before.
	if got, want := l.last.Spoken, ms(l.until-20-15-70); got != want || !l.last.Heard || !l.last.Voice {
		t.Errorf("spoken at %v, want %v; heard %v", got, want, l.last.Heard)
	}
	if p.Played() != 50 {
		t.Errorf("%d frames were played", p.Played())
	}
}

// One frame of ten is missing: a tone goes on through it, at 0.5 dB less in the mean at most,
// and little else is heard. When nothing comes any more it is silent after 60 ms.
func TestConcealment(t *testing.T) {
	for _, hertz := range []float64{101, 220, 440, 777, 1234, 2500, 3300} {
		p := &sound.Player{}
		l := listener{p: p}
		for i := range 200 {
			at := 100 + 20*i
			if i%10 != 7 {
				p.Play(sound.Frame{At: ms(at), Lasts: 20 * time.Millisecond, Samples: hum(hertz, 160*i, 160), Voice: true})
			}
			l.listen(at)
		}
		steady := l.heard[8000:24000]
		level := 20 * math.Log10(amplitude(steady, hertz)/4543)
		if level < -0.6 || level > 0.1 {
			t.Errorf("%v Hz: %.2f dB after concealment", hertz, level)
		}
		power := 0.0
		for _, s := range steady {
			power += float64(s) * float64(s)
		}
		tone := amplitude(steady, hertz)
		rest := power/float64(len(steady)) - tone*tone/2
		if snr := 10 * math.Log10(tone*tone/2/max(rest, 1)); snr < 18 {
			t.Errorf("%v Hz: what else is heard is %.1f dB below", hertz, snr)
		}
		l.listen(4500)
		for i, s := range l.heard[(4100+15+60)*8:] {
			if s != 0 {
				t.Fatalf("%v Hz: sample %d long after the end is %d", hertz, i, s)
			}
		}
		if l.last.Heard {
			t.Error("silence counts as heard")
		}
	}
}

// What stands for a long loss has no steps that the tone hasn't, whatever its period.
func TestConcealmentIsSmooth(t *testing.T) {
	for hertz := 90.0; hertz < 400; hertz += 13.7 {
		p := &sound.Player{}
		l := listener{p: p}
		for i := range 20 {
			p.Play(sound.Frame{At: ms(20 * i), Lasts: 20 * time.Millisecond, Samples: hum(hertz, 160*i, 160), Voice: true})
			l.listen(20 * i)
		}
		l.listen(600)
		steepest := 4543 * 2 * math.Pi * hertz / sound.Clock
		for i := 1; i < len(l.heard); i++ {
			if step := math.Abs(float64(l.heard[i]) - float64(l.heard[i-1])); i > 1000 && step > 1.3*steepest {
				t.Errorf("%.1f Hz: a step of %.0f, where the tone has %.0f", hertz, step, steepest)
				break
			}
		}
	}
}

// A source whose clock is fast or slow by 2 %, as play-out makes up for it: the pitch stays, no
// samples pile up or run out, and seams are hardly heard.
func TestStretching(t *testing.T) {
	for _, rate := range []float64{0.95, 0.98, 1.02, 1.05} {
		for _, hertz := range []float64{100, 440, 1000} {
			p := &sound.Player{}
			l := listener{p: p}
			at := 100 * time.Millisecond
			lasts := time.Duration(float64(20*time.Millisecond) * rate)
			for i := range 300 {
				p.Play(sound.Frame{At: simtime.At(at), Lasts: lasts, Samples: hum(hertz, 160*i, 160), Voice: true})
				l.listen(int(at / time.Millisecond))
				at += lasts
			}
			steady := l.heard[8000:36000]
			level := 20 * math.Log10(amplitude(steady, hertz)/4543)
			if math.Abs(level) > 0.7 {
				t.Errorf("played %v times as long, %v Hz are heard %.2f dB louder", rate, hertz, level)
			}
			// A silence that follows is heard a reserve later, or a period more or less.
			silence := int(at / time.Millisecond)
			for i := range 20 {
				p.Play(sound.Frame{At: simtime.At(at), Lasts: 20 * time.Millisecond, Samples: make([]int16, 160)})
				at += 20 * time.Millisecond
				l.listen(silence + 20*i)
			}
			l.listen(silence + 400)
			last := len(l.heard) - 1
			for l.heard[last] == 0 {
				last--
			}
			if ms := float64(last)/8 - float64(silence); ms < 0 || ms > 30 {
				t.Errorf("played %v times as long, %v Hz are heard until %.1f ms after they end", rate, hertz, ms)
			}
		}
	}
}

// Comfort noise is heard until the next frame, at its level; a pause without is silent.
func TestComfort(t *testing.T) {
	p := &sound.Player{}
	l := listener{p: p}
	p.Play(sound.Frame{At: ms(100), Lasts: 20 * time.Millisecond, Samples: hum(440, 0, 160), Voice: true})
	p.Comfort(ms(120), 50)
	l.listen(1100)
	if got := audio.Measure(l.heard[4000:8000]); got < 49 || got > 51 {
		t.Errorf("noise of -%d dBov, want -50", got)
	}
	if l.last.Voice {
		t.Error("noise counts as speech")
	}
	p.Play(sound.Frame{At: ms(1110), Lasts: 20 * time.Millisecond, Samples: hum(440, 0, 160), Voice: true})
	l.listen(2000)
	if got := audio.Measure(l.heard[12000:]); got != 127 {
		t.Errorf("-%d dBov where nothing is", got)
	}
}

// Who begins to listen late hears what is played then; who leaves out a second goes on a second
// later.
func TestListeningLate(t *testing.T) {
	p := &sound.Player{}
	play := func(i int) {
		p.Play(sound.Frame{At: ms(20 * i), Lasts: 20 * time.Millisecond, Samples: hum(440, 160*i, 160), Voice: true})
	}
	for i := range 100 {
		play(i)
	}
	same := func(until int) {
		t.Helper()
		got, want := p.Read(ms(until), make([]int16, 160)), hum(440, 8*(until-20-15), 160)
		for i := range want {
			if got.Samples[i] != want[i] {
				t.Fatalf("at %d ms sample %d is %d, want %d", until, i, got.Samples[i], want[i])
			}
		}
	}
	same(1000)
	same(1020)
	same(1500)
	for i := 100; i < 2000; i++ {
		play(i)
		same(20*i - 20)
	}
}
