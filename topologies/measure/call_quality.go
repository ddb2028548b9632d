package measure

import (
	"math"
	"time"

	"rtpfabric/endpoints"
	"rtpfabric/endpoints/quality"
	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
	"rtpfabric/sim/units"
	"rtpfabric/topologies"
)

const (
	// listening is for how long audio is listened to before it gets a score.
	listening = 5 * time.Second
	// watching is the same of video.
	watching = time.Second
	// echoLoss is what echo cancellers achieve, which WebRTC's endpoints should have
	// (RFC 7874 §5): nobody hears himself.
	echoLoss = 100
	// opusLookAhead is how far Opus' reference encoder looks ahead: 2.5 ms of overlap,
	// and 4 ms that make its two layers equally late.
	opusLookAhead = 6500 * time.Microsecond
	// current is for how long a frame of audio says how late audio is.
	current = time.Second
)

// audioMeter measures what a listener hears of a stream.
type audioMeter struct {
	flow       *topologies.Flow
	due        *total // audio that was to be heard
	concealed  *total
	mouthToEar *mean
	spells     []spell // of listening
	score      *record.Series
	standsIn   bool // something stands in for audio

	lastDelay time.Duration // of the frame played last
	lastAt    simtime.Time
}

// spell is what was heard in a stretch of time.
type spell struct {
	due, concealed time.Duration
	runs           uint64 // of concealment
	frames         int
	played         time.Duration // in these frames
	delay          time.Duration // sum of frames
	codec          quality.Codec // sums over frames
}

func newAudioMeter(b *book, f *topologies.Flow) *audioMeter {
	n := f.Flow()
	return &audioMeter{
		flow: f, lastAt: simtime.Never,
		due:        b.milliseconds(n, record.AudioDue),
		concealed:  b.milliseconds(n, record.Concealed),
		mouthToEar: b.delay(n, record.MouthToEar),
	}
}

func (m *audioMeter) spell(at simtime.Time) *spell {
	i := int(at.Duration() / listening)
	for len(m.spells) <= i {
		m.spells = append(m.spells, spell{})
	}
	return &m.spells[i]
}

// played notes a frame that is heard.
func (m *audioMeter) played(e *endpoints.Event) {
	m.stoodIn(e.At, e.Gap)
	m.standsIn = false
	s := m.spell(e.At)
	codec, lookAhead := m.codec(e.Codec)
	delay := quality.MouthToEar(e.Media, lookAhead, 0, e.Delay)
	s.frames++
	s.played += e.Media
	s.due += e.Media
	s.delay += delay
	s.codec.Ie += codec.Ie
	s.codec.Bpl += codec.Bpl
	m.due.add(e.At, ms(e.Media))
	m.mouthToEar.add(e.At, ms(delay))
	m.lastDelay, m.lastAt = e.Delay, e.At
}

// stoodIn notes that something had to stand in for audio.
func (m *audioMeter) stoodIn(at simtime.Time, d time.Duration) {
	if d <= 0 {
		return
	}
	s := m.spell(at)
	if !m.standsIn {
		s.runs++
	}
	m.standsIn = true
	s.due += d
	s.concealed += d
	m.due.add(at, ms(d))
	m.concealed.add(at, ms(d))
}

// codec returns the E-model's parameters of a codec at the stream's rate, and how far
// it looks ahead.
func (m *audioMeter) codec(c endpoints.Codec) (quality.Codec, time.Duration) {
	switch c {
	case endpoints.CodecPCMU, endpoints.CodecPCMA, endpoints.CodecCN:
		return quality.G711PLC, 0
	case endpoints.CodecDVI4:
		return quality.DVI4, 0
	case endpoints.CodecOpus, endpoints.CodecVP8, endpoints.CodecEvents:
	}
	return quality.Opus(m.flow.Sender.Goal()), opusLookAhead
}

// score returns the mean opinion score of a spell; NaN if nothing was to be heard.
func (s *spell) score() float64 {
	if s.due <= 0 {
		return math.NaN()
	}
	if s.frames == 0 {
		return 1
	}
	n := float64(s.frames)
	frame := s.played / time.Duration(s.frames)
	return quality.Call{
		Codec: quality.Codec{Ie: s.codec.Ie / n, Bpl: s.codec.Bpl / n},
		Delay: s.delay / time.Duration(s.frames), EchoLoss: echoLoss,
		Loss:       s.concealed.Seconds() / s.due.Seconds(),
		BurstRatio: quality.BurstRatio(uint64((s.concealed+frame-1)/frame), uint64((s.due+frame-1)/frame), s.runs),
	}.MOS()
}

// scores makes a series of scores, each of which holds for a stretch of n bins.
func (b *book) scores(entity, metric string, n int, score func(i int) float64, end simtime.Time) *record.Series {
	s := b.new(entity, metric, "points")
	bins := int((end.Duration() + Step - 1) / Step)
	for at := 0; at < bins; at += n {
		v := score(at / n)
		for range min(n, bins-at) {
			s.Values = append(s.Values, v)
		}
	}
	return s
}

// finish adds the series of scores.
func (m *audioMeter) finish(b *book, end simtime.Time) {
	m.score = b.scores(m.flow.Flow(), record.MOS, int(listening/Step), func(i int) float64 {
		if i >= len(m.spells) {
			return math.NaN()
		}
		return m.spells[i].score()
	}, end)
}

// accompany finds the sound that goes with a video, if any.
func (m *flowMeter) accompany(b *book, flows []*flowMeter) {
	if m.flow.Kind != endpoints.Video {
		return
	}
	for _, o := range flows {
		if o.audio != nil && o.flow.Origin() == m.flow.Origin() && o.flow.To == m.flow.To && o.flow.Relay == m.flow.Relay {
			m.sound = o.audio
			m.avSkew, m.avSkews = b.delay(m.name, record.AVSkew), b.distribution(m.name, record.AVSkews)
			return
		}
	}
}

// skew notes how much later than sound of the same moment a picture is seen.
func (m *flowMeter) skew(e *endpoints.Event) {
	a := m.sound
	if a == nil || a.lastAt == simtime.Never || e.At.Sub(a.lastAt) > current {
		return
	}
	later := e.Delay - a.lastDelay
	m.avSkew.add(e.At, ms(later))
	m.avSkews.Add(e.At, later.Abs())
}

// watch adds the series of scores of video: of seconds throughout which it is sent.
func (m *flowMeter) watch(b *book, end simtime.Time) {
	const bins = int(watching / Step)
	sum := func(t *total, at int) float64 {
		v := 0.0
		for i := at; i < min(at+bins, len(t.series.Values)); i++ {
			v += t.series.Values[i] / t.scale
		}
		return v
	}
	m.score = b.scores(m.name, record.VideoScore, bins, func(i int) float64 {
		at := i * bins
		if !m.activeThroughout(at, bins) || end < simtime.At(Step*timeOf(at+bins)) {
			return math.NaN()
		}
		return quality.VideoSecond{
			Size: units.Bytes(math.Round(sum(m.goodput, at))), Width: m.flow.Width, Height: m.flow.Height,
			Shown: int(math.Round(sum(m.frames, at))), Undecodable: int(math.Round(sum(m.undecodable, at))),
			FPS: m.flow.Video.FPS, Frozen: time.Duration(sum(m.frozen, at) * 1e6), Length: watching,
		}.Score()
	}, end)
}
