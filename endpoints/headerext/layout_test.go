package headerext_test

import (
	"testing"

	"rtpfabric/endpoints/headerext"
	"rtpfabric/sim/rng"
)

// §4.1.2, §6: one-byte if all elements fit into that, else two-byte; a stream
// keeps to one form unless mixing is signalled.
//
// conformance: HDR-5.2-1
func TestForm(t *testing.T) {
	seq := headerext.Element{Kind: headerext.TransportSeq}
	mid := func(n int) headerext.Element { return headerext.Element{Kind: headerext.MID, Length: n} }
	low := []string{"14 " + headerext.TransportSeq.URI(), "1 " + headerext.MID.URI()}
	for _, c := range []struct {
		name         string
		mixed        bool
		lines        []string
		stream, sent []headerext.Element // of its whole life, and of one packet
		want         headerext.Form
	}{
		{"all fit", false, low, []headerext.Element{seq, mid(16)}, []headerext.Element{seq, mid(16)}, headerext.OneByte},
		{"17 octets", false, low, []headerext.Element{seq, mid(17)}, []headerext.Element{seq, mid(17)}, headerext.TwoByte},
		{"17 octets in another packet", false, low, []headerext.Element{seq, mid(17)}, []headerext.Element{seq}, headerext.TwoByte},
		{"17 octets in another packet, mixed", true, low, []headerext.Element{seq, mid(17)}, []headerext.Element{seq}, headerext.OneByte},
		{"17 octets in this one, mixed", true, low, []headerext.Element{seq, mid(17)}, []headerext.Element{seq, mid(17)}, headerext.TwoByte},
		{"id 15", false, []string{"15 " + headerext.TransportSeq.URI()}, []headerext.Element{seq}, []headerext.Element{seq}, headerext.TwoByte},
		{"id 16", false, []string{"16 " + headerext.TransportSeq.URI()}, []headerext.Element{seq}, []headerext.Element{seq}, headerext.TwoByte},
		{"a long one that isn't signalled", false, low[:1], []headerext.Element{seq, mid(17)}, []headerext.Element{seq}, headerext.OneByte},
	} {
		m := newMap(t, c.mixed, c.lines...)
		l, err := m.Layout(m.Form(c.stream...), c.sent...)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		block := make([]byte, l.Size())
		l.Write(block)
		r, ok := headerext.NewReader(block)
		if !ok || r.Form() != c.want || l.Form() != c.want {
			t.Errorf("%s: %v, want %v", c.name, r.Form(), c.want)
		}
	}
}

// allLines signals every element, with ids from first up.
func allLines(first int) []headerext.Entry {
	var es []headerext.Entry
	for k := headerext.TransportSeq; k.URI() != ""; k++ {
		es = append(es, headerext.Entry{ID: first + len(es), URI: k.URI()})
	}
	return es
}

func TestKinds(t *testing.T) {
	es := allLines(1)
	if len(es) != 13 {
		t.Fatalf("%d elements", len(es))
	}
	for i, e := range es {
		k := headerext.Kind(i + 1)
		if headerext.KindOf(e.URI) != k || k.String() == "" {
			t.Errorf("%s is %v, want %v", e.URI, headerext.KindOf(e.URI), k)
		}
	}
	if headerext.KindOf("urn:x") != headerext.Other || headerext.KindOf("") != headerext.Other {
		t.Error("what nobody knows has a kind")
	}
	if k := headerext.Kind(200); k.URI() != "" || k.Length() != 0 || k.String() == "" {
		t.Error("a kind that doesn't exist has properties")
	}
}

// A layout's places are where a reader finds the elements, whatever they are
// and in whatever order.
func TestLayoutPlaces(t *testing.T) {
	r := rng.New(1).Stream("test")
	for range 2000 {
		mixed, first := r.Bool(0.5), 1
		if r.Bool(0.3) {
			first = 10 + int(r.Uint64()%200)
		}
		m, err := headerext.NewMap(allLines(first), mixed)
		if err != nil {
			t.Fatal(err)
		}
		var all []headerext.Element
		for k := headerext.TransportSeq; k.URI() != ""; k++ {
			if r.Bool(0.5) {
				n := k.Length()
				if n == 0 {
					n = int(r.Uint64() % 40)
				}
				all = append(all, headerext.Element{Kind: k, Length: n})
			}
		}
		for i := range all {
			j := int(r.Uint64() % uint64(i+1))
			all[i], all[j] = all[j], all[i]
		}
		l, err := m.Layout(m.Form(all...), all...)
		if err != nil {
			t.Fatal(err)
		}
		packet := make([]byte, 12+int(l.Size()))
		packet[0] = 0x80
		if l.Size() > 0 {
			packet[0] |= 0x10
		}
		l.Write(packet[12:])
		for i, e := range all {
			d := l.Data(packet[12:], e.Kind)
			if len(d) != e.Length {
				t.Fatalf("%v has %d octets, want %d", e.Kind, len(d), e.Length)
			}
			for j := range d {
				d[j] = byte(i + 1)
			}
		}
		var got headerext.Elements
		m.Read(packet, &got)
		for i, e := range all {
			d := got.Data(e.Kind)
			if len(d) != e.Length || len(d) > 0 && (d[0] != byte(i+1) || d[len(d)-1] != byte(i+1)) {
				t.Fatalf("%v of %d octets read as %x", e.Kind, e.Length, d)
			}
		}
		if got.Malformed || got.Unknown != 0 {
			t.Fatalf("read %+v", got)
		}
	}
}

