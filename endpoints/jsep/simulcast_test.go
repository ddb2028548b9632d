package jsep_test

import (
	"slices"
	"strings"
	"testing"

	"rtpfabric/endpoints/jsep"
)

// withLines reads a description whose first section has further lines.
func withLines(t *testing.T, lines ...string) *jsep.Section {
	t.Helper()
	d := description()
	text := strings.Replace(d.String(), "a=ssrc-group:", strings.Join(append(lines, ""), "\r\n")+"a=ssrc-group:", 1)
	got, err := jsep.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return &got.Sections[0]
}

func rids(s *jsep.Section) (list []string) {
	for _, r := range s.RIDs {
		list = append(list, r.String())
	}
	return list
}

func simulcast(s *jsep.Section) string {
	if s.Simulcast == nil {
		return ""
	}
	return s.Simulcast.String()
}

// RFC 8853 figure 1: two simulcast streams, of which one has two forms, and one stream to get.
func TestSimulcastLines(t *testing.T) {
	lines := []string{
		"a=rid:1 send pt=96;max-width=1280;max-height=720", "a=rid:2 send pt=96,97;max-width=320", "a=rid:3 send max-fps=15", "a=rid:4 recv pt=96",
		"a=simulcast:send 1;2,~3 recv 4",
	}
	s := withLines(t, lines...)
	want := []string{"1 send pt=96;max-width=1280;max-height=720", "2 send pt=96,97;max-width=320", "3 send max-fps=15", "4 recv pt=96"}
	if got := rids(s); !slices.Equal(got, want) {
		t.Errorf("RIDs %q", got)
	}
	if got := simulcast(s); got != "send 1;2,~3 recv 4" {
		t.Errorf("simulcast %q", got)
	}
	d := description()
	d.Sections[0].RIDs, d.Sections[0].Simulcast = s.RIDs, s.Simulcast
	for _, line := range lines {
		if !strings.Contains(d.String(), line+"\r\n") {
			t.Errorf("no line %s in\n%s", line, d.String())
		}
	}
}

// What can't be meant is left out, and the rest holds (RFC 8851 §6.2.2, RFC 8853 §5.2, §5.3.2).
func TestSimulcastMistakes(t *testing.T) {
	for _, tt := range []struct {
		lines     string
		rids      []string
		simulcast string
	}{
		{"rid:1 send|rid:2 send|simulcast:send 1;2", []string{"1 send", "2 send"}, "send 1;2"},
		{"rid:1|rid:2 send|simulcast:send 1;2", []string{"2 send"}, "send 2"},
		{"rid:1 both|rid:2 send|simulcast:send 1;2", []string{"2 send"}, "send 2"},
		{"rid:a_b send|rid:2 send|simulcast:send a_b;2", []string{"2 send"}, ""},
		{"rid:1 send|rid:1 send max-fps=3|rid:2 send|simulcast:send 1;2", []string{"2 send"}, "send 2"},
		{"rid:1 send|rid:1|rid:2 send|simulcast:send 1;2", []string{"2 send"}, "send 2"},
		{"rid:1 send pt=96,100|rid:2 send pt=100|simulcast:send 1;2", []string{"1 send pt=96"}, "send 1"},
		{"rid:1 send pt=x|simulcast:send 1", nil, ""},
		{"rid:1 send pt=128|simulcast:send 1", nil, ""},
		{"rid:1 send max-fps=3;pt=96|simulcast:send 1", nil, ""},
		{"rid:1 send ;|simulcast:send 1", nil, ""},
		{"rid:1 send depend=2|rid:2 send depend=3|rid:4 send|simulcast:send 1;2;4", []string{"4 send"}, "send 4"},
		{"rid:1 send depend=2|rid:2 send|simulcast:send 1;2", []string{"1 send depend=2", "2 send"}, "send 1;2"},
		{"rid:1 send max-fps|simulcast:send 1", []string{"1 send max-fps"}, "send 1"},
		{"rid:1 send|simulcast:recv 1", []string{"1 send"}, ""},
		{"rid:1 send|rid:2 recv|simulcast:send 1;2 recv 2", []string{"1 send", "2 recv"}, ""}, // one RID twice
		{"rid:1 send|simulcast:send 1,9", []string{"1 send"}, "send 1"},
		{"rid:1 send|simulcast:send 1|simulcast:send 1", []string{"1 send"}, ""},
		{"rid:1 send|simulcast:send 1 send 1", []string{"1 send"}, ""},
		{"rid:1 send|rid:2 send|simulcast:send 1 send 2", []string{"1 send", "2 send"}, ""},
		{"rid:1 send|simulcast:send", []string{"1 send"}, ""},
		{"rid:1 send|simulcast:send 1;", []string{"1 send"}, ""},
		{"rid:1 send|simulcast:both 1", []string{"1 send"}, ""},
		{"rid:1 send|rid:2 recv|simulcast:recv 2 send 1", []string{"1 send", "2 recv"}, "send 1 recv 2"},
	} {
		var lines []string
		for line := range strings.SplitSeq(tt.lines, "|") {
			lines = append(lines, "a="+line)
		}
		s := withLines(t, lines...)
		if got := rids(s); !slices.Equal(got, tt.rids) || simulcast(s) != tt.simulcast {
			t.Errorf("%s: got %q and %q, want %q and %q", tt.lines, got, simulcast(s), tt.rids, tt.simulcast)
		}
	}
}

