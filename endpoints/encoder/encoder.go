// Package encoder models the sources of media: synthetic video encoders after
// RFC 8593 and constant-rate audio. An encoder is passive: it is asked when
// its next frame is due and makes it then.
package encoder

import (
	"math"
	"time"

	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
)

// Frame is one encoded picture or one block of audio.
type Frame struct {
	// Number counts the frames of a stream from 0.
	Number uint64
	// Captured is when the picture was taken; encoding takes no time.
	Captured simtime.Time
	// Composed is when a picture was put together of others: the RTP timestamp is of that. It is 0
	// for other frames.
	Composed simtime.Time
	// Size of the encoded frame, without any header.
	Size units.Bytes
	// Key marks a frame that can be decoded by itself.
	Key bool
	// Layer is the frame's temporal layer, 0 the lowest, and Base the number of
	// frames of the lowest so far. Sync says of a frame of a higher layer that it is
	// predicted from the last one of the lowest alone.
	Layer uint8
	Base  uint64
	Sync  bool
	// Discardable says that nothing is predicted from the frame.
	Discardable bool
	// Duration of a frame of audio; 0 for video.
	Duration time.Duration
	// Part of the picture, 0 to 1, is coded without prediction; Distant says that the
	// frame is predicted from the one with the number Reference. See [Repairer].
	Part      float64
	Distant   bool
	Reference uint64
	// Width and Height of the picture, of encoders that know them; otherwise 0.
	Width, Height int
}

// Encoder makes frames at about the rate it was asked for.
type Encoder interface {
	// Request asks for a rate of encoded media. It is clipped to the
	// encoder's range, and may be ignored or take effect late.
	Request(now simtime.Time, r units.BitRate)
	// Goal returns the rate that is in effect.
	Goal() units.BitRate
	// NextFrame returns when the next frame is due.
	NextFrame() simtime.Time
	// Encode makes the frame that is due and schedules the next.
	Encode(now simtime.Time) Frame
	// Skip lets no frame be due before the given time: a pause.
	Skip(until simtime.Time)
	// Refresh makes the next frame a key frame.
	Refresh()
}

// Wisher is an encoder that others ask as well.
type Wisher interface {
	Encoder
	// Withdraw takes back the rate that was asked for, until there is another request.
	Withdraw(now simtime.Time)
}

// Trader is an encoder that can make fewer and better pictures.
type Trader interface {
	Encoder
	// TradeOff sets the frame rate from a quarter (0) to all (31) of the nominal
	// one; the bit rate stays (RFC 5104 §4.3.2.2 leaves the mapping open).
	TradeOff(index uint8)
}

// frameShare returns the part of the nominal frame rate for an index of RFC 5104.
func frameShare(index uint8) float64 { return (1 + float64(3*min(index, 31))/31) / 4 }

// least is the smallest frame: it holds the headers of the payload format and
// the mark by which the frame is traced.
const least units.Bytes = 24

// leastAudio holds what an Opus payload begins with and the mark.
const leastAudio units.Bytes = 11

// VideoConfig holds the parameters of RFC 8593 Figure 2.
type VideoConfig struct {
	Min, Max, Start units.BitRate // R_min, R_max and the first R_v
	FPS             float64
	// Reaction is tau_v: having reacted to a request, the encoder ignores
	// others for so long.
	Reaction time.Duration
	// BurstSize is K_B as a multiple of the mean frame, BurstFrames K_d.
	BurstSize   float64
	BurstFrames int
	// ScaleInterval and ScaleSize are SCALE_t and SCALE_B.
	ScaleInterval, ScaleSize float64
	// Layers is the number of temporal layers, 1 to 3; 0 stands for 1. All frames
	// are of one size, whatever their layer.
	Layers int
	// KeyInterval is the time between key frames; 0 makes them only when asked.
	KeyInterval time.Duration
}

// abrupt is the relative change of rate that puts the encoder into the
// transient state (RFC 8593 §7).
const abrupt = 0.10