func TestLayoutRefuses(t *testing.T) {
	m := newMap(t, false, "3 "+headerext.MID.URI())
	for name, es := range map[string][]headerext.Element{
		"17 octets in a one-byte stream": {{Kind: headerext.MID, Length: 17}},
		"256 octets":                     {{Kind: headerext.MID, Length: 256}},
		"negative":                       {{Kind: headerext.MID, Length: -1}},
		"twice":                          {{Kind: headerext.MID, Length: 1}, {Kind: headerext.MID, Length: 1}},
	} {
		if _, err := m.Layout(headerext.OneByte, es...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	var none headerext.Layout
	if none.Size() != 0 || none.Data(nil, headerext.MID) != nil {
		t.Error("the zero layout has something")
	}
	none.Write(nil)
}

// A map says what it was made of.
func TestMapAnswers(t *testing.T) {
	m := newMap(t, true, "7 "+headerext.MID.URI(), "200/recvonly "+headerext.RID.URI(), "9 urn:x")
	if es := m.Entries(); len(es) != 3 || es[1].ID != 200 || !m.Mixed {
		t.Errorf("entries %v, mixed %v", es, m.Mixed)
	}
	for id, want := range map[uint8]headerext.Kind{7: headerext.MID, 200: headerext.RID, 9: headerext.Other, 1: headerext.Other} {
		if got := m.Kind(id); got != want {
			t.Errorf("id %d is %v, want %v", id, got, want)
		}
	}
	if id, ok := m.ID(headerext.MID); id != 7 || !ok {
		t.Errorf("MID has id %d, %v", id, ok)
	}
	for _, k := range []headerext.Kind{headerext.RID, headerext.AudioLevel, headerext.Kind(200)} {
		if id, ok := m.ID(k); ok {
			t.Errorf("%v may be sent, with id %d", k, id)
		}
	}
	if !m.Encrypted().Empty() || headerext.OneByte.String() != "one-byte" || headerext.TwoByte.String() != "two-byte" {
		t.Error("something is encrypted, or the forms have other names")
	}
}

func TestIDSet(t *testing.T) {
	s := headerext.IDs(255, 1, 64, 14, 0)
	if s.String() != "1 14 64 255" || s.Has(0) || !s.Has(64) || s.Has(65) || s.Empty() || !headerext.IDs(0).Empty() {
		t.Errorf("set is %q", s)
	}
}

// The path of a packet allocates nothing.
func TestNoAllocation(t *testing.T) {
	m := newMap(t, false, "3 "+headerext.TransportSeq.URI(), "4 "+headerext.EncryptURI+" "+headerext.AudioLevel.URI(), "5 "+headerext.MID.URI())
	l, err := m.Layout(headerext.OneByte, headerext.Element{Kind: headerext.MID, Length: 2},
		headerext.Element{Kind: headerext.TransportSeq}, headerext.Element{Kind: headerext.AudioLevel})
	if err != nil {
		t.Fatal(err)
	}
	c, err := headerext.NewCipher(make([]byte, 16), make([]byte, 14), m.Encrypted())
	if err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 1200)
	packet[0] = 0x90
	var e headerext.Elements
	if n := testing.AllocsPerRun(100, func() {
		l.Write(packet[12:])
		headerext.PutTransportSeq(l.Data(packet[12:], headerext.TransportSeq), 9)
		headerext.PutAudioLevel(l.Data(packet[12:], headerext.AudioLevel), 30, true)
		headerext.PutText(l.Data(packet[12:], headerext.MID), "v0")
		c.Apply(packet, 7)
		c.Apply(packet, 7)
		m.Read(packet, &e)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if level, voice, ok := headerext.ReadAudioLevel(e.Data(headerext.AudioLevel)); level != 30 || !voice || !ok {
		t.Errorf("level %d, %v, %v", level, voice, ok)
	}
}
