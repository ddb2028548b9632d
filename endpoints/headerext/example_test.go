package headerext_test

import (
	"fmt"

	"rtpfabric/endpoints/headerext"
)

// A sender places its elements once and stamps every packet; the receiver reads
// what is signalled.
func Example() {
	var entries []headerext.Entry
	for _, line := range []string{
		"3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"4 urn:ietf:params:rtp-hdrext:sdes:mid",
	} {
		e, err := headerext.ParseEntry(line)
		if err != nil {
			panic(err)
		}
		entries = append(entries, e)
	}
	m, err := headerext.NewMap(entries, false)
	if err != nil {
		panic(err)
	}

	elements := []headerext.Element{{Kind: headerext.MID, Length: len("v1")}, {Kind: headerext.TransportSeq}}
	layout, err := m.Layout(m.Form(elements...), elements...)
	if err != nil {
		panic(err)
	}
	packet := make([]byte, 12+int(layout.Size()))
	packet[0] = 0x90
	block := packet[12:]
	layout.Write(block)
	headerext.PutText(layout.Data(block, headerext.MID), "v1")
	headerext.PutTransportSeq(layout.Data(block, headerext.TransportSeq), 77) // when it leaves

	var got headerext.Elements
	m.Read(packet, &got)
	mid, _ := headerext.ReadMID(got.Data(headerext.MID))
	seq, _ := headerext.ReadTransportSeq(got.Data(headerext.TransportSeq))
	fmt.Printf("%s in %v more, %s, packet %d\n", layout.Form(), layout.Size(), mid, seq)
	// Output: one-byte in 12B more, v1, packet 77
}