// Statistical is the model of RFC 8593 §5.
type Statistical struct {
	c       VideoConfig
	random  *rng.Stream
	goal    units.BitRate
	until   simtime.Time // requests before it are ignored
	due     simtime.Time
	burst   int     // frames left of the transient
	peak    float64 // of the transient, as a multiple of the mean frame; 0 is K_B
	fps     float64
	number  uint64
	layers  layers
	repairs repairs
}

// NewStatistical returns an encoder whose first frame is due at start.
func NewStatistical(c VideoConfig, start simtime.Time, random *rng.Stream) *Statistical {
	return &Statistical{c: c, random: random, goal: c.Start, due: start, fps: c.FPS, layers: newLayers(c)}
}

// Request changes the rate unless a change is less than tau_v old (§5.1).
func (e *Statistical) Request(now simtime.Time, r units.BitRate) {
	r = min(max(r, e.c.Min), e.c.Max)
	if r == e.goal || now < e.until {
		return
	}
	if change := math.Abs(float64(r - e.goal)); change > abrupt*float64(e.goal) {
		e.burst, e.peak = e.c.BurstFrames, 0
	}
	e.goal = r
	e.until = now.Add(e.c.Reaction)
}

// Goal returns R_v as it is in effect.
func (e *Statistical) Goal() units.BitRate { return e.goal }

// NextFrame returns when the next frame is due.
func (e *Statistical) NextFrame() simtime.Time { return e.due }

// Skip postpones the next frame.
func (e *Statistical) Skip(until simtime.Time) { e.due = max(e.due, until) }

// Encode draws size and interval from Laplace distributions around B0 and t0
// (§5.3). In a transient the first frame is large and the others make up for
// it, so that the mean stays (§5.2).
func (e *Statistical) Encode(now simtime.Time) Frame {
	b0 := float64(e.goal) / 8 / e.fps
	key := e.number == 0
	if !key && e.layers.refreshDue(now) {
		key = true
		e.burst, e.peak = e.c.BurstFrames, 0
	}
	begins := e.burst > 0 && e.burst == e.c.BurstFrames // a transient, with a key frame
	if cost := e.repairs.cost(e.number); cost > 0 && !key && !begins {
		e.burst, e.peak = e.c.BurstFrames, 1+float64(cost*(e.c.BurstSize-1))
	}
	size := float64(b0 * (1 + e.random.Laplace(e.c.ScaleSize)))
	if e.burst > 0 {
		size = float64(size * e.burstFactor())
		key = key || begins
		e.burst--
	}
	f := Frame{Number: e.number, Captured: now, Size: max(units.Bytes(math.Round(size)), least), Key: key}
	e.layers.place(now, &f)
	e.repairs.place(&f)
	e.number++
	t0 := float64(time.Second) / e.fps
	gap := float64(t0 * max(1+e.random.Laplace(e.c.ScaleInterval), 0.05))
	e.due = now.Add(time.Duration(gap))
	return f
}

// TradeOff sets the frame rate.
func (e *Statistical) TradeOff(index uint8) { e.fps = float64(e.c.FPS * frameShare(index)) }

// Refresh makes the next frame a key frame, which begins a transient.
func (e *Statistical) Refresh() { e.layers.refresh = true }

// RefreshPart codes a part of the next frame without prediction: it begins a transient
// whose first frame is as much larger than the mean as that part of a key frame's.
func (e *Statistical) RefreshPart(share float64) { e.repairs.refreshPart(share) }

// PredictFrom predicts the next frame from an older one. Its size lies between those of
// other frames and of key frames, the higher the older the reference is.
func (e *Statistical) PredictFrom(number uint64) bool { return e.repairs.predictFrom(e.number, number) }

func (e *Statistical) burstFactor() float64 {
	kd := float64(e.c.BurstFrames)
	kb := min(e.c.BurstSize, kd)
	if e.peak > 0 {
		kb = min(e.peak, kd)
	}
	if e.burst == e.c.BurstFrames {
		return kb
	}
	return max((kd-kb)/(kd-1), 0)
}

