package roap_test

import (
	"reflect"
	"testing"

	"rtpfabric/endpoints/signalling/roap"
)

func TestMessages(t *testing.T) {
	for text, want := range map[string]roap.Message{
		`{"messageType":"OFFER","offererSessionId":"A","answererSessionId":"B","seq":1,"tieBreaker":4294967295,"sdp":"v=0\r\n"}`: {
			Type: roap.TypeOffer, Offerer: "A", Answerer: "B", Seq: 1, TieBreaker: 1<<32 - 1, SDP: "v=0\r\n",
		},
		`{"messageType":"ANSWER","offererSessionId":"A","seq":2,"moreComing":true}`: {Type: roap.TypeAnswer, Offerer: "A", Seq: 2, MoreComing: true},
		`{"messageType":"ACCEPT","offererSessionId":"A","seq":2}`:                   {Type: roap.TypeAccept, Offerer: "A", Seq: 2},
		`{"messageType":"SHUTDOWN","offererSessionId":"A","seq":0}`:                 {Type: roap.TypeShutdown, Offerer: "A"},
		`{"messageType":"ERROR","offererSessionId":"A","seq":3,"errorType":"DOUBLECONFLICT"}`: {
			Type: roap.TypeError, Offerer: "A", Seq: 3, Error: roap.DoubleConflict,
		},
	} {
		got, err := roap.Parse([]byte(text))
		if err != nil || *got != want {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
		if b := want.Marshal(); string(b) != text {
			t.Errorf("written as %s, not %s", b, text)
		}
	}
}

func TestMalformedMessages(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"messageType":"HELLO","offererSessionId":"A","seq":1}`, `{"messageType":"OFFER","seq":1}`,
		`{"messageType":"OFFER","offererSessionId":"A","seq":0}`, `{"messageType":"OFFER","offererSessionId":"A","seq":4294967296}`,
		`{"messageType":"OFFER","offererSessionId":"A","seq":1,"errorType":"FAILED"}`, `{"messageType":"ERROR","offererSessionId":"A","seq":1}`,
		`{"messageType":"ERROR","offererSessionId":"A","seq":1,"errorType":"OTHER"}`, `{"messageType":"OFFER","offererSessionId":"A","seq":1}x`,
	} {
		if m, err := roap.Parse([]byte(text)); err == nil {
			t.Errorf("%s is read as %+v", text, m)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"messageType":"OFFER","offererSessionId":"A","seq":1,"tieBreaker":7,"sdp":"v=0"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := roap.Parse(b)
		if err != nil {
			return
		}
		again, err := roap.Parse(m.Marshal())
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%+v is written and read as %+v, %v", m, again, err)
		}
	})
}
