package middlebox

import (
	"strings"
	"testing"

	"rtpfabric/sim/packet"
)

// bleached sends one packet for every DSCP and ECN field through a bleacher, and
// wants what should becomes of them; want returns false for a drop.
func bleached(t *testing.T, c BleacherConfig, want func(dscp uint8, ecn packet.ECN) (uint8, packet.ECN, bool)) *Bleacher {
	t.Helper()
	n := newNet(t)
	b, err := NewBleacher(c)
	if err != nil {
		t.Fatal(err)
	}
	n.host(n.core, y, z)
	n.core.Insert(b)
	n.f.Route()
	for dscp := range uint8(64) {
		for ecn := range packet.ECN(4) {
			d := n.send(at(y, 1), at(z, 2), func(p *packet.Packet) { p.DSCP, p.ECN = dscp, ecn })
			wantDSCP, wantECN, pass := want(dscp, ecn)
			if d == nil != !pass {
				t.Errorf("DSCP %d: passes %v, want %v", dscp, d != nil, pass)
			}
			if d != nil && (d.dscp != wantDSCP || d.ecn != wantECN) {
				t.Errorf("DSCP %d, ECN %d came as %d and %d, want %d and %d", dscp, ecn, d.dscp, d.ecn, wantDSCP, wantECN)
			}
		}
	}
	return b
}

func TestBleacher(t *testing.T) {
	const (
		ef   = 46
		af41 = 34
		le   = 1
	)
	b := bleached(t, BleacherConfig{}, func(d uint8, e packet.ECN) (uint8, packet.ECN, bool) { return d, e, true })
	if s := b.Stats(); s != (BleacherStats{Passed: 256}) {
		t.Errorf("%+v", s)
	}
	b = bleached(t, BleacherConfig{DSCP: BleachDSCP, ECN: BleachECN},
		func(uint8, packet.ECN) (uint8, packet.ECN, bool) { return 0, packet.NotECT, true })
	if s := b.Stats(); s != (BleacherStats{Passed: 256, Remarked: 252, ECN: 192}) {
		t.Errorf("%+v", s)
	}
	b = bleached(t, BleacherConfig{ECN: BlockECN}, func(d uint8, e packet.ECN) (uint8, packet.ECN, bool) { return d, e, e == packet.NotECT })
	if s := b.Stats(); s != (BleacherStats{Passed: 64, Swallowed: 192}) {
		t.Errorf("%+v", s)
	}
	// EF, 101110, becomes 000110; AF41, 100010, becomes 000010.
	bleached(t, BleacherConfig{DSCP: BleachTOS}, func(d uint8, e packet.ECN) (uint8, packet.ECN, bool) {
		switch d {
		case ef:
			return 6, e, true
		case af41:
			return 2, e, true
		}
		return d % 8, e, true
	})
	bleached(t, BleacherConfig{DSCP: BleachLowDSCP}, func(d uint8, e packet.ECN) (uint8, packet.ECN, bool) {
		return d / 8 * 8, e, true
	})
	b = bleached(t, BleacherConfig{DSCP: BleachDSCP, Remarks: []Remark{{ef, af41}}, BlackHoles: []uint8{le}, ECN: HideCE},
		func(d uint8, e packet.ECN) (uint8, packet.ECN, bool) {
			to := map[uint8]uint8{ef: af41}[d]
			if e == packet.CE {
				e = packet.ECT0
			}
			return to, e, d != le
		})
	if s := b.Stats(); s.Swallowed != 4 || s.Passed != 252 {
		t.Errorf("%+v", s)
	}
	bleached(t, BleacherConfig{ECN: FakeCE}, func(d uint8, e packet.ECN) (uint8, packet.ECN, bool) {
		if e == packet.ECT0 || e == packet.ECT1 {
			e = packet.CE
		}
		return d, e, true
	})
}

func TestNewBleacherRefuses(t *testing.T) {
	for name, c := range map[string]BleacherConfig{
		"dscp":        {DSCP: 9},
		"remarks":     {Remarks: []Remark{{0, 64}}},
		"black holes": {BlackHoles: []uint8{64}},
		"ecn":         {ECN: 9},
	} {
		if _, err := NewBleacher(c); err == nil || !strings.HasPrefix(err.Error(), "bleacher: "+name) {
			t.Errorf("want an error about %s, got %v", name, err)
		}
	}
}

func BenchmarkBleacher(b *testing.B) {
	m, err := NewBleacher(BleacherConfig{DSCP: BleachTOS, ECN: HideCE})
	if err != nil {
		b.Fatal(err)
	}
	p := &packet.Packet{}
	b.ReportAllocs()
	for b.Loop() {
		p.DSCP, p.ECN = 46, packet.CE
		m.Handle(0, p, nil)
	}
}