// Perfect is an encoder that does exactly what it is asked, at once.
type Perfect struct {
	min, max units.BitRate
	goal     units.BitRate
	nominal  float64 // frames per second
	fps      float64
	start    simtime.Time // of the frame with number since
	since    uint64
	due      simtime.Time
	number   uint64
	carry    float64 // fraction of a byte
	layers   layers
	repairs  repairs
}

// NewPerfect returns an encoder whose first frame is due at start.
func NewPerfect(c VideoConfig, start simtime.Time) *Perfect {
	return &Perfect{min: c.Min, max: c.Max, goal: c.Start, nominal: c.FPS, fps: c.FPS, start: start, due: start, layers: newLayers(c)}
}

// Request changes the rate.
func (e *Perfect) Request(_ simtime.Time, r units.BitRate) { e.goal = min(max(r, e.min), e.max) }

// Goal returns the rate.
func (e *Perfect) Goal() units.BitRate { return e.goal }

// NextFrame returns when the next frame is due.
func (e *Perfect) NextFrame() simtime.Time { return e.due }

// Skip postpones the next frame and all that follow.
func (e *Perfect) Skip(until simtime.Time) {
	if until > e.due {
		e.start = e.start.Add(until.Sub(e.due))
		e.due = until
	}
}

// Encode makes a frame of exactly the mean size; fractions of a byte carry over.
func (e *Perfect) Encode(now simtime.Time) Frame {
	exact := float64(e.goal)/8/e.fps + e.carry
	size := math.Floor(exact)
	e.carry = exact - size
	f := Frame{Number: e.number, Captured: now, Size: max(units.Bytes(size), least), Key: e.number == 0 || e.layers.refreshDue(now)}
	e.layers.place(now, &f)
	e.repairs.place(&f)
	e.number++
	e.due = e.start.Add(time.Duration(float64(e.number-e.since) * float64(time.Second) / e.fps))
	return f
}

// TradeOff sets the frame rate, from the frame that is due on.
func (e *Perfect) TradeOff(index uint8) {
	e.start = e.due
	e.since = e.number
	e.fps = float64(e.nominal * frameShare(index))
}

// Refresh makes the next frame a key frame, which is no larger than others.
func (e *Perfect) Refresh() { e.layers.refresh = true }

// RefreshPart codes a part of the next frame without prediction, which is no larger
// than others.
func (e *Perfect) RefreshPart(share float64) { e.repairs.refreshPart(share) }

// PredictFrom predicts the next frame from an older one. It is no larger than others.
func (e *Perfect) PredictFrom(number uint64) bool { return e.repairs.predictFrom(e.number, number) }

// Audio is a codec of constant bit rate.
type Audio struct {
	rate   units.BitRate
	frame  time.Duration
	due    simtime.Time
	number uint64
}

// NewAudio returns an encoder of frames of the given length, the first of
// which is due at start.
func NewAudio(rate units.BitRate, frame time.Duration, start simtime.Time) *Audio {
	return &Audio{rate: rate, frame: frame, due: start}
}

// Request does nothing: the rate is constant.
func (*Audio) Request(simtime.Time, units.BitRate) {}

// Goal returns the rate.
func (e *Audio) Goal() units.BitRate { return e.rate }

// NextFrame returns when the next frame is due.
func (e *Audio) NextFrame() simtime.Time { return e.due }

// Skip postpones the next frame and all that follow.
func (e *Audio) Skip(until simtime.Time) { e.due = max(e.due, until) }

// Refresh does nothing: every frame stands by itself.
func (*Audio) Refresh() {}

// Encode makes a frame.
func (e *Audio) Encode(now simtime.Time) Frame {
	f := Frame{Number: e.number, Captured: now, Size: max(e.rate.BytesIn(e.frame), leastAudio), Key: true, Duration: e.frame}
	e.number++
	e.due = e.due.Add(e.frame)
	return f
}
