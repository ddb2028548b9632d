package plots

import (
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"rtpfabric/sim/record"
	"rtpfabric/sim/simtime"
)

// crossing is a record of two offers that cross each other between A and a server.
func crossing() *record.Record {
	ms := func(n int) simtime.Time { return simtime.At(time.Duration(n) * time.Millisecond) }
	r := &record.Record{
		Messages: []record.Message{
			{Sent: ms(1000), Arrived: ms(1026), From: "A", To: "server", Protocol: "ROAP", Title: "OFFER 1 (7)", Text: "one"},
			{Sent: ms(1010), Arrived: ms(1036), From: "server", To: "A", Protocol: "ROAP", Title: "OFFER 1 (9)", Text: "two"},
			{Sent: ms(1026), Arrived: ms(1052), From: "server", To: "B", Protocol: "ROAP", Title: "OFFER 1 (7)", Text: "one"},
		},
		Events: []record.Event{
			{At: ms(1000), Entity: "A", Kind: record.OfferSent, Detail: "the message says so"},
			{At: ms(1036), Entity: "A", Kind: record.Glare, Detail: "offer B/1: tie-breaker"},
			{At: ms(1036), Entity: "A", Kind: record.OfferAccepted},
			{At: ms(1040), Entity: "link", Kind: "capacity-changed"},
		},
	}
	for _, name := range []string{"B", "other", "A"} { // whatever their order, ends stand at both sides
		r.Manifest.Topology.Endpoints = append(r.Manifest.Topology.Endpoints, record.Endpoint{Name: name})
	}
	return r
}

func TestLadderAsText(t *testing.T) {
	var b strings.Builder
	drawn, err := Ladder(&b, crossing())
	if err != nil || !drawn {
		t.Fatal(drawn, err)
	}
	want := strings.Join([]string{
		"   sent s  arrived s  B                server           A",
		"    1.000      1.026  |                |<--OFFER 1 (7)--|",
		"    1.010      1.036  |                |---OFFER 1 (9)->|",
		"    1.026      1.052  |<--OFFER 1 (7)--|                |",
		"               1.036  |                |                * glare: offer B/1: tie-breaker",
		"               1.036  |                |                * offer-accepted",
		"",
	}, "\n")
	if diff := gocmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.Reset()
	if drawn, err := Ladder(&b, synthetic(1)); drawn || err != nil || b.Len() > 0 {
		t.Errorf("a run without signalling has %q", &b)
	}
}

// Rows are moments, so that offers that cross do so in the picture.
func TestLadderDrawing(t *testing.T) {
	d := newLadder(crossing()).drawing()
	if len(d.Arrows) != 3 || len(d.Notes) != 2 || len(d.Lines) != 3 || len(d.Times) != 5 {
		t.Fatalf("%d arrows, %d notes, %d lines, %d times", len(d.Arrows), len(d.Notes), len(d.Lines), len(d.Times))
	}
	first, second := d.Arrows[0], d.Arrows[1] // as they arrive
	if !(first.Y1 < second.Y1 && second.Y1 < first.Y2 && first.Y2 < second.Y2) || first.X1 != second.X2 {
		t.Errorf("arrows %+v and %+v", first, second)
	}
	for _, n := range d.Notes {
		if n.Y <= second.Y2 {
			t.Errorf("%s stands before what it is about", n.Text)
		}
	}
}

func TestLongLadderIsCut(t *testing.T) {
	r := crossing()
	for i := range 1000 {
		at := simtime.At(time.Duration(2+i) * time.Second)
		r.Messages = append(r.Messages, record.Message{Sent: at, Arrived: at.Add(time.Millisecond), From: "A", To: "server", Title: strconv.Itoa(i)})
	}
	page := render(t, r)
	if n := strings.Count(page, `<g class="message`); n < 190 || n > 200 {
		t.Errorf("%d arrows", n)
	}
	if !strings.Contains(page, "1003 messages, the first") {
		t.Error("the page doesn't say that there are more")
	}
	if strings.Contains(render(t, synthetic(1)), `id="signalling"`) {
		t.Error("a run without signalling has a ladder")
	}
}

func TestBrowserDrawsLadder(t *testing.T) {
	b := open(t, render(t, crossing()))
	if n := eval[int](b, `[...document.querySelectorAll('.ladder .message line')].filter(e => e.getBoundingClientRect().width > 100).length`); n != 3 {
		t.Errorf("%d arrows can be seen, not 3", n)
	}
	if text := eval[string](b, `document.querySelector('.ladder details').textContent`); !strings.Contains(text, "3 messages") || !strings.Contains(text, "two") {
		t.Errorf("the list of messages says %q", text)
	}
	b.wantNoProblems()
}
