package packet

import "testing"

func TestPoolReusesAndCounts(t *testing.T) {
	var pool Pool
	p := pool.New()
	copy(p.SetPayload(3), "abc")
	p.DSCP = 46
	if p.Size != 31 {
		t.Errorf("size = %v, want 3+28", p.Size)
	}
	pool.Release(p)
	if q := pool.New(); q != p || q.DSCP != 0 || len(q.Payload) != 0 {
		t.Error("the packet came back with its old contents, or not at all")
	}
	if pool.Outstanding() != 1 {
		t.Errorf("outstanding = %d", pool.Outstanding())
	}
}

func TestDoubleReleasePanics(t *testing.T) {
	var pool Pool
	p := pool.New()
	pool.Release(p)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	pool.Release(p)
}

func TestFIFOOrderAndBytes(t *testing.T) {
	var pool Pool
	var q FIFO
	for n := range 5 {
		p := pool.New()
		p.SetPayload(n)
		q.Push(p)
	}
	if q.Len() != 5 || q.Bytes() != 5*28+10 {
		t.Errorf("len %d bytes %d", q.Len(), q.Bytes())
	}
	for n := range 5 {
		if p := q.Pop(); len(p.Payload) != n {
			t.Fatalf("packet %d has %d octets", n, len(p.Payload))
		}
	}
	if q.Pop() != nil || q.Bytes() != 0 {
		t.Error("not empty at the end")
	}
}

func TestIsRTCP(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		want    bool
	}{
		{[]byte{0x80, 192}, true},
		{[]byte{0x81, 200, 0, 6}, true},
		{[]byte{0xbf, 223}, true},
		{[]byte{0x80, 191}, false}, // RTP: payload type 63 with the marker
		{[]byte{0x80, 224}, false}, // and 96
		{[]byte{0x80, 96}, false},
		{[]byte{0x40, 200}, false}, // another version
		{[]byte{0x00, 200}, false}, // STUN
		{[]byte{22, 254}, false},   // DTLS
		{[]byte{0x80}, false},
		{nil, false},
	} {
		if got := IsRTCP(c.payload); got != c.want {
			t.Errorf("%x: %v", c.payload, got)
		}
	}
}
