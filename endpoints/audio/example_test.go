package audio_test

import (
	"fmt"
	"time"

	"rtpfabric/endpoints/audio"
	"rtpfabric/sim/rng"
	"rtpfabric/sim/simtime"
)

// A party of a conversation sends µ-law and, in silence, comfort noise.
func Example() {
	run := rng.New(7)
	dialogue := audio.NewConversation(0, audio.P59(), run.Stream("conversation/A-B"))
	source, err := audio.NewTelephone(audio.TelephoneConfig{
		Coding: audio.MuLaw,
		Speech: audio.Speech{
			Activity: dialogue.Talker(audio.A),
			Overhang: audio.Overhang{Fixed: 200 * time.Millisecond},
			Random:   run.Stream("audio/A"),
		},
		Silence: audio.SilenceConfig{Suppress: true, ComfortNoise: true},
	}, 0)
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, source.MaxPayload())
	for source.NextFrame() < simtime.At(4*time.Second) {
		now := source.NextFrame()
		f, sent := source.Encode(now, buffer)
		switch {
		case sent && f.Comfort:
			fmt.Printf("%v comfort noise, %d octet\n", now, len(f.Payload))
		case sent && f.Marker:
			fmt.Printf("%v talk spurt, %d octets a frame, timestamp +%d\n", now, len(f.Payload), f.Advance)
		}
	}
	// Output:
	// 0.000000000s comfort noise, 1 octet
	// 0.040000000s talk spurt, 160 octets a frame, timestamp +320
	// 0.840000000s comfort noise, 1 octet
	// 1.300000000s talk spurt, 160 octets a frame, timestamp +3680
	// 1.540000000s comfort noise, 1 octet
	// 2.700000000s talk spurt, 160 octets a frame, timestamp +9280
}
