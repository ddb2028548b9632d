package plots

import (
	"rtpfabric/sim/record"
)

func (d *drawing) frameDelay() *panel {
	p := d.panel("frame-delay", "Frame delay", "frame delay [ms]", 260)
	p.note = "From capture to rendering, means over each bin. A gap means that no frame was rendered."
	p.missing = "No frame was rendered."
	d.lines(p, record.FrameDelay, "frame delay", 0, 1, stroke{width: 1.8, dash: "solid"})
	return p
}

func (d *drawing) frameRate() *panel {
	p := d.panel("frame-rate", "Frame rate and freezes", "frames/s", 260)
	p.note = "Rendered frames, means over 1 s."
	p.barNote = "frozen time in each second"
	p.missing = "No picture was rendered."
	d.lines(p, record.FrameRate, "frame rate", plotStep, 1, stroke{width: 1.8, dash: "solid"})
	d.bars(p, record.FreezeTime, "frozen", axis{name: "frozen [ms per s]", max: 1000})
	return p
}

// buffers draws the delays of jitter buffers.
func (d *drawing) buffers() *panel {
	p := d.panel("buffer", "Jitter buffer", "delay [ms]", 260)
	p.note = "From when the fastest packets would come to play-out, of the last frame in each bin. Dashed: what the buffer aims at; a buffer of pictures without sound aims at nothing and renders what is complete."
	p.missing = "Nothing was played out."
	for _, stream := range d.r.Names(record.BufferDelay) {
		p.line(stream, "buffer", means(d.r.Find(stream, record.BufferDelay), 0), stroke{color: d.colors.color(stream), width: 1.8, dash: "solid"})
		if aim := means(d.r.Find(stream, record.BufferTarget), 0); aim.peak() > 0 {
			p.line(stream, "aim", aim, stroke{color: d.colors.color(stream), width: 1.3, dash: "dashed"})
		}
	}
	p.foldBeyond(manySources, "buffer")
	p.foldBeyond(manySources/2, "aim")
	return p
}

func (d *drawing) listening() *panel {
	p := d.panel("mos", "Quality of audio", "mean opinion score", 260)
	p.note = "By the E-model (ITU-T G.107) from delay, loss after play-out, and codec, for each 5 s in which there was anything to hear."
	p.barNote = "audio that something had to stand in for, in each second"
	p.missing = "There was nothing to hear."
	d.lines(p, record.MOS, "MOS", 0, 1, stroke{width: 1.8, dash: "solid"})
	p.y.max = 5
	d.bars(p, record.Concealed, "concealed", axis{name: "concealed [ms per s]", max: 1000})
	return p
}

func (d *drawing) watching() *panel {
	p := d.panel("video-score", "Quality of video", "score", 260)
	p.note = "A proxy for comparing runs, from bits per pixel, frames shown, freezes and what couldn't be decoded in each second; no model of perception."
	p.missing = "There was nothing to see."
	d.lines(p, record.VideoScore, "score", 0, 1, stroke{width: 1.8, dash: "solid"})
	p.y.max = 100
	return p
}

func (d *drawing) skew() *panel {
	p := d.panel("av-skew", "Picture after sound", "later [ms]", 260)
	p.note = "By how much the picture is later than the sound of the same moment, means over each bin. People begin to notice when it is 45 ms late or 125 ms early (ITU-R BT.1359)."
	p.missing = "Pictures and sound weren't played together."
	d.lines(p, record.AVSkew, "after its sound", 0, 1, stroke{width: 1.8, dash: "solid"})
	return p
}

// spectrum draws how loud each frequency is of the mixes that participants hear.
func (d *drawing) spectrum() *panel {
	p := &panel{
		id: "spectrum", title: "Spectrum of the mixes", height: 320,
		x: axis{name: "frequency [Hz]", max: 4000}, y: axis{name: "level [dBov]", min: -96},
		note:    "Of the decoded sound that the first participants hear, on average over the time in which there is any; a tone has the level of its root mean square.",
		missing: "Nobody has heard a mix.",
	}
	for _, s := range d.r.Spectra {
		var data points
		for i, level := range s.Levels {
			data = append(data, [2]float64{float64(i) * s.Step, level})
		}
		p.line(s.Entity, "", data, stroke{color: d.colors.color(s.Entity), width: 1.4, dash: "solid"})
	}
	return p
}