// An answer takes as many streams as its end wants, the most preferred, and says so in the opposite direction.
//
// conformance: IMP-12.8-2
func TestAnswerTakesSimulcast(t *testing.T) {
	offer := withLines(t, "a=rid:h send max-width=1280", "a=rid:m send", "a=rid:n send", "a=rid:l send", "a=rid:x recv", "a=simulcast:send h;m,~n;~l recv x")
	for _, tt := range []struct {
		most      int
		rids      []string
		simulcast string
		sends     []string
	}{
		{0, nil, "", nil},
		{1, []string{"h recv max-width=1280"}, "recv h", []string{"h"}},
		{2, []string{"h recv max-width=1280", "m recv", "n recv"}, "recv h;m,n", []string{"h", "m"}},
		{9, []string{"h recv max-width=1280", "m recv", "n recv", "l recv"}, "recv h;m,n;l", []string{"h", "m", "l"}},
	} {
		var answer jsep.Section
		answer.Take(offer, tt.most)
		if got := rids(&answer); !slices.Equal(got, tt.rids) || simulcast(&answer) != tt.simulcast {
			t.Errorf("at most %d: %q and %q, want %q and %q", tt.most, got, simulcast(&answer), tt.rids, tt.simulcast)
		}
		if got := offer.Simulcasts(&answer); !slices.Equal(got, tt.sends) {
			t.Errorf("at most %d: %q may be sent, want %q", tt.most, got, tt.sends)
		}
	}
	plain := withLines(t)
	var answer jsep.Section
	if answer.Take(plain, 3); answer.Simulcast != nil {
		t.Error("an answer takes what wasn't offered")
	}
}

// An answerer sends what an offer wants of its own streams.
func TestAnswerGivesSimulcast(t *testing.T) {
	own := withLines(t, "a=rid:h send max-fps=30", "a=rid:l send", "a=simulcast:send h;l")
	offer := withLines(t, "a=rid:h recv max-fps=30", "a=rid:x recv", "a=rid:l recv", "a=simulcast:recv x,h;l")
	var answer jsep.Section
	answer.Give(offer, own)
	if got := rids(&answer); !slices.Equal(got, []string{"h send max-fps=30", "l send"}) || simulcast(&answer) != "send h;l" {
		t.Errorf("%q and %q", got, simulcast(&answer))
	}
	if got := answer.Simulcasts(offer); !slices.Equal(got, []string{"h", "l"}) {
		t.Errorf("%q may be sent", got)
	}
	// What it can't keep to it doesn't promise (RFC 8851 §6.2.2).
	answer.Give(withLines(t, "a=rid:h recv max-fps=30;strange=3", "a=rid:l recv max-width=640", "a=simulcast:recv h;l"), own)
	if answer.Simulcast != nil || answer.RIDs != nil {
		t.Errorf("%q is promised", rids(&answer))
	}
	if answer.Give(withLines(t), own); answer.Simulcast != nil {
		t.Error("an answer gives what nobody wants")
	}
}

// An encoding that the answer has changed isn't sent (RFC 8851 §6.4).
func TestAnswerThatChangesEncodings(t *testing.T) {
	offer := withLines(t, "a=rid:h send pt=96,97;max-width=1280", "a=rid:l send", "a=simulcast:send h;l")
	for _, tt := range []struct{ line, want string }{
		{"a=rid:h recv pt=97,96;max-width=1280", "h,l"},
		{"a=rid:h recv pt=96,97;max-width=1280;max-fps=3", "l"},
		{"a=rid:h recv pt=96,97;max-width=2000", "l"},
		{"a=rid:h recv max-width=1280", "l"},
		{"a=rid:h recv pt=96;max-width=1280", "l"},
		{"a=rid:x recv", "l"},
	} {
		answer := withLines(t, tt.line, "a=rid:l recv", "a=simulcast:recv h;x;l")
		if got := strings.Join(offer.Simulcasts(answer), ","); got != tt.want {
			t.Errorf("%s: %s may be sent, want %s", tt.line, got, tt.want)
		}
	}
}
