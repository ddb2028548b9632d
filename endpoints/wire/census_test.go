package wire

import (
	"testing"

	"github.com/pion/rtcp"
)

// The messages are marshalled by pion, so that numbers of formats are theirs.
func TestCensusKnowsWhatPionSends(t *testing.T) {
	packets := []rtcp.Packet{
		&rtcp.SenderReport{}, &rtcp.ReceiverReport{}, &rtcp.SourceDescription{}, &rtcp.Goodbye{Sources: []uint32{1}},
		&rtcp.ExtendedReport{}, &rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: 1}}}, &rtcp.PictureLossIndication{},
		&rtcp.SliceLossIndication{SLI: []rtcp.SLIEntry{{}}}, &RPSI{BitString: []byte{1}, Bits: 8}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{}}},
		&TMMBR{Limits: []Limit{{}}}, &TMMBN{}, &TSTR{TradeOffs: []TradeOff{{}}}, &TSTN{TradeOffs: []TradeOff{{}}}, &Pause{}, &SRReq{}, &rtcp.CCFeedbackReport{}, &rtcp.TransportLayerCC{Header: rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback}},
		&rtcp.ReceiverEstimatedMaximumBitrate{SSRCs: []uint32{1}}, &ECNFeedback{}, &rtcp.ApplicationDefined{Name: "test"},
	}
	for k, p := range packets {
		b, err := p.Marshal()
		if err != nil {
			t.Fatalf("%T: %v", p, err)
		}
		var c Census
		c.Count(b)
		want := Census{}
		want[k] = 1
		if c != want {
			t.Errorf("%T is counted as %v, want one %v", p, c, Kind(k))
		}
	}
}

func TestCensusOfCompoundPackets(t *testing.T) {
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{}, &rtcp.SourceDescription{}, &rtcp.PictureLossIndication{}, &rtcp.PictureLossIndication{}})
	if err != nil {
		t.Fatal(err)
	}
	var c Census
	c.Count(append(b, 0x80, 206, 0xff, 0xff)) // and one that is longer than what there is
	if want := (Census{ReceiverReport: 1, SourceDescription: 1, PictureLoss: 2}); c != want {
		t.Errorf("counted %v, want %v", c, want)
	}
	for _, b := range [][]byte{nil, {0x81}, {0x41, 200, 0, 0}} {
		var none Census
		if none.Count(b); none != (Census{}) {
			t.Errorf("%x is counted as %v", b, none)
		}
	}
	unknown := Census{}
	unknown.Count([]byte{0x9e, 205, 0, 0, 0x8f, 206, 0, 0, 0x80, 211, 0, 0})
	if want := (Census{OtherMessage: 3}); unknown != want {
		t.Errorf("counted %v, want %v", unknown, want)
	}
}
