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
