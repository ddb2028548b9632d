package scenarios

import (
	"fmt"

	"rtpfabric/scenarios/internal/strict"
)

// fec checks how a stream is protected. schemes are those of the sections so far: the
// two directions of a name, or all streams of that name in a group, share one.
func (c *checker) fec(m *Media, p strict.Path, call string, schemes map[string]string) {
	f, q := m.FEC, p.Child("fec")
	where := c.firstOf(q.Child("type"), p)
	switch {
	case m.Kind == "video" && f.Type == "red":
		c.fail(where, "red is for audio", `write "type: flexfec" or "type: ulpfec"`)
		return
	case m.Kind == "audio" && (f.Type == "flexfec" || f.Type == "ulpfec"):
		c.fail(where, fmt.Sprintf("%s is for video: audio has no separate FEC (RFC 8854 section 4.1)", f.Type), `write "type: red"`)
		return
	}
	if other := q.Child("overhead"); m.Kind == "audio" && c.places.Has(other) {
		c.failKey(other, "this is a field of video", `for audio, write "level: 1"`)
	}
	if other := q.Child("level"); m.Kind == "video" && c.places.Has(other) {
		c.failKey(other, "this is a field of audio", `for video, write "overhead: 20%"`)
	}
	if f.Type == "none" {
		return
	}
	section := call + " " + m.Kind + " " + m.Name
	if other := schemes[section]; other != "" && other != f.Type {
		c.fail(where, fmt.Sprintf("another stream called %s in this call has %s", m.Name, other), fmt.Sprintf("write %q, or give one of them another name", "type: "+other))
		return
	}
	schemes[section] = f.Type
}
